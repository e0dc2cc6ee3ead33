"""The transitions of a recorded run, each with what it depended on: counts, and what was spent by then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from fsmflow.analysis.traces.following import Followed
from fsmflow.analysis.traces.recording import CHARGED, LEDGER, Recording, Stage
from fsmflow.machine import Machine, Resources, Transition, Wait, Work


@frozen
class Closed:
    """A way that would have come before the one that was taken, and why it was not taken.

    Attributes:
        way: The way.
        cap: How often it may be taken, if it had been; None if its pause was not waited for.
    """

    way: Transition
    cap: int | None


@frozen
class Lack:
    """A cap that left no room; amounts in the ledger's units.

    Attributes:
        resource: Of what, as the ledger names it.
        used: What was used by then.
        needed: What came next would have used at the most.
        aside: What is set aside for the reserve.
        cap: The most that a run may use.
    """

    resource: str
    used: int
    needed: int
    aside: int
    cap: int

    @property
    def short(self) -> int:
        """By how much the room was too little."""
        return self.used + self.needed + self.aside - self.cap


@frozen
class Move:
    """One transition that a run took.

    Attributes:
        way: The transition.
        stage: The stage by whose outcome it was taken; None of one that was taken on the way on, out of
            a choice or because the budget let nothing begin.
        closed: The ways that would have come before it.
        lacks: For a budget that was exceeded: the caps that left no room; none if an attempt was cut off.
        number: The number of the latest stage, 0 before the first.
    """

    way: Transition
    stage: Stage | None
    closed: tuple[Closed, ...]
    lacks: tuple[Lack, ...]
    number: int


def moves(machine: Machine, recording: Recording, followed: Followed) -> Iterator[Move]:
    """Give the transitions that a run took, in order, as far as they are known."""
    walk = _Walk(machine, recording)
    for way in followed.launch:
        yield walk.move(way, None)
    for stage, taken in zip(recording.stages, followed.ways, strict=True):
        walk.pass_(stage)
        for place, way in enumerate(taken):
            yield walk.move(way, stage if place == 0 and way.source == stage.state else None)


class _Walk:
    """The counters and the ledger of a run, along the way."""

    def __init__(self, machine: Machine, recording: Recording) -> None:
        self.machine = machine
        self.number = 0
        self.counts: dict[str, int] = {}
        self.spent = dict.fromkeys(LEDGER, 0)
        self.late: dict[int, list[Mapping[str, int]]] = {}
        for charge in recording.late:
            self.late.setdefault(charge.after + 1, []).append(charge.use)

    def pass_(self, stage: Stage) -> None:
        """Book a stage."""
        self.number = stage.number
        self.spent["steps"] += stage.counted
        self.spent["time_us"] += stage.ledger_us
        for use in [stage.use, *self.late.get(stage.number, ())]:
            for name in CHARGED:
                self.spent[name] += use[name]

    def move(self, way: Transition, stage: Stage | None) -> Move:
        """Take a transition."""
        closed = tuple(self.closed(way))
        is_cut = stage is not None and stage.outcome == "exceeded"
        lacks = tuple(self.lacks(way.source)) if way.kind == "exceeded" and not is_cut else ()
        for name in way.below:
            self.counts[name] = self.counts.get(name, 0) + 1
        if not way.same_visit:
            for name in self.machine.resets[way.target]:
                self.counts.pop(name, None)
        return Move(way, stage, closed, lacks, self.number)

    def closed(self, taken: Transition) -> Iterator[Closed]:
        for way in self.machine.ways(taken.source, taken.on, taken.label):
            if way is taken:
                return
            full = [name for name in way.below if self.counts.get(name, 0) >= self.machine.counters[name].cap]
            if full:
                yield Closed(way, self.machine.counters[full[0]].cap)
            elif way.pause is not None:
                yield Closed(way, None)

    def lacks(self, name: str) -> Iterator[Lack]:
        """Give the caps that left no room for what would have begun in a state."""
        state = self.machine.states[name]
        assert isinstance(state, Work | Wait)
        aside = Resources() if state.reserve else self.machine.reserve
        amounts = (each.amounts() for each in (state.needs, aside, self.machine.caps))
        for resource, need, kept, cap in zip(LEDGER, *amounts, strict=True):
            used = self.spent[resource]
            if cap is not None and used + need + kept > cap:
                yield Lack(resource, used, need, kept, cap)
