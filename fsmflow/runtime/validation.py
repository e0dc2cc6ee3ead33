"""Holding a step's output to its declared type, with nothing coerced.

An output may already be an instance of its class, or plain data that structures into it. Classes
are attrs classes, dataclasses or pydantic models; what a class holds is held to its own
annotations too.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import Any

from fsmflow.runtime.complaints import MOST, Rejected, complaints_of
from fsmflow.runtime.structuring import EXACT, converter, strict

Validate = Callable[[Any], Any]
"""Gives the structured value, or raises `Rejected`."""


class StepNotFound(Exception):
    """What a spec names leads to nothing that can be used; the message says why."""


class LoadedElsewhere(StepNotFound):
    """This process has loaded another module of the same name; one of its own could load this one."""


def validator(kind: Any) -> Validate | None:
    """Make the function that holds values to the type `kind`; None if anything will do.

    Raises:
        StepNotFound: It holds what no value can be held to.
    """
    if kind is Any or kind is object:
        return None
    if kind in EXACT:
        return _exactly(kind)
    return _structured(kind)


def exact(kind: Any) -> type | None:
    """Give the class whose instances are of the type `kind` as they are; None if they need a closer look."""
    return kind if kind in (int, str, bool, float) else None


def _named(kind: Any) -> str:
    return kind.__qualname__ if isinstance(kind, type) and not typing.get_args(kind) else str(kind)


def _exactly(kind: type) -> Validate:
    def validate(value: Any) -> Any:
        if value.__class__ is kind:
            return value
        try:
            return strict(value, kind)
        except TypeError as error:
            raise Rejected((str(error),)) from None

    return validate


def _structured(kind: Any) -> Validate:
    from cattrs import StructureHandlerNotFoundError

    try:
        hook = converter().get_structure_hook(kind)
    except StructureHandlerNotFoundError as error:
        raise StepNotFound(
            f"no value can be held to the type {_named(kind)}: JSON has no word of its own for"
            f" {_named(error.type_)}; a pydantic model may hold it"
        ) from None

    def validate(value: Any) -> Any:
        try:
            return hook(value, kind)
        except RecursionError:
            raise Rejected(("the value is nested too deeply",)) from None
        except Exception as error:  # noqa: BLE001 - a class's own validators may raise anything
            raise Rejected(tuple(complaints_of(error))[:MOST]) from None

    return validate
