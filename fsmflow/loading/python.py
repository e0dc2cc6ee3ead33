"""Specs written in Python, as documents.

The model is written out as YAML and read back, so that it meets exactly the checks that a file
meets, and every diagnostic can show the line that it speaks of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from fsmflow import spec
from fsmflow.diagnostics import Diagnostic
from fsmflow.loading.converter import key_of
from fsmflow.loading.emitter import emit
from fsmflow.loading.files import Unreadable
from fsmflow.loading.names import shown
from fsmflow.loading.yaml import MAX_DEPTH, MAX_EVENTS, read_document
from fsmflow.source import Document, Real, Route


def document_of(workflow: spec.Workflow) -> Document:
    """Write `workflow` as the document that structures into it.

    Raises:
        Unreadable: It holds something that no spec can: an object that is no plain data, or
            data that is nested too deep; an `InvalidSpec`.
    """
    path = f"<python:{shown(str(workflow.workflow))}>"
    return read_document(emit(_Flattening(path).plain(workflow, ())), path)


@attrs.define
class _Flattening:
    """The turning of a model into plain data; counts, so that shared objects can't explode."""

    path: str
    count: int = 0

    def plain(self, value: Any, route: Route) -> Any:
        self.count += 1
        if self.count > MAX_EVENTS:
            raise self.refusal("too-large", "this spec holds too many values", route)
        if len(route) > MAX_DEPTH:
            raise self.refusal("too-deep", f"values are nested at most {MAX_DEPTH} deep", route)
        match value:
            case None | bool() | int() | float() | str():
                return value
            case spec.Duration():
                return str(value)
            case spec.Money():
                return Real(str(value))
            case Mapping():
                return {key: self.plain(item, (*route, str(key))) for key, item in value.items()}
            case list() | tuple():
                return [self.plain(item, (*route, index)) for index, item in enumerate(value)]
        if attrs.has(type(value)):
            return self.mapping(value, route)
        message = f"expected plain data, found an object of the class {shown(type(value).__name__)}"
        raise self.refusal("wrong-type", message, route)

    def mapping(self, model: Any, route: Route) -> dict[str, Any]:
        """Write one class of the language, leaving out what is as it would be anyway."""
        return {
            key_of(a.name): self.plain(getattr(model, a.name), (*route, key_of(a.name)))
            for a in attrs.fields(type(model))
            if a.name == "fsmflow" or not _is_default(a, getattr(model, a.name))
        }

    def refusal(self, check: str, message: str, route: Route) -> Unreadable:
        return Unreadable([Diagnostic(check, message, route)], Document(self.path, "", None))


def _is_default(attribute: attrs.Attribute[Any], value: Any) -> bool:
    default: Any = attribute.default
    if default is attrs.NOTHING:
        return False
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class to Python, not to its stub
        default = default.factory()
    return type(value) is type(default) and value == default
