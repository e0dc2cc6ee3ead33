"""Durable runs while the wall clock is set, or goes on in a machine that sleeps."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from fsmflow.engines import stored_desk
from fsmflow.engines.durable import Durable, Suspended, Taken
from fsmflow.engines.serving import Worker
from fsmflow.engines.workflows import Workflow

HOUR = 3_600 * 10**9
STEPS = """
import asyncio

CALLS = []

async def find() -> str:
    CALLS.append(1)
    await asyncio.sleep({takes})
    return "x"
"""
SPEC = """
fsmflow: 1
workflow: clocks
budget: {steps: 10, time: 1h}
states:
  rest: {wait: 300ms, success: find}
  find: {run: clock_steps:find, timeout: 10s, effect: none, gives: str, success: ask, fallback: failed}
  ask: {ask: Is it?, timeout: 1d, success: {yes_: done, no_: failed}, fallback: failed}
  done: {end: success}
  failed: {end: failed}
"""


@pytest.fixture
def takes() -> float:
    """How long the workflow works, in seconds."""
    return 0.05


AT_WORK = pytest.mark.parametrize("takes", [0.6], ids=["at work"])
"""Lets it work for so long that much happens meanwhile."""


@pytest.fixture
def workflow(tmp_path: Path, takes: float) -> Iterator[Workflow]:
    """A workflow that pauses, works for a while, and asks."""
    (tmp_path / "clock_steps.py").write_text(STEPS.format(takes=takes))
    (tmp_path / "clocks.fsm.yaml").write_text(SPEC)
    yield Workflow.of_spec(tmp_path / "clocks.fsm.yaml")
    sys.path[:] = [path for path in sys.path if path != str(tmp_path)]
    sys.modules.pop("clock_steps", None)


class Wall:
    """A wall clock that can be set."""

    def __init__(self) -> None:
        self.ahead_ns = 0
        self._real = time.time_ns

    def time_ns(self) -> int:
        """Give the time that it shows."""
        return self._real() + self.ahead_ns


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    """The wall clock."""
    clock = Wall()
    monkeypatch.setattr(time, "time_ns", clock.time_ns)
    return clock


def test_a_pause_that_is_taken_up_takes_no_longer_than_it_says(
    workflow: Workflow, wall: Wall, tmp_path: Path
) -> None:
    """A pause that began by a clock that was ahead is over after its own length at the latest."""
    with Durable(tmp_path / "runs.db", suspends=True) as durable:
        run_id = durable.submit(workflow, {})
        wall.ahead_ns = HOUR

        async def begin() -> None:
            task = asyncio.ensure_future(durable.resume(run_id))
            await asyncio.sleep(0.15)
            task.cancel()
            await asyncio.wait([task])

        asyncio.run(begin())
        wall.ahead_ns = 0

        with pytest.raises(Suspended):
            asyncio.run(asyncio.wait_for(durable.resume(run_id), 5))


@AT_WORK
def test_a_clock_that_is_set_forward_takes_no_run_from_its_process(
    workflow: Workflow, wall: Wall, tmp_path: Path
) -> None:
    """While its process renews its lease a run stays with it, however late it is; nothing is done twice."""
    path = tmp_path / "runs.db"
    with (
        Durable(path, suspends=True, lease_s=0.8) as mine,
        Durable(path, suspends=True, lease_s=0.8) as other,
    ):
        run_id = mine.submit(workflow, {})

        async def main() -> BaseException | None:
            task = asyncio.ensure_future(mine.resume(run_id))
            await asyncio.sleep(0.5)
            wall.ahead_ns = HOUR
            with pytest.raises(Taken):
                await other.resume(run_id)
            await asyncio.wait_for(Worker(other).serve(until_idle=True), 10)
            await asyncio.wait([task])
            return task.exception()

        assert isinstance(asyncio.run(main()), Suspended)
    assert len(sys.modules["clock_steps"].CALLS) == 1


@AT_WORK
def test_a_clock_that_is_set_back_ends_no_lease(workflow: Workflow, wall: Wall, tmp_path: Path) -> None:
    """A run whose lease was renewed by a clock that was ahead is nobody else's to take."""
    with Durable(tmp_path / "runs.db", suspends=True, lease_s=0.4) as durable:
        run_id = durable.submit(workflow, {})
        wall.ahead_ns = HOUR

        async def main() -> tuple[list[str], BaseException | None]:
            task = asyncio.ensure_future(durable.resume(run_id))
            await asyncio.sleep(0.4)
            wall.ahead_ns = -HOUR
            await asyncio.sleep(0.2)
            due = durable.due(most=9)
            await asyncio.wait([task])
            return due, task.exception()

        due, ended = asyncio.run(main())

    assert due == []
    assert isinstance(ended, Suspended)


def test_a_question_that_a_process_waits_on_can_be_answered(
    workflow: Workflow, wall: Wall, tmp_path: Path
) -> None:
    """A process that slept with its machine waits on, and hears what is answered then."""
    with Durable(tmp_path / "runs.db") as durable:
        run_id = durable.submit(workflow, {})

        async def main() -> str:
            task = asyncio.ensure_future(durable.resume(run_id))
            while not durable.questions(run_id):
                await asyncio.sleep(0.05)
            wall.ahead_ns = 25 * HOUR
            durable.answer(run_id, "ask", "yes_")
            return (await asyncio.wait_for(task, 5)).end

        assert asyncio.run(main()) == "done"


def test_the_trace_of_a_resumed_run_is_in_order(workflow: Workflow, wall: Wall, tmp_path: Path) -> None:
    """What happened before a clock was set back is told before what happened after it, and takes as long."""
    with Durable(tmp_path / "runs.db", suspends=True) as durable:
        run_id = durable.submit(workflow, {})
        wall.ahead_ns = HOUR
        with pytest.raises(Suspended):
            asyncio.run(durable.resume(run_id))
        wall.ahead_ns = 0
        durable.answer(run_id, "ask", "yes_")
        trace = asyncio.run(asyncio.wait_for(durable.resume(run_id), 5)).trace

    assert [span.state for span in trace] == ["rest", "find", "ask"]
    for one, following in pairwise(trace):
        assert one.start_us + one.elapsed_us <= following.start_us
    assert trace[1].elapsed_us >= 40_000


def test_a_question_lasts_from_when_it_was_asked(workflow: Workflow, wall: Wall, tmp_path: Path) -> None:
    """However many processes a person is waited for in, the trace says for how long, and since when."""
    with Durable(tmp_path / "runs.db", suspends=True) as durable:
        run_id = durable.submit(workflow, {})
        for _ in range(2):
            with pytest.raises(Suspended):
                asyncio.run(durable.resume(run_id))
            wall.ahead_ns += HOUR
        durable.answer(run_id, "ask", "yes_")
        events: list[dict[str, Any]] = []
        result = asyncio.run(asyncio.wait_for(durable.resume(run_id, trace=events.append), 5))
    *_, find, ask = result.trace
    (told,) = [event for event in events if event["event"] == "answer"]

    assert events[0]["start_ns"] <= told["start_ns"] <= told["end_ns"] <= events[-1]["end_ns"]
    assert 2 * HOUR <= ask.elapsed_us * 1000 < 2 * HOUR + 60 * 10**9
    # Two clocks tell of it, which do not agree to the microsecond.
    assert abs(ask.start_us - (find.start_us + find.elapsed_us)) < 10_000_000


def test_a_question_takes_no_less_than_no_time(workflow: Workflow, wall: Wall, tmp_path: Path) -> None:
    """A clock that was set back since a question was asked does not make it end before it began."""
    with Durable(tmp_path / "runs.db", suspends=True) as durable:
        run_id = durable.submit(workflow, {})
        with pytest.raises(Suspended):
            asyncio.run(durable.resume(run_id))
        wall.ahead_ns = -HOUR
        durable.answer(run_id, "ask", "yes_")
        *_, ask = asyncio.run(asyncio.wait_for(durable.resume(run_id), 5)).trace

    assert ask.elapsed_us >= 0


def test_each_question_lasts_from_when_it_was_asked_itself(
    workflow: Workflow, wall: Wall, tmp_path: Path
) -> None:
    """How long the question before it had waited is no part of what one takes."""
    path = tmp_path / "clocks.fsm.yaml"
    again = "{ask: Sure?, timeout: 1d, success: {yes_: done, no_: failed}, fallback: failed}"
    spec = path.read_text().replace("yes_: done", "yes_: again")
    path.write_text(spec.replace("  done:", f"  again: {again}\n  done:"))
    with Durable(tmp_path / "runs.db") as durable:
        run_id = durable.submit(Workflow.of_spec(path), {})

        async def answered(*names: str) -> Any:
            task = asyncio.ensure_future(durable.resume(run_id))
            for name in names:
                while [each.state for each in durable.questions(run_id)] != [name]:
                    await asyncio.sleep(0.02)
                durable.answer(run_id, name, "yes_")
            return await asyncio.wait_for(task, 5)

        with Durable(tmp_path / "runs.db", suspends=True) as before, pytest.raises(Suspended):
            asyncio.run(before.resume(run_id))
        wall.ahead_ns = HOUR
        *_, ask, sure = asyncio.run(answered("ask", "again")).trace

    assert ask.elapsed_us * 1000 >= HOUR > sure.elapsed_us * 1000


def test_a_pause_that_is_taken_up_began_when_it_did(workflow: Workflow, tmp_path: Path) -> None:
    """What of a pause had passed in a process that ended lies before what this one does, and not behind."""
    with Durable(tmp_path / "runs.db") as durable:
        run_id = durable.submit(workflow, {})

        async def main() -> Any:
            task = asyncio.ensure_future(durable.resume(run_id))
            await asyncio.sleep(0.2)
            task.cancel()
            await asyncio.wait([task])
            task = asyncio.ensure_future(durable.resume(run_id))
            while not durable.questions(run_id):
                await asyncio.sleep(0.02)
            durable.answer(run_id, "ask", "yes_")
            return await asyncio.wait_for(task, 5)

        rest, find, _ = asyncio.run(main()).trace

    assert rest.elapsed_us >= 300_000
    assert rest.start_us + rest.elapsed_us <= find.start_us


def test_an_answer_of_the_last_moment_counts(
    workflow: Workflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was answered after a process last looked, and before its deadline, is heard all the same."""
    monkeypatch.setattr(stored_desk, "POLL_S", 60)
    spec = (tmp_path / "clocks.fsm.yaml").read_text().replace("timeout: 1d", "timeout: 300ms")
    (tmp_path / "clocks.fsm.yaml").write_text(spec)
    with Durable(tmp_path / "runs.db") as durable:
        run_id = durable.submit(Workflow.of_spec(tmp_path / "clocks.fsm.yaml"), {})

        async def main() -> str:
            task = asyncio.ensure_future(durable.resume(run_id))
            while not durable.questions(run_id):
                await asyncio.sleep(0.05)
            durable.answer(run_id, "ask", "yes_")
            return (await asyncio.wait_for(task, 5)).end

        assert asyncio.run(main()) == "done"
