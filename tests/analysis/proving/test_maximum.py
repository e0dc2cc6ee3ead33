"""Exact maxima: what the search finds is the truth, with a run that replays to it."""

from __future__ import annotations

from fractions import Fraction

import pytest

from fsmflow.analysis.proving.counter_machine import METRICS, CounterMachine
from fsmflow.analysis.proving.flow import Relaxation
from fsmflow.analysis.proving.intervals import Invariant
from fsmflow.analysis.proving.maximum import Maximum, maximum
from fsmflow.analysis.proving.packing import Packing
from fsmflow.analysis.proving.potential import Potential
from fsmflow.analysis.proving.ranking import Ranking, rank
from tests.analysis.counter_machines import chain, eight, explore, random_machine, replay


def _potentials(machine: CounterMachine) -> list[Potential]:
    edges = Invariant.of(machine).edges
    ranking = rank(machine, edges)
    if not isinstance(ranking, Ranking):
        return []
    relaxation = Relaxation(machine, edges, ranking)
    return [relaxation.bound(metric) for metric in METRICS]


def _check(seed: int) -> None:
    """Search for all maxima of a machine, with time and without."""
    machine = random_machine(seed)
    truth = explore(machine)
    assert truth is not None
    if truth.maxima is None:
        return
    for index, potential in enumerate(_potentials(machine)):
        found = maximum(potential, most=100_000)
        assert found.value == truth.maxima[index]
        assert replay(machine, found.path)[1][index] == found.value
        for most in (0, 1, 3):
            short = maximum(potential, most=most)
            assert short.lower <= truth.maxima[index] <= short.upper <= potential.bound
            assert replay(machine, short.path)[1][index] == short.lower
            assert short.configurations <= most


@pytest.mark.parametrize("first", range(0, 100, 50))
def test_every_maximum_is_the_truth(first: int) -> None:
    """The maximum of each metric is that of a search of everything; cut short, it is within what is said."""
    for seed in range(first, first + 50):
        _check(seed)


@pytest.mark.slow
def test_every_maximum_is_the_truth_in_many_machines() -> None:
    """The same of thousands of machines."""
    for seed in range(1_000, 3_500):
        _check(seed)


@pytest.mark.parametrize("seed", range(60))
def test_packed_configurations_do_what_configurations_do(seed: int) -> None:
    """A packed configuration can go where the configuration can, and agrees with it in what it holds."""
    machine = random_machine(seed)
    packing = Packing.of(machine)
    start = (0,) * len(machine.caps)
    pending = [(machine.start, start, packing.start)]
    seen = {pending[0]}
    while pending:
        state, values, place = pending.pop()
        assert place & packing.state_mask == state
        assert all(packing.value(place, c) == values[c] for c in packing.ranges[state])
        ways = dict(packing.successors(place))
        enabled = [n for n in machine.outgoing[state] if machine.is_enabled(machine.edges[n], values)]
        assert list(ways) == enabled
        for number in enabled:
            edge = machine.edges[number]
            following = (edge.target, machine.after(edge, values), ways[number])
            if following not in seen:
                seen.add(following)
                pending.append(following)


def test_any_potential_leads_to_the_maximum() -> None:
    """A poor bound makes the search longer, not wrong."""
    machine = eight(loop=1, outer=1)
    truth = explore(machine)
    assert truth is not None
    assert truth.maxima is not None
    (_, good, *_) = _potentials(machine)
    worse = Potential(
        "steps",
        (),
        machine,
        {state: good.phi.get(state, Fraction(0)) + 50 for state in range(len(machine.states))},
        good.terms,
    )
    found = maximum(worse, most=100_000)
    assert worse.bound == good.bound + 50
    assert found.value == truth.maxima[1]


def test_long_runs_are_found_exactly() -> None:
    """Of the workflow of eight steps with caps of 100, the longest run takes 193,620."""
    machine = eight(loop=100, outer=100)
    found = maximum(_potentials(machine)[1], most=200_000)
    assert (found.value, len(found.path)) == (193_620, 193_620)


def test_what_is_too_heavy_is_not_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with too many live counters keeps the bound, and no search is begun."""
    machine = eight(loop=1, outer=1)
    steps = _potentials(machine)[1]
    assert Packing.of(machine).load == 264
    monkeypatch.setattr("fsmflow.analysis.proving.maximum.MOST_LOAD", 264)
    assert maximum(steps, most=100_000).value is not None
    monkeypatch.setattr("fsmflow.analysis.proving.maximum.MOST_LOAD", 263)

    assert maximum(steps, most=100_000) == Maximum(0, int(steps.bound), (), 0)


def test_chains_are_found_exactly() -> None:
    """Of 82 states in groups with loops around them, every maximum is exact."""
    machine = chain(10)
    for index, potential in enumerate(_potentials(machine)):
        found = maximum(potential, most=200_000)
        assert found.value is not None
        assert replay(machine, found.path)[1][index] == found.value


def test_the_deadline_is_kept() -> None:
    """Once time is up nothing more is looked at; what is known is still a bound and a run."""
    machine = random_machine(8)
    (_, steps, *_) = _potentials(machine)
    poor = Potential("steps", (), machine, {s: w + 9 for s, w in steps.phi.items()}, steps.terms)
    assert maximum(poor, most=1_000, deadline=lambda: True).configurations == 0


def test_an_interval_has_no_value() -> None:
    """What is not exact gives no value."""
    assert Maximum(lower=3, upper=4, path=(), configurations=9).value is None
    assert Maximum(lower=4, upper=4, path=(), configurations=9).value == 4
