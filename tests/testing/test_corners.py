"""The corners of a machine: every cap, budget and guard is decided in one of them."""

from __future__ import annotations

import pytest

from fsmflow import semantics
from fsmflow.machine import Machine
from fsmflow.testing.corners import decisions
from tests.sample import machine

CHOOSING = """
look: {run: m:f, gives: Any, success: judge, fallback: lost}
judge: {choose: [{when: input.n != None and look.n > 2, to: more, times: 2, else: lost}, \
{when: look == None, to: look, times: 1, else: lost}, {to: done}]}
more: {run: m:f, cost: {tokens: 30}, success: done, fallback: lost}
done: {end: success}
lost: {end: failed}
"""


def choosing(before: str = "", after: str = "") -> Machine:
    assert before in CHOOSING
    return machine(CHOOSING.replace(before, after) if before else CHOOSING)


def are_told_apart(one: Machine, other: Machine) -> bool:
    """Tell whether some corner of the one is decided otherwise by the other."""
    return any(
        (now, command) != decision.expected
        for decision in decisions(one)
        if decision.before is not None
        for now, (command,) in [semantics.step(other, decision.before, decision.event)]
    )


@pytest.mark.parametrize(
    "change",
    [
        ("times: 2", "times: 3"),
        ("times: 2", "times: 1"),
        ("times: 1", "times: 2"),
        ("look == None", "look == 7"),
    ],
    ids=" to ".join,
)
def test_caps_of_arms_are_corners_too(change):
    """A cap on an arm of a choice is decided where the arm's guard holds, also one that asks for null."""
    assert are_told_apart(choosing(), choosing(*change))


def test_a_machine_is_not_told_apart_from_itself():
    """Corners are decided by the reference alone."""
    assert not are_told_apart(choosing(), choosing())
