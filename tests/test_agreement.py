"""One meaning, three views: the reference, the generated runner and the `transitions` machine agree.

The runner is written twice: with functions for each state, and, as that of a large machine is, by families.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsmflow import semantics
from fsmflow.backends.python import runner
from fsmflow.backends.transitions import Walk, build, build_async, feed, feed_async
from fsmflow.lowering import lower
from fsmflow.machine import BUILTIN_END, Ask, Choice, Machine, State, Work
from fsmflow.runtime import Configuration, Elapsed, Ended, Late, Lost, Runner, Unbound
from fsmflow.runtime.events import Event
from fsmflow.semantics import Advance, Attempt, Command, Finish, Question
from fsmflow.semantics import Pause as Pausing
from fsmflow.testing.commands import spoken
from tests.events import draw_event
from tests.strategies import CALLEES, plain, wide_machine, wide_workflows

LONGEST = 60
LISTS = 4


def compiled(machine: Machine) -> tuple[Runner[Any, Any], Runner[Any, Any]]:
    """Compile `machine` in memory: state by state, and by families."""
    return executed(runner(machine, spec="sample", folder=".")), executed(
        runner(machine, spec="sample", folder=".", large=0)
    )


def executed(code: str) -> Runner[Any, Any]:
    """Load a generated module, and give its runner."""
    module = ModuleType("generated")
    module.__file__ = str(Path("generated.py").absolute())
    exec(compile(code, "generated.py", "exec"), module.__dict__)
    return module.RUNNER


def assert_walk_is_at(walk: Walk, command: Command) -> None:
    """Hold what a walk is waiting for against the reference's command."""
    match command:
        case Attempt():
            assert (walk.place, walk.attempt, walk.arguments) == command[:3]
            assert not walk.is_pausing
            assert "elapsed" not in walk.enabled()
        case Question():
            assert (walk.place, walk.arguments) == command[:2]
            assert not walk.is_pausing
            assert "elapsed" not in walk.enabled()
        case Pausing():
            assert walk.pending_us == command.duration_us
            assert walk.enabled() == ("elapsed",)
        case Finish():
            assert (walk.place, walk.ir.states[walk.place].kind, walk.output) == command
            assert walk.enabled() == ()


def hold(
    machine: Machine, generated: tuple[Runner[Any, Any], Runner[Any, Any]], random: Random
) -> Iterator[str]:
    """Play one list of events on all three views; give the kinds of things that happened."""
    given_ = plain(random)
    now, (command,) = semantics.begin(machine, given_)
    by_state, by_family = generated
    run, like = by_state.new_run(given_), by_family.new_run(given_)
    actual, same = by_state.begin(run), by_family.begin(like)
    walk = build(machine, given_)
    for _ in range(LONGEST):
        assert now == run.configuration()
        assert now == walk.configuration()
        assert command == spoken(run, actual) == spoken(like, same)
        assert like.configuration() == now
        assert_walk_is_at(walk, command)
        if isinstance(command, Finish):
            return
        event = draw_event(random, machine, now, command)
        advance = semantics.advance(machine, now, event)
        yield from kinds(machine, now, event, advance)
        now = advance.configuration
        feed(walk, event)
        if isinstance(event, Late):
            run.book(event.use)
            like.book(event.use)
            # The attempt that is under way goes on, with the deadline that it was given.
            assert (now, now) == (run.configuration(), walk.configuration())
            continue
        (command,) = advance.commands
        actual, same = by_state.step(run, event), by_family.step(like, event)


def kinds(machine: Machine, before: Configuration, event: Event, advance: Advance) -> Iterator[str]:
    """Name the kinds of things that happen in one step."""
    after, commands, taken = advance
    if isinstance(event, Late):
        yield "a late charge"
        return
    if isinstance(event, Lost):
        yield "an attempt lost" if not taken else "no room after a lost attempt"
    names = [way.kind for way in taken]
    for way in taken:
        kind = "choice" if isinstance(machine.states[way.source], Choice) else way.kind
        if way.used_up is not None:
            yield f"{way.used_up.rpartition('.')[2] if kind == 'fallback' else kind} used up"
        elif way.below and way.kind != "retry":
            yield f"{kind}, capped"
        else:
            yield f"{kind}, labelled" if way.label and kind == "success" else kind
        if way.feedback and after.feedback:
            yield "complaints sent on"
        if way.kind == "exceeded":
            yield f"exceeded by {_sort(machine.states[way.source])}"
            yield f"exceeded to {'the built-in end' if way.target == BUILTIN_END else 'a state'}"
            if getattr(machine.states[way.target], "reserve", False):
                yield "exceeded into the reserve"
    state = machine.states[before.state]
    if isinstance(event, Ended) and isinstance(state, Ask):
        yield "answered" if event.outcome == "success" else "not answered"
    if isinstance(event, Ended) and event.steps > 1:
        yield "several steps at once"
    if isinstance(event, Ended) and event.outcome == "transient":
        yield from _transient(machine, before, names, event)
    if isinstance(event, Elapsed) and before.pausing and names == ["exceeded"]:
        yield "a pause that left no room"
    if sum(isinstance(machine.states[way.source], Choice) for way in taken) > 1:
        yield "choice after choice"
    per = {
        c.per for c in machine.counters.values() if before.counts.get(c.name) and not after.counts.get(c.name)
    }
    if per & {after.state} - {before.state}:
        yield "counter reset by another state"
    if isinstance(after.arguments, Unbound):
        yield "arguments unbound"
        if "what is mapped over" in after.arguments.reason:
            yield "too many items" if " at most" in after.arguments.reason else "no list of items"
    elif after.arguments.get("items"):
        yield "items bound"
    for command in commands:
        if isinstance(command, Finish):
            yield f"finished, {command.kind}"
            if isinstance(command.output, Unbound):
                yield "output unbound"
    amounts = zip(after.spent, machine.caps.amounts(), strict=True)
    if any(cap is not None and spent == cap for spent, cap in amounts):
        yield "a cap exactly used"


def _sort(state: State) -> str:
    if isinstance(state, Work):
        return "a step" if state.children is None else "children"
    return "a wait"


def _transient(machine: Machine, before: Configuration, names: list[str], event: Ended) -> Iterator[str]:
    (retry, *_) = machine.ways(before.state, "transient")
    if retry.pause is None or before.counts.get(retry.below[0], 0) >= machine.counters[retry.below[0]].cap:
        return
    if names == ["retry"] and event.retry_after_us:
        yield "retry, as a server asked"
    elif names[0] == "exceeded":
        yield "retry refused"
    elif names[0] != "retry" and retry.pause.retry_after and (event.retry_after_us or 0) > retry.pause.cap_us:
        yield "retry not waited for: beyond the cap"
    elif names[0] != "retry":
        yield "retry not waited for: no time"


OFTEN = {
    "a cap exactly used": 59,
    "a late charge": 23,
    "a pause that left no room": 1,
    "an attempt lost": 20,
    "answered": 90,
    "arguments unbound": 300,
    "choice": 71,
    "choice after choice": 8,
    "choice used up": 22,
    "choice, capped": 22,
    "complaints sent on": 17,
    "counter reset by another state": 39,
    "exceeded": 76,
    "exceeded by a step": 72,
    "exceeded by a wait": 4,
    "exceeded by children": 27,
    "exceeded into the reserve": 13,
    "exceeded to a state": 43,
    "exceeded to the built-in end": 33,
    "fallback": 198,
    "fallback used up": 30,
    "fallback, capped": 77,
    "finished, degraded": 32,
    "finished, failed": 66,
    "finished, handoff": 34,
    "finished, success": 32,
    "invalid": 11,
    "invalid used up": 6,
    "invalid, capped": 74,
    "items bound": 3,
    "no list of items": 22,
    "no room after a lost attempt": 0.5,
    "not answered": 43,
    "output unbound": 41,
    "retry": 69,
    "retry not waited for: beyond the cap": 21,
    "retry not waited for: no time": 4,
    "retry refused": 2,
    "retry used up": 17,
    "retry, as a server asked": 32,
    "several steps at once": 130,
    "success": 268,
    "success used up": 48,
    "success, capped": 115,
    "success, labelled": 96,
    "too many items": 8,
    "unknown": 7,
    "unknown used up": 0.5,
    "unknown, capped": 5,
}
"""How often each kind of thing must happen, at least, among a thousand lists of events."""


def campaign(seeds: range) -> Counter[str]:
    """Play several lists of events on each seed's machine; count the kinds of things that happened."""
    seen: Counter[str] = Counter()
    for seed in seeds:
        random = Random(seed)
        machine = wide_machine(random)
        generated = compiled(machine)
        for number in range(LISTS):
            try:
                seen.update(hold(machine, generated, random))
            except Exception as error:
                error.add_note(f"seed {seed}, list {number}")
                raise
    return seen


def assert_often(seen: Counter[str], pairs: int) -> None:
    """Hold that nothing was tested in name only."""
    rare = {kind: seen[kind] for kind, least in OFTEN.items() if seen[kind] < least * pairs // 1000}
    assert rare == {}
    assert set(seen) <= set(OFTEN)


def test_three_views_agree_on_random_machines():
    """After every event of 1,000 lists, three views of one machine stand in one configuration."""
    assert_often(campaign(range(250)), 1_000)


@pytest.mark.slow
def test_three_views_agree_on_very_many_random_machines():
    """After every event of 12,000 lists, three views of one machine stand in one configuration."""
    assert_often(campaign(range(1_000, 4_000)), 12_000)


@settings(max_examples=30, deadline=None)
@given(wide_workflows, st.randoms(use_true_random=False))
def test_three_views_agree_on_machines_that_can_be_simplified(flow, random):
    """Three views agree on machines and events that are drawn so that a failure comes out small."""
    machine = lower(flow, CALLEES)
    for _ in hold(machine, compiled(machine), random):
        pass


@pytest.mark.parametrize("seed", range(30))
def test_an_async_walk_agrees(seed):
    """An `AsyncMachine` stands where the reference does, after every event."""
    random = Random(seed)
    machine = wide_machine(random)

    async def walk_on() -> None:
        given_ = plain(random)
        now, (command,) = semantics.begin(machine, given_)
        walk = await build_async(machine, given_)
        for _ in range(LONGEST):
            assert now == walk.configuration()
            assert_walk_is_at(walk, command)
            if isinstance(command, Finish):
                return
            event = draw_event(random, machine, now, command)
            now, commands = semantics.step(machine, now, event)
            await feed_async(walk, event)
            if commands:
                (command,) = commands

    asyncio.run(walk_on())
