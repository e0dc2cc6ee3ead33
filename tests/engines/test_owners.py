"""Which process has a run, where containers count their processes for themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from fsmflow.engines.owners import is_alive, this_process


@pytest.mark.skipif(not Path("/proc/self/ns").exists(), reason="there are no containers here")
def test_of_a_process_that_another_container_counts_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of a container of the same name, whose numbers mean nothing here, may be there."""
    host = this_process().rsplit(":", 2)[0]
    gone = f"{host}:{2**30}:1"
    assert not is_alive(gone)

    monkeypatch.setattr(Path, "readlink", lambda _: Path("pid:[1]"))
    assert is_alive(gone)
