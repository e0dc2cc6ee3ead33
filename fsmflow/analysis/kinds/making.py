"""What code of its own a class has where an instance is made, which may come out other than it looks."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import lru_cache

from fsmflow.analysis.kinds.symbols import spelled
from fsmflow.analysis.modules import Module

_OF_FIELDS = {"field_validator", "validator"}
_OF_MODELS = {"model_validator", "root_validator"}
_DECLARE = {"field", "Field", "ib", "attrib"}
_DEFAULTS = {"default", "default_factory", "factory"}


def has_alias(node: ast.ClassDef) -> bool:
    """Tell whether a field goes by another name where a value is made of plain data."""
    fields = (statement for statement in node.body if isinstance(statement, ast.AnnAssign))
    calls = (part for field in fields for part in ast.walk(field) if isinstance(part, ast.Call))
    return any(k.arg in ("alias", "validation_alias") for call in calls for k in call.keywords)


def has_branches(node: ast.ClassDef) -> bool:
    """Tell whether the body of a class holds what may be carried out or not."""
    return any(isinstance(statement, ast.If | ast.Try | ast.With | ast.For) for statement in node.body)


def names_bound(targets: Iterable[ast.expr]) -> Iterator[str]:
    """Give the names that an assignment sets."""
    parts = (part for target in targets for part in ast.walk(target))
    return (part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store))


def needs_value(module: Module, field: ast.AnnAssign) -> bool:
    """Tell whether a field has no default, as far as its declaration shows."""
    noted = [part for part in ast.walk(field.annotation) if isinstance(part, ast.Call)]
    if any(keyword.arg in _DEFAULTS for call in noted for keyword in call.keywords):
        return False
    value = field.value
    if not isinstance(value, ast.Call) or spelled(module, value.func).rpartition(".")[2] not in _DECLARE:
        return value is None
    options = {keyword.arg for keyword in value.keywords}
    return not value.args and options.isdisjoint({*_DEFAULTS, "init", None})


def validated(module: Module, node: ast.ClassDef) -> set[str]:
    """Give the fields that a pydantic model looks at by code of its own; `*` stands for all."""
    calls = _validators(module, node, _OF_FIELDS)
    return {str(each.value) for call in calls for each in call.args if isinstance(each, ast.Constant)}


def is_made_over(module: Module, node: ast.ClassDef) -> bool:
    """Tell whether a pydantic model looks at the whole of what it is made of before it is made."""
    calls = list(_validators(module, node, _OF_MODELS))
    modes = (k.value for call in calls for k in call.keywords if k.arg == "mode")
    return len(calls) > sum(isinstance(mode, ast.Constant) and mode.value == "after" for mode in modes)


def defaults(node: ast.ClassDef) -> set[str]:
    """Give the fields of an attrs class whose default is a method: `@name.default`."""
    return {
        mark.value.id
        for mark in _decorators(node)
        if isinstance(mark, ast.Attribute) and mark.attr == "default" and isinstance(mark.value, ast.Name)
    }


@lru_cache(maxsize=1024)
def set_by_methods(node: ast.ClassDef) -> frozenset[str]:
    """Give the names that methods set on their instance or class, as `__post_init__` may."""
    # A class is looked at for each value of it, and its methods may be long.
    return frozenset(filter(None, map(_set_on_self, ast.walk(node))))


def _set_on_self(part: ast.AST) -> str | None:
    match part:
        case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name, ctx=ast.Store()):
            return name
        case ast.Call(func=ast.Attribute(attr="__setattr__"), args=[_, ast.Constant(value=str(name)), _]):
            return name
    return None


def _validators(module: Module, node: ast.ClassDef, names: set[str]) -> Iterator[ast.Call]:
    """Give the decorators of methods that are pydantic's, and go by one of `names`."""
    for decorator in _decorators(node):
        if isinstance(decorator, ast.Call):
            origin, _, name = spelled(module, decorator.func).rpartition(".")
            if name in names and origin.partition(".")[0] == "pydantic":
                yield decorator


def _decorators(node: ast.ClassDef) -> Iterator[ast.expr]:
    """Give the decorators of methods, also where they are called on a function from elsewhere."""
    for statement in node.body:
        match statement:
            case ast.FunctionDef(decorator_list=decorators):
                yield from decorators
            case ast.Assign(value=ast.Call(func=ast.Call() as decorator)):
                yield decorator
