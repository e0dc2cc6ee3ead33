"""Templates and types, read; what can't be read becomes nothing, and a check says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fsmflow.expressions import Constant, Template, parse_template
from fsmflow.typeexpr import TypeExpr, parse_type


def template(data: Any) -> Template:
    """Read a template; data with a bad reference in it becomes null, and a check says so."""
    try:
        return parse_template(data)
    except ValueError:
        return Constant(None)


def arguments_of(said: Mapping[str, Any]) -> tuple[tuple[str, Template], ...]:
    """Read what a state is given, by name."""
    return tuple((name, template(value)) for name, value in said.items())


def type_of(text: str | None) -> TypeExpr | None:
    """Read a type; one that can't be read is none."""
    try:
        return None if text is None else parse_type(text)
    except ValueError:
        return None
