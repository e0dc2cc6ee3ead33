"""`fsmflow resume`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fsmflow.cli.durable import (
    FINDING,
    database,
    db_option,
    how_to_answer,
    how_to_serve,
    in_database,
    opened,
)
from fsmflow.cli.output import format_option, is_terminal, quiet_option
from fsmflow.cli.run_ids import beginning
from fsmflow.cli.watched import Watching, watching_options

if TYPE_CHECKING:
    from fsmflow.engines.durable import Durable
    from fsmflow.runtime import Result

MOST = 100


@click.command("resume")
@click.argument("run", required=False)
@click.option("--all", "every", is_flag=True, help="Resume all runs that nobody carries out.")
@watching_options
@db_option
@format_option
@quiet_option
def command(
    run: str | None,
    every: bool,
    trace: Path | None,
    bodies: str,
    record: Path | None,
    otel: bool,
    db: Path | None,
    form: str,
    quiet: bool,
) -> None:
    """Take a durable run up where it was left, and carry it out.

    The run keeps to the machine that it was submitted with, whatever has become of its spec. Its trace, and
    what is recorded, is what happens from now on; `fsmflow runs RUN --trace` gives all of it.

    Exit codes: those of `fsmflow run`; 7 it waits for a person's answer; 1 another process has it, it is
    over, or it can't be taken up.
    """
    from fsmflow.cli.results import tell

    if (run is None) == (not every):
        raise click.UsageError("name a run, or say --all")
    watching = Watching(trace, bodies, record, otel)
    watching.check(database(db))
    if every and watching != Watching():
        raise click.UsageError("--trace, --bodies, --record and --otel are for one run")
    if every and form == "json":
        raise click.UsageError("--format json is for one run")
    with (
        ExitStack() as stack,
        opened(db, suspends=True, warn=lambda said: click.echo(said, err=True)) as durable,
    ):
        if run is not None:
            found = durable.find(run).run_id

            def telling(result: Result[Any]) -> None:
                tell(durable.workflow_of(found).runner, result, form, quiet=quiet)

            sys.exit(carried_out(durable, found, quiet=quiet, tell=telling, **watching.begin(stack)))
        sys.exit(_all_carried_out(durable))


def _all_carried_out(durable: Durable) -> int:
    """Carry out all runs that are due, one after the other, and give the exit code."""
    from fsmflow.cli.run import CANCELLED

    count, refused = 0, set[str]()
    # A run that can't be taken up stays due, and must not stand in the way of those after it.
    while due := [each for each in durable.due(most=MOST + len(refused)) if each not in refused]:
        for run_id in due:
            code = carried_out(durable, run_id, quiet=True)
            if code == CANCELLED:
                return code
            if code == FINDING:
                click.echo(f"{run_id} was not resumed", err=True)
                refused.add(run_id)
            else:
                count += 1
    if count:
        click.echo(f"resumed {count}")
    return FINDING if refused else 0


def carried_out(
    durable: Durable,
    run_id: str,
    *,
    quiet: bool,
    tell: Callable[[Result[Any]], None] | None = None,
    **options: Any,
) -> int:
    """Carry a run out, show what comes of it, or tell it as asked, and give the exit code."""
    from fsmflow.cli.results import exit_code_of, show
    from fsmflow.cli.run import CANCELLED
    from fsmflow.engines.durable import Corrupt, Fenced, NoSuchRun, Suspended, Taken, Unfit
    from fsmflow.engines.store import StoreError
    from fsmflow.runtime import LoadedElsewhere, StepNotFound

    where = in_database(durable.store.path)
    goes_on = f"stopped; fsmflow resume {beginning(run_id)}{where} goes on with it"
    try:
        result = asyncio.run(durable.resume(run_id, **options))
    except Suspended as suspended:
        _say_what_waits(run_id, suspended.asked, durable.store.path)
        return WAITING
    except (Corrupt, Fenced, NoSuchRun, Taken) as error:
        click.echo(str(error), err=True)
        return FINDING
    except (StepNotFound, LookupError) as error:
        click.echo(str(error.args[0]), err=True)
        if isinstance(error, LoadedElsewhere):
            click.echo(how_to_serve(durable.pinned(run_id)[1], durable.store.path), err=True)
        else:
            click.echo(_how_to_mend(run_id, where), err=True)
        return FINDING
    except Unfit as error:
        click.echo(f"{error}\n{_how_to_mend(run_id, where)}", err=True)
        return FINDING
    except StoreError as error:
        click.echo(f"{error}\n{goes_on}", err=True)
        return FINDING
    except (KeyboardInterrupt, asyncio.CancelledError):
        click.echo(goes_on, err=True)
        return CANCELLED
    if tell is None:
        show(result, quiet=quiet)
    else:
        tell(result)
    return exit_code_of(result)


def _how_to_mend(run_id: str, where: str) -> str:
    """Say what becomes of a run whose code is not what it was."""
    goes_on, ends = (f"fsmflow {command} {beginning(run_id)}{where}" for command in ("resume", "cancel"))
    return f"put that back, and {goes_on} goes on; or {ends} ends it"


def run_durably(
    spec: Path,
    given: Any,
    db: Path,
    *,
    inputs: tuple[str, ...],
    profile: str | None,
    run_id: str | None,
    watching: Watching,
    form: str,
    quiet: bool,
) -> int:
    """Run the workflow at `spec` as a durable run, and give the exit code."""
    from fsmflow.cli.desks import TerminalDesk
    from fsmflow.cli.inputs import misfit_told
    from fsmflow.cli.load import compile_one
    from fsmflow.cli.results import tell
    from fsmflow.engines.workflows import Workflow
    from fsmflow.runtime import Rejected, StepNotFound

    workflow = Workflow.of_spec(Path(compile_one(spec).path))
    at_terminal = is_terminal(sys.stdin, sys.stderr)
    desk = TerminalDesk() if at_terminal else None
    with ExitStack() as stack:
        durable = stack.enter_context(opened(db, must_exist=False, desk=desk, suspends=desk is None))
        try:
            submitted = durable.submit(workflow, given, run_id=run_id, profile=profile)
        except Rejected as rejected:
            click.echo(misfit_told(rejected, inputs), err=True)
            return 2
        except (StepNotFound, LookupError, ValueError) as error:
            click.echo(str(error.args[0]), err=True)
            return 2
        options = {"workflow": workflow, **watching.begin(stack)}
        telling = partial(tell, workflow.runner, form=form, quiet=quiet)
        return carried_out(durable, submitted, quiet=quiet, tell=telling, **options)


WAITING = 7
"""The exit code of a run that waits for a person."""


def _say_what_waits(run_id: str, asked: Any, db: Path) -> None:
    whom = f" {asked.role}" if asked.role else ""
    click.echo(
        f"`{asked.state}` asks{whom}: {asked.question}\n"
        f"  to answer: {how_to_answer(run_id, asked, db)}\n"
        f"  and then:  fsmflow resume {beginning(run_id)}{in_database(db)}",
        err=True,
    )
