"""Which values may be unset when a state is entered: definite assignment, by forward data flow.

A step that succeeds sets its value, and so does a person who answers. Entering the state clears it,
after its arguments were read, so that the value is unset while the step fails. Every way out that is no
plain success sets `error`. A guard that holds, or that does not, may show that a value is there. Sets of
values are bit sets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from heapq import heappop, heappush

from attrs import field, frozen

from fsmflow.analysis.graph import reverse_postorder, steps_back
from fsmflow.expressions import (
    All,
    Always,
    AnyOf,
    Compare,
    Guard,
    Length,
    Not,
    Path,
    Truth,
    Value,
    Within,
)
from fsmflow.machine import Ask, Choice, Machine, Transition, Work

Values = frozenset[str]


@frozen
class Assignment:
    """What may be unset where.

    Attributes:
        entered: For each state that a run can enter, the values that may be unset there, as bits.
    """

    entered: Mapping[str, int] = field(repr=False)
    _machine: Machine = field(repr=False)
    _bits: Mapping[str, int] = field(repr=False)
    _sets: Mapping[str, Sequence[tuple[Transition, int]]] = field(repr=False)

    @classmethod
    def of(
        cls,
        machine: Machine,
        ignored: frozenset[str] = frozenset(),
        doubtful: frozenset[str] = frozenset(),
        proves: Mapping[str, Values] | None = None,
    ) -> Assignment:
        """Flow from the start until nothing changes.

        Args:
            machine: The machine.
            ignored: The states along the ways from which nothing flows.
            doubtful: The states whose success does not mean that their value is there.
            proves: By state, the values that are there if it succeeds, though others have set them.
        """
        names = ["error", *(s.value for s in machine.states.values() if isinstance(s, Work | Ask))]
        bits = {name: 1 << i for i, name in enumerate(dict.fromkeys(names))}
        sets = {
            name: tuple(
                (way, _bits(shown, bits))
                for way, shown in _ways(
                    machine, name, name in doubtful, (proves or {}).get(name, frozenset())
                )
            )
            for name in machine.states
            if name not in ignored
        }
        if machine.start not in machine.states:
            return cls({}, machine, bits, sets)
        edges = {name: [way.target for way, _ in ways] for name, ways in sets.items()}
        order = reverse_postorder(machine.start, edges)
        number = {name: index for index, name in enumerate(order)}
        entered = {machine.start: (1 << len(bits)) - 1}
        # Predecessors first, so that a state outside of loops is looked at once.
        queue, waiting = [0], {0}
        while queue:
            first = heappop(queue)
            waiting.discard(first)
            name = order[first]
            unset = entered[name] | _cleared(machine, name, bits)
            for way, shown in sets.get(name, ()):
                after = unset & ~shown
                before = entered.get(way.target)
                if before is None or after & ~before:
                    entered[way.target] = after | (before or 0)
                    if number[way.target] not in waiting:
                        waiting.add(number[way.target])
                        heappush(queue, number[way.target])
        return cls(entered, machine, bits, sets)

    def may_be_unset(self, value: str, state: str, *, cleared: bool = False) -> bool:
        """Tell whether a run can enter `state` without `value`; with `cleared`, once its own is cleared."""
        unset = self.entered.get(state)
        if unset is None:
            return False
        if cleared:
            unset |= _cleared(self._machine, state, self._bits)
        return bool(unset & self._bits.get(value, 0))

    def path_without(self, value: str, state: str) -> tuple[Transition, ...] | None:
        """Find a shortest way from the start to `state` on which `value` is unset in the end."""
        bit = self._bits[value]
        came: dict[tuple[str, bool], tuple[tuple[str, bool], Transition]] = {}
        start = (self._machine.start, True)
        if start[0] == state:
            return ()
        queue = [start]
        for here in queue:
            unset = here[1] or bool(_cleared(self._machine, here[0], self._bits) & bit)
            for way, shown in self._sets.get(here[0], ()):
                there = (way.target, unset and not shown & bit)
                if there in came or there == start:
                    continue
                came[there] = (here, way)
                if there == (state, True):
                    return steps_back(there, start, came)
                queue.append(there)
        return None


def _bits(names: Values, bits: Mapping[str, int]) -> int:
    found = 0
    for name in names:
        found |= bits.get(name, 0)
    return found


def _cleared(machine: Machine, name: str, bits: Mapping[str, int]) -> int:
    state = machine.states[name]
    return bits[state.value] if isinstance(state, Work | Ask) else 0


def _ways(
    machine: Machine, name: str, is_doubtful: bool, proves: Values
) -> Iterator[tuple[Transition, Values]]:
    """Give each way into another visit, with the values that are there once it is taken."""
    state = machine.states[name]
    refuted: Values = frozenset()
    for way in machine.outgoing[name]:
        if way.same_visit:
            continue
        shown: Values = frozenset()
        if way.kind != "success" or way.used_up is not None:
            shown |= {"error"}
        if isinstance(state, Work | Ask) and way.on == "success":
            shown |= proves if is_doubtful else {state.value, *proves}
        if isinstance(state, Choice):
            shown |= refuted
            if way.when is not None:
                shown |= shown_by(way.when, holds=True)
                if not way.below:
                    # The last way of its arm: those after it are tried where its guard does not hold.
                    refuted |= shown_by(way.when, holds=False)
        yield way, shown


def shown_by(guard: Guard, *, holds: bool) -> Values:
    """Give the values that are there for certain if `guard` holds, or if it does not."""
    nothing: Values = frozenset()
    match guard:
        case Not(operand=operand):
            return shown_by(operand, holds=not holds)
        case All(operands=operands) | AnyOf(operands=operands):
            parts = [shown_by(operand, holds=holds) for operand in operands]
            if isinstance(guard, All) is holds:
                return nothing.union(*parts)
            return parts[0].intersection(*parts[1:]) if parts else nothing
        case Truth(of=path) if holds:
            return frozenset({path.root})
        case Within(left=Path() as path, items=items) if holds and None not in items:
            return frozenset({path.root})
        case Compare():
            return _shown_by_comparison(guard.literal_last, holds=holds)
        case Always() | Truth() | Within():
            return nothing


def _shown_by_comparison(comparison: Compare, *, holds: bool) -> Values:
    sign = comparison.operator
    match comparison.left, comparison.right:
        case Path(root=root), Value(value=None) if (sign, holds) in (("!=", True), ("==", False)):
            return frozenset({root})
        case Path(root=root), Value(value=value) if value is not None and holds and sign != "!=":
            return frozenset({root})
        case Length(of=path), Value(value=int(least)) if holds:
            if (sign == ">" and least >= 0) or (sign in (">=", "==") and least >= 1):
                return frozenset({path.root})
    return frozenset()
