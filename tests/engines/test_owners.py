"""Which process has a run, where containers count their processes for themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fsmflow.engines.owners import is_alive, is_there, this_process


@pytest.mark.skipif(not Path("/proc/self/ns").exists(), reason="there are no containers here")
def test_of_a_process_that_another_container_counts_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of a container of the same name, whose numbers mean nothing here, may be there."""
    host = this_process().rsplit(":", 2)[0]
    gone = f"{host}:{2**30}:1"
    assert not is_alive(gone)

    monkeypatch.setattr(Path, "readlink", lambda _: Path("pid:[1]"))
    assert is_alive(gone)


def test_whether_a_process_is_there() -> None:
    """One that runs is there, and one that has ended is not."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()

    assert is_there(os.getpid())
    assert not is_there(ended.pid)


def test_no_process_of_windows_is_interrupted_by_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no signal that only asks there, so that any process may be there."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(os, "kill", lambda *what: sent.append(what))

    assert is_there(2**30)
    assert sent == []
