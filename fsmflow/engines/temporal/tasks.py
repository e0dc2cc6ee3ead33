"""What the workflow asks of an activity, and what that says of it: one attempt, or a look at a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

FIT = "fsmflow.fit"
"""The activity that holds a value to its type; every other name is a step's."""

LACKING = "lacking"
"""Under what a look says why the worker that was to have it has not the type."""

LOST = "Lost"
"""The type of the error of an attempt whose worker stops: nobody knows what came of it."""

UNREADY = "Unready"
"""The type of the error of an attempt that was not made: this worker has not what it needs for it."""


UNREAD = "Failed decoding arguments"
"""What Temporal's library says of an attempt that was not made since its values could not be fetched."""


WHERE = "bug.where"
"""Under what a bug's place in a step's code stands, for traces alone; no step can note anything so called."""


class Task(NamedTuple):
    """One attempt to be made, but for the values that it takes, which follow one by one.

    Attributes:
        run_id: The run's id.
        trace_id: The run's W3C trace id.
        digest: The digest of its machine.
        swapped: The steps of its profile, by state.
        way: The way from the run that was submitted to this one.
        state: The state.
        visit: Which visit to it this is.
        attempt: Which attempt of the visit.
        counts: The counters of edges.
        visits: How often each state was entered.
        spent: The ledger.
        feedback: Why outputs of this visit were rejected.
        left_us: After how long it is cut off for the sake of whoever runs this run as a child.
        heartbeat_s: After how long a worker that says nothing is taken to be gone.
        names: The names of the values.
    """

    run_id: str
    trace_id: str
    digest: str
    swapped: Mapping[str, str]
    way: str
    state: str
    visit: int
    attempt: int
    counts: Mapping[str, int]
    visits: Mapping[str, int]
    spent: Mapping[str, int]
    feedback: tuple[str, ...]
    left_us: int | None
    heartbeat_s: float
    names: tuple[str, ...]


class Done(NamedTuple):
    """What came of an attempt.

    Attributes:
        event: How it ended, as `fsmflow.engines.keeping` writes it, but for its value.
        value: What it gave.
        late: What attempts that were abandoned before it charged while it was under way.
        span_id: The span id under which its step knew it.
        model: What is known of the model that was asked; or where in a step's code a bug was met, under
            `WHERE`: a field of its own would be one too many for workers that do not know it yet.
        is_cut: Whether the time of whoever runs the run as a child cut it off.
    """

    event: str
    value: Any
    late: tuple[tuple[int, int, int], ...]
    span_id: str
    model: Mapping[str, Any]
    is_cut: bool


class Look(NamedTuple):
    """A value to be held to its type.

    Attributes:
        digest: The digest of the machine.
        what: What the value is: the input, the output, or the answer to a question.
        state: The state that asks.
    """

    digest: str
    what: Literal["input", "output", "answer"]
    state: str = ""
