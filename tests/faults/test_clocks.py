"""A wall clock that is set forward or back while a run goes on."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from fsmflow.runtime import Inbox, Transient
from fsmflow.spec import Ask, Budget, Duration, Wait
from tests.runtime.workbench import compiled, outcomes, retry, seconds, step

HOUR, YEAR = 3_600, 365 * 86_400
JUMPS = [HOUR, -HOUR, YEAR, -YEAR, 40 * YEAR]


@pytest.fixture(params=JUMPS, ids=lambda jump: f"{jump:+}s")
def jumping(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Have the wall clock jump each time that it is read."""
    real_ns, read = time.time_ns, [0]
    jump: int = request.param

    def now_ns() -> int:
        read[0] += 1
        return real_ns() + read[0] * jump * 10**9

    monkeypatch.setattr(time, "time_ns", now_ns)
    monkeypatch.setattr(time, "time", lambda: now_ns() / 1e9)
    return jump


def test_a_clock_that_jumps_an_hour_or_a_year_changes_nothing(jumping: int):
    """Timeouts, pauses, waits, questions, the ledger and the order of the trace go by monotonic time."""
    calls: list[int] = []

    async def work() -> str:
        calls.append(1)
        if len(calls) == 1:
            raise Transient("busy")
        if len(calls) == 2:
            await asyncio.sleep(30)
        return "x"

    states = {
        "a": step(timeout=Duration(80_000), retry=retry(3), success="rest"),
        "rest": Wait(wait=Duration(10_000), success="sure"),
        "sure": Ask(ask="Sure?", timeout=Duration(50_000), success="done", fallback="last"),
        "last": step(),
    }
    events: list[dict[str, Any]] = []
    runner = compiled(states, budget=Budget(time=seconds(60)))

    async def main() -> Any:
        return await runner.run(None, steps={"a": work, "last": work}, trace=events.append, desk=Inbox())

    result = asyncio.run(asyncio.wait_for(main(), 20))
    starts = [event["start_ns"] for event in events if "start_ns" in event]
    ends = [event["end_ns"] for event in events if "end_ns" in event]

    assert [outcome for _, outcome in outcomes(result) if outcome != "elapsed"] == [
        "transient", "transient", "success", "failure", "success"
    ]  # fmt: skip
    assert result.end == "done"
    assert 90_000 <= result.spent.time_us < 20_000_000
    assert starts == sorted(starts)
    assert ends == sorted(ends)
    assert ends[-1] - starts[0] < 20 * 10**9


def test_a_wish_as_a_date_is_bounded_by_the_cap_whatever_the_clock_says(jumping: int):
    """A date in Retry-After is read by the wall clock, the one thing that is; the longest pause bounds it."""

    class Busy(Exception):
        def __init__(self) -> None:
            self.status_code = 503
            self.headers = {"Retry-After": "Tue, 14 Nov 2023 22:13:30 GMT"}

    calls: list[int] = []

    async def work() -> None:
        calls.append(1)
        raise Busy

    runner = compiled({"a": step(retry=retry(2, cap=Duration(20_000)))})
    result = asyncio.run(asyncio.wait_for(runner.run(None, steps={"a": work}), 20))

    assert result.end == "failed"
    assert len(calls) in (1, 3)
    assert result.spent.time_us < 20_000_000
