"""Runs that a worker carries out, watched: a trace and a record of each, and their spans."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fsmflow.runtime.otel import otel_sink
from tests.cli.conftest import Run
from tests.cli.test_durable_runs import SPEC, STEPS, events_in

SERVE = ("serve", "--until-idle")


@pytest.fixture
def asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A spec that asks, in a folder of its own, and a database beside it."""
    monkeypatch.setenv("FSMFLOW_DB", str(tmp_path / "runs.db"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "asking_steps.py").write_text(STEPS)
    (tmp_path / "asking.fsm.yaml").write_text(SPEC)
    path = list(sys.path)
    yield "asking.fsm.yaml"
    sys.path[:] = path
    sys.modules.pop("asking_steps", None)


def test_each_run_of_a_worker_leaves_a_trace(run: Run, asking: str) -> None:
    """A file of each run is in the folder of traces, and another one for each time that it was taken up."""
    for run_id in ("r1", "a/../../b:c"):
        run("submit", asking, "text=a", "--run-id", run_id)
    assert run(*SERVE, "--trace", "out/traces", "--bodies", "none").exit_code == 0
    run("answer", "r1", "ask", "yes_")
    assert run(*SERVE, "--trace", "out/traces", "--record", "out/records").exit_code == 0

    found = sorted(path.name for path in Path("out/traces").iterdir())
    assert found == ["a_.._.._b_c.jsonl", "r1.jsonl", "r1~2.jsonl"]
    assert events_in("out/traces/r1.jsonl") == [("run", None), ("attempt", "find")]
    assert events_in("out/traces/r1~2.jsonl") == [("run", None), ("answer", "ask"), ("end", None)]
    assert '"a"' not in Path("out/traces/r1.jsonl").read_text()
    assert "done" in run("trace", "why", "out/traces/r1~2.jsonl").stdout
    (record,) = Path("out/records").iterdir()
    assert (record.name, record.stat().st_mode & 0o077) == ("r1.jsonl", 0)


def test_traces_of_runs_go_into_a_folder(run: Run, asking: str) -> None:
    """What is no folder, or one for two things, is wrong usage, and nothing is carried out."""
    run("submit", asking, "text=a")
    refused = run(*SERVE, "--trace", asking)
    both = run(*SERVE, "--trace", "out", "--record", "./out")

    assert (refused.exit_code, "--trace takes a folder" in refused.stderr) == (2, True)
    assert (both.exit_code, "can't be one folder" in both.stderr) == (2, True)
    assert "submitted" in run("runs").stdout


def test_a_trace_that_can_not_be_written_holds_up_no_run(
    run: Run, asking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run goes on without its trace, which is told once."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("fsmflow.runtime.JsonLines.__call__", full)
    run("submit", asking, "text=a", "--run-id", "r1")
    found = run(*SERVE, "--trace", "traces")

    assert (found.exit_code, found.stdout) == (0, "r1  waiting\n")
    said = "r1: what it does can't be written into traces: No space left on device\n"
    assert found.stderr == said


def test_the_spans_of_all_runs_are_exported_when_each_is_let_go(
    run: Run, asking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker exports the spans of its runs, also of one that it lets go for it waits for a person."""
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    exporter = memory.InMemorySpanExporter()
    monkeypatch.setattr("fsmflow.cli.watched_each.exported", lambda: otel_sink(exporter))
    for number in range(2):
        run("submit", asking, "text=a", "--run-id", f"r{number}")
    assert run(*SERVE, "--otel").exit_code == 0

    spans = exporter.get_finished_spans()
    assert sorted(span.name for span in spans) == ["find", "find", *["invoke_workflow asking"] * 2]
    whole = {span.attributes["fsmflow.run_id"]: span for span in spans if span.parent is None}
    for attempt in (span for span in spans if span.parent is not None):
        (own,) = (each for each in whole.values() if each.context.trace_id == attempt.context.trace_id)
        assert own.end_time == attempt.end_time
    assert set(whole) == {"r0", "r1"}
