"""Mutants of a generated runner: each differs from it in one place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple


class Mutant(NamedTuple):
    """One change to a module; it stands in the tree for as long as the mutant is looked at.

    Attributes:
        place: The function or constant that was changed.
        change: What was changed, as `before → after`.
        node: That function or constant, with the change in it.
    """

    place: str
    change: str
    node: ast.stmt

    def __str__(self) -> str:
        return f"{self.place}: {self.change}"


ENTRY_POINTS = ("run_sync", "stream")
"""Functions that hand on to `Runner`, which has tests of its own."""


def mutants(tree: ast.Module) -> Iterator[Mutant]:
    """Change `tree` in place, one mutant at a time, and change it back."""
    entries = [n.name for n in tree.body if isinstance(n, ast.FunctionDef) and n.name.startswith("enter_")]
    onward = dict(pairwise([*entries, *entries[:1]]))
    for top in tree.body:
        match top:
            case ast.FunctionDef(name=name) if name not in ENTRY_POINTS:
                nodes = [node for statement in top.body[1:] for node in ast.walk(statement)]
                yield from _in(top, name, [_Body(top.body[1:]), *nodes], onward)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                assert top.value is not None
                yield from _in(top, name, list(ast.walk(top.value)), onward)


class _Body(ast.AST):
    """The statements of a function, as a node that holds them."""

    _fields = ("body",)

    def __init__(self, body: list[ast.stmt]) -> None:
        super().__init__()
        self.body = body


def _in(top: ast.stmt, place: str, parents: list[ast.AST], onward: dict[str, str]) -> Iterator[Mutant]:
    for parent in parents:
        for field, value in list(ast.iter_fields(parent)):
            children = list(value) if isinstance(value, list) else [value]
            for index, child in enumerate(children):
                for after in _replacements(parent, field, child, onward):
                    if after is not None:
                        ast.fix_missing_locations(ast.copy_location(after, child))
                    shown = parent if _is_bare(parent, child) else child
                    before = ast.unparse(shown)
                    with_change = [
                        *children[:index],
                        *([] if after is None else [after]),
                        *children[index + 1 :],
                    ]
                    _set(top, parent, field, with_change if isinstance(value, list) else after)
                    yield Mutant(place, f"{before} → {_shown(parent if shown is parent else after)}", top)
                    _set(top, parent, field, value)


def _set(top: ast.stmt, parent: ast.AST, field: str, value: object) -> None:
    if isinstance(parent, _Body):
        assert isinstance(top, ast.FunctionDef)
        assert isinstance(value, list)
        top.body[1:] = value
    else:
        setattr(parent, field, value)


def _is_bare(parent: ast.AST, child: object) -> bool:
    """Tell whether `child` is a constant, to be shown with what it stands in to be told from others."""
    return isinstance(child, ast.Constant) and isinstance(parent, ast.expr | ast.keyword)


def _shown(node: ast.AST | None) -> str:
    return "nothing" if node is None else ast.unparse(node)


def _replacements(
    parent: ast.AST, field: str, child: object, onward: dict[str, str]
) -> Iterator[ast.AST | None]:
    """Give what may stand in place of `child`; None for leaving it out of its list."""
    match child:
        case ast.Assign() | ast.AugAssign() | ast.Expr():
            yield ast.Pass()
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield from (ast.Constant(n) for n in dict.fromkeys((value - 1, value + 1, 0)) if n != value)
        case ast.Constant(value=float(value)):
            yield ast.Constant(value + 1)
        case ast.Constant(value=str(value)):
            yield ast.Constant(value + "_")
        case ast.BinOp(op=ast.Sub(), left=left):
            yield left
        case ast.Name(id=name) if name in onward:
            yield ast.Name(onward[name], ast.Load())
        case ast.keyword():
            yield None
        case ast.Call(func=ast.Name(id=name) as enter, args=[run, _]) if name in onward:
            yield ast.Call(enter, [run], [])
    is_condition = isinstance(parent, ast.If) and field == "test"
    if is_condition or (isinstance(parent, ast.BoolOp) and isinstance(child, ast.expr)):
        yield from (ast.Constant(truth) for truth in (True, False))
    elif isinstance(parent, ast.Dict) and field == "values":
        yield ast.Constant(None)
    elif isinstance(parent, ast.Tuple) and field == "elts":
        yield None
