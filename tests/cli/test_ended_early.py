"""What the command line does when it is interrupted, or nobody reads on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fsmflow.cli import main
from tests.cli.conftest import Run, edit

SPEC = "specs/hello.fsm.yaml"

ASKS = """\
fsmflow: 1
workflow: asks
budget: {steps: 1}
states:
  approve: {ask: Is it good?, timeout: 100ms, success: {yes: done, no: done}, fallback: unanswered}
  done: {end: success}
  unanswered: {end: degraded}
"""


@pytest.mark.parametrize(
    "arguments",
    [["check"], ["simulate", SPEC], ["run", SPEC, "text=a"], ["draw", SPEC], ["test"]],
    ids=lambda arguments: arguments[0],
)
def test_an_interrupt_is_no_finding(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """Whatever is interrupted exits with 130, and says so in a word."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fsmflow.cli.specs.compile_file", interrupted)
    with pytest.raises(SystemExit) as exit_:
        main(arguments)

    assert exit_.value.code == 130
    assert capsys.readouterr() == ("", "cancelled\n")


@pytest.mark.parametrize(
    "arguments",
    [["explain"], ["check"], ["draw", SPEC, "-o", "-"], ["schema"], ["--help"], ["check", "--help"]],
    ids=" ".join,
)
def test_a_reader_who_leaves_ends_a_command_quietly(project: Path, arguments: list[str]) -> None:
    """What is printed into a closed pipe exits as a program does that SIGPIPE ends, without a word."""
    assert _unread(project, arguments) == (141, b"")


@pytest.mark.parametrize("arguments", [["nonsense"], ["check", "gone.fsm.yaml"]], ids=" ".join)
def test_a_reader_of_errors_who_leaves_is_no_traceback(project: Path, arguments: list[str]) -> None:
    """Wrong usage that nobody can be told of ends quietly too."""
    assert _unread(project, arguments, "stderr") == (141, b"")


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_run_that_nobody_reads_of_has_its_own_exit_code(run: Run, project: Path, form: str) -> None:
    """How a run ended is told by its exit code, whoever reads what it printed."""
    assert _unread(project, ["run", SPEC, "text=a", "--format", form, "--quiet"]) == (0, b"")

    edit(project / "specs/hello.py", 'return Reply(text=f"You said: {text}")', 'return Reply(text="  ")')

    assert _unread(project, ["run", SPEC, "text=a", "--format", form, "--quiet"]) == (4, b"")


def test_a_run_that_nobody_watches_goes_on(project: Path) -> None:
    """A run does not end because nobody reads of its progress any more."""
    code, printed = _unread(project, ["run", SPEC, "text=a", "--format", "json"], "stderr")

    assert code == 0
    assert b'"end": "done"' in printed


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is full")
def test_a_run_goes_on_where_its_progress_can_not_be_written(project: Path) -> None:
    """A run does not end because the disk that standard error goes to is full."""
    with Path("/dev/full").open("w") as full:
        done = _run(project, ["run", SPEC, "text=a"], stdout=subprocess.PIPE, stderr=full)

    assert done.returncode == 0
    assert b"done success" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is full")
@pytest.mark.parametrize("durable", [(), ("--durable", "runs.db")], ids=["", "durable"])
def test_a_run_goes_on_where_its_trace_can_not_be_written(project: Path, durable: tuple[str, ...]) -> None:
    """A run goes on without its trace, which is told once."""
    arguments = ["run", SPEC, "text=a", "--quiet", "--trace", "/dev/full", *durable]
    done = _run(project, arguments, capture_output=True)

    assert done.returncode == 0
    assert b"done success" in done.stdout
    assert done.stderr == b"what the run does can't be written into /dev/full: No space left on device\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is full")
@pytest.mark.parametrize("arguments", [["nonsense"], ["check", "gone.fsm.yaml"], ["--help"]], ids=" ".join)
def test_what_can_be_told_nowhere_has_its_exit_code(project: Path, arguments: list[str]) -> None:
    """Where neither stream can be written, wrong usage and an unwritten text still are 2."""
    with Path("/dev/full").open("w") as full:
        done = _run(project, arguments, stdout=full, stderr=full)

    assert done.returncode == 2


def test_a_run_goes_on_when_its_terminal_is_gone(project: Path) -> None:
    """A run whose terminal was closed goes on, tells its result elsewhere, and has its own exit code."""
    pytest.importorskip("pty")
    edit(project / "specs/hello.py", "    ctx.charge", "    import os\n\n    os.read(0, 1)\n    ctx.charge")
    ours, theirs = os.openpty()
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "fsmflow", "run", SPEC, "text=a"]
    with subprocess.Popen(
        command, cwd=project, stdin=reader, stdout=subprocess.PIPE, stderr=theirs, start_new_session=True
    ) as running:
        os.close(theirs)
        # It has begun to draw.
        os.read(ours, 1)
        os.close(ours)
        os.write(writer, b"\n")
        printed, _ = running.communicate()
    os.close(reader)
    os.close(writer)

    assert running.returncode == 0
    assert b"done success" in printed


def test_a_question_whose_notice_nobody_reads_waits_all_the_same(project: Path) -> None:
    """A person is asked though nobody reads on standard error that they are."""
    (project / "specs/asks.fsm.yaml").write_text(ASKS)
    code, printed = _unread(project, ["run", "specs/asks.fsm.yaml", "--desk", "desk"], "stderr")

    assert code == 3
    assert b"nobody answered" in printed


@pytest.mark.parametrize("durable", [(), ("--durable", "runs.db")], ids=["", "durable"])
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_run_needs_no_stream(project: Path, durable: tuple[str, ...], closed: str) -> None:
    """Who starts a run with its streams closed, as some schedulers do, still has it run to its end."""
    command = [sys.executable, "-m", "fsmflow", "run", SPEC, "text=a", "--trace", "t.jsonl", *durable]
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh", *command]
    done = subprocess.run(shell, cwd=project, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert '"end": "done"' in (project / "t.jsonl").read_text()


def test_input_that_is_to_come_from_a_closed_stream_is_told(project: Path) -> None:
    """Where there is no standard input, `--input -` is wrong usage."""
    command = [sys.executable, "-m", "fsmflow", "run", SPEC, "--input", "-"]
    shell = ["sh", "-c", 'exec "$@" <&-', "sh", *command]
    done = subprocess.run(shell, cwd=project, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "- is no JSON" in done.stderr


def test_a_list_of_runs_that_nobody_reads_ends_quietly(run: Run, project: Path) -> None:
    """Tables are no exception."""
    run("run", SPEC, "text=a", "--durable", "runs.db")

    assert _unread(project, ["runs", "--db", "runs.db"]) == (141, b"")


def _unread(folder: Path, arguments: list[str], stream: str = "stdout") -> tuple[int, bytes]:
    """Run the command line where nobody reads one of its streams; give its exit code, and the other."""
    reader, writer = os.pipe()
    os.close(reader)
    other = {"stdout": "stderr", "stderr": "stdout"}[stream]
    try:
        done = _run(folder, arguments, **{stream: writer, other: subprocess.PIPE})
    finally:
        os.close(writer)
    found: bytes = getattr(done, other)
    return done.returncode, found


def _run(folder: Path, arguments: list[str], **streams: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "fsmflow", *arguments]
    return subprocess.run(command, cwd=folder, check=False, **streams)
