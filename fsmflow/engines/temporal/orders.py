"""What a run on Temporal is given: its order, and where it stands when its history was cut.

It is data through and through, so that any worker, of any later version, can read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from fsmflow.engines.keeping import event_read, event_written
from fsmflow.runtime.events import Ended, Event
from fsmflow.runtime.run import Configuration, Error, Spent, Unbound

KERNEL = 1
"""The version of what carries machines out.

A machine travels with its runs, so a spec may change at any time. Only a change of which commands the
workflow gives, in which order, for one and the same machine and history, needs a new version, and the code
for the old one must stay until no run of it is under way. Replays of recorded histories tell.
"""


class Order(NamedTuple):
    """One run to be carried out: a caller's own, or a child's.

    Attributes:
        kernel: The least version of the kernel that can carry it out.
        run_id: Its id.
        trace_id: Its W3C trace id.
        span_id: The span id of it as a whole.
        digest: The digest of its machine.
        profile: The profile that it was submitted with.
        swapped: The steps of that profile, by the digest of a machine and by state.
        way: The way from the run that was submitted to this child: `read_all.`; empty for that run itself.
        parent_id: The span id of the attempt that runs this child.
        child: Which child it is: its item's index, its key, or None.
        left_us: How much time is left to whoever runs this child.
        is_indexed: Whether the namespace has our search attributes.
        heartbeat_s: After how long a worker that says nothing is taken to be gone.
        longest_history: After how many events of its history it goes on in a new one.
    """

    kernel: int
    run_id: str
    trace_id: str
    span_id: str
    digest: str
    profile: str | None = None
    swapped: Mapping[str, Mapping[str, str]] = {}
    way: str = ""
    parent_id: str = ""
    child: int | str | None = None
    left_us: int | None = None
    is_indexed: bool = False
    heartbeat_s: float = 10.0
    longest_history: int = 10_000


class Standing(NamedTuple):
    """Where a run stands when it goes on in a new history, but for its values, which follow one by one.

    Attributes:
        state: The state.
        visit: Which visit to it this is.
        attempt: Which attempt of the visit.
        counts: The counters of edges.
        visits: How often each state was entered.
        spent: The ledger.
        feedback: Why outputs of this visit were rejected.
        pausing: Whether it pauses before another attempt.
        unbound: Why its arguments could not be bound; empty if they could.
        event: What has just happened, without what that gave.
        lost: How often the attempt that is under way was lost.
        names: The names of its values.
    """

    state: str
    visit: int
    attempt: int
    counts: Mapping[str, int]
    visits: Mapping[str, int]
    spent: Mapping[str, int]
    feedback: tuple[str, ...]
    pausing: bool
    unbound: str
    event: str
    lost: int
    names: tuple[str, ...]


def put_down(now: Configuration, event: Event, lost: int) -> tuple[Standing, list[Any]]:
    """Write down where a run stands, and what has just happened.

    Returns:
        That, and its values: first what the event gives, then the arguments, then those that have names.
    """
    unbound = now.arguments.reason if isinstance(now.arguments, Unbound) else ""
    gives = event.value if isinstance(event, Ended) else None
    bare = event._replace(value=None) if isinstance(event, Ended) else event
    standing = Standing(
        now.state,
        now.visit,
        now.attempt,
        now.counts,
        now.visits,
        now.spent._asdict(),
        now.feedback,
        now.pausing,
        unbound,
        event_written(bare),
        lost,
        tuple(now.values),
    )
    return standing, [gives, {} if unbound else now.arguments, *now.values.values()]


def taken_up(standing: Standing, values: list[Any]) -> tuple[Configuration, Event]:
    """Give where a run stands, and what has just happened, as `put_down` wrote it."""
    gives, arguments, *named = values
    event = event_read(standing.event)
    if isinstance(event, Ended):
        event = event._replace(value=gives)
    now = Configuration(
        standing.state,
        standing.visit,
        standing.attempt,
        dict(standing.counts),
        dict(standing.visits),
        Spent(**standing.spent),
        restored(dict(zip(standing.names, named, strict=True))),
        Unbound(standing.unbound) if standing.unbound else arguments,
        tuple(standing.feedback),
        standing.pausing,
    )
    return now, event


def restored(values: dict[str, Any]) -> dict[str, Any]:
    """Give values that have come as data, with the latest way out in its own class again."""
    error = values.get("error")
    if not isinstance(error, dict):
        return values
    return {**values, "error": Error(**{**error, "complaints": tuple(error["complaints"])})}
