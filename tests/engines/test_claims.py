"""Leases that a process holds: what a renewal finds stops those who still hold theirs, and nobody else."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from fsmflow.engines.claims import Held, Leases
from fsmflow.engines.leases import Fenced, Lease
from fsmflow.engines.rows import Read
from fsmflow.engines.store import Store


class Takes:
    """Gives each run that is asked for, and finds, once it may, that a renewal has nothing to renew."""

    def __init__(self, *runs: str) -> None:
        self.left = list(runs)
        self.renewing = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def do(self, work: Any) -> Any:
        """Take the next run; then renew; then let go."""
        if self.left:
            return Held(Lease(self.left.pop(0), "me", 1), {}, Read("", [], "", ""))
        if not self.may_answer.is_set():
            self.renewing.set()
            await self.may_answer.wait()
            return set()
        return None


def test_a_renewal_that_comes_too_late_stops_nobody_who_has_let_go() -> None:
    """A task whose block has ended while leases were renewed goes on; another one of its loop is stopped."""

    async def main() -> None:
        store = Takes("mine", "theirs")
        leases = Leases(cast("Store", store), "me", lease_ns=4_000_000)

        async def other() -> None:
            async with leases.held("theirs"):
                await asyncio.Event().wait()

        async with leases.held("mine"):
            task = asyncio.create_task(other())
            await store.renewing.wait()
        store.may_answer.set()

        with pytest.raises(Fenced, match="theirs"):
            await task
        me = asyncio.current_task()
        assert me is not None
        assert me.cancelling() == 0

    asyncio.run(main())
