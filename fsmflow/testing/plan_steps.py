"""Fault plans, carried out: steps that do what is planned, and a clock on which no wait takes time."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, Literal

from fsmflow.diagnostics import FsmflowError
from fsmflow.runtime import (
    Answer,
    Asked,
    Clock,
    Desk,
    Invalid,
    Options,
    Outcome,
    Permanent,
    Runner,
    Stage,
    StepContext,
    Transient,
)
from fsmflow.runtime.steps import Bound
from fsmflow.testing.clock import SimulatedClock
from fsmflow.testing.given import holding, made_up
from fsmflow.testing.plan_clock import SkippingClock
from fsmflow.testing.plan_reading import FaultPlan, Planned, read_plan
from fsmflow.testing.plan_real import RealStep


class BadPlan(FsmflowError):
    """A plan does not fit the workflow; the message says all that is wrong with it."""


def plan(
    runner: Runner[Any, Any],
    states: Mapping[str, Any],
    *,
    others: Literal["ok", "real"] = "real",
    profile: str | None = None,
) -> Options:
    """Plan what happens at the attempts of a run, and give the options for it.

    `runner.run_sync(given, **plan(runner, {"draft": ["transient", "ok"]}))` runs it. The options are for
    one run: give each run a plan of its own.

    Args:
        runner: The workflow.
        states: By state, an outcome or a list of them, as a plan file has them; the last one repeats.
        others: What states do that are not named: `real` calls their own step, `ok` lets all go well.
        profile: Whose steps are called where one is.

    Raises:
        BadPlan: It does not fit the workflow.
        NoValues: Hypothesis can't make a value that an attempt should give.
    """
    reading = read_plan({**states, "others": others} if "others" not in states else states, runner)
    if reading.diagnostics:
        said = (
            ".".join(map(str, found.route)) + f": {found.message}" + (f"; {found.hint}" if found.hint else "")
            for found in reading.diagnostics
        )
        raise BadPlan("\n".join(said))
    return options(reading.plan, runner, profile=profile)


def options(
    plan: FaultPlan, runner: Runner[Any, Any], desk: Desk | None = None, profile: str | None = None
) -> Options:
    """Give the options of one run that goes as planned: its steps, a clock that skips waits, no chance.

    Args:
        plan: What is to happen.
        runner: The workflow.
        desk: Where people are asked for what is not planned.
        profile: Whose steps are called where one is.
    """
    planned = dict(plan.states)
    if plan.others == "ok":
        planned |= {name: (Planned(),) for name in (*runner.stages, *runner.questions) if name not in planned}
    is_real = len(planned) < len(runner.stages) + len(runner.questions) or any(
        each.outcome == "real" for entries in planned.values() for each in entries
    )
    clock = SkippingClock() if is_real else SimulatedClock()
    steps = {
        name: _Step(runner, name, entries, clock, profile).bound()
        for name, entries in planned.items()
        if name in runner.stages
    }
    found: Options = {"steps": steps, "clock": clock, "random": random.Random(0)}  # noqa: S311 - no secret
    if profile is not None:
        found["profile"] = profile
    if runner.asks:
        answers = {name: entries for name, entries in planned.items() if name in runner.questions}
        found["desk"] = PlannedDesk(runner, answers, clock, desk)
    return found


class _Step:
    """The step of one state, as planned."""

    def __init__(
        self,
        runner: Runner[Any, Any],
        name: str,
        entries: tuple[Planned, ...],
        clock: Clock,
        profile: str | None,
    ) -> None:
        self._stage: Stage = runner.stages[name]
        self._runner = runner
        self._entries = entries
        self._clock = clock
        self._number = 0
        wanted = any(each.outcome == "real" for each in entries)
        own = runner.profiles.get(profile or "", {}).get(name)
        self._real = RealStep(self._stage, runner.folder, own) if wanted else None
        self._kind = holding(self._stage, self._stage.gives, runner)
        lacking = {each.label for each in entries if each.outcome == "ok" and not each.value}
        self._samples = {
            label: made_up(self._stage, label, runner) for label in lacking if self._kind is not None
        }

    def bound(self) -> Bound:
        accept = () if self._real is None else self._real.accept()
        return Bound(
            self.attempt, "async", wants_context=True, validate=self._kind, accept=accept, plain=False
        )

    async def attempt(self, ctx: StepContext, **given: Any) -> Any:
        """Do what is planned for this attempt."""
        planned = self._entries[min(self._number, len(self._entries) - 1)]
        self._number += 1
        if self._real is not None:
            self._real.is_called = planned.outcome == "real"
            if self._real.is_called:
                return await self._real.call(ctx, given)
        if planned.use is not None:
            ctx.charge(**planned.use)
        await self._clock.sleep(planned.takes_us)
        if planned.outcome == "timeout":
            left = ctx.time_left()
            await self._clock.sleep(0 if left is None else round(left * 1_000_000) + 1)
        self._fail(planned)
        sample = self._samples.get(planned.label)
        value = planned.value[0] if planned.value else None if sample is None else sample(given)
        labels = self._stage.labels
        if labels is None:
            return value
        label = planned.label or labels[0]
        return Outcome(label, value) if self._stage.gives else label

    def _fail(self, planned: Planned) -> None:
        message = planned.message or "planned"
        match planned.outcome:
            case "transient" | "timeout":
                wish = planned.retry_after_us
                raise Transient(message, retry_after=None if wish is None else wish / 1_000_000)
            case "invalid":
                raise Invalid(*(planned.complaints or (message,)))
            case "failure":
                raise Permanent(message)
            case "unknown":
                raise ConnectionResetError(message)


class PlannedDesk:
    """A desk that answers as planned, and asks at another one what is not."""

    def __init__(
        self,
        runner: Runner[Any, Any],
        answers: Mapping[str, tuple[Planned, ...]],
        clock: Clock,
        desk: Desk | None,
    ) -> None:
        self._runner = runner
        self._answers = {name: list(entries) for name, entries in answers.items()}
        self._clock = clock
        self._desk = desk

    async def ask(self, asked: Asked) -> Answer:
        """Do what is planned for this question.

        Raises:
            TimeoutError: Nobody is to answer, or there is nobody.
        """
        entries = self._answers.get(asked.state) if asked.workflow == self._runner.name else None
        planned = Planned("real") if entries is None else entries[0]
        if entries is not None and len(entries) > 1:
            del entries[0]
        if planned.outcome == "real":
            if self._desk is None:
                raise TimeoutError("no answer is planned, and there is nobody to ask")
            return await self._desk.ask(asked)
        await self._clock.sleep(planned.takes_us)
        if planned.outcome != "ok":
            await self._clock.sleep((asked.timeout_us or 0) + 1 if planned.outcome == "timeout" else 0)
            raise TimeoutError(planned.message or "planned")
        label = planned.label or (asked.labels[0] if asked.labels else None)
        value = planned.value[0] if planned.value else None
        if asked.gives and not planned.value:
            value = made_up(self._runner.questions[asked.state], label, self._runner)({})
        return asked.answer(label, value)
