"""What a workflow tells of itself, when somebody asks."""

from __future__ import annotations

from typing import Any

from fsmflow.engines import spans
from fsmflow.engines.spans import About, Begun, Ending, Recorded
from fsmflow.engines.temporal.orders import Order
from fsmflow.machine import Machine
from fsmflow.runtime.desk import Asked
from fsmflow.runtime.hiding import Hiding
from fsmflow.runtime.log import Parent
from fsmflow.runtime.run import Configuration
from fsmflow.runtime.secrets import Secrets


def events(
    order: Order,
    machine: Machine,
    now: Configuration,
    recorded: list[Recorded],
    last: Begun | Ending | None,
    start_us: int | None,
) -> list[dict[str, Any]]:
    """Give the trace events of one history of a run; see `fsmflow.engines.spans.events`.

    Args:
        order: The run's order.
        machine: Its machine.
        now: Where it stands.
        recorded: What happened since this history began.
        last: How it ended, or what is under way.
        start_us: When it began; None if that was in an earlier history.
    """
    parent = Parent("", order.trace_id, order.parent_id, order.child) if order.parent_id else None
    about = About(order.run_id, order.trace_id, order.span_id, order.digest, order.profile, parent)
    opening, *rest = spans.events(about, machine, now, recorded, last, start_us or 0)
    hiding = Hiding(_keys(), {})
    return [hiding.event(event) for event in ([] if start_us is None else [opening]) + rest]


def without_keys(asked: Asked) -> Asked:
    """Give a question as it may leave this worker."""
    return asked._replace(shown=keyless(asked.shown), validate=None)


def keyless(data: Any) -> Any:
    """Give data as it may leave this worker."""
    keys = _keys()
    return data if keys.is_empty else keys.data(data)


def _keys() -> Secrets:
    """The keys and tokens of this worker's environment, which are no business of whoever looks at a run."""
    secrets = Secrets()
    secrets.learn_environment()
    return secrets
