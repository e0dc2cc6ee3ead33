"""What happened in one run on Temporal: its spans, and its trace events, made of them when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, cast

from fsmflow.engines.temporal.orders import Order
from fsmflow.machine import Ask, Machine, Work
from fsmflow.machine import End as EndState
from fsmflow.runtime.desk import Asked
from fsmflow.runtime.events import Lost
from fsmflow.runtime.hiding import Hiding
from fsmflow.runtime.log import Parent, RunLog
from fsmflow.runtime.run import Configuration, Run, Spent
from fsmflow.runtime.secrets import Secrets
from fsmflow.runtime.trace import Span


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
    model: Mapping[str, Any]
    children: tuple[Child, ...]


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
    def of(cls, order: Order, now: Configuration) -> Run:
        """Give a run as it stands."""
        seen = cls(order.run_id, order.trace_id, now.values, now.spent, now.visits, now.attempt, now.feedback)
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
    order: Order,
    machine: Machine,
    now: Configuration,
    recorded: list[Recorded],
    ending: Ending | None,
    start_us: int | None,
) -> list[dict[str, Any]]:
    """Give the trace events of a run, with what is secret.

    An event of an attempt that ran other workflows also names their runs, under `children`: whoever puts
    the trace together lets those stand before it. An attempt that was lost has an event `lost`, which no
    trace holds: nobody knows what came of it.

    Args:
        order: The run's order.
        machine: Its machine.
        now: Where it stands.
        recorded: What happened.
        ending: How it ended, if it did.
        start_us: When it began; None if that was in an earlier history.
    """
    found: list[dict[str, Any]] = []
    log = RunLog(
        machine.name,
        order.digest,
        order.profile,
        Seen.of(order, now),
        StoppedClock(),
        found.append,
        start_us or 0,
        parent=Parent("", order.trace_id, order.parent_id, order.child) if order.parent_id else None,
        questions=[name for name, state in machine.states.items() if isinstance(state, Ask)],
    )
    root = found[0]["span_id"]
    if start_us is None:
        found.clear()
    for each in recorded:
        if isinstance(each.span.event, Lost):
            found.append(_lost(order, each))
            continue
        if each.model:
            log.about(each.span_id, dict(each.model))
        log.span(each.span, each.span_id)
        if each.children:
            found[-1]["children"] = [child._asdict() for child in each.children]
    if ending is not None:
        log.end(ending.end, ending.kind, ending.output, ending.at_us)
    hiding = Hiding(_keys(), {})
    return [hiding.event(_renamed(event, root, order.span_id)) for event in found]


def without_keys(asked: Asked) -> Asked:
    """Give a question as it may leave this worker."""
    keys = _keys()
    shown = asked.shown if keys.is_empty else keys.data(asked.shown)
    return asked._replace(shown=shown, validate=None)


def _keys() -> Secrets:
    """The keys and tokens of this worker's environment, which are no business of whoever looks at a run."""
    secrets = Secrets()
    secrets.learn_environment()
    return secrets


def _lost(order: Order, recorded: Recorded) -> dict[str, Any]:
    span = recorded.span
    return {
        "event": "lost",
        "trace_id": order.trace_id,
        "span_id": recorded.span_id,
        "parent_id": order.span_id,
        "state": span.state,
        "visit": span.visit,
        "attempt": span.attempt,
        "start_ns": span.start_us * 1000,
        "end_ns": (span.start_us + span.event.elapsed_us) * 1000 if isinstance(span.event, Lost) else 0,
    }


def _renamed(event: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """Give an event under the span id that the run has, for the one that its log made up."""
    return {
        key: new if key in ("span_id", "parent_id") and value == old else value
        for key, value in event.items()
    }


def secret_ways(machine: Machine) -> dict[str, list[str]]:
    """Give the ways to what no trace may hold, by state, and for the input as `input`."""
    return {name: list(ways) for name, ways in _secret(machine) if ways}


def _secret(machine: Machine) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "input", machine.secret
    for name, state in machine.states.items():
        if isinstance(state, Work | Ask | EndState):
            yield name, state.secret


NewId = Callable[[], str]
"""Makes a span id, the same one when a history is replayed."""
