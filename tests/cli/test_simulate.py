"""`fsmflow simulate`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fsmflow.testing.campaign import Judge
from tests.cli.conftest import Run, document, edit

SPEC = "specs/hello.fsm.yaml"


def test_a_campaign_says_how_runs_ended_what_they_used_and_what_was_never_taken(
    run: Run, project: Path
) -> None:
    """The report has ends with shares, a table of what was used beside the proof, and the transitions."""
    result = run("simulate", SPEC, "--runs", "300")

    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("hello  300 runs, seed 0\n")
    assert "● done" in result.stdout
    assert "median" in result.stdout
    assert "transitions that can be taken were taken" in result.stdout
    assert result.stdout.endswith(
        "● every run ended, kept to its caps and to the proof, and agrees with the reference\n"
    )
    assert "runs/s" in result.stderr


def test_a_program_is_told_the_same(run: Run, project: Path) -> None:
    """The JSON document counts every run once, and every transition."""
    found = document(run("simulate", SPEC, "--runs", "200", "--seed", "5", "--format", "json"))

    assert (found["schema"], found["seed"], found["runs"]) == ("fsmflow.simulation/1", 5, 200)
    assert sum(end["runs"] for end in found["ends"]) == 200
    assert found["used"]["steps"]["worst"] <= found["used"]["steps"]["proved"]
    assert all(way["taken"] for way in found["transitions"] if way["possible"])
    assert found["violations"] == []


def test_one_run_is_made_again_and_shown_as_a_trace(run: Run, project: Path) -> None:
    """`--run` prints that run as `trace show` would, the same each time."""
    first, again = (run("simulate", SPEC, "--seed", "2", "--run", "17") for _ in range(2))

    assert first.exit_code == 0
    assert first.stdout == again.stdout
    assert "in all" in first.stdout
    assert "trace " in first.stdout
    assert "runs/s" not in first.stderr


def test_a_violation_is_told_with_what_makes_it_again(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not hold is told with the run's number, the command that repeats it, and exit code 1."""
    monkeypatch.setattr(Judge, "_ended", lambda self, run: ["it was planted"] if run.number % 40 == 7 else [])
    result = run("simulate", SPEC, "--runs", "100")

    assert result.exit_code == 1
    assert (
        "× run 7: it was planted\n    fsmflow simulate specs/hello.fsm.yaml --seed 0 --run 7\n"
        in result.stdout
    )
    assert "× run 47: it was planted" in result.stdout

    alone = run("simulate", SPEC, "--seed", "0", "--run", "7")

    assert (alone.exit_code, alone.stderr) == (1, "run 7: it was planted\n")


def test_output_is_the_same_whatever_the_hash_seed(run: Run, project: Path) -> None:
    """A thousand runs print the same bytes in processes that hash otherwise."""
    printed = [
        subprocess.run(
            [sys.executable, "-m", "fsmflow", "simulate", SPEC, *more],
            env={**os.environ, "PYTHONHASHSEED": seed, "COLUMNS": "100"},
            capture_output=True,
            check=True,
        ).stdout
        for more in (["--format", "json"], ["--run", "3"])
        for seed in ("1", "2")
    ]

    assert printed[0] == printed[1]
    assert printed[2] == printed[3]


def test_a_value_that_cannot_be_made_up_is_no_traceback(run: Run, project: Path) -> None:
    """A type that refuses all values names itself."""
    steps = project / "specs/hello.py"
    edit(
        steps,
        "    text: str\n",
        "    text: str\n\n    def __attrs_post_init__(self) -> None:\n        raise ValueError\n",
    )
    result = run("simulate", SPEC)

    assert result.exit_code == 1
    assert "can't make a value" in result.stderr


@pytest.mark.parametrize(
    "command", [["simulate", SPEC, "--runs", "5"], ["run", SPEC, "text=a", "--plan", "plan.yaml"]]
)
def test_nothing_is_left_behind_of_what_values_are_drawn_with(project: Path, command: list[str]) -> None:
    """A command that makes values up leaves nothing in the folder in which it is run."""
    (project / "plan.yaml").write_text("draft: [ok]\n")
    before = set(project.iterdir())
    made = [sys.executable, "-m", "fsmflow", *command]
    done = subprocess.run(made, cwd=project, capture_output=True, text=True, check=False)

    assert done.returncode in (0, 3, 4), done.stderr
    assert set(project.iterdir()) == before
