"""A recorded run, and why it ended as it did, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs

from fsmflow.analysis.traces.recording import Recording, Stage
from fsmflow.reporting.trace_moves import Move
from fsmflow.reporting.trace_step import matching
from fsmflow.reporting.trace_summary import Run, Summary, Visit
from fsmflow.reporting.trace_why import Why

SHOW = "fsmflow.trace.show/1"
WHY = "fsmflow.trace.why/1"


def render(recording: Recording, step: str | None = None) -> str:
    """Write a run by its visits, and below them the runs of children that they started.

    Of one step alone, if it is named, with inputs and outputs; and where it is in the tree.
    """
    summary = Summary.of(recording)
    if step is None:
        visits = [_visit(visit) for visit in summary.visits]
    else:
        visits = [_where(visit) | _visit(visit, in_full=True) for visit in matching(summary, step)]
    return _written(
        {
            "schema": SHOW,
            **_identity(recording),
            "error": None if recording.error is None else recording.error._asdict(),
            "spent": dict(recording.spent),
            "total_us": recording.total_us,
            "failing": _place(summary.culprit),
            "slowest": _place(summary.slowest),
            "costliest": _place(summary.costliest),
            "visits": visits,
            **_late(recording),
            **_unfinished(summary.whole),
            **({"strays": recording.strays} if recording.strays else {}),
        }
    )


def render_why(recording: Recording, why: Why) -> str:
    """Write an explanation."""
    return _written(
        {
            "schema": WHY,
            **_identity(recording),
            "doubts": list(why.doubts),
            "ending": why.ending,
            "sentences": list(why.sentences),
            "before": list(why.before),
            "transitions": [_move(move) for move in why.chain],
            **_below(why),
        }
    )


def _below(why: Why) -> dict[str, Any]:
    """Tell why runs of children failed; nothing where none did."""
    found = [
        {
            "child": below.run.key,
            "place": below.run.place,
            **_identity(below.run.recording),
            "doubts": list(below.why.doubts),
            "ending": below.why.ending,
            "sentences": list(below.why.sentences),
            "transitions": [_move(move) for move in below.why.chain],
            "alike": below.alike,
            "otherwise": below.otherwise,
            **_below(below.why),
        }
        for below in why.below
    ]
    return {"children": found} if found else {}


def _identity(recording: Recording) -> dict[str, Any]:
    names = ("workflow", "digest", "profile", "trace_id", "run_id", "start_ns", "end", "kind")
    return {name: getattr(recording, name) for name in names}


def _place(visit: Visit | None) -> dict[str, Any] | None:
    return None if visit is None else {"state": visit.state, "visit": visit.visit, **_where(visit)}


def _where(visit: Visit) -> dict[str, Any]:
    """Tell, of a visit in the run of a child, which runs it is in, from the outermost."""
    found: list[dict[str, Any]] = []
    run = visit.within
    while run.above is not None:
        above = {"state": run.above.state, "visit": run.above.visit}
        found.insert(0, above | {"child": run.key, "workflow": run.recording.workflow})
        run = run.above.within
    return {"within": found} if found else {}


def _visit(visit: Visit, *, in_full: bool = False) -> dict[str, Any]:
    # Of one step there is all that it did, and not what its children did once more.
    runs = [] if in_full else [_run(run) for run in visit.runs]
    return {
        "state": visit.state,
        "visit": visit.visit,
        "time_us": visit.time_us,
        "use": dict(visit.use),
        "stages": [_stage(stage, in_full=in_full) for stage in visit.stages],
        **({"children": runs} if runs else {}),
    }


def _run(run: Run) -> dict[str, Any]:
    recording = run.recording
    return {
        "child": run.key,
        **_identity(recording),
        "spent": dict(recording.spent),
        "total_us": recording.total_us,
        "visits": [_visit(visit) for visit in run.visits],
        **_late(recording),
        **_unfinished(run),
    }


def _late(recording: Recording) -> dict[str, Any]:
    """Tell what attempts charged that had been cut off: it is that of no visit."""
    found = [
        {"after_stage": each.after, "state": each.state, "use": dict(each.use)} for each in recording.late
    ]
    return {"late": found} if found else {}


def _unfinished(run: Run) -> dict[str, Any]:
    """Tell of what was not over, and of the runs that it had started."""
    found = [
        {"state": each.state, "kind": each.kind, "children": [_run(child) for child in children]}
        for each, children in run.under_way
    ]
    return {"under_way": found} if found else {}


def _stage(stage: Stage, *, in_full: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: getattr(stage, name) for name in ("number", "kind", "attempt", "start_us", "elapsed_us")
    }
    if stage.kind not in ("attempt", "question"):
        return found
    found |= {"outcome": stage.outcome, "label": stage.label, "use": dict(stage.use)}
    found |= {"message": stage.error, "complaints": list(stage.complaints)}
    if stage.steps > 1:
        found["steps"] = stage.steps
    if stage.where:
        found["where"] = stage.where
    if in_full:
        found |= {"input": stage.given, "output": stage.output, "retry_after_us": stage.retry_after_us}
    return found


def _move(move: Move) -> dict[str, Any]:
    way = move.way
    return {
        "source": way.source,
        "target": way.target,
        "kind": way.kind,
        "label": way.label,
        "used_up": [
            {"target": closed.way.target, "kind": closed.way.kind, "cap": closed.cap}
            for closed in move.closed
        ],
        "lacks": [attrs.asdict(lack) for lack in move.lacks],
        "after_stage": move.number,
    }


def _written(found: Mapping[str, Any]) -> str:
    return json.dumps(found, ensure_ascii=False, indent=2, allow_nan=False)
