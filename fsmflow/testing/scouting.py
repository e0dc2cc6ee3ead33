"""Learning the way to transitions that chance seldom takes.

Runs are made, and of each rare transition the shortest beginning of a run that takes it is kept, to be
gone again; later runs set out from there. All of it follows from the seed alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from fsmflow import semantics
from fsmflow.analysis.traces.coverage import can_be_taken
from fsmflow.runtime import Spent
from fsmflow.testing.simulator import CANCELLED, ENDLESS, Guide, Happening, Simulated, Simulator
from fsmflow.testing.subject import Subject

PLAIN = 500
"""How many runs show which transitions are rare."""

MOST_ROUNDS = 40
RUNS_A_ROUND = 150
"""How many runs set out from what is known, before it is looked at anew."""

RARE = 1 / 30
"""Which share of runs takes a transition that needs no guide."""


def scouted(simulator: Simulator) -> Simulator:
    """Give a simulator half of whose runs begin as some run did that came to a rare transition."""
    scouts = _Scouts(simulator.subject)
    # Numbers below 0, so that no run of the campaign is one of these.
    for number in range(-PLAIN, 0):
        scouts.watch(simulator.run(number), plain=True)
    number = -PLAIN
    for _ in range(MOST_ROUNDS):
        if scouts.know_all:
            break
        guided = simulator.guided((*scouts.guides, *scouts.worn))
        for _ in range(RUNS_A_ROUND):
            number -= 1
            scouts.watch(guided.run(number))
    return simulator.guided(scouts.guides)


class _Scouts:
    """What is known of the ways to transitions."""

    def __init__(self, subject: Subject) -> None:
        self._machine = subject.machine
        self._taken: Counter[int] = Counter()
        self._known: dict[int, Guide] = {}
        self._worn: dict[tuple[int, int], tuple[int, Guide]] = {}
        self._numbers = {id(way): number for number, way in enumerate(subject.machine.transitions)}
        self._possible = {
            number
            for number, way in enumerate(subject.machine.transitions)
            if can_be_taken(subject.machine, way)
        }

    @property
    def know_all(self) -> bool:
        """Whether every transition that can be taken was taken."""
        return self._possible <= self._known.keys()

    @property
    def guides(self) -> tuple[Guide, ...]:
        """The shortest known ways to the transitions that are rare, in the order of the machine."""
        return tuple(
            self._known[number] for number in sorted(self._known) if self._taken[number] < RARE * PLAIN
        )

    @property
    def worn(self) -> tuple[Guide, ...]:
        """The known ways that use up most of a cap, to where ways leave that no run took, or to before it.

        It is budgets that chance seldom uses up.
        """
        ways = self._machine.transitions
        before = {ways[number].source for number in self._possible - self._known.keys()}
        for _ in range(len(self._machine.states)):
            before |= {way.source for way in ways if way.target in before}
        kept = {key: guide for key, (_, guide) in self._worn.items() if ways[key[0]].target in before}
        return tuple({id(kept[key]): kept[key] for key in sorted(kept)}.values())

    def watch(self, run: Simulated, *, plain: bool = False) -> None:
        """Learn from a run; if no guide led it, also how rare its transitions are."""
        events = [span.event for span in run.trace]
        seen = self.follow(run.given, events[:-1] if run.end in (CANCELLED, ENDLESS) else events)
        if plain:
            self._taken.update(seen)

    def follow(self, given: Any, events: Iterable[Happening]) -> set[int]:
        """Learn from what happened in a run; give the numbers of the transitions that it took."""
        events = tuple(events)
        seen = set()
        for length, spent, number in self._ways(given, events):
            seen.add(number)
            for metric, used in enumerate(spent):
                if self._machine.caps.amounts()[metric] is None:
                    continue
                if (number, metric) not in self._worn or used > self._worn[number, metric][0]:
                    self._worn[number, metric] = used, Guide(given, events[:length])
            known = self._known.get(number)
            if known is None or length < len(known.events):
                self._known[number] = Guide(given, events[:length])
        return seen

    def _ways(self, given: Any, events: tuple[Happening, ...]) -> Iterator[tuple[int, Spent, int]]:
        """Give the number of events until each transition of a run, what was used, and its number."""
        now, _, taken = semantics.launch(self._machine, given)
        for length, event in enumerate((None, *events)):
            if event is not None:
                now, _, taken = semantics.advance(self._machine, now, event)
            for way in taken:
                yield length, now.spent, self._numbers[id(way)]
