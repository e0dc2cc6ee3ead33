"""`fsmflow run`."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fsmflow.cli.output import format_option, is_terminal, printed, quiet_option
from fsmflow.cli.pipes import say, whoever_reads
from fsmflow.cli.run_ids import run_id_option
from fsmflow.cli.watched import Told, Watching, watching_options
from fsmflow.runtime import Ended, Rejected, Result, Runner, StepNotFound

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

EXIT_CODES = {"success": 0, "degraded": 3, "handoff": 4, "failed": 5}
EXCEEDED = 6
CANCELLED = 130

WIDEST = 10_000
"""How many columns a table may take where they are not counted."""


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
    type=click.Path(path_type=Path),
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
    `draft: [transient, invalid, ok]`.

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

        options |= options_of(plan, runner, options.get("desk"))
        planned = tuple(options["steps"])
    with ExitStack() as stack:
        options |= watching.begin(stack)
        if options["trace"] is None:
            # What is not to be shown is known only of a run that is looked at.
            options["trace"] = Told(())
        if replay is None:
            result = _run(runner, given, options, quiet=quiet)
        else:
            from fsmflow.cli import replayed

            again = replayed.Replay(runner, replay, replayed.swaps(swaps, runner), options.get("record"))
            result = again.run(lambda g, more: _run(runner, g, options | more, quiet=True), form)
    tell(runner, result, form, quiet=quiet, planned=planned)
    sys.exit(exit_code_of(result))


def tell(
    runner: Runner[Any, Any],
    result: Result[Any],
    form: str,
    *,
    quiet: bool,
    planned: tuple[str, ...] | None = None,
) -> None:
    """Print a result, as text or as JSON; `planned` are the steps in whose place a plan stood, if one did."""
    if form == "json":
        found = _as_json(runner, result)
        if planned is not None:
            found["planned"] = list(planned)
        say(json.dumps(found, ensure_ascii=False, indent=2, allow_nan=False))
    else:
        show(result, quiet=quiet, planned=planned or ())


def exit_code_of(result: Result[Any]) -> int:
    """Give the exit code that tells how a run ended."""
    return EXCEEDED if result.end == "exceeded" else EXIT_CODES[result.kind]


def _desk(folder: Path | None) -> Any:
    """Give where people are asked: at this terminal, or where others find the question."""
    from fsmflow.cli.desks import NoticedDesk, TerminalDesk, desk_folder

    if folder is None and is_terminal(sys.stdin, sys.stderr):
        return TerminalDesk()
    return NoticedDesk(folder or desk_folder())


def given_of(inputs: tuple[str, ...], source: str | None) -> Any:
    """Read an input: a JSON file, KEY=VALUE and KEY:=JSON.

    Raises:
        click.UsageError: It can't be read.
    """
    given: Any = {}
    if source is not None:
        try:
            text = _standard_input() if source == "-" else Path(source).read_text(encoding="utf-8")
            given = json.loads(text)
        except OSError as error:
            raise click.UsageError(f"could not read {source}: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise click.UsageError(f"{source} is no JSON: {error}") from error
    if inputs and not isinstance(given, dict):
        raise click.UsageError("KEY=VALUE needs an input that is a mapping")
    for item in inputs:
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise click.UsageError(
                f"expected KEY=VALUE or KEY:=JSON, not {item!r}; --input takes one that is no mapping"
            )
        if not key.endswith(":"):
            given[key] = value
            continue
        try:
            given[key[:-1]] = json.loads(value)
        except (ValueError, RecursionError) as error:
            # What it is may be secret.
            raise click.UsageError(f"{key[:-1]}: what follows := is no JSON: {error}") from error
    return given


def _standard_input() -> str:
    return "" if sys.stdin is None else sys.stdin.read()


def _run(runner: Runner[Any, Any], given: Any, options: dict[str, Any], *, quiet: bool) -> Result[Any]:
    try:
        if quiet:
            return _carried_out(runner, given, options)
        from fsmflow.cli.desks import TerminalDesk
        from fsmflow.cli.progress import Lines, Progress

        if not is_terminal(sys.stderr):
            lines = Lines(runner.name, options.get("trace"))
            return _carried_out(runner, given, {**options, "trace": lines, "live": True})
        with Progress(runner, options.get("trace")) as progress:
            desk = options.get("desk")
            if isinstance(desk, TerminalDesk):
                desk.paused = progress.paused
            return _carried_out(runner, given, {**options, "trace": progress, "live": True})
    except Rejected as rejected:
        said = "\n".join(f"  {complaint}" for complaint in rejected.complaints)
        click.echo(f"the input does not fit its type:\n{said}", err=True)
    except (StepNotFound, LookupError) as error:
        click.echo(str(error.args[0] if error.args else error), err=True)
    except (KeyboardInterrupt, asyncio.CancelledError):
        click.echo("cancelled", err=True)
        sys.exit(CANCELLED)
    sys.exit(2)


def _carried_out(runner: Runner[Any, Any], given: Any, options: dict[str, Any]) -> Result[Any]:
    """Run to the end; to be interrupted or told to terminate cancels the run, so that its trace is whole."""

    async def running() -> Result[Any]:
        task = asyncio.current_task()
        assert task is not None
        # Windows has no such signal to handle, and its event loop says so.
        with suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await runner.run(given, **options)

    return asyncio.run(running())


def _as_json(runner: Runner[Any, Any], result: Result[Any]) -> dict[str, Any]:
    from fsmflow.runtime.trace import plain

    return {
        "schema": "fsmflow.run/1",
        "workflow": runner.name,
        "digest": runner.digest,
        "run_id": result.run_id,
        "trace_id": result.trace_id,
        "kind": result.kind,
        "end": result.end,
        "output": plain(result.output),
        "error": result.told["error"],
        "spent": result.spent._asdict(),
        "path": list(result.path),
    }


_MARKS = {
    "success": ("●", "green"),
    "degraded": ("▲", "yellow"),
    "handoff": ("→", "magenta"),
    "failed": ("×", "red"),
}


def show(result: Result[Any], *, quiet: bool, planned: tuple[str, ...] = ()) -> None:
    """Print a result for a person: how it ended, what it gives, the path, and what it used."""
    with whoever_reads(), printed(soft_wrap=True) as console:
        _show_end(result, console)
        if quiet:
            return
        console.print()
        console.print(_steps(result, console))
        console.print(f"\n  [dim]trace {result.trace_id}[/]")
        if planned:
            console.print(f"  [dim]planned: {', '.join(planned)} · time is virtual[/]")


def _show_end(result: Result[Any], console: Console) -> None:
    """Print how a run ended, what it gives, and why it gives no more."""
    from rich.markup import escape

    mark, color = _MARKS[result.kind]
    console.print(f"[bold {color}]{mark} {result.end}[/] [dim]{result.kind}[/]")
    facts = fields(result.output)
    if result.error is not None and result.kind != "success":
        error = result.told["error"]
        facts.append(("why", f"{error['state']}: {error['outcome']}, {error['message']}"))
    for name, value in facts:
        head = f"{name}  " if name else ""
        first, *rest = _lines(clean(value), 2 + len(head))
        console.print(f"  [dim]{escape(head)}[/]{escape(first)}")
        for line in rest:
            console.print(f"  {' ' * len(head)}{escape(line)}")


COLUMNS = ("  step", "outcome", "time", "tool calls", "tokens", "money")


def _steps(result: Result[Any], console: Console) -> Table:
    """Make the table of what a run did and used; on a terminal, of as many columns as fit, two at least."""
    rows = list(_rows(result))
    for number in range(len(COLUMNS), 1, -1):
        table = _table(rows, number)
        # A table that is too wide for a terminal is broken there, and cut nowhere.
        table.width = console.measure(table, options=console.options.update(max_width=WIDEST)).maximum
        if table.width <= console.width or not is_terminal(sys.stdout):
            break
    return table


def _table(rows: Iterable[tuple[str, ...]], number: int) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for place, name in enumerate(COLUMNS[:number]):
        table.add_column(name, justify="left" if place < 2 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row[:number])
    return table


def _rows(result: Result[Any]) -> Iterator[tuple[str, ...]]:
    for span in result.trace:
        again = f" #{span.visit}" if span.visit > 1 else ""
        attempt = f" attempt {span.attempt}" if span.attempt > 1 else ""
        event = span.event
        ended = isinstance(event, Ended)
        use = (event.use or (0, 0, 0)) if isinstance(event, Ended) else None
        good = span.outcome in ("success", "elapsed")
        yield (
            f"  {span.state}{again}[dim]{attempt}[/]",
            span.label or ("pause" if not ended else span.outcome if good else f"[red]{span.outcome}[/]"),
            _time(span.elapsed_us),
            *(("", "", "") if use is None else (str(use[0]), str(use[1]), _money(use[2]))),
        )
    spent = result.spent
    yield (
        "  [bold]in all[/]",
        f"[bold]{spent.steps} step{'s' * (spent.steps != 1)}[/]",
        f"[bold]{_time(spent.time_us)}[/]",
        f"[bold]{spent.tool_calls}[/]",
        f"[bold]{spent.tokens}[/]",
        f"[bold]{_money(spent.micro_usd)}[/]",
    )


def fields(output: Any) -> list[tuple[str, str]]:
    """Give what to show of an output, safe for a terminal: the fields of a record, or the value itself."""
    from fsmflow.runtime.trace import plain

    found = plain(output)
    if isinstance(found, dict):
        width = max((len(name) for name in found), default=0)
        return [(f"{clean(name):{width}}", clean(_word(value))) for name, value in found.items()]
    return [] if found is None else [("", clean(_word(found)))]


def _lines(text: str, lead: int) -> list[str]:
    """Break text for a terminal, beside a lead of so many columns; elsewhere a value stays on one line."""
    if not is_terminal(sys.stdout):
        return [text]
    from fsmflow.reporting.trace_layout import wrapped

    return list(wrapped(text, shutil.get_terminal_size((80, 24)).columns - lead))


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def clean(text: str) -> str:
    """Make text from a run safe for a terminal: no control characters, one line."""
    return "".join(
        c if c.isprintable() else " " if c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def _time(us: int) -> str:
    return f"{us / 1_000_000:.2f} s" if us >= 1_000_000 else f"{us / 1000:.1f} ms"


def _money(micro_usd: int) -> str:
    return f"${micro_usd / 1_000_000:.6f}".rstrip("0").rstrip(".")
