"""Values on which choices turn: of their types, and on or about what guards hold them against."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from fsmflow.analysis.valuations import assignments, merged
from fsmflow.expressions import paths
from fsmflow.machine import Machine
from fsmflow.runtime.steps import resolve_type
from fsmflow.runtime.trace import plain
from fsmflow.runtime.validation import Rejected, validator

MOST = 40
"""How many such values are given for one type."""


def decisive(
    machine: Machine, roots: Iterable[str], kind: str, folder: Path, sample: Callable[[], Any]
) -> tuple[Any, ...]:
    """Give values of the type `kind` on which the choices of a machine turn; none if they read none of it.

    Args:
        machine: The machine.
        roots: The names under which choices read such values.
        kind: The type, as specs in `folder` write it.
        folder: Where types are looked for.
        sample: Makes any value of the type, for what no choice looks at.
    """
    guards = [way.when for way in machine.transitions if way.when is not None]
    wanted = {root for root in roots if any(path.root == root for guard in guards for path in paths(guard))}
    if not wanted or not kind:
        return ()
    validate = validator(resolve_type(kind, folder))
    under = sample()
    found: dict[str, Any] = {}
    for values in assignments(guards):
        for root in sorted(wanted & values.keys()):
            try:
                value = over(under, values[root])
                found.setdefault(repr(value), value if validate is None else validate(value))
            except Rejected:
                continue
    return tuple(found.values())[:MOST]


def over(under: Any, above: Any) -> Any:
    """Lay what is known of a value over a whole one, as plain data."""
    whole = plain(under)
    return merged(whole, above) if isinstance(whole, dict) and isinstance(above, dict) else above
