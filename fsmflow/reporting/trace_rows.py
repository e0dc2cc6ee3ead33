"""The lines of a run's tree: its visits, their attempts, and below them the runs that they started."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from attrs import define, field, frozen

from fsmflow import glance
from fsmflow.analysis.traces.following import follow
from fsmflow.analysis.traces.recording import LateCharge, Recording, Stage
from fsmflow.machine import Machine, Transition
from fsmflow.reporting import trace_amounts as amounts
from fsmflow.reporting.amounts import counted
from fsmflow.reporting.trace_fold import Folded, costliest, folded, slowest
from fsmflow.reporting.trace_summary import Run, Summary, Visit, tally
from fsmflow.reporting.visible import visible

SIGNS = {"success": "●", "degraded": "▲", "handoff": "→", "failed": "×", "cancelled": "■", None: "…"}
HUES = {
    "success": "green",
    "degraded": "yellow",
    "handoff": "magenta",
    "failed": "red",
    "cancelled": "yellow",
}
UNDER_WAY = {"attempt": "under way", "question": "waiting", "pause": "pausing", "wait": "pausing"}
GOOD = ("success", "elapsed")

_MOST_INDENTED = 6
"""From which depth on runs within runs are no longer set further in, so that narrow terminals have room."""


@frozen
class Row:
    """One line of the tree, in columns, and the lines below it."""

    sign: str
    name: str
    outcome: str
    cells: Mapping[str, str]
    below: tuple[tuple[str, str], ...] = ()
    hue: str | None = None
    strong: bool = False


@define
class Rows:
    """The rows of one run.

    Attributes:
        summary: The run.
        machine: The machine that ran, if it is known: then ways are told too.
        ways: For each stage, the transitions that followed it, as far as they are known.
    """

    summary: Summary
    machine: Machine | None
    ways: Sequence[tuple[Transition, ...]] = field(init=False)

    @ways.default
    def _ways(self) -> Sequence[tuple[Transition, ...]]:
        return () if self.machine is None else follow(self.machine, self.summary.recording).ways

    def all(self) -> Iterator[Row]:
        """Give the rows of the whole run."""
        yield from self._run(self.summary.whole, 0)

    def total(self) -> Row:
        """Give what it used in all."""
        used = self.summary.recording.spent
        cells = {"time": glance.time(used["time_us"]), "tokens": f"{used['tokens']:,}"}
        cells["money"] = amounts.money(used["micro_usd"])
        return Row("", "in all", counted(used["steps"], "step"), cells, strong=True)

    def _run(self, run: Run, depth: int) -> Iterator[Row]:
        late = deque(run.recording.late)
        for visit in run.visits:
            while late and late[0].after < visit.stages[0].number:
                yield _late(late.popleft(), depth)
            yield self._visit(visit, depth)
            if len(visit.stages) > 1:
                yield from (self._stage(stage, depth + 1) for stage in visit.stages)
            yield from self._children(visit.runs, depth + 1)
        yield from (_late(charge, depth) for charge in late)
        for each, runs in run.under_way:
            told = ((_tallied(runs, None), ""),) if runs else ()
            mark = (("» last seen here", "yellow"),) if run is self.summary.whole else ()
            name = f"{_lead(depth)}{visible(each.state or 'a step')}"
            yield Row("»" if mark else "", name, UNDER_WAY[each.kind], {}, (*mark, *told), strong=True)
            yield from self._children(runs, depth + 1)

    def _visit(self, visit: Visit, depth: int) -> Row:
        last = visit.last
        marks = self.summary.marks(visit)
        below = (
            [(f"» {' · '.join(marks)}", "red" if visit is self.summary.culprit else "yellow")]
            if marks
            else []
        )
        below += wrong(last) if len(visit.stages) == 1 else []
        below += [(_tallied(visit.runs, last.given), "")] if visit.runs else []
        left = self._left(last) if depth == 0 else ""
        below += [(left, "")] if left else []
        failed = visit in (self.summary.culprit, self.summary.failing)
        return Row(
            "×" if failed else "»" if marks else "",
            f"{_lead(depth)}{visible(visit.name)}",
            visible(outcome(last)),
            self._amounts(visit, depth),
            tuple(below),
            None if last.outcome in GOOD else "red",
            strong=True,
        )

    def _left(self, last: Stage) -> str:
        """Word where the run went from a visit, if it is known and was not just straight on."""
        taken = self.ways[last.number - 1] if last.number <= len(self.ways) else ()
        if all(way.name == "success" and way.used_up is None for way in taken):
            return ""
        return " ".join(f"→ {way.target} ({_called(way)})" for way in taken)

    def _stage(self, stage: Stage, depth: int) -> Row:
        lead = _lead(depth)
        if stage.kind in ("pause", "wait"):
            return Row("", f"{lead}pause", "", {"time": glance.time(stage.elapsed_us)})
        return Row(
            "",
            f"{lead}attempt {stage.attempt:,}",
            visible(outcome(stage)),
            _used(stage.elapsed_us, stage.use),
            tuple(wrong(stage)),
            None if stage.outcome in GOOD else "red",
        )

    def _amounts(self, visit: Visit, depth: int) -> dict[str, str]:
        first = visit.stages[0].kind
        if visit.is_question or first == "wait":
            cells = {"time": glance.time(visit.time_us)}
        else:
            cells = _used(visit.time_us, visit.use)
        whole = self.summary.recording.spent["time_us"]
        # What children have is a part of what the visit has that ran them, and may overlap.
        if depth == 0 and not visit.is_question:
            cells["bar"] = amounts.bar(visit.time_us, whole)
            cells["share"] = glance.percent(visit.time_us, whole) if whole else ""
        return cells

    def _children(self, runs: Sequence[Run], depth: int) -> Iterator[Row]:
        shown = list(folded(runs, lambda visit: bool(self.summary.marks(visit))))
        whose = {id(run): word for word, run in _extremes(runs)} if len(shown) < len(runs) else {}
        for each in shown:
            if isinstance(each, Folded):
                yield _fold(each, depth)
                continue
            yield _child(each, depth, whose.get(id(each), ""))
            yield from self._run(each, depth + 1)


def _late(charge: LateCharge, depth: int) -> Row:
    """Tell what came in late as part of no visit: it is that of an earlier one."""
    cells = {key: cell for key, cell in _used(0, charge.use).items() if key != "time"}
    below = (("charged by an attempt that had been cut off", ""),)
    return Row("", f"{_lead(depth)}{visible(charge.state)}", "late", cells, below)


def _lead(depth: int) -> str:
    return "  " * min(depth, _MOST_INDENTED)


def _extremes(runs: Sequence[Run]) -> Iterator[tuple[str, Run]]:
    """Say which of many runs stand out among them."""
    slow, dear = slowest(runs), costliest(runs)
    if slow is not None:
        yield "slowest of these" if slow is not dear else "slowest and costliest of these", slow
    if dear is not None and dear is not slow:
        yield "costliest of these", dear


def _child(run: Run, depth: int, note: str) -> Row:
    recording = run.recording
    named = (
        run.name
        if run.name == recording.workflow or isinstance(run.key, int)
        else f"{run.name}: {recording.workflow}"
    )
    end = recording.end if recording.kind is not None else "not over"
    return Row(
        "",
        f"{_lead(depth)}{visible(named)}",
        visible(f"{SIGNS[recording.kind]} {end or ''}".rstrip()),
        _used(recording.total_us, recording.spent),
        ((f"» {note}", "yellow"),) if note else (),
        HUES.get(recording.kind or ""),
    )


def _fold(fold: Folded, depth: int) -> Row:
    """Tell of runs that are not shown how many they are and what they used."""
    number = len(fold.runs)
    if fold.kinds == 1:
        name, kind = f"… {number:,} more alike", fold.runs[0].recording.kind
        said = f"{SIGNS[kind]} {fold.runs[0].recording.end or 'not over'}"
    else:
        name, kind = f"… {number:,} more", None
        said = f"of {fold.kinds:,} other kinds"
    spent = {unit: sum(run.recording.spent[unit] for run in fold.runs) for unit in ("tokens", "micro_usd")}
    cells = {key: cell for key, cell in _used(0, spent).items() if key != "time"}
    return Row("", f"{_lead(depth)}{name}", visible(said), cells, hue=HUES.get(kind or ""))


def _used(time_us: int, use: Mapping[str, int]) -> dict[str, str]:
    return {
        "time": glance.time(time_us),
        "tokens": f"{use['tokens']:,}" if use["tokens"] else "–",
        "money": amounts.money(use["micro_usd"]) if use["micro_usd"] else "–",
    }


def _tallied(runs: Sequence[Run], given: object) -> str:
    """Say how many runs a stage started of how many, of what, and how they came out."""
    found = tally(runs, given)
    number = f"{found.started:,}" if found.started == found.meant else f"{found.started:,} of {found.meant:,}"
    of = "" if found.workflow is None else f" of {visible(found.workflow)}"
    kinds = (kind for kind in SIGNS if kind in found.kinds)
    told = ", ".join(f"{found.kinds[kind]:,} {kind or 'not over'}" for kind in kinds)
    return f"{number} run{'' if found.meant == 1 else 's'}{of}: {told}"


def outcome(stage: Stage) -> str:
    """Word how a stage ended."""
    if stage.outcome == "success":
        return stage.label or ("answered" if stage.kind == "question" else "success")
    if stage.kind == "question" and stage.outcome == "failure":
        return "× no answer"
    return "waited" if stage.outcome == "elapsed" else f"× {stage.outcome}"


def wrong(stage: Stage) -> list[tuple[str, str]]:
    """Say what went wrong in an attempt: its complaints, or else its message, and where in the code."""
    if stage.complaints:
        return [(complaint, "") for complaint in stage.complaints]
    where = [(f"at {stage.where}", "")] if stage.where else []
    return [(stage.error, ""), *where] if stage.error else []


def _called(way: Transition) -> str:
    """Say what an edge is to a reader."""
    if way.used_up is not None:
        return f"else: {way.used_up} used up"
    return way.name


def strays(recording: Recording) -> str:
    """Say how much of a trace is left out, since it is of runs that have no beginning in it."""
    if not recording.strays:
        return ""
    lines = counted(recording.strays, "line")
    return f"{lines} of the trace left out: of runs that it does not tell the beginning of"
