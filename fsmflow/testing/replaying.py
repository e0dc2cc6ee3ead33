"""A recorded run, run again on what its steps gave then; with a step swapped, if one likes.

A recording is a trace. Each attempt is answered with what the recording holds of the same state and the
same input, in the order in which it was recorded: the outcome, label, output, use, time and draw. So is each
question, in the place of a person, and each attempt that ran children, which do not run again.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from typing import Any

from attrs import evolve

from fsmflow.analysis.traces.recording import Recording, Stage, rest_of
from fsmflow.analysis.traces.restoring import amounts_of, event_of, restored
from fsmflow.loading.names import shown
from fsmflow.runtime import Answer, Asked, Ended, Options, Rejected, Runner, Spent, StepContext, StepNotFound
from fsmflow.runtime import Stage as Step
from fsmflow.runtime.binding import Step as Implementation
from fsmflow.runtime.binding import profiles_of
from fsmflow.runtime.hiding import is_hidden
from fsmflow.runtime.outcomes import Stop
from fsmflow.runtime.steps import Bound, bind
from fsmflow.runtime.trace import plain
from fsmflow.runtime.verdict import Replayed
from fsmflow.testing.clock import SimulatedClock
from fsmflow.testing.given import given_with, holding
from fsmflow.testing.plan_clock import SkippingClock
from fsmflow.testing.plan_real import RealStep

LEFT_OUT = "it holds hashes in the place of what is secret: record the run with `fsmflow run --record FILE`"

USES = ("tool calls", "tokens", "millionths of a dollar")

OUTCOMES = ("success", "transient", "invalid", "failure", "unknown", "exceeded")


class RecordingEnds(Stop):
    """A run came to an attempt that its recording does not answer; the message says which, and why.

    It is no `Exception`, which would be an outcome of the step.
    """


def without_lost(recording: Recording) -> Recording:
    """Leave out the attempts that were lost with their process: each was made again, and that is repeated."""
    lost = [stage for stage in recording.stages if stage.outcome == "lost"]
    if not lost:
        return recording
    kept = [stage for stage in recording.stages if stage.outcome != "lost"]
    spent = dict(recording.spent)
    for stage in lost:
        for name, used in {**stage.use, "steps": stage.steps, "time_us": stage.elapsed_us}.items():
            spent[name] -= used
    return evolve(
        recording,
        stages=tuple(evolve(stage, number=number) for number, stage in enumerate(kept, 1)),
        late=tuple(
            evolve(charge, after=charge.after - sum(stage.number <= charge.after for stage in lost))
            for charge in recording.late
        ),
        spent=spent,
    )


class Replaying:
    """One run on a recording.

    Attributes:
        repeated: How many attempts were answered from the recording.
        called: The states whose steps were called for real, an entry a call.
    """

    knows_secrets = True
    """Questions are compared with those that were recorded, secrets and all; nobody is shown them."""

    def __init__(
        self,
        runner: Runner[Any, Any],
        recording: Recording,
        swapped: Mapping[str, Implementation] | None = None,
    ) -> None:
        """Prepare a run.

        Args:
            runner: The workflow.
            recording: The recorded run.
            swapped: By state, what to call in the place of its step. Where inputs change by that, steps
                without an effect are called too.

        Raises:
            StepNotFound: What is to be called is not there.
            LookupError: There is no such state.
            RecordingEnds: The input of the run is left out.
        """
        unknown = sorted(set(swapped or {}) - set(runner.stages))
        if unknown:
            raise LookupError(f"{runner.name} has no step {', '.join(map(repr, unknown))}")
        self.repeated = 0
        self.called: list[str] = []
        self._runner = runner
        self._recording = recording = without_lost(recording)
        # A plain replay does without it; a step is only called of the profile that was recorded.
        profile = recording.profile
        self._profile = profile if profile is not None and profile in profiles_of(runner) else None
        self._swapped = {
            name: self._bound(runner.stages[name], step) for name, step in (swapped or {}).items()
        }
        if is_hidden(recording.given):
            raise RecordingEnds(f"the recording leaves out the input: {LEFT_OUT}")
        self._answers: dict[tuple[str, str], deque[Stage]] = {}
        self._pauses: dict[int, list[Stage]] = {0: []}
        latest = 0
        for stage in recording.stages:
            if stage.kind in ("attempt", "question"):
                self._answers.setdefault((stage.state, _written(stage.given)), deque()).append(stage)
                latest = stage.number
                self._pauses[latest] = []
            else:
                self._pauses[latest].append(stage)
        self._late: dict[int, list[tuple[int, int, int]]] = {}
        for charge in recording.late:
            self._late.setdefault(charge.after + 1, []).append(amounts_of(charge.use))
        self._context: StepContext | None = None
        self._latest = 0
        self._following = deque(self._pauses[0])
        self._clock = _LiveClock(self) if swapped else _ExactClock(self)

    @property
    def given(self) -> Any:
        """The input of the recorded run."""
        return restored(self._recording.given)

    @property
    def options(self) -> Options:
        """What the run is given."""
        steps: dict[str, Any] = {name: self._stand_in(stage) for name, stage in self._runner.stages.items()}
        found: Options = {"steps": steps, "clock": self._clock, "desk": self}
        if self._profile is not None:
            found["profile"] = self._profile
        return found

    def pause(self, us: int) -> int:
        """Give how long a pause that should be `us` microseconds took when it was recorded.

        Raises:
            RecordingEnds: The run was cancelled in it.
        """
        if not self._following:
            return us
        recorded = self._following.popleft()
        if self._recording.kind == "cancelled" and recorded.number == len(self._recording.stages):
            raise RecordingEnds(_cancelled(recorded.state))
        self._latest = recorded.number
        self._book_late(recorded.number)
        return max(recorded.elapsed_us, us)

    async def ask(self, asked: Asked) -> Answer:
        """Answer a question as a person did when it was recorded.

        Raises:
            Replayed: Always: how it was answered, or that it was not.
            RecordingEnds: The recording does not say.
        """
        shown = plain(dict(asked.shown))
        recorded = self._answer(asked.state, shown)
        if recorded is None:
            why = self._why(asked.state, shown)
            raise RecordingEnds(f"`{asked.state}` asks what the recording does not answer: {why}")
        event = self._repeated(asked.state, recorded)
        if event.outcome == "success":
            try:
                answer = asked.answer(event.label, event.value if asked.gives else None)
            except Rejected as rejected:
                said = (
                    f"what `{asked.state}` was answered then is no answer any more: {rejected.complaints[0]}"
                )
                raise RecordingEnds(said) from rejected
            event = event._replace(value=answer.value)
        raise Replayed(event)

    def _stand_in(self, stage: Step) -> Bound:
        if stage.name in self._swapped:
            return self._counted(stage.name, self._swapped[stage.name])
        real = self._real(stage)

        async def attempt(ctx: StepContext | None = None, **given: Any) -> Any:
            arguments = plain(dict(given))
            recorded = self._answer(stage.name, arguments)
            self._context = ctx
            if recorded is not None:
                self._book_late(recorded.number)
                event = self._event(stage, recorded)
                if ctx is not None and stage.children is not None:
                    ctx.book([Spent(steps=event.steps - 1)])
                raise Replayed(event)
            if isinstance(real, str):
                why = self._why(stage.name, arguments)
                said = f"`{stage.name}` is asked what the recording does not answer: {why}"
                raise RecordingEnds(f"{said}; {real}" if self._swapped else said)
            self._note(stage.name)
            real.is_called = True
            return await real.call(ctx, given)

        return Bound(
            attempt,
            "async",
            wants_context=stage.children is not None
            or bool(self._late)
            or (isinstance(real, RealStep) and real.wants_context),
            validate=None if isinstance(real, str) else holding(stage, stage.gives, self._runner),
            accept=() if isinstance(real, str) else real.accept(),
            plain=False,
        )

    def _bound(self, stage: Step, step: Implementation) -> Bound:
        """Make what is called in the place of a step ready; of children, all is held to their types."""
        found = bind(stage, self._runner.folder, step)
        if stage.children is None:
            return found
        return found._replace(validate=holding(stage, stage.gives, self._runner))

    def _real(self, stage: Step) -> RealStep | str:
        """Give the step itself, to be called where the recording ends, or why it can't be called."""
        if not self._swapped:
            return "nothing is called for real in a plain replay"
        if stage.children is not None:
            return f"its children do not run in a replay: name it in --with {stage.name}="
        if stage.effect != "none":
            return f"it is not called, since it does not say `effect: none`: name it in --with {stage.name}="
        if self._recording.profile != self._profile:
            gone = f"the profile `{shown(self._recording.profile or '')}` that it was recorded with is gone"
            return f"{gone}: name it in --with {stage.name}="
        try:
            own = self._runner.profiles.get(self._profile or "", {}).get(stage.name)
            return RealStep(stage, self._runner.folder, own)
        except StepNotFound as missing:
            return f"its step can't be called: {missing}"

    def _counted(self, name: str, bound: Bound) -> Bound:
        """Count the calls of a step that was swapped."""
        if bound.mode == "async":

            async def call(**given: Any) -> Any:
                self._note(name)
                return await bound.function(**given)

            return bound._replace(function=call, plain=False)

        def call_sync(**given: Any) -> Any:
            self._note(name)
            return bound.function(**given)

        return bound._replace(function=call_sync)

    def _note(self, name: str) -> None:
        """Count a call of a step: it stands in the place of the stage that was recorded next."""
        self.called.append(name)
        self._following.clear()
        self._latest += 1
        self._book_late(self._latest)

    def _book_late(self, number: int) -> None:
        """Book what came in late during a stage, when that, or what stands in its place, is replayed."""
        if self._context is not None:
            for use in self._late.pop(number, ()):
                self._context.book_late(use)

    def _answer(self, state: str, given: Any) -> Stage | None:
        """Take what the recording holds of a state and an input, as plain data, next."""
        answers = self._answers.get((state, _written(given)))
        return answers.popleft() if answers else None

    def _why(self, state: str, given: Any) -> str:
        """Say why the recording has no answer for a state and an input, as plain data."""
        stages = self._recording.stages
        if any(is_hidden(stage.given) for stage in stages):
            return LEFT_OUT
        first = next((stage for stage in stages if stage.kind in ("attempt", "question")), None)
        is_same = self._recording.digest == self._runner.digest and not (self.repeated or self.called)
        if is_same and first is not None and (first.state, first.visit, first.attempt) != (state, 1, 1):
            return f"it {rest_of(self._recording)}"
        left = [stage for (name, _), found in self._answers.items() if name == state for stage in found]
        if left:
            then = min(left, key=lambda stage: stage.number).given
            known = then if isinstance(then, dict) else {}
            other = [name for name in given if _written(given[name]) != _written(known.get(name))]
            return f"its {' and '.join(f'`{name}`' for name in other)} was another one then"
        if self._recording.end is None:
            return "it breaks off there"
        is_known = any(stage.state == state for stage in stages)
        return "it was asked less often then" if is_known else "the run never came to it"

    def _event(self, stage: Step, recorded: Stage) -> Ended:
        """Give how a recorded attempt ended, and let its time have passed.

        Raises:
            RecordingEnds: It was cancelled, or what it gave does not fit any more.
        """
        event = self._repeated(stage.name, recorded)
        if event.steps > stage.steps or (stage.children is None and event.steps != 1):
            raise RecordingEnds(f"`{stage.name}` counts as {event.steps:,} steps, which it can't any more")
        if event.outcome != "failure":
            # What charged more than it declared was told to be a failure.
            for used, most, what in zip(event.use or stage.cost, stage.cost, USES, strict=True):
                if used > most:
                    said = f"`{stage.name}` used {used:,} {what}, which is more than it may any more"
                    raise RecordingEnds(said)
        if event.outcome == "success":
            if event.label is not None and event.label not in (stage.labels or ()):
                raise RecordingEnds(f"`{stage.name}` gave `{event.label}`, which is no label of it any more")
            event = event._replace(value=self._value(stage, event))
        if event.outcome == "unknown" and stage.effect != "once":
            raise RecordingEnds(f"`{stage.name}` ended in `unknown`, which it can't any more")
        return event

    def _repeated(self, state: str, recorded: Stage) -> Ended:
        """Give how an attempt or a question was recorded to end, and let its time have passed.

        Raises:
            RecordingEnds: It was cancelled, or what it gave is left out.
        """
        if recorded.outcome == "cancelled":
            raise RecordingEnds(_cancelled(state))
        if recorded.outcome not in OUTCOMES:
            raise RecordingEnds(f"`{state}` ended in what is no outcome")
        if is_hidden([recorded.output, recorded.error, list(recorded.complaints)]):
            raise RecordingEnds(f"the recording leaves out what `{state}` gave: {LEFT_OUT}")
        event = event_of(recorded)
        assert isinstance(event, Ended)
        self.repeated += 1
        self._latest = recorded.number
        self._clock.skip(event.elapsed_us)
        self._following = deque(self._pauses[recorded.number])
        return event

    def _value(self, stage: Step, event: Ended) -> Any:
        gives = given_with(stage, event.label)
        validate = holding(stage, gives, self._runner)
        try:
            return event.value if validate is None else validate(event.value)
        except Rejected as rejected:
            said = f"what `{stage.name}` gave then is no `{gives}`: {rejected.complaints[0]}"
            raise RecordingEnds(said) from rejected


class _ExactClock(SimulatedClock):
    """Time that passes as it was recorded."""

    def __init__(self, replaying: Replaying) -> None:
        super().__init__()
        self._replaying = replaying

    def skip(self, us: int) -> None:
        """Let `us` microseconds have passed, whatever the deadline."""
        self._now += us

    async def sleep(self, us: int) -> None:
        """Let a pause pass as it was recorded."""
        self.skip(self._replaying.pause(us))


class _LiveClock(SkippingClock):
    """Time that passes as it was recorded, and as it does while real steps run."""

    def __init__(self, replaying: Replaying) -> None:
        super().__init__()
        self._replaying = replaying

    async def sleep(self, us: int) -> None:
        """Let a pause pass as it was recorded."""
        self.skip(self._replaying.pause(us))


def _cancelled(state: str) -> str:
    return f"the run was cancelled in `{state}`, and is recorded no further"


def _written(given: Any) -> str:
    """Write an input so that equal ones are the same text; what could not be recorded is what it was."""
    return json.dumps(given, sort_keys=True).replace('"$$repr":', '"$repr":')
