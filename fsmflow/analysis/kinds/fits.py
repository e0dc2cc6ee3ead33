"""Whether a value of one type may stand where another is declared. In doubt, it may."""

from __future__ import annotations

from fsmflow.analysis.kinds.annotations import ANY, NONE
from fsmflow.analysis.kinds.classes import class_of
from fsmflow.analysis.modules import Module, Modules
from fsmflow.typeexpr import Generic, LiteralType, TypeExpr, TypeName, Union

_WIDENS = {("int", "float"), ("bool", "int"), ("bool", "float")}


def fits(modules: Modules, given: TypeExpr, wanted: TypeExpr) -> bool:
    """Tell whether `given` fits `wanted`; both are in the terms of `annotations`."""
    match given, wanted:
        case (_, _) if ANY in (given, wanted) or given == wanted:
            return True
        case Union(members=members), _:
            return all(fits(modules, member, wanted) for member in members)
        case _, Union(members=members):
            return any(fits(modules, given, member) for member in members)
        case LiteralType(values=values), LiteralType(values=allowed):
            return all(any(v == a and type(v) is type(a) for a in allowed) for v in values)
        case LiteralType(values=values), _:
            return all(fits(modules, plain(value), wanted) for value in values)
        case _, LiteralType(values=values):
            return any(given == plain(value) for value in values)
        case Generic(origin=origin, arguments=items), Generic(origin=other, arguments=others):
            return origin == other and all(fits(modules, a, b) for a, b in zip(items, others, strict=True))
        case Generic(origin=origin), TypeName():
            return origin == wanted.name if not wanted.module else _is_open(modules, wanted, origin)
        case TypeName(), Generic(origin=origin):
            return given.name == origin if not given.module else _descends(modules, given, origin)
        case TypeName(module=""), TypeName(module=""):
            return (given.name, wanted.name) in _WIDENS
        case TypeName(module=""), TypeName():
            return _is_open(modules, wanted, given.name)
        case TypeName(), TypeName(module="", name=name):
            return _descends(modules, given, name)
        case TypeName(), TypeName(module=module, name=name):
            return (
                _is_open(modules, wanted, "")
                or _descends(modules, given, f"{module}.{name}")
                # What typed dictionaries hold counts, not what they are called.
                or (_descends(modules, given, "dict") and _is_open(modules, wanted, "dict"))
            )
    return True


def plain(value: object) -> TypeExpr:
    """Give the type of a scalar."""
    return NONE if value is None else TypeName("", type(value).__name__)


def _is_open(modules: Modules, wanted: TypeName, given: str) -> bool:
    """Tell whether a class takes, or may take, things that are none of its instances."""
    found = class_of(modules, wanted.module, wanted.name)
    if found is None or "typing.Protocol" in found.ancestors:
        return True
    return given == "dict" and found.is_mapping


def _descends(modules: Modules, given: TypeName, ancestor: str) -> bool:
    found = class_of(modules, given.module, given.name)
    if found is None or not found.known or ancestor in found.ancestors:
        return True
    home, _, name = ancestor.rpartition(".")
    if any(isinstance(at, Module) and name in at.registers for at in map(modules.read, (home, given.module))):
        # As one of those with an abstract class, which its own source need not show.
        return True
    ancestry = {"dict": found.is_mapping, "str": "enum.StrEnum" in found.ancestors}
    return ancestry.get(ancestor, "enum.IntEnum" in found.ancestors and ancestor in ("int", "float"))
