"""Values of pydantic models that Hypothesis can't make: with patterns, defaults that are made, or `Any`."""

from __future__ import annotations

import re
import typing
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from hypothesis import strategies as st

from fsmflow.runtime.instances import field_types, is_class, is_pydantic
from fsmflow.runtime.keyed import is_keyed, keys_of
from fsmflow.testing.drawing import simplest

Above = tuple[Any, ...]
"""The models that a type stands in, so that one that holds itself is not followed for ever."""


def matching(
    kind: Any, strategy: Callable[[Any, Above], st.SearchStrategy[Any]], above: Above = ()
) -> st.SearchStrategy[Any] | None:
    """Give a strategy for such a model; None if Hypothesis manages by itself, as when it was told.

    Args:
        kind: The type.
        strategy: Gives the strategy of the type of a field.
        above: What the type stands in.
    """
    if not is_pydantic(kind) or not (_is_unknown(kind, ()) or needs_help(kind)) or is_managed(kind):
        return None
    needed: dict[str, st.SearchStrategy[Any]] = {}
    others: dict[str, st.SearchStrategy[Any]] = {}
    for name, about in _fields(kind):
        pattern = _pattern(about)
        if pattern is not None:
            made = st.from_regex(pattern)
        elif about.metadata and not _holds_unknown(about, ()) and not needs_help(about.annotation):
            made = st.from_type(about.rebuild_annotation())
        else:
            made = strategy(about.annotation, (*above, kind))
        (needed if about.is_required() else others)[name] = made
    return st.fixed_dictionaries(needed, optional=others).map(lambda given: kind(**given))


def _is_unknown(kind: Any, above: Above) -> bool:
    return kind not in above and any(
        _pattern(about) is not None
        or about.default_factory is not None
        or _holds_unknown(about, (*above, kind))
        for _, about in _fields(kind)
    )


def _holds_unknown(about: Any, above: Above) -> bool:
    return any(_is_unknown(part, above) for part in _parts(about.annotation))


def needs_help(kind: Any, above: Above = ()) -> bool:
    """Tell whether a type holds what Hypothesis makes no value of: `Any`, or the `Self` of a class."""
    if kind is Any:
        return True
    if kind in above:
        return False
    held: Iterable[Any] = typing.get_args(kind)
    if is_class(kind) or is_keyed(kind):
        if _says_self(kind):
            return True
        held = (
            field_types(kind).values() if is_class(kind) else (field for field, _ in keys_of(kind).values())
        )
    elif is_pydantic(kind):
        held = (about.annotation for _, about in _fields(kind))
    return any(needs_help(each, (*above, kind)) for each in held)


def _says_self(kind: Any) -> bool:
    hints = typing.get_type_hints(typing.get_origin(kind) or kind)
    return any(typing.Self in _parts(hint) for hint in hints.values())


@cache
def is_managed(kind: Any) -> bool:
    """Tell whether Hypothesis makes values of a type by itself, or was told how."""
    with warnings.catch_warnings():
        # That it passes the patterns over is why this is asked.
        warnings.simplefilter("ignore")
        try:
            simplest(st.from_type(kind))
        except Exception:  # noqa: BLE001 - a model's own validators may raise anything
            return False
    return True


def _fields(kind: Any) -> Iterator[tuple[str, Any]]:
    """Give the fields of a pydantic model by the names that it is made with."""
    if isinstance(kind, type):
        for name, about in getattr(kind, "model_fields", {}).items():
            alias = about.validation_alias
            yield alias if isinstance(alias, str) else name, about


def _pattern(about: Any) -> str | re.Pattern[str] | None:
    found = (getattr(each, "pattern", None) for each in about.metadata)
    return next((pattern for pattern in found if isinstance(pattern, str | re.Pattern)), None)


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in typing.get_args(annotation):
        yield from _parts(part)
