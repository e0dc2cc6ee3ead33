"""Bounds: none is below the truth, and each holds on every edge by exact arithmetic."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from math import floor
from pathlib import Path

import pytest

from fsmflow.analysis.proving import flow
from fsmflow.analysis.proving.counter_machine import METRICS, CounterMachine, Edge
from fsmflow.analysis.proving.deciding import Terminates, decide
from fsmflow.analysis.proving.flow import Relaxation, bound
from fsmflow.analysis.proving.intervals import Invariant
from fsmflow.analysis.proving.potential import Potential
from fsmflow.analysis.proving.pricing import Pricing
from fsmflow.analysis.proving.ranking import Ranking, rank
from fsmflow.analysis.proving.rows import Incidence
from tests.analysis.counter_machines import chain, eight, explore, random_machine

_ROOT = Path(__file__).parents[3]


def _relaxation(machine: CounterMachine) -> Relaxation | None:
    edges = Invariant.of(machine).edges
    ranking = rank(machine, edges)
    return Relaxation(machine, edges, ranking) if isinstance(ranking, Ranking) else None


def _holds(potential: Potential, edges: tuple[int, ...]) -> bool:
    """Try every edge with the values that its guards allow, each counter by itself: terms add up."""
    machine = potential.machine
    index = METRICS.index(potential.metric)
    if any(worth < 0 for worth in potential.phi.values()) or any(t.price < 0 for t in potential.terms):
        return False
    for number in edges:
        edge = machine.edges[number]
        guards = {c: (lo, hi) for c, lo, hi in edge.guards}
        drop = potential.phi.get(edge.source, Fraction(0)) - potential.phi.get(edge.target, Fraction(0))
        for counter in {term.counter for term in potential.terms}:
            lo, hi = guards.get(counter, (0, machine.caps[counter]))
            terms = [term for term in potential.terms if term.counter == counter]
            drop += min(_drop(terms, edge, value) for value in range(lo, hi + 1))
        if drop < edge.weights[index]:
            return False
    return True


def _drop(terms: list, edge: Edge, value: int) -> Fraction:  # type: ignore[type-arg]
    counter = terms[0].counter
    after = 0 if counter in edge.resets else value + (counter in edge.increments)
    before = sum((t.price * t.levels(value) for t in terms if _in(edge.source, t.region)), Fraction(0))
    return before - sum((t.price * t.levels(after) for t in terms if _in(edge.target, t.region)), Fraction(0))


def _in(state: int, region: frozenset[int] | None) -> bool:
    return region is None or state in region


def _check(seed: int) -> tuple[int, int]:
    """Bound all metrics of a machine; give how many there are, and how many bounds are the truth."""
    machine = random_machine(seed)
    relaxation = _relaxation(machine)
    truth = explore(machine)
    assert truth is not None
    if relaxation is None or truth.maxima is None:
        return 0, 0
    exact = 0
    for metric, most in zip(METRICS, truth.maxima, strict=True):
        potential = relaxation.bound(metric)
        assert potential.bound >= most
        assert _holds(potential, relaxation.edges)
        exact += floor(potential.bound) == most
    return 6, exact


@pytest.mark.parametrize("first", range(0, 150, 50))
def test_no_bound_is_below_the_truth(first: int) -> None:
    """Every bound is a potential that holds on every edge, and most are what some run uses."""
    counts, exact = zip(*(_check(seed) for seed in range(first, first + 50)), strict=True)
    print(f"{sum(exact)} of {sum(counts)} bounds exact")  # noqa: T201
    assert sum(exact) > 0.85 * sum(counts)


@pytest.mark.slow
def test_no_bound_is_below_the_truth_in_many_machines() -> None:
    """The same of thousands of machines."""
    counts, exact = zip(*(_check(seed) for seed in range(1_000, 3_500)), strict=True)
    print(f"{sum(exact)} of {sum(counts)} bounds exact")  # noqa: T201
    assert sum(exact) > 0.9 * sum(counts)


@pytest.mark.parametrize("seed", range(50))
def test_without_a_solver_there_is_a_bound_all_the_same(seed: int) -> None:
    """Where no rounding is of use, prices that always do give a bound: lower than nothing, never wrong."""
    machine = random_machine(seed)
    relaxation = _relaxation(machine)
    truth = explore(machine)
    assert truth is not None
    if relaxation is None or truth.maxima is None:
        return
    edges, ranking = relaxation.edges, relaxation.ranking
    potential = Pricing(machine, edges, ranking, Incidence(machine, edges)).potential("tokens", {})
    assert potential.bound >= truth.maxima[METRICS.index("tokens")]
    assert _holds(potential, edges)


def test_a_loop_counted_further_out_is_priced_there() -> None:
    """In a region within another, an edge that the outer one counts need not lose a second time."""
    once = (1, 1, 0, 0, 0, 0)
    machine = CounterMachine(
        states=("a", "b", "done"),
        start=0,
        counters=("visits", "turns", "retries"),
        caps=(1, 1, 1),
        edges=(
            Edge(0, 1, ((0, 0, 0),), (0,), (2,), once),
            Edge(1, 1, ((1, 0, 0),), (1,), (), once),
            Edge(1, 1, ((2, 0, 0),), (2,), (), once),
            Edge(1, 0, (), (), (), once),
            Edge(0, 2, (), (), (), once),
        ),
    )
    relaxation = _relaxation(machine)
    truth = explore(machine)
    assert relaxation is not None
    assert truth is not None
    assert truth.maxima is not None
    edges, ranking = relaxation.edges, relaxation.ranking

    potential = Pricing(machine, edges, ranking, Incidence(machine, edges)).potential("steps", {})

    assert potential.bound >= truth.maxima[METRICS.index("steps")]
    assert _holds(potential, edges)


@pytest.mark.parametrize(("cap", "steps"), [(3, 299), (10, 2_280), (30, 18_200), (100, 193_620)])
def test_the_workflow_of_eight_steps_is_bounded_exactly(cap: int, steps: int) -> None:
    """The bound of steps is what the longest run takes, for any caps of the loops."""
    relaxation = _relaxation(eight(loop=cap, outer=cap))
    assert relaxation is not None
    assert relaxation.bound("steps").bound == steps


def test_a_chain_of_workflows_is_bounded() -> None:
    """The bound of 82 states is what the longest run takes."""
    relaxation = _relaxation(chain(10))
    assert relaxation is not None
    assert relaxation.bound("steps").bound == 3_754


@pytest.mark.parametrize("seed", [2, 3, 5, 8, 13])
def test_an_unrolled_machine_is_bounded_too(seed: int) -> None:
    """Unrolling a counter never makes a bound wrong, and its potential says what was unrolled."""
    machine = random_machine(seed)
    found = decide(machine, limit=10_000)
    truth = explore(machine)
    assert truth is not None
    if not isinstance(found, Terminates) or truth.maxima is None:
        return
    for metric, most in zip(METRICS, truth.maxima, strict=True):
        potential = bound(found.machine, metric, found.edges, found.ranking, split=found.split)
        assert potential.split == found.split
        assert potential.bound >= most


@pytest.mark.parametrize("first", range(0, 50, 50))
def test_pricing_component_by_component_is_sound(first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken apart, machines have bounds that hold on every edge and are nearly always as good."""
    composed = same = 0
    for seed in range(first, first + 50):
        machine = random_machine(seed)
        whole = _relaxation(machine)
        truth = explore(machine)
        assert truth is not None
        if whole is None or truth.maxima is None:
            continue
        with monkeypatch.context() as patch:
            patch.setattr(flow, "_LARGE", 0)
            apart = Relaxation(machine, whole.edges, whole.ranking)
        for metric, most in zip(METRICS, truth.maxima, strict=True):
            potential = apart.bound(metric)
            assert potential.bound >= most
            assert _holds(potential, apart.edges)
            composed += 1
            same += potential.bound <= whole.bound(metric).bound
    assert same > 0.9 * composed


def test_pricing_component_by_component_is_as_good_for_chains(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain has the same bounds taken apart as taken whole."""
    machine = chain(8)
    whole = _relaxation(machine)
    assert whole is not None
    monkeypatch.setattr(flow, "_LARGE", 0)
    apart = Relaxation(machine, whole.edges, whole.ranking)
    for metric in METRICS:
        assert apart.bound(metric).bound == whole.bound(metric).bound


@pytest.mark.parametrize("large", [0, 10_000])
def test_a_potential_does_not_depend_on_what_was_bounded_before(
    large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Metrics may be asked for in any order."""
    monkeypatch.setattr(flow, "_LARGE", large)
    for machine in (eight(), chain(4), *map(random_machine, range(12))):
        forward, backward = _relaxation(machine), _relaxation(machine)
        if forward is None or backward is None:
            continue
        first = {metric: forward.bound(metric) for metric in METRICS}
        second = {metric: backward.bound(metric) for metric in METRICS[::-1]}
        assert first == second


def test_potentials_are_the_same_whatever_the_hash_seed() -> None:
    """The same machine has the same potentials, to the last fraction, in any process."""
    program = (
        "from tests.analysis.counter_machines import *\n"
        "from tests.analysis.proving.test_flow import _relaxation, METRICS\n"
        "for m in (eight(), chain(4), *map(random_machine, range(12))):\n"
        "    r = _relaxation(m)\n"
        "    for q in METRICS if r else ():\n"
        "        p = r.bound(q)\n"
        "        print(q, dict(p.phi))\n"
        "        for t in p.terms:\n"
        "            print(t.kind, t.counter, t.lo, t.hi, t.price, sorted(t.region or ()))\n"
    )
    shown = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            cwd=_ROOT,
            text=True,
        )
        for seed in ("1", "2")
    ]
    assert shown[0].stdout == shown[1].stdout
    assert "Fraction" in shown[0].stdout
    assert not shown[0].stderr


def test_nothing_is_loaded_or_said_before_it_is_needed() -> None:
    """Importing the bounds loads no solver, and solving writes nothing."""
    program = (
        "import sys, fsmflow.analysis.proving.flow\n"
        "assert not {'highspy', 'numpy'} & set(sys.modules)\n"
        "from tests.analysis.proving.test_flow import _relaxation, eight\n"
        "_relaxation(eight()).bound('steps')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, cwd=_ROOT, text=True
    )
    assert (done.stdout, done.stderr) == ("", "")
