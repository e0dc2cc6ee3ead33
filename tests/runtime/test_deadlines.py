"""Cutting attempts off, and being cancelled from outside."""

import asyncio
import contextlib
import subprocess
import sys
import threading
import time
from itertools import pairwise

import pytest

from fsmflow.runtime import Transient, clock
from fsmflow.spec import Budget, Cost, Wait
from tests.runtime.workbench import compiled, outcomes, retry, run, seconds, step


async def forever():
    await asyncio.Event().wait()


def test_a_timeout_cancels_an_async_step():
    """An async step past its timeout is cancelled where it waits, and cleans up."""

    async def work():
        try:
            await forever()
        finally:
            cleaned.append(True)

    cleaned = []
    result = run({"work": step(timeout=seconds(0.02))}, {"work": work})

    assert outcomes(result) == [("work", "transient")]
    assert cleaned == [True]
    assert "timeout" in result.error.message


def test_a_step_that_swallows_its_cancellation_is_cut_off_all_the_same():
    """A value returned after the deadline's cancellation is no success."""

    async def work():
        try:
            await forever()
        except asyncio.CancelledError:
            return "too late"

    for options in ({}, {"gives": "str"}, {"accept": ["builtins:len"]}):
        result = run({"work": step(timeout=seconds(0.02), **options)}, {"work": work})

        assert outcomes(result) == [("work", "transient")]


def test_a_step_that_swallows_and_waits_on_is_cancelled_again(monkeypatch):
    """A step can't hold a run up by waiting on after its cancellation."""
    monkeypatch.setattr(clock, "AGAIN_US", 10_000)

    async def work():
        for _ in range(3):
            try:
                await forever()
            except asyncio.CancelledError:
                swallowed.append(True)

    swallowed = []
    result = run({"work": step(timeout=seconds(0.02))}, {"work": work})

    assert outcomes(result) == [("work", "transient")]
    assert len(swallowed) == 3


def test_a_run_is_not_marked_cancelled_by_its_own_deadlines():
    """After a cut-off the caller's task can be cancelled, timed and waited on as before."""

    async def main():
        await compiled({"work": step(timeout=seconds(0.01))}).run(None, steps={"work": forever})
        await asyncio.sleep(0)
        return asyncio.current_task().cancelling()

    assert asyncio.run(main()) == 0


def test_a_task_that_swallowed_a_cancellation_before_can_still_run_workflows():
    """Deadlines and steps' own cancellations are told from one that the caller swallowed long ago."""

    async def raises():
        raise asyncio.CancelledError

    async def main():
        task = asyncio.current_task()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0)
        cut = await compiled({"work": step(timeout=seconds(0.01))}).run(None, steps={"work": forever})
        own = await compiled({"work": step()}).run(None, steps={"work": raises})
        return outcomes(cut) + outcomes(own)

    assert asyncio.run(main()) == [("work", "transient"), ("work", "failure")]


def test_a_step_that_raises_cancelled_error_itself_fails():
    """A cancellation that nobody asked for is a bug of the step."""

    async def work():
        raise asyncio.CancelledError

    async def with_context(ctx):
        raise asyncio.CancelledError

    for function in (work, with_context):
        result = run({"work": step(retry=retry(3))}, {"work": function})

        assert outcomes(result) == [("work", "failure")]


def test_an_unlimited_step_after_a_limited_one_is_not_cut_off():
    """A deadline ends with its attempt: the next one, which has none, may take its time."""

    async def quick():
        return 1

    async def slow():
        await asyncio.sleep(0.05)
        return 2

    async def slow_with_context(ctx):
        return await slow()

    for function in (slow, slow_with_context, lambda: time.sleep(0.05)):
        states = {"first": step(timeout=seconds(0.02), success="second"), "second": step()}
        result = run(states, {"first": quick, "second": function})

        assert outcomes(result) == [("first", "success"), ("second", "success")]


def test_each_attempt_has_its_whole_timeout():
    """A retry's clock starts anew."""

    async def work():
        calls.append(1)
        await asyncio.sleep(0.03)
        if len(calls) < 4:
            raise Transient

    calls = []
    result = run({"work": step(timeout=seconds(0.2), retry=retry(5))}, {"work": work})

    assert result.end == "done"


def test_the_runs_own_deadline_exceeds():
    """An attempt that the run's time cuts off leads to `exceeded`, not to a retry."""
    state = step(timeout=seconds(10), retry=retry(3))
    for function in (forever, lambda: threading.Event().wait(2)):
        result = run({"work": state}, {"work": function}, budget=Budget(time=seconds(0.05)))

        assert outcomes(result) == [("work", "exceeded")]
        assert result.end == "exceeded"
        assert 50_000 <= result.spent.time_us < 1_000_000


def test_the_reserves_time_is_set_aside():
    """The run's deadline comes early enough for the reserve to be afforded."""

    async def quick():
        return "quoted"

    states = {
        "work": step(timeout=seconds(10)),
        "quote": step(timeout=seconds(0.5), reserve=True),
    }
    budget = Budget(time=seconds(0.55), exceeded="quote")
    result = run(states, {"work": forever, "quote": quick}, budget=budget)

    assert outcomes(result) == [("work", "exceeded"), ("quote", "success")]
    assert result.spent.time_us < 500_000


def test_exceeding_inside_the_reserve_ends_the_run():
    """Inside the reserve there is nothing left but the built-in end."""
    states = {
        "work": step(timeout=seconds(10), fallback="quote"),
        "quote": step(timeout=seconds(0.05), reserve=True, cost=Cost(tokens=5)),
    }

    async def fails():
        raise ValueError

    result = run(states, {"work": fails, "quote": lambda: None}, budget=Budget(tokens=4, time=seconds(60)))

    assert (result.end, result.kind) == ("exceeded", "failed")


async def cancelled_during(states, steps, after=0.03, **parts):
    """Cancel a run, and give its trace events; nothing of it is left."""
    events = []
    runner = compiled(states, **parts)
    task = asyncio.create_task(runner.run(None, steps=steps, trace=events.append))
    await asyncio.sleep(after)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert {asyncio.current_task()} == asyncio.all_tasks()
    timers = [t for t in asyncio.get_running_loop()._scheduled if not t.cancelled()]
    assert timers == []
    return events


def test_cancelling_a_run_during_an_attempt_is_on_its_ledger_and_in_its_trace():
    """Outer cancellation propagates; the attempt stands as cancelled, with all that it declared."""
    stop = threading.Event()

    async def with_context(ctx):
        await forever()

    for function in (forever, with_context, lambda: stop.wait(2)):
        state = step(timeout=seconds(9), cost=Cost(tokens=7))
        events = asyncio.run(cancelled_during({"work": state}, {"work": function}))

        assert [event["event"] for event in events] == ["run", "attempt", "end"]
        assert events[1]["outcome"] == "cancelled"
        assert events[1]["use"]["tokens"] == 7
        assert (
            events[2]["kind"],
            events[2]["spent"]["steps"],
            events[2]["spent"]["tokens"],
        ) == ("cancelled", 1, 7)
    stop.set()


def test_cancelling_a_run_during_a_pause_leaves_nothing():
    """Outer cancellation ends a pause before a retry and a wait at once."""

    async def fails():
        raise Transient

    pausing = {"work": step(retry=retry(1, backoff=seconds(60)))}
    waiting = {"work": Wait(wait=seconds(60), success="done")}
    for states, kinds in ((pausing, ["attempt", "pause"]), (waiting, ["pause"])):
        steps = {"work": fails} if states is pausing else {}
        events = asyncio.run(cancelled_during(states, steps, budget=Budget(time=seconds(600))))

        assert ["run", *kinds, "end"] == [event["event"] for event in events]
        assert events[-1]["spent"]["time_us"] < 5_000_000


def test_a_timeout_around_a_run_is_the_callers():
    """`asyncio.timeout` around a run raises its own TimeoutError, whatever the step's deadline."""

    async def main():
        async with asyncio.timeout(0.02):
            await compiled({"work": step(timeout=seconds(9))}).run(None, steps={"work": forever})

    with pytest.raises(TimeoutError):
        asyncio.run(main())


def test_cancelled_and_timed_out_at_once_is_cancelled():
    """If the caller cancels in the instant of a deadline, the cancellation wins."""

    async def main():
        task = asyncio.create_task(
            compiled({"work": step(timeout=seconds(0.02), retry=retry(9))}).run(None, steps={"work": work})
        )
        tasks.append(task)
        await asyncio.wait([task])
        return task.cancelled()

    async def work():
        try:
            await forever()
        finally:
            tasks[0].cancel()

    tasks = []

    assert asyncio.run(main())


def test_the_wall_clock_is_never_asked_how_long(monkeypatch):
    """A wall clock that jumps by years moves no deadline, pause or ledger."""
    years = iter(range(0, 10_000 * 10**18, 10**18))
    monkeypatch.setattr(time, "time_ns", lambda: next(years))
    monkeypatch.setattr(time, "time", lambda: next(years) / 1e9)

    async def work():
        calls.append(1)
        if len(calls) == 1:
            raise Transient
        await asyncio.sleep(0.01)

    calls = []
    events = []
    result = run(
        {"work": step(timeout=seconds(5), retry=retry(1))},
        {"work": work},
        budget=Budget(time=seconds(60)),
        options={"trace": events.append},
    )

    assert result.end == "done"
    assert result.spent.time_us < 5_000_000
    starts = [event["start_ns"] for event in events if "start_ns" in event]
    assert sorted(starts) == starts
    assert starts[-1] - starts[0] < 5 * 10**9


@pytest.mark.parametrize("options", [{}, {"accept": []}, {"inline": True}])
def test_a_step_that_holds_up_the_loop_past_its_timeout_is_cut_off(options):
    """What comes after the deadline is no success, even where no timer could cut the step off."""

    async def work():
        time.sleep(0.05)
        return 1

    def blocking():
        time.sleep(0.05)
        return 1

    steps = {"work": blocking if options.get("inline") else work}
    result = run({"work": step(timeout=seconds(0.02), **options)}, steps)

    assert outcomes(result) == [("work", "transient")]
    assert result.kind == "failed"


def test_a_step_that_holds_up_the_loop_past_the_runs_deadline_is_exceeded():
    """A cap on time is never passed without a word."""

    async def work(ctx):
        time.sleep(0.05)

    states = {"work": step(timeout=seconds(5))}
    result = run(states, {"work": work}, budget=Budget(time=seconds(0.02)))

    assert outcomes(result) == [("work", "exceeded")]
    assert result.end == "exceeded"


def never_letting_go(swallowed, caught=asyncio.CancelledError):
    """Make a step that swallows whatever cancels it; in the end it does leave, lest a test hang."""

    async def work_in_context(ctx):
        for _ in range(40):
            try:
                await forever()
            except caught:
                swallowed.append(True)

    async def work():
        await work_in_context(None)

    return work, work_in_context


@pytest.mark.parametrize("caught", [asyncio.CancelledError, BaseException])
@pytest.mark.parametrize("effect", ["none", "once"])
def test_a_step_that_never_lets_go_is_left(monkeypatch, effect, caught):
    """A step that waits on however often it is cancelled is given up, and the run goes on without it."""
    monkeypatch.setattr(clock, "AGAIN_US", 10_000)
    more = {"effect": "once", "unknown": "failed"} if effect == "once" else {}
    for number in range(2):
        swallowed = []
        function = never_letting_go(swallowed, caught)[number]
        result = run({"work": step(timeout=seconds(0.02), **more)}, {"work": function})

        assert outcomes(result) == [("work", "unknown" if effect == "once" else "transient")]
        assert "cut off" in result.error.message
        # On a slow machine it had its time to leave by the second time.
        assert 2 <= len(swallowed) < 20


def test_a_step_that_is_left_never_runs_again(monkeypatch):
    """What is given up makes no effect later: its next attempt is the only one."""
    monkeypatch.setattr(clock, "AGAIN_US", 10_000)
    swallowed = []
    first, _ = never_letting_go(swallowed)

    async def work():
        calls.append(1)
        if len(calls) == 1:
            await first()
        seen.append(len(swallowed))
        if len(calls) == 2:
            raise Transient
        await asyncio.sleep(0.05)

    calls, seen = [], []
    result = run({"work": step(timeout=seconds(0.2), retry=retry(2))}, {"work": work})

    attempts = [span for span in result.trace if span.outcome != "elapsed"]
    assert [span.outcome for span in attempts] == ["transient", "transient", "success"]
    assert seen == [len(swallowed)] * 2
    for before, after in pairwise(result.trace):
        assert after.start_us >= before.start_us + before.elapsed_us


def test_the_runs_deadline_ends_a_step_that_never_lets_go(monkeypatch):
    """The cap on time holds, whatever a step swallows."""
    monkeypatch.setattr(clock, "AGAIN_US", 10_000)
    work, _ = never_letting_go([])
    result = run({"work": step()}, {"work": work}, budget=Budget(time=seconds(0.05)))

    assert (outcomes(result), result.end) == ([("work", "exceeded")], "exceeded")


@pytest.mark.parametrize("again_us", [1_000, 1_000_000])
def test_the_timeouts_of_a_step_are_its_own_business(monkeypatch, again_us):
    """A step may cancel itself as often as it likes, as `asyncio.timeout` does, and go on."""
    monkeypatch.setattr(clock, "AGAIN_US", again_us)

    async def work():
        for _ in range(10):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.003):
                    await forever()
        return "done"

    result = run({"work": step(timeout=seconds(5))}, {"work": work})

    assert outcomes(result) == [("work", "success")]


def test_a_step_may_take_its_time_to_clean_up_after_its_own_timeouts(monkeypatch):
    """What a step does once it has timed itself out, and the timeouts in that, are its own business too."""
    monkeypatch.setattr(clock, "AGAIN_US", 1_000)

    async def hurry():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.003):
                await forever()

    async def work():
        for _ in range(4):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.003):
                    try:
                        await forever()
                    finally:
                        await asyncio.sleep(0.004)
                        await hurry()
                        await asyncio.sleep(0)
        return "done"

    async def work_in_context(ctx):
        return await work()

    for function in (work, work_in_context):
        result = run({"work": step(timeout=seconds(5))}, {"work": function})

        assert outcomes(result) == [("work", "success")]


def test_a_caller_who_insists_need_not_wait_for_a_step(monkeypatch):
    """A run whose caller cancels it again and again ends, though its step has no deadline and stays."""
    monkeypatch.setattr(clock, "AGAIN_US", 5_000)
    work, _ = never_letting_go(swallowed := [])

    async def main():
        events = []
        task = asyncio.create_task(
            compiled({"work": step()}).run(None, steps={"work": work}, trace=events.append)
        )
        while not task.done():
            await asyncio.sleep(0.004)
            task.cancel()
        return events[-1]["kind"], task.cancelled()

    assert asyncio.run(main()) == ("cancelled", True)
    assert len(swallowed) < 20


ENDLESS = """
import asyncio
from fsmflow.runtime import clock
from tests.runtime.workbench import outcomes, run, seconds, step

clock.AGAIN_US = 10_000

async def work():
    while True:
        try:
            await asyncio.sleep(100)
        except BaseException:
            pass

async def work_in_context(ctx):
    while True:
        try:
            await asyncio.sleep(100)
        except BaseException:
            pass

for function in (work, work_in_context):
    print(outcomes(run({"work": step(timeout=seconds(0.02))}, {"work": function})))
"""


def test_a_process_ends_though_a_step_that_was_left_would_not():
    """Nothing is heard of a step that swallows all, not even when the interpreter ends."""
    found = subprocess.run(
        [sys.executable, "-c", ENDLESS], capture_output=True, text=True, timeout=60, check=True
    )

    assert (found.stdout, found.stderr) == ("[('work', 'transient')]\n" * 2, "")


def test_a_step_that_stays_is_left_though_two_cancelled_it_at_once(monkeypatch):
    """Cancellations that come in together count from then on, like one."""
    monkeypatch.setattr(clock, "AGAIN_US", 10_000)
    for function in never_letting_go(swallowed := []):
        swallowed.clear()

        async def main(function=function):
            runner = compiled({"work": step(timeout=seconds(0.05))})
            task = asyncio.create_task(runner.run(None, steps={"work": function}))
            await asyncio.sleep(0.02)
            task.cancel()
            task.cancel()
            await asyncio.wait([task])
            return task.cancelled()

        assert asyncio.run(main())
        assert len(swallowed) < 20


def test_a_run_within_a_step_is_left_with_its_own_step(monkeypatch):
    """A step that runs a workflow itself ends in time, whatever the steps of that swallow."""
    monkeypatch.setattr(clock, "AGAIN_US", 10_000)
    work, _ = never_letting_go([])
    inner = compiled({"work": step(timeout=seconds(0.05))})

    async def nested():
        return (await inner.run(None, steps={"work": work})).kind

    for outer in (seconds(0.05), seconds(5)):
        result = run({"work": step(timeout=outer)}, {"work": nested})

        assert result.end in ("done", "failed")
        assert result.spent.time_us < 1_000_000


def test_steps_that_are_left_in_two_threads_at_once_leave_the_hook_of_python_as_it_was(monkeypatch):
    """What Python tells errors to that nobody can catch is the same after runs in threads as before."""
    monkeypatch.setattr(clock, "AGAIN_US", 1_000)
    is_in = [threading.Event(), threading.Event()]
    first_is_out = threading.Event()

    def left(number):
        async def work():
            while True:
                try:
                    await forever()
                except asyncio.CancelledError:
                    continue
                except GeneratorExit:
                    # Were both closed at once, the first would be done while the second still is not.
                    is_in[number].set()
                    (first_is_out if number else is_in[1]).wait(0.5)
                    raise

        return run({"work": step(timeout=seconds(0.02))}, {"work": work})

    def second():
        is_in[0].wait(10)
        left(1)

    before = sys.unraisablehook
    monkeypatch.setattr(sys, "unraisablehook", before)
    other = threading.Thread(target=second)
    other.start()
    left(0)
    first_is_out.set()
    other.join()

    assert sys.unraisablehook is before
