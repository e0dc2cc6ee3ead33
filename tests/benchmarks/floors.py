"""Hand-written loops that do a runner's duties with nothing to spare: what a runner is measured against.

`bare` awaits functions in a row. `traced` dispatches by name and adds a step cap, error handling, a
validation call and a trace event. `budgeted` is `traced` with five budgets and an attrs event.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping

import attrs

Step = Callable[["Box"], Awaitable[int]]
Table = Mapping[str, tuple[Step, str | None]]


class Box:
    """The one value that the steps pass on."""

    __slots__ = ("x",)

    def __init__(self) -> None:
        self.x = 0


class Exceeded(Exception):
    """A floor's budget is used up."""


def step() -> Step:
    """Make a step of its own, so that no inline cache is shared."""

    async def run(box: Box) -> int:
        box.x += 1
        return box.x

    return run


def is_valid(value: object) -> bool:
    """Validate as little as can be called validation."""
    return type(value) is int


def table(length: int) -> Table:
    """Make a chain of `length` states."""
    return {f"s{i}": (step(), f"s{i + 1}" if i + 1 < length else None) for i in range(length)}


async def bare(steps: list[Step], box: Box) -> None:
    """Await each step."""
    for each in steps:
        await each(box)


async def traced(states: Table, box: Box, cap: int = 10**9) -> list[tuple[object, ...]]:
    """Dispatch, count, catch, validate, record."""
    now = time.perf_counter_ns
    state: str | None = "s0"
    count, trace = 0, []
    while state is not None:
        count += 1
        if count > cap:
            raise Exceeded
        function, following = states[state]
        began = now()
        try:
            value = await function(box)
        except Exception as error:
            trace.append((count, state, began, now(), repr(error)))
            raise
        if not is_valid(value):
            raise ValueError(state)
        trace.append((count, state, began, now(), "ok"))
        state = following
    return trace


@attrs.define(slots=True)
class Event:
    """A trace event of `budgeted`."""

    number: int
    state: str
    began: int
    ended: int
    outcome: str


@attrs.define(slots=True)
class Caps:
    """The five budgets."""

    steps: int = 10**9
    tool_calls: int = 10**9
    tokens: int = 10**9
    money: float = 1e9
    deadline: int = 1 << 62


@attrs.define(slots=True)
class Used:
    """What was used of four of them."""

    steps: int = 0
    tool_calls: int = 0
    tokens: int = 0
    money: float = 0.0


async def budgeted(states: Table, box: Box, caps: Caps = Caps()) -> list[Event]:  # noqa: B008 - never changed
    """Do what `traced` does under five budgets."""
    now = time.perf_counter_ns
    used, trace = Used(), []
    state: str | None = "s0"
    while state is not None:
        used.steps += 1
        began = now()
        if (
            used.steps > caps.steps
            or used.tool_calls > caps.tool_calls
            or used.tokens > caps.tokens
            or used.money > caps.money
            or began > caps.deadline
        ):
            raise Exceeded(used)
        function, following = states[state]
        try:
            value = await function(box)
        except Exception as error:
            trace.append(Event(used.steps, state, began, now(), repr(error)))
            raise
        if not is_valid(value):
            raise ValueError(state)
        trace.append(Event(used.steps, state, began, now(), "ok"))
        state = following
    return trace
