"""The states that every run to a state passes."""

from __future__ import annotations

from random import Random

import pytest

from fsmflow.analysis.dominators import Dominators
from tests.analysis.specs import analysed
from tests.strategies import wide_machine


def can_come(machine, goal, without):
    """Tell whether `goal` can be come to from the start without passing through a state."""
    seen = {machine.start} - {without}
    queue = list(seen)
    for name in queue:
        for way in machine.outgoing[name]:
            if way.target != without and way.target not in seen:
                seen.add(way.target)
                queue.append(way.target)
    return goal in seen


@pytest.mark.parametrize("seed", range(80))
def test_a_dominator_is_what_can_not_be_avoided(seed):
    """A state is passed by every run to another exactly if no way leads there without it."""
    machine = wide_machine(Random(seed))
    dominators = Dominators.of(machine)
    entered = [name for name in machine.states if can_come(machine, name, "")]

    assert set(dominators.immediate) == set(entered) - {machine.start}
    for name in entered:
        unavoidable = {other for other in entered if other != name and not can_come(machine, name, other)}
        assert set(dominators.passed(name)) == unavoidable


def test_they_come_in_order():
    """What every run passes is given from the start on."""
    machine = analysed(
        """\
workflow: little
states:
  plan: {run: m:f, success: {a: left, b: right}, fallback: failed}
  left: {run: m:f, success: join, fallback: failed}
  right: {run: m:f, success: join, fallback: plan}
  join: {run: m:f, success: done, fallback: failed}
  done: {end: success}
  failed: {end: failed}
"""
    ).machine
    dominators = Dominators.of(machine)

    assert dominators.passed("done") == ("plan", "join")
    assert dominators.passed("failed") == ("plan",)
    assert dominators.passed("plan") == ()


@pytest.mark.slow
def test_ten_thousand_states():
    """A row of ten thousand states, each of which may also fail, takes no stack and little time."""
    rows = [f"  s{i}: {{run: m:f, success: s{i + 1}, fallback: done}}" for i in range(9_998)]
    text = "\n".join(["workflow: big", "states:", *rows, "  s9998: {wait: 1s, success: done}"])
    dominators = Dominators.of(analysed(text + "\n  done: {end: success}\n").machine)

    assert dominators.passed("done") == ("s0",)
    assert len(dominators.passed("s9998")) == 9_998
