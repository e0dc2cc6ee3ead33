"""SPIN is asked what it thinks of the machines that we analyse."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.analysis.counter_machines import explore
from tests.second_opinion import spin
from tests.second_opinion.machines import SPECS, Opinion, drawn, how_many, of_spec, of_workflows

pytestmark = [
    pytest.mark.second_opinion,
    pytest.mark.skipif(bool(spin.MISSING), reason=f"not installed: {', '.join(spin.MISSING)}"),
]


def test_random_machines(tmp_path: Path) -> None:
    """SPIN, brute force and the prover agree on which machines end, and on the most steps they take."""
    ending = [0, 0]
    for batch_number, batch in enumerate(spin.batches(drawn(how_many(300)))):
        folders = [tmp_path / f"{batch_number}_{kind}" for kind in ("ends", "most")]
        for folder in folders:
            folder.mkdir()
        ends, most = spin.Verifier(batch, folders[0]), spin.Verifier(batch, folders[1], "steps")
        for number, machine in enumerate(batch):
            truth, opinion = explore(machine), Opinion.of(machine)
            assert truth is not None
            ending[truth.terminates] += 1

            assert truth.terminates == ends.terminates(number) == (opinion.proof is not None)
            if truth.maxima is not None:
                assert truth.maxima[1] == most.most(number) == opinion.most("steps")

    assert min(ending) > sum(ending) / 20


def test_random_workflows(tmp_path: Path) -> None:
    """SPIN and the prover agree on workflows with questions and children, and on the steps they take."""
    for batch_number, batch in enumerate(spin.batches(of_workflows(how_many(120)))):
        folders = [tmp_path / f"{batch_number}_{kind}" for kind in ("ends", "most")]
        for folder in folders:
            folder.mkdir()
        ends, most = spin.Verifier(batch, folders[0]), spin.Verifier(batch, folders[1], "steps")
        for number, machine in enumerate(batch):
            opinion = Opinion.of(machine)

            assert ends.terminates(number) == (opinion.proof is not None)
            if opinion.proof is not None:
                assert most.most(number) == opinion.most("steps")


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name.partition(".")[0])
def test_committed_specs(path: Path, tmp_path: Path) -> None:
    """SPIN and the prover agree that every spec ends, and after how many steps, budgeted or not."""
    names, machines = zip(*of_spec(path), strict=True)
    folders = [tmp_path / "ends", tmp_path / "most"]
    for folder in folders:
        folder.mkdir()
    ends, most = spin.Verifier(machines, folders[0]), spin.Verifier(machines, folders[1], "steps")
    for number, name in enumerate(names):
        opinion = Opinion.of(machines[number])

        assert ends.terminates(number) == (opinion.proof is not None), name
        assert opinion.proof is not None
        assert most.most(number) == opinion.most("steps"), name
