"""Templates and guards, as an author writes them; and the same with other names for what they read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import assert_never

from attrs import evolve

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

Renaming = Callable[[str], str]
"""Gives the name that a value goes by now."""


def written_template(template: Template) -> str:
    """Write a template on one line: `{question: $input.text, limit: 4}`."""
    match template:
        case Reference():
            return str(template)
        case Constant(value=str(text)) if text.startswith("$"):
            return json.dumps(f"${text}", ensure_ascii=False)
        case Constant(value=value):
            return json.dumps(value, ensure_ascii=False)
        case ListTemplate(items=items):
            return f"[{', '.join(map(written_template, items))}]"
        case DictTemplate(items=pairs):
            return f"{{{', '.join(f'{key}: {written_template(value)}' for key, value in pairs)}}}"
        case EachTemplate(over=over, item=item):
            return f"{written_template(item)} for each of {written_template(over)}"
        case _:
            assert_never(template)


def written_guard(guard: Guard) -> str:
    """Write a guard: `len(retrieve) > 0 and answer.ok`."""
    match guard:
        case Compare(operator=operator, left=left, right=right):
            return f"{written_operand(left)} {operator} {written_operand(right)}"
        case Within(left=left, items=items):
            return f"{written_operand(left)} in [{', '.join(map(repr, items))}]"
        case Truth(of=path):
            return str(path)
        case Always(value=value):
            return str(value)
        case Not(operand=operand):
            return f"not {_bracketed(operand)}"
        case All(operands=operands):
            return " and ".join(map(_bracketed, operands))
        case AnyOf(operands=operands):
            return " or ".join(map(_bracketed, operands))
        case _:
            assert_never(guard)


def renamed_template(template: Template, renaming: Renaming) -> Template:
    """Give `template` with other names for the values that it refers to."""
    match template:
        case Reference(root=root):
            return evolve(template, root=renaming(root))
        case Constant():
            return template
        case ListTemplate(items=items):
            return ListTemplate(tuple(renamed_template(item, renaming) for item in items))
        case DictTemplate(items=pairs):
            return DictTemplate(tuple((key, renamed_template(value, renaming)) for key, value in pairs))
        case EachTemplate(over=over, item=item):
            return evolve(
                template,
                over=renamed_template(over, renaming),
                item=renamed_template(item, lambda name: name if name == ITEM else renaming(name)),
            )
        case _:
            assert_never(template)


def renamed_guard(guard: Guard, renaming: Renaming) -> Guard:
    """Give `guard` with other names for the values that it reads."""
    match guard:
        case Compare(left=left, right=right):
            return evolve(guard, left=_renamed(left, renaming), right=_renamed(right, renaming))
        case Within(left=left):
            return evolve(guard, left=_renamed(left, renaming))
        case Truth(of=path):
            return Truth(evolve(path, root=renaming(path.root)))
        case Always():
            return guard
        case Not(operand=operand):
            return Not(renamed_guard(operand, renaming))
        case All(operands=operands) | AnyOf(operands=operands):
            return evolve(guard, operands=tuple(renamed_guard(operand, renaming) for operand in operands))
        case _:
            assert_never(guard)


def _renamed(operand: Operand, renaming: Renaming) -> Operand:
    match operand:
        case Path(root=root):
            return evolve(operand, root=renaming(root))
        case Length(of=path):
            return Length(evolve(path, root=renaming(path.root)))
        case Value():
            return operand
        case _:
            assert_never(operand)


def written_operand(operand: Operand) -> str:
    """Write one side of a comparison."""
    match operand:
        case Path():
            return str(operand)
        case Value(value=value):
            return repr(value)
        case Length(of=path):
            return f"len({path})"
        case _:
            assert_never(operand)


def _bracketed(guard: Guard) -> str:
    return f"({written_guard(guard)})" if isinstance(guard, All | AnyOf) else written_guard(guard)
