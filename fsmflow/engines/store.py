"""The database of durable runs: SQLite in WAL mode with `synchronous=FULL`, written by one thread.

What is handed over while a transaction is being committed is committed together in the next one (group
commit; Gray and Reuter, "Transaction Processing", 1993, §9.4.7), so that runs side by side share its cost.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

from fsmflow.engines.handing import Handed, Work
from fsmflow.engines.schema import SCHEMA, SCHEMA_VERSION, TABLES
from fsmflow.runtime.journal import Unkept

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

T = TypeVar("T")


_BROKEN = (sqlite3.Error, UnicodeDecodeError)
"""What says that a database can't be used; what is said of a damaged one can't always be read."""


class StoreError(Unkept):
    """The database can't be opened, read or written; the message says why."""


class Replaced(StoreError):
    """The file of a database that is open has gone from its place: nobody else sees what is written there."""


class Store:
    """A database of durable runs.

    What is done to it is a function of its connection. Each sees the database as if it were alone, and is
    done whole or not at all.
    """

    def __init__(self, path: Path) -> None:
        """Open the database, and make it if there is none.

        Raises:
            StoreError: It can't be opened, or is no database of durable runs of this version.
        """
        self.path = path
        self._process = os.getpid()
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
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            # A path from the root on is one of a file; others SQLite may take for an address, or for memory.
            self._place = path.absolute()
            self._file = self._place.stat()
            self._connection = sqlite3.connect(
                self._place, check_same_thread=False, isolation_level=None, timeout=WAITS_MS / 1e3
            )
            self._connection.text_factory = _text
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise
        except (*_BROKEN, OSError) as error:
            raise StoreError(f"{path}: {_why(error, path)}") from error
        self._thread = threading.Thread(target=self._work, name="fsmflow-store", daemon=True)
        self._thread.start()

    def _prepare(self) -> None:
        connection = self._connection
        # It counts for a database that is yet to be made, and writes nothing.
        connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
        is_new = self._is_new()
        self._switch_to_wal()
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        if is_new:
            # Whoever opens it at the same time makes it too, or finds it made.
            connection.executescript(
                f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version={SCHEMA_VERSION}; COMMIT"
            )

    def _switch_to_wal(self) -> None:
        """Have the database log ahead; SQLite lets nobody wait when two switch at once, but refuses one."""
        until = time.monotonic() + WAITS_MS / 1e3
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(TURN_S)
            else:
                return

    def _is_new(self) -> bool:
        """Tell whether nothing is in the database yet; nothing is written to one that is not ours.

        Raises:
            StoreError: It is another program's, or of another version.
        """
        connection = self._connection
        # In one transaction, beside which nobody makes it.
        connection.execute("BEGIN")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        connection.execute("COMMIT")
        if version == 0 and not names:
            return True
        if not names >= TABLES:
            raise StoreError(f"{self.path} is no database of durable runs")
        if version != SCHEMA_VERSION:
            by = "a later one: open it" if version > SCHEMA_VERSION else "an earlier one: let its runs end"
            raise StoreError(
                f"{self.path} is of version {version}, and this fsmflow of {SCHEMA_VERSION},"
                f" so that it was made by {by} with that fsmflow, or name another database"
            )
        return False

    def keep_place(self) -> None:
        """Make sure that the file that is open is the one that others find.

        Raises:
            Replaced: It was moved or removed, or another one took its place: a backup, say.
        """
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(self._place.stat(), self._file):
                return
        # What stands in a log that is left there would be written into the next database of that name.
        name = self.path.name
        raise Replaced(
            f"{self.path} is not the file that was opened: it was moved, removed or replaced;"
            f" before another takes its place, stop all who use it, and remove {name}-wal and {name}-shm"
        )

    def _keep_process(self) -> None:
        """Make sure that this is the process that opened it: no thread outlives a fork, and no connection.

        Raises:
            StoreError: It is another one.
        """
        if os.getpid() != self._process:
            raise StoreError(
                f"{self.path} was opened before this process was forked: open it anew in this one"
            )

    def _hand_over(self, handed: Handed) -> None:
        self._keep_process()
        with self._closing:
            if self._is_closed:
                raise StoreError(f"{self.path} is closed")
            self._queue.put(handed)

    async def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do work, and wait until it is committed. It is done also if whoever waits no longer does.

        Raises:
            StoreError: It could not be committed; nothing of it was done.
        """
        self._keep_process()
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
        if os.getpid() != self._process:
            # It is another process's to close.
            return
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
        except Exception as error:  # noqa: BLE001 - it is told: whoever waits would wait for ever
            self._undo()
            told = (
                StoreError(f"{self.path}: {_why(error, self.path)}") if isinstance(error, _BROKEN) else error
            )
            for handed in batch:
                handed.error = handed.error or told
        self._took_s += (time.perf_counter() - began - self._took_s) / 8

    def _several(self, together: Any, like: list[Handed]) -> None:
        errors = together(self._connection, [handed.work for handed in like])
        for handed, error in zip(like, errors, strict=True):
            handed.error = error

    def _one(self, handed: Handed) -> None:
        self._connection.execute("SAVEPOINT one")
        try:
            handed.found = handed.work(self._connection)
        except _BROKEN:
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


def _why(error: Exception, path: Path) -> str:
    """Say why a database can't be used, where SQLite does not say it all."""
    if isinstance(error, OSError):
        return f"{error.strerror}; a database of durable runs is read and written by all who use it"
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) and _is_full(path):
        return f"{error}: the disk is full"
    if code == sqlite3.SQLITE_BUSY:
        return f"{error}: another program has not let it go for {WAITS_MS // 1000} s"
    if code == sqlite3.SQLITE_READONLY:
        return f"{error}: its folder has to be one that can be written too"
    return str(error)


def _is_full(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return shutil.disk_usage(path.parent).free == 0
    return False


def _text(data: bytes) -> str:
    """Read a text; one that is damaged is another one, as its checksum tells, and hides no other."""
    return data.decode("utf-8", "surrogateescape")


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
