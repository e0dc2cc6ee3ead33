"""The step of a state that runs other workflows: side by side, within what was set aside for them.

All that the children may use was reserved before the first of them starts. Each keeps to its own caps,
and so, together, they keep to the reservation, however they come to use it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from fsmflow.runtime.commands import Children
from fsmflow.runtime.complaints import Rejected
from fsmflow.runtime.context import StepContext
from fsmflow.runtime.execution import Execution, Workflow
from fsmflow.runtime.hiding import Ways, within
from fsmflow.runtime.log import Parent
from fsmflow.runtime.outcomes import Permanent
from fsmflow.runtime.run import Error, Run, Spent
from fsmflow.runtime.steps import Bound
from fsmflow.runtime.validation import Validate
from fsmflow.runtime.waiting import all_done, first_error
from fsmflow.runtime.world import World

MOST_TOLD = 3
"""Of how many failed children a message tells."""


class Child(NamedTuple):
    """A workflow that is run, and its steps, ready to be called."""

    workflow: Workflow
    bound: Mapping[str, Bound]


class _Started(NamedTuple):
    """One run of a child: which one it is, of what, and on which input."""

    key: int | str | None
    child: Child
    given: Any


class RunChildren:
    """Runs the children of one state."""

    def __init__(self, children: Children, found: Mapping[str, Child]) -> None:
        self._children = children
        self._found = found

    async def __call__(self, ctx: StepContext, world: World, arguments: Mapping[str, Any]) -> Any:
        """Run the children, and give their outputs: one, a list in the order of the items, or by key.

        Raises:
            Permanent: More of them failed than may.
            Breach: Steps of theirs used more than they declared, and so more than was set aside.
        """
        group = _Group(ctx, world, self._children)
        try:
            outputs = await group.run(list(self._starts(arguments)))
        finally:
            # Whatever became of them: what they used is known, and counts.
            ctx.book(group.spent())
        match self._children.kind:
            case "call":
                return outputs[0]
            case "map":
                return outputs
        return dict(zip(self._found, outputs, strict=True))

    def structured(self, outputs: Any) -> Any:
        """Give, of plain data that was kept, what was given: each child's output in its own type.

        Raises:
            Rejected: One of them does not fit it.
        """
        kinds = {key: child.workflow.types()[1] for key, child in self._found.items()}

        def one(check: Validate | None, output: Any) -> Any:
            return output if check is None or output is None else check(output)

        match self._children.kind:
            case "parallel":
                return {key: one(kinds[key], output) for key, output in outputs.items()}
            case "map":
                (check,) = kinds.values()
                return [one(check, output) for output in outputs]
        (check,) = kinds.values()
        return one(check, outputs)

    def runs(self, run: Run) -> Iterator[tuple[str, Child]]:
        """Give the ids of the runs that an attempt where `run` stands may start, and of what they are."""
        if isinstance(run.arguments, dict):
            for start in self._starts(run.arguments):
                yield child_id(run.run_id, run.state, run.visit, start.key), start.child

    def _starts(self, arguments: Mapping[str, Any]) -> Iterator[_Started]:
        if self._children.kind == "parallel":
            for key, child in self._found.items():
                yield _Started(key, child, arguments[key])
            return
        (child,) = self._found.values()
        if self._children.kind == "call":
            yield _Started(None, child, dict(arguments))
            return
        for number, item in enumerate(arguments["items"]):
            yield _Started(number, child, item)


class _Group:
    """The runs of the children of one attempt."""

    def __init__(self, ctx: StepContext, world: World, children: Children) -> None:
        self._ctx = ctx
        self._world = world
        self._children = children
        self._runs: list[Run] = []
        self._outputs: dict[int, Any] = {}
        self._failures: dict[int, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def spent(self) -> list[Spent]:
        """Give what each child that was started has used so far."""
        return [run.spent for run in self._runs]

    async def run(self, starts: list[_Started]) -> list[Any]:
        """Run them all, so many at a time.

        Raises:
            Permanent: More of them failed than may.
        """
        pending = iter(enumerate(starts))
        width = min(self._children.width, len(starts))
        if width < 2:
            # A task of its own would cost more than many a child, and needs an event loop.
            await self._work(pending)
        else:
            for _ in range(width):
                # A loop may begin tasks at once (`asyncio.eager_task_factory`): some may have failed by now.
                if not self._has_failed:
                    self._tasks.add(asyncio.create_task(self._work(pending)))
            try:
                await all_done(self._tasks)
            finally:
                error = first_error(self._tasks)
            if error is not None:
                raise error
        if self._has_failed:
            raise Permanent(failures_told(self._children, [each.key for each in starts], self._failures))
        if any(task.cancelled() for task in self._tasks):
            # A child that cancels itself gives nothing, and nothing may stand in the place of that.
            raise asyncio.CancelledError
        return [self._outputs.get(number) for number in range(len(starts))]

    @property
    def _has_failed(self) -> bool:
        return len(self._failures) > self._children.tolerate

    async def _work(self, pending: Iterator[tuple[int, _Started]]) -> None:
        """Take one child after another, until there are no more, or more have failed than may."""
        for number, start in pending:
            failure = await self._one(number, start)
            if failure:
                self._failures[number] = failure
            if self._has_failed:
                for task in self._tasks - {asyncio.current_task()}:
                    task.cancel()
                return

    async def _one(self, number: int, start: _Started) -> str:
        """Run one child; say why it failed, or give nothing."""
        ctx, world = self._ctx, self._world
        workflow, bound = start.child
        secret = secret_of(self._children, within(ctx.secret, "input"), start.key)
        parent = Parent(ctx.run_id, ctx.trace_id, ctx.span_id, start.key, secret)
        run_id = child_id(ctx.run_id, ctx.state, ctx.visit, start.key)
        try:
            execution = Execution(workflow, start.given, bound, world, run_id=run_id, parent=parent)
        except Rejected as rejected:
            return f"its input does not fit: {rejected}"
        self._runs.append(execution.run)
        conclusion = await execution.finish()
        if conclusion.kind in ("success", "degraded"):
            self._outputs[number] = conclusion.output
            return ""
        return ended_badly(conclusion.end, conclusion.kind, execution.run.values.get("error"))


def secret_of(children: Children, given: Ways, key: int | str | None) -> Ways:
    """Give the ways to what of a child's input is secret to the state that runs it.

    Args:
        children: The children of the state.
        given: The ways to what is secret in the arguments of the state.
        key: Which child it is.
    """
    match children.kind:
        case "call":
            return given
        case "map":
            return ((),) if () in given else within(given, "items")
    return ((),) if () in given else within(given, str(key))


def ended_badly(end: str, kind: str, error: Error | None) -> str:
    """Say why a child failed that came to an end."""
    why = f": {error.state}: {error.message or error.outcome}" if error is not None else ""
    return f"it ended in `{end}` ({kind}){why}"


def failures_told(children: Children, keys: Sequence[int | str | None], failures: Mapping[int, str]) -> str:
    """Say which children failed, and why.

    Args:
        children: The children of the state.
        keys: Which children there are.
        failures: Why each failed that did, by its number.
    """
    failed = sorted(failures.items())
    (_, why), *_ = failed
    if children.kind == "call":
        (callee,) = children.callees.values()
        return f"`{callee.name}` failed: {why}"
    head = f"{len(failed)} of {len(keys)} children failed"
    if children.tolerate:
        head += f", and {children.tolerate} may"
    said = [f"{keys[number]}: {why}" for number, why in failed[:MOST_TOLD]]
    more = ["…"] if len(failed) > MOST_TOLD else []
    return f"{head}: {'; '.join((*said, *more))}"


def child_id(run_id: str, state: str, visit: int, key: int | str | None) -> str:
    """Make the id of a child's run: the same for the same visit and child, after a crash too."""
    what = json.dumps(["child", run_id, state, visit, key])
    return hashlib.sha256(what.encode("ascii")).hexdigest()[:32]
