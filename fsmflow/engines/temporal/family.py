"""The runs of other workflows that a state starts: child workflows, within what was set aside for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from temporalio import workflow
from temporalio.exceptions import ChildWorkflowError, is_cancelled_exception

from fsmflow.engines.machines import called, read_machine
from fsmflow.engines.spans import Child, Seen
from fsmflow.engines.temporal.ledger import Lanes
from fsmflow.engines.temporal.orders import Order
from fsmflow.machine import Children, Machine, Work
from fsmflow.runtime.children import child_id, ended_badly, failures_told
from fsmflow.runtime.commands import Callee, Stage
from fsmflow.runtime.commands import Children as RunChildren
from fsmflow.runtime.context import StepContext
from fsmflow.runtime.events import Ended
from fsmflow.runtime.outcomes import Breach
from fsmflow.runtime.run import Configuration, Error, Run, Spent
from fsmflow.runtime.verdict import seconds
from fsmflow.runtime.waiting import first_error


class Outcome(NamedTuple):
    """What a run came to: what its workflow gives.

    Attributes:
        kind: The kind of its end; `cancelled` if it was, and `refused` if its input did not fit.
        end: The name of its end.
        output: What that gives.
        spent: Its ledger.
        error: The latest way out that it took.
        is_cut: Whether the time of whoever runs it as a child cut it off.
    """

    kind: str
    end: str
    output: Any
    spent: Mapping[str, int]
    error: Mapping[str, Any] | None
    is_cut: bool = False

    @classmethod
    def of(cls, end: str, kind: str, output: Any, now: Configuration) -> Outcome:
        """Say what a run came to that stands in `now`."""
        error = now.values.get("error")
        return cls(kind, end, output, now.spent._asdict(), None if error is None else error._asdict())

    @classmethod
    def refused(cls, why: str) -> Outcome:
        """Say that a child could not begin."""
        return cls("refused", "", why, Spent()._asdict(), None)


class _Start(NamedTuple):
    """One child: which it is, of what, and on which input."""

    key: int | str | None
    digest: str
    way: str
    given: Any


async def settle() -> None:
    """Let what has come in already be seen, before anything is cancelled, which would lose it."""
    for _ in range(10):
        await asyncio.sleep(0)


class Family:
    """The children of one attempt.

    Attributes:
        is_cut: Whether they were cut off, since no time was left.
    """

    def __init__(
        self,
        order: Order,
        machines: Mapping[str, str],
        machine: Machine,
        state: Work,
        now: Configuration,
        span_id: str,
        new_id: Callable[[], str],
    ) -> None:
        """Prepare."""
        assert state.children is not None
        self._order = order
        self._machines = machines
        self._machine = machine
        self._state = state
        self._children: Children = state.children
        self._now = now
        self._span_id = span_id
        self._new_id = new_id
        self._starts = list(self._all())
        width = max(1, min(self._children.width, len(self._starts)))
        self._lanes = Lanes(width)
        self._outcomes: dict[int, Outcome | None] = {}
        self._failures: dict[int, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._left_us: int | None = None
        self._is_stopping = False
        self.is_cut = False
        self.is_cancelled = False

    @property
    def members(self) -> tuple[Child, ...]:
        """All of them, also those that are still to be started."""
        return tuple(self._child(start) for start in self._starts)

    @property
    def started(self) -> tuple[Child, ...]:
        """Those that were started and could begin."""
        return tuple(
            self._child(self._starts[number])
            for number, outcome in sorted(self._outcomes.items())
            if outcome is None or outcome.kind != "refused"
        )

    async def run(self, left_us: int | None) -> Ended:
        """Run them all, so many at a time, and say how the attempt ended.

        Args:
            left_us: After how much time, by the ledgers of the children, they are cut off.
        """
        self._left_us = left_us
        pending = iter(enumerate(self._starts))
        lanes = range(max(1, min(self._children.width, len(self._starts))))
        self._tasks = {asyncio.ensure_future(self._work(lane, pending)) for lane in lanes}
        await self._all_done()
        return self._ended()

    async def _all_done(self) -> None:
        """Wait until all lanes are empty, also if the run is cancelled, which reaches them all."""
        pending = self._tasks
        while pending:
            try:
                _, pending = await asyncio.wait(pending)
            except asyncio.CancelledError:
                self.is_cancelled = True
                await self._stop()
                pending = {task for task in pending if not task.done()}
        error = first_error(self._tasks)
        if error is not None:
            raise error

    @property
    def _is_over(self) -> bool:
        too_many = len(self._failures) > self._children.tolerate
        return too_many or self.is_cut or self.is_cancelled

    async def _work(self, lane: int, pending: Iterator[tuple[int, _Start]]) -> None:
        """Take one child after another, until there are no more, or it is no use any more."""
        for number, start in pending:
            await self._one(lane, number, start)
            if self._is_over:
                await self._stop()
                return

    async def _stop(self) -> None:
        """Cancel all that is under way: once, since to be told again would leave no time to end."""
        if not self._is_stopping:
            self._is_stopping = True
            await settle()
            for task in self._tasks - {asyncio.current_task()}:
                task.cancel()

    async def _one(self, lane: int, number: int, start: _Start) -> None:
        """Run one child, and note what came of it."""
        left = None if self._left_us is None else self._left_us - self._lanes.before(lane)
        if left is not None and left <= 0:
            self.is_cut = True
            return
        self._outcomes[number] = None
        started_us = workflow.time_ns() // 1000
        try:
            said = await workflow.execute_child_workflow(
                read_machine(self._machines[start.digest], start.digest).name,
                args=[self._ordered(start, left), self._below(start.digest), None, start.given],
                id=self._id(start),
                static_summary=f"{self._order.way}{start.way}".rstrip("."),
            )
        except ChildWorkflowError as error:
            if is_cancelled_exception(error):
                # It was cancelled before it had begun.
                del self._outcomes[number]
                raise asyncio.CancelledError from None
            # Somebody ended it from outside: nobody knows what it used.
            self._failures[number] = f"it was ended from outside: {error.cause or error}"
            # In histories from before this was counted, it took no time.
            if workflow.patched("ended from outside"):
                took = (workflow.time_ns() // 1000 - started_us, left, self._state.timeout_us)
                self._lanes.add(lane, min(us for us in took if us is not None))
            return
        outcome = Outcome(**said)
        self._outcomes[number] = outcome
        self._lanes.add(lane, outcome.spent["time_us"])
        if outcome.is_cut:
            self.is_cut = True
        elif outcome.kind == "refused":
            self._failures[number] = f"its input does not fit: {outcome.output}"
        elif outcome.kind not in ("success", "degraded", "cancelled"):
            why = None if outcome.error is None else Error(**outcome.error)
            self._failures[number] = ended_badly(outcome.end, outcome.kind, why)

    def _ended(self) -> Ended:
        """Say how the attempt ended: what the children used is known, whatever became of them."""
        elapsed = self._lanes.elapsed_us
        context = self._context()
        message = ""
        try:
            if None not in self._outcomes.values():
                context.book([Spent(**outcome.spent) for outcome in self._outcomes.values() if outcome])
        except Breach as breach:
            message = str(breach)
        use = context.close(cut=False)
        ended = Ended("failure", None, None, message, (), use, elapsed, steps=context.steps)
        if message:
            return ended
        if self.is_cancelled:
            return ended._replace(outcome="cancelled", message="the run was cancelled")
        if self.is_cut:
            said = f"cut off after {seconds(elapsed)}: the run has no time left"
            return ended._replace(outcome="exceeded", message=said)
        if len(self._failures) > self._children.tolerate:
            keys = [start.key for start in self._starts]
            return ended._replace(message=failures_told(_told(self._children), keys, self._failures))
        return ended._replace(outcome="success", value=self._value())

    def _value(self) -> Any:
        """Give the outputs: one, a list in the order of the items, or by key."""
        outputs = [
            None if number in self._failures or outcome is None else outcome.output
            for number, outcome in sorted(self._outcomes.items())
        ]
        match self._children.kind:
            case "call":
                return outputs[0]
            case "map":
                return outputs
        return dict(zip(self._children.callees, outputs, strict=True))

    def _context(self) -> StepContext:
        """Make the context of the attempt, which keeps its books."""
        state, now = self._state, self._now
        cost = (state.cost.tool_calls, state.cost.tokens, state.cost.micro_usd)
        stage = Stage(state.name, "", cost=cost, steps=state.steps)
        run = Seen.of(self._order.run_id, self._order.trace_id, now)
        return StepContext(_Named(self._machine.name), run, stage, None, self._span_id, int, 0, _never_late)

    def _all(self) -> Iterator[_Start]:
        """Give the children, in order, on their inputs."""
        arguments, name = self._now.arguments, self._state.name
        assert isinstance(arguments, dict)
        callees = self._children.callees
        if self._children.kind == "parallel":
            for key, callee in callees.items():
                yield _Start(key, callee.digest, f"{name}.{key}.", arguments[key])
            return
        (callee,) = callees.values()
        if self._children.kind == "call":
            yield _Start(None, callee.digest, f"{name}.", dict(arguments))
            return
        for number, item in enumerate(arguments["items"]):
            yield _Start(number, callee.digest, f"{name}.", item)

    def _within(self, start: _Start) -> tuple[str, ...]:
        """Say where in the arguments the input of a child stands, but for its number in a list."""
        match self._children.kind:
            case "call":
                return ()
            case "map":
                return ("items",)
        return (str(start.key),)

    def _child(self, start: _Start) -> Child:
        return Child(self._id(start), self._within(start))

    def _id(self, start: _Start) -> str:
        return child_id(self._order.run_id, self._state.name, self._now.visit, start.key)

    def _ordered(self, start: _Start, left_us: int | None) -> Order:
        return self._order._replace(
            run_id=self._id(start),
            span_id=self._new_id(),
            digest=start.digest,
            way=f"{self._order.way}{start.way}",
            parent_id=self._span_id,
            child=start.key,
            left_us=left_us,
        )

    def _below(self, digest: str) -> dict[str, str]:
        """Give the machine with this digest, and those that it runs."""
        found = {digest: self._machines[digest]}
        for _, each in called(read_machine(found[digest], digest)):
            found |= self._below(each)
        return found


def _told(children: Children) -> RunChildren:
    """Give children as the runtime knows them."""
    callees = {key: Callee(each.name, each.digest) for key, each in children.callees.items()}
    return RunChildren(children.kind, callees, children.width, children.tolerate)


class _Named:
    """As much of a machine as a context asks for that no step sees."""

    secret: Mapping[str, Any] = {}

    def __init__(self, name: str) -> None:
        self.name = name

    def worst_case_left(self, run: Run) -> Any:
        raise NotImplementedError


def _never_late(use: tuple[int, int, int]) -> None:
    raise NotImplementedError("children charge nothing once they are over")
