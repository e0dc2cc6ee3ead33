"""What durable runs meet that means them ill: rows that are more than data, full disks, addresses."""

from __future__ import annotations

import ast
import asyncio
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import fsmflow
from fsmflow.engines.durable import Corrupt, Durable, Suspended
from fsmflow.engines.keeping import event_read, read
from fsmflow.engines.rows import chained, rows_of
from fsmflow.engines.store import StoreError
from fsmflow.engines.workflows import Workflow
from fsmflow.runtime import StepContext
from fsmflow.runtime.events import Ended

SPEC = """
fsmflow: 1
workflow: sending
budget: {steps: 500}
states:
  send:
    run: hostile_steps:send
    gives: int
    effect: none
    retry: {times: 1, backoff: 1ms}
    success: again
    fallback: failed
  again: {choose: [{when: send == 0, to: failed}, {to: send, times: 99, else: ask}]}
  ask: {ask: Enough?, timeout: 1h, success: {yes_: done}, fallback: failed}
  done: {end: success}
  failed: {end: failed}
"""


@pytest.fixture
def workflow(tmp_path: Path) -> Iterator[Workflow]:
    """A workflow that sends something a hundred times, and asks a person then."""
    (tmp_path / "hostile_steps.py").write_text("async def send() -> int: ...\n")
    (tmp_path / "sending.fsm.yaml").write_text(SPEC)
    yield Workflow.of_spec(tmp_path / "sending.fsm.yaml")
    sys.path[:] = [path for path in sys.path if path != str(tmp_path)]
    sys.modules.pop("hostile_steps", None)


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[Durable]:
    """A database of its own, in which runs that wait are let go."""
    with Durable(tmp_path / "runs.db", suspends=True) as opened:
        yield opened


class Sent:
    """The step that sends, and what it has sent: the visit of each request."""

    def __init__(self) -> None:
        self.visits: list[int] = []

    async def send(self, ctx: StepContext) -> int:
        """Send."""
        self.visits.append(ctx.visit)
        return ctx.visit


def carried_out(durable: Durable, run_id: str, sent: Sent) -> str:
    """Carry a run out until it waits, and give the state that does."""
    try:
        asyncio.run(durable.resume(run_id, steps={"send": sent.send}))
    except Suspended as suspended:
        return suspended.asked.state
    return ""


def test_a_full_disk_stops_a_run_before_its_next_effect(durable: Durable, workflow: Workflow) -> None:
    """Where nothing more can be written no effect is made that was not intended, and none is lost."""
    sent = Sent()
    run_id = durable.submit(workflow, {})
    pages = durable.store.do_now(lambda c: c.execute("PRAGMA page_count").fetchone()[0])
    durable.store.do_now(lambda c: c.execute(f"PRAGMA max_page_count = {pages + 12}").fetchone())
    with pytest.raises(StoreError, match="full"):
        carried_out(durable, run_id, sent)
    rows = durable.store.do_now(lambda c: rows_of(c, run_id))
    begun = [row for row in rows if row.kind == "begin"]
    assert 5 < len(sent.visits) == len(begun) < 100, "each effect was intended, and the next one was not made"

    durable.store.do_now(lambda c: c.execute("PRAGMA max_page_count = 1000000").fetchone())
    assert carried_out(durable, run_id, sent) == "ask"
    requests = Counter(sent.visits)
    assert len(requests) == 100
    assert sum(requests.values()) <= 101, "only what was under way is asked for again"


@pytest.mark.parametrize(
    "text",
    [
        '{"is":"os.system","command":"true"}',
        '{"is":"ended","outcome":"success","elapsed_us":1,"__reduce__":["os.system","true"]}',
        '{"is":["ended"],"outcome":"success"}',
        '{"outcome":"success"}',
        "[]",
        "null",
        "gASVCg==",
        "(cos\nsystem\n(S'true'\ntR.",
        "\x80\x04",
        "[" * 100_000,
    ],
)
def test_a_row_of_no_known_kind_is_refused(text: str) -> None:
    """A row that is none of the events that there are is no event, whatever else could be made of it."""
    with pytest.raises(ValueError, match=r"event|Expecting|Extra|nested|Invalid"):
        event_read(text)


@pytest.mark.parametrize(
    "value",
    [
        {"$object": "os:system", "$args": ["true"]},
        {"py/object": "os.system"},
        {"py/reduce": [{"py/function": "os.system"}, {"py/tuple": ["true"]}]},
        {"__class__": "subprocess.Popen", "args": ["true"]},
        {"$date": "2026-01-01"},
        {"!!python/object/apply:os.system": ["true"]},
    ],
)
def test_tags_that_name_code_stay_data(value: dict[str, Any]) -> None:
    """Nothing in a row names a class or a function: what looks so is read as the plain data that it is."""
    event = event_read(f'{{"is":"ended","outcome":"success","value":{_json(value)}}}')

    assert isinstance(event, Ended)
    assert event.value == value == read(_json(value))


def _json(value: Any) -> str:
    import json

    return json.dumps(value)


def test_a_row_with_a_good_checksum_and_no_known_kind_is_refused(
    durable: Durable, workflow: Workflow
) -> None:
    """Who can write checksums can still not make a run of anything but its own events."""
    run_id = durable.submit(workflow, {})
    (first,) = durable.store.do_now(lambda c: rows_of(c, run_id))
    for kind, body in (
        ("pickle", "gASVCg=="),
        ("event", '{"is":"os.system"}'),
        ("begin", "cos\nsystem"),
        ("taken", "[]"),
    ):
        before = chained(run_id, *first)
        row = (run_id, 1, kind, body, chained(before, kind, body))
        durable.store.do_now(lambda c, row=row: _put(c, run_id, row))
        with pytest.raises(Corrupt):
            carried_out(durable, run_id, Sent())


def _put(connection: sqlite3.Connection, run_id: str, row: tuple[Any, ...]) -> None:
    connection.execute("DELETE FROM journal WHERE run_id = ? AND seq = 1", (run_id,))
    connection.execute("INSERT INTO journal VALUES (?, ?, ?, ?, ?)", row)


CONNECTING = (
    "urllib.request",
    "http",
    "httpx",
    "requests",
    "aiohttp",
    "ftplib",
    "smtplib",
    "ssl",
    "websockets",
)
"""Modules by which an address could be fetched; sockets are for the name of this machine."""


def imported(path: Path) -> Iterator[str]:
    """Give the names of the modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module


def test_no_address_that_a_workflow_names_is_fetched() -> None:
    """There is no step of our own that fetches: an address in an input, a spec or an answer stays text."""
    package = Path(fsmflow.__file__).parent
    found = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for name in imported(path)
        if any(name == each or name.startswith(f"{each}.") for each in CONNECTING)
    }
    sockets = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if {"socket", "asyncio.streams"} & set(imported(path))
    }

    assert found == set()
    assert sockets <= {"engines/owners.py"}
