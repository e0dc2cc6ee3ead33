"""Values that may be unset: whatever runs lack was found, and each find comes with a path."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsmflow import semantics
from fsmflow.analysis.assignment import Assignment, shown_by
from fsmflow.expressions import parse_guard
from fsmflow.machine import Ask, Machine, Work
from fsmflow.runtime.events import Elapsed, Ended
from tests.analysis.specs import analysed, specs


def walk(machine: Machine, seed: int, steps: int) -> list[semantics.Configuration]:
    """Run a machine on random outcomes, and give each configuration that it stops in."""
    source = random.Random(seed)
    now, commands = semantics.begin(machine, 1)
    seen = [now]
    for _ in range(steps):
        if isinstance(commands[0], semantics.Finish):
            break
        state = machine.states[now.state]
        if isinstance(commands[0], semantics.Pause):
            event = Elapsed(1)
        else:
            assert isinstance(state, Work | Ask)
            rest = ["transient", "invalid"] if isinstance(state, Work) else []
            outcome = source.choice(["success", "success", "failure", *rest])
            label = source.choice(state.labels) if state.labels and outcome == "success" else None
            event = Ended(outcome, label, "v", "", (), None, 1)
        now, commands = semantics.step(machine, now, event)
        seen.append(now)
    return seen


@settings(max_examples=200, deadline=None)
@given(specs(guards=False), st.integers(0, 1 << 30))
def test_no_run_misses_a_value_that_is_held_to_be_set(text, seed):
    """Whatever a run lacks in a state was found to be possibly unset there."""
    analysis = analysed(text)
    if any(not loop.budgeted for loop in analysis.termination.loops):
        return
    machine, facts = analysis.machine, Assignment.of(analysis.machine)
    names = ["error", *(s.value for s in machine.states.values() if isinstance(s, Work | Ask))]

    for configuration in walk(machine, seed, 40):
        for name in names:
            if name not in configuration.values:
                assert facts.may_be_unset(name, configuration.state, cleared=True)


@settings(max_examples=200, deadline=None)
@given(specs())
def test_a_path_shows_how_a_value_stays_unset(text):
    """A value that may be unset has a path from the start, and no shorter one than the graph allows."""
    machine = analysed(text).machine
    facts = Assignment.of(machine)

    for name in machine.states:
        for value in ("error", "s0"):
            if not facts.may_be_unset(value, name):
                continue
            path = facts.path_without(value, name)
            assert path is not None
            assert [way.source for way in path] == [machine.start, *(way.target for way in path)][:-1]
            assert (path[-1].target if path else machine.start) == name


def test_an_answer_is_there_once_it_is_given():
    """An answer sets its value; to ask again clears it, so that where nobody answered it is not there."""
    facts = Assignment.of(
        analysed(
            """\
workflow: little
states:
  ask: {ask: Well?, as: said, gives: str, timeout: 1s, success: use, fallback: bad}
  use: {run: m:f, success: again, fallback: good}
  again: {ask: Sure?, as: said, gives: str, timeout: 1s, success: good, fallback: worse}
  worse: {end: failed}
  good: {end: success}
  bad: {end: failed}
"""
        ).machine
    )

    found = {
        name: facts.may_be_unset("said", name, cleared=name == "again")
        for name in ("use", "good", "again", "bad", "worse")
    }
    assert found == {"use": False, "good": False, "again": True, "bad": True, "worse": True}


@pytest.mark.parametrize(
    ("guard", "held", "refuted"),
    [
        ("a is not None", {"a"}, set()),
        ("a is None", set(), {"a"}),
        ("a.ok", {"a"}, set()),
        ("not a.ok", set(), {"a"}),
        ("a == 1", {"a"}, set()),
        ("a != 1", set(), set()),
        ("1 < a.n", {"a"}, set()),
        ("a is not None and b.ok", {"a", "b"}, set()),
        ("a is None or b is None", set(), {"a", "b"}),
        ("a.ok or b.ok", set(), set()),
        ("a.ok or a == 1", {"a"}, set()),
        ("len(a) > 0", {"a"}, set()),
        ("0 < len(a)", {"a"}, set()),
        ("len(a) >= 0", set(), set()),
        ("a in ['x']", {"a"}, set()),
        ("a in ['x', None]", set(), set()),
        ("a == b", set(), set()),
        ("True", set(), set()),
    ],
)
def test_what_a_guard_shows(guard, held, refuted):
    """A guard that holds, or does not, shows that a value is there where only such a value could make it."""
    assert held == shown_by(parse_guard(guard), holds=True)
    assert refuted == shown_by(parse_guard(guard), holds=False)
