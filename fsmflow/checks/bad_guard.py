"""A guard that can't be read, or that asks something that makes no sense.

Why is this bad?
    A guard decides where a run goes. Guards are a small part of Python's expressions, so that they
    can be checked and can do nothing else: literals, dotted paths, comparison, `and`, `or`, `not`,
    `in` a list of literals, `len(path)`; at most 512 characters.

What to do
    Compute anything else in a step, and ask for its value. Names are those of values, `input` and
    `error`, without the `$`. A path alone must be true or false; only things of one type compare. A member
    of an `Enum` is none of the values that a guard can write: ask for its `.value`, or take a `StrEnum`.

Example::

    fsmflow: 1
    workflow: sample
    states:
      count: {run: m:count, effect: none, gives: int, success: enough, fallback: failed}
      enough:
        choose:
          - {when: count > "2", to: done}  # error: bad-guard
          - {when: cuont > 2, to: done}  # error: bad-guard
          - {when: count + 1 > 2, to: done}  # error: bad-guard
          - {to: failed}
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.analysis.kinds.annotations import NONE
from fsmflow.analysis.kinds.comparisons import complaints
from fsmflow.analysis.reads import GuardedArm, givers
from fsmflow.analysis.values import Values
from fsmflow.diagnostics import Diagnostic
from fsmflow.expressions import (
    Compare,
    Guard,
    GuardError,
    Path,
    Reference,
    Scalar,
    Value,
    Within,
    atoms,
    paths,
)
from fsmflow.loading.names import shown
from fsmflow.source import Document, Route, Span
from fsmflow.typeexpr import TypeName, Union

_SIGNS = (
    (r"\$", "names in a guard have no `$`"),
    (r"&&|\|\||!(?!=)", "`and`, `or` and `not` join conditions"),
    (r"(?<![=!<>])=(?!=)|===", "`==` compares"),
)
"""What other languages write in conditions, and what a guard has for it."""

_WORDS = {"null": "write `None`", "true": "write `True`", "false": "write `False`"}


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find guards that are not in the language, and those that name or compare the wrong things."""
    known = {*givers(analysis.workflow), "input", "error"} | analysis.guesses.values
    for arm in analysis.reads.guards:
        if isinstance(arm.guard, GuardError):
            yield Diagnostic(
                "bad-guard",
                f"this guard can't be read: {arm.guard}",
                arm.route,
                span=_span(analysis.document, arm, arm.guard),
                hint=next((hint for sign, hint in _SIGNS if re.search(sign, arm.text)), ""),
            )
            continue
        unknown = sorted({path.root for path in paths(arm.guard)} - known)
        for name in unknown:
            if name in analysis.misspelt:
                continue
            yield Diagnostic(
                "bad-guard",
                f"unknown value `{shown(name)}`",
                arm.route,
                hint=_WORDS.get(name) or analysis.hints.near(name, known),
            )
        if not unknown:
            values = analysis.values.inside(arm.state)
            for message in complaints(values, arm.guard):
                yield Diagnostic("bad-guard", message, arm.route)
            for path, literal in _compared(arm.guard):
                yield from _member(values, path, literal, arm.route)


def _compared(guard: Guard) -> Iterator[tuple[Path, Scalar]]:
    """Give each path that is compared with a literal, with the first one if it is a list of them."""
    for atom in atoms(guard):
        match atom:
            case (
                Compare(left=Path() as path, right=Value(value))
                | Compare(left=Value(value), right=Path() as path)
            ):
                yield path, value
            case Within(left=Path() as path, items=[value, *_]):
                yield path, value


def _member(values: Values, path: Path, literal: Scalar, route: Route) -> Iterator[Diagnostic]:
    """Find a member of an enum that is compared with what only its value can equal."""
    found = values.read(Reference(path.root, path.path))
    kinds = [kind for kind in (found.members if isinstance(found, Union) else (found,)) if kind != NONE]
    if literal is None or not kinds or not all(_is_plain_enum(values, kind) for kind in kinds):
        return
    parts = [Reference(path.root, path.path[:depth]) for depth in range(len(path.path))]
    if any(_may_hold_others(values, part, name) for part, name in zip(parts, path.path, strict=True)):
        # As a pydantic model that is told to keep the values of its enums.
        return
    names = " or ".join(f"`{kind}`" for kind in kinds)
    base = {str: "a `StrEnum`", int: "an `IntEnum`"}.get(type(literal))
    yield Diagnostic(
        "bad-guard",
        f"`{path}` is a member of {names}, which {literal!r} is not",
        route,
        hint=f"compare `{path}.value`" + (f", or let {names} be {base}" if base else ""),
    )


def _is_plain_enum(values: Values, kind: object) -> bool:
    """Tell whether a type is an enum whose members are no strings and no numbers."""
    found = values.class_of(kind) if isinstance(kind, TypeName) and kind.module else None
    return (
        found is not None
        and found.known
        and not found.dynamic
        and "enum.Enum" in found.ancestors
        and not found.ancestors & _SCALARS
        and "__eq__" not in found.others
    )


def _may_hold_others(values: Values, reference: Reference, name: str) -> bool:
    """Tell whether the field `name` of a value may hold what is not of its type."""
    kind = values.read(reference)
    found = values.class_of(kind) if isinstance(kind, TypeName) and kind.module else None
    if found is None or found.dynamic:
        return True
    return found.fields is not None and name in found.fields and found.fields[name].validated


_SCALARS = {"str", "int", "float", "enum.StrEnum", "enum.IntEnum"}


def _span(document: Document, arm: GuardedArm, error: GuardError) -> Span | None:
    """Find the characters at fault, if the guard stands in the text just as it reads."""
    span = document.values.get(arm.route)
    if span is None or span.line != span.end_line or arm.text != arm.text.strip() or error.end is None:
        return None
    raw = document.line(span.line)[span.column - 1 : span.end_column - 1]
    for quote in ("", '"', "'"):
        if raw == f"{quote}{arm.text}{quote}":
            start = span.column + len(quote)
            return Span(span.line, start + error.offset, span.line, start + error.end)
    return None
