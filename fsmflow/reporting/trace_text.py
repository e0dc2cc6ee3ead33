"""A recorded run for a terminal: its visits, attempts and pauses as a tree, with what each of them used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import click
from attrs import frozen

from fsmflow import glance
from fsmflow.analysis.following import follow
from fsmflow.analysis.recording import Recording, Stage
from fsmflow.machine import Machine, Transition
from fsmflow.reporting import trace_amounts as amounts
from fsmflow.reporting.excerpt import visible
from fsmflow.reporting.trace_layout import cut, document, listed, padded, width, wrapped
from fsmflow.reporting.trace_summary import Summary, Visit

SIGNS = {"success": "●", "degraded": "▲", "handoff": "→", "failed": "×", "cancelled": "■", None: "…"}
HUES = {
    "success": "green",
    "degraded": "yellow",
    "handoff": "magenta",
    "failed": "red",
    "cancelled": "yellow",
}
_SIGN_HUES = {"×": "red", "»": "yellow"}
GOOD = ("success", "elapsed")

LEAD = 13
"""In which column a fact begins."""

WIDEST_NAME = 24
MOST_LINES = 2
"""How many lines of what went wrong are shown in the tree."""


@frozen
class _Row:
    """One line of the tree, in columns, and the lines below it."""

    sign: str
    name: str
    outcome: str
    cells: Mapping[str, str]
    below: tuple[tuple[str, str], ...] = ()
    hue: str | None = None
    strong: bool = False


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


def render_step(recording: Recording, state: str, *, color: bool, columns: int = 80) -> str:
    """Write every attempt of one state with its input, output and complaints, in full."""
    return "\n".join(_Printer(Summary.of(recording), color, columns, None).in_full(state)) + "\n"


class _Printer:
    """The printing of one run."""

    def __init__(self, summary: Summary, color: bool, columns: int, machine: Machine | None) -> None:
        self.summary = summary
        self.recording = summary.recording
        self.color = color
        self.columns = columns
        self.machine = machine
        self.ways: Sequence[tuple[Transition, ...]] = ()
        if machine is not None:
            self.ways = follow(machine, self.recording).ways

    def style(self, text: str, hue: str | None = None, *, bold: bool = False, dim: bool = False) -> str:
        return click.style(text, fg=hue, bold=bold or None, dim=dim or None) if self.color else text

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
            yield from self.fact("why", wrapped(self.reason(), self.columns - LEAD), hue)
        yield from self.extreme("slowest", self.summary.slowest, "time_us")
        yield from self.extreme("costliest", self.summary.costliest, self.summary.unit)

    def extreme(self, name: str, visit: Visit | None, resource: str) -> Iterator[str]:
        """Say which visit had the most of a resource, and how much of it all that is."""
        if visit is None:
            return
        used = visit.time_us if resource == "time_us" else visit.use[resource]
        what = {"time_us": "time", "tokens": "tokens", "micro_usd": "money"}[resource]
        part = f"{glance.percent(used, self.recording.spent[resource])} of the {what}"
        said = f"{visit.name}: {amounts.amount(resource, used)}, {part}"
        yield from self.fact(name, wrapped(said, self.columns - LEAD))

    def reason(self) -> str:
        error = self.recording.error
        assert error is not None
        failing = self.summary.failing
        where = failing.name if failing is not None else error.state
        return ": ".join(part for part in (where, error.outcome, error.message) if part)

    def fact(self, name: str, lines: Iterable[str], hue: str | None = None) -> Iterator[str]:
        """Give a fact, its lines below each other."""
        for number, line in enumerate(lines):
            lead = padded(f"  {name if number == 0 else ''}", LEAD)
            yield self.style(lead, dim=True) + self.style(line, hue)

    def foot(self) -> Iterator[str]:
        run = self.recording
        facts = [f"trace {run.trace_id}"]
        if run.profile is not None:
            facts.append(f"profile {run.profile}")
        when = amounts.began(run)
        facts += [when] if when else []
        for line in listed(facts, self.columns - 2):
            yield self.style(f"  {line}", dim=True)

    def table(self) -> Iterator[str]:
        rows = list(self.rows())
        total = self.total()
        shown = [
            name
            for name, _ in COLUMNS
            if name in ("time", "bar", "share") or self.recording.spent[_key(name)]
        ]
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
            heading = self.cells(_Row("", "step", "outcome", heads), named, told, sizes)
            yield self.style(heading.rstrip(), dim=True)
        for row in [*rows, total]:
            yield from self.row(row, named, told, sizes, stacked=stacked)

    def row(
        self, row: _Row, named: int, told: int, sizes: Mapping[str, int], *, stacked: bool
    ) -> Iterator[str]:
        sign = self.style(f"{row.sign:<1} ", _SIGN_HUES.get(row.sign))
        if stacked or width(row.name) > named:
            for number, line in enumerate(wrapped(row.name, self.columns - 2)):
                yield (sign if number == 0 else "  ") + self.style(line, bold=row.strong)
            if stacked:
                yield from (f"    {line}" for line in listed(_in_words(row, sizes), self.columns - 4))
            else:
                yield self.cells(row, named, told, sizes, nameless=True).rstrip()
        else:
            yield (sign + self.cells(row, named, told, sizes)[2:]).rstrip()
        indent = 4 + (len(row.name) - len(row.name.lstrip()))
        for text, hue in row.below:
            for line in cut(text, self.columns - indent, MOST_LINES):
                yield " " * indent + self.style(line, hue or None, dim=not hue)

    def cells(
        self, row: _Row, named: int, told: int, sizes: Mapping[str, int], *, nameless: bool = False
    ) -> str:
        name = padded("" if nameless else row.name, named)
        outcome = padded(row.outcome, told)
        sides = dict(COLUMNS)
        cells = [padded(row.cells.get(key, ""), size, right=sides[key]) for key, size in sizes.items()]
        name = self.style(name, bold=row.strong)
        outcome = self.style(outcome, row.hue)
        return "  ".join([f"  {name}", outcome, *cells])

    def rows(self) -> Iterator[_Row]:
        for visit in self.summary.visits:
            yield self.visit(visit)
            if len(visit.stages) > 1:
                yield from (self.stage(stage) for stage in visit.stages)

    def visit(self, visit: Visit) -> _Row:
        last = visit.last
        alone = len(visit.stages) == 1
        good = last.outcome in GOOD
        marks = self.summary.marks(visit)
        below = [(f"» {' · '.join(marks)}", "red" if "failed here" in marks else "yellow")] if marks else []
        below += _wrong(last) if alone else []
        left = self.left(last)
        below += [(left, "")] if left else []
        sign = "×" if visit is self.summary.failing else "»" if marks else ""
        outcome = visible(_outcome(last))
        return _Row(
            sign,
            visible(visit.name),
            outcome,
            self.amounts(visit.time_us, visit.use, visit.stages[0].kind == "wait"),
            tuple(below),
            None if good else "red",
            strong=True,
        )

    def left(self, last: Stage) -> str:
        """Word where the run went from a visit, if it is known and was not just straight on."""
        taken = self.ways[last.number - 1] if last.number <= len(self.ways) else ()
        if all(way.name == "success" and way.used_up is None for way in taken):
            return ""
        return " ".join(f"→ {way.target} ({_called(way)})" for way in taken)

    def stage(self, stage: Stage) -> _Row:
        if stage.kind != "attempt":
            return _Row("", "  pause", "", {"time": glance.time(stage.elapsed_us)})
        return _Row(
            "",
            f"  attempt {stage.attempt:,}",
            visible(_outcome(stage)),
            {**self.amounts(stage.elapsed_us, stage.use, False), "bar": "", "share": ""},
            tuple(_wrong(stage)),
            None if stage.outcome in GOOD else "red",
        )

    def amounts(self, time_us: int, use: Mapping[str, int], is_wait: bool) -> dict[str, str]:
        whole = self.recording.spent["time_us"]
        cells = {"time": glance.time(time_us), "bar": amounts.bar(time_us, whole)}
        cells["share"] = glance.percent(time_us, whole) if whole else ""
        if not is_wait:
            cells["tokens"] = f"{use['tokens']:,}" if use["tokens"] else "–"
            cells["money"] = amounts.money(use["micro_usd"]) if use["micro_usd"] else "–"
        return cells

    def total(self) -> _Row:
        used = self.recording.spent
        cells = {"time": glance.time(used["time_us"]), "tokens": f"{used['tokens']:,}"}
        cells["money"] = amounts.money(used["micro_usd"])
        return _Row("", "in all", amounts.counted(used["steps"], "step"), cells, strong=True)

    def in_full(self, state: str) -> Iterator[str]:
        """Give every attempt of one state with all that went in and came out."""
        first = True
        for visit in self.summary.visits:
            if visit.state != state:
                continue
            for stage in visit.stages:
                yield from () if first else ("",)
                first = False
                yield from self.attempt(visit, stage)

    def attempt(self, visit: Visit, stage: Stage) -> Iterator[str]:
        hue = None if stage.outcome in GOOD else "red"
        what = f"attempt {stage.attempt:,}" if stage.kind == "attempt" else stage.kind
        name = visit.state if visit.visit == 1 else visit.name
        facts = [f"{visible(name)}, {what}", glance.time(stage.elapsed_us)]
        facts += [amounts.amount(name, used) for name, used in stage.use.items() if used]
        said = visible(_outcome(stage)) if stage.kind == "attempt" else ""
        yield f"{self.style(facts[0], bold=True)}  {self.style(said, hue)}".rstrip()
        yield self.style(f"  {' · '.join(facts[1:])}", dim=True)
        if stage.kind != "attempt":
            return
        yield from self.block("input", document(stage.given, self.columns - 4))
        if stage.output is not None or stage.outcome == "success":
            name = "rejected" if stage.outcome == "invalid" else "output"
            yield from self.block(name, document(stage.output, self.columns - 4))
        if stage.complaints:
            yield from self.block("complaints", document(list(stage.complaints), self.columns - 4))
        elif stage.error:
            yield from self.block("message", wrapped(stage.error, self.columns - 4))
        if stage.retry_after_us is not None:
            yield from self.block("asked to be left alone for", iter([glance.time(stage.retry_after_us)]))

    def block(self, name: str, lines: Iterator[str]) -> Iterator[str]:
        yield self.style(f"  {name}", "cyan")
        yield from (f"    {line}" for line in lines)


def _in_words(row: _Row, sizes: Mapping[str, int]) -> Iterator[str]:
    """Word the cells of a row where there are no columns to say what they are."""
    yield row.outcome or row.name.strip()
    for name in sizes:
        if row.cells.get(name, "–") != "–":
            yield f"{row.cells[name]} tokens" if name == "tokens" else row.cells[name]


def _key(column: str) -> str:
    return {"tokens": "tokens", "money": "micro_usd"}[column]


def _whole(named: int, told: int, sizes: Mapping[str, int]) -> int:
    return 2 + named + 2 + told + sum(2 + size for size in sizes.values())


def _outcome(stage: Stage) -> str:
    if stage.outcome == "success":
        return stage.label or "success"
    return "waited" if stage.outcome == "elapsed" else f"× {stage.outcome}"


def _wrong(stage: Stage) -> list[tuple[str, str]]:
    """Say what went wrong in an attempt: its complaints, or else its message."""
    if stage.complaints:
        return [(complaint, "") for complaint in stage.complaints]
    return [(stage.error, "")] if stage.error else []


def _called(way: Transition) -> str:
    """Say what an edge is to a reader."""
    if way.used_up is not None:
        return f"else: {way.used_up} used up"
    return way.name
