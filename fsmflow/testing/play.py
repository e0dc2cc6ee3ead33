"""Playing a plan: the generated runner, driven to its end, on a simulated clock, by scripted steps."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine
from typing import Any

from attrs import frozen

from fsmflow import semantics
from fsmflow.machine import Ask, Machine, Transition, Work
from fsmflow.runtime import (
    Answer,
    Asked,
    Configuration,
    Elapsed,
    Ended,
    Invalid,
    Late,
    Outcome,
    Permanent,
    Result,
    Span,
    Spent,
    StepContext,
    Transient,
)
from fsmflow.runtime.outcomes import Stop
from fsmflow.testing.clock import SimulatedClock
from fsmflow.testing.plans import Act, Plan
from fsmflow.testing.subject import Edge, Subject
from fsmflow.testing.telling import tell

LONGEST_RUN = 5_000
"""How many attempts a run without a cap on steps may take before it is taken to have no end."""


@frozen
class Overdraft:
    """A place of a run where the proof did not hold.

    Attributes:
        span: What happened there.
        metric: What was used too much of.
        before: The most that the run could use from there on, by the certificate.
        after: The same, once this had happened; what was used is no more than the difference, or should be.
    """

    span: Span
    metric: str
    before: int
    after: int | None


@frozen
class Played:
    """A run that was played.

    Attributes:
        result: What the runner gave.
        replayed: Where the reference meaning ends, fed with the events of the run's trace.
        recompiled: Where the generated `step` ends, fed with the same.
        edges: The transitions that the reference took.
        overdrawn: Where the run used more than the certificate said it could from there on, if anywhere.
        asking: The states that ask a person: what happens there is on no ledger.
    """

    result: Result[Any]
    replayed: Configuration
    recompiled: Configuration
    edges: tuple[Edge, ...]
    overdrawn: tuple[Overdraft, ...] = ()
    asking: frozenset[str] = frozenset()

    @property
    def spent(self) -> Spent:
        """What the run used, by its own ledger."""
        return self.result.spent

    @property
    def total(self) -> Spent:
        """What the run used, added up over its trace."""
        total = [0, 0, 0, 0, 0]
        for span in self.result.trace:
            event = span.event
            if span.state in self.asking:
                continue
            if isinstance(event, Ended):
                total[0] += event.steps
            if isinstance(event, Ended | Late):
                for i, amount in enumerate(event.use or (0, 0, 0), 1):
                    total[i] += amount
            if isinstance(event, Ended | Elapsed):
                total[4] += event.elapsed_us
        return Spent(*total)


def play(subject: Subject, plan: Plan) -> Played:
    """Drive `subject`'s generated runner through `plan`, and hold it to the reference meaning.

    Raises:
        AssertionError: The run goes on and on, or where the reference meaning does not.
    """
    clock = _BoundedClock(subject.machine)
    script = _Script(subject.machine, plan, clock)
    result = _finish(
        subject.runner.run(
            plan.given,
            steps=subject.scripted(script.step),
            clock=clock,
            random=_Draws(plan.draws),
            desk=script,
        )
    )
    tell(subject.machine, plan.given, result.trace)
    try:
        replayed, ways = replay(subject.machine, plan.given, result.trace)
    except ValueError as parted:
        raise AssertionError(str(parted)) from None
    recompiled, overdrawn = _recompile(subject, plan.given, result.trace)
    subject.note(ways)
    edges = tuple((way.source, way.name, way.target) for way in ways)
    return Played(
        result,
        _concluded(replayed, result),
        _concluded(recompiled, result),
        edges,
        tuple(overdrawn),
        frozenset(subject.runner.questions),
    )


def replay(
    machine: Machine, given: Any, trace: tuple[Span, ...]
) -> tuple[Configuration, tuple[Transition, ...]]:
    """Feed the events of `trace` to the reference meaning; give where it ends, and the way there.

    Raises:
        ValueError: By the reference meaning, one of them can't have happened where it did.
    """
    configuration, _, taken = semantics.launch(machine, given)
    ways = list(taken)
    for span in trace:
        try:
            configuration, _, taken = semantics.advance(machine, configuration, span.event)
        except ValueError:
            there = f"by the spec the run is in `{configuration.state}`"
            raise ValueError(f"the runner is in `{span.state}`, and {there}") from None
        ways += taken
    return configuration, tuple(ways)


def _concluded(configuration: Configuration, result: Result[Any]) -> Configuration:
    """Add what the runner says of an output that it refused: a machine knows nothing of types."""
    if result.error is None or result.error.state != result.end:
        return configuration
    return configuration._replace(values={**configuration.values, "error": result.error})


def _recompile(
    subject: Subject, given: Any, trace: tuple[Span, ...]
) -> tuple[Configuration, list[Overdraft]]:
    """Feed the generated `step`, and watch what the certificate says of each place."""
    runner = subject.runner
    run = runner.new_run(given)
    runner.begin(run)
    overdrawn: list[Overdraft] = []
    left, spent = runner.gauge.proved_left(run), run.spent
    for span in trace:
        if isinstance(span.event, Late):
            run.book(span.event.use)
            continue
        if not run.pausing:
            left, spent = runner.gauge.proved_left(run), run.spent
        runner.step(run, span.event)
        if run.pausing:
            # A retry is weighed whole: its attempt, and the pause that has just begun.
            continue
        still = runner.gauge.proved_left(run)
        for metric, before, after, was, now in zip(left._fields, left, still, spent, run.spent, strict=True):
            if before is not None and before < (now - was) + (after or 0):
                overdrawn.append(Overdraft(span, metric, before, after))
    return run.configuration(), overdrawn


class _Endless(Stop):
    """Stops a run that goes on and on; no step's exception, which would be an outcome."""


class _BoundedClock(SimulatedClock):
    """A simulated clock on which attempts, pauses and waits come to an end."""

    def __init__(self, machine: Machine) -> None:
        super().__init__()
        self._left = 4 * max(machine.caps.steps or 0, LONGEST_RUN)

    async def sleep(self, us: int) -> None:
        """Let time pass.

        Raises:
            _Endless: It has passed too often.
        """
        self._left -= 1
        if self._left < 0:
            raise _Endless
        await super().sleep(us)


def _finish(coroutine: Coroutine[Any, Any, Result[Any]]) -> Result[Any]:
    """Run a coroutine that never waits for anything real; no event loop is needed for that."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: Result[Any] = stop.value
        return result
    except _Endless:
        raise AssertionError("a run went on for thousands of attempts, and still had not ended") from None
    coroutine.close()
    raise AssertionError("a played run waited for something outside of its simulated world")


class _Draws(random.Random):
    """Gives the planned draws, round and round."""

    def __init__(self, draws: tuple[float, ...]) -> None:
        super().__init__(0)
        self._draws = draws
        self._next = 0

    def random(self) -> float:
        """Give the next draw."""
        self._next += 1
        return self._draws[(self._next - 1) % len(self._draws)]


class _Script:
    """Scripted steps, and a desk: each attempt, whatever its state, does what the plan's next act says."""

    def __init__(self, machine: Machine, plan: Plan, clock: SimulatedClock) -> None:
        self._machine = machine
        self._plan = plan
        self._clock = clock
        self._number = 0

    def step(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        """Make the scripted implementation of one state."""
        state = self._machine.states[name]
        assert isinstance(state, Work)

        async def step(ctx: StepContext, **_: Any) -> Any:
            act = self._next()
            if act.event is not None:
                return await self._repeat(ctx, state, act.event)
            _charge(ctx, state, act)
            await self._clock.sleep(_latency(ctx, state, act.latency))
            return self._end(state, act)

        return step

    async def ask(self, asked: Asked) -> Answer:
        """Answer a question as the plan's next act says, or not."""
        state = self._machine.states[asked.state]
        assert isinstance(state, Ask)
        act = self._next()
        if act.event is not None and act.event.elapsed_us:
            await self._clock.sleep(act.event.elapsed_us)
        elif act.event is None:
            await self._clock.sleep((asked.timeout_us or 1_000_000) * act.latency // 4)
        if self._plan.outcome(act) != "success":
            raise ConnectionResetError("scripted")
        label, value = act.event.label if act.event is not None else None, None
        if state.labels is not None and label not in state.labels:
            label = state.labels[act.label % len(state.labels)]
        if state.gives is not None:
            known = None if act.event is None else act.event.value
            value = self._one(str(state.gives), act) if known is None else known
        return asked.answer(label, value)

    def _next(self) -> Act:
        self._number += 1
        return self._plan.act(self._number - 1)

    async def _repeat(self, ctx: StepContext, state: Work, event: Ended) -> Any:
        """Do what an attempt of another run did, as far as this state allows it."""
        used = event.use or (0, 0, 0)
        charged = [min(u, cost) for u, cost in zip(used, state.cost.amounts()[1:4], strict=True)]
        _put(ctx, state, min(event.steps, state.steps) - 1, *charged)
        # An attempt that was cut off by the run's deadline ran into it.
        await self._clock.sleep(_kept(ctx, state, event.elapsed_us + (event.outcome == "exceeded")))
        _raise(event.outcome, event.retry_after_us)
        labels = state.labels or ()
        act = Act(label=labels.index(event.label) if event.label in labels else 0)
        return self._give(state, act, event.value)

    def _end(self, state: Work, act: Act) -> Any:
        _raise(self._plan.outcome(act), act.retry_after_us)
        return self._give(state, act)

    def _give(self, state: Work, act: Act, known: Any = None) -> Any:
        """Give what is known to be given, or what fits."""
        label = None if state.labels is None else state.labels[act.label % len(state.labels)]
        value = self._sample(state, act, label) if known is None else known
        if label is None:
            return value
        return label if state.gives is None else Outcome(label, value)

    def _sample(self, state: Work, act: Act, label: str | None) -> Any:
        """Give a value that fits, and fits the tool `label`; of children side by side, one for each."""
        if state.children is not None and state.children.kind == "parallel":
            outputs = state.children.callees.items()
            return {key: self._one(str(callee.output or "Any"), act) for key, callee in outputs}
        return self._one(str(state.tools.get(label or "", state.gives)), act)

    def _one(self, kind: str, act: Act) -> Any:
        samples = self._plan.samples.get(kind, (None,))
        return samples[act.value % len(samples)]


def _latency(ctx: StepContext, state: Work, quarters: int) -> int:
    """Give how long an attempt takes: quarters of the time that it has; more than four are too long."""
    left = ctx.time_left()
    longest = 1_000_000 if left is None else round(left * 1_000_000)
    if state.children is not None and state.timeout_us is not None and longest > state.timeout_us:
        # Children keep to their time themselves; only the run's own deadline can cut them off.
        longest, quarters = state.timeout_us, min(quarters, 4)
    return longest * quarters // 4


def _kept(ctx: StepContext, state: Work, us: int) -> int:
    """Give how long an attempt takes that took so long elsewhere: children keep to their time themselves."""
    left = ctx.time_left()
    if state.children is None or state.timeout_us is None:
        return us
    return (
        us if left is not None and round(left * 1_000_000) <= state.timeout_us else min(us, state.timeout_us)
    )


def _raise(outcome: str, retry_after_us: int | None) -> None:
    """Fail, if an attempt is to end so."""
    match outcome:
        case "unknown":
            raise ConnectionResetError("scripted")
        case "transient":
            raise Transient(
                "scripted", retry_after=None if retry_after_us is None else retry_after_us / 1_000_000
            )
        case "invalid":
            raise Invalid("scripted complaint")
        case "failure":
            raise Permanent("scripted")


def _charge(ctx: StepContext, state: Work, act: Act) -> None:
    if act.use > 4:
        return
    cost = state.cost
    amounts = (cost.steps, cost.tool_calls, cost.tokens, cost.micro_usd)
    _put(ctx, state, *(amount * act.use // 4 for amount in amounts))


def _put(ctx: StepContext, state: Work, steps: int, tool_calls: int, tokens: int, micro_usd: int) -> None:
    """Put on the ledger what a step uses, or what children do."""
    if state.children is not None:
        ctx.book([Spent(steps, tool_calls, tokens, micro_usd)])
    else:
        ctx.charge(tool_calls=tool_calls, tokens=tokens, usd=f"{micro_usd / 1_000_000:.6f}")
