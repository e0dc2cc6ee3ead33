"""Which transitions a recorded run took, found by playing it again on the reference meaning.

What a trace holds is plain: where a step gave an instance, there is a mapping. So a guard may not decide
now as it did then; see `fsmflow.analysis.traces.arms`.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from attrs import define, field, frozen

from fsmflow import semantics
from fsmflow.analysis.traces.arms import Arms
from fsmflow.analysis.traces.recording import Recording, Stage
from fsmflow.analysis.traces.restoring import amounts_of, event_of, restored
from fsmflow.machine import Ask, Machine, Transition
from fsmflow.runtime.events import Event, Late
from fsmflow.runtime.run import Configuration
from fsmflow.semantics import Advance


@frozen
class Followed:
    """The way of a recorded run through a machine.

    Attributes:
        launch: The transitions from the start to the first stage: out of choices.
        ways: For each stage, the transitions from it to the next one, or to the end.
        stray: The number of the first stage that this machine can't have come to, or can't have gone on
            from, as recorded; from there on no transitions are known. None if there is no such stage.
        begins: Whether a run can begin as recorded: the trace of one that was taken up holds the rest.
    """

    launch: tuple[Transition, ...]
    ways: tuple[tuple[Transition, ...], ...]
    stray: int | None = None
    begins: bool = True


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
    arms: Arms = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.arms = Arms(self.machine)

    def follow(self) -> Followed:
        stages = self.recording.stages
        late: dict[int, list[Late]] = {}
        for charge in self.recording.late:
            late.setdefault(charge.after + 1, []).append(Late(amounts_of(charge.use)))
        found = self._onward(None, None, stages[0] if stages else None)
        if found is None:
            return Followed((), ((),) * len(stages), stray=1, begins=False)
        ways: list[tuple[Transition, ...]] = []
        launch = found.taken
        stray: int | None = None
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
            return self.arms.led(
                lambda machine: self._advance(machine, now, event),
                now,
                lambda found: self._fits(found, following),
                self.recording.end if following is None else following.state,
            )
        except (ValueError, LookupError, StopIteration):
            # Endless choices, no arm that holds, a state or an event that this machine does not have.
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
