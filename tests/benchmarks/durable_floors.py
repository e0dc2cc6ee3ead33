"""The least that keeping runs could cost: a bare SQLite connection, one row a step, and nothing checked."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path

_TABLE = (
    "CREATE TABLE steps (run TEXT, seq INTEGER, state TEXT, body TEXT, PRIMARY KEY (run, seq)) WITHOUT ROWID"
)
_INSERT = "INSERT INTO steps VALUES (?, ?, ?, ?)"

Step = tuple[str, int, str, str]


def opened(path: Path, sync: str = "FULL") -> sqlite3.Connection:
    """Make a database in WAL mode."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={sync}")
    connection.execute(_TABLE)
    return connection


def one(connection: sqlite3.Connection, length: int) -> None:
    """Commit a row a step."""
    for number in range(length):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_INSERT, ("run", number, f"s{number}", json.dumps({"x": number})))
        connection.execute("COMMIT")


class GroupCommit:
    """Commits what has gathered while the last transaction was made as one."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._rows: list[Step] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._writing: asyncio.Task[None] | None = None

    def put(self, row: Step) -> asyncio.Future[None]:
        """Hand a row over; the future is done once it is committed."""
        future = asyncio.get_running_loop().create_future()
        self._rows.append(row)
        self._waiting.append(future)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return future

    async def _write(self) -> None:
        while self._rows:
            rows, waiting = self._rows, self._waiting
            self._rows, self._waiting = [], []
            await asyncio.to_thread(self._commit, rows)
            for future in waiting:
                future.set_result(None)
        self._writing = None

    def _commit(self, rows: list[Step]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(_INSERT, rows)
        self._connection.execute("COMMIT")


def many(connection: sqlite3.Connection, runs: int, length: int, step_s: float) -> None:
    """Wait and keep a row, so many times in so many runs at once."""
    commits = GroupCommit(connection)

    async def run(name: str) -> None:
        for number in range(length):
            await asyncio.sleep(step_s)
            await commits.put((name, number, f"s{number}", json.dumps({"x": number})))

    async def main() -> None:
        await asyncio.gather(*(run(f"{number:032x}") for number in range(runs)))

    asyncio.run(main())
