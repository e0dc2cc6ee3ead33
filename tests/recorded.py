"""Runs of generated runners, recorded as `fsmflow run --trace` would, and what they really did."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from attrs import frozen

from fsmflow import semantics
from fsmflow.analysis.traces.recording import Recording, read
from fsmflow.machine import Ask, Machine, Transition, Work
from fsmflow.runtime import (
    Answer,
    Asked,
    Invalid,
    Outcome,
    Permanent,
    Result,
    Runner,
    StepContext,
    Transient,
)
from fsmflow.testing import SimulatedClock
from tests.generated import runner_of
from tests.strategies import plain

Choose = Callable[[Work | Ask], tuple[str, str | None, Any]]
"""Says how an attempt, or a question, ends: a letter of an outcome, a label, a value."""

SCRIPTED = {"s": "success", "t": "transient", "i": "invalid", "f": "failure", "u": "unknown"}


@frozen
class Recorded:
    """A run of a generated runner: what it wrote, what was read of that, and what it did."""

    runner: Runner[Any, Any]
    lines: tuple[str, ...]
    result: Result[Any]
    launch: tuple[Transition, ...]
    ways: tuple[tuple[Transition, ...], ...]

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)

    @property
    def recording(self) -> Recording:
        return read(self.text)


def at_random(random: Random) -> Choose:
    """Choose at random: of five attempts, three succeed."""

    def choose(state: Work | Ask) -> tuple[str, str | None, Any]:
        letters = "sssssttif"
        if isinstance(state, Ask) or state.children is not None:
            letters = "sssssfff"
        elif state.effect == "once":
            letters += "u"
        return random.choice(letters), random.choice(state.labels) if state.labels else None, plain(random)

    return choose


def record(machine: Machine, choose: Choose, given: Any) -> Recorded:
    """Run `machine`, whose attempts and questions end as `choose` says; whom it fails on does not answer."""
    clock = SimulatedClock()
    lines: list[str] = []

    def step(state: Work) -> Any:
        async def attempt(ctx: StepContext, **_: Any) -> Any:
            letter, label, value = choose(state)
            ctx.charge(tool_calls=state.cost.tool_calls, tokens=state.cost.tokens // 2, usd="0")
            await clock.sleep(40_000)
            match SCRIPTED[letter]:
                case "transient":
                    raise Transient("the service\x1b[31m did not answer", retry_after=0.5)
                case "invalid":
                    raise Invalid("no citation")
                case "failure":
                    raise Permanent("<b>refused</b>")
                case "unknown":
                    raise ConnectionResetError("gone")
            return value if label is None else Outcome(label, value)

        return attempt

    class Person:
        async def ask(self, asked: Asked) -> Answer:
            state = machine.states[asked.state]
            assert isinstance(state, Ask)
            letter, label, value = choose(state)
            assert asked.timeout_us is not None
            await clock.sleep(40_000 if letter == "s" else asked.timeout_us + 1)
            return asked.answer(label, value if asked.gives else None)

    def write(event: dict[str, Any]) -> None:
        lines.append(json.dumps(event, ensure_ascii=False, allow_nan=False))

    runner: Runner[Any, Any] = runner_of(machine)
    steps = {state.name: step(state) for state in machine.states.values() if isinstance(state, Work)}
    coroutine = runner.run(given, steps=steps, clock=clock, random=Random(1), trace=write, desk=Person())
    try:
        coroutine.send(None)
    except StopIteration as stop:
        launch, ways = taken(machine, given, stop.value)
        return Recorded(runner, tuple(lines), stop.value, launch, ways)
    raise AssertionError("the run waited for something outside of its simulated world")


def record_script(machine: Machine, script: str, given: Any = None) -> Recorded:
    """Run `machine` by a script of words, an attempt each: `s`, `t`, `s:label`; all goes well after it."""
    words = iter(script.split())

    def choose(state: Work | Ask) -> tuple[str, str | None, Any]:
        letter, _, label = next(words, "s").partition(":")
        first = None if state.labels is None else state.labels[0]
        return letter, label or first, "x"

    return record(machine, choose, given)


def taken(
    machine: Machine, given: Any, result: Result[Any]
) -> tuple[tuple[Transition, ...], tuple[tuple[Transition, ...], ...]]:
    """Give the transitions that a run took: into its first stage, and out of each."""
    advance = semantics.launch(machine, given)
    launch, ways = advance.taken, []
    for span in result.trace:
        advance = semantics.advance(machine, advance.configuration, span.event)
        ways.append(advance.taken)
    return launch, tuple(ways)
