"""The automaton of a policy says of every list of events what the policy's definition says."""

from __future__ import annotations

from random import Random

import pytest

from fsmflow.analysis.proving.automaton import BROKEN, Automaton, entering, events
from fsmflow.machine import Policy, Transition
from tests.analysis.policy_oracle import PATTERNS, drawn, events_of, is_broken

NAMES = ("a", "b", "c", "a.ok", "a.success", "b.retry")
EVENTS = [*map(frozenset, (["a"], ["b"], ["c"], ["a.ok", "a.success"], ["a.success"], ["b.retry"], ["d"]))]


def marks(policy, happened):
    """Give the states of the automaton before and after each event."""
    automaton = Automaton(policy)
    found = [automaton.start]
    for event in happened:
        found.append(automaton.after(found[-1], event))
    return found


@pytest.mark.parametrize("scoped", [False, True], ids=["everywhere", "scoped"])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_it_agrees_with_the_definition(pattern, scoped):
    """After each event, and at the end, it is broken exactly if the definition says so."""
    random = Random(f"{pattern} {scoped}")
    told = 0
    for _ in range(3_000):
        policy = drawn(random, NAMES, pattern, scoped=scoped)
        happened = random.choices(EVENTS, k=random.randint(0, 12))
        for length, mark in enumerate(marks(policy, happened)):
            broken = is_broken(policy, happened[:length], ended=False)
            at_end = is_broken(policy, happened[:length], ended=True)

            assert (mark == BROKEN) == broken, (policy, happened[:length])
            assert (not Automaton(policy).may_end(mark)) == at_end, (policy, happened[:length])

            told += at_end
    assert told > 200


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_settled_automaton_stays_whole(pattern):
    """Where it says that nothing can break the rule, nothing does."""
    random = Random(pattern)
    for _ in range(500):
        policy = drawn(random, NAMES, pattern, scoped=random.random() < 0.3)
        states = marks(policy, random.choices(EVENTS, k=15))
        settled = [Automaton(policy).is_settled(mark) for mark in states]

        assert settled == sorted(settled)
        assert not any(s and not Automaton(policy).may_end(m) for s, m in zip(settled, states, strict=True))


def test_what_is_not_in_the_alphabet_changes_nothing():
    """An event by other names than those of the alphabet leaves the automaton where it is."""
    random = Random(0)
    for pattern in PATTERNS:
        for _ in range(100):
            policy = drawn(random, NAMES, pattern, scoped=random.random() < 0.5)
            for mark in marks(policy, random.choices(EVENTS, k=6)):
                assert mark == Automaton(policy).after(mark, frozenset({"elsewhere"}))


def test_neither_border_is_inside():
    """The events that open and close a scope are not in it, and while it is open it stays open."""
    policy = Policy(pattern="never", event="a", between=("a", "b"))

    assert marks(policy, [frozenset("a"), frozenset("b"), frozenset("a")])[-1] != BROKEN
    assert marks(policy, [frozenset("a"), frozenset("a")])[-1] == BROKEN
    assert marks(Policy(pattern="never", event="b", between=("a", "b")), map(frozenset, "abab"))[-1] != BROKEN


def test_from_one_visit_to_the_next():
    """A scope from a state to itself is one stretch after another, each counted anew."""
    policy = Policy(pattern="at_most", event="t", limit=2, between=("p", "p"))

    assert BROKEN not in marks(policy, map(frozenset, "tttpttpttptt"))
    assert marks(policy, map(frozenset, "pttpttt"))[-1] == BROKEN


def test_the_events_of_a_transition():
    """A labelled success is one event with two names; a retry enters nothing."""
    way = Transition("check", "success", "grounded", "success", "done")
    again = Transition("draft", "transient", None, "retry", "draft", same_visit=True)

    assert events(way) == (frozenset({"check.grounded", "check.success"}), frozenset({"done"}))
    assert events(again) == (frozenset({"draft.retry"}),)
    assert [entering("check"), *events(way)] == events_of("check", [way])
