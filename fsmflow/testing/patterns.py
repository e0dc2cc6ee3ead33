"""Values of pydantic models with fields that have to match a pattern, of which Hypothesis knows nothing."""

from __future__ import annotations

import re
import typing
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from hypothesis import strategies as st

from fsmflow.testing.drawing import simplest

Above = tuple[Any, ...]
"""The models that a type stands in, so that one that holds itself is not followed for ever."""


def matching(
    kind: Any, strategy: Callable[[Any, Above], st.SearchStrategy[Any]], above: Above = ()
) -> st.SearchStrategy[Any] | None:
    """Give a strategy for a model with patterns; None if Hypothesis manages by itself, as when it was told.

    Args:
        kind: The type.
        strategy: Gives the strategy of the type of a field.
        above: What the type stands in.
    """
    if not _is_patterned(kind, above) or is_managed(kind):
        return None
    made = {}
    for name, about in _fields(kind):
        pattern = _pattern(about)
        if pattern is not None:
            made[name] = st.from_regex(pattern)
        elif any(_is_patterned(part, (*above, kind)) for part in _parts(about.annotation)):
            made[name] = strategy(about.annotation, (*above, kind))
    return st.builds(kind, **made)


def _is_patterned(kind: Any, above: Above) -> bool:
    return kind not in above and any(
        _pattern(about) is not None
        or any(_is_patterned(part, (*above, kind)) for part in _parts(about.annotation))
        for _, about in _fields(kind)
    )


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
