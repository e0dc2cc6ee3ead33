"""A recorded run for a terminal: its visits, attempts and pauses as a tree, with what each of them used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from fsmflow import glance
from fsmflow.analysis.traces.recording import Recording
from fsmflow.machine import Machine
from fsmflow.reporting import trace_amounts as amounts
from fsmflow.reporting.style import Style
from fsmflow.reporting.trace_layout import cut, listed, padded, wrapped
from fsmflow.reporting.trace_rows import HUES, SIGNS, Row, Rows, strays
from fsmflow.reporting.trace_summary import Summary, Visit
from fsmflow.reporting.visible import visible, width

_SIGN_HUES = {"×": "red", "»": "yellow"}

LEAD = 13
"""In which column a fact begins."""

WIDEST_NAME = 24
MOST_LINES = 2
"""How many lines of what went wrong are shown in the tree."""

COLUMNS = (("time", True), ("bar", False), ("share", True), ("tokens", True), ("money", True))
DROPPED = ("bar", "share")
"""What is left out first where there is little room."""


def render(recording: Recording, *, color: bool, columns: int = 80, machine: Machine | None = None) -> str:
    """Write a run as a tree.

    Args:
        recording: The run.
        color: Whether to use ANSI colours. Nothing in the run can bring in its own.
        columns: How wide the terminal is.
        machine: The machine that ran, if it is known: then caps and ways are told too.
    """
    return "\n".join(_Printer(Summary.of(recording), color, columns, machine).lines()) + "\n"


class _Printer:
    """The printing of one run."""

    def __init__(self, summary: Summary, color: bool, columns: int, machine: Machine | None) -> None:
        self.summary = summary
        self.recording = summary.recording
        self.style = Style(color)
        self.columns = columns
        self.machine = machine
        self.rows = Rows(summary, machine)

    def lines(self) -> Iterator[str]:
        yield from self.head()
        yield ""
        yield from self.table()
        yield ""
        yield from self.foot()

    def head(self) -> Iterator[str]:
        run = self.recording
        sign, hue = SIGNS[run.kind], HUES.get(run.kind or "")
        end = visible(run.end) if run.end is not None and run.kind is not None else "not over"
        kind = f"  {run.kind}" if run.kind not in (None, run.end) else ""
        said = self.style(f"{sign} {end}", hue, bold=True) + self.style(kind, dim=True)
        yield f"{said}  {visible(run.workflow)}"
        caps = None if self.machine is None else self.machine.caps
        yield from self.fact("used", listed(amounts.spent(run.spent, caps), self.columns - LEAD))
        if run.error is not None and run.kind not in ("success", None, "cancelled"):
            hue = "red" if run.kind == "failed" else "yellow"
            yield from self.fact("why", wrapped(self.summary.reason, self.columns - LEAD), hue)
        yield from self.extreme("slowest", self.summary.slowest, "time_us")
        yield from self.extreme("costliest", self.summary.costliest, self.summary.unit)

    def extreme(self, name: str, visit: Visit | None, resource: str) -> Iterator[str]:
        """Say which visit had the most of a resource, and how much of it all that is."""
        if visit is None:
            return
        used = visit.time_us if resource == "time_us" else visit.use[resource]
        what = {"time_us": "time", "tokens": "tokens", "micro_usd": "money"}[resource]
        part = f"{glance.percent(used, self.recording.spent[resource])} of the {what}"
        said = f"{visit.place}: {amounts.amount(resource, used)}, {part}"
        yield from self.fact(name, wrapped(said, self.columns - LEAD))

    def fact(self, name: str, lines: Iterable[str], hue: str | None = None) -> Iterator[str]:
        """Give a fact, its lines below each other."""
        for number, line in enumerate(lines):
            lead = padded(f"  {name if number == 0 else ''}", LEAD)
            yield self.style(lead, dim=True) + self.style(line, hue)

    def foot(self) -> Iterator[str]:
        run = self.recording
        profile = "" if run.profile is None else f"profile {run.profile}"
        facts = (f"trace {run.trace_id}", profile, amounts.began(run))
        for line in listed(filter(None, facts), self.columns - 2):
            yield self.style(f"  {line}", dim=True)
        for line in wrapped(strays(run), self.columns - 2):
            yield from (self.style(f"  {line}", "yellow"),) if line else ()

    def table(self) -> Iterator[str]:
        rows = list(self.rows.all())
        total = self.rows.total()
        spent = {"tokens": self.recording.spent["tokens"], "money": self.recording.spent["micro_usd"]}
        shown = [name for name, _ in COLUMNS if spent.get(name, True)]
        named = min(WIDEST_NAME, max(width(row.name) for row in [*rows, total]))
        told = max(width(row.outcome) for row in [*rows, total])
        sizes = {
            name: max(
                len(name) if name in ("tokens", "money", "time") else 0,
                *(width(row.cells.get(name, "")) for row in [*rows, total]),
            )
            for name in shown
        }
        for name in DROPPED:
            if _whole(named, told, sizes) > self.columns:
                sizes.pop(name, None)
        stacked = _whole(named, told, sizes) > self.columns
        if not stacked:
            heads = {name: name for name in ("time", "tokens", "money")}
            heading = self.cells(Row("", "step", "outcome", heads), named, told, sizes)
            yield self.style(heading.rstrip(), dim=True)
        for row in [*rows, total]:
            yield from self.row(row, named, told, sizes, stacked=stacked)

    def row(
        self, row: Row, named: int, told: int, sizes: Mapping[str, int], *, stacked: bool
    ) -> Iterator[str]:
        sign = self.style(f"{row.sign:<1} ", _SIGN_HUES.get(row.sign))
        lead = len(row.name) - len(row.name.lstrip())
        indent = 4 + lead
        if stacked or width(row.name) > named:
            for number, line in enumerate(wrapped(row.name.lstrip(), self.columns - 2 - lead)):
                yield (sign if number == 0 else "  ") + " " * lead + self.style(line, bold=row.strong)
            if stacked:
                words = listed(_in_words(row, sizes), self.columns - indent)
                yield from (f"{' ' * indent}{line}" for line in words)
            else:
                yield self.cells(row, named, told, sizes, nameless=True).rstrip()
        else:
            yield (sign + self.cells(row, named, told, sizes)[2:]).rstrip()
        for text, hue in row.below:
            for line in cut(text, self.columns - indent, MOST_LINES):
                yield " " * indent + self.style(line, hue or None, dim=not hue)

    def cells(
        self, row: Row, named: int, told: int, sizes: Mapping[str, int], *, nameless: bool = False
    ) -> str:
        name = padded("" if nameless else row.name, named)
        outcome = padded(row.outcome, told)
        sides = dict(COLUMNS)
        cells = [padded(row.cells.get(key, ""), size, right=sides[key]) for key, size in sizes.items()]
        name = self.style(name, bold=row.strong)
        outcome = self.style(outcome, row.hue)
        return "  ".join([f"  {name}", outcome, *cells])


def _in_words(row: Row, sizes: Mapping[str, int]) -> Iterator[str]:
    """Word the cells of a row where there are no columns to say what they are."""
    yield row.outcome or row.name.strip()
    for name in sizes:
        if row.cells.get(name, "–") != "–":
            yield f"{row.cells[name]} tokens" if name == "tokens" else row.cells[name]


def _whole(named: int, told: int, sizes: Mapping[str, int]) -> int:
    return 2 + named + 2 + told + sum(2 + size for size in sizes.values())
