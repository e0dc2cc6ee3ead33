"""Children of an attempt whose process ended: how long they had taken by then, and what they used in the end.

The attempt goes on, and so do they. But not all of them, maybe: once more of them have failed than may, the
others are not even taken up again, and what they used counts all the same.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from fsmflow.engines.folding import Folded, fits
from fsmflow.engines.rows import Read
from fsmflow.runtime.children import Child, RunChildren
from fsmflow.runtime.commands import Pause, Stage
from fsmflow.runtime.run import Run, Spent
from fsmflow.runtime.steps import Bound

Reading = Callable[[Sequence[str]], Awaitable[list[Read]]]
"""Reads what is kept of runs."""


class Family:
    """The children of an attempt that goes on where `run` stands."""

    def __init__(self, reading: Reading, run: Run, stage: Stage, bound: Bound) -> None:
        self._reading = reading
        self._stage = stage
        self._runs_children = isinstance(bound.function, RunChildren)
        self._children = dict(bound.function.runs(run)) if isinstance(bound.function, RunChildren) else {}

    async def took_us(self) -> int:
        """Give how long the attempt had taken when its process ended, in microseconds.

        As long as its children took, so many at a time, as they were started one after another. It is no
        more than the attempt may take.
        """
        assert self._stage.children is not None
        lanes = [0] * self._stage.children.width
        async for child in self._begun():
            heapq.heapreplace(lanes, lanes[0] + await child.took_us())
        longest = self._stage.timeout_us
        return max(lanes) if longest is None else min(longest, max(lanes))

    async def used(self) -> Spent | None:
        """Give what all children have used that were ever begun; None if a step is called in their place."""
        if not self._runs_children:
            return None
        found = [await child.used() async for child in self._begun()]
        return Spent(*map(sum, zip(Spent(), *found, strict=True)))

    async def _begun(self) -> AsyncIterator[_Begun]:
        for read in await self._reading(list(self._children)):
            if read.rows:
                yield _Begun(self._reading, read, self._children[read.run_id])


class _Begun:
    """A child that was begun, as far as its journal goes."""

    def __init__(self, reading: Reading, read: Read, child: Child) -> None:
        workflow: Any = child.workflow
        self._run: Run = workflow.new_run(None, read.run_id)
        self._folded = Folded(workflow, self._run, fits(workflow, child.bound))
        for row in read.rows:
            self._folded.take(row)
        begun, command = self._folded.begun, self._folded.command
        is_open = self._folded.conclusion is None and begun is not None
        self._waited_us = 0
        if is_open and isinstance(command, Pause):
            since_us = max(0, time.time_ns() - int(begun["at_ns"])) // 1000
            self._waited_us = min(command.duration_us, since_us)
        self._attempt = command if is_open and isinstance(command, Stage) else None
        self._below: Family | None = None
        if self._attempt is not None and self._attempt.children is not None:
            self._below = Family(reading, self._run, self._attempt, child.bound[self._attempt.name])

    async def took_us(self) -> int:
        """Give how long it has taken; an attempt that was cut off counts in full."""
        took_us = self._run.time_us + self._waited_us
        if self._below is not None:
            return took_us + max(0, await self._below.took_us() - self._folded.taken_us)
        return took_us if self._attempt is None else took_us + (self._attempt.timeout_us or 0)

    async def used(self) -> Spent:
        """Give what it has used; an attempt that was cut off counts in full."""
        spent = self._run.spent
        if self._attempt is None:
            return spent
        below = await self._below.used() if self._below is not None else None
        calls, tokens, micro_usd = self._attempt.cost if below is None else below[1:4]
        return Spent(
            spent.steps + (self._attempt.steps if below is None else 1 + below.steps),
            spent.tool_calls + calls,
            spent.tokens + tokens,
            spent.micro_usd + micro_usd,
            spent.time_us,
        )
