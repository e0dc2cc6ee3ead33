"""The trace of one run, read back from a file: what the run did, stage by stage, as plain data.

A stage that ran other workflows holds their runs, and so on: a recording is a tree.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal

from attrs import evolve, field, frozen

from fsmflow.analysis.traces.lines import BadTrace, Entry, entries
from fsmflow.analysis.traces.tree import Draft, draft
from fsmflow.loading.names import shown
from fsmflow.runtime.run import Error

CHARGED = ("tool_calls", "tokens", "micro_usd")
LEDGER = ("steps", *CHARGED, "time_us")
KINDS = ("success", "degraded", "handoff", "failed", "cancelled")

StageKind = Literal["attempt", "question", "pause", "wait"]


@frozen
class Stage:
    """One attempt of a step, one question to a person, one pause before a retry, or one wait.

    Times are in microseconds. What a person takes to answer is on no ledger.

    Attributes:
        number: Its place in the run, from 1.
        kind: What it is.
        state: The state in which the run stood.
        visit: How often that state had been entered.
        attempt: Which attempt of the visit it was, or followed.
        start_us: When it began, since the run's start.
        elapsed_us: How long it took.
        outcome: How the attempt or the question ended; `elapsed` for a pause or a wait, and `lost` for an
            attempt whose process ended, which was made again.
        label: The label of a labelled success.
        given: The arguments of the attempt, as plain data; of a question what was shown.
        output: What it gave, as plain data.
        error: What went wrong; empty if nothing did.
        use: What it used: `tool_calls`, `tokens`, `micro_usd`.
        complaints: Why its output was rejected.
        retry_after_us: How long a server asked to be left alone.
        draw: The number from [0, 1) that was drawn for a pause that might follow.
        steps: How many steps an attempt counts as: itself, and those of its children.
        where: Where in a step's code a bug was met: `steps.py:12`; empty if none was.
        children: The runs of other workflows that it started, in order.
    """

    number: int
    kind: StageKind
    state: str
    visit: int
    attempt: int
    start_us: int
    elapsed_us: int
    outcome: str
    label: str | None = None
    given: Any = None
    output: Any = None
    error: str = ""
    use: Mapping[str, int] = field(factory=lambda: dict.fromkeys(CHARGED, 0))
    complaints: tuple[str, ...] = ()
    retry_after_us: int | None = None
    draw: float = 0.0
    steps: int = 1
    where: str = ""
    children: tuple[Child, ...] = ()

    @property
    def counted(self) -> int:
        """How many steps it is on the ledger."""
        return self.steps if self.kind == "attempt" else 0

    @property
    def ledger_us(self) -> int:
        """How much time it is on the ledger."""
        return 0 if self.kind == "question" else self.elapsed_us


@frozen
class Child:
    """The run of a workflow that an attempt started.

    Attributes:
        key: Which of its children it is: a number from 0, a name, or None where there is but one.
        recording: The run.
    """

    key: int | str | None
    recording: Recording


@frozen
class UnderWay:
    """What is not over, and the runs that it has started.

    Attributes:
        state: The state in which the run stands; None where the trace does not say.
        kind: What it is; a wait is a `pause` here.
        children: The runs.
    """

    state: str | None
    kind: StageKind
    children: tuple[Child, ...]


@frozen
class LateCharge:
    """What an abandoned attempt charged, after it was cut off: booked where the run stood by then.

    It is written down when the next stage is over, just before that one.

    Attributes:
        after: The number of the stage that was the latest to be over.
        state: The state in which the run stood.
        use: What was charged.
    """

    after: int
    state: str
    use: Mapping[str, int]


@frozen(kw_only=True)
class Recording:
    """One run, as its trace tells it.

    Attributes:
        trace_id: The run's W3C trace id.
        run_id: The run's id.
        workflow: The name of the workflow.
        digest: The digest of the machine that ran.
        profile: The profile whose steps were called.
        start_ns: When it began, in nanoseconds since 1970.
        given: Its input, as plain data.
        stages: What it did, in order.
        end: The end it came to, or `cancelled`; None of a run that is not over.
        kind: The kind of that end, or `cancelled`.
        output: What it gave, as plain data.
        error: The latest way out that it took.
        spent: What it used: `steps`, `tool_calls`, `tokens`, `micro_usd`, `time_us`.
        total_us: How long it took in all, in microseconds.
        late: What abandoned attempts charged.
        under_way: What it had begun when the trace breaks off, as far as that is told, or children of it are.
        strays: How many lines of the trace are of runs that it does not tell the beginning of.
    """

    trace_id: str
    run_id: str
    workflow: str
    digest: str
    profile: str | None
    start_ns: int
    given: Any
    stages: tuple[Stage, ...]
    end: str | None
    kind: str | None
    output: Any
    error: Error | None
    spent: Mapping[str, int]
    total_us: int
    late: tuple[LateCharge, ...] = ()
    under_way: tuple[UnderWay, ...] = ()
    strays: int = 0


def rest_of(recording: Recording) -> str:
    """Say of a recording that tells only the rest of a run how to have the whole."""
    whole = f"`fsmflow runs {shown(recording.run_id[:12])} --trace FILE` writes all that a durable run did"
    return f"does not hold the run from its beginning: {whole}"


def read(text: str) -> Recording:
    """Read the trace of one run: a JSON document a line, as `fsmflow run --trace FILE` writes them.

    A trace that breaks off, in the middle of a line or before its `end`, is that of a run that is not
    over. Events that this version does not know are passed over, and lines of runs that the trace does not
    tell the beginning of are counted.

    Raises:
        BadTrace: It is no such trace.
    """
    try:
        return _read(io.BytesIO(text.encode()))
    except UnicodeEncodeError:
        raise BadTrace("expected text, not half of a character") from None


def read_file(path: Path) -> Recording:
    """Read the trace of one run from a file; see `read`.

    Raises:
        BadTrace: It holds no such trace.
        OSError: It can't be read.
    """
    if path.exists() and not path.is_file():
        raise BadTrace(f"{path}: expected a file")
    with path.open("rb") as file:
        try:
            return _read(file)
        except BadTrace as bad:
            raise BadTrace(f"{path}: {bad}") from None


def _read(file: BinaryIO) -> Recording:
    top, strays = draft(entries(file))
    return evolve(_recording(top, top.opening.text("trace_id")), strays=strays)


def _recording(run: Draft, trace_id: str) -> Recording:
    opening, closing = run.opening, run.closing
    start_ns = opening.count("start_ns")
    stages, late = _stages(run, start_ns, trace_id)
    under_way = tuple(_under_way(run, trace_id))
    total_us = max(_ends(stages, under_way, start_ns), default=0)
    kind, spent = None, _added_up(stages, late, under_way)
    if closing is not None:
        kind, spent = closing.text("kind"), closing.amounts("spent", LEDGER)
        if kind not in KINDS:
            closing.refuse("kind", f"one of {', '.join(KINDS)}")
        total_us = (closing.no_sooner("end_ns", start_ns) - start_ns) // 1000
    return Recording(
        trace_id=trace_id,
        run_id=opening.text("run_id"),
        workflow=opening.text("workflow"),
        digest=opening.text("digest"),
        profile=opening.maybe_text("profile"),
        start_ns=start_ns,
        given=opening.any("input"),
        stages=stages,
        end=None if closing is None else closing.text("end"),
        kind=kind,
        output=None if closing is None else closing.any("output"),
        error=None if closing is None else closing.error(),
        spent=spent,
        total_us=total_us,
        late=late,
        under_way=under_way,
    )


def _ends(stages: Sequence[Stage], under_way: Sequence[UnderWay], start_ns: int) -> Iterator[int]:
    """Give when each part of a run was over, or was last heard of."""
    yield from (stage.start_us + stage.elapsed_us for stage in stages)
    for child in (child.recording for each in under_way for child in each.children):
        yield (child.start_ns - start_ns) // 1000 + child.total_us


def _stages(run: Draft, start_ns: int, trace_id: str) -> tuple[tuple[Stage, ...], tuple[LateCharge, ...]]:
    stages: list[Stage] = []
    late: list[LateCharge] = []
    ran = dict(run.ran)
    for entry in run.events:
        event = entry.text("event")
        if event == "late":
            late.append(LateCharge(len(stages), entry.text("state"), entry.amounts("use", CHARGED)))
            continue
        stage = _stage(entry, event, start_ns, stages[-1] if stages else None)
        # An id that comes twice has its children once.
        started = ran.pop(entry.id("span_id") or "", []) if event == "attempt" else []
        stages.append(evolve(stage, children=tuple(_children(started, trace_id))) if started else stage)
    return tuple(stages), tuple(late)


def _children(runs: Sequence[Draft], trace_id: str) -> Iterator[Child]:
    for run in runs:
        yield Child(run.opening.child(), _recording(run, trace_id))


def _under_way(run: Draft, trace_id: str) -> Iterator[UnderWay]:
    for span in run.unwritten:
        begun = run.begun.get(span)
        state = None if begun is None else begun.text("state")
        kind = _KINDS.get("" if begun is None else begun.text("of"), "attempt")
        yield UnderWay(state, kind, tuple(_children(run.ran.get(span, ()), trace_id)))


_KINDS: Mapping[str, StageKind] = {"question": "question", "pause": "pause"}


def _added_up(
    stages: Sequence[Stage], late: Sequence[LateCharge], under_way: Sequence[UnderWay]
) -> dict[str, int]:
    """Give the ledger of a run that is not over, with what the children of its last attempt have used."""
    under_way = [each for each in under_way if each.children]
    runs = [child.recording.spent for each in under_way for child in each.children]
    charges = [stage.use for stage in stages] + [charge.use for charge in late] + runs
    spent = {name: sum(use[name] for use in charges) for name in CHARGED}
    steps = sum(stage.counted for stage in stages) + sum(use["steps"] for use in runs) + len(under_way)
    time = sum(stage.ledger_us for stage in stages) + sum(map(_time_under_way, under_way))
    return {"steps": steps, **spent, "time_us": time}


def _time_under_way(attempt: UnderWay) -> int:
    """Give the time that an attempt is known to have taken: until the last that its children did."""
    runs = [child.recording for child in attempt.children]
    first_ns = min(run.start_ns for run in runs)
    return max((run.start_ns - first_ns) // 1000 + run.spent["time_us"] for run in runs)


def _stage(entry: Entry, event: str, run_ns: int, before: Stage | None) -> Stage:
    start_ns = entry.no_sooner("start_ns", run_ns)
    state, visit = entry.text("state"), entry.count("visit", 1)
    follows = before is not None and (before.state, before.visit) == (state, visit)
    waited: StageKind = "pause" if follows else "wait"
    kinds: dict[str, StageKind] = {"attempt": "attempt", "answer": "question"}
    stage = Stage(
        number=1 if before is None else before.number + 1,
        kind=kinds.get(event, waited),
        state=state,
        visit=visit,
        attempt=entry.count("attempt", 1),
        start_us=(start_ns - run_ns) // 1000,
        elapsed_us=(entry.no_sooner("end_ns", start_ns) - start_ns) // 1000,
        outcome="elapsed" if event == "pause" else entry.text("outcome"),
    )
    if event == "pause":
        return stage
    stage = evolve(
        stage,
        label=entry.maybe_text("label"),
        given=entry.any("input"),
        output=entry.any("output"),
        error=entry.text("message"),
    )
    if event == "answer":
        return stage
    return evolve(
        stage,
        use=entry.amounts("use", CHARGED),
        complaints=entry.texts("complaints"),
        retry_after_us=entry.maybe_count("retry_after_us"),
        draw=entry.draw(),
        steps=entry.count("steps", 1) if "steps" in entry.found else 1,
        where=entry.text("where") if "where" in entry.found else "",
    )
