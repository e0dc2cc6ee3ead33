"""Steps that run tasks of their own: what a group of tasks does to them is no cancellation of the run."""

import asyncio
import contextlib

import pytest

from fsmflow.spec import End
from tests.runtime.workbench import compiled, outcomes, run, seconds, step


async def fails():
    await asyncio.sleep(0)
    raise ValueError("page not found")


async def fails_at_once():
    raise ValueError("page not found")


async def waits():
    await asyncio.sleep(5)


def grouped(failing, *, body=False, handles=False):
    """Make a step with a group in which one task fails: while it waits for them, or while its block runs."""

    async def work():
        async with asyncio.TaskGroup() as group:
            group.create_task(failing())
            group.create_task(waits())
            if body:
                await waits()
        return 1

    async def handling():
        with contextlib.suppress(ExceptionGroup):
            await work()
        await asyncio.sleep(0)
        return 5

    async def in_context(ctx):
        return await (handling if handles else work)()

    return (handling if handles else work), in_context


@pytest.mark.parametrize("failing", [fails, fails_at_once])
@pytest.mark.parametrize("body", [False, True])
@pytest.mark.parametrize("number", [0, 1], ids=["plain", "context"])
def test_a_failed_group_is_a_failed_step(failing, body, number):
    """What a task of a group raises reaches the run as a failure, which takes its way."""
    function = grouped(failing, body=body)[number]
    states = {"work": step(timeout=seconds(60), fallback="next"), "next": step()}
    result = run(states, {"work": function, "next": lambda: 1})

    assert outcomes(result) == [("work", "failure"), ("next", "success")]
    assert "ExceptionGroup" in result.error.message


@pytest.mark.parametrize("failing", [fails, fails_at_once])
@pytest.mark.parametrize("body", [False, True])
@pytest.mark.parametrize("number", [0, 1], ids=["plain", "context"])
def test_a_failed_group_that_a_step_handles_is_its_own_business(failing, body, number):
    """A step may go on after a group has failed, again and again, and succeed."""
    handling = grouped(failing, body=body, handles=True)[number]

    async def work():
        return [await handling() for _ in range(3)][-1]

    async def work_in_context(ctx):
        return [await handling(ctx) for _ in range(3)][-1]

    states = {"work": step(success="given", timeout=seconds(60)), "given": End(end="success", output="$work")}
    result = run(states, {"work": work_in_context if number else work})

    assert (outcomes(result), result.output) == ([("work", "success")], 5)


@pytest.mark.parametrize("number", [0, 1], ids=["plain", "context"])
@pytest.mark.parametrize("body", [False, True])
@pytest.mark.parametrize("failing", [False, True])
def test_a_caller_who_cancels_while_a_group_waits_has_cancelled_the_run(number, body, failing):
    """What a group has done is taken back, and nothing else."""

    async def work():
        async with asyncio.TaskGroup() as group:
            if failing:
                group.create_task(fails())
            group.create_task(cleans_up())
            if body:
                await waits()
        return 1

    async def cleans_up():
        try:
            await waits()
        finally:
            await asyncio.sleep(0.05)

    async def work_in_context(ctx):
        return await work()

    async def main():
        runner = compiled({"work": step(timeout=seconds(60))})
        task = asyncio.create_task(runner.run(None, steps={"work": work_in_context if number else work}))
        await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(main())
