"""Whoever looks at a damaged database, or waits while it can't be read, is told, and nothing is changed."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fsmflow.cli import app
from fsmflow.engines.durable import Durable, Suspended
from fsmflow.engines.store import Store, StoreError
from fsmflow.engines.workflows import Workflow
from tests.engines.disk.order import workflow_in

COMMANDS = ("runs", "runs asked", "resume asked", "waiting", "answer asked ask good", "cancel asked", "gc")

DAMAGE = {
    "a row of the journal": "UPDATE journal SET body = replace(body, 'a ship', 'a shop') WHERE seq = 0",
    "what waits": "UPDATE journal SET body = replace(body, '\"ask\"', '\"bsk\"') WHERE kind = 'begin'",
    "the machine": "UPDATE machines SET machine = replace(machine, '\"done\"', '\"dome\"')",
    "the machine's text": "UPDATE machines SET machine = substr(machine, 2)",
    "the ledger": "UPDATE runs SET spent = substr(spent, 2)",
    "all rows": "DELETE FROM journal",
}


@pytest.fixture(scope="module")
def asked(specs: Path) -> Workflow:
    """A workflow that asks a person."""
    return workflow_in(specs, "disk_asked")


def waiting(asked: Workflow, path: Path) -> None:
    """Make a database with a run that waits for an answer."""
    with Durable(path, suspends=True) as durable:
        durable.submit(asked, {"item": "a ship"}, run_id="asked")
        with pytest.raises(Suspended):
            asyncio.run(durable.resume("asked"))


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("what", DAMAGE)
def test_no_command_ends_in_a_traceback(command: str, what: str, asked: Workflow, tmp_path: Path) -> None:
    """A command that meets damage says so in a line, and one that does not meet it does its work."""
    path = tmp_path / "runs.db"
    waiting(asked, path)
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(DAMAGE[what]).rowcount > 0

    result = CliRunner().invoke(app, [*command.split(), "--db", str(path)])

    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("at", [0, 20, 100, 1_000, 3_000])
def test_a_file_that_is_no_database_any_more_is_told(
    command: str, at: int, asked: Workflow, tmp_path: Path
) -> None:
    """A command on a database of which a part is garbage says that it can't be read."""
    path = tmp_path / "runs.db"
    waiting(asked, path)
    data = path.read_bytes()
    path.write_bytes(data[:at] + b"\xf5garbage" * 12 + data[at + 96 :])

    result = CliRunner().invoke(app, [*command.split(), "--db", str(path)])

    assert result.exit_code != 0
    assert isinstance(result.exception, SystemExit), repr(result.exception)


HURT = {
    "a row of the journal": "UPDATE journal SET body = replace(body, 'a ship', 'a shop') WHERE",
    "what waits": "UPDATE journal SET body = replace(body, '\"ask\"', '\"bsk\"') WHERE kind = 'begin' AND",
    "all rows": "DELETE FROM journal WHERE",
    "the ledger": "UPDATE runs SET spent = substr(spent, 2) WHERE",
    "a byte that is no text": "UPDATE runs SET code = CAST(x'6ff5' AS TEXT) WHERE",
    "when it ended": "UPDATE runs SET ended_ns = 5 WHERE",
    "how it ended": "UPDATE runs SET status = 'done', ended_ns = 5 WHERE",
}

SHOWS = {
    "runs": {"asked", "due", "over"},
    "waiting": {"asked"},
    "serve --until-idle": {"due"},
    "resume --all": {"due"},
    "gc --older-than 0s": {"over"},
}


def of_others(asked: Workflow, path: Path) -> None:
    """Make a database with a run that will be hurt, one that waits, one that is due, and one that is over."""
    with Durable(path, suspends=True) as durable:
        for run_id in ("hurt", "asked", "due", "over"):
            durable.submit(asked, {"item": "a ship"}, run_id=run_id)
        for run_id in ("hurt", "asked"):
            with pytest.raises(Suspended):
                asyncio.run(durable.resume(run_id))
        durable.cancel("over")


def left(path: Path) -> dict[str, Any]:
    """Give what became of each run."""
    with closing(sqlite3.connect(path)) as connection, connection:
        return dict(connection.execute("SELECT run_id, status FROM runs").fetchall())


@pytest.mark.parametrize(
    ("command", "what"),
    [
        *(("runs", what) for what in HURT if what != "a row of the journal"),
        *(("waiting", what) for what in HURT if what != "how it ended"),
        *(("gc --older-than 0s", what) for what in ["how it ended"]),
    ],
)
def test_a_run_that_is_damaged_hides_no_other(
    command: str, what: str, asked: Workflow, tmp_path: Path
) -> None:
    """A command does its work on all runs that can be read, names the one that can't, and exits with 1."""
    path = tmp_path / "runs.db"
    of_others(asked, path)
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(f"{HURT[what]} run_id = 'hurt'").rowcount > 0
    result = CliRunner().invoke(app, [*command.split(), "--db", str(path)])

    assert result.exit_code == 1
    assert result.stderr.startswith("hurt can't be read: ")
    assert result.stderr.count("\n") == 1
    for run_id in SHOWS[command]:
        assert run_id in result.stdout or run_id not in left(path)
    assert "hurt" in left(path)


@pytest.mark.parametrize("command", ["serve --until-idle", "resume --all"])
@pytest.mark.parametrize("what", [what for what in HURT if what != "how it ended"])
def test_a_run_that_is_damaged_holds_up_no_other(
    command: str, what: str, asked: Workflow, tmp_path: Path
) -> None:
    """Whoever carries out all that is due goes on past a run that is damaged, names it, and exits with 1."""
    path = tmp_path / "runs.db"
    of_others(asked, path)
    with Durable(path, suspends=True) as durable:
        durable.answer("hurt", "ask", value="good")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"{HURT[what]} run_id = 'hurt'")
    result = CliRunner().invoke(app, [*command.split(), "--db", str(path)])

    assert result.exit_code == 1
    assert "hurt" in result.output
    assert "internal error" not in result.output
    assert left(path)["due"] == "waiting"


@pytest.mark.parametrize("what", ["the machine", "the machine's text"])
@pytest.mark.parametrize("command", ["waiting", "gc --older-than 0s"])
def test_a_machine_that_is_damaged_is_told_with_a_run_of_it(
    command: str, what: str, asked: Workflow, tmp_path: Path
) -> None:
    """Where a machine can't be read, a run is named that needs it, and no machine is forgotten."""
    path = tmp_path / "runs.db"
    of_others(asked, path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(DAMAGE[what])
        machines = connection.execute("SELECT * FROM machines").fetchall()
    result = CliRunner().invoke(app, [*command.split(), "--db", str(path)])

    assert result.exit_code == 1
    assert "asked can't be read: " in result.stderr
    assert ("over" in left(path)) == (command == "waiting")
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute("SELECT * FROM machines").fetchall() == machines


class _Once(Store):
    """A database that can't be read once, while a file says so."""

    def _commit(self, batch: Any) -> None:
        mark = self.path.parent / "broken"
        if not mark.exists():
            super()._commit(batch)
            return
        mark.unlink()
        self._undo()
        for handed in batch:
            handed.error = StoreError("disk I/O error")


def test_a_question_outlives_a_database_that_could_not_be_read(asked: Workflow, tmp_path: Path) -> None:
    """Whoever waits for an answer and can't look for it has no answer, and no failure either."""
    with Durable(tmp_path / "runs.db", store=_Once) as durable:
        durable.submit(asked, {"item": "a ship"}, run_id="asked")

        async def wait() -> None:
            running = asyncio.create_task(durable.resume("asked"))
            while durable.find("asked").status != "waiting":
                await asyncio.sleep(0.01)
            (tmp_path / "broken").touch()
            await asyncio.wait([running], timeout=0.5)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

        asyncio.run(wait())

        assert durable.find("asked").status == "waiting"
