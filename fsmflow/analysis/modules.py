"""Python modules read as text: found as the import system would find them, parsed, never imported.

Parents of a dotted module aren't imported either, as `importlib.util.find_spec` would; the path is
walked by hand.
"""

from __future__ import annotations

import ast
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from attrs import define, field, frozen

MAX_SOURCE = 2 << 20
"""The largest module that is read, in bytes."""


@frozen
class Assigned:
    """A name that is assigned to; `value` is None where it can't be told to what."""

    value: ast.expr | None


@frozen
class Imported:
    """A name that is imported: `name` from `module`, or `module` itself where `name` is None."""

    module: str
    name: str | None


Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef | Assigned | Imported


@frozen
class Module:
    """A module that could be read.

    Attributes:
        name: Its dotted name.
        path: The file that it was read from.
        names: What stands at its top level; None for a name that is defined in several ways.
        open: Whether it may have further names: by a star import, or `__getattr__`.
        registers: The names of the abstract classes with which it registers others.
    """

    name: str
    path: Path
    names: Mapping[str, Definition | None] = field(repr=False)
    open: bool
    registers: frozenset[str] = frozenset()


@frozen
class Absent:
    """There is no such module."""


@frozen
class Opaque:
    """A module without source that can be read: built in, compiled, or a folder alone."""

    why: str


@frozen
class Broken:
    """A module whose source can't be parsed."""

    why: str


Found = Module | Absent | Opaque | Broken


@define
class Modules:
    """The modules that specs name, each read once.

    Attributes:
        folder: Where to look first; None to look in the environment alone.
    """

    folder: Path | None
    _found: dict[str, Found] = field(factory=dict, init=False, repr=False)

    def read(self, name: str) -> Found:
        """Find the module `name` and read it."""
        if name not in self._found:
            self._found[name] = self._read(name)
        return self._found[name]

    def _read(self, name: str) -> Found:
        if not all(part.isidentifier() for part in name.split(".")):
            return Absent()
        top, *rest = name.split(".")
        location = _locate(top, self._roots())
        for part in rest:
            match location:
                case _Folders(folders=folders):
                    location = _locate(part, folders)
                case _Source(path=path, is_package=True):
                    location = _locate(part, [str(path.parent)])
                case _Source():
                    return Absent()
        match location:
            case _Source():
                return _parsed(name, location)
            case _Folders():
                return Opaque("it is a folder without __init__.py")
            case _Compiled():
                return Opaque("it is a compiled module")
        if top in sys.builtin_module_names:
            return Opaque("it is built into Python")
        return self._by_finders(top, name)

    def _roots(self) -> list[str]:
        """Give the folders to search; a module beside the spec goes before all others."""
        own = [] if self.folder is None else [str(self.folder)]
        return own + [entry or os.curdir for entry in sys.path]

    def _by_finders(self, top: str, name: str) -> Found:
        """Ask the finders that the environment has besides the path, as editable installs and archives do."""
        for finder in sys.meta_path:
            try:
                found = finder.find_spec(top, None)
            except Exception:  # noqa: BLE001, S112 - another's finder may raise anything
                continue
            if found is None:
                continue
            if found.origin is not None and found.origin.endswith(".py") and name == top:
                return _parsed(
                    name, _Source(Path(found.origin), found.submodule_search_locations is not None)
                )
            return Opaque("it has no source here")
        return Absent()


@frozen
class _Source:
    path: Path
    is_package: bool


@frozen
class _Folders:
    folders: list[str]


@frozen
class _Compiled:
    pass


def _locate(name: str, places: list[str]) -> _Source | _Folders | _Compiled | None:
    """Find one part of a module's name as Python does: package, extension, source, then bare folder."""
    folders: list[str] = []
    if not name.isidentifier():
        return None
    for place in places:
        inside = Path(place) / name
        package = inside / "__init__.py"
        if _is_file(package):
            return _Source(package, is_package=True)
        if any(_is_file(inside.with_name(name + suffix)) for suffix in EXTENSION_SUFFIXES):
            return _Compiled()
        source = inside.with_name(name + ".py")
        if _is_file(source):
            return _Source(source, is_package=False)
        if os.path.isdir(inside):  # noqa: PTH112 - unlike Path.is_dir, it raises nothing
            folders.append(str(inside))
    return _Folders(folders) if folders else None


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 - unlike Path.is_file, it raises nothing


def _parsed(name: str, source: _Source) -> Found:
    try:
        with source.path.open("rb") as stream:
            text = stream.read(MAX_SOURCE + 1)
    except OSError as error:
        return Broken(f"{source.path.name} can't be read: {error.strerror or error}")
    if len(text) > MAX_SOURCE:
        return Broken(f"{source.path.name} is larger than {MAX_SOURCE >> 20} MiB")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except SyntaxError as error:
        line = f", line {error.lineno}" if error.lineno else ""
        return Broken(f"{source.path.name}{line}: {error.msg}")
    except (ValueError, RecursionError, MemoryError) as error:
        return Broken(f"{source.path.name} can't be parsed: {str(error) or 'it is nested too deeply'}")
    package = name if source.is_package else name.rpartition(".")[0]
    found: dict[str, list[tuple[Definition, bool]]] = {}
    is_open = False
    registers: set[str] = set()
    for statement, nested in _top_level(tree):
        for defined, definition in _definitions(statement, package):
            found.setdefault(defined, []).append((definition, nested))
        if isinstance(statement, ast.ImportFrom) and not nested and statement.level and not package:
            return Broken(f"{source.path.name}, line {statement.lineno}: {_without_package(statement)}")
        registers.update(_registering(statement))
        is_open |= isinstance(statement, ast.ImportFrom) and any(a.name == "*" for a in statement.names)
    names = {n: _one(ways) for n, ways in found.items()}
    return Module(name, source.path, names, is_open or "__getattr__" in found, frozenset(registers))


def _without_package(statement: ast.ImportFrom) -> str:
    """Say how to write a relative import in a module that stands in no package."""
    names = ", ".join(each.name for each in statement.names)
    meant = f"from {statement.module} import {names}" if statement.module else f"import {names}"
    return f"a relative import needs a package around the module; write `{meant}`"


def _one(ways: list[tuple[Definition, bool]]) -> Definition | None:
    """Choose what a name means: the last definition, unless which one counts depends on a condition."""
    return None if len(ways) > 1 and any(nested for _, nested in ways) else ways[-1][0]


def _top_level(tree: ast.Module) -> Iterator[tuple[ast.stmt, bool]]:
    """Give the statements that run when the module is imported, and whether each may be passed over."""
    pending = [(statement, False) for statement in reversed(tree.body)]
    while pending:
        statement, nested = pending.pop()
        yield statement, nested
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        inner: list[ast.stmt] = []
        for block in ("body", "handlers", "orelse", "finalbody", "cases"):
            for part in getattr(statement, block, ()):
                inner += part.body if isinstance(part, ast.ExceptHandler | ast.match_case) else [part]
        pending.extend((each, True) for each in reversed(inner))


def _registering(statement: ast.stmt) -> Iterator[str]:
    """Give the class with which a statement registers another: `Shape.register(Circle)`, or so decorated."""
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Attribute() as called)):
            marks: list[ast.expr] = [called]
        case ast.ClassDef(decorator_list=marks):
            pass
        case _:
            return
    for mark in marks:
        match mark:
            case ast.Attribute(value=ast.Name(id=name) | ast.Attribute(attr=name), attr="register"):
                yield name


def _definitions(statement: ast.stmt, package: str) -> Iterator[tuple[str, Definition]]:
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield statement.name, statement
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                for name in _bound(target):
                    yield name, Assigned(value if isinstance(target, ast.Name) else None)
        case ast.AnnAssign(target=ast.Name(id=name), value=value) if value is not None:
            yield name, Assigned(value)
        case _ if sys.version_info >= (3, 12) and isinstance(statement, ast.TypeAlias):
            yield statement.name.id, Assigned(statement.value)
        case ast.AugAssign(target=target) | ast.For(target=target) | ast.AsyncFor(target=target):
            for name in _bound(target):
                yield name, Assigned(None)
        case ast.With(items=items) | ast.AsyncWith(items=items):
            for item in items:
                for name in _bound(item.optional_vars) if item.optional_vars else ():
                    yield name, Assigned(None)
        case ast.Import(names=aliases):
            for alias in aliases:
                top = alias.name.partition(".")[0]
                yield alias.asname or top, Imported(alias.name if alias.asname else top, None)
        case ast.ImportFrom(names=aliases):
            for alias in aliases:
                if alias.name != "*":
                    yield alias.asname or alias.name, Imported(_origin(statement, package), alias.name)


def _origin(statement: ast.ImportFrom, package: str) -> str:
    """Give the absolute name of the module that `from … import` imports from."""
    if not statement.level:
        return statement.module or ""
    parts = package.split(".") if package else []
    base = parts[: len(parts) - (statement.level - 1)]
    return ".".join([*base, *([statement.module] if statement.module else [])])


def _bound(target: ast.expr) -> Iterator[str]:
    return (node.id for node in ast.walk(target) if isinstance(node, ast.Name))
