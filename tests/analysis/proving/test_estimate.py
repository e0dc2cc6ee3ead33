"""The estimate: no less than a run uses, and not out of all proportion."""

from __future__ import annotations

import pytest

from fsmflow.analysis.proving.counter_machine import METRICS
from fsmflow.analysis.proving.estimate import estimate
from fsmflow.analysis.proving.ranking import Ranking, rank
from tests.analysis.counter_machines import chain, eight, explore, random_machine


@pytest.mark.parametrize("seeds", range(5))
def test_no_run_passes_it(seeds: int) -> None:
    """Of every metric of random machines, no run uses more."""
    tried = 0
    for seed in range(40 * seeds, 40 * seeds + 40):
        machine = random_machine(seed)
        ranking, truth = rank(machine), explore(machine, 20_000)
        if not isinstance(ranking, Ranking) or truth is None or truth.maxima is None:
            continue
        tried += 1
        for index, most in enumerate(truth.maxima):
            weights = {number: edge.weights[index] for number, edge in enumerate(machine.edges)}

            assert estimate(machine, weights, ranking) >= most, (seed, METRICS[index])
    assert tried > 20


def test_it_is_near_where_loops_stand_in_one_another() -> None:
    """Of nested loops it is not twice what a run can use; machines in a row add up, and do not multiply."""
    one, many = eight(loop=30, outer=30), chain(40, group=1)

    def steps(machine) -> int:
        ranking = rank(machine)
        assert isinstance(ranking, Ranking)
        return estimate(machine, dict.fromkeys(range(len(machine.edges)), 1), ranking)

    assert 18_200 <= steps(one) < 2 * 18_200
    assert steps(many) < 50 * steps(chain(1, group=1))
