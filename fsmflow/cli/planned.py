"""The fault plan of a run, read from a file and told what is wrong with it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from fsmflow.cli.hypothesis_home import elsewhere
from fsmflow.cli.output import wants_color
from fsmflow.cli.strategies import tell_hypothesis
from fsmflow.diagnostics import Diagnostic
from fsmflow.runtime import Desk, Options, Runner
from fsmflow.source import Document


def options_of(
    path: Path, runner: Runner[Any, Any], desk: Desk | None = None, profile: str | None = None
) -> tuple[Options, tuple[str, ...]]:
    """Give the options of a run of `runner` that goes as the file at `path` plans; exit if it is no plan.

    With them go the states whose steps or questions it plans. What is not planned of people's answers is
    asked at `desk`; steps that are called are those of `profile`.
    """
    from fsmflow.diagnostics import FsmflowError
    from fsmflow.loading.files import Unreadable
    from fsmflow.loading.yaml import load_file
    from fsmflow.runtime import StepNotFound
    from fsmflow.testing.plan_reading import PLAN, read_plan
    from fsmflow.testing.plan_steps import options

    if not path.exists():
        raise click.UsageError(f"there is no file {path}")
    if path.is_dir():
        raise click.UsageError(f"{path} is a folder; name a plan in it")
    # What a plan leaves open is drawn while the run goes on.
    click.get_current_context().with_resource(elsewhere())
    tell_hypothesis(runner.folder)
    try:
        document = load_file(path, PLAN)
    except Unreadable as unreadable:
        _refuse(path, unreadable.document, tuple(unreadable.diagnostics))
    try:
        reading = read_plan(document.tree, runner)
        if reading.diagnostics:
            _refuse(path, document, reading.diagnostics)
        plan = reading.plan
        names = (*runner.stages, *runner.questions)
        planned = tuple(name for name in names if plan.others == "ok" or name in plan.states)
        return options(plan, runner, desk, profile), planned
    except (FsmflowError, StepNotFound) as error:
        raise click.ClickException(str(error)) from error


def _refuse(path: Path, document: Document, diagnostics: tuple[Diagnostic, ...]) -> NoReturn:
    """Show what is wrong with a plan, and exit."""
    from fsmflow.reporting.report import Report
    from fsmflow.reporting.text import render

    told = render([Report(path.as_posix(), None, document, diagnostics)], color=wants_color(sys.stdout))
    # The line that sums up speaks of specs.
    click.echo(told.rstrip("\n").rpartition("\n\n")[0], color=True)
    sys.exit(1)
