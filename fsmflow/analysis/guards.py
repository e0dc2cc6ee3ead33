"""Arms of a choice that can't be taken, since earlier arms hold wherever they do.

What a guard says of one operand depends on its kind and on how it compares with the literals that
are written, so a sample from between each two of these, and of each kind, stands for all values.
Operands are taken for independent of one another, and a comparison of two of them for a riddle
with two answers; so an arm that is found dead is dead, and some that are dead are not found.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise, product
from typing import Any

from attrs import frozen

from fsmflow.expressions import (
    All,
    Always,
    AnyOf,
    Compare,
    Guard,
    GuardError,
    Length,
    Not,
    Operand,
    Path,
    Truth,
    Value,
    Within,
)
from fsmflow.runtime.values import ge, gt, le, lt, same, within

MAX_SAMPLES = 4_096
"""Of how many combinations of samples one arm is decided at most."""

MAX_WORK = 200_000
"""How often guards are evaluated at most, all choices together."""

Variable = Path | Length | Compare
Assignment = Mapping[Variable, Any]


@frozen
class Never:
    """Why an arm is never taken: its guard never holds, or an earlier arm (its index) holds there."""

    because: int | None


def dead_arms(
    choices: Mapping[str, Sequence[Guard | GuardError | None]],
) -> Iterator[tuple[str, int, Never]]:
    """Give the arms that no run can take, by state and index; None among the guards always holds."""
    work = MAX_WORK
    for name, arms in choices.items():
        earlier: list[tuple[int, Guard]] = []
        for index, arm in enumerate(arms):
            if isinstance(arm, GuardError):
                continue
            guard = Always(True) if arm is None else arm
            never, used = _decide(guard, earlier, work)
            work -= used
            if never is not None:
                yield name, index, never
            earlier.append((index, guard))


def _decide(guard: Guard, earlier: Sequence[tuple[int, Guard]], work: int) -> tuple[Never | None, int]:
    """Say whether an arm is dead, and how many evaluations that took."""
    for index, other in earlier:
        if other in (Always(True), guard):
            return Never(index), 0
    variables = dict.fromkeys(_variables(guard))
    others: list[tuple[int, Guard]] = []
    for index, other in earlier:
        if not variables.keys().isdisjoint(theirs := dict.fromkeys(_variables(other))):
            wider = variables | theirs
            if _size(wider, [guard, *(g for _, g in others), other]) <= MAX_SAMPLES:
                variables = wider
                others.append((index, other))
    domains = _domains(variables, [guard, *(g for _, g in others)])
    count = _product(map(len, domains.values())) * (1 + len(others))
    if count > min(work, MAX_SAMPLES * (1 + len(others))):
        return None, 0
    cover: int | None = None
    for samples in product(*domains.values()):
        assignment = dict(zip(domains, samples, strict=True))
        if _holds(guard, assignment):
            cover = next((i for i, g in others if _holds(g, assignment)), None)
            if cover is None:
                return None, count
    return Never(cover), count


def _variables(guard: Guard) -> Iterator[Variable]:
    match guard:
        case Not(operand=operand):
            yield from _variables(operand)
        case All(operands=operands) | AnyOf(operands=operands):
            for operand in operands:
                yield from _variables(operand)
        case Truth(of=path):
            yield path
        case Within(left=Path() | Length() as left):
            yield left
        case Compare(left=Value(), right=Value()):
            return
        case Compare(left=Path() | Length() as operand, right=Value()):
            yield operand
        case Compare(left=Value(), right=Path() | Length() as operand):
            yield operand
        case Compare():
            yield guard


def _size(variables: Iterable[Variable], guards: Sequence[Guard]) -> int:
    return _product(len(domain) for domain in _domains(variables, guards).values())


def _product(sizes: Iterable[int]) -> int:
    total = 1
    for size in sizes:
        total *= size
    return total


def _domains(variables: Iterable[Variable], guards: Sequence[Guard]) -> dict[Variable, tuple[Any, ...]]:
    """Give, for each variable, samples that stand for all of its values."""
    literals: dict[Variable, list[Any]] = {}
    for guard in guards:
        for variable, literal in _literals(guard):
            literals.setdefault(variable, []).append(literal)
    return {
        variable: (True, False)
        if isinstance(variable, Compare)
        else _samples(variable, literals.get(variable, []))
        for variable in variables
    }


def _literals(guard: Guard) -> Iterator[tuple[Variable, Any]]:
    match guard:
        case Not(operand=operand):
            yield from _literals(operand)
        case All(operands=operands) | AnyOf(operands=operands):
            for operand in operands:
                yield from _literals(operand)
        case Within(left=Path() | Length() as left, items=items):
            yield from ((left, item) for item in items)
        case Compare(left=Path() | Length() as operand, right=Value(value=value)):
            yield operand, value
        case Compare(left=Value(value=value), right=Path() | Length() as operand):
            yield operand, value


def _samples(variable: Path | Length, literals: Sequence[Any]) -> tuple[Any, ...]:
    numbers = sorted({v for v in literals if isinstance(v, int | float) and not isinstance(v, bool)})
    if isinstance(variable, Length):
        near = {int(n) + d for n in numbers for d in (-1, 0, 1, 2)} | {0}
        return tuple(sorted(n for n in near if n >= 0))
    between = [(a + b) / 2 for a, b in pairwise(numbers)]
    words = sorted({v for v in literals if isinstance(v, str)})
    # The string that comes next after a word stands for all up to the following word.
    strings = dict.fromkeys(["", *words, *(word + "\0" for word in words)])
    return (-math.inf, *numbers, *between, math.inf, *strings, True, False, None, object())


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": same,
    "!=": lambda one, other: not same(one, other),
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}


def _holds(guard: Guard, values: Assignment) -> bool:
    match guard:
        case Always(value=value):
            return value
        case Truth(of=path):
            return values[path] is True
        case Not(operand=operand):
            return not _holds(operand, values)
        case All(operands=operands):
            return all(_holds(operand, values) for operand in operands)
        case AnyOf(operands=operands):
            return any(_holds(operand, values) for operand in operands)
        case Within(left=left, items=items):
            return within(_value(left, values), items)
        case Compare() if guard in values:
            return bool(values[guard])
        case Compare(operator=sign, left=left, right=right):
            one, other = _value(left, values), _value(right, values)
            return _COMPARISONS[sign](one, other)


def _value(operand: Operand, values: Assignment) -> Any:
    return operand.value if isinstance(operand, Value) else values[operand]
