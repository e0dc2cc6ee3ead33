"""`fsmflow run`."""

from __future__ import annotations

import asyncio
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fsmflow.cli.inputs import given_of, misfit_told
from fsmflow.cli.output import CannotWrite, format_option, is_terminal, quiet_option
from fsmflow.cli.pipes import say
from fsmflow.cli.results import exit_code_of, tell
from fsmflow.cli.run_ids import run_id_option
from fsmflow.cli.signals import ENDINGS, heed
from fsmflow.cli.watched import Told, Watching, watching_options
from fsmflow.runtime import Rejected, Result, Runner, StepNotFound

if TYPE_CHECKING:
    pass

CANCELLED = 130


@click.command("run")
@click.argument("spec", type=click.Path(path_type=Path))
@click.argument("inputs", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--input", "source", help="Read the input, as JSON, from this file; - is standard input.")
@click.option("--profile", help="Use the step implementations of this profile.")
@watching_options
@click.option(
    "--plan",
    type=click.Path(path_type=Path),
    help="Let happen what this YAML file plans, in the place of steps; no wait takes time.",
)
@click.option(
    "--replay",
    type=click.Path(path_type=Path),
    help="Run again on what the steps gave in the run whose trace this file is; no input is needed.",
)
@click.option(
    "--with",
    "swaps",
    multiple=True,
    metavar="STEP=MODULE:NAME",
    help="In a replay, call this in the place of a step, and say what changes.",
)
@click.option(
    "--desk",
    type=click.Path(path_type=Path, file_okay=False),
    help="Put questions to people into this folder, not to this terminal; see `fsmflow answer`.",
)
@click.option(
    "--durable",
    type=click.Path(path_type=Path),
    help="Keep the run in this database, so that `fsmflow resume` can go on with it after a crash.",
)
@run_id_option
@format_option
@quiet_option
def command(
    spec: Path,
    inputs: tuple[str, ...],
    source: str | None,
    profile: str | None,
    trace: Path | None,
    bodies: str,
    record: Path | None,
    otel: bool,
    plan: Path | None,
    replay: Path | None,
    swaps: tuple[str, ...],
    run_id: str | None,
    durable: Path | None,
    desk: Path | None,
    form: str,
    quiet: bool,
) -> None:
    """Run the workflow SPEC on an input.

    The input is made of KEY=VALUE, where the value is text, and KEY:=VALUE, where it is JSON.

    A plan names, for some steps, what each attempt does, the last one again and again:
    `draft: [transient, invalid, ok]`; `fsmflow explain plan` tells all of it.

    A replay answers each attempt with what its step gave for the same input when --record, or --trace,
    recorded it. With --with, steps whose inputs change are called too, if they say `effect: none`.

    What the spec marks as `secret` is in no trace, message or question, but in what the run gives, and in
    what --record keeps.

    Exit codes: 0 success, 3 degraded, 4 handoff, 5 failed, 6 a budget was exceeded,
    7 a durable run waits for a person, 130 cancelled; 1 the spec has errors, 2 wrong usage.
    """
    from fsmflow.cli.load import load

    if swaps and replay is None:
        raise click.UsageError("--with is for a replay: name the recorded run in --replay FILE")
    if replay is not None and (inputs or source is not None or plan is not None or profile is not None):
        raise click.UsageError("a replay has its input and its outcomes from the recording")
    if desk is not None and (durable is not None or replay is not None):
        raise click.UsageError(
            "--desk is for runs that ask there: a durable one keeps its questions, a replay asks none"
        )
    given = given_of(inputs, source)
    watching = Watching(trace, bodies, record, otel)
    watching.check(spec, plan, replay, durable, Path(source) if source not in (None, "-") else None)
    if durable is not None:
        if plan is not None or replay is not None:
            raise click.UsageError("what is planned or replayed is not kept")
        from fsmflow.cli.resume import run_durably

        sys.exit(
            run_durably(
                spec,
                given,
                durable,
                inputs=inputs,
                profile=profile,
                run_id=run_id,
                watching=watching,
                form=form,
                quiet=quiet,
            )
        )
    runner = load(spec)
    options: dict[str, Any] = {"profile": profile}
    if run_id is not None:
        options["run_id"] = run_id
    if runner.asks:
        options["desk"] = _desk(desk)
    planned: tuple[str, ...] | None = None
    if plan is not None:
        from fsmflow.cli.planned import options_of

        found, planned = options_of(plan, runner, options.get("desk"), profile)
        options |= found
    with ExitStack() as stack:
        options |= watching.begin(stack)
        if options["trace"] is None:
            # What is not to be shown is known only of a run that is looked at.
            options["trace"] = Told(())
        if replay is None:
            result = _run(runner, given, options, inputs, quiet=quiet)
        else:
            from fsmflow.cli import replayed

            again = replayed.Replay(runner, replay, replayed.swaps(swaps, runner), options.get("record"))
            result = again.run(lambda g, more: _run(runner, g, options | more, (), quiet=True), form)
    tell(runner, result, form, quiet=quiet, planned=planned)
    sys.exit(exit_code_of(result))


def _desk(folder: Path | None) -> Any:
    """Give where people are asked: at this terminal, or where others find the question.

    Raises:
        CannotWrite: That is no place for one.
        NoHome: There is none.
    """
    from fsmflow.cli.desks import NoticedDesk, TerminalDesk, desk_folder

    if folder is None and is_terminal(sys.stdin, sys.stderr):
        return TerminalDesk()
    where = folder or desk_folder()
    try:
        where.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise CannotWrite(where, error) from error
    return NoticedDesk(where)


def _run(
    runner: Runner[Any, Any], given: Any, options: dict[str, Any], inputs: tuple[str, ...], *, quiet: bool
) -> Result[Any]:
    try:
        if quiet:
            return _carried_out(runner, given, options)
        from fsmflow.cli.desks import TerminalDesk
        from fsmflow.cli.progress import Lines, Progress, can_be_drawn_on

        if not can_be_drawn_on(sys.stderr):
            lines = Lines(runner.name, options.get("trace"))
            return _carried_out(runner, given, {**options, "trace": lines, "live": True})
        with Progress(runner, options.get("trace")) as progress:
            desk = options.get("desk")
            if isinstance(desk, TerminalDesk):
                desk.paused = progress.paused
            return _carried_out(runner, given, {**options, "trace": progress, "live": True})
    except Rejected as rejected:
        click.echo(misfit_told(rejected, inputs), err=True)
    except (StepNotFound, LookupError) as error:
        click.echo(str(error.args[0] if error.args else error), err=True)
    except (KeyboardInterrupt, asyncio.CancelledError):
        say("cancelled", err=True)
        sys.exit(CANCELLED)
    sys.exit(2)


def _carried_out(runner: Runner[Any, Any], given: Any, options: dict[str, Any]) -> Result[Any]:
    """Run to the end; to be interrupted or told to end cancels the run, so that its trace is whole."""

    async def running() -> Result[Any]:
        task = asyncio.current_task()
        assert task is not None
        heed(task.cancel, *ENDINGS)
        return await runner.run(given, **options)

    return asyncio.run(running())
