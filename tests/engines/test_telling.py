"""The trace that a journal tells, beside the one that was told while the run went on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from fsmflow.analysis.traces.following import follow
from fsmflow.analysis.traces.recording import CHARGED, Recording, read
from fsmflow.engines.durable import Durable
from fsmflow.runtime import SystemClock
from fsmflow.testing.clock import SimulatedClock
from tests.conformance.case import Case, cases
from tests.conformance.compiled import workflow
from tests.conformance.engines import Kept
from tests.conformance.script import Crash, Script

Event = Mapping[str, Any]


def kept_cases() -> Iterator[Any]:
    """Give the cases that a durable run can be held to."""
    for case in cases():
        if case.needs - {"draws"} <= Kept.can:
            yield pytest.param(case, id=case.name)


@pytest.mark.parametrize("case", list(kept_cases()))
def test_a_journal_tells_what_was_told_when_it_happened(case: Case, tmp_path: Path) -> None:
    """Of each run and child it has the same events, whose children they are, and how long each took."""
    clock = SystemClock() if case.inside else SimulatedClock()
    script = Script(case, clock)
    live: list[Event] = []
    with Durable(tmp_path / "runs.db", desk=script, clock=clock) as durable:
        run_id = durable.submit(workflow(case), case.given)
        asyncio.run(_carried_out(durable, run_id, case, script, live))
        told = asyncio.run(durable.trace(run_id))

    assert _by_run(told, case) == _by_run(live, case)
    ids = [event["span_id"] for event in told if event["event"] not in ("end", "late")]
    assert len(set(ids)) == len(ids)
    recording = read("".join(json.dumps(event) + "\n" for event in told))
    assert follow(case.machine, recording).stray is None
    assert _added_up(recording) == {**recording.spent, "time_us": _added_up(recording)["time_us"]}


def _added_up(recording: Recording) -> Mapping[str, int]:
    """Add up what each stage of a run is on its ledger, lost attempts too."""
    ended = {name: sum(each.use[name] for each in (*recording.stages, *recording.late)) for name in CHARGED}
    steps = sum(stage.counted for stage in recording.stages)
    return {"steps": steps, **ended, "time_us": sum(stage.ledger_us for stage in recording.stages)}


async def _carried_out(durable: Durable, run_id: str, case: Case, script: Script, live: list[Event]) -> None:
    """Carry a run out, in as many processes as it takes."""
    while True:
        try:
            await durable.resume(run_id, workflow=workflow(case), steps=script.steps, trace=live.append)
        except Crash:
            continue
        return


def _by_run(events: Sequence[Event], case: Case) -> dict[str, list[Event]]:
    """Put events into the order of their runs, and name spans by what they are.

    A run that is taken up begins its trace again. That an attempt's process has ended is told by nobody then,
    nor how long children took in it; and how long a person took is told by the clock on the wall.
    """
    runs = {event["span_id"]: event["run_id"] for event in events if event["event"] == "run"}
    spans = {event["span_id"]: _name(event) for event in events if event["event"] == "attempt"}
    found: dict[str, list[Event]] = {}
    for event in events:
        kind = event["event"]
        own = runs[event["span_id" if kind in ("run", "end") else "parent_id"]]
        timeless = {key: value for key, value in event.items() if key not in _OF_ONE_TELLING}
        if kind == "run":
            timeless["parent"] = spans.get(event.get("parent_id", ""))
        elif kind not in ("end", "answer") and not ("crash" in case.needs and case.inside):
            timeless["took_us"] = (event["end_ns"] - event["start_ns"]) // 1000
        of_it = found.setdefault(own, [])
        if kind == "run":
            of_it[:1] = [timeless]
        elif not event.get("message", "").startswith("its process ended"):
            of_it.append(timeless)
    return found


_OF_ONE_TELLING = ("span_id", "parent_id", "start_ns", "end_ns")


def _name(event: Event) -> tuple[str, int, int]:
    return event["state"], event["visit"], event["attempt"]
