"""What another version of fsmflow keeps, whole and not known here, is told as that and not as damage."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import pytest

from fsmflow.engines.durable import Corrupt, Durable, Suspended
from fsmflow.engines.machines import BadMachine, read_machine
from fsmflow.engines.rows import Chain, Row, insert, rows_of
from fsmflow.engines.workflows import Workflow
from fsmflow.machine import canonical

SPEC = """
fsmflow: 1
workflow: waiting
budget: {steps: 5}
states:
  rest: {wait: 1ms, success: ask}
  ask: {ask: Enough?, timeout: 1h, success: {yes_: done}, fallback: failed}
  done: {end: success}
  failed: {end: failed}
"""
GO_ON = "another version of fsmflow keeps it so: go on with that one"


@pytest.fixture
def workflow(tmp_path: Path) -> Workflow:
    """A workflow that pauses, and asks a person then."""
    (tmp_path / "waiting.fsm.yaml").write_text(SPEC)
    return Workflow.of_spec(tmp_path / "waiting.fsm.yaml")


@pytest.fixture
def durable(tmp_path: Path, workflow: Workflow) -> Iterator[Durable]:
    """A database with a run, `r1`, that waits for a person."""
    with Durable(tmp_path / "runs.db", suspends=True) as opened:
        with pytest.raises(Suspended):
            asyncio.run(opened.run(workflow, {}, run_id="r1"))
        yield opened


def journal_kept(durable: Durable, change: Callable[[list[Row]], Sequence[Row]]) -> None:
    """Keep other rows as the journal of `r1`, with the checksums that are theirs."""

    def work(connection: sqlite3.Connection) -> None:
        rows = change(rows_of(connection, "r1"))
        connection.execute("DELETE FROM journal")
        chain = Chain("r1")
        insert(connection, [chain.add(*row, []) for row in rows])

    durable.store.do_now(work)


def with_a_row_of_another_kind(rows: list[Row]) -> list[Row]:
    """Add a row of a kind that there is not yet."""
    return [*rows[:-1], Row("budget", "{}"), rows[-1]]


def with_another_field(rows: list[Row]) -> list[Row]:
    """Have each event say more than events do."""
    return [Row(row.kind, row.body[:-1] + ',"mood":1}' if row.kind == "event" else row.body) for row in rows]


def with_a_field_less(rows: list[Row]) -> list[Row]:
    """Have what has begun not say since when."""
    return [Row(row.kind, row.body.replace('"at_ns"', '"at_us"')) for row in rows]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (with_a_row_of_another_kind, "the journal of r1 has a row of the kind 'budget'"),
        (with_another_field, "the journal of r1 has an event of the kind 'elapsed' with other fields"),
        (with_a_field_less, "a row of the kind 'begin' does not say at_ns"),
    ],
)
def test_a_row_that_is_whole_and_not_known_is_another_versions(
    durable: Durable, change: Callable[[list[Row]], Sequence[Row]], what: str
) -> None:
    """A row whose checksum is right, and that says something else, is not passed over, nor called damaged."""
    journal_kept(durable, change)

    for look in (durable.resume, durable.trace):
        with pytest.raises(Corrupt) as refused:
            asyncio.run(look("r1"))
        assert str(refused.value) == f"{what}; {GO_ON}"


@pytest.mark.parametrize(
    "changes", [{"quota": 3}, {"states": []}, {"start": 1}], ids=["more", "less", "otherwise"]
)
def test_a_machine_that_is_whole_and_not_known_is_another_versions(
    workflow: Workflow, changes: dict[str, object]
) -> None:
    """A machine that has its digest, and can't be read, is told as another version's."""
    text = json.dumps({**json.loads(canonical(workflow.machine)), **changes})
    digest = sha256(text.encode()).hexdigest()

    with pytest.raises(BadMachine) as refused:
        read_machine(text, digest)

    assert str(refused.value).startswith(f"the machine {digest[:12]} can't be read (")
    assert str(refused.value).endswith(f"); {GO_ON}")
    with pytest.raises(BadMachine, match="another one than its digest says"):
        read_machine(text, workflow.machine.digest)
