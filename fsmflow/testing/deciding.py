"""Values on which choices turn: of their types, and on or about what guards hold them against."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

from fsmflow.analysis.proving.valuations import assignments
from fsmflow.expressions import paths
from fsmflow.machine import Machine
from fsmflow.runtime.complaints import Rejected
from fsmflow.runtime.instances import field_types, is_class
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

    An item that only stands for one, as in a list of which the length is known, becomes one of its type, and
    so does what is only known not to be null. What can be no part of the type stays as it is.
    """
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _one_of(parts, known, sample)
    if origin is typing.Annotated:
        return whole(known, parts[0], sample)
    if isinstance(known, list) and origin is list:
        return [_one_of(parts, item, sample) for item in known]
    if isinstance(known, dict) and origin is dict:
        return {name: whole(item, parts[1], sample) for name, item in known.items()}
    if isinstance(known, dict) and _is_record(kind):
        under, kinds = plain(sample(kind)), _kinds(kind)
        return under | {name: whole(part, kinds.get(name, Any), sample) for name, part in known.items()}
    return plain(sample(kind)) if isinstance(known, str) and _is_record(kind) else known


def _one_of(kinds: Sequence[Any], known: Any, sample: Sample) -> Any:
    """Give what is known as one of some types; if it is none, any value of the first that is not null."""
    for kind in kinds:
        made, validate = whole(known, kind, sample), validator(kind)
        try:
            if validate is not None:
                validate(made)
        except Rejected:
            continue
        return made
    return plain(sample(next((kind for kind in kinds if kind is not types.NoneType), Any)))


def _is_record(kind: Any) -> bool:
    owner = typing.get_origin(kind) or kind
    return isinstance(owner, type) and (typing.is_typeddict(owner) or field_names(owner) is not None)


def _kinds(kind: Any) -> dict[str, Any]:
    try:
        return field_types(kind) if is_class(kind) else typing.get_type_hints(kind)
    except Exception:  # noqa: BLE001 - an annotation may name anything
        return {}
