"""`fsmflow run`: what it keeps of a run, what it leaves out, and what can be run again on it."""

from __future__ import annotations

import http.server
import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Run, document, edit

SPEC = "specs/refund.fsm.yaml"

REFUND = """\
fsmflow: 1
workflow: refund
input: dict[str, Any]
output: dict[str, Any]
secret: [card]
budget: {steps: 30, time: 1h}
states:
  look_up:
    run: reimburse:look_up
    with: {card: $input.card}
    effect: none
    timeout: 5s
    success: each
    retry: {times: 2, backoff: 1s}
    fallback: failed
  each: {map: line, over: $look_up, at_most: 5, success: approve, fallback: failed}
  approve:
    ask: Pay it?
    show: {card: $input.card, lines: $each}
    timeout: 1h
    success: {pay: pay, refuse: failed}
    fallback: failed
  pay:
    run: reimburse:pay
    with: {card: $input.card, lines: $each}
    effect: none
    timeout: 5s
    success: done
    fallback: failed
  done: {end: success, output: {paid: $pay}}
  failed: {end: failed}
"""
LINE = """\
fsmflow: 1
workflow: line
input: dict[str, Any]
output: dict[str, Any]
budget: {steps: 2, time: 1min}
states:
  price:
    run: reimburse:price
    with: {item: $input.item}
    effect: none
    timeout: 5s
    success: ok
    fallback: bad
  ok: {end: success, output: {price: $price}}
  bad: {end: failed}
"""
STEPS = """\
from fsmflow.runtime import Transient

def look_up(card, ctx):
    if ctx.attempt == 1:
        raise Transient(f"busy with {card}")
    return [{"item": 1}, {"item": 2}]

def price(item):
    return item * 10

def pay(card, lines):
    return sum(line["price"] for line in lines)

def pay_double(card, lines):
    return 2 * pay(card, lines)

def look_up_one(card, ctx):
    return [{"item": 1}]
"""
CARD = "4929-1234-5678-9012"
GIVEN = [f"card={CARD}"]


@pytest.fixture
def refund(run: Run, project: Path) -> Iterator[Path]:
    (project / "specs/refund.fsm.yaml").write_text(REFUND)
    (project / "specs/line.fsm.yaml").write_text(LINE)
    (project / "specs/reimburse.py").write_text(STEPS)
    yield project
    sys.modules.pop("reimburse", None)


def answered(run: Run, project: Path, *arguments: str, label: str = "pay") -> object:
    """Run, with somebody who answers the question."""

    def person() -> None:
        from fsmflow.runtime.folder_desk import answer_in, waiting_in

        while not over.wait(0.02):
            for waiting in waiting_in(project / "desk"):
                answer_in(project / "desk", waiting.token, label)
                return

    over = threading.Event()
    thread = threading.Thread(target=person)
    thread.start()
    try:
        return run("run", SPEC, *GIVEN, "--desk", str(project / "desk"), *arguments)
    finally:
        over.set()
        thread.join()


def test_a_record_can_be_replayed(run: Run, refund: Path) -> None:
    """With secrets, questions and children, a run is answered whole from its record, and is as it was."""
    first = answered(run, refund, "--record", "r.jsonl", "--trace", "t.jsonl", "--format", "json")
    edit(refund / "specs/reimburse.py", "return item * 10", "raise SystemExit(9)")
    again = run("run", SPEC, "--replay", "r.jsonl")
    found = document(run("run", SPEC, "--replay", "r.jsonl", "--format", "json"))

    assert first.exit_code == 0, first.output
    assert again.exit_code == 0, again.output
    assert "replayed 5 attempts · time is virtual" in again.stdout
    assert "● as recorded" in again.stdout
    assert found["output"] == document(first)["output"] == {"paid": 30}
    assert found["spent"]["steps"] == document(first)["spent"]["steps"] == 6


def test_nobody_answered_is_replayed_too(run: Run, refund: Path) -> None:
    """A question that was refused, or that nobody answered in time, leads the same way again."""
    edit(refund / SPEC, "timeout: 1h\n    success: {pay", "timeout: 200ms\n    success: {pay")
    late = run("run", SPEC, *GIVEN, "--desk", str(refund / "desk"), "--record", "late.jsonl")
    again = run("run", SPEC, "--replay", "late.jsonl")

    assert late.exit_code == 5
    assert again.exit_code == 5
    assert "● as recorded" in again.stdout
    assert "nobody answered within 0.2 s" in again.stdout


def test_a_step_can_be_swapped_in_a_record(run: Run, refund: Path) -> None:
    """`--with` calls one step, tells what changes, and answers people and children from the record."""
    answered(run, refund, "--record", "r.jsonl")
    swapped = run("run", SPEC, "--replay", "r.jsonl", "--with", "pay=reimburse:pay_double")
    children = run("run", SPEC, "--replay", "r.jsonl", "--with", "look_up=reimburse:look_up_one")

    assert swapped.exit_code == 0, swapped.output
    assert "called pay" in swapped.stdout
    assert "60" in swapped.stdout
    assert children.exit_code == 1
    assert "`each` is asked what the recording does not answer" in children.stderr
    assert "its children do not run in a replay: name it in --with each=" in children.stderr


def test_a_trace_without_secrets_says_what_to_record(run: Run, refund: Path) -> None:
    """Where the trace leaves out what a replay needs, the replay stops and names `--record`."""
    answered(run, refund, "--trace", "t.jsonl")
    result = run("run", SPEC, "--replay", "t.jsonl")

    assert result.exit_code == 1
    assert "the recording leaves out the input" in result.output
    assert "fsmflow run --record FILE" in result.output
    assert CARD not in result.output


def test_a_replay_stops_where_a_body_is_left_out(run: Run, refund: Path) -> None:
    """A secret output in the middle of a run ends the replay there."""
    edit(refund / SPEC, "secret: [card]\n", "")
    edit(
        refund / SPEC, "    fallback: failed\n  each:", "    fallback: failed\n    secret: [output]\n  each:"
    )
    answered(run, refund, "--trace", "t.jsonl")
    result = run("run", SPEC, "--replay", "t.jsonl")

    assert result.exit_code == 1
    assert "the recording leaves out what `look_up` gave" in result.stderr


def test_a_record_is_for_its_owner_alone(run: Run, refund: Path) -> None:
    """The file of `--record` is closed to others, also if it was there before; a trace is as any file."""
    (refund / "r.jsonl").write_text('{"schema": "fsmflow.trace/1", "event": "old"}\n')
    (refund / "r.jsonl").chmod(0o644)
    answered(run, refund, "--record", "r.jsonl", "--trace", "t.jsonl")

    assert (refund / "r.jsonl").stat().st_mode & 0o777 == 0o600
    assert CARD in (refund / "r.jsonl").read_text()
    assert CARD not in (refund / "t.jsonl").read_text()
    assert "old" not in (refund / "r.jsonl").read_text()


@pytest.mark.parametrize("bodies", ["hash", "none"])
def test_a_trace_may_hold_no_bodies(run: Run, refund: Path, bodies: str) -> None:
    """`--bodies` leaves inputs and outputs out; the path, the use and the end are told all the same."""
    answered(run, refund, "--trace", "t.jsonl", "--bodies", bodies)
    lines = [json.loads(line) for line in (refund / "t.jsonl").read_text().splitlines()]
    shown = run("trace", "show", "t.jsonl")
    outputs = [line["output"] for line in lines if line["event"] == "attempt" and line["output"] is not None]

    assert shown.exit_code == 0
    assert all(output.keys() == {"$secret"} for output in outputs)
    assert {output["$secret"] is None for output in outputs} == {bodies == "none"}
    assert lines[-1]["end"] == "done"


def test_a_record_changes_nothing_that_is_no_file(run: Run, project: Path) -> None:
    """A pipe, or a device such as /dev/null, is never closed to others, and takes no record."""
    os.mkfifo(project / "pipe")
    (project / "pipe").chmod(0o666)
    result = run("run", "specs/hello.fsm.yaml", "text=hello", "--record", "pipe")

    assert result.exit_code == 2
    assert "--record takes a file, and pipe is none" in result.stderr
    assert (project / "pipe").stat().st_mode & 0o777 == 0o666


def test_a_record_that_cannot_be_written_is_told(run: Run, project: Path) -> None:
    """A folder that is not there is no traceback."""
    result = run("run", "specs/hello.fsm.yaml", "text=a", "--record", "gone/r.jsonl")

    assert result.exit_code == 2
    assert "gone/r.jsonl" in result.output


@pytest.mark.parametrize("given", ["text=a", "txt=a"], ids=["no module", "no such input"])
def test_a_run_that_never_began_leaves_no_trace_behind(run: Run, project: Path, given: str) -> None:
    """Where a step can't be imported, or the input does not fit, there is no empty file afterwards."""
    if given == "text=a":
        edit(
            project / "specs/hello.py",
            "from typing import",
            "import nothing_of_that_name\nfrom typing import",
        )
    result = run("run", "specs/hello.fsm.yaml", given, "--trace", "t.jsonl", "--record", "r.jsonl")

    assert result.exit_code == 2
    assert not list(project.glob("*.jsonl"))


@contextmanager
def collecting() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """Serve a collector of spans while the block runs."""
    got: list[tuple[str, bytes]] = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", got
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("kept", [[], ["--durable", "runs.db"]], ids=["not kept", "kept"])
def test_a_run_is_exported(run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, kept: list[str]) -> None:
    """`--otel` sends the spans of a run to where the standard variables say."""
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    monkeypatch.delenv("OTEL_TRACES_EXPORTER", raising=False)
    with collecting() as (url, got):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        result = run("run", "specs/hello.fsm.yaml", "text=hello", "--otel", *kept)
    sent = b"".join(body for _, body in got)

    assert result.exit_code == 0
    assert {path for path, _ in got} == {"/v1/traces"}
    assert b"invoke_workflow hello" in sent
    assert b"draft" in sent
    assert b"You said" not in sent


def test_without_the_extra_the_command_that_installs_it_is_told(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--otel` without OpenTelemetry is wrong usage, and says what to install."""
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace.export", None)
    result = run("run", "specs/hello.fsm.yaml", "text=hello", "--otel")

    assert result.exit_code == 2
    assert "pip install 'fsmflow[otel]'" in result.stderr


def test_a_secret_of_a_child_is_not_on_the_terminal(run: Run, refund: Path) -> None:
    """Why a run failed is said without what is secret to its children alone, also where there is no trace."""
    edit(refund / SPEC, "secret: [card]\n", "")
    edit(refund / SPEC, "success: approve", "success: pay")
    edit(refund / SPEC, (refund / SPEC).read_text().split("  approve:")[1].split("  pay:")[0], "")
    edit(refund / SPEC, "  approve:", "")
    edit(refund / "specs/line.fsm.yaml", "    timeout: 5s\n", "    timeout: 5s\n    secret: [output]\n")
    edit(refund / "specs/reimburse.py", "return item * 10", "raise ValueError('the token 49291234 is void')")
    for more in ([], ["--format", "json"], ["--quiet"]):
        result = run("run", SPEC, *GIVEN, *more)

        assert result.exit_code == 5
        assert "[secret]" in result.stdout
        assert "49291234" not in result.output
