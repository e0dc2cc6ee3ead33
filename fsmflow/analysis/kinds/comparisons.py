"""Whether a guard asks what can be asked of the types that it reads."""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow.analysis.kinds.annotations import ANY, NONE
from fsmflow.analysis.kinds.fits import plain
from fsmflow.analysis.terms import written_operand as written
from fsmflow.analysis.values import NoField, Values
from fsmflow.expressions import (
    Compare,
    Guard,
    Length,
    Operand,
    Path,
    Reference,
    Truth,
    Value,
    Within,
    atoms,
)
from fsmflow.typeexpr import Generic, LiteralType, TypeExpr, TypeName, Union

_KINDS = {
    "str": "a string",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "None": "null",
    "list": "a list",
    "dict": "a mapping",
}
_ORDERED = {"a string", "a number"}
_SIZED = {"a string", "a list", "a mapping"}


def complaints(values: Values, guard: Guard) -> Iterator[str]:
    """Say what is wrong with each part of `guard` whose types are known."""
    for atom in atoms(guard):
        match atom:
            case Truth(of=path):
                kinds = _kinds(_type(values, path))
                if kinds and "true or false" not in kinds:
                    said = "which is never exactly true; compare it with something"
                    yield f"`{path}` is {_worded(kinds)}, {said}"
            case Compare(operator=sign, left=left, right=right):
                yield from _lengths(values, left, right)
                yield from _comparison(values, sign, left, right)
            case Within(left=left, items=items):
                yield from _lengths(values, left)
                for item in items:
                    yield from _comparison(values, "==", left, Value(item))


def _lengths(values: Values, *operands: Operand) -> Iterator[str]:
    for operand in operands:
        if isinstance(operand, Length):
            kinds = _kinds(_type(values, operand.of))
            if kinds and kinds.isdisjoint(_SIZED):
                yield f"`{operand.of}` is {_worded(kinds)} and has no length"


def _comparison(values: Values, sign: str, left: Operand, right: Operand) -> Iterator[str]:
    one, other = _type(values, left), _type(values, right)
    kinds, others = _kinds(one), _kinds(other)
    if not kinds or not others:
        return
    if sign in ("==", "!="):
        # A value that is not set is null, whatever its type.
        if "null" in kinds | others:
            return
        if kinds.isdisjoint(others):
            yield f"{_shown(left, kinds)} never equals {_shown(right, others)}"
        elif not _overlap(one, other) and isinstance(left, Value) is isinstance(right, Value):
            yield f"`{written(left)}` never equals `{written(right)}`"
        elif not _overlap(one, other):
            path, literal = (right, left) if isinstance(left, Value) else (left, right)
            yield f"`{written(path)}` is one of `{_type(values, path)}`, never {written(literal)}"
    elif kinds.isdisjoint(others & _ORDERED):
        yield f"{_shown(left, kinds)} and {_shown(right, others)} are in no order"


def _type(values: Values, operand: Operand) -> TypeExpr:
    match operand:
        case Value(value=value):
            return LiteralType((value,)) if isinstance(value, str | int | bool | None) else plain(value)
        case Length():
            return TypeName("", "int")
        case Path(root=root, path=path):
            found = values.read(Reference(root, path))
            return ANY if isinstance(found, NoField) else found


def _kinds(type_: TypeExpr) -> frozenset[str]:
    """Give the kinds of things that a type holds; none where they are not known."""
    match type_:
        case Union(members=members):
            parts = [_kinds(member) for member in members]
            return frozenset().union(*parts) if all(parts) else frozenset()
        case LiteralType(values=items):
            return frozenset(_KINDS[str(plain(item))] for item in items)
        case Generic(origin=origin):
            return frozenset({_KINDS[origin]})
        case TypeName(module="", name=name) if type_ != ANY:
            return frozenset({_KINDS[name]})
    return frozenset()


def _overlap(left: TypeExpr, right: TypeExpr) -> bool:
    """Tell whether two types, of which one is a literal, may hold one value."""
    match left, right:
        case LiteralType(values=items), LiteralType(values=others):
            return any(a == b and isinstance(a, bool) is isinstance(b, bool) for a in items for b in others)
    return NONE not in (left, right)


def _shown(operand: Operand, kinds: frozenset[str]) -> str:
    return (
        f"`{written(operand)}`" if isinstance(operand, Value) else f"`{written(operand)}` ({_worded(kinds)})"
    )


def _worded(kinds: frozenset[str]) -> str:
    return " or ".join(sorted(kinds))
