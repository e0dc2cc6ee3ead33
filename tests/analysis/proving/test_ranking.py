"""Ranks and decisions: nothing that goes on for ever is missed, and nothing that ends is accused."""

from __future__ import annotations

from collections import Counter

import pytest

from fsmflow.analysis.proving.counter_machine import CounterMachine, Edge
from fsmflow.analysis.proving.deciding import Lasso, Terminates, decide
from fsmflow.analysis.proving.ranking import Ranking, Stuck, edges_ahead, rank
from tests.analysis.counter_machines import chain, eight, explore, random_machine, replay, replay_from

_ONE = (1, 1, 0, 0, 0, 0)


def _lowers(ranking: Ranking, edge: Edge) -> bool:
    """Check one edge as a reader of the certificate would, from the definition alone."""
    before, after = ranking.rank[edge.source], ranking.rank[edge.target]
    for place in range(0, min(len(before), len(after)), 2):
        if after[place] != before[place]:
            return after[place] < before[place]
        if before[place + 1 : place + 2] != after[place + 1 : place + 2] or len(before) <= place + 1:
            return False
        counters = ranking.regions[before[place + 1]]
        if counters & set(edge.resets):
            return False
        if counters & set(edge.increments):
            return True
    return False


def _agrees(machine: CounterMachine) -> str:
    """Decide a machine, check the evidence against all that it can do, and say what was found."""
    truth = explore(machine)
    assert truth is not None
    found = decide(machine, limit=50_000)
    assert found is not None
    assert isinstance(found, Terminates) == truth.terminates
    if isinstance(found, Terminates):
        assert all(_lowers(found.ranking, found.machine.edges[number]) for number in found.edges)
        assert found.split or truth.edges <= set(found.edges)
        return f"ends, {len(found.split)} unrolled"
    first, _ = replay(machine, found.stem)
    again, _ = replay_from(machine, first, found.cycle)
    assert found.cycle
    assert first == again
    return "goes on"


@pytest.mark.parametrize("first", range(0, 300, 50))
def test_termination_is_decided_as_by_search(first: int) -> None:
    """A machine is ranked if every run ends, and a lasso is shown if one does not."""
    for seed in range(first, first + 50):
        _agrees(random_machine(seed))


@pytest.mark.slow
def test_termination_is_decided_as_by_search_in_many_machines() -> None:
    """The same of thousands of machines; some need counters unrolled."""
    found = Counter(_agrees(random_machine(seed)) for seed in range(1_000, 4_000))
    print(dict(found))  # noqa: T201
    assert found["goes on"] > 300
    assert found["ends, 1 unrolled"]


@pytest.mark.parametrize("seed", range(100))
def test_a_rank_without_the_invariant_holds_for_every_cap(seed: int) -> None:
    """A ranking of all edges, whatever their guards say, is lowered by each of them."""
    machine = random_machine(seed)
    found = rank(machine)
    edges = edges_ahead(machine)
    if isinstance(found, Ranking):
        assert all(_lowers(found, machine.edges[number]) for number in edges)
        assert [len(found.regions), *found.regions] == [
            len(found.components),
            *(counters for _, counters, _ in found.components),
        ]
    else:
        assert set(found.edges) <= set(edges)


def test_a_reset_on_the_way_cancels_the_cap_of_a_loop() -> None:
    """A loop whose counter is set back on its own way is stuck, and goes on for ever."""
    machine = CounterMachine(
        ("a", "b", "done"),
        0,
        ("tries",),
        (3,),
        (
            Edge(0, 1, (), (), (0,), _ONE),
            Edge(1, 0, ((0, 0, 2),), (0,), (), _ONE),
            Edge(1, 2, ((0, 3, 3),), (), (), _ONE),
        ),
    )
    assert rank(machine) == Stuck((0, 1))
    assert decide(machine, limit=100) == Lasso((0, 1), (0, 1))


def test_a_limit_is_kept() -> None:
    """What would take more configurations than allowed is not decided."""
    level = ((0, 7, 7), (1, 3, 3))
    machine = CounterMachine(
        ("a", "b"),
        0,
        ("i", "j"),
        (9, 9),
        (
            Edge(0, 0, ((0, 0, 8),), (0,), (), _ONE),
            Edge(0, 0, ((1, 0, 8),), (1,), (), _ONE),
            Edge(0, 1, level, (), (), _ONE),
            Edge(1, 0, (), (), (), _ONE),
        ),
    )
    assert decide(machine, limit=5) is None
    assert isinstance(decide(machine, limit=1_000), Lasso)


def test_large_machines_are_ranked() -> None:
    """Workflows of eight steps, and three hundred of them in a row, end for every cap."""
    for machine in (eight(), chain(300)):
        assert isinstance(rank(machine), Ranking)
