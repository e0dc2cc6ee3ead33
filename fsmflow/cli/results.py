"""How a run ended, for a terminal: what it gives, the path that it took, and what it used; or as JSON."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from fsmflow.cli.output import is_terminal, printed
from fsmflow.cli.pipes import say, whoever_reads
from fsmflow.glance import time
from fsmflow.loading.joiners import belongs
from fsmflow.reporting.trace_amounts import money
from fsmflow.runtime import Ended, Late, Result, Runner

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

EXIT_CODES = {"success": 0, "degraded": 3, "handoff": 4, "failed": 5}
EXCEEDED = 6

WIDEST = 10_000
"""How many columns a table may take where they are not counted."""


def tell(
    runner: Runner[Any, Any],
    result: Result[Any],
    form: str,
    *,
    quiet: bool,
    planned: tuple[str, ...] | None = None,
) -> None:
    """Print a result, as text or as JSON; `planned` are the states that a plan stood in for, if one did."""
    if form == "json":
        found = _as_json(runner, result)
        if planned is not None:
            found["planned"] = list(planned)
        say(json.dumps(found, ensure_ascii=False, indent=2, allow_nan=False))
    else:
        show(result, quiet=quiet, planned=planned)


def exit_code_of(result: Result[Any]) -> int:
    """Give the exit code that tells how a run ended."""
    return EXCEEDED if result.end == "exceeded" else EXIT_CODES[result.kind]


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


def show(result: Result[Any], *, quiet: bool, planned: tuple[str, ...] | None = None) -> None:
    """Print a result for a person: how it ended, what it gives, the path, and what it used."""
    with whoever_reads(), printed(soft_wrap=True) as console:
        _show_end(result, console)
        if quiet:
            return
        console.print()
        console.print(fitted(console, COLUMNS, list(_rows(result)), left=2))
        console.print(f"\n  [dim]trace {result.trace_id}[/]")
        if planned is not None:
            console.print(f"  [dim]planned: {', '.join(planned) or 'nothing'} · time is virtual[/]")


def _show_end(result: Result[Any], console: Console) -> None:
    """Print how a run ended, what it gives, and why it gives no more."""
    from rich.markup import escape

    from fsmflow.reporting.visible import width

    mark, color = _MARKS[result.kind]
    console.print(f"[bold {color}]{mark} {result.end}[/] [dim]{result.kind}[/]")
    facts = fields(result.output)
    if result.error is not None and result.kind != "success":
        error = result.told["error"]
        facts.append(("why", f"{error['state']}: {error['outcome']}, {error['message']}"))
        facts += [("at ", result.where)] if result.where else []
    for name, value in facts:
        head = f"{name}  " if name else ""
        lead = width(head)
        first, *rest = _lines(clean(value), 2 + lead)
        console.print(f"  [dim]{escape(head)}[/]{escape(first)}")
        for line in rest:
            console.print(f"  {' ' * lead}{escape(line)}")


COLUMNS = ("  step", "outcome", "time", "tool calls", "tokens", "money")


def fitted(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]], *, left: int) -> Table:
    """Make a table whose first columns are words; on a terminal, of as many columns as fit, two at least."""
    for number in range(len(columns), 1, -1):
        table = _table(columns[:number], rows, left)
        # A table that is too wide for a terminal is broken there, and cut nowhere.
        table.width = console.measure(table, options=console.options.update(max_width=WIDEST)).maximum
        if table.width <= console.width or not is_terminal(sys.stdout):
            break
    return table


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], left: int) -> Table:
    from rich.table import Table

    number = len(columns)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for place, name in enumerate(columns):
        table.add_column(name, justify="left" if place < left else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row[:number])
    return table


def _rows(result: Result[Any]) -> Iterator[tuple[str, ...]]:
    for span in result.trace:
        if isinstance(span.event, Late):
            # An attempt that had been left charged it while the run stood here.
            yield (f"  {span.state}", "late", "", *_use(span.event.use))
            continue
        again = f" #{span.visit}" if span.visit > 1 else ""
        attempt = f" attempt {span.attempt}" if span.attempt > 1 else ""
        event = span.event
        ended = isinstance(event, Ended)
        use = (event.use or (0, 0, 0)) if isinstance(event, Ended) else None
        good = span.outcome in ("success", "elapsed")
        yield (
            f"  {span.state}{again}[dim]{attempt}[/]",
            span.label or ("pause" if not ended else span.outcome if good else f"[red]{span.outcome}[/]"),
            time(span.elapsed_us),
            *(("", "", "") if use is None else _use(use)),
        )
    spent = result.spent
    yield (
        "  [bold]in all[/]",
        f"[bold]{spent.steps:,} step{'s' * (spent.steps != 1)}[/]",
        f"[bold]{time(spent.time_us)}[/]",
        f"[bold]{spent.tool_calls:,}[/]",
        f"[bold]{spent.tokens:,}[/]",
        f"[bold]{money(spent.micro_usd)}[/]",
    )


def _use(use: tuple[int, int, int]) -> tuple[str, str, str]:
    return f"{use[0]:,}", f"{use[1]:,}", money(use[2])


def fields(output: Any) -> list[tuple[str, str]]:
    """Give what to show of an output, safe for a terminal: the fields of a record, or the value itself."""
    from fsmflow.reporting.readable import readable
    from fsmflow.reporting.trace_layout import padded
    from fsmflow.reporting.visible import width
    from fsmflow.runtime.trace import plain

    found = readable(plain(output))
    if isinstance(found, dict):
        names = [clean(name) for name in found]
        widest = max(map(width, names), default=0)
        values = (clean(_word(value)) for value in found.values())
        return [(padded(name, widest), value) for name, value in zip(names, values, strict=True)]
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
        c if c.isprintable() or belongs(text, place) else " " if c in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for place, c in enumerate(text)
    )
