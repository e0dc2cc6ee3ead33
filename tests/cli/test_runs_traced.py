"""The trace of a durable run, from its database: of what is over, and of what is not."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fsmflow.analysis.traces.recording import read_file
from tests.cli.conftest import Run

STEPS = """
import os, pathlib, signal


def find(text: str) -> str:
    if not pathlib.Path("was_here").exists():
        pathlib.Path("was_here").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return text.upper()


def boom(found: str) -> str:
    return found.nothing
"""
SPEC = """
fsmflow: 1
workflow: parted
budget: {steps: 10, tokens: 100, time: 1min}
states:
  find:
    run: parted_steps:find
    with: {text: $input.text}
    gives: str
    effect: none
    cost: {tokens: 10}
    timeout: 5s
    success: ask
    fallback: failed
  ask:
    ask: Is it good?
    timeout: 7d
    success: {yes_: boom, no_: failed}
    fallback: failed
  boom:
    run: parted_steps:boom
    with: {found: $find}
    effect: none
    timeout: 5s
    success: failed
    fallback: failed
  failed: {end: failed}
"""

ABOVE = """
fsmflow: 1
workflow: above
budget: {steps: 12, tokens: 100, time: 2min}
states:
  below: {call: parted, with: {text: $input.text}, success: done, fallback: failed}
  done: {end: success}
  failed: {end: failed}
"""


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A spec whose first attempt ends its process, then asks, then meets a bug; and no database yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FSMFLOW_DB", str(tmp_path / "runs.db"))
    (tmp_path / "parted_steps.py").write_text(STEPS)
    (tmp_path / "parted.fsm.yaml").write_text(SPEC)
    path = list(sys.path)
    yield "parted.fsm.yaml"
    sys.path[:] = path
    sys.modules.pop("parted_steps", None)


def _killed(spec: str) -> None:
    """Run it in a process that is killed by its first step."""
    command = f"-m fsmflow run {spec} text=a --durable runs.db --run-id r1".split()
    ended = subprocess.run([sys.executable, *command], capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL


def test_a_run_is_told_whole_whoever_carried_it_out(run: Run, spec: str) -> None:
    """What a killed process began, what waits, and a bug with its line: one trace of three processes."""
    _killed(spec)
    assert run("runs", "r1", "--trace", "run.jsonl").output == ""
    begun = run("trace", "show", "run.jsonl").stdout
    assert begun.startswith("… not over  parted")
    assert ["»", "find", "under", "way"] in [line.split() for line in begun.splitlines()]

    assert run("resume", "r1").exit_code == 7
    run("runs", "r1", "--trace", "run.jsonl")
    waits = run("trace", "show", "run.jsonl").stdout
    assert ["attempt", "1", "×", "lost"] in [line.split()[:4] for line in waits.splitlines()]
    assert "its process ended: it was made again" in waits
    assert ["»", "ask", "waiting"] in [line.split() for line in waits.splitlines()]
    said = " ".join(run("trace", "why", "run.jsonl", spec).stdout.split())
    assert "it was last seen in `ask`, which waits for an answer" in said

    time.sleep(0.3)
    run("answer", "r1", "ask", "yes_")
    assert run("resume", "r1").exit_code == 5
    run("runs", "r1", "--trace", "run.jsonl")
    over = run("trace", "show", "run.jsonl", "--spec", spec).stdout
    assert over.startswith("× failed  parted")
    assert "at parted_steps.py:13" in over
    assert read_file(Path("run.jsonl")).stages[2].elapsed_us >= 300_000, "a person took so long"
    shown = run("runs", "r1").stdout
    assert "  why: boom: failure: AttributeError: 'str' object has no attribute 'nothing'\n" in shown
    assert "  at parted_steps.py:13\n" in shown
    assert "  to see all: fsmflow runs r1 --trace - | fsmflow trace show -\n" in shown
    assert json.loads(run("runs", "r1", "--format", "json").stdout)["error"]["state"] == "boom"
    assert "3 of 10 steps · 20 of 100 tokens" in over


def test_a_run_is_told_alike_each_time(run: Run, spec: str) -> None:
    """Whoever asks for the trace of a run twice has the same bytes, and no step module is needed for it."""
    Path("was_here").touch()
    run("run", spec, "text=a", "--durable", "runs.db", "--run-id", "r1")
    once = run("runs", "r1", "--trace", "-").stdout
    Path("parted_steps.py").unlink()

    assert run("runs", "r1", "--trace", "-").stdout == once
    assert [json.loads(line)["event"] for line in once.splitlines()] == ["run", "attempt", "start"]


def test_a_clock_that_was_set_back_puts_nothing_before_its_cause(
    run: Run, spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was begun by a clock an hour behind is told to have begun when what came before it was over."""
    Path("was_here").touch()
    run("run", spec, "text=a", "--durable", "runs.db", "--run-id", "r1")
    run("answer", "r1", "ask", "yes_")
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() - 3_600_000_000_000)
    assert run("resume", "r1").exit_code == 5
    run("runs", "r1", "--trace", "run.jsonl")

    starts = [stage.start_us for stage in read_file(Path("run.jsonl")).stages]
    assert (len(starts), starts) == (3, sorted(starts))


def test_a_trace_is_shown_without_a_file(run: Run, spec: str) -> None:
    """What one command prints of a run, the next one reads."""
    Path("was_here").touch()
    run("run", spec, "text=a", "--durable", "runs.db", "--run-id", "r1")
    told = run("runs", "r1", "--trace", "-").stdout
    Path("run.jsonl").write_text(told)

    assert run("trace", "show", "-", input=told).stdout == run("trace", "show", "run.jsonl").stdout
    assert "expected a JSON document" in run("trace", "show", "-", input="no trace").stderr


def test_a_cancelled_run_is_told_to_its_end(run: Run, spec: str) -> None:
    """The trace of a run that was cancelled while it waited says so."""
    Path("was_here").touch()
    run("run", spec, "text=a", "--durable", "runs.db", "--run-id", "r1")
    run("cancel", "r1")
    *_, asked, last = map(json.loads, run("runs", "r1", "--trace", "-").stdout.splitlines())

    assert (asked["event"], asked["outcome"], last["event"], last["kind"]) == (
        "answer",
        "cancelled",
        "end",
        "cancelled",
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("runs", "--trace", "run.jsonl"), "--trace is for one run: name it"),
        (("runs", "r1", "--trace", "runs.db"), "would overwrite runs.db"),
        (("runs", "r1", "--trace", "parted_steps.py"), "which is no trace: name another file"),
        (("runs", "r2", "--trace", "run.jsonl"), "there is no run r2"),
        (("runs", "r1", "--trace", "nowhere/run.jsonl"), "nowhere/run.jsonl"),
    ],
)
def test_a_trace_takes_the_place_of_nothing_else(
    run: Run, spec: str, arguments: tuple[str, ...], said: str
) -> None:
    """What is no trace is not overwritten with one, and what makes no sense is told in words."""
    run("submit", spec, "text=a", "--run-id", "r1")
    before = Path("runs.db").read_bytes()
    refused = run(*arguments)

    assert refused.exit_code in (1, 2)
    assert said in " ".join(refused.stderr.split())
    assert (Path("runs.db").read_bytes(), Path("run.jsonl").exists()) == (before, False)


def test_a_run_is_shown_with_what_its_children_used(run: Run, spec: str) -> None:
    """While a child waits, and once it is cancelled, its steps are among those that its run has used."""
    Path("was_here").touch()
    Path("above.fsm.yaml").write_text(ABOVE)
    run("run", "above.fsm.yaml", "text=a", "--durable", "runs.db", "--run-id", "r1")
    waits = run("runs", "r1").stdout
    run("cancel", "r1")

    assert "  used 2 steps, 10 tokens" in waits
    assert "  used 2 steps, 10 tokens" in run("runs", "r1").stdout
    assert json.loads(run("runs", "r1", "--format", "json").stdout)["spent"]["steps"] == 2


def test_the_trace_of_a_child_is_found_as_it_is_said(run: Run, spec: str) -> None:
    """What is shown of the run of a child names it in full: it is found by nothing less."""
    Path("was_here").touch()
    Path("above.fsm.yaml").write_text(ABOVE)
    run("run", "above.fsm.yaml", "text=a", "--durable", "runs.db", "--run-id", "r1")
    child = json.loads(run("runs", "r1", "--trace", "-").stdout.splitlines()[1])["run_id"]

    assert f"  to see all: fsmflow runs {child} --trace - |" in run("runs", child).stdout
    assert json.loads(run("runs", child, "--trace", "-").stdout.splitlines()[0])["run_id"] == child
