"""Which arms of choices a run took, of which it is known where they led.

What is kept of a run is plain: where a step gave an instance, there is a mapping. So a guard may not decide
now as it did then. Where a choice leads elsewhere than the run went, the arms are looked for that do lead
there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from attrs import define, evolve, field

from fsmflow.expressions import Always
from fsmflow.machine import Choice, End, Machine, Transition
from fsmflow.runtime.run import Configuration
from fsmflow.semantics import Advance

MOST_GUESSES = 50
"""How many sets of arms are tried at one place."""

Taken = Mapping[str, str | None]
"""Which arm each of some choices takes."""


@define
class Arms:
    """The arms of the choices of a machine, which lead where a run is known to have gone."""

    machine: Machine
    variants: dict[tuple[tuple[str, str | None], ...], Machine] = field(factory=dict)

    def led(
        self,
        go: Callable[[Machine], Advance],
        now: Configuration | None,
        fits: Callable[[Advance], bool],
        wanted: str | None,
    ) -> Advance | None:
        """Give how a run went on to where it is known to have come, if it can have come there.

        Args:
            go: Goes on, on a machine.
            now: Where it stood; None before it began.
            fits: Tells whether it stands where it is known to.
            wanted: The state that this is.

        Raises:
            ValueError, LookupError, StopIteration: It can't go on so at all.
        """
        found = go(self.machine)
        if fits(found):
            return found
        for arms in islice(self._guesses(now, found, wanted), MOST_GUESSES):
            variant = self._variant(arms)
            found = go(variant)
            if fits(found):
                return found._replace(taken=tuple(self._own(variant, way) for way in found.taken))
        return None

    def _guesses(self, now: Configuration | None, found: Advance, wanted: str | None) -> Iterator[Taken]:
        """Give the arms of choices that may lead to a state, the fewest first."""
        counts: Mapping[str, int] = {} if now is None else now.counts
        place = self.machine.start
        for way in found.taken:
            if isinstance(self.machine.states[way.source], Choice):
                place = way.source
                break
            counts, place = self._counted(counts, way), way.target
        if not isinstance(self.machine.states[place], Choice):
            return
        pending: deque[tuple[str, Mapping[str, int], Taken]] = deque([(place, counts, {})])
        passed = {place}
        while pending:
            place, counts, arms = pending.popleft()
            for way in self._first_ways(place, counts):
                taken = {**arms, place: way.label} if way.kind != "exceeded" else arms
                if way.target == wanted:
                    yield taken
                if way.target not in passed:
                    passed.add(way.target)
                    pending.append((way.target, self._counted(counts, way), taken))

    def _first_ways(self, name: str, counts: Mapping[str, int]) -> Iterator[Transition]:
        """Give the way of each arm of a choice that its counters let be taken; else the way of the budget."""
        state = self.machine.states[name]
        if not isinstance(state, Choice):
            yield from () if isinstance(state, End) else self.machine.ways(name, "exceeded")
            return
        for label in dict.fromkeys(way.label for way in self.machine.successes(name)):
            for way in self.machine.ways(name, "success", label):
                if all(counts.get(each, 0) < self.machine.counters[each].cap for each in way.below):
                    yield way
                    break

    def _counted(self, counts: Mapping[str, int], way: Transition) -> dict[str, int]:
        after = {**counts, **{name: counts.get(name, 0) + 1 for name in way.below}}
        gone = () if way.same_visit else self.machine.resets[way.target]
        return {name: count for name, count in after.items() if name not in gone}

    def _variant(self, arms: Taken) -> Machine:
        """Give the machine whose choices take these arms, whatever the values are."""
        key = tuple(sorted(arms.items(), key=lambda item: item[0]))
        if key not in self.variants:
            transitions = tuple(
                evolve(way, when=Always(way.label == arms[way.source])) if way.source in arms else way
                for way in self.machine.transitions
            )
            self.variants[key] = evolve(self.machine, transitions=transitions)
        return self.variants[key]

    def _own(self, variant: Machine, way: Transition) -> Transition:
        """Give the transition of the machine itself that one of a variant stands for."""
        if not isinstance(self.machine.states[way.source], Choice):
            return way
        ways = zip(variant.outgoing[way.source], self.machine.outgoing[way.source], strict=True)
        return next(own for other, own in ways if other is way)
