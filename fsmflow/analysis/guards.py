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

from attrs import define, field, frozen

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
    atoms,
)
from fsmflow.runtime.values import ge, gt, le, lt, same, within

MAX_SAMPLES = 4_096
"""Of how many combinations of samples one arm is decided at most."""

MAX_EARLIER = 16
"""With how many earlier arms one arm is compared at most."""

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
        choice = _Choice()
        for index, arm in enumerate(arms):
            if isinstance(arm, GuardError):
                continue
            guard = Always(True) if arm is None else arm
            never, used = choice.decide(guard, work)
            work -= used
            if never is not None:
                yield name, index, never
            choice.add(index, guard)
            if never is None and _always_holds(guard):
                choice.add(index, Always(True))


@define
class _Choice:
    """The arms of a choice that were looked at: by guard, by what they read, and with their literals."""

    _first: dict[Guard, int] = field(factory=dict)
    _reading: dict[Variable, list[int]] = field(factory=dict)
    _guards: dict[int, Guard] = field(factory=dict)

    def add(self, index: int, guard: Guard) -> None:
        self._first.setdefault(guard, index)
        self._guards[index] = guard
        for variable in _variables(guard):
            self._reading.setdefault(variable, []).append(index)

    def decide(self, guard: Guard, work: int) -> tuple[Never | None, int]:
        """Say whether an arm is dead, and how many evaluations that took."""
        for same_guard in (Always(True), guard):
            if same_guard in self._first:
                return Never(self._first[same_guard]), 0
        if work <= 0:
            return None, 0
        others = self._comparable(guard)
        guards = [guard, *(self._guards[index] for index in others)]
        if _size(guards) * len(guards) > work:
            return None, MAX_EARLIER
        domains = _domains(guards)
        cover: int | None = None
        used = MAX_EARLIER * len(guards)
        for samples in product(*domains.values()):
            assignment = dict(zip(domains, samples, strict=True))
            used += len(guards)
            if _holds(guard, assignment):
                cover = next((i for i in others if _holds(self._guards[i], assignment)), None)
                if cover is None:
                    return None, used
        return Never(cover), used

    def _comparable(self, guard: Guard) -> list[int]:
        """Choose the earlier arms that read what `guard` reads and leave few enough combinations."""
        candidates: dict[int, None] = {}
        for variable in _variables(guard):
            candidates.update(dict.fromkeys(self._reading.get(variable, ())[:MAX_EARLIER]))
        chosen: list[int] = []
        guards = [guard]
        for index in sorted(candidates)[:MAX_EARLIER]:
            if _size([*guards, self._guards[index]]) <= MAX_SAMPLES:
                chosen.append(index)
                guards.append(self._guards[index])
        return chosen


def _always_holds(guard: Guard) -> bool:
    """Tell whether a guard holds whatever the values are; no, where they are too many to try."""
    if _size([guard]) > MAX_SAMPLES:
        return False
    domains = _domains([guard])
    return all(
        _holds(guard, dict(zip(domains, samples, strict=True))) for samples in product(*domains.values())
    )


def _compared(guard: Guard) -> Iterator[tuple[Variable, Sequence[Any]]]:
    """Give each thing that a guard reads, with the literals that it is compared with there."""
    for atom in atoms(guard):
        match atom:
            case Truth(of=path):
                yield path, ()
            case Within(left=Path() | Length() as left, items=items):
                yield left, items
            case Compare(left=Value(), right=Value()):
                pass
            case Compare(left=Path() | Length() as operand, right=Value(value=value)):
                yield operand, (value,)
            case Compare(left=Value(value=value), right=Path() | Length() as operand):
                yield operand, (value,)
            case Compare():
                yield atom, ()


def _variables(guard: Guard) -> Iterable[Variable]:
    return dict.fromkeys(variable for variable, _ in _compared(guard))


def _size(guards: Sequence[Guard]) -> int:
    """Give an upper bound of the combinations of samples that decide `guards`."""
    total = 1
    for variable, literals in _literals_by_variable(guards).items():
        total *= 2 if isinstance(variable, Compare) else 4 * len(literals) + 7
    return total


def _literals_by_variable(guards: Sequence[Guard]) -> dict[Variable, list[Any]]:
    literals: dict[Variable, list[Any]] = {}
    for guard in guards:
        for variable, found in _compared(guard):
            literals.setdefault(variable, []).extend(found)
    return literals


def _domains(guards: Sequence[Guard]) -> dict[Variable, tuple[Any, ...]]:
    """Give, for each variable, samples that stand for all of its values."""
    return {
        variable: (True, False) if isinstance(variable, Compare) else _samples(variable, found)
        for variable, found in _literals_by_variable(guards).items()
    }


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
