"""What a run can be given beside its input."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, TypedDict, get_args

from fsmflow.runtime.binding import Step
from fsmflow.runtime.clock import Clock
from fsmflow.runtime.desk import Desk
from fsmflow.runtime.hiding import Bodies
from fsmflow.runtime.run_ids import id_of
from fsmflow.runtime.trace import Sink
from fsmflow.runtime.unfinished import is_async


class Options(TypedDict, total=False):
    """What a run can be given beside its input.

    Attributes:
        profile: Use the step implementations of this profile of the spec.
        steps: Use these implementations, by state: functions, `module:name`, or steps bound before. A step
            of a child goes by the state that runs it, too: `fetch_all.fetch`.
        trace: Is called with each trace event, as plain data, when it happens, on the event loop; what it
            raises ends the run.
        run_id: The run's id; random unless given. It is what idempotency keys are made of.
        clock: The clock to go by.
        random: The source of jitter.
        live: Whether `trace` is also told when an attempt or a pause begins, by an event `start`, and what
            a model says while it says it, by events `chunk`.
        desk: Where people are asked. A workflow that asks anybody needs one.
        bodies: How `trace` is told inputs and outputs: in `full`, which is without what is marked as secret;
            as a `hash` that tells which are equal; or not at all, with `none`.
        record: Is called with each event of the trace in full, secrets included: what a replay takes.
    """

    profile: str | None
    steps: Mapping[str, Step]
    trace: Sink
    run_id: str
    clock: Clock
    random: random.Random
    live: bool
    desk: Desk
    bodies: Bodies
    record: Sink


def check(options: Mapping[str, Any], known: type = Options) -> None:
    """Refuse options that nobody would heed.

    Args:
        options: The options, by name.
        known: The `TypedDict` of those that there are.

    Raises:
        TypeError: There is none of this name.
        ValueError: What it is given is nothing that it could be.
    """
    for name in options:
        if name not in known.__annotations__:
            raise TypeError(f"a run has no option {name!r}{_meant(name, known)}")
    bodies = options.get("bodies", "full")
    if bodies not in get_args(Bodies):
        raise ValueError(f"bodies can't be {bodies!r:.60}: expected one of {', '.join(get_args(Bodies))}")
    for name in ("trace", "record"):
        sink = options.get(name)
        if sink is not None and (not callable(sink) or is_async(sink)):
            raise ValueError(f"{name} can't be {sink!r:.60}: expected a function, not an async one")
    desk = options.get("desk")
    if desk is not None and (isinstance(desk, type) or not callable(getattr(desk, "ask", None))):
        raise ValueError(f"desk can't be {desk!r:.60}: expected one that can be asked, such as an `Inbox()`")
    steps = options.get("steps")
    if steps is not None and not isinstance(steps, Mapping):
        raise ValueError(f"steps can't be {steps!r:.60}: expected a mapping of states to functions")
    if "run_id" in options:
        id_of(options["run_id"])


def _meant(name: str, known: type) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known.__annotations__, n=1)
    return f": did you mean {near[0]!r}?" if near else ""
