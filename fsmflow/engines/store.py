"""The database of durable runs: SQLite in WAL mode with `synchronous=FULL`, written by one thread.

What is handed over while a transaction is being committed is committed together in the next one (group
commit; Gray and Reuter, "Transaction Processing", 1993, §9.4.7), so that runs side by side share its cost.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

SCHEMA_VERSION = 2

PAGE_BYTES = 1_024
"""How large a page is: a step changes two, and is as quick as they are small."""

CHECKPOINT_PAGES = 2_000
"""After how many pages the write-ahead log is carried over into the database, and begun anew in its place."""

WAITS_MS = 30_000
"""How long another process that writes is waited for, in milliseconds."""

QUICK_S = 0.002
"""Up to how long transactions may take to be made in a thread that has other things to do as well."""

TURN_S = 0.005
"""After how long other tasks have their turn, in a thread that makes one transaction after another."""

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
    run_id TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, chain TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS journal_by_run ON journal (run_id, seq);
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


class Joint(Protocol):
    """Work that is cheaper done together with its like than one after another."""

    def __call__(self, connection: sqlite3.Connection) -> Any:
        """Never called: see `together`."""

    @classmethod
    def together(cls, connection: sqlite3.Connection, works: Sequence[Self]) -> Sequence[Exception | None]:
        """Do several works, and give for each why it was refused: of one that was, nothing is done."""


class Handed:
    """Work that was handed over, and what came of it.

    Attributes:
        work: The work.
        found: What it gave, once it is committed.
        error: Why it was not done, if it was not.
    """

    __slots__ = ("_done", "error", "found", "work")

    def __init__(self, work: Work, done: asyncio.Future[None] | threading.Event | None = None) -> None:
        """Hand work over; who waits for it, if anyone does, waits for `done`."""
        self.work = work
        self.found: Any = None
        self.error: Exception | None = None
        self._done = done

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop of the task that waits; None if a thread does."""
        return self._done.get_loop() if isinstance(self._done, asyncio.Future) else None

    def outcome(self) -> Any:
        """Give what came of it."""
        if self.error is not None:
            raise self.error
        return self.found

    def tell(self) -> None:
        """Let whoever waits go on; in the thread of its loop."""
        if isinstance(self._done, threading.Event):
            self._done.set()
        elif self._done is not None and not self._done.done():
            self._done.set_result(None)


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
        self._queue: queue.SimpleQueue[Handed | None] = queue.SimpleQueue()
        self._using = threading.Lock()
        self._latest: asyncio.Task[Any] | None = None
        self._took_s = 0.0
        self._yielded_s = 0.0
        self._waits_ms = WAITS_MS
        try:
            # What runs are given and give is for their user's eyes.
            path.touch(mode=0o600)
            self._connection = sqlite3.connect(
                path, check_same_thread=False, isolation_level=None, timeout=WAITS_MS / 1e3
            )
            self._prepare()
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{path}: {error}") from error
        self._thread = threading.Thread(target=self._work, name="fsmflow-store", daemon=True)
        self._thread.start()

    def _prepare(self) -> None:
        connection = self._connection
        connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == SCHEMA_VERSION:
            return
        if version != 0:
            raise StoreError(f"{self.path} is of version {version}, and this fsmflow of {SCHEMA_VERSION}")
        # Whoever opens it at the same time makes it too, or finds it made.
        connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version={SCHEMA_VERSION}; COMMIT")

    def _hand_over(self, handed: Handed) -> None:
        with self._closing:
            if self._is_closed:
                raise StoreError(f"{self.path} is closed")
            self._queue.put(handed)

    async def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do work, and wait until it is committed. It is done also if whoever waits no longer does.

        Raises:
            StoreError: It could not be committed; nothing of it was done.
        """
        task = asyncio.current_task()
        # Nobody else has used the database since this task did.
        is_alone = task is self._latest and self._took_s < QUICK_S
        handed = self._at_once(work) if is_alone else None
        if handed is None:
            self._latest = task
            done = asyncio.get_running_loop().create_future()
            handed = Handed(work, done)
            self._hand_over(handed)
            await done
            self._yielded_s = time.perf_counter()
        elif time.perf_counter() - self._yielded_s > TURN_S:
            await asyncio.sleep(0)
            self._yielded_s = time.perf_counter()
        found: T = handed.outcome()
        return found

    def _at_once(self, work: Work) -> Handed | None:
        """Do work in this thread, if nobody else uses the database.

        A run that is alone waits for each commit anyway, and to wake two threads takes as long as a quick
        disk does.
        """
        if self._is_closed or not self._queue.empty() or not self._using.acquire(blocking=False):
            return None
        try:
            self._wait_for_others(0)
            self._connection.execute("BEGIN IMMEDIATE")
            handed = Handed(work)
            self._commit([handed])
            return handed
        except sqlite3.Error:
            # Another process writes: to wait for it is not this thread's.
            return None
        finally:
            self._using.release()

    def do_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do what `do` does, from code that is not async."""
        done = threading.Event()
        handed = Handed(work, done)
        self._hand_over(handed)
        done.wait()
        found: T = handed.outcome()
        return found

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
            handed = [each for each in batch if each is not None]
            if handed:
                with self._using:
                    self._wait_for_others(WAITS_MS)
                    self._commit(handed)
                _tell(handed)
            if None in batch:
                with self._using:
                    self._connection.close()
                return

    def _wait_for_others(self, longest_ms: int) -> None:
        """Say how long another process that writes is waited for."""
        if longest_ms != self._waits_ms:
            self._connection.execute(f"PRAGMA busy_timeout={longest_ms}")
            self._waits_ms = longest_ms

    def _commit(self, batch: list[Handed]) -> None:
        """Do a batch in one transaction; what raises is undone alone."""
        began = time.perf_counter()
        try:
            if not self._connection.in_transaction:
                self._connection.execute("BEGIN IMMEDIATE")
            for together, like in groupby(batch, lambda handed: getattr(handed.work, "together", None)):
                if together is None:
                    for handed in like:
                        self._one(handed)
                else:
                    self._several(together, list(like))
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._undo()
            for handed in batch:
                handed.error = handed.error or StoreError(f"{self.path}: {error}")
        self._took_s += (time.perf_counter() - began - self._took_s) / 8

    def _several(self, together: Any, like: list[Handed]) -> None:
        for handed, error in zip(
            like, together(self._connection, [handed.work for handed in like]), strict=True
        ):
            handed.error = error

    def _one(self, handed: Handed) -> None:
        self._connection.execute("SAVEPOINT one")
        try:
            handed.found = handed.work(self._connection)
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001 - it is told to whoever handed the work over
            self._connection.execute("ROLLBACK TO one")
            handed.error = error
        self._connection.execute("RELEASE one")

    def _undo(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            # The next transaction says what is wrong.
            return


def _tell(batch: list[Handed]) -> None:
    """Let all go on who wait for a batch: each loop is woken once."""
    waiting: dict[asyncio.AbstractEventLoop | None, list[Handed]] = {}
    for handed in batch:
        waiting.setdefault(handed.loop, []).append(handed)
    for loop, several in waiting.items():
        if loop is None:
            _tell_all(several)
            continue
        try:
            loop.call_soon_threadsafe(_tell_all, several)
        except RuntimeError:
            # The loop was closed meanwhile: nobody waits there.
            continue


def _tell_all(several: list[Handed]) -> None:
    for handed in several:
        handed.tell()
