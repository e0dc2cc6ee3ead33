"""A run that nobody watches or keeps is what it would be if somebody did."""

import asyncio
import contextlib
import gc
import threading
import weakref
from random import Random

import pytest

from fsmflow.runtime import Invalid, Transient
from tests.runtime.test_cancellation import Ticking
from tests.runtime.workbench import compiled, reask, retry, seconds, step

STATES = {
    "one": step(success="two"),
    "two": step(with_={"a": "$one"}, gives="int", success="three", retry=retry(2)),
    "three": step(with_={"a": "$one", "b": "$two"}, invalid=reask(2)),
}


def steps():
    """Give steps of which two need another attempt."""
    tried = {"two": 0, "three": 0}

    async def one():
        return [1]

    async def two(a):
        tried["two"] += 1
        if tried["two"] == 1:
            raise Transient("not now")
        return len(a)

    async def three(a, b):
        tried["three"] += 1
        if tried["three"] == 1:
            raise Invalid("too short")
        return [*a, b]

    return {"one": one, "two": two, "three": three}


def test_it_has_the_same_trace_and_ledger():
    """Watched or not, the attempts, their times, the ledger and the values are the same."""
    runner = compiled(STATES)
    unwatched = runner.run_sync({}, steps=steps(), clock=Ticking(), random=Random(1))
    watched = runner.run_sync({}, steps=steps(), clock=Ticking(), random=Random(1), trace=lambda _: None)

    assert unwatched.path == watched.path == ("one", "two", "two", "two", "three", "three")
    assert [span.event._replace(elapsed_us=0) for span in unwatched.trace if span.outcome != "elapsed"] == [
        span.event._replace(elapsed_us=0) for span in watched.trace if span.outcome != "elapsed"
    ]
    assert [span[:4] for span in unwatched.trace] == [span[:4] for span in watched.trace]
    for result in (unwatched, watched):
        spans = result.trace
        # Time is counted once, and all of it: each begins when the one before it ended.
        assert [span.start_us + span.elapsed_us for span in spans[:-1]] == [s.start_us for s in spans[1:]]
        assert result.spent.time_us == sum(span.elapsed_us for span in spans)
    assert unwatched.spent[:4] == watched.spent[:4]
    assert unwatched.configuration.values == watched.configuration.values


@pytest.mark.parametrize("options", [{}, {"trace": lambda _: None}], ids=["unwatched", "watched"])
def test_a_step_that_swallows_a_cancellation_is_the_last(options):
    """After a step that went on when it was cancelled, no other begins, and the run is cancelled."""
    called = []

    async def one():
        asyncio.current_task().cancel()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return [1]

    async def two(a):
        called.append(a)
        return 1

    runner = compiled(STATES)
    given = {**steps(), "one": one, "two": two}

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(runner.run({}, steps=given, **options))
    assert called == []


class Held:
    """Something large."""


@pytest.mark.parametrize("is_watched", [False, True])
@pytest.mark.parametrize("how", ["async", "with context", "sync", "cut off", "cancelled"])
def test_what_a_step_held_is_let_go_at_once(how, is_watched):
    """What a step had at hand that failed, or was cut off, is gone with it: it is in no cycle."""
    seen = []

    def hold():
        held = Held()
        seen.append(weakref.ref(held))
        raise ValueError(held.__class__)

    async def wait():
        held = Held()
        seen.append(weakref.ref(held))
        await asyncio.sleep(60)

    async def fail():
        hold()

    async def with_context(ctx):
        hold()

    work = {"async": fail, "with context": with_context, "sync": hold}.get(how, wait)
    states = {"work": step(timeout=seconds(0.01) if how == "cut off" else None)}
    options = {"trace": lambda event: None} if is_watched else {}

    async def main():
        running = asyncio.create_task(compiled(states).run(None, steps={"work": work}, **options))
        if how == "cancelled":
            while not seen:
                await asyncio.sleep(0)
            running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        for thread in threading.enumerate():
            if thread.name == "fsmflow-work":
                thread.join()

    gc.disable()
    try:
        asyncio.run(main())
        assert [ref() for ref in seen] == [None]
    finally:
        gc.enable()
