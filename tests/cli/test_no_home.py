"""Users who have no home, as a container's that runs under a number alone."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run

pwd = pytest.importorskip("pwd")

SPEC = "specs/asks.fsm.yaml"
ASKS = """\
fsmflow: 1
workflow: asks
budget: {steps: 1}
states:
  approve: {ask: Is it good?, timeout: 100ms, success: {yes: done, no: done}, fallback: done}
  done: {end: success}
"""
TOLD = "Error: you have no home folder to keep this in: set HOME, or XDG_STATE_HOME, to a folder\n"


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run as a user of whom the system knows nothing."""

    def unknown(user: int) -> object:
        raise KeyError(user)

    for name in ("HOME", "XDG_STATE_HOME", "FSMFLOW_DESK", "FSMFLOW_DB"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    (tmp_path / "specs").mkdir()
    (tmp_path / SPEC).write_text(ASKS)
    monkeypatch.setattr(sys, "path", [*sys.path])


@pytest.mark.parametrize(
    "command", ["runs", f"submit {SPEC}", "serve --until-idle", "answer abc yes", f"run {SPEC}"]
)
def test_who_has_no_home_is_told_to_name_a_place(run: Run, command: str) -> None:
    """What would be kept in the user's home is told to need another place, which is no bug."""
    done = run(*command.split())

    assert (done.exit_code, done.stderr) == (2, TOLD)


def test_a_home_that_is_closed_is_told_before_a_run_begins(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A run whose questions can't be put down does not begin."""
    (tmp_path / "home").write_text("")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    done = run("run", SPEC)

    told = f"Error: could not write {tmp_path}/home/.local/state/fsmflow/desk: Not a directory\n"
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", told)


def test_nothing_waits_where_there_is_no_home(run: Run) -> None:
    """In a home that is not there nothing waits."""
    done = run("waiting")

    assert (done.exit_code, done.output) == (0, "nothing waits\n")


def test_a_place_that_is_named_needs_no_home(run: Run) -> None:
    """A question in a database, or at a desk, that is named is told, listed and answered without a home."""
    begun = run("run", SPEC, "--durable", "runs.db", "--run-id", "r1")
    assert begun.exit_code == 7
    assert "to answer: fsmflow answer r1 approve yes | no --db runs.db\n" in begun.stderr

    assert "Is it good?" in run("waiting", "--db", "runs.db").output
    assert run("answer", "r1", "approve", "yes", "--db", "runs.db").output == "answered\n"
    again = run("answer", "r1", "approve", "--value", "yes", "--db", "runs.db")
    assert (again.exit_code, again.stderr) == (1, "the question of `approve` in r1 is answered already\n")
    nobody = run("answer", "r2", "approve", "--db", "runs.db")
    assert (nobody.exit_code, nobody.stderr) == (1, "there is no run r2\n")
    asked = run("run", SPEC, "--desk", "desk")
    assert "to answer: fsmflow answer --desk desk " in asked.stderr
