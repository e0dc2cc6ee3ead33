"""What running children means: what they are given, what is set aside for them, and what is booked."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from fsmflow.machine import Caps
from fsmflow.runtime import Spent, Unbound
from fsmflow.semantics import Attempt
from tests.sample import Going, machine

ENDS = "done: {end: success}\nlost: {end: failed}"
LOOK = Caps(steps=3, tool_calls=1, tokens=100, micro_usd=50, time_us=1_000_000)


def running(state: str, given: Any = None, **more: str) -> Going:
    """Begin a run that comes to children at once, then to a step that uses their result, and so on."""
    states = f"go: {{{state}, success: use, fallback: lost}}\nuse: {{run: m:f, with: {{got: $go}}"
    whole = f"{states}, success: go, fallback: lost}}\n{ENDS}"
    return Going(machine(whole, callees={"look": LOOK}, **more), given)


def test_children_are_an_attempt():
    """The one command is the attempt, with what the child is given and all that it may use."""
    run = running("call: look, with: {text: $input}", "x")

    assert run.command == Attempt("go", 1, {"text": "x"}, (1, 100, 50), None)
    assert run.ends(value={"found": 1}).command.arguments == {"got": {"found": 1}}


def test_children_see_to_their_own_time():
    """What cuts an attempt with children off is the time that the run has left, and nothing else."""
    assert running("call: look", budget="{time: 5s}").command.deadline_us == 5_000_000
    assert running("call: look", budget="{time: 100ms}").command.deadline_us == 100_000


def test_children_side_by_side_are_given_their_inputs_by_key():
    """Each key of a `parallel` is the argument that its child is run on."""
    run = running("parallel: {a: {call: look, with: {n: $input}}, b: {call: look, with: {n: 2}}}", 1)

    assert run.command == Attempt("go", 1, {"a": {"n": 1}, "b": {"n": 2}}, (2, 200, 100), None)


def test_a_map_is_given_its_items():
    """Each item becomes the input of a child, by itself or in what `with` says; it is no value of the run."""
    given = {"list": [{"n": 1}, {"n": 2}], "k": 5}

    plainly = running("map: look, over: $input.list, at_most: 3", given)
    assert plainly.command == Attempt("go", 1, {"items": [{"n": 1}, {"n": 2}]}, (3, 300, 150), None)
    made = running("map: look, over: $input.list, at_most: 3, with: {a: $item.n, b: $input.k}", given)
    assert made.command.arguments == {"items": [{"a": 1, "b": 5}, {"a": 2, "b": 5}]}
    assert set(made.now.values) == {"input"}


@pytest.mark.parametrize(
    ("items", "why"),
    [
        ([1, 2, 3, 4], "what is mapped over has 4 items, and may have 3 at most"),
        ("abc", "what is mapped over is no list but str"),
        (None, "what is mapped over is no list but NoneType"),
        ([1, {"n": 2}], "$item.n is not there"),
    ],
)
def test_a_map_over_what_it_cannot_be_over_unbinds_its_arguments(items, why):
    """Too many items, or no list of them: the attempt is commanded with the reason, to fail."""
    run = running("map: look, over: $input, at_most: 3, with: {n: $item.n}", items)

    assert run.command.arguments == Unbound(why)
    assert run.ends("failure").at == "lost"


def test_an_attempt_is_as_many_steps_as_its_children_took():
    """The steps that children took are booked with the one that their parent is."""
    run = running("call: look")

    assert copy.copy(run).ends(steps=1).now.spent == Spent(1, 1, 100, 50, 0)
    assert copy.copy(run).ends(steps=4, use=(0, 30, 7), elapsed_us=9).now.spent == Spent(4, 0, 30, 7, 9)
    assert run.ends("failure", steps=3, use=(0, 0, 0)).now.spent == Spent(3, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("budget", "begins"),
    [
        ("{steps: 10}", True),
        ("{steps: 9}", False),
        ("{tool_calls: 3}", True),
        ("{tool_calls: 2}", False),
        ("{tokens: 300}", True),
        ("{tokens: 299}", False),
        ("{usd: 0.00015}", True),
        ("{usd: 0.000149}", False),
        ("{time: 1us}", True),
    ],
)
def test_children_begin_all_together_or_not_at_all(budget, begins):
    """What every child may use must fit before the first begins, however few items there are."""
    run = running("map: look, over: $input, at_most: 3", [], budget=budget)

    assert run.is_working == begins
    assert run.at == ("go" if begins else "exceeded")


def test_steps_that_children_left_over_are_there_for_others():
    """After children that took fewer steps than they might there is room for more."""
    few, many = (running("call: look", budget="{steps: 8}").ends(steps=steps).ends() for steps in (2, 4))

    assert (few.at, few.now.spent.steps) == ("go", 3)
    assert (many.at, many.now.spent.steps) == ("exceeded", 5)
    assert many.error.message == "no room for what comes next (steps: 5 of 8 used)"


def test_a_reserve_holds_its_children():
    """All that children in the reserve may use is kept from others, and is theirs once they are come to."""
    states = (
        "draft: {run: m:f, success: draft, fallback: lost}\n"
        f"go: {{call: look, reserve: true, success: done, fallback: lost}}\n{ENDS}"
    )
    run = Going(machine(states, callees={"look": LOOK}, budget="{steps: 6, exceeded: go}"))

    assert run.ends().at == "draft"
    assert run.ends().at == "go"
    assert run.is_working
    assert run.error.message == "no room for what comes next (steps: 2 of 6 used, 4 set aside)"
    assert run.ends(steps=4).now.spent.steps == 6
