"""Waiting for tasks that are not to be left behind."""

from __future__ import annotations

import asyncio

import pytest

from fsmflow.runtime.waiting import all_done, first_error


def test_a_caller_that_is_cancelled_hears_of_it_when_all_is_done() -> None:
    """A task may end as if nothing had been; its caller is cancelled all the same, and not before."""
    ended: list[str] = []

    async def stubborn() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            ended.append("so")

    async def main() -> None:
        task = asyncio.ensure_future(all_done({asyncio.ensure_future(stubborn())}))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert ended == ["so"]


def test_the_first_error_is_given_and_all_are_heard() -> None:
    """Of tasks that failed one error is given, and asyncio is left nothing to log."""

    async def fail(why: str) -> None:
        raise ValueError(why)

    async def main() -> tuple[BaseException | None, list[bool]]:
        lost = asyncio.ensure_future(asyncio.sleep(60))
        lost.cancel()
        tasks = [lost, *(asyncio.ensure_future(fail(why)) for why in "ab")]
        await asyncio.wait(tasks)
        return first_error(tasks), [task._log_traceback for task in tasks]

    error, unheard = asyncio.run(main())
    assert (str(error), unheard) == ("a", [False, False, False])
    assert first_error([]) is None
