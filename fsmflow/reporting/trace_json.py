"""A recorded run, and why it ended as it did, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs

from fsmflow.analysis.recording import Recording, Stage
from fsmflow.reporting.trace_moves import Move
from fsmflow.reporting.trace_summary import Summary, Visit
from fsmflow.reporting.trace_why import Why

SHOW = "fsmflow.trace.show/1"
WHY = "fsmflow.trace.why/1"


def render(recording: Recording, state: str | None = None) -> str:
    """Write a run by its visits; those of one state alone, with inputs and outputs, if it is named."""
    summary = Summary.of(recording)
    visits = [visit for visit in summary.visits if state is None or visit.state == state]
    return _written(
        {
            "schema": SHOW,
            **_identity(recording),
            "error": None if recording.error is None else recording.error._asdict(),
            "spent": dict(recording.spent),
            "total_us": recording.total_us,
            "failing": _place(summary.failing),
            "slowest": _place(summary.slowest),
            "costliest": _place(summary.costliest),
            "visits": [_visit(visit, in_full=state is not None) for visit in visits],
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
        }
    )


def _identity(recording: Recording) -> dict[str, Any]:
    names = ("workflow", "digest", "profile", "trace_id", "run_id", "start_ns", "end", "kind")
    return {name: getattr(recording, name) for name in names}


def _place(visit: Visit | None) -> dict[str, Any] | None:
    return None if visit is None else {"state": visit.state, "visit": visit.visit}


def _visit(visit: Visit, *, in_full: bool) -> dict[str, Any]:
    return {
        "state": visit.state,
        "visit": visit.visit,
        "time_us": visit.time_us,
        "use": dict(visit.use),
        "stages": [_stage(stage, in_full=in_full) for stage in visit.stages],
    }


def _stage(stage: Stage, *, in_full: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: getattr(stage, name) for name in ("number", "kind", "attempt", "start_us", "elapsed_us")
    }
    if stage.kind != "attempt":
        return found
    found |= {"outcome": stage.outcome, "label": stage.label, "use": dict(stage.use)}
    found |= {"message": stage.error, "complaints": list(stage.complaints)}
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
