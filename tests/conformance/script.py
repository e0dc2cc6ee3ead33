"""Steps and a desk that do what a case plans."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

from fsmflow.machine import Work
from fsmflow.runtime import Answer, Asked, Clock, Invalid, Outcome, Permanent, Spent, StepContext, Transient
from fsmflow.runtime.outcomes import Stop
from fsmflow.runtime.steps import Bound, resolve_type
from fsmflow.runtime.trace import plain
from fsmflow.runtime.validation import Validate, validator
from tests.conformance.case import Case, Happening
from tests.conformance.observed import Call

HERE = Path(__file__).parent


class Crash(Stop):
    """The process that makes an attempt ends; no exception of a step's, which would be an outcome."""


class Script:
    """What happens in one run, step by step, whichever engine asks."""

    def __init__(self, case: Case, clock: Clock) -> None:
        self._case = case
        self._clock = clock
        self._plan = [happening for happening in case.plan if happening.called]
        self._inside = {way: list(entries) for way, entries in case.inside.items()}
        self._keys: dict[tuple[str, str, int], str] = {}
        self.calls: list[Call] = []

    @property
    def left(self) -> list[Happening]:
        """What has not happened yet."""
        inside = [happening for entries in self._inside.values() for happening in entries]
        return inside if self._inside else self._plan

    @property
    def steps(self) -> Mapping[str, Bound]:
        """The implementations of all steps, by state, or by the way to a state of a child."""
        own = {name: state for name, state in self._case.machine.states.items() if isinstance(state, Work)}
        if self._inside:
            inside = {way: self._bound(self._within(way), self._state(way), None) for way in self._inside}
            rest = {name: state for name, state in own.items() if state.children is None}
            return inside | {name: self._step(name, state) for name, state in rest.items()}
        return {name: self._step(name, state) for name, state in own.items()}

    def _step(self, name: str, state: Work) -> Bound:
        kind = None if state.gives is None else validator(resolve_type(str(state.gives), HERE))
        return self._bound(lambda: self._next(name), state, kind)

    def _state(self, way: str) -> Work:
        """Find the state of a child to which a way leads."""
        machine, names = self._case.machine, way.split(".")
        while True:
            state = machine.states[names.pop(0)]
            assert isinstance(state, Work)
            if not names:
                return state
            assert state.children is not None
            callees = state.children.callees
            key = names.pop(0) if state.children.kind == "parallel" else next(iter(callees))
            machine = self._case.children[callees[key].name]

    def _within(self, way: str) -> Callable[[], Happening]:
        return lambda: self._inside[way].pop(0)

    def _bound(self, following: Callable[[], Happening], state: Work, kind: Validate | None) -> Bound:
        async def step(ctx: StepContext, **given: Any) -> Any:
            self.calls.append((ctx.state, ctx.visit, ctx.attempt, plain(given), ctx.feedback))
            key = self._keys.setdefault((ctx.run_id, ctx.state, ctx.visit), ctx.idempotency_key)
            assert ctx.idempotency_key == key, "the key of a visit stays the same, whatever happens"
            return await self._act(following(), ctx, state)

        return Bound(step, "async", wants_context=True, validate=kind, accept=(), plain=False)

    def _next(self, state: str) -> Happening:
        assert self._plan, f"`{state}` is not planned: the plan is at its end"
        happening = self._plan.pop(0)
        assert happening.state == state, f"`{happening.state}` is planned, not `{state}`"
        return happening

    async def _act(self, happening: Happening, ctx: StepContext, state: Work) -> Any:
        """Do what is planned for an attempt."""
        if happening.outcome == "lost":
            raise Crash
        if happening.late is not None:
            ctx.book_late(happening.late)
        if happening.takes_us:
            await self._clock.sleep(happening.takes_us)
        if happening.use is not None and state.children is not None:
            ctx.book([Spent(happening.steps - 1, *happening.use)])
        elif happening.use is not None:
            tool_calls, tokens, micro_usd = happening.use
            ctx.charge(tool_calls=tool_calls, tokens=tokens, usd=f"{micro_usd / 1_000_000:.6f}")
        if happening.cut:
            left = ctx.time_left()
            assert left is not None, "nothing cuts this attempt off"
            await self._clock.sleep(round(left * 1_000_000) + 1)
        self._fail(happening)
        labelled = happening.label is not None and (state is None or state.gives is not None)
        return (
            Outcome(happening.label or "", happening.value)
            if labelled
            else happening.label or happening.value
        )

    def _fail(self, happening: Happening) -> None:
        match happening.outcome:
            case "transient":
                wish = happening.retry_after_us
                raise Transient("planned", retry_after=None if wish is None else wish / 1_000_000)
            case "invalid":
                raise Invalid(*happening.complaints)
            case "failure":
                raise Permanent("planned")
            case "unknown":
                raise ConnectionResetError("planned")

    def asked(self, asked: Asked) -> Happening:
        """Give what is planned for a question."""
        self.calls.append((asked.state, asked.visit, 1, plain(dict(asked.shown)), ()))
        return self._next(asked.state)

    async def ask(self, asked: Asked) -> Answer:
        """Answer a question as planned."""
        happening = self.asked(asked)
        if happening.takes_us:
            await self._clock.sleep(happening.takes_us)
        if happening.outcome == "unanswered":
            assert asked.timeout_us is not None
            await self._clock.sleep(asked.timeout_us + 1)
        self._fail(happening)
        return asked.answer(happening.label, happening.value)


class Draws(Random):
    """Gives the draws that a case plans, one for each transient failure."""

    def __init__(self, case: Case) -> None:
        super().__init__(0)
        self._draws = [happening.draw for happening in case.plan if happening.outcome == "transient"]

    def random(self) -> float:
        """Give the next draw; those of children are not planned."""
        return self._draws.pop(0) if self._draws else 0.0
