"""Types as specs write them: `str`, `list[ask_docs:Passage]`, `Literal["a", "b"]`, `int | None`."""

from __future__ import annotations

import ast
import json
import re

from attrs import frozen

_REFERENCE = re.compile(
    r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"|([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*):([A-Za-z_][A-Za-z0-9_]*)",
    re.ASCII,
)
_EXPECTED = "expected a type such as str, list[module:Name] or int | None"
BUILTINS = frozenset({"str", "int", "float", "bool", "None", "Any", "list", "dict"})


@frozen
class TypeName:
    """A type by name: a builtin (`module` is empty) or a class in a module."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}:{self.name}" if self.module else self.name


@frozen
class Generic:
    """`list[T]` or `dict[K, V]`."""

    origin: str
    arguments: tuple[TypeExpr, ...]

    def __str__(self) -> str:
        return f"{self.origin}[{', '.join(map(str, self.arguments))}]"


@frozen
class Union:
    """`A | B`."""

    members: tuple[TypeExpr, ...]

    def __str__(self) -> str:
        return " | ".join(map(str, self.members))


@frozen
class LiteralType:
    """`Literal["a", "b"]`."""

    values: tuple[str | int | bool | None, ...]

    def __str__(self) -> str:
        return f"Literal[{', '.join(json.dumps(v) if isinstance(v, str) else str(v) for v in self.values)}]"


TypeExpr = TypeName | Generic | Union | LiteralType


def parse_type(text: str) -> TypeExpr:
    """Read a type expression.

    Raises:
        ValueError: `text` is none, with what was expected.
    """
    if len(text) > 512:
        raise ValueError("a type is at most 512 characters long")
    # A colon can't stand in a Python expression; an attribute chain with a marker can.
    try:
        marked = _REFERENCE.sub(lambda m: m[1] or f"{m[2]}.__of__.{m[3]}", text)
        tree = ast.parse(marked, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(_EXPECTED) from None
    return _build(tree.body)


def _build(node: ast.expr) -> TypeExpr:
    match node:
        case ast.Constant(value=None):
            return TypeName("", "None")
        case ast.Name(id=name) if name in BUILTINS:
            return TypeName("", name)
        case ast.Name(id=name):
            raise ValueError(f"unknown type {name!r}; a class is written module:Name")
        case ast.Attribute(attr=name, value=ast.Attribute(attr="__of__", value=module)):
            return TypeName(ast.unparse(module), name)
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            parts = [_build(left), _build(right)]
            flat = [m for part in parts for m in (part.members if isinstance(part, Union) else (part,))]
            return Union(tuple(dict.fromkeys(flat)))
        case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
            items = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            return LiteralType(tuple(_literal(item) for item in items))
        case ast.Subscript(value=ast.Name(id=("list" | "dict") as origin), slice=inner):
            items = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            if len(items) != (1 if origin == "list" else 2):
                raise ValueError(f"{origin} takes {'one type' if origin == 'list' else 'two types'}")
            return Generic(origin, tuple(_build(item) for item in items))
    raise ValueError(_EXPECTED)


def _literal(node: ast.expr) -> str | int | bool | None:
    match node:
        case ast.Constant(value=str() | int() | None as value):
            return value
    raise ValueError("Literal takes strings, whole numbers, True, False or None")
