"""References, templates and guards: the small total languages inside a spec.

A *reference* such as `$answer.citations` names a value; a *template* is plain data with
references in it; a *guard* is a boolean expression over the same names without the `$`.
Guards are a whitelisted subset of Python's expressions, read with `ast` and never evaluated
as Python: no call but `len`, no arithmetic, no subscript, at most 512 characters and 100 nodes.
"""

from __future__ import annotations

import ast
import io
import math
import re
import tokenize
from collections.abc import Iterator
from typing import Any, Literal

from attrs import frozen

from fsmflow.source import Real

MAX_GUARD_LENGTH = 512
MAX_GUARD_NODES = 100

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}", re.ASCII)

Scalar = str | int | float | bool | None


@frozen
class Reference:
    """`$root.path`: the value named `root`, and a way into it.

    With `or_null` the reference is null where nothing has set the value.
    """

    root: str
    path: tuple[str, ...] = ()
    or_null: bool = False

    def __str__(self) -> str:
        return "$" + ".".join((self.root, *self.path)) + (".or_null" if self.or_null else "")


@frozen
class Constant:
    """Plain data with no reference inside."""

    value: Any


@frozen
class ListTemplate:
    """A list in which something refers to a value."""

    items: tuple[Template, ...]


@frozen
class DictTemplate:
    """A mapping in which something refers to a value."""

    items: tuple[tuple[str, Template], ...]


@frozen
class EachTemplate:
    """A list made of another, item by item; in `item`, the reference `$item` is the item.

    A list of more than `at_most` items, or what is no list, leads nowhere.
    """

    over: Template
    at_most: int
    item: Template


ITEM = "item"
"""The name that an item goes by in an `EachTemplate`."""

Template = Reference | Constant | ListTemplate | DictTemplate | EachTemplate


@frozen
class Path:
    """A value read in a guard; null where it, or a part of the way to it, is missing."""

    root: str
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ".".join((self.root, *self.path))


@frozen
class Value:
    """A literal in a guard."""

    value: Scalar


@frozen
class Length:
    """`len(path)`: of a string, list or mapping; 0 of anything else."""

    of: Path


Operand = Path | Value | Length
Operator = Literal["==", "!=", "<", "<=", ">", ">="]


@frozen
class Compare:
    """`left operator right`; an ordering of unlike types is false."""

    operator: Operator
    left: Operand
    right: Operand

    @property
    def literal_last(self) -> Compare:
        """The same comparison with a literal on its right, where it has one on its left."""
        if not isinstance(self.left, Value):
            return self
        return Compare(_TURNED.get(self.operator, self.operator), self.right, self.left)


_TURNED: dict[Operator, Operator] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


@frozen
class Within:
    """`left in [literals]`."""

    left: Operand
    items: tuple[Scalar, ...]


@frozen
class Truth:
    """A path that must be exactly true."""

    of: Path


@frozen
class Always:
    """`True` or `False`, written out."""

    value: bool


@frozen
class Not:
    """`not operand`."""

    operand: Guard


@frozen
class All:
    """`a and b and …`."""

    operands: tuple[Guard, ...]


@frozen
class AnyOf:
    """`a or b or …`."""

    operands: tuple[Guard, ...]


Atom = Compare | Within | Truth | Always
Guard = Atom | Not | All | AnyOf


class GuardError(ValueError):
    """A guard is not in the language; `offset` and `end` say which of its characters are at fault."""

    def __init__(self, message: str, offset: int = 0, end: int | None = None) -> None:
        super().__init__(message)
        self.offset = offset
        self.end = end


def parse_reference(text: str) -> Reference:
    """Read a string that starts with one `$`.

    Raises:
        ValueError: It is no reference.
    """
    root, *path = text[1:].split(".")
    or_null = bool(path) and path[-1] == "or_null"
    if or_null:
        path = path[:-1]
    if not _NAME.fullmatch(root) or "__" in root:
        raise ValueError(
            f"expected a reference such as $answer.text, not {text[:80]!r}; a plain dollar is written $$"
        )
    for name in path:
        if not _FIELD.fullmatch(name) or "__" in name:
            raise ValueError(f"{name[:80]!r} in {text[:80]!r} is not a field name")
    if "or_null" in path:
        meant = ".".join([root, *(name for name in path if name != "or_null"), "or_null"])
        raise ValueError(f"in {text[:80]!r} `.or_null` stands before the end; did you mean `${meant[:80]}`?")
    return Reference(root, tuple(path), or_null)


def parse_template(data: Any) -> Template:
    """Read plain data in which strings that start with `$` are references.

    Raises:
        ValueError: Such a string is no reference.
    """
    match data:
        case str() if data.startswith("$$"):
            return Constant(data[1:])
        case str() if data.startswith("$"):
            return parse_reference(data)
        case float() if not math.isfinite(data):
            raise ValueError(f"{data} is no number that a spec can hold")
        case Real():
            return Constant(float(data))
        case list():
            items = tuple(parse_template(item) for item in data)
            if all(isinstance(item, Constant) for item in items):
                return Constant([item.value for item in items if isinstance(item, Constant)])
            return ListTemplate(items)
        case dict():
            pairs = tuple((key, parse_template(value)) for key, value in data.items())
            if all(isinstance(item, Constant) for _, item in pairs):
                return Constant({key: item.value for key, item in pairs if isinstance(item, Constant)})
            return DictTemplate(pairs)
    return Constant(data)


def references(template: Template) -> Iterator[Reference]:
    """Give every reference in `template`, in the order written, but those to an item."""
    match template:
        case Reference():
            yield template
        case ListTemplate(items=items):
            for item in items:
                yield from references(item)
        case DictTemplate(items=pairs):
            for _, item in pairs:
                yield from references(item)
        case EachTemplate(over=over, item=made):
            yield from references(over)
            yield from (reference for reference in references(made) if reference.root != ITEM)


def atoms(guard: Guard) -> Iterator[Atom]:
    """Give each part of `guard` that is made of no others, in the order written."""
    match guard:
        case Not(operand=operand):
            yield from atoms(operand)
        case All(operands=operands) | AnyOf(operands=operands):
            for operand in operands:
                yield from atoms(operand)
        case _:
            yield guard


def paths(guard: Guard) -> Iterator[Path]:
    """Give every path that `guard` reads, in the order written."""
    for atom in atoms(guard):
        match atom:
            case Compare(left=left, right=right):
                yield from _operand_paths(left)
                yield from _operand_paths(right)
            case Within(left=left):
                yield from _operand_paths(left)
            case Truth(of=path):
                yield path


def _operand_paths(operand: Operand) -> Iterator[Path]:
    match operand:
        case Path():
            yield operand
        case Length(of=path):
            yield path


def parse_guard(text: str) -> Guard:
    """Read a guard.

    Raises:
        GuardError: It is not in the language.
    """
    if len(text) > MAX_GUARD_LENGTH:
        raise GuardError(f"a guard is at most {MAX_GUARD_LENGTH} characters long; this one has {len(text)}")
    bad = next((i for i, c in enumerate(text) if not c.isascii() or not c.isprintable()), None)
    if bad is not None:
        raise GuardError("a guard is written in plain ASCII on one line", bad, bad + 1)
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        column = (getattr(error, "offset", None) or 1) - 1
        raise GuardError("expected an expression such as len(retrieve) > 0 and answer.ok", column) from None
    for token in tokenize.generate_tokens(io.StringIO(text.strip()).readline):
        if token.type == tokenize.COMMENT:
            raise GuardError("a guard holds no comment", token.start[1], token.end[1])
    if sum(1 for _ in ast.walk(tree)) > MAX_GUARD_NODES:
        raise GuardError(f"a guard has at most {MAX_GUARD_NODES} parts")
    return _guard(tree)


def _refuse(node: ast.expr, message: str) -> GuardError:
    return GuardError(message, node.col_offset, node.end_col_offset)


def _guard(node: ast.expr) -> Guard:
    match node:
        case ast.BoolOp(op=op, values=values):
            operands = tuple(_guard(value) for value in values)
            return All(operands) if isinstance(op, ast.And) else AnyOf(operands)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return Not(_guard(operand))
        case ast.Constant(value=bool(value)):
            return Always(value)
        case ast.Name() | ast.Attribute():
            return Truth(_path(node))
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            sides = [left, *comparators]
            parts = [_compare(node, op, a, b) for op, a, b in zip(ops, sides, comparators, strict=False)]
            return parts[0] if len(parts) == 1 else All(tuple(parts))
    raise _refuse(node, f"{_describe(node)} is not a condition; a guard is true or false")


_OPERATORS: dict[type[ast.cmpop], Operator] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip


def _compare(whole: ast.expr, op: ast.cmpop, left: ast.expr, right: ast.expr) -> Guard:
    match op:
        case ast.In() | ast.NotIn():
            if not isinstance(right, ast.List | ast.Tuple | ast.Set):
                raise _refuse(right, "`in` takes a list of literals, such as ['a', 'b']")
            inside = Within(_operand(left), tuple(_scalar(item) for item in right.elts))
            return Not(inside) if isinstance(op, ast.NotIn) else inside
        case ast.Is() | ast.IsNot():
            if not (isinstance(right, ast.Constant) and right.value is None):
                raise _refuse(whole, "`is` compares with None alone; use == for anything else")
            return Compare("==" if isinstance(op, ast.Is) else "!=", _operand(left), Value(None))
    return Compare(_OPERATORS[type(op)], _operand(left), _operand(right))


def _operand(node: ast.expr) -> Operand:
    match node:
        case ast.Name() | ast.Attribute():
            return _path(node)
        case ast.Call(func=ast.Name(id="len"), args=[(ast.Name() | ast.Attribute()) as inner], keywords=[]):
            return Length(_path(inner))
        case ast.Constant() | ast.UnaryOp():
            return Value(_scalar(node))
    raise _refuse(node, f"{_describe(node)} is not allowed in a guard")


def _scalar(node: ast.expr) -> Scalar:
    match node:
        case ast.Constant(value=str() | bool() | None as value):
            return value
        case ast.Constant(value=int() | float() as value) if abs(value) < 1e18:
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)) if (
            not isinstance(value, bool) and abs(value) < 1e18
        ):
            return -value
    raise _refuse(node, f"{_describe(node)} is not a literal that a guard may hold")


def _path(node: ast.expr) -> Path:
    names: list[str] = []
    whole = node
    while isinstance(node, ast.Attribute):
        if not _FIELD.fullmatch(node.attr) or "__" in node.attr:
            raise _refuse(whole, f"{node.attr[:80]!r} is not a field name")
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise _refuse(node, f"{_describe(node)} is not allowed in a guard")
    if not _NAME.fullmatch(node.id) or "__" in node.id:
        raise _refuse(node, f"{node.id[:80]!r} is not the name of a value")
    return Path(node.id, tuple(reversed(names)))


_WORDS: dict[type[ast.expr], str] = {
    ast.Call: "a call", ast.BinOp: "arithmetic", ast.Subscript: "a subscript", ast.Lambda: "a lambda",
    ast.JoinedStr: "an f-string", ast.IfExp: "a conditional", ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension", ast.DictComp: "a comprehension", ast.GeneratorExp: "a comprehension",
    ast.Constant: "a literal", ast.NamedExpr: "an assignment", ast.Await: "`await`", ast.List: "a list",
    ast.Tuple: "a tuple", ast.Dict: "a mapping", ast.Set: "a set", ast.UnaryOp: "a signed expression",
    ast.Compare: "a nested comparison", ast.BoolOp: "a nested condition", ast.Starred: "a star",
}  # fmt: skip


def _describe(node: ast.expr) -> str:
    return _WORDS.get(type(node), "this")
