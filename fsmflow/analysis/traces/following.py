"""Which transitions a recorded run took, found by playing it again on the reference meaning.

What a trace holds is plain: where a step gave an instance, there is a mapping. So a guard may not decide
now as it did then. Where a choice leads elsewhere than the record says, the arms are looked for that do
lead there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import Any

from attrs import define, evolve, field, frozen

from fsmflow import semantics
from fsmflow.analysis.traces.recording import Recording, Stage
from fsmflow.analysis.traces.restoring import amounts_of, event_of, restored
from fsmflow.expressions import Always
from fsmflow.machine import Ask, Choice, End, Machine, Transition
from fsmflow.runtime.events import Event, Late
from fsmflow.runtime.run import Configuration
from fsmflow.semantics import Advance

MOST_GUESSES = 50
"""How many sets of arms are tried at one place."""

Arms = Mapping[str, str | None]
"""Which arm each of some choices takes."""


@frozen
class Followed:
    """The way of a recorded run through a machine.

    Attributes:
        launch: The transitions from the start to the first stage: out of choices.
        ways: For each stage, the transitions from it to the next one, or to the end.
        stray: The number of the first stage that this machine can't have come to, or can't have gone on
            from, as recorded; from there on no transitions are known. None if there is no such stage.
    """

    launch: tuple[Transition, ...]
    ways: tuple[tuple[Transition, ...], ...]
    stray: int | None = None


def follow(machine: Machine, recording: Recording) -> Followed:
    """Find the transitions that a recorded run took.

    The machine may be another one than the run's: then the run goes astray where they part. Runs of
    children are not followed with it: each is a run of its own, on the machine of its workflow.
    """
    return _Following(machine, recording).follow()


@define(slots=False)
class _Following:
    """One run being followed."""

    machine: Machine
    recording: Recording
    variants: dict[tuple[tuple[str, str | None], ...], Machine] = field(factory=dict)

    def follow(self) -> Followed:
        stages = self.recording.stages
        late: dict[int, list[Late]] = {}
        for charge in self.recording.late:
            late.setdefault(charge.after + 1, []).append(Late(amounts_of(charge.use)))
        found = self._onward(None, None, stages[0] if stages else None)
        ways: list[tuple[Transition, ...]] = []
        launch = () if found is None else found.taken
        stray = 1 if found is None else None
        for number, stage in enumerate(stages, 1):
            if found is None or self._was_broken_off(stage):
                break
            now = found.configuration
            for charge_ in late.get(number, ()):
                # It came in during this stage, and is booked before the run goes on.
                now = semantics.advance(self.machine, now, charge_).configuration
            found = self._onward(now, stage, stages[number] if number < len(stages) else None)
            if found is None:
                stray = number
            else:
                ways.append(found.taken)
        return Followed(launch, (*ways, *((),) * (len(stages) - len(ways))), stray)

    def _was_broken_off(self, stage: Stage) -> bool:
        """Tell whether the run was cancelled in this stage."""
        return self.recording.kind == "cancelled" and stage.number == len(self.recording.stages)

    def _onward(
        self, now: Configuration | None, stage: Stage | None, following: Stage | None
    ) -> Advance | None:
        """Go on from `now` by what happened in `stage`, or from the start, to where the record says."""
        event = None if stage is None else event_of(stage)
        try:
            if now is not None and (stage is None or not self._is_at(now, stage)):
                return None
            found = self._advance(self.machine, now, event)
            if self._fits(found, following):
                return found
            for arms in islice(self._guesses(now, found, following), MOST_GUESSES):
                variant = self._variant(arms)
                found = self._advance(variant, now, event)
                if self._fits(found, following):
                    return found._replace(taken=tuple(self._own(variant, way) for way in found.taken))
        except (ValueError, LookupError, StopIteration):
            # Endless choices, no arm that holds, a state or an event that this machine does not have.
            return None
        return None

    def _advance(self, machine: Machine, now: Configuration | None, event: Event | None) -> Advance:
        if now is None or event is None:
            return semantics.launch(machine, self._given)
        return semantics.advance(machine, now, event)

    @cached_property
    def _given(self) -> Any:
        return restored(self.recording.given)

    def _fits(self, found: Advance, following: Stage | None) -> bool:
        """Tell whether the run stands where the record says: at a stage, in its end, or anywhere yet."""
        if following is not None:
            return self._is_at(found.configuration, following)
        end = self.recording.end
        return end is None or self.recording.kind == "cancelled" or found.configuration.state == end

    def _is_at(self, now: Configuration, stage: Stage) -> bool:
        """Tell whether a run stands where a stage of the record was."""
        asks = isinstance(self.machine.states[now.state], Ask)
        return (now.state, now.visit, now.attempt, now.pausing, asks) == (
            stage.state,
            stage.visit,
            stage.attempt,
            stage.kind == "pause",
            stage.kind == "question",
        )

    def _guesses(self, now: Configuration | None, found: Advance, following: Stage | None) -> Iterator[Arms]:
        """Give the arms of choices that may lead to where the record says, the fewest first."""
        wanted = self.recording.end if following is None else following.state
        counts: Mapping[str, int] = {} if now is None else now.counts
        place = self.machine.start
        for way in found.taken:
            if isinstance(self.machine.states[way.source], Choice):
                place = way.source
                break
            counts, place = self._counted(counts, way), way.target
        if not isinstance(self.machine.states[place], Choice):
            return
        pending: deque[tuple[str, Mapping[str, int], Arms]] = deque([(place, counts, {})])
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

    def _variant(self, arms: Arms) -> Machine:
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
