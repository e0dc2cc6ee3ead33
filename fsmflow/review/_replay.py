"""A run to replay: its stages, and the edges of the drawing by which it came to each."""

from __future__ import annotations

from typing import Any

from fsmflow.analysis.traces.following import Followed, follow
from fsmflow.analysis.traces.recording import Recording, Stage, rest_of
from fsmflow.backends._wording import plain
from fsmflow.backends.diagram import LONGEST_NAME
from fsmflow.machine import Machine
from fsmflow.reporting.readable import readable
from fsmflow.reporting.trace_rows import UNDER_WAY
from fsmflow.reporting.trace_summary import Run, children
from fsmflow.review._values import Values
from fsmflow.review._ways import Ways


def replayed(machine: Machine, recording: Recording, ways: Ways, values: Values) -> dict[str, Any]:
    """Tell of a run; what it took, gave and said is put into `values`.

    Stages leave out what is empty. `by` are the edges that led to a stage, `last` those to the end.
    """
    followed = follow(machine, recording)
    led = [followed.launch, *followed.ways]
    unknown = {stage.state for stage in recording.stages} - set(ways.states)
    error = recording.error
    return {
        "run_id": recording.run_id,
        "trace_id": recording.trace_id,
        "profile": recording.profile or "",
        "given": values.number(readable(recording.given)),
        "output": values.number(readable(recording.output)),
        "error": None if error is None else values.number(readable(_plain(error._asdict()))),
        "end": recording.end or "",
        "kind": recording.kind or "",
        "ends": ways.states.get(recording.end or ""),
        "total": recording.total_us,
        "spent": dict(recording.spent),
        "note": _note(machine, recording, followed),
        "unknown": sorted(unknown),
        "stages": [
            _stage(stage, ways, values) | _by(ways.numbers(led[number]))
            for number, stage in enumerate(recording.stages)
        ],
        "last": ways.numbers(led[-1]),
        "failing": failing(recording),
    }


def failing(recording: Recording) -> int | None:
    """Give the number of the stage at which a run failed: its last attempt that did not succeed."""
    failed = [stage.number for stage in recording.stages if is_failure(stage)]
    return failed[-1] if failed else None


def is_failure(stage: Stage) -> bool:
    """Tell whether a stage is an attempt that did not succeed, or a question that nobody answered."""
    return stage.outcome not in ("success", "elapsed")


def _note(machine: Machine, recording: Recording, followed: Followed) -> str:
    """Say why a run may not fit the drawing."""
    if recording.workflow != machine.name:
        return f"This is a run of another workflow, {plain(recording.workflow, LONGEST_NAME)}."
    if not followed.begins and recording.digest == machine.digest:
        return f"This trace {rest_of(recording)}."
    if followed.stray is not None:
        return f"This version of the workflow can't do what the run did from stage {followed.stray:,} on."
    if recording.digest != machine.digest:
        return "This is a run of another version of the workflow."
    if recording.end is not None:
        return ""
    for each in recording.under_way:
        if each.state is not None:
            return f"The run was not over: {plain(each.state, LONGEST_NAME)} was {UNDER_WAY[each.kind]}."
    return "The trace breaks off: the run was not over."


def _stage(stage: Stage, ways: Ways, values: Values) -> dict[str, Any]:
    told: dict[str, Any] = {
        "state": ways.states.get(stage.state, stage.state),
        "kind": stage.kind,
        "visit": stage.visit,
        "attempt": stage.attempt,
        "start": stage.start_us,
        "time": stage.elapsed_us,
        "outcome": stage.outcome,
    }
    if stage.label is not None:
        told["label"] = stage.label
    if stage.kind in ("attempt", "question"):
        told |= {
            "given": values.number(readable(stage.given)),
            "output": values.number(readable(stage.output)),
        }
    # A rejected output's complaints are its message too.
    if stage.error and not "; ".join(stage.complaints).startswith(stage.error):
        told["error"] = values.number(stage.error)
    if stage.where:
        told["where"] = stage.where
    if stage.complaints:
        told["complaints"] = [values.number(complaint) for complaint in stage.complaints]
    if stage.steps > 1:
        told["steps"] = stage.steps
    if stage.children:
        told["children"] = [_child(run) for run in children(stage)]
    used = {name: amount for name, amount in stage.use.items() if amount}
    return told | ({"use": used} if used else {})


def _child(run: Run) -> dict[str, Any]:
    """Tell of the run of a child how it ended, what it took, and where it failed."""
    recording = run.recording
    told: dict[str, Any] = {
        "name": run.name,
        "workflow": recording.workflow,
        "kind": recording.kind or "",
        "end": recording.end or "",
        "time": recording.total_us,
        "use": {name: amount for name, amount in recording.spent.items() if amount and name != "time_us"},
    }
    if run.has_failed and run.failing is not None:
        last = run.failing.last
        told["why"] = ": ".join(word for word in (run.failing.name, last.error or last.outcome) if word)
    return told


def _by(edges: list[int]) -> dict[str, Any]:
    return {"by": edges} if edges else {}


def _plain(error: dict[str, Any]) -> dict[str, Any]:
    return {**error, "complaints": list(error["complaints"])}
