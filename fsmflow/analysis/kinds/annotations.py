"""Types as Python source declares them, in the terms of `fsmflow.typeexpr`.

What can't be told is `Any`. A class is named by the module that defines it, wherever it was
imported from.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable

from fsmflow.analysis.kinds.symbols import Symbol, resolve, spelled
from fsmflow.analysis.modules import Module, Modules
from fsmflow.typeexpr import Generic, LiteralType, TypeExpr, TypeName, Union

ANY = TypeName("", "Any")
NONE = TypeName("", "None")

MAX_DEPTH = 16

_PLAIN = {"str", "int", "float", "bool", "list", "dict"}
_CONTAINERS = {
    "list": "list",
    "typing.List": "list",
    "dict": "dict",
    "typing.Dict": "dict",
}


def type_of(modules: Modules, module: Module, node: ast.expr | None, depth: int = 0) -> TypeExpr:
    """Read an annotation that stands in `module`."""
    if node is None or depth > MAX_DEPTH:
        return ANY

    def inner(part: ast.expr) -> TypeExpr:
        return type_of(modules, module, part, depth + 1)

    match node:
        case ast.Constant(value=None):
            return NONE
        case ast.Constant(value=str(text)):
            return inner(quoted) if (quoted := _unquoted(text)) is not None else ANY
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return union([inner(left), inner(right)])
        case ast.Subscript(value=value, slice=arguments):
            parts = arguments.elts if isinstance(arguments, ast.Tuple) else [arguments]
            return _subscripted(spelled(module, value), parts, inner)
        case ast.Name() | ast.Attribute():
            return _named(modules, module, node, depth)
    return ANY


def normal(modules: Modules, type_: TypeExpr | None) -> TypeExpr:
    """Put a type of a spec in the terms of the source: classes by the modules that define them."""
    match type_:
        case TypeName(module="") | LiteralType():
            return type_
        case TypeName(module=module, name=name):
            return _resolved(modules, module, name, 0)
        case Generic(origin=origin, arguments=arguments):
            return Generic(origin, tuple(normal(modules, argument) for argument in arguments))
        case Union(members=members):
            return union(normal(modules, member) for member in members)
    return ANY


def union(members: Iterable[TypeExpr]) -> TypeExpr:
    """Join types; `Any` swallows the others."""
    flat: dict[TypeExpr, None] = {}
    for member in members:
        flat.update(dict.fromkeys(member.members if isinstance(member, Union) else (member,)))
    if ANY in flat:
        return ANY
    return next(iter(flat)) if len(flat) == 1 else Union(tuple(flat))


def _unquoted(text: str) -> ast.expr | None:
    try:
        return ast.parse(text.strip(), mode="eval").body if len(text) < 512 else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _subscripted(name: str, parts: list[ast.expr], inner: Callable[[ast.expr], TypeExpr]) -> TypeExpr:
    head = name.removeprefix("typing_extensions.").removeprefix("typing.")
    match head:
        case "Literal":
            values = [part.value for part in parts if isinstance(part, ast.Constant)]
            plain = [v for v in values if isinstance(v, str | int | bool | None)]
            return LiteralType(tuple(plain)) if len(plain) == len(parts) else ANY
        case "Optional":
            return union([inner(parts[0]), NONE])
        case "Union":
            return union(inner(part) for part in parts)
        case "Annotated" if any(map(_is_validator, parts)):
            return ANY
        case "Annotated" | "Final" | "Required" | "NotRequired" | "ReadOnly":
            return inner(parts[0])
    origin = _CONTAINERS.get(name)
    if origin is None or len(parts) != (1 if origin == "list" else 2):
        return ANY
    return Generic(origin, tuple(inner(part) for part in parts))


def _is_validator(part: ast.expr) -> bool:
    """Tell whether this is one of pydantic's validators, which may take, and make, anything."""
    made = part.func if isinstance(part, ast.Call) else None
    name = made.attr if isinstance(made, ast.Attribute) else made.id if isinstance(made, ast.Name) else ""
    return name.endswith("Validator")


def _named(modules: Modules, module: Module, node: ast.Name | ast.Attribute, depth: int) -> TypeExpr:
    name = spelled(module, node)
    if name in _PLAIN:
        return TypeName("", name)
    if name in _CONTAINERS:
        return TypeName("", _CONTAINERS[name])
    if isinstance(node, ast.Name):
        return _resolved(modules, module.name, node.id, depth) if node.id in module.names else ANY
    origin, _, attribute = name.rpartition(".")
    if not origin or origin.partition(".")[0] in sys.stdlib_module_names:
        return ANY
    return _resolved(modules, origin, attribute, depth)


def _resolved(modules: Modules, module: str, name: str, depth: int) -> TypeExpr:
    match resolve(modules, module, name):
        case Symbol(module=home, name=defined, node=ast.ClassDef()):
            return TypeName(home.name, defined)
        case Symbol(module=home, node=ast.expr() as value) if not isinstance(value, ast.Call | ast.Constant):
            return type_of(modules, home, value, depth + 1)
    return ANY
