"""What classes hold: the fields of attrs classes, dataclasses, pydantic models and named tuples."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from attrs import field, frozen

from fsmflow.analysis.kinds.annotations import ANY, type_of
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


@frozen
class Attribute:
    """A field of a class."""

    type: TypeExpr
    required: bool


@frozen
class Class:
    """What is known of a class.

    Attributes:
        fields: Its fields, in order; None if they can't be told.
        others: Its properties and constants, with their types.
        ancestors: The full names of its ancestors, itself among them.
        known: Whether `ancestors` holds all of them.
        dynamic: Whether it may have attributes that its source does not show.
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
        marks = {spelled(home, d.func if isinstance(d, ast.Call) else d) for d in node.decorator_list}
        bases = {spelled(home, base) for base in _bases(node)}
        ancestors |= bases
        is_data |= bool(marks & (_DATACLASS | _ATTRS) or bases & _DATA_BASES)
        dynamic |= bool(marks - _DATACLASS - _ATTRS - {"typing.final"})
        dynamic |= bool(node.keywords) or _has_alias(node)
        for defined, attribute in _attributes(modules, home, node):
            if isinstance(attribute, Attribute):
                fields[defined] = attribute
            else:
                others[defined] = attribute
        dynamic |= not {"__getattr__", "__getattribute__", "model_config", "Config"}.isdisjoint(others)
    return Class(fields if is_data and known else None, others, frozenset(ancestors), known, dynamic)


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
    for statement in node.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                kind = type_of(modules, module, annotation)
                head = annotation.value if isinstance(annotation, ast.Subscript) else annotation
                if spelled(module, head) == "typing.ClassVar":
                    yield name, ANY
                else:
                    yield name, Attribute(kind, required=_is_required(value))
            case ast.Assign(targets=targets):
                for target in targets:
                    if isinstance(target, ast.Name):
                        yield target.id, ANY
            case ast.FunctionDef(name=name, decorator_list=[decorator], returns=returns) if spelled(
                module, decorator
            ) in ("property", "functools.cached_property"):
                yield name, type_of(modules, module, returns)
            case ast.FunctionDef(name="__getattr__" | "__getattribute__" as name):
                yield name, ANY
            case ast.ClassDef(name="Config"):
                yield "Config", ANY


def _has_alias(node: ast.ClassDef) -> bool:
    """Tell whether a field goes by another name where a value is made of plain data."""
    values = (statement.value for statement in node.body if isinstance(statement, ast.AnnAssign))
    calls = (value for value in values if isinstance(value, ast.Call))
    return any(k.arg in ("alias", "validation_alias") for call in calls for k in call.keywords)


def _is_required(value: ast.expr | None) -> bool:
    """Tell whether a field has no default, as far as its declaration shows."""
    if not isinstance(value, ast.Call):
        return value is None
    options = {keyword.arg for keyword in value.keywords}
    return not value.args and options.isdisjoint({"default", "default_factory", "factory", "init", None})
