"""Documented overruns that only a run can show: steps that misbehave, stopped by the generated runner.

No cap is passed, by any of them. What was used is told to the last token.
"""

from __future__ import annotations

import asyncio

import pytest

from fsmflow.runtime import StepContext, Transient
from fsmflow.testing.clock import SimulatedClock
from tests.generated import runner_of
from tests.incidents.clusters import CLUSTERS, analysis


def fails_after_spending(calls, clock, ctx: StepContext):
    ctx.charge(tokens=1_500)
    raise Transient


async def hangs(calls, clock, ctx: StepContext):
    await clock.sleep(3_600_000_000)


def reports_nothing(calls, clock, ctx: StepContext):
    return "poor"


def calls_an_unpriced_model(calls, clock, ctx: StepContext):
    ctx.charge(usd="0.03")
    return "poor"


def retries_by_itself(calls, clock, ctx: StepContext):
    for _ in range(6):
        ctx.charge(tool_calls=1)
    raise Transient


def fails_then_talks_nonsense(calls, clock, ctx: StepContext):
    if calls["work"] <= 3:
        raise Transient
    return "no number"


def sends_all_turns(calls, clock, ctx: StepContext):
    ctx.charge(tokens=1_000 * calls["turn"])
    return "poor"


def embeds_all_items(calls, clock, ctx: StepContext):
    ctx.charge(tokens=500 * calls["recall"])


def thinks_for_long(calls, clock, ctx: StepContext):
    ctx.charge(tokens=4_000)
    return "poor"


def wants_another_tool(calls, clock, ctx: StepContext):
    return "tool"


def answers(calls, clock, ctx: StepContext):
    return "That is all there is."


STOPPED = [
    ("retry loop", "failures_are_free", {"work": fails_after_spending}, "stopped", (6, 0, 9_000, 0)),
    ("retry loop", "timeouts_are_free", {"work": hangs}, "stopped", (3, 0, 9_000, 0)),
    ("retry loop", "retries_in_two_layers", {"work": retries_by_itself}, "failed", (1, 2, 0, 0)),
    ("retry loop", "retries_times_reasks", {"work": fails_then_talks_nonsense}, "failed", (8, 0, 0, 0)),
    ("retry loop", "iterations_are_not_money", {"turn": wants_another_tool}, "stopped", (33, 0, 0, 990_000)),
    ("context amplification", "growing_context", {"turn": sends_all_turns}, "failed", (5, 0, 15_000, 0)),
    (
        "storage amplification",
        "growing_memory",
        {"recall": embeds_all_items, "reply": reports_nothing},
        "stopped",
        (8, 0, 9_000, 0),
    ),
    (
        "provider options silently dropped",
        "option_is_dropped",
        {"think": thinks_for_long},
        "failed",
        (1, 0, 4_000, 0),
    ),
    ("cost observability", "usage_is_lost", {"work": reports_nothing}, "stopped", (11, 0, 8_800, 99_000)),
    ("cost observability", "unpriced_call", {"work": calls_an_unpriced_model}, "failed", (1, 0, 0, 30_000)),
    (
        "budget primitive missing",
        "no_step_is_left_to_say_so",
        {"work": reports_nothing, "say_so": answers},
        "short",
        (4, 0, 7_500, 0),
    ),
]


@pytest.mark.parametrize(("cluster", "name", "steps", "end", "spent"), STOPPED)
def test_an_incident_is_stopped(cluster, name, steps, end, spent):
    """A step that behaves as it did is stopped with nothing above a cap, and the run ends as planned."""
    machine = analysis(name).machine
    clock, calls = SimulatedClock(), dict.fromkeys(steps, 0)

    def counted(state):
        async def step(ctx: StepContext):
            calls[state] += 1
            result = steps[state](calls, clock, ctx)
            return await result if asyncio.iscoroutine(result) else result

        return step

    stand_ins = {state: counted(state) for state in steps}
    result = asyncio.run(runner_of(machine).run(None, steps=stand_ins, clock=clock))

    assert cluster in CLUSTERS
    assert (result.end, tuple(result.spent)[:4]) == (end, spent)
    for cap, used in zip(machine.caps.amounts(), result.spent, strict=True):
        assert cap is None or used <= cap
