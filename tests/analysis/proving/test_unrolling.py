"""Unrolled machines do what the machine does."""

from __future__ import annotations

import random

import pytest

from fsmflow.analysis.proving.unrolling import unroll
from tests.analysis.counter_machines import eight, explore, is_well_formed, random_machine


@pytest.mark.parametrize("seed", range(100))
def test_unrolling_changes_nothing_that_a_run_can_use(seed: int) -> None:
    """Whether runs end, and the most that they use, are the same after unrolling any counters."""
    machine = random_machine(seed)
    truth = explore(machine)
    assert truth is not None
    counters = list(range(len(machine.caps)))
    split = tuple(random.Random(seed).sample(counters, min(len(counters), 1 + seed % 3)))
    unrolled = unroll(machine, split, limit=100_000)
    assert unrolled is not None
    assert is_well_formed(unrolled)
    after = explore(unrolled)
    assert after is not None
    assert (after.terminates, after.maxima) == (truth.terminates, truth.maxima)
    assert len(after.configurations) == len(truth.configurations)


@pytest.mark.parametrize("seed", range(40))
def test_names_tell_the_values_in_the_order_of_the_counters(seed: int) -> None:
    """A state of an unrolled machine is named for the state and the values that its runs have there."""
    machine = random_machine(seed)
    split = tuple(range(len(machine.caps)))[::-1][:2]
    unrolled = unroll(machine, split, limit=100_000)
    assert unrolled is not None
    truth = explore(unrolled)
    assert truth is not None
    for state, values in truth.configurations:
        name, *parts = unrolled.states[state].split("|")
        assert name in machine.states
        assert parts == [f"{machine.counters[c]}={values[c]}" for c in split]


def test_a_guard_on_an_unrolled_counter_is_its_value() -> None:
    """Guards on unrolled counters are narrowed to the one value that they can have."""
    machine = eight()
    unrolled = unroll(machine, (0, 2), limit=1_000)
    assert unrolled is not None
    assert unrolled.states[0] == "retrieve|tools=0|outer=0"
    for edge in unrolled.edges:
        parts = unrolled.states[edge.source].split("|")[1:]
        known = dict(zip((0, 2), (int(part.split("=")[1]) for part in parts), strict=True))
        assert all(lo == hi == known[c] for c, lo, hi in edge.guards if c in known)


def test_past_the_limit_there_is_nothing() -> None:
    """A product with more states than the limit is not made."""
    machine = eight()
    whole = unroll(machine, (0,), limit=1_000)
    assert whole is not None
    assert unroll(machine, (0,), limit=len(whole.states)) is not None
    assert unroll(machine, (0,), limit=len(whole.states) - 1) is None
