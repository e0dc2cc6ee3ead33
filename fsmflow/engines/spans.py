"""What happened in a run that an engine keeps, and its trace events, made of that when somebody asks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from fsmflow.machine import Ask, Machine, Work
from fsmflow.machine import End as EndState
from fsmflow.runtime.events import Ended, Lost
from fsmflow.runtime.log import Parent, RunLog
from fsmflow.runtime.run import Configuration, Run, Spent
from fsmflow.runtime.trace import Span

LOST = "its process ended: it was made again"


class About(NamedTuple):
    """A run, as its trace names it.

    Attributes:
        run_id: Its id.
        trace_id: Its W3C trace id.
        span_id: The span id of it as a whole.
        digest: The digest of its machine.
        profile: The profile that it was submitted with.
        parent: The attempt that runs it; None if none does.
    """

    run_id: str
    trace_id: str
    span_id: str
    digest: str
    profile: str | None
    parent: Parent | None = None


class Child(NamedTuple):
    """A run of another workflow that was started: its id, and where in the arguments its input stands."""

    run_id: str
    within: tuple[str, ...]


class Recorded(NamedTuple):
    """One span.

    Attributes:
        span: What happened, and when, in microseconds since 1970.
        span_id: Its span id.
        model: What is known of the model that was asked.
        children: The runs of other workflows that were started, in order: their ids, and where their
            inputs stand in the arguments.
    """

    span: Span
    span_id: str
    model: Mapping[str, Any] = {}
    children: tuple[Child, ...] = ()


class Begun(NamedTuple):
    """What is under way where a run stands.

    Attributes:
        start_us: Since when, in microseconds since 1970.
        span_id: Its span id.
        pause_us: How long it is to be, if it is a pause or a wait.
        children: The runs of other workflows that it may have started.
    """

    start_us: int
    span_id: str
    pause_us: int | None
    children: tuple[Child, ...] = ()


class Ending(NamedTuple):
    """How a run ended, and when."""

    end: str
    kind: str
    output: Any
    at_us: int


class Seen(NamedTuple):
    """As much of a run as those look at who only tell of it."""

    run_id: str
    trace_id: str
    values: Mapping[str, Any]
    spent: Spent
    visits: Mapping[str, int]
    attempt: int
    feedback: tuple[str, ...]

    @classmethod
    def of(cls, run_id: str, trace_id: str, now: Configuration) -> Run:
        """Give a run as it stands."""
        seen = cls(run_id, trace_id, now.values, now.spent, now.visits, now.attempt, now.feedback)
        return cast(Run, seen)


class StoppedClock:
    """A clock for what has happened already: every time is told as it was noted."""

    def now(self) -> int:
        """Give the beginning of 1970."""
        return 0

    wall_ns = now

    async def sleep(self, us: int) -> None:
        """Do nothing."""

    def deadline(self) -> Any:
        """Do without."""
        return None


def events(
    about: About,
    machine: Machine,
    now: Configuration,
    recorded: Sequence[Recorded],
    last: Begun | Ending | None,
    start_us: int,
) -> list[dict[str, Any]]:
    """Give the trace events of a run, with what is secret.

    An event of an attempt that ran other workflows also names their runs, under `children`: whoever puts
    the trace together lets those stand before it. So does the event `start` of what is under way.

    Args:
        about: The run.
        machine: Its machine.
        now: Where it stands.
        recorded: What happened.
        last: How it ended, or what is under way.
        start_us: When it began.
    """
    found: list[dict[str, Any]] = []
    log = RunLog(
        machine.name,
        about.digest,
        about.profile,
        Seen.of(about.run_id, about.trace_id, now),
        StoppedClock(),
        found.append,
        start_us,
        parent=about.parent,
        questions=[name for name, state in machine.states.items() if isinstance(state, Ask)],
        span_id=about.span_id,
    )
    for each in recorded:
        if each.model:
            log.about(each.span_id, dict(each.model))
        log.span(_told(machine, each.span), each.span_id)
        _name(found[-1], each.children)
    match last:
        case Ending():
            log.end(*last)
        case Begun():
            log.starting(now.state, now.visit, now.attempt, last.start_us, last.span_id, last.pause_us)
            _name(found[-1], last.children)
    return found


def _name(event: dict[str, Any], children: Sequence[Child]) -> None:
    if children:
        event["children"] = [child._asdict() for child in children]


def _told(machine: Machine, span: Span) -> Span:
    """Give a span as a trace has it: an attempt whose process ended was made again, and counts in full."""
    if not isinstance(span.event, Lost):
        return span
    state = machine.states[span.state]
    assert isinstance(state, Work)
    cost = state.cost.amounts()[1:4]
    lost = Ended("lost", message=LOST, use=cost, elapsed_us=span.event.elapsed_us, steps=state.steps)
    return span._replace(event=lost)


def secret_ways(machine: Machine) -> dict[str, list[str]]:
    """Give the ways to what no trace may hold, by state, and for the input as `input`."""
    return {name: list(ways) for name, ways in _secret(machine) if ways}


def _secret(machine: Machine) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "input", machine.secret
    for name, state in machine.states.items():
        if isinstance(state, Work | Ask | EndState):
            yield name, state.secret


def id_of(*what: str | int) -> str:
    """Make a span id of what a span is, the same one each time."""
    return hashlib.sha256(json.dumps(["span", *what]).encode("ascii")).hexdigest()[:16]
