"""What classes hold: the fields of attrs classes, dataclasses, pydantic models and named tuples."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from attrs import evolve, field, frozen

from fsmflow.analysis.kinds.annotations import ANY, type_of
from fsmflow.analysis.kinds.making import (
    defaults,
    has_alias,
    has_branches,
    is_made_over,
    names_bound,
    needs_value,
    set_by_methods,
    validated,
)
from fsmflow.analysis.kinds.symbols import Symbol, resolve, spelled
from fsmflow.analysis.modules import Module, Modules
from fsmflow.typeexpr import TypeExpr

MAX_ANCESTORS = 32

_DATACLASS = frozenset({"dataclasses.dataclass"})
_ATTRS = frozenset(
    {f"attrs.{n}" for n in ("define", "frozen", "mutable")}
    | {f"attr.{n}" for n in ("s", "attrs", "dataclass", "define", "frozen", "mutable")}
)
_DATA_BASES = frozenset(
    {"typing.NamedTuple", "typing.TypedDict", "typing_extensions.TypedDict", "pydantic.BaseModel"}
)
# Bases from elsewhere that give a class no fields and no ancestors of the author's.
_PLAIN_BASES = _DATA_BASES | {
    "object", "str", "int", "float", "dict", "list", "Exception", "ValueError", "abc.ABC", "enum.Enum",
    "enum.IntEnum", "enum.StrEnum", "typing.Generic", "typing.Protocol",
}  # fmt: skip

# Decorators that leave a class as it is.
_IDLE_MARKS = {"typing.final", "enum.unique"}
_PROPERTIES = {"property", "functools.cached_property", "pydantic.computed_field"}
_METHODS = {
    "abstractmethod", "cache", "classmethod", "default", "deleter", "final", "lru_cache", "overload",
    "override", "setter", "staticmethod", "validator",
}  # fmt: skip
# What gives a class attributes, or lets it be made of things, that its fields do not show.
_FREE = {"__getattr__", "__getattribute__", "model_config", "Config"}


@frozen
class Attribute:
    """A field of a class; one that is validated may be made of, and hold, what is not of its type."""

    type: TypeExpr
    required: bool
    validated: bool = False


@frozen
class Class:
    """What is known of a class.

    Attributes:
        fields: Its fields, in order; None if they can't be told.
        others: Its properties and constants, with their types.
        ancestors: The full names of its ancestors, itself among them.
        known: Whether `ancestors` holds all of them.
        dynamic: Whether it may have attributes that its source does not show, or be made of anything.
    """

    fields: Mapping[str, Attribute] | None = field(repr=False)
    others: Mapping[str, TypeExpr] = field(repr=False)
    ancestors: frozenset[str]
    known: bool
    dynamic: bool

    @property
    def is_mapping(self) -> bool:
        """Whether its values are plain mappings."""
        return bool(self.ancestors & {"typing.TypedDict", "typing_extensions.TypedDict", "dict"})

    @property
    def is_enum(self) -> bool:
        """Whether its values are members of an enum."""
        return any(each.startswith("enum.") for each in self.ancestors)


def class_of(modules: Modules, module: str, name: str) -> Class | None:
    """Look a class up; None if it is none, or can't be found."""
    found = resolve(modules, module, name)
    if not isinstance(found, Symbol) or not isinstance(found.node, ast.ClassDef):
        return None
    fields: dict[str, Attribute] = {}
    others: dict[str, TypeExpr] = {}
    ancestors: set[str] = set()
    is_data, known, dynamic = False, True, False
    lineage = list(_lineage(modules, found))
    for home, node in reversed(lineage):
        if node is None:
            known = False
            continue
        ancestors.add(f"{home.name}.{node.name}")
        marks = set(_marks(home, node))
        bases = {spelled(home, base) for base in _bases(node)}
        ancestors |= bases
        is_data |= bool(marks & (_DATACLASS | _ATTRS) or bases & _DATA_BASES)
        dynamic |= bool(marks - _DATACLASS - _ATTRS - _IDLE_MARKS)
        dynamic |= bool(node.keywords) or has_alias(node) or is_made_over(home, node) or has_branches(node)
        for defined, attribute in _attributes(modules, home, node):
            if isinstance(attribute, Attribute):
                fields[defined] = attribute
            else:
                others[defined] = attribute
        dynamic |= not _FREE.isdisjoint({*others, *fields})
        others |= {name: ANY for name in sorted(set_by_methods(node)) if name not in others}
    if "pydantic.BaseModel" in ancestors:
        others |= {name: field.type for name, field in fields.items() if name.startswith("_")}
        fields = {name: field for name, field in fields.items() if not name.startswith("_")}
    made = Class(None, others, frozenset(ancestors), known, dynamic)
    return evolve(made, fields=fields) if is_data and known and not made.is_enum else made


def _bases(node: ast.ClassDef) -> Iterator[ast.expr]:
    return (base.value if isinstance(base, ast.Subscript) else base for base in node.bases)


def _lineage(modules: Modules, found: Symbol) -> Iterator[tuple[Module, ast.ClassDef | None]]:
    """Give a class and its ancestors; None for one that can't be found."""
    assert isinstance(found.node, ast.ClassDef)
    pending: list[tuple[Module, ast.ClassDef]] = [(found.module, found.node)]
    seen: set[tuple[str, str]] = set()
    while pending:
        module, node = pending.pop(0)
        if (module.name, node.name) in seen or len(seen) > MAX_ANCESTORS:
            continue
        seen.add((module.name, node.name))
        yield module, node
        for base in _bases(node):
            if spelled(module, base) in _PLAIN_BASES:
                continue
            origin = resolve(modules, module.name, base.id) if isinstance(base, ast.Name) else None
            if isinstance(origin, Symbol) and isinstance(origin.node, ast.ClassDef):
                pending.append((origin.module, origin.node))
            else:
                yield module, None


def _attributes(
    modules: Modules, module: Module, node: ast.ClassDef
) -> Iterator[tuple[str, Attribute | TypeExpr]]:
    """Give the fields of one class body as `Attribute`, and what else it holds by its type."""
    own, looked_at, by_method = _names_in(node), validated(module, node), defaults(node)
    for statement in node.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                # A name of the class's own hides that of the module.
                is_own = any(isinstance(n, ast.Name) and n.id in own for n in ast.walk(annotation))
                kind = ANY if is_own else type_of(modules, module, annotation)
                match _head(module, annotation):
                    case "ClassVar" | "KW_ONLY":
                        yield name, ANY
                    case head:
                        required = needs_value(module, statement) and head != "NotRequired"
                        required = required and name not in by_method
                        yield name, Attribute(kind, required, not looked_at.isdisjoint({name, "*"}))
            case ast.Assign(targets=targets):
                for name in names_bound(targets):
                    yield name, ANY
            case ast.FunctionDef(name="__getattr__" | "__getattribute__" | "__eq__" as name):
                yield name, ANY
            case ast.FunctionDef(name=name, returns=returns):
                marks = set(_marks(module, statement))
                if marks & _PROPERTIES:
                    yield name, type_of(modules, module, returns)
                elif any(not _leaves_a_method(mark) for mark in marks):
                    yield name, ANY
            case ast.ClassDef(name="Config"):
                yield "Config", ANY


def _marks(module: Module, node: ast.ClassDef | ast.FunctionDef) -> Iterator[str]:
    """Give the full names of decorators."""
    return (spelled(module, d.func if isinstance(d, ast.Call) else d) for d in node.decorator_list)


def _leaves_a_method(mark: str) -> bool:
    """Tell whether what a decorator makes of a method is no value either."""
    return mark.startswith("pydantic.") or mark.rpartition(".")[2] in _METHODS


def _head(module: Module, annotation: ast.expr) -> str:
    """Give the name that an annotation begins with, also where it is quoted."""
    if isinstance(annotation, ast.Constant):
        return str(annotation.value).partition("[")[0].rpartition(".")[2]
    head = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    return spelled(module, head).rpartition(".")[2]


def _names_in(node: ast.ClassDef) -> set[str]:
    """Give the names of the classes and aliases that stand in the body of a class."""
    assigned = (statement for statement in node.body if isinstance(statement, ast.Assign))
    names = {name for statement in assigned for name in names_bound(statement.targets)}
    return names | {statement.name for statement in node.body if isinstance(statement, ast.ClassDef)}
