"""Values on which choices turn: of their types, and on or about what guards hold them against."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from fsmflow.analysis.proving.valuations import assignments
from fsmflow.expressions import paths
from fsmflow.machine import Machine
from fsmflow.runtime.complaints import Rejected
from fsmflow.runtime.trace import field_names, plain
from fsmflow.runtime.validation import validator

MOST = 40
"""How many such values are given for one type."""

Sample = Callable[[Any], Any]
"""Makes any value of a type."""


def decisive(machine: Machine, roots: Iterable[str], kind: Any, sample: Sample) -> tuple[Any, ...]:
    """Give values of the type `kind` on which the choices of a machine turn; none if they read none of it.

    Args:
        machine: The machine.
        roots: The names under which choices read such values.
        kind: The type.
        sample: Makes what no choice looks at.
    """
    guards = [way.when for way in machine.transitions if way.when is not None]
    wanted = {root for root in roots if any(path.root == root for guard in guards for path in paths(guard))}
    if not wanted:
        return ()
    validate, sample = validator(kind), cache(sample)
    found: dict[str, Any] = {}
    for values in assignments(guards):
        for root in sorted(wanted & values.keys()):
            value = whole(values[root], kind, sample)
            try:
                found.setdefault(repr(value), value if validate is None else validate(value))
            except Rejected:
                continue
    return tuple(found.values())[:MOST]


def whole(known: Any, kind: Any, sample: Sample) -> Any:
    """Give plain data of a type of which a part is known: what choices look at, and no more.

    An item that only stands for one, as in a list of which the length is known, becomes one of its type. What
    can be no part of the type stays as it is.
    """
    items = typing.get_args(kind)
    if isinstance(known, list) and typing.get_origin(kind) is list:
        return [whole(item, items[0], sample) for item in known]
    if isinstance(known, dict) and _is_record(kind):
        under, kinds = plain(sample(kind)), _kinds(kind)
        return under | {name: whole(part, kinds.get(name, Any), sample) for name, part in known.items()}
    return plain(sample(kind)) if isinstance(known, str) and _is_record(kind) else known


def _is_record(kind: Any) -> bool:
    return isinstance(kind, type) and field_names(kind) is not None


def _kinds(kind: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(kind)
    except Exception:  # noqa: BLE001 - an annotation may name anything
        return {}
