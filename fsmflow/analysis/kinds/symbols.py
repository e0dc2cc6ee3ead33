"""What a name in a module stands for, followed through imports and aliases."""

from __future__ import annotations

import ast
import sys

from attrs import frozen

from fsmflow.analysis.modules import (
    Absent,
    Assigned,
    Broken,
    Definition,
    Function,
    Imported,
    Module,
    Modules,
)

MAX_HOPS = 32


@frozen
class Symbol:
    """A definition, and the module in which it stands."""

    module: Module
    name: str
    node: Function | ast.ClassDef | ast.expr


@frozen
class Unknown:
    """Something that is there, or may be, and of which nothing is known."""


@frozen
class NotThere:
    """The module `module` has no such name."""

    module: str
    known: tuple[str, ...]


@frozen
class WholeModule:
    """The name stands for a module."""


Resolved = Symbol | Unknown | NotThere | WholeModule


def resolve(modules: Modules, module: str, name: str) -> Resolved:
    """Find what `name` is in `module`; unknown where the module can't be read."""
    found = modules.read(module)
    if not isinstance(found, Module):
        return Unknown()
    if name not in found.names:
        if found.open:
            return Unknown()
        own = (each for each, what in found.names.items() if not isinstance(what, Imported))
        return NotThere(module, tuple(each for each in own if not each.startswith("_")))
    return _follow(modules, found, name, found.names[name])


def is_missing(modules: Modules, module: str, name: str) -> bool:
    """Tell whether there is no such name, or no such module; not where that can't be told."""
    if isinstance(modules.read(module), Absent | Broken):
        return True
    return isinstance(resolve(modules, module, name), NotThere | WholeModule)


def _follow(modules: Modules, module: Module, name: str, definition: Definition | None) -> Resolved:
    for _ in range(MAX_HOPS):
        match definition:
            case Imported(module=origin, name=None):
                return WholeModule()
            case Imported(module=origin, name=str(imported)):
                # Python's own library needs no reading: what matters of it is known by name.
                if origin.partition(".")[0] in sys.stdlib_module_names:
                    return Unknown()
                found = modules.read(origin)
                # A package that imports its own submodule has that as its name.
                if not isinstance(found, Module) or found.names.get(imported) in (None, definition):
                    is_module = not isinstance(modules.read(f"{origin}.{imported}"), Absent | Broken)
                    return WholeModule() if is_module else Unknown()
                module, name, definition = found, imported, found.names[imported]
            case Assigned(value=ast.Name(id=other)) if other in module.names:
                name, definition = other, module.names[other]
            case Assigned(value=ast.expr() as value):
                return Symbol(module, name, value)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return Symbol(module, name, definition)
            case _:
                return Unknown()
    return Unknown()


def spelled(module: Module, node: ast.expr) -> str:
    """Give the full name of what an expression names, as the module's imports say: `typing.Literal`.

    A builtin has no module before it; anything else that is no name gives an empty string.
    """
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    match module.names.get(node.id, "builtin"):
        case Imported(module=origin, name=None):
            names.append(origin)
        case Imported(module=origin, name=str(imported)):
            names += [imported, origin]
        case "builtin":
            names.append(node.id)
        case _:
            names += [node.id, module.name]
    return ".".join(reversed(names))
