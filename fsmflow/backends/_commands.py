"""A counter machine as guarded commands (Dijkstra, CACM 1975), by names that model checkers can read.

Counters that no longer matter are set back to 0, so that what behaves alike is one state to a checker.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from attrs import define, field, frozen

from fsmflow.analysis.proving.counter_machine import CounterMachine, Edge, Guard, Weights
from fsmflow.analysis.proving.liveness import live_counters

_WIDTH = 110

Test = tuple[str, int, int, int]
"""A counter by name, the least and greatest value that it may have, and its cap."""


@frozen
class Command:
    """What can happen, if all of its tests hold.

    Attributes:
        name: A name of its own.
        target: The name of the state that is entered.
        tests: What must hold of the counters.
        raised: The counters that go up by 1.
        cleared: The counters that are set back to 0.
        weights: The most that it uses of each metric.
        remark: What happens, in words.
    """

    name: str
    target: str
    tests: tuple[Test, ...]
    raised: tuple[str, ...]
    cleared: tuple[str, ...]
    weights: Weights
    remark: str


@frozen
class Place:
    """A state, and what can happen there.

    Attributes:
        name: Its name.
        title: Its name in the machine.
        commands: What can happen there.
        stuck: Cases, of tests that all hold, in which nothing can; every other case has a command.
    """

    name: str
    title: str
    commands: tuple[Command, ...]
    stuck: tuple[tuple[Test, ...], ...]


@frozen
class Program:
    """A counter machine by legal names.

    Attributes:
        start: The name of the first state.
        places: The states.
        counters: The counters that matter somewhere: name, cap, and name in the machine.
    """

    start: str
    places: tuple[Place, ...]
    counters: tuple[tuple[str, int, str], ...]


def program(machine: CounterMachine) -> Program:
    """Give `machine` as guarded commands. No name of theirs is a word of a language: all have prefixes."""
    return _Writing(machine).program()


@define
class _Writing:
    """The naming of one machine."""

    machine: CounterMachine
    taken: set[str] = field(factory=set)
    live: tuple[frozenset[int], ...] = field(init=False)
    states: list[str] = field(init=False)
    counters: dict[int, str] = field(init=False)

    def program(self) -> Program:
        machine = self.machine
        self.live = live_counters(machine)
        self.states = [self._name("at", name) for name in machine.states]
        mattering = sorted(frozenset().union(*self.live))
        self.counters = {counter: self._name("n", machine.counters[counter]) for counter in mattering}
        return Program(
            start=self.states[machine.start],
            places=tuple(self._place(state) for state in range(len(machine.states))),
            counters=tuple(
                (name, machine.caps[counter], machine.counters[counter])
                for counter, name in self.counters.items()
            ),
        )

    def _name(self, prefix: str, wish: str) -> str:
        """Give a legal name near to `wish` that nothing else has."""
        plain = f"{prefix}_" + re.sub(r"\W", "_", wish, flags=re.ASCII)
        name, count = plain, 1
        while name in self.taken:
            count += 1
            name = f"{plain}_{count}"
        self.taken.add(name)
        return name

    def _place(self, state: int) -> Place:
        edges = [self.machine.edges[number] for number in self.machine.outgoing[state]]
        return Place(
            name=self.states[state],
            title=self.machine.states[state],
            commands=tuple(map(self._command, edges)),
            stuck=tuple(
                tuple(self._tests(case)) for case in _uncovered([e.guards for e in edges], self.machine.caps)
            ),
        )

    def _command(self, edge: Edge) -> Command:
        here, there = self.live[edge.source], self.live[edge.target]
        raised = [c for c in edge.increments if c in there and c not in edge.resets]
        # A counter that is not live is 0 already.
        cleared = sorted(c for c in here if c in edge.resets or c not in there)
        label = edge.label or "on"
        return Command(
            name=self._name("do", f"{self.machine.states[edge.source]}_{label}"),
            target=self.states[edge.target],
            tests=tuple(self._tests(edge.guards)),
            raised=tuple(self.counters[c] for c in raised),
            cleared=tuple(self.counters[c] for c in cleared),
            weights=edge.weights,
            remark="; ".join(self._remarks(edge)),
        )

    def _tests(self, guards: Iterable[Guard]) -> Iterator[Test]:
        """Give the tests that tell something."""
        for counter, lo, hi in guards:
            if lo > 0 or hi < self.machine.caps[counter]:
                yield self.counters[counter], lo, hi, self.machine.caps[counter]

    def _remarks(self, edge: Edge) -> Iterator[str]:
        if edge.way is None:
            yield edge.label or "on"
            return
        way, outcome = edge.way, edge.outcome
        if way.kind == "exceeded":
            yield "the budget is used up" + (f", after {outcome}" if outcome else "")
        elif way.kind == "success":
            yield f"success, {way.label}" if way.label else "success"
        else:
            yield {"retry": "tried again", "invalid": "asked again"}.get(way.kind, f"{way.kind}, {way.on}")
        if way.used_up is not None:
            yield f"{way.used_up} is used up"
        if edge.pause_us:
            yield f"after a pause of at most {edge.pause_us} microseconds"


def _uncovered(cases: Iterable[tuple[Guard, ...]], caps: tuple[int, ...]) -> list[tuple[Guard, ...]]:
    """Give cases that together hold where none of `cases` does."""
    left: list[tuple[Guard, ...]] = [()]
    for case in cases:
        left = [rest for whole in left for rest in _without(whole, case, caps)]
        if not left:
            break
    return left


def _without(
    whole: tuple[Guard, ...], case: tuple[Guard, ...], caps: tuple[int, ...]
) -> Iterator[tuple[Guard, ...]]:
    """Take a case away from another: what is left of it, in disjoint pieces."""
    ranges = {counter: (lo, hi) for counter, lo, hi in whole}
    inner = {
        c: (max(lo, ranges.get(c, (0, 0))[0]), min(hi, ranges.get(c, (0, caps[c]))[1])) for c, lo, hi in case
    }
    if any(lo > hi for lo, hi in inner.values()):
        yield whole
        return
    for counter, (lo, hi) in sorted(inner.items()):
        least, most = ranges.get(counter, (0, caps[counter]))
        for a, b in ((least, lo - 1), (hi + 1, most)):
            if a <= b:
                yield tuple((c, *span) for c, span in sorted({**ranges, counter: (a, b)}.items()))
        ranges[counter] = (lo, hi)


def folded(parts: Iterable[str], indent: str) -> Iterator[str]:
    """Join parts with spaces, on as many lines as it takes; those after the first stand further in."""
    line = ""
    for part in parts:
        if line and len(indent) + len(line) + 1 + len(part) > _WIDTH:
            yield indent + line
            line = "    " + part
        else:
            line = f"{line} {part}" if line else part
    yield indent + line
