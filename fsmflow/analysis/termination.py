"""Loops that no counter bounds: structural termination of a capped counter machine.

In each strongly connected component, every transition is taken away that counts up a counter which
nothing in the component sets back; a run can take it only so often. What is left is split and
treated again. A component of which nothing can be taken away admits an infinite run, whatever the
caps; if nothing like that is left, every run ends (a Streett condition: counted infinitely often
implies reset infinitely often).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import assert_never

from attrs import frozen

from fsmflow.analysis.graph import components, shortest_path
from fsmflow.machine import Ask, Choice, End, Machine, Transition, Wait, Work

MAX_WORK = 400_000
"""How many transitions are looked at, all rounds together, before giving up."""

MAX_HOMES = 16
"""Through how many resets a walk that shows a loop is led."""

Ways = Sequence[Transition]


@frozen
class Loop:
    """A closed walk that nothing but perhaps the budget keeps a run from going round for ever.

    Attributes:
        ways: The transitions, from the state that the document has first.
        culprit: The transition at which a cap belongs.
        reset: The state whose entry sets the culprit's own counter back; None if it has no counter.
        budgeted: Whether the cap on steps, or on time, ends it.
    """

    ways: tuple[Transition, ...]
    culprit: Transition
    reset: str | None
    budgeted: bool


@frozen
class Termination:
    """What is known of the end of every run.

    Attributes:
        loops: The loops that no counter bounds, in the order of the document; empty if every run
            ends by its counters alone.
        decided: Whether the search was carried through.
    """

    loops: tuple[Loop, ...]
    decided: bool

    @classmethod
    def of(cls, machine: Machine, ignored: frozenset[str] = frozenset()) -> Termination:
        """Search the machine, leaving out the ways from the states `ignored`."""
        position = {name: number for number, name in enumerate(machine.states)}
        search = _Search(machine)
        ways = [way for way in machine.transitions if way.source not in ignored]
        loops: list[Loop] = []
        try:
            for stuck in search.stuck(ways, lambda _: False):
                unpaid = list(search.stuck(stuck, _spends(machine)))
                loops += [_loop(machine, c, position, budgeted=not unpaid) for c in unpaid or [stuck]]
        except _TooMuch:
            return cls((), decided=False)
        return cls(tuple(sorted(loops, key=lambda loop: position[loop.ways[0].source])), decided=True)


class _TooMuch(Exception):
    """The search would take too long."""


class _Search:
    """Looks for components that nothing can be taken away from."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._work = 0

    def stuck(self, ways: Ways, spends: Callable[[Transition], bool]) -> Iterator[list[Transition]]:
        """Give the transitions of each such component; those that spend a budget bound themselves."""
        pending = [ways]
        while pending:
            for inside in self.cyclic(pending.pop()):
                counted = {counter for way in inside for counter in way.below}
                entered = {way.target for way in inside if not way.same_visit}
                free = {c for c in counted if self._machine.counters[c].per not in entered}
                rest = [way for way in inside if free.isdisjoint(way.below) and not spends(way)]
                if len(rest) == len(inside):
                    yield inside
                elif rest:
                    pending.append(rest)

    def cyclic(self, ways: Ways) -> list[list[Transition]]:
        """Part `ways` by the strongly connected component that each lies inside, if on a cycle at all."""
        self._work += len(ways)
        if self._work > MAX_WORK:
            raise _TooMuch
        number: dict[str, int] = {}
        for index, group in enumerate(components(dict.fromkeys(w.source for w in ways), _successors(ways))):
            number.update(dict.fromkeys(group, index))
        inside: dict[int, list[Transition]] = {}
        for way in ways:
            if number[way.source] == number.get(way.target):
                inside.setdefault(number[way.source], []).append(way)
        return list(inside.values())


def _successors(ways: Ways) -> dict[str, list[str]]:
    edges: dict[str, list[str]] = {}
    for way in ways:
        edges.setdefault(way.source, []).append(way.target)
    return edges


def _spends(machine: Machine) -> Callable[[Transition], bool]:
    """Tell which transitions use some of a cap for certain: a step of `steps`, or a wait of `time`.

    An attempt may use no time, no tokens and no money at all, so those caps end nothing; and a question
    uses nothing, however long it takes to be answered.
    """

    def spends(way: Transition) -> bool:
        if way.kind == "exceeded":
            return False
        state = machine.states[way.source]
        match state:
            case Work():
                return machine.caps.steps is not None
            case Wait():
                return machine.caps.time_us is not None
            case Ask() | Choice() | End():
                return False
            case _:
                assert_never(state)

    return spends


def _loop(machine: Machine, component: Ways, position: dict[str, int], *, budgeted: bool) -> Loop:
    walk = _walk(machine, component, position)
    first = min(range(len(walk)), key=lambda i: position[walk[i].source])
    ways = (*walk[first:], *walk[:first])
    entered = {way.target for way in ways if not way.same_visit}
    culprit, reset = None, None
    for way in ways:
        reset = next((p for c in way.below if (p := machine.counters[c].per) in entered), None)
        if reset is not None:
            culprit = way
            break
    if culprit is None:
        back = [w for w in ways if position[w.target] <= position[w.source] and w.kind != "exceeded"]
        culprit = back[-1] if back else ways[-1]
    return Loop(ways, culprit, reset, budgeted)


def _walk(machine: Machine, component: Ways, position: dict[str, int]) -> tuple[Transition, ...]:
    """Find a short closed walk in `component`, if it can be without a counter, else round a reset."""
    for inside in _Search(machine).cyclic([way for way in component if not way.below]):
        ways = _by_source(inside)
        first = min(ways, key=position.__getitem__)
        return _path(first, first, ways)
    visits = [way for way in component if not way.same_visit]
    return _through_resets(machine, next(way for way in visits if way.below), _by_source(visits))


def _through_resets(
    machine: Machine, counting: Transition, ways: dict[str, list[Transition]]
) -> tuple[Transition, ...]:
    """Find a closed walk over `counting` that also enters every state that sets back what it counts."""
    homes: dict[str, None] = {}
    walk: tuple[Transition, ...] = (counting,)
    while True:
        counted = (machine.counters[name].per for way in walk for name in way.below)
        news = [home for home in counted if home is not None and home not in homes]
        if not news or len(homes) > MAX_HOMES:
            return walk
        homes.update(dict.fromkeys(news))
        walk = (counting,)
        for home in homes:
            if home not in (way.target for way in walk):
                walk += _path(walk[-1].target, home, ways)
        if walk[-1].target != counting.source:
            walk += _path(walk[-1].target, counting.source, ways)


def _path(start: str, goal: str, ways: dict[str, list[Transition]]) -> tuple[Transition, ...]:
    path = shortest_path(start, (goal,), ways)
    assert path is not None  # a component is strongly connected
    return path


def _by_source(ways: Iterable[Transition]) -> dict[str, list[Transition]]:
    found: dict[str, list[Transition]] = {}
    for way in ways:
        found.setdefault(way.source, []).append(way)
    return found
