"""Storm is asked what it thinks of the machines that we analyse."""

from __future__ import annotations

from pathlib import Path

import pytest

from fsmflow.analysis.proving.counter_machine import METRICS
from tests.analysis.counter_machines import explore
from tests.second_opinion import storm
from tests.second_opinion.machines import SPECS, Opinion, drawn, how_many, of_spec, of_workflows

pytestmark = [
    pytest.mark.second_opinion,
    pytest.mark.skipif(storm.MISSING, reason="not installed: stormpy"),
]


def test_random_machines(tmp_path: Path) -> None:
    """Storm and brute force agree on which machines end, and on the most of each metric that they use."""
    for machine in drawn(how_many(150)):
        truth, (ends, most) = explore(machine), storm.judged(machine, tmp_path)
        assert truth is not None

        assert truth.terminates == (ends == 1) == (Opinion.of(machine).proof is not None)
        if truth.maxima is not None:
            assert most == truth.maxima


def test_random_workflows(tmp_path: Path) -> None:
    """Storm and the prover agree on workflows with questions and children, and on every metric."""
    for machine in of_workflows(how_many(60)):
        opinion, (ends, most) = Opinion.of(machine), storm.judged(machine, tmp_path)

        assert (opinion.proof is not None) == (ends == 1)
        if opinion.proof is not None:
            assert most == tuple(map(opinion.most, METRICS))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name.partition(".")[0])
def test_committed_specs(path: Path, tmp_path: Path) -> None:
    """Storm and the prover agree on every spec, with its budget and without, and on every metric."""
    for name, machine in of_spec(path):
        opinion, (ends, most) = Opinion.of(machine), storm.judged(machine, tmp_path)
        assert opinion.proof is not None

        assert ends == 1, name
        assert most == tuple(map(opinion.most, METRICS)), name
