"""By what runs are named in what is told of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fsmflow.cli.run_ids import beginning
from tests.cli.conftest import Run

ASKS = """
fsmflow: 1
workflow: asks
budget: {steps: 1}
states:
  ask: {ask: Go on?, timeout: 1h, success: {go: done, stop: done}, fallback: done}
  done: {end: success}
"""
ALIKE = ("order-2026-00001", "order-2026-00002")


def test_an_id_of_ones_own_is_told_whole() -> None:
    """The beginning of a random one tells it from all others; ids that people make may begin alike."""
    assert [beginning(each) for each in ("6892097a4579cdf804b996c069e00b9c", *ALIKE)] == [
        "6892097a4579",
        *ALIKE,
    ]


@pytest.mark.parametrize("told_by", [("waiting",), ("runs", ALIKE[1])])
def test_how_to_answer_is_true_of_ids_that_begin_alike(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told_by: tuple[str, ...]
) -> None:
    """The command that answers one run's question, as it is told, answers that one."""
    monkeypatch.setenv("FSMFLOW_DB", str(tmp_path / "runs.db"))
    (tmp_path / "asks.fsm.yaml").write_text(ASKS)
    for run_id in ALIKE:
        told = run("run", "asks.fsm.yaml", "--durable", "runs.db", "--run-id", run_id)
        assert f"fsmflow resume {run_id} " in told.stderr

    listed = run("runs").stdout
    (how,) = re.findall(rf"fsmflow (answer {ALIKE[1]} ask) go \| stop", run(*told_by).stdout)

    assert all(run_id in listed for run_id in ALIKE)
    assert run(*how.split(), "go").stdout == "answered\n"
