"""The database of durable runs: SQLite in WAL mode with `synchronous=FULL`, written by one thread.

What is handed over while a transaction is being committed is committed together in the next one (group
commit; Gray and Reuter, "Transaction Processing", 1993, §9.4.7), so that runs side by side share its cost.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS machines (
    digest TEXT PRIMARY KEY, workflow TEXT NOT NULL, machine TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS runs (
    run_id TEXT PRIMARY KEY,
    root_id TEXT NOT NULL,
    parent_id TEXT,
    workflow TEXT NOT NULL,
    digest TEXT NOT NULL,
    folder TEXT NOT NULL,
    profile TEXT,
    profiles TEXT NOT NULL,
    code TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    status TEXT NOT NULL,
    state TEXT NOT NULL,
    spent TEXT NOT NULL,
    end_state TEXT,
    end_kind TEXT,
    created_ns INTEGER NOT NULL,
    ended_ns INTEGER,
    owner TEXT,
    fence INTEGER NOT NULL,
    lease_ns INTEGER NOT NULL,
    is_cancelled INTEGER NOT NULL,
    wake_ns INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS runs_by_status ON runs (status, created_ns);
CREATE INDEX IF NOT EXISTS runs_by_root ON runs (root_id);
CREATE TABLE IF NOT EXISTS journal (
    run_id TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, chain TEXT NOT NULL,
    PRIMARY KEY (run_id, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS payloads (hash TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers (
    token TEXT PRIMARY KEY, run_id TEXT NOT NULL, state TEXT NOT NULL, body TEXT NOT NULL,
    at_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], Any]


class StoreError(RuntimeError):
    """The database can't be opened, read or written; the message says why."""


class Store:
    """A database of durable runs.

    What is done to it is a function of its connection. Each sees the database as if it were alone, and is
    done whole or not at all.
    """

    def __init__(self, path: Path) -> None:
        """Open the database, and make it if there is none.

        Raises:
            StoreError: It can't be opened, or is no database of this version.
        """
        self.path = path
        self._closing = threading.Lock()
        self._is_closed = False
        self._queue: queue.SimpleQueue[tuple[Work, Future[Any]] | None] = queue.SimpleQueue()
        try:
            # What runs are given and give is for their user's eyes.
            path.touch(mode=0o600)
            self._connection = sqlite3.connect(
                path, check_same_thread=False, isolation_level=None, timeout=30
            )
            self._prepare()
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{path}: {error}") from error
        self._thread = threading.Thread(target=self._work, name="fsmflow-store", daemon=True)
        self._thread.start()

    def _prepare(self) -> None:
        connection = self._connection
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version not in (0, SCHEMA_VERSION):
            raise StoreError(f"{self.path} is of version {version}, and this fsmflow of {SCHEMA_VERSION}")
        connection.executescript(_SCHEMA)
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Hand work over; the future is done once it is committed."""
        future: Future[T] = Future()
        with self._closing:
            if self._is_closed:
                future.set_exception(StoreError(f"{self.path} is closed"))
            else:
                self._queue.put((work, future))
        return future

    async def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do work, and wait until it is committed.

        Raises:
            StoreError: It could not be committed; nothing of it was done.
        """
        # Shielded: work that is under way is done, whoever waits for it.
        return await asyncio.shield(asyncio.wrap_future(self.submit(work)))

    def do_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do what `do` does, from code that is not async."""
        return self.submit(work).result()

    def close(self) -> None:
        """Finish what was handed over, and close the database."""
        with self._closing:
            if not self._is_closed:
                self._is_closed = True
                self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while True:
            batch = [self._queue.get()]
            while not self._queue.empty():
                batch.append(self._queue.get())
            self._commit([entry for entry in batch if entry is not None])
            if None in batch:
                self._connection.close()
                return

    def _commit(self, batch: list[tuple[Work, Future[Any]]]) -> None:
        """Do a batch in one transaction; what raises is undone alone."""
        if not batch:
            return
        done: list[tuple[Future[Any], Any]] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for work, future in batch:
                self._one(work, future, done)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._undo()
            for _, future in batch:
                if not future.done():
                    future.set_exception(StoreError(f"{self.path}: {error}"))
            return
        for future, found in done:
            future.set_result(found)

    def _one(self, work: Work, future: Future[Any], done: list[tuple[Future[Any], Any]]) -> None:
        self._connection.execute("SAVEPOINT one")
        try:
            found = work(self._connection)
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001 - it is told to whoever handed the work over
            self._connection.execute("ROLLBACK TO one")
            future.set_exception(error)
        else:
            done.append((future, found))
        self._connection.execute("RELEASE one")

    def _undo(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            # The next transaction says what is wrong.
            return
