"""Sync steps: in threads, or on the event loop."""

import asyncio
import contextvars
import subprocess
import sys
import textwrap
import threading
import time
from decimal import Decimal

import pytest

from fsmflow.runtime import StepContext, Transient
from fsmflow.spec import Budget, Cost, Money
from tests.runtime.workbench import compiled, outcomes, retry, run, run_one, seconds, step

WHO = contextvars.ContextVar("who", default="nobody")


def test_sync_steps_run_outside_of_the_loops_thread():
    """A sync step runs in a thread of its own, and so holds nothing up."""
    result = run_one(lambda: threading.current_thread() is threading.main_thread())

    assert result.output is False


def test_inline_steps_run_on_the_loop():
    """A sync step marked `inline` runs on the event loop."""
    result = run_one(lambda: threading.current_thread() is threading.main_thread(), inline=True)

    assert result.output is True


def test_context_variables_are_carried_into_threads():
    """A sync step sees the context variables of whoever started the run."""

    async def main():
        WHO.set("somebody")
        return await compiled({"work": step()}).run(None, steps={"work": lambda: seen.append(WHO.get())})

    seen = []
    asyncio.run(main())

    assert seen == ["somebody"]


def test_many_sync_steps_do_not_wait_for_one_another():
    """Fifty slow sync steps of fifty runs sleep side by side."""

    async def main():
        runner = compiled({"work": step()})
        steps = {"work": lambda: time.sleep(0.1)}
        return await asyncio.gather(*(runner.run(None, steps=steps) for _ in range(50)))

    began = time.monotonic()
    asyncio.run(main())

    assert time.monotonic() - began < 2


def test_a_hung_thread_is_abandoned_at_its_deadline():
    """A sync step past its timeout is left behind, and the run goes on."""
    stop = threading.Event()
    result = run({"work": step(timeout=seconds(0.05))}, {"work": lambda: stop.wait(5)})
    stop.set()

    assert outcomes(result) == [("work", "transient")]
    assert result.spent.time_us < 2_000_000


def test_a_late_result_is_ignored():
    """What an abandoned thread returns in the end changes nothing."""
    stop, finished = threading.Event(), threading.Event()

    def work():
        if len(threads) == 0:
            threads.append(threading.current_thread())
            stop.wait(5)
            finished.set()
            return "late"
        stop.set()
        finished.wait(5)
        return "second"

    threads = []
    result = run({"work": step(timeout=seconds(0.5), retry=retry(1))}, {"work": work})

    assert outcomes(result) == [("work", "transient"), ("work", "elapsed"), ("work", "success")]
    assert result.configuration.values["work"] == "second"


def test_an_abandoned_thread_is_retried_only_without_an_effect():
    """A thread that may still act is never followed by another attempt."""
    stop = threading.Event()
    for effect, attempts in (("none", 2), ("idempotent", 1), (None, 1)):
        state = step(timeout=seconds(0.5), effect=effect, retry=retry(1))
        result = run({"work": state}, {"work": lambda: stop.wait(5)})

        assert attempts == result.spent.steps, effect
        assert result.end == "failed"
    stop.set()


def test_an_abandoned_attempt_counts_in_full_whatever_it_charged():
    """An attempt that was cut off is on the ledger with all that it declared."""
    stop = threading.Event()

    def work(ctx: StepContext):
        ctx.charge(tokens=1)
        stop.wait(5)

    result = run({"work": step(timeout=seconds(0.05), cost=Cost(tokens=10))}, {"work": work})
    stop.set()

    assert result.spent.tokens == 10


def test_late_charges_are_booked_beyond_what_was_declared():
    """What an abandoned thread charges past its cost is booked before the next decision."""
    stop, charged = threading.Event(), threading.Event()

    def work(ctx: StepContext):
        stop.wait(5)
        try:
            ctx.charge(tokens=4)
            ctx.charge(tokens=9)
        finally:
            charged.set()

    def other():
        stop.set()
        charged.wait(5)

    states = {
        "work": step(timeout=seconds(0.05), cost=Cost(tokens=10), fallback="other"),
        "other": step(),
    }
    events = []
    result = run(states, {"work": work, "other": other}, options={"trace": events.append})

    assert result.spent.tokens == 13
    assert [e["use"]["tokens"] for e in events if e["event"] == "late"] == [3]
    assert [s.event.use for s in result.trace if type(s.event).__name__ == "Late"] == [(0, 3, 0)]


def test_late_charges_count_before_a_retry_is_admitted():
    """What was charged late during a pause is on the ledger when the retry asks for room."""
    charged = threading.Event()

    def work(ctx: StepContext):
        if ctx.attempt > 1:
            return
        time.sleep(0.5)
        try:
            ctx.charge(tokens=100)
        finally:
            charged.set()

    state = step(timeout=seconds(0.3), cost=Cost(tokens=10), retry=retry(1, backoff=seconds(1)))
    result = run({"work": state}, {"work": work}, budget=Budget(tokens=50, steps=5))

    assert charged.is_set()
    assert (result.end, result.spent.steps, result.spent.tokens) == ("exceeded", 1, 100)


def test_what_a_thread_charges_after_its_attempt_is_booked():
    """What is charged once an attempt has ended counts too, also if it had declared more than it used."""
    stop, charged = threading.Event(), threading.Event()

    def work(ctx: StepContext):
        def later():
            stop.wait(5)
            ctx.charge(tokens=50)
            charged.set()

        ctx.charge(tokens=10)
        threading.Thread(target=later, daemon=True).start()

    def other():
        stop.set()
        charged.wait(5)

    states = {"work": step(cost=Cost(tokens=100, tool_calls=1), success="other"), "other": step()}
    result = run(states, {"work": work, "other": other})

    assert result.spent[:4] == (2, 1, 60, 0)
    assert [s.event.use for s in result.trace if type(s.event).__name__ == "Late"] == [(0, 50, 0)]


@pytest.mark.parametrize("is_late", [False, True])
def test_no_charge_of_many_threads_is_lost_or_counted_twice(is_late):
    """Fifty threads charge at once, while their attempt is under way or after: the sum is on the ledger."""
    stop, threads = threading.Event(), []

    def charge(ctx):
        stop.wait(5)
        for _ in range(400):
            ctx.charge(tokens=1, usd="0.0000001")

    def settle():
        stop.set()
        for thread in threads:
            thread.join()

    def work(ctx: StepContext):
        ctx.charge(tokens=0, usd=0)
        threads.extend(threading.Thread(target=charge, args=(ctx,), daemon=True) for _ in range(50))
        for thread in threads:
            thread.start()
        if not is_late:
            settle()

    states = {
        "work": step(cost=Cost(tokens=20_000, usd=Money(20_000)), timeout=seconds(60), success="other"),
        "other": step(),
    }
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        result = run(states, {"work": work, "other": settle})
    finally:
        sys.setswitchinterval(before)

    assert result.spent[:4] == (2, 0, 20_000, 20_000)


def test_late_money_is_exact():
    """Late charges in dollars are rounded up like any other."""
    stop, charged = threading.Event(), threading.Event()

    def work(ctx: StepContext):
        stop.wait(5)
        try:
            ctx.charge(usd=Decimal("0.0100001"))
        finally:
            charged.set()

    def other():
        stop.set()
        charged.wait(5)

    states = {
        "work": step(timeout=seconds(0.05), cost=Cost(usd=Money(10_000)), fallback="other"),
        "other": step(),
    }

    assert run(states, {"work": work, "other": other}).spent.micro_usd == 10_001


def test_exceptions_come_over_from_threads():
    """What a sync step raises is classified like what an async one raises."""

    def work():
        raise raised[-1]

    raised = []
    for error, outcome in ((Transient("x"), "transient"), (KeyError("x"), "failure")):
        raised.append(error)
        assert [("work", outcome)] == outcomes(run({"work": step()}, {"work": work}))


def test_stop_iteration_and_cancelled_error_of_a_sync_step_are_failures():
    """Exceptions with a meaning to asyncio are nothing but bugs when a sync step raises them."""

    def work():
        raise error

    for error in (StopIteration(1), asyncio.CancelledError()):
        for inline in (False, True):
            result = run({"work": step(inline=inline)}, {"work": work})

            assert outcomes(result) == [("work", "failure")], (error, inline)


class Odd(BaseException):
    """An exception that is none of `Exception`'s."""


@pytest.mark.parametrize("error", [SystemExit(0), KeyboardInterrupt(), GeneratorExit(), Odd("x")])
def test_nothing_that_a_thread_raises_ends_the_program(error):
    """A sync step that calls `sys.exit`, or raises what no `except Exception` holds, has failed."""

    def work():
        raise error

    assert outcomes(run({"work": step()}, {"work": work})) == [("work", "failure")]


def test_a_step_that_exits_has_failed():
    """A step on the event loop can't end the program by `sys.exit`, with or without a context."""

    async def plainly():
        sys.exit(0)

    async def with_context(ctx):
        sys.exit(0)

    for work in (plainly, with_context):
        assert outcomes(run({"work": step()}, {"work": work})) == [("work", "failure")]
    assert outcomes(run({"work": step(inline=True)}, {"work": lambda: sys.exit(0)})) == [("work", "failure")]


def test_a_hung_thread_does_not_hold_up_the_interpreters_exit(tmp_path):
    """A program whose step hangs in a thread still exits."""
    script = tmp_path / "program.py"
    script.write_text(
        textwrap.dedent(
            """
            import threading
            from tests.runtime.workbench import run, seconds, step
            result = run({"work": step(timeout=seconds(0.05))}, {"work": threading.Event().wait})
            print(result.end)
            """
        )
    )
    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env={"PYTHONPATH": "."},
    )

    assert (done.stdout, done.stderr, done.returncode) == ("failed\n", "", 0)


def test_a_machine_that_is_short_of_threads_is_a_transient_failure(monkeypatch):
    """An attempt for which no thread can be started has not begun: it is made again, as after a lost line."""

    def refuse(thread):
        monkeypatch.setattr(threading.Thread, "start", start)
        raise RuntimeError("can't start new thread")

    start = threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", refuse)
    result = run({"work": step(retry=retry(1), effect="once", unknown="failed")}, {"work": lambda: 7})

    assert outcomes(result) == [("work", "transient"), ("work", "elapsed"), ("work", "success")]
    assert result.trace[0].event.message == "no thread could be started for it: can't start new thread"


def test_a_coroutine_that_a_sync_step_gives_is_awaited():
    """A sync function that wraps an async one gives what the async one gives."""

    async def inner():
        return 7

    assert run_one(lambda: inner()).output == 7
    assert run_one(lambda: inner(), inline=True).output == 7
