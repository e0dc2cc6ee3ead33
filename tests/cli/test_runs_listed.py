"""Which durable runs are listed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

SPEC = """
fsmflow: 1
workflow: sorted_out
budget: {steps: 4}
states:
  which:
    choose: [{when: "input.n > 1", to: good}, {to: bad}]
  good: {end: success}
  bad: {end: failed}
"""


@pytest.fixture
def listed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Five runs: two that are only submitted, one cancelled, one that went well, and one that failed."""
    monkeypatch.setenv("FSMFLOW_DB", str(tmp_path / "runs.db"))
    (tmp_path / "sorted_out.fsm.yaml").write_text(SPEC)
    for number in range(5):
        run("submit", "sorted_out.fsm.yaml", f"n:={number}", "--run-id", f"r{number}")
    run("resume", "r1")
    run("resume", "r2")
    run("cancel", "r3")
    return run


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ("", "r4 r3 r2 r1 r0"),
        ("--status done", "r2 r1"),
        ("--status success", "r2"),
        ("--status failed", "r1"),
        ("--status degraded", ""),
        ("--status cancelled", "r3"),
        ("--status submitted", "r4 r0"),
        ("--last 2", "r4 r3"),
        ("--last 1 --status submitted", "r4"),
        ("--last 9", "r4 r3 r2 r1 r0"),
    ],
)
def test_runs_are_listed_by_how_they_stand(listed: Run, options: str, found: str) -> None:
    """A status, a kind of end, and a number each narrow the list, which has the latest first."""
    told = json.loads(listed("runs", *options.split(), "--format", "json").stdout)

    assert [each["run_id"] for each in told["runs"]] == found.split()


LONG = "a_workflow_that_has_so_long_a_name_that_no_terminal_has_room"


@pytest.mark.parametrize("columns", [30, 60, 80])
def test_no_name_in_a_list_of_runs_is_cut(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    """A narrow terminal has fewer columns, and a pipe all of them; a run's id can be typed as it stands."""
    monkeypatch.setenv("FSMFLOW_DB", str(tmp_path / "runs.db"))
    monkeypatch.setenv("COLUMNS", str(columns))
    (tmp_path / f"{LONG}.fsm.yaml").write_text(SPEC.replace("sorted_out", LONG))
    run("submit", f"{LONG}.fsm.yaml", "n:=1", "--run-id", "0123456789ab")
    piped = run("runs").stdout.splitlines()
    monkeypatch.setattr("fsmflow.cli.results.is_terminal", lambda *_: True)
    shown = run("runs").stdout.splitlines()

    assert piped[0].split() == ["run", "workflow", "status", "at", "steps", "tokens", "money", "since"]
    assert piped[1].split()[:3] == ["0123456789ab", LONG, "submitted"]
    assert shown[0].split() == ["run", "workflow"]
    assert shown[1].split() == ["0123456789ab", LONG]
