"""What the tests of the simulated disk share."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fsmflow.engines.workflows import Workflow
from tests.engines.disk.order import workflow_in


@pytest.fixture(scope="session")
def specs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the specs and their steps."""
    folder = tmp_path_factory.mktemp("specs")
    yield folder
    sys.path[:] = [path for path in sys.path if path != str(folder)]
    sys.modules.pop("disk_steps", None)


@pytest.fixture(scope="session")
def order(specs: Path) -> Workflow:
    """The workflow whose machine loses power, compiled once."""
    return workflow_in(specs)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, if there is such a thing: what is simulated needs no real disk."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else tmp_path) as folder:
        yield Path(folder)
