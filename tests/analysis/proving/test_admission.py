"""What a budget admits and refuses, as far as a counter of attempts can tell."""

from __future__ import annotations

import pytest

from fsmflow.analysis.proving.admission import RESOURCES, Admission
from fsmflow.machine import Caps, Machine, Work
from tests.sample import machine

ENDS = "done: {end: success}\nlost: {end: failed}"
ROW = (
    "a: {run: m:f, success: b, fallback: b}\nb: {call: look, success: c, fallback: c}\n"
    "c: {call: peek, success: {x: d, y: e}, fallback: d}\nd: {run: m:f, success: d, fallback: c}\n"
    "e: {call: look, success: done, fallback: lost}\nf: {map: look, over: $input, at_most: 9, success: done}"
)
LOOK = {"look": Caps(steps=3, time_us=5), "peek": Caps(steps=1, time_us=5)}


def admission(states: str, **budget: int) -> tuple[Machine, Admission]:
    text = ", ".join(f"{name}: {amount}" for name, amount in budget.items())
    found = machine(f"{states}\n{ENDS}", callees=LOOK, budget=f"{{{text}}}")
    return found, Admission.of(found, frozenset(RESOURCES[:1]))


def work(found: Machine, name: str) -> Work:
    state = found.states[name]
    assert isinstance(state, Work)
    return state


@pytest.mark.parametrize(("name", "fewest"), [("a", 8), ("b", 8), ("c", 2), ("d", 2), ("e", 2), ("f", 8)])
def test_so_many_attempts_can_have_spent_so_much(name, fewest):
    """Eight steps take eight attempts where none before runs children, and fewer behind children."""
    found, budget = admission(ROW.replace("success: {x: d, y: e}", "success: e"), steps=30)

    assert budget.attempts(work(found, name), 8) == fewest


@pytest.mark.parametrize(("reserve", "may"), [("true", False), ("false", True)])
def test_what_is_set_aside_for_children_is_there(reserve, may):
    """Children in the reserve never lack steps; those outside may, once others ran children before them."""
    found, budget = admission(
        "a: {call: look, success: b, fallback: b}\n"
        f"b: {{call: look, reserve: {reserve}, success: done, fallback: lost}}",
        steps=30,
    )

    assert budget.may_lack_steps(work(found, "b")) == may
    assert budget.room_for_steps(work(found, "b")) == 26
    assert budget.room_for_steps(work(found, "a")) == (22 if reserve == "true" else 26)


@pytest.mark.parametrize(
    ("states", "is_set_aside"),
    [
        ("a: {call: look, reserve: true, success: b, fallback: lost}", True),
        ("a: {call: look, reserve: true, success: a, fallback: lost}", False),
        ("a: {call: look, reserve: true, success: c, fallback: lost}", False),
        ("a: {call: away, reserve: true, success: done, fallback: lost}", False),
        ("a: {ask: Well?, reserve: true, success: {x: b}, fallback: b}", True),
        ("a: {ask: Well?, reserve: true, success: {x: b}, fallback: c}", False),
        ("a: {ask: Well?, reserve: true, success: {x: b}, fallback: {to: a, times: 2}}", False),
    ],
)
def test_what_is_set_aside_is_enough_where_nothing_leads_out_or_round(states, is_set_aside):
    """A reserve that leads out of itself, or round, or takes any time, is not known to be afforded."""
    rest = (
        "b: {run: m:f, timeout: 1s, reserve: true, retry: {times: 2}, success: done, fallback: lost}\n"
        "c: {run: m:f, timeout: 1s, success: done, fallback: lost}"
    )
    _, budget = admission(f"{states}\n{rest}", steps=30)

    assert budget.is_set_aside == is_set_aside


def test_what_is_above_a_cap_is_not_set_aside():
    """A reserve that does not fit under a cap is not there for its states."""
    states = "a: {call: look, reserve: true, success: done, fallback: lost}"

    assert [admission(states, steps=steps)[1].is_set_aside for steps in (3, 4)] == [False, True]
