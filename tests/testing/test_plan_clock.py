"""Time under a plan, where the workflows that a run runs are real: each of them waits by itself."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fsmflow.runtime import Result, StepContext, Transient
from fsmflow.testing import plan
from tests.runtime.families import family

CHILD = """
output: str
budget: {steps: 4, time: 10min}
states:
  get:
    run: nowhere:get
    with: {name: $input.name}
    gives: str
    timeout: 2s
    effect: none
    success: done
    retry: {times: 2, backoff: 30s, factor: 1, jitter: none}
    fallback: failed
  done: {end: success, output: $get}
  failed: {end: failed}
"""


def running(how: str, time: str = "1h") -> str:
    """Give a workflow that plans names, and runs `child` on each, in so much time."""
    return f"""
budget: {{time: {time}}}
states:
  names: {{run: 'nowhere:names', gives: 'list[str]', effect: none, success: all, fallback: failed}}
  all: {{{how}, success: done, fallback: failed}}
  done: {{end: success, output: $all}}
  failed: {{end: failed, output: $error.message}}
"""


MAPPED = "map: child, over: $names, with: {name: $item}, at_most: 5, width: 3"
CALLED = "call: child, with: {name: busy}"


async def get(name: str, ctx: StepContext) -> str:
    """Take a moment, in which others wait; what is busy is so twice."""
    await asyncio.sleep(0.01)
    if name.startswith("busy") and ctx.attempt < 3:
        raise Transient("busy")
    return name


def ran(how: str, names: list[str], **more: Any) -> Result[Any]:
    parent = family(child=CHILD, all=running(how, **more))
    options = plan(parent, {"names": {"value": names}})
    options["steps"] = {**options["steps"], "all.get": get}
    return parent.run_sync(None, **options)


def test_a_child_that_waits_takes_no_time_of_another() -> None:
    """While children skip minutes of pauses, the attempts of others beside them go on to their end."""
    names = ["busy one", "b", "busy two", "d", "busy three"]
    result = ran(MAPPED, names)

    assert (result.end, result.output) == ("done", names)


@pytest.mark.parametrize("how", [MAPPED, CALLED], ids=["map", "call"])
def test_children_take_as_long_as_they_would(how: str) -> None:
    """Who runs children waits for the one that takes longest: what they skip side by side counts once."""
    result = ran(how, ["busy one", "busy two", "c"])

    assert result.end == "done"
    assert 60_000_000 <= result.spent.time_us < 90_000_000


@pytest.mark.parametrize("how", [MAPPED, CALLED], ids=["map", "call"])
def test_a_pause_of_a_child_ends_at_the_callers_cap(how: str) -> None:
    """A run's time is up in the midst of what a child skips, and the child is cut off there."""
    events: list[dict[str, Any]] = []
    parent = family(child=CHILD, all=running(how, time="40s"))
    options = plan(parent, {"names": {"value": ["busy one", "b"]}})
    options["steps"] = {**options["steps"], "all.get": get}
    result = parent.run_sync(None, **options, trace=events.append)

    assert result.end == "exceeded"
    assert 40_000_000 <= result.spent.time_us < 41_000_000
    assert "cancelled" in [event["kind"] for event in events if event["event"] == "end"]
