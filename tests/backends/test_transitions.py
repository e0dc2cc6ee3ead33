"""The machine as a machine of the `transitions` library, stepped by hand."""

from __future__ import annotations

import asyncio
from random import Random

import pytest
from attrs import evolve
from transitions import Machine as Engine
from transitions import MachineError
from transitions.extensions.asyncio import AsyncMachine

from fsmflow.backends.transitions import PAUSE, UnknownName, build, build_async, feed
from fsmflow.lowering import lower
from fsmflow.machine import End, Transition, Wait, Work
from fsmflow.runtime import Elapsed, Ended, Late, Unbound
from tests.sample import machine
from tests.strategies import workflow

STATES = (
    "draft: {run: m:f, cost: {tokens: 10}, success: {ok: pick, again: {to: draft, times: 1, else: lost}},"
    " retry: {times: 1, jitter: none}, invalid: {times: 1}, fallback: lost}\n"
    "pick: {choose: [{when: draft == 1, to: rest}, {to: lost}]}\n"
    "rest: {wait: 2s, success: done}\n"
    "done: {end: success, output: $draft}\nlost: {end: failed, output: $error.message}"
)


def walk():
    return build(machine(STATES))


def test_a_walk_is_a_model_of_the_library():
    """The engine is a plain `transitions.Machine`, and the walk's state is the engine's."""
    begun = walk()

    assert type(begun.engine) is Engine
    assert begun.engine.models == [begun]
    assert begun.is_draft()


def test_the_library_knows_every_state_and_edge():
    """The engine's states are the machine's, and a pause for each state that retries."""
    begun = walk()

    own = {name for name in begun.engine.states if "__" not in name}
    assert own == set(begun.ir.states)
    assert {name for name in begun.engine.states if name.endswith(PAUSE)} == {"draft" + PAUSE}
    for way in begun.ir.transitions:
        if way.pause is None:
            assert [
                t for t in begun.engine.get_transitions(source=way.source) if t.dest in (way.target, None)
            ]


@pytest.mark.parametrize("seed", range(20))
def test_the_triggers_that_are_enabled_are_the_librarys(seed):
    """What `enabled` lists can be pulled: the engine has each of these triggers in the present state."""
    drawn = lower(workflow(Random(seed)))
    begun = build(drawn)

    triggers = set(begun.engine.get_triggers(begun.state))
    assert set(begun.enabled()) <= triggers
    assert triggers <= {*begun.enabled(), "refuse", "choose", "elapsed"}


def test_outcomes_are_triggers():
    """A run can be stepped by calling what happened, with the event that tells the rest."""
    begun = walk()
    begun.success_ok(event=Ended("success", "ok", 1))
    begun.choose()

    assert begun.state == "rest"
    begun.elapsed(event=Elapsed(2_000_000))
    assert (begun.state, begun.output, begun.spent.time_us) == ("done", 1, 2_000_000)


def test_feeding_comes_to_rest():
    """After an event is fed, nothing is left that needs none."""
    begun = walk()
    feed(begun, Ended("success", "ok", 2))

    assert (begun.state, begun.output) == ("lost", Unbound("$error is not set"))
    assert begun.visits == {"draft": 1, "pick": 1, "lost": 1}


def test_enabled_lists_what_may_come_next():
    """Outcomes while a step is under way, time while something pauses, and nothing at an end."""
    begun = walk()

    assert begun.enabled() == ("success_ok", "success_again", "transient", "invalid", "failure")
    feed(begun, Ended("transient"))
    assert (begun.state, begun.place, begun.is_pausing) == ("draft" + PAUSE, "draft", True)
    assert begun.enabled() == ("elapsed",)
    feed(begun, Elapsed(begun.pending_us))
    feed(begun, Ended("failure", message="broken"))
    assert begun.enabled() == ()
    assert begun.output == "broken"


def test_exceeded_can_be_pulled_where_there_is_a_budget():
    """Under a cap an attempt may be cut off by the run's own deadline."""
    capped = build(machine(STATES, budget="{tokens: 25}"))

    assert capped.enabled()[-1] == "exceeded"
    feed(capped, Ended("exceeded"))
    assert (capped.state, capped.spent.tokens) == ("exceeded", 10)


def test_a_late_charge_is_booked_and_moves_nothing():
    """What comes after an attempt was given up is on the ledger alone."""
    begun = walk()
    before = begun.configuration()
    feed(begun, Late((0, 7, 0)))

    assert begun.configuration() == before._replace(spent=before.spent._replace(tokens=7))


@pytest.mark.parametrize("event", [Elapsed(1), Ended("unknown"), Ended("success"), Ended("success", "maybe")])
def test_what_cannot_happen_is_refused(event):
    """An outcome that the state does not have, or time where nothing pauses, moves nothing."""
    begun = walk()
    before = begun.configuration()

    with pytest.raises((MachineError, AttributeError)):
        feed(begun, event)
    assert begun.configuration() == before


def test_an_attempt_can_not_end_during_a_pause():
    """While a retry pauses, only its pause can end."""
    begun = walk()
    feed(begun, Ended("transient"))

    with pytest.raises(MachineError):
        feed(begun, Ended("success", "ok"))


def test_names_are_checked_before_the_library_sees_them():
    """A transition to a state that is not there is refused by name; the library would take it."""
    whole = machine(STATES)
    stray = Transition("draft", "failure", None, "fallback", "nowhere")

    for broken in (stray, evolve(stray, source="nowhere", target="lost")):
        with pytest.raises(UnknownName, match="`nowhere` is no state of `sample`"):
            build(evolve(whole, transitions=(*whole.transitions, broken)))
        with pytest.raises(UnknownName, match="`nowhere`"):
            asyncio.run(build_async(evolve(whole, transitions=(*whole.transitions, broken))))


def test_labels_cannot_clash_with_the_walk():
    """A label named like something that a walk has is a trigger of its own."""
    begun = build(
        machine(
            "draft: {run: m:f, success: {settle: done, state: lost, room: lost}, fallback: lost}\n"
            "done: {end: success}\nlost: {end: failed}"
        )
    )

    feed(begun, Ended("success", "settle"))
    assert begun.state == "done"


@pytest.mark.parametrize(
    "name", ["state", "values", "spent", "begin", "engine", "trigger", "choose", "elapsed"]
)
def test_states_cannot_clash_with_the_walk(name):
    """A state may be named like something that a walk or the library has."""
    begun = build(machine(f"{name}: {{run: m:f, success: done, fallback: done}}\ndone: {{end: success}}"))

    assert begun.state == name
    feed(begun, Ended("success"))
    assert begun.state == "done"


def test_arguments_that_lead_nowhere_are_told():
    """A walk has the reason in place of the arguments, as the reference does."""
    begun = build(
        machine("a: {run: m:f, with: {x: $input.y}, success: done, fallback: done}\ndone: {end: success}")
    )

    assert begun.arguments == Unbound("$input.y is not there")


def test_an_async_walk_is_awaited():
    """On an `AsyncMachine` triggers are coroutines."""

    async def walk_on() -> str:
        begun = await build_async(machine(STATES))
        assert type(begun.engine) is AsyncMachine
        await begun.success_again(event=Ended("success", "again"))
        await begun.transient(event=Ended("transient"))
        assert begun.is_pausing
        await begun.elapsed(event=Elapsed(1_000_000))
        await begun.failure(event=Ended("failure"))
        return begun.state

    assert asyncio.run(walk_on()) == "lost"


def test_walks_do_not_share_anything():
    """Two walks of one machine stand apart."""
    lowered = machine(STATES)
    first, second = build(lowered), build(lowered)
    feed(first, Ended("failure"))

    assert (first.state, second.state) == ("lost", "draft")


@pytest.mark.parametrize("seed", range(10))
def test_every_kind_of_state_is_there(seed):
    """Steps and waits rest in the engine; an end has no trigger that the world could pull."""
    drawn = lower(workflow(Random(seed)))
    begun = build(drawn)
    for name, state in drawn.states.items():
        triggers = begun.engine.get_triggers(name)
        if isinstance(state, End):
            assert triggers == []
        elif isinstance(state, Wait):
            assert set(triggers) <= {"elapsed", "refuse"}
        elif isinstance(state, Work):
            assert "failure" in triggers
