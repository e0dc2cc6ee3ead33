"""Templates, guards and types as Python expressions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import assert_never

from fsmflow.backends._python import Group, Term, after, condition, data, flat, laid_out, literal
from fsmflow.expressions import (
    ITEM,
    All,
    Always,
    AnyOf,
    Compare,
    Constant,
    DictTemplate,
    EachTemplate,
    Guard,
    Length,
    ListTemplate,
    Not,
    Operand,
    Path,
    Reference,
    Template,
    Truth,
    Value,
    Within,
)
from fsmflow.typeexpr import Generic, LiteralType, TypeExpr, TypeName, Union


def template(made: Template) -> Term:
    """Write the expression that fills a template from `values`."""
    match made:
        case Constant(value=value):
            return data(value)
        case Reference(root=root, path=(), or_null=or_null):
            return f"values.get({literal(root)})" if or_null else f"values[{literal(root)}]"
        case Reference(root=root, path=path, or_null=or_null):
            names = tuple(literal(name) for name in (root, *path))
            return Group("maybe(" if or_null else "read(", ("values", *names), ")")
        case ListTemplate(items=items):
            return Group("[", tuple(map(template, items)), "]")
        case DictTemplate(items=pairs):
            return Group("{", tuple(after(f"{literal(k)}: ", template(item)) for k, item in pairs), "}")
        case EachTemplate(over=over, at_most=most, item=item):
            each = after("lambda values: ", template(item))
            return Group("each(", ("values", template(over), literal(most), literal(ITEM), each), ")")
        case _:
            assert_never(made)


def references(made: Template) -> Iterator[Reference]:
    """Give the references in a template."""
    match made:
        case Constant():
            return
        case Reference():
            yield made
        case ListTemplate(items=items):
            for item in items:
                yield from references(item)
        case DictTemplate(items=pairs):
            for _, item in pairs:
                yield from references(item)
        case EachTemplate(over=over, item=item):
            yield from references(over)
            yield from references(item)
        case _:
            assert_never(made)


def is_total(made: Template) -> bool:
    """Tell whether a template can be filled whatever the values are."""
    match made:
        case Constant():
            return True
        case Reference(or_null=or_null):
            return or_null
        case ListTemplate(items=items):
            return all(map(is_total, items))
        case DictTemplate(items=pairs):
            return all(is_total(item) for _, item in pairs)
        case EachTemplate():
            # What is mapped over may be no list, or too long a one.
            return False
        case _:
            assert_never(made)


def branch(guard: Guard, indent: str) -> Iterator[str]:
    """Write `if guard:`."""
    match guard:
        case All(operands=operands):
            yield from condition("if", map(_part, operands), "and", indent)
        case AnyOf(operands=operands):
            yield from condition("if", map(_part, operands), "or", indent)
        case _:
            yield from laid_out(after("if ", _test(guard)), indent, ":")


def looks_at_values(guard: Guard) -> bool:
    """Tell whether a guard reads any value."""
    match guard:
        case Always():
            return False
        case Not(operand=operand):
            return looks_at_values(operand)
        case All(operands=operands) | AnyOf(operands=operands):
            return any(map(looks_at_values, operands))
        case Truth():
            return True
        case Within(left=left):
            return not isinstance(left, Value)
        case Compare(left=left, right=right):
            return not (isinstance(left, Value) and isinstance(right, Value))
        case _:
            assert_never(guard)


def _test(guard: Guard) -> Term:
    match guard:
        case Always(value=value):
            return literal(value)
        case Truth(of=path):
            return f"{flat(_path(path))} is True"
        case Not(operand=Truth(of=path)):
            return f"{flat(_path(path))} is not True"
        case Not(operand=operand):
            return f"not {_part(operand)}"
        case All(operands=operands):
            return " and ".join(map(_part, operands))
        case AnyOf(operands=operands):
            return " or ".join(map(_part, operands))
        case Within(left=left, items=items):
            return Group("within(", (_operand(left), data(items)), ")")
        case Compare(operator=sign, left=left, right=right):
            return Group(f"{_COMPARISONS[sign]}(", (_operand(left), _operand(right)), ")")
        case _:
            assert_never(guard)


def _part(guard: Guard) -> str:
    """Write a guard so that it may stand beside `and`, `or` and `not`."""
    written = flat(_test(guard))
    return f"({written})" if isinstance(guard, All | AnyOf | Not) else written


_COMPARISONS = {"==": "same", "!=": "not same", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


def _operand(operand: Operand) -> Term:
    match operand:
        case Value(value=value):
            return literal(value)
        case Path():
            return _path(operand)
        case Length(of=path):
            return Group("length(", (_path(path),), ")")
        case _:
            assert_never(operand)


def _path(path: Path) -> Term:
    return Group("maybe(", ("values", *map(literal, (path.root, *path.path))), ")")


def modules(kind: TypeExpr | None) -> Iterator[str]:
    """Give the modules whose classes a type names."""
    match kind:
        case TypeName(module=module):
            if module:
                yield module
        case Generic(arguments=parts) | Union(members=parts):
            for part in parts:
                yield from modules(part)
        case LiteralType() | None:
            return
        case _:
            assert_never(kind)


def annotation(kind: TypeExpr | None, aliases: Mapping[str, str]) -> str:
    """Write a type as an annotation, in which modules go by `aliases`."""
    match kind:
        case None | LiteralType():
            return "Any"
        case TypeName(module="", name=name):
            return {"list": "list[Any]", "dict": "dict[str, Any]"}.get(name, name)
        case TypeName(module=module, name=name):
            return f"{aliases[module]}.{name}"
        case Generic(origin=origin, arguments=parts):
            return f"{origin}[{', '.join(annotation(part, aliases) for part in parts)}]"
        case Union(members=parts):
            return " | ".join(annotation(part, aliases) for part in parts)
        case _:
            assert_never(kind)
