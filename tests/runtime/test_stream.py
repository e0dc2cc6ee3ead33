"""Streaming: a run's events as they happen."""

from __future__ import annotations

import asyncio
import threading
from contextlib import aclosing, suppress
from typing import Any

import pytest

from fsmflow.runtime import Rejected, Runner, StepContext, Transient
from tests.runtime.workbench import compiled, module, retry, seconds, step, workflow


def told(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(event["event"], event.get("state", "")) for event in events]


async def streamed(runner: Any, **options: Any) -> list[dict[str, Any]]:
    return [event async for event in runner.stream(None, **options)]


def test_every_event_comes_in_order() -> None:
    """Each attempt and pause is told when it begins and when it is over, between the run and its end."""
    failures = iter([Transient("busy")])

    def work() -> str:
        for failure in failures:
            raise failure
        return "done"

    runner = compiled({"work": step(retry=retry(1, backoff=seconds(0.01)))})
    events = asyncio.run(streamed(runner, steps={"work": work}))

    assert told(events) == [
        ("run", ""),
        ("start", "work"),
        ("attempt", "work"),
        ("start", "work"),
        ("pause", "work"),
        ("start", "work"),
        ("attempt", "work"),
        ("end", ""),
    ]
    spans = [event["span_id"] for event in events[1:-1]]
    assert spans[::2] == spans[1::2]
    assert [event.get("of") for event in events[1::2]][:3] == ["attempt", "pause", "attempt"]


def test_an_event_comes_before_the_next_step_is_done() -> None:
    """A start is told while its attempt is still under way."""

    async def main() -> str:
        go = asyncio.Event()

        async def work() -> str:
            await go.wait()
            return "done"

        async for event in compiled({"work": step()}).stream(None, steps={"work": work}):
            if event["event"] == "start":
                go.set()
        return str(event["end"])

    assert asyncio.run(asyncio.wait_for(main(), 10)) == "done"


@pytest.mark.parametrize("debug", [False, True])
def test_what_a_step_in_a_thread_emits_is_heard_at_once(debug: bool) -> None:
    """The words of a sync step come while it is still at it, and who is told is told on the event loop."""
    heard = [threading.Event() for _ in range(3)]
    in_time: list[bool] = []
    threads: set[int] = set()

    def work(ctx: StepContext) -> None:
        for number, each in enumerate(heard):
            ctx.emit(str(number))
            in_time.append(each.wait(5))

    async def main() -> None:
        def sink(event: dict[str, Any]) -> None:
            threads.add(threading.get_ident())

        runner, steps = compiled({"work": step()}), {"work": work}
        async for event in runner.stream(None, steps=steps):
            if event["event"] == "chunk":
                heard[int(event["text"])].set()
        await runner.run(None, steps=steps, trace=sink, live=True)

    asyncio.run(asyncio.wait_for(main(), 20), debug=debug)

    assert in_time == [True] * 6
    assert threads == {threading.get_ident()}


def test_to_leave_early_cancels_the_run() -> None:
    """Who stops listening stops the run; its trace still comes to its end, as cancelled."""

    async def main() -> tuple[list[dict[str, Any]], bool]:
        trace: list[dict[str, Any]] = []
        left = False

        async def work() -> None:
            nonlocal left
            try:
                await asyncio.Event().wait()
            finally:
                left = True

        stream = compiled({"work": step()}).stream(None, steps={"work": work}, trace=trace.append)
        async with aclosing(stream):
            async for event in stream:
                if event["event"] == "start":
                    break
        assert len(asyncio.all_tasks()) == 1
        return trace, left

    trace, left = asyncio.run(main())
    assert left
    assert told(trace) == [("run", ""), ("attempt", "work"), ("end", "")]
    assert (trace[1]["outcome"], trace[-1]["end"]) == ("cancelled", "cancelled")


def test_a_listener_that_is_cancelled_takes_the_run_with_it() -> None:
    """A cancelled task leaves no run behind."""

    async def main() -> list[dict[str, Any]]:
        trace: list[dict[str, Any]] = []

        async def forever() -> None:
            await asyncio.Event().wait()

        runner = compiled({"work": step()})
        task = asyncio.create_task(streamed(runner, steps={"work": forever}, trace=trace.append))
        while len(trace) < 1:
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(asyncio.all_tasks()) == 1
        return trace

    assert asyncio.run(main())[-1]["end"] == "cancelled"


async def listened(runner: Any, **options: Any) -> None:
    async for _ in runner.stream(None, **options):
        pass


async def begun(runner: Any, **options: Any) -> None:
    async with runner.start(None, **options) as task:
        await asyncio.wait([task])


@pytest.mark.parametrize("watch", [listened, begun])
def test_a_listener_that_is_cancelled_again_and_again_waits_for_the_run(watch: Any) -> None:
    """Who is cancelled until he has left, as by scopes of anyio, leaves when the run has, and not before."""

    async def main() -> list[dict[str, Any]]:
        trace: list[dict[str, Any]] = []
        going, tidied = asyncio.Event(), False

        async def work() -> None:
            nonlocal tidied
            going.set()
            try:
                await asyncio.Event().wait()
            finally:
                for _ in range(5):
                    with suppress(asyncio.CancelledError):
                        await asyncio.sleep(0)
                tidied = True

        runner = compiled({"work": step()})
        task = asyncio.create_task(watch(runner, steps={"work": work}, trace=trace.append))
        await going.wait()
        for _ in range(1_000):
            if not task.done():
                task.cancel()
                await asyncio.sleep(0)
        assert task.done()
        assert tidied
        assert len(asyncio.all_tasks()) == 1
        with pytest.raises(asyncio.CancelledError):
            await task
        return trace

    assert asyncio.run(main())[-1]["end"] == "cancelled"


def test_what_a_run_raises_the_stream_raises() -> None:
    """An input that does not fit is refused here too."""
    runner = compiled({"work": step()}, input="int")
    with pytest.raises(Rejected):
        asyncio.run(streamed(runner, steps={"work": lambda: None}))


def test_a_trace_has_no_starts() -> None:
    """A sink beside the stream is told what it would be told without."""
    trace: list[dict[str, Any]] = []
    asyncio.run(streamed(compiled({"work": step()}), steps={"work": lambda: None}, trace=trace.append))
    assert told(trace) == [("run", ""), ("attempt", "work"), ("end", "")]


def test_to_leave_a_run_that_was_started_ends_it() -> None:
    """A run that is started in a block is cancelled when the block is left, and its trace is whole."""
    events: list[dict[str, Any]] = []

    async def slow() -> None:
        await asyncio.sleep(60)

    async def main() -> asyncio.Task[Any]:
        async with compiled({"work": step()}).start(None, steps={"work": slow}, trace=events.append) as task:
            await asyncio.sleep(0.01)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return task

    assert asyncio.run(main()).cancelled()
    assert [event["event"] for event in events] == ["run", "attempt", "end"]
    assert events[-1]["kind"] == "cancelled"


def test_a_run_that_was_started_gives_its_result() -> None:
    """The task of a run that is started in a block gives its result."""

    async def main() -> Any:
        async with compiled({"work": step()}).start(None, steps={"work": lambda: None}) as task:
            return await task

    assert asyncio.run(main()).end == "done"


def test_a_type_checker_knows_that_a_stream_can_be_closed() -> None:
    """A stream is annotated as what `contextlib.aclosing` takes, of a runner and of a generated module."""
    for stream in (Runner.stream, module(workflow({"work": step()})).stream):
        assert stream.__annotations__["return"] == "AsyncGenerator[dict[str, Any], None]"
