"""Invariants: they hold wherever a run can be, and say which edges never fire."""

from __future__ import annotations

import pytest

from fsmflow.analysis.proving.counter_machine import CounterMachine, Edge, Valuation
from fsmflow.analysis.proving.intervals import Invariant
from fsmflow.analysis.proving.liveness import live_counters
from tests.analysis.counter_machines import chain, eight, explore, random_machine

_ONE = (1, 1, 0, 0, 0, 0)


def _machine(caps: tuple[int, ...], states: int, *edges: Edge) -> CounterMachine:
    names = tuple(f"s{n}" for n in range(states))
    return CounterMachine(names, 0, tuple(f"c{n}" for n in range(len(caps))), caps, edges)


def _holds(seed: int) -> None:
    """Check an invariant against a search of everything."""
    machine = random_machine(seed)
    truth = explore(machine)
    assert truth is not None
    invariant = Invariant.of(machine)
    assert truth.edges <= set(invariant.edges)
    for state, values in truth.configurations:
        assert all(lo <= values[c] <= hi for c, (lo, hi) in invariant.ranges[state].items())


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_every_reachable_configuration_is_within_the_invariant(first: int) -> None:
    """Wherever a run can be, the invariant holds, and what fires is among its edges."""
    for seed in range(first, first + 50):
        _holds(seed)


@pytest.mark.slow
def test_every_reachable_configuration_is_within_the_invariant_in_many_machines() -> None:
    """The same of thousands of machines."""
    for seed in range(1_000, 3_500):
        _holds(seed)


@pytest.mark.parametrize("seed", range(120))
def test_an_invariant_says_by_itself_why_other_edges_do_not_fire(seed: int) -> None:
    """Every edge that is left out of a state entered goes against a range that the invariant gives."""
    machine = random_machine(seed)
    invariant = Invariant.of(machine)
    for number in set(range(len(machine.edges))) - set(invariant.edges):
        edge = machine.edges[number]
        ranges = invariant.ranges.get(edge.source)
        if ranges is not None:
            whole = {c: ranges.get(c, (0, machine.caps[c])) for c, _, _ in edge.guards}
            assert any(max(lo, whole[c][0]) > min(hi, whole[c][1]) for c, lo, hi in edge.guards)


@pytest.mark.parametrize("seed", range(120))
def test_an_invariant_is_inductive(seed: int) -> None:
    """From all that the ranges of a state allow, an edge leads to what the ranges of its target allow."""
    machine = random_machine(seed)
    invariant = Invariant.of(machine)
    assert all(lo <= 0 <= hi for lo, hi in invariant.ranges[machine.start].values())
    for number in invariant.edges:
        edge = machine.edges[number]
        guards = {c: (lo, hi) for c, lo, hi in edge.guards}
        for counter, (least, most) in invariant.ranges[edge.target].items():
            lo, hi = invariant.ranges[edge.source].get(counter, (0, machine.caps[counter]))
            if counter in guards:
                lo, hi = max(lo, guards[counter][0]), min(hi, guards[counter][1])
            more = counter in edge.increments
            lo, hi = (0, 0) if counter in edge.resets else (lo + more, hi + more)
            assert least <= lo
            assert hi <= most


def test_an_exhaustion_that_cannot_happen_is_found() -> None:
    """A counter that another one always stops first never comes up to its cap."""
    machine = _machine(
        (2, 9),
        2,
        Edge(0, 0, ((0, 0, 1), (1, 0, 8)), (0, 1), (), _ONE),
        Edge(0, 1, ((0, 2, 2),), (), (), _ONE),
        Edge(0, 1, ((1, 9, 9),), (), (), _ONE),
    )
    assert Invariant.of(machine).edges == (0, 1, 2)
    once = _machine(
        (2,),
        2,
        Edge(0, 1, ((0, 0, 1),), (0,), (), _ONE),
        Edge(1, 1, ((0, 2, 2),), (), (), _ONE),
    )
    assert Invariant.of(once).edges == (0,)
    assert Invariant.of(once).ranges == {0: {0: (0, 0)}, 1: {0: (1, 1)}}


def test_a_counter_with_a_large_cap_is_widened() -> None:
    """A cap of a million takes no million rounds."""
    many = 1_000_000
    machine = _machine(
        (many,),
        2,
        Edge(0, 0, ((0, 0, many - 1),), (0,), (), _ONE),
        Edge(0, 1, ((0, many, many),), (), (), _ONE),
    )
    assert Invariant.of(machine).edges == (0, 1)


@pytest.mark.parametrize("seed", range(60))
def test_what_is_not_live_does_not_matter(seed: int) -> None:
    """Where a counter is not live, its value never tells which edges come to be enabled, a few steps on."""
    machine = random_machine(seed)
    live = live_counters(machine)
    explored = explore(machine)
    assert explored is not None
    for state, values in sorted(explored.configurations)[:200]:
        kept = tuple(value if c in live[state] else 0 for c, value in enumerate(values))
        assert _enabled(machine, state, values, 4) == _enabled(machine, state, kept, 4)


def _enabled(
    machine: CounterMachine, state: int, values: Valuation, depth: int
) -> frozenset[tuple[int, ...]]:
    """Give the paths of up to `depth` edges from a configuration."""
    paths: set[tuple[int, ...]] = set()
    pending: list[tuple[int, Valuation, tuple[int, ...]]] = [(state, values, ())]
    while pending:
        here, now, path = pending.pop()
        paths.add(path)
        for number in machine.outgoing[here] if len(path) < depth else ():
            edge = machine.edges[number]
            if machine.is_enabled(edge, now):
                pending.append((edge.target, machine.after(edge, now), (*path, number)))
    return frozenset(paths)


def test_all_of_a_sound_workflow_can_fire() -> None:
    """In the workflow of eight steps, and in chains of it, no edge is dead."""
    for machine in (eight(), chain(8)):
        assert Invariant.of(machine).edges == tuple(range(len(machine.edges)))
