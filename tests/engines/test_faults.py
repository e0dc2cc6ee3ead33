"""The index of the faults of durable runs: each has its tests, and each of these is there."""

from __future__ import annotations

import pytest

from tests.engines.faults import FAULTS
from tests.faults.index import Fault
from tests.faults.test_index import truths_in


def test_every_fault_of_durable_runs_is_in_the_index() -> None:
    """The index has each fault of the group, 77 to 82, once and in order."""
    assert [fault.number for fault in FAULTS] == list(range(77, 83))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault.number))
def test_every_test_that_the_index_names_is_there(fault: Fault) -> None:
    """Each fault names tests that are there and say their truth in a sentence."""
    nodes = list(fault.nodes)

    assert len(nodes) == len(set(nodes)) >= 1
    for file, name in nodes:
        assert truths_in(file).get(name, "").splitlines()[:1], f"{file}::{name}"
