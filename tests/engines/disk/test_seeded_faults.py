"""The trials notice each of many faults that would lose what was kept, and none where there is none."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fsmflow.engines.workflows import Workflow

pytest.importorskip("apsw", reason="a simulated disk under SQLite takes apsw")

from tests.engines.disk.seeded import FAULTS, Fault, copied
from tests.engines.disk.trials import TRIALS
from tests.engines.disk.watched import Engine

pytestmark = pytest.mark.slow


@pytest.fixture
def copy(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[Fault | None], Engine]]:
    """Copy the engine, with a fault or without."""
    package = f"seeded_{abs(hash(request.node.name))}"
    sys.path.insert(0, str(tmp_path))
    yield lambda fault: copied(tmp_path, package, fault)
    sys.path.remove(str(tmp_path))
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]


def test_a_copy_without_a_fault_stands_every_trial(
    copy: Callable[[Fault | None], Engine], order: Workflow, memory: Path
) -> None:
    """What the trials notice is a fault, and not the copy."""
    engine = copy(None)

    for trial in TRIALS:
        trial(engine, order, memory)


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.what.replace(" ", "-") for fault in FAULTS])
def test_each_fault_is_noticed(
    fault: Fault, copy: Callable[[Fault | None], Engine], order: Workflow, memory: Path
) -> None:
    """An engine with this fault fails a trial."""
    engine = copy(fault)
    noticed = []
    for trial in TRIALS:
        try:
            trial(engine, order, memory)
        except Exception as error:
            noticed.append(f"{trial.__name__}: {error}")
            break
    print(f"{fault.what}: {noticed}")  # noqa: T201

    assert noticed != []


def test_there_are_at_least_ten_faults() -> None:
    """As many as were asked for, and each another one."""
    assert len({(fault.file, fault.before, fault.after) for fault in FAULTS}) >= 10
