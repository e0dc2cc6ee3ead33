"""The option that gives a run its id, and by how much of it a run is named."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import click

from fsmflow.runtime.run_ids import ALLOWED, id_of

_RANDOM = re.compile("[0-9a-f]{32}")

Command = TypeVar("Command", bound=Any)


def run_id_option(command: Command) -> Command:
    """Give a command the option --run-id."""
    decorated: Command = click.option(
        "--run-id",
        callback=_checked,
        help=f"The run's id, which idempotency keys are made of; random unless given. {ALLOWED}.",
    )(command)
    return decorated


def _checked(_context: click.Context, _option: click.Parameter, run_id: str | None) -> str | None:
    if run_id is not None:
        try:
            id_of(run_id)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
    return run_id


def beginning(run_id: str) -> str:
    """Give what names a run in what is told: all of an id, but for random ones, of which none begin alike."""
    return run_id[:12] if _RANDOM.fullmatch(run_id) else run_id
