"""Runs where no event loop of asyncio is, but another library's or none; and those where one is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from typing import Any

import pytest

from tests.runtime.workbench import compiled, step

RUNNER = compiled({"work": step()})
STEPS = {"work": lambda: None}


async def run() -> None:
    await RUNNER.run(None, steps=STEPS)


async def stream() -> None:
    async with aclosing(RUNNER.stream(None, steps=STEPS)) as events:
        async for _ in events:
            pass


async def start() -> None:
    async with RUNNER.start(None, steps=STEPS) as task:
        await task


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("running", [run, stream, start])
def test_a_run_off_asyncio_is_told_where_to_go(running: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """What is awaited on another event loop than asyncio's says so, and what to call instead."""
    with pytest.raises(
        RuntimeError,
        match=r"^little runs in a task of asyncio, and this is none: call `run_sync`, in a thread of its own",
    ):
        # As Trio does, and who drives a coroutine by hand.
        running().send(None)


def test_a_run_that_would_hold_up_a_loop_is_told_where_to_go() -> None:
    """What is called in an event loop, a notebook's say, says so, and where it says to call it, it runs."""

    async def main() -> str:
        with pytest.raises(RuntimeError, match=r"an event loop is running here.*in another thread"):
            RUNNER.run_sync(None, steps=STEPS)
        return (await asyncio.to_thread(RUNNER.run_sync, None, steps=STEPS)).end

    assert asyncio.run(main()) == "done"
