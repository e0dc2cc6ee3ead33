"""What states that ask people, and states that run other workflows, become in the machine."""

from __future__ import annotations

from typing import Any

import pytest

from fsmflow.expressions import Constant, DictTemplate, EachTemplate, Reference
from fsmflow.lowering import lower
from fsmflow.machine import BUILTIN_END, Ask, Callee, Caps, Resources, Work
from fsmflow.typeexpr import parse_type
from tests.sample import flow, machine

ENDS = "done: {end: success}\nlost: {end: failed}"
CHILD = Resources(steps=3, tool_calls=2, tokens=100, micro_usd=50)
CHILDREN = {
    "look": Caps(steps=3, tool_calls=2, tokens=100, micro_usd=50, time_us=1_000_000),
    "read_it": Caps(steps=1, tool_calls=0, tokens=10, micro_usd=5, time_us=4_000_000),
    "idle": Caps(steps=2, tool_calls=1),
}


def ways(states: str, source: str, **more: str) -> list[tuple[Any, ...]]:
    """Tell the transitions of one state: outcome, label, kind, target, counters, and the one used up."""
    return [
        (way.on, way.label, way.kind, way.target, way.below, way.used_up)
        for way in machine(states, **more).outgoing[source]
    ]


def test_a_question_has_a_way_for_each_answer_and_one_for_none():
    """An `ask` succeeds by its labels, fails if nobody answers, and is nothing that a budget could refuse."""
    ask = "ask: {ask: Pay?, timeout: 7d, success: {yes_: done, no_: {to: ask, times: 2}}, fallback: lost}"

    assert ways(f"{ask}\n{ENDS}", "ask", budget="{steps: 1, exceeded: done}") == [
        ("success", "yes_", "success", "done", (), None),
        ("success", "no_", "success", "ask", ("ask.no_",), None),
        ("success", "no_", "success", "lost", (), "ask.no_"),
        ("failure", None, "fallback", "lost", (), None),
    ]


def test_a_question_keeps_what_is_shown_and_what_is_given():
    """What a person sees are arguments; the answer has a name, a type and a role, and waits so long."""
    ask = (
        "ask: {ask: Pay?, show: {sum: $input.sum}, role: finance, as: said, gives: str, timeout: 7d,"
        " success: done, fallback: lost}"
    )
    state = machine(f"{ask}\n{ENDS}").states["ask"]

    assert isinstance(state, Ask)
    assert (state.question, state.role, state.value, state.labels) == ("Pay?", "finance", "said", None)
    assert state.arguments == (("sum", Reference("input", ("sum",))),)
    assert (str(state.gives), state.timeout_us) == ("str", 7 * 86_400_000_000)


def running(state: str) -> Work:
    """Give the state that runs children, called `go`."""
    lowered = machine(f"go: {{{state}, success: done, fallback: lost}}\n{ENDS}", callees=CHILDREN)
    found = lowered.states["go"]
    assert isinstance(found, Work)
    return found


def test_a_call_costs_what_its_child_may_use():
    """A call takes all that one run of the child may take, and as long; it is one step besides."""
    state = running("call: look, with: {text: $input.text}")

    assert state.cost == Resources(steps=3, tool_calls=2, tokens=100, micro_usd=50)
    assert (state.steps, state.timeout_us) == (4, 1_000_000)
    assert state.arguments == (("text", Reference("input", ("text",))),)
    assert state.children is not None
    assert (state.children.kind, list(state.children.callees), state.children.at_most) == (
        "call",
        ["look"],
        1,
    )


@pytest.mark.parametrize(
    ("at_most", "width", "rounds"), [(1, 1, 1), (6, 1, 6), (6, 2, 3), (7, 3, 3), (6, 6, 1)]
)
def test_a_map_costs_its_child_as_often_as_there_may_be_items(at_most, width, rounds):
    """A map takes a child's use for every item there may be, and a child's time for every round of them."""
    state = running(f"map: look, over: $input, at_most: {at_most}, width: {width}")

    assert state.cost == CHILD.scaled(at_most)
    assert (state.steps, state.timeout_us) == (1 + 3 * at_most, rounds * 1_000_000)
    assert state.children is not None
    assert (state.children.at_most, state.children.width) == (at_most, min(width, at_most))


def test_parallel_children_cost_all_of_them_and_take_the_longest():
    """What children use side by side adds up, one more of the same too; their time does not."""
    branches = "{a: {call: look}, b: {call: read_it, with: {n: 1}}, c: {call: look}}"
    state = running(f"parallel: {branches}")

    assert state.cost == Resources(steps=7, tool_calls=4, tokens=210, micro_usd=105)
    assert (state.steps, state.timeout_us) == (8, 4_000_000)
    assert state.arguments == (
        ("a", Constant({})),
        ("b", Constant({"n": 1})),
        ("c", Constant({})),
    )
    assert state.children is not None
    assert (state.children.at_most, state.children.width) == (3, 3)


@pytest.mark.parametrize("state", ["call: idle", "parallel: {a: {call: look}, b: {call: idle}}"])
def test_children_without_a_bound_on_time_take_any(state):
    """One child that may take any time lets the state take any time."""
    assert running(state).timeout_us is None


def test_a_child_that_is_not_known_is_taken_to_use_nothing():
    """A workflow that was not found costs nothing: that it is missing is said elsewhere."""
    state = running("map: nowhere, over: $input, at_most: 5")

    assert (state.cost, state.steps, state.timeout_us) == (Resources(), 1, None)


@pytest.mark.parametrize(
    ("with_", "item"),
    [
        ("", Reference("item")),
        (", with: {text: $item.text}", DictTemplate((("text", Reference("item", ("text",))),))),
        (", with: {}", Constant({})),
    ],
)
def test_a_map_runs_on_each_item_or_what_is_made_of_it(with_, item):
    """The child's input is the item itself, unless `with` says what it is."""
    state = running(f"map: look, over: $input.list, at_most: 5{with_}")

    assert state.arguments == (("items", EachTemplate(Reference("input", ("list",)), 5, item)),)


def test_children_that_may_fail_leave_gaps():
    """What a map gives is a list of what its child gives, with null for each that failed if some may."""
    output = parse_type("str")
    known = {"look": Callee(name="look", digest="", output=output)}
    gives = {
        tolerate: lower(
            flow(
                f"go: {{map: look, over: $input, at_most: 3, tolerate: {tolerate}, success: done,"
                f" fallback: lost}}\n{ENDS}"
            ),
            known,
        ).states["go"]
        for tolerate in (0, 1)
    }

    assert [str(state.gives) for state in gives.values()] == ["list[str]", "list[str | None]"]


def test_a_state_with_children_leaves_like_a_step():
    """Children fail, or they succeed; a budget may leave no room for them."""
    states = f"go: {{call: look, success: done, fallback: lost}}\n{ENDS}"

    assert [way[:4] for way in ways(states, "go", budget="{steps: 9}")] == [
        ("success", None, "success", "done"),
        ("transient", None, "fallback", "lost"),
        ("invalid", None, "fallback", "lost"),
        ("failure", None, "fallback", "lost"),
        ("exceeded", None, "exceeded", BUILTIN_END),
    ]


def test_a_reserve_holds_what_children_use_and_nothing_for_questions():
    """Children in the reserve are set aside whole, their steps too; a question takes nothing from anyone."""
    reserved = machine(
        "draft: {run: m:f, success: done, fallback: go}\n"
        "go: {call: look, reserve: true, success: ask, fallback: ask}\n"
        f"ask: {{ask: Well?, timeout: 9d, reserve: true, success: {{y: done}}, fallback: lost}}\n{ENDS}",
        callees=CHILDREN,
    )

    assert reserved.reserve == Resources(4, 2, 100, 50, 1_000_000)
