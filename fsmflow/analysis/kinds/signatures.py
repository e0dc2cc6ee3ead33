"""What functions take and give, as their source says."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Literal

from attrs import frozen

from fsmflow.analysis.kinds.annotations import ANY, NONE, type_of, union
from fsmflow.analysis.kinds.classes import class_of
from fsmflow.analysis.kinds.symbols import Symbol, spelled
from fsmflow.analysis.modules import Function, Module, Modules
from fsmflow.typeexpr import LiteralType, TypeExpr, TypeName, Union

OUTCOME = TypeName("fsmflow.runtime.outcomes", "Outcome")

# Decorators that leave a function's parameters and what it gives as they are.
_TRANSPARENT = frozenset({"functools.cache", "functools.lru_cache", "typing.final", "typing.no_type_check"})


@frozen
class Parameter:
    """One parameter; `kind` says how it may be given."""

    name: str
    type: TypeExpr
    required: bool
    kind: Literal["either", "positional", "keyword"] = "either"


@frozen
class Signature:
    """What a function takes and gives.

    Attributes:
        parameters: Its parameters, in order, without `*args` and `**kwargs`.
        open: Whether it takes further arguments by name.
        gives: What it returns, of an outcome the value; `Any` if it does not say.
        outcome: Whether it says that it returns an `Outcome`: a label and a value.
        label: The type of the label of an outcome; `Any` if it does not say.
    """

    parameters: tuple[Parameter, ...]
    open: bool
    gives: TypeExpr
    outcome: bool
    label: TypeExpr = ANY

    @property
    def labels(self) -> tuple[str, ...] | None:
        """The labels that it returns, if it says so: a `Literal` of strings, which null may stand beside."""
        said = [kind for kind in self._said if kind != NONE]
        values = [v for kind in said if isinstance(kind, LiteralType) for v in kind.values if v is not None]
        if values and all(isinstance(kind, LiteralType) for kind in said):
            return tuple(map(str, values)) if all(isinstance(v, str) for v in values) else None
        return None

    @property
    def may_lack_label(self) -> bool:
        """Whether it says that it may return null in the place of a label, and labels too."""
        null = [
            kind == NONE or (isinstance(kind, LiteralType) and None in kind.values) for kind in self._said
        ]
        return any(null) and self._said != (NONE,)

    @property
    def _said(self) -> tuple[TypeExpr, ...]:
        said = self.label if self.outcome else self.gives
        return said.members if isinstance(said, Union) else (said,)


def signature_of(modules: Modules, symbol: Symbol) -> Signature | None:
    """Read the signature of a function; None for what is none, or is made over by a decorator."""
    node, module = symbol.node, symbol.module
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    if _is_made_over(module, node) or _yields(node):
        return None
    parameters, is_open = tuple(_parameters(modules, module, node)), node.args.kwarg is not None
    match node.returns:
        case ast.Subscript(value=head, slice=ast.Tuple(elts=[label, value])) if _is_outcome(
            modules, type_of(modules, module, head)
        ):
            said = type_of(modules, module, value)
            return Signature(parameters, is_open, said, outcome=True, label=type_of(modules, module, label))
    gives = type_of(modules, module, node.returns)
    kinds = [kind for kind in (gives.members if isinstance(gives, Union) else (gives,)) if kind != NONE]
    outcomes = [_is_outcome(modules, kind) for kind in kinds]
    return Signature(
        parameters,
        is_open,
        gives=ANY if any(outcomes) else gives,
        outcome=any(outcomes) and all(outcomes),
    )


def _is_outcome(modules: Modules, kind: TypeExpr) -> bool:
    found = class_of(modules, kind.module, kind.name) if isinstance(kind, TypeName) else None
    return found is not None and f"{OUTCOME.module}.{OUTCOME.name}" in found.ancestors


def is_generator(symbol: Symbol) -> bool:
    """Tell whether this is a function that yields, and that no decorator makes into something else."""
    node = symbol.node
    return (
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not _is_made_over(symbol.module, node)
        and _yields(node)
    )


def _is_made_over(module: Module, node: Function) -> bool:
    """Tell whether a decorator may change what a function takes or gives."""
    marks = {spelled(module, d.func if isinstance(d, ast.Call) else d) for d in node.decorator_list}
    return not marks <= _TRANSPARENT


def _parameters(modules: Modules, module: Module, node: Function) -> Iterator[Parameter]:
    arguments = node.args
    ordered = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(ordered) - len(arguments.defaults)) + arguments.defaults
    for index, (argument, default) in enumerate(zip(ordered, defaults, strict=True)):
        yield Parameter(
            argument.arg,
            _taken(modules, module, argument, default),
            required=default is None,
            kind="positional" if index < len(arguments.posonlyargs) else "either",
        )
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        kind = _taken(modules, module, argument, default)
        yield Parameter(argument.arg, kind, required=default is None, kind="keyword")


def _taken(modules: Modules, module: Module, argument: ast.arg, default: ast.expr | None) -> TypeExpr:
    """Give the type of a parameter, which takes its default too: `text: str = None` takes null."""
    kind = type_of(modules, module, argument.annotation)
    return union([kind, NONE]) if isinstance(default, ast.Constant) and default.value is None else kind


def _yields(node: Function) -> bool:
    """Tell whether a function yields, itself rather than in a function inside it."""
    pending: list[ast.AST] = list(node.body)
    while pending:
        part = pending.pop()
        if isinstance(part, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            pending.extend(ast.iter_child_nodes(part))
    return False
