"""How mappings become `TypedDict`s and named tuples, the annotations of which may be strings.

cattrs takes these as they stand, and then knows neither the type of a key nor whether it may be left out.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any

from fsmflow.runtime.complaints import Rejected, each, named
from fsmflow.runtime.instances import Hook, filled

_MARKS = frozenset({"Required", "NotRequired", "ReadOnly"})


def is_keyed(kind: Any) -> bool:
    """Tell whether a type is a `TypedDict`, or that of named tuples."""
    # Those of `typing_extensions` are none to `typing`, before Python 3.13.
    is_typed = isinstance(kind, type) and issubclass(kind, dict) and hasattr(kind, "__required_keys__")
    return is_typed or is_named_tuple(kind)


def is_named_tuple(kind: Any) -> bool:
    """Tell whether a type is that of named tuples."""
    return isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields")


def keys_of(kind: Any) -> dict[str, tuple[Any, bool]]:
    """Give the keys: of each the type, and whether it must be there."""
    hints = typing.get_type_hints(kind, include_extras=True)
    if is_named_tuple(kind):
        types = {name: filled(hint, {typing.Self: kind}) for name, hint in hints.items()}
        return {name: (types.get(name, Any), name not in kind._field_defaults) for name in kind._fields}
    found = {}
    for name, hint in hints.items():
        needed = name in kind.__required_keys__
        # `ReadOnly` says what may be done with a key, and stands in `typing` from Python 3.13 on.
        while (mark := str(typing.get_origin(hint)).rpartition(".")[2]) in _MARKS:
            needed = needed if mark == "ReadOnly" else mark == "Required"
            hint = typing.get_args(hint)[0]
        found[name] = (hint, needed)
    return found


def of_keyed(made: Any, kind: Any) -> Hook:
    """Make the hook of a `TypedDict`, or of named tuples."""
    known = keys_of(kind)
    # These are looked for no sooner than there is a value: a type may hold others of its own.
    hooks: dict[str, tuple[Any, Hook]] = {}

    def structure(value: Any, _: Any) -> Any:
        if not hooks:
            hooks.update({name: (part, made.get_structure_hook(part)) for name, (part, _) in known.items()})
        given = _given(value, kind)
        found = _held(given, hooks, [name for name, (_, needed) in known.items() if needed])
        if not is_named_tuple(kind):
            return found
        return value if isinstance(value, kind) else kind(**found)

    return structure


def _given(value: Any, kind: Any) -> Mapping[Any, Any]:
    if isinstance(value, Mapping):
        return value
    if is_named_tuple(kind) and isinstance(value, list | tuple) and len(value) <= len(kind._fields):
        return dict(zip(kind._fields, value, strict=False))
    raise TypeError(f"expected a mapping, found {named(value)}")


def _held(
    given: Mapping[Any, Any], hooks: Mapping[str, tuple[Any, Hook]], needed: list[str]
) -> dict[str, Any]:
    """Hold what is given to its types, by key, and complain of all that is wrong at once.

    Raises:
        Rejected: A part does not fit, or a key is missing, or is none.
    """
    names = [name for name in hooks if name in given]
    problems: list[str] = []
    found: list[Any] = []
    try:
        found = each(
            ((f".{name}", (given[name], *hooks[name])) for name in names), lambda part: part[2](*part[:2])
        )
    except Rejected as rejected:
        problems += rejected.complaints
    problems += [f".{name}: missing" for name in needed if name not in given]
    if unknown := sorted(repr(name) for name in given if name not in hooks):
        problems.append(f"unexpected {', '.join(unknown)}")
    if problems:
        raise Rejected(tuple(problems))
    return dict(zip(names, found, strict=True))
