"""Taking runs, and holding them: a process renews its leases for as long as it carries the runs out."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, NamedTuple

from fsmflow.engines.leases import Lease
from fsmflow.engines.owners import is_alive
from fsmflow.engines.records import OPEN, NoSuchRun, Over, about_run
from fsmflow.engines.rows import Corrupt, Read, asks, read_run
from fsmflow.engines.store import Store, StoreError
from fsmflow.engines.stored_desk import Suspended


class Taken(RuntimeError):
    """Another process has the run; the message says which."""


class _RanOut(Exception):
    """The lease of a run has run out, by a wall clock, though its owner may be there."""

    def __init__(self, lease: tuple[int, int]) -> None:
        super().__init__()
        self.lease = lease


class Held(NamedTuple):
    """A run that was taken.

    Attributes:
        lease: The right to write of it.
        about: What is kept of it beside its journal.
        kept: Its journal.
    """

    lease: Lease
    about: Mapping[str, Any]
    kept: Read


def take(
    connection: sqlite3.Connection,
    run_id: str,
    owner: str,
    lease_ns: int,
    stood: tuple[int, int] | None,
) -> Held:
    """Take a run that nobody has, or whose owner is gone.

    Args:
        connection: The database.
        run_id: The run's id.
        owner: Who takes it.
        lease_ns: For how long.
        stood: The lease, with its fencing number, that had run out a while ago.

    Raises:
        NoSuchRun: There is none of this id.
        Over: It is over.
        Taken: Another process has it.
        Corrupt: Its journal is damaged.
        _RanOut: Its lease has, and is not the one that had a while ago.
    """
    about = about_run(connection, run_id)
    if about["parent_id"] is not None:
        raise NoSuchRun(f"{run_id} is a child's run: resume {about['root_id']}")
    if about["status"] not in OPEN:
        raise Over(f"the run {run_id} is {about['status']}")
    before, now = about["owner"], time.time_ns()
    if before is not None and is_alive(before):
        if about["lease_ns"] > now:
            raise Taken(f"the run {run_id} is carried out by {before}")
        if stood != (about["fence"], about["lease_ns"]):
            raise _RanOut((about["fence"], about["lease_ns"]))
    lease = Lease(run_id, owner, about["fence"] + 1)
    kept = read_run(connection, run_id)
    if not kept.rows:
        raise Corrupt(f"the journal of {run_id} is gone")
    # Its own question waits on, for anybody to answer.
    status = "waiting" if asks(kept.rows) else "running"
    connection.execute(
        "UPDATE runs SET owner = ?, fence = ?, lease_ns = ?, status = ? WHERE run_id = ?",
        (lease.owner, lease.fence, now + lease_ns, status, run_id),
    )
    return Held(lease, about, kept)


class _Hold:
    """A lease that a task holds."""

    __slots__ = ("is_lost", "lease", "task", "until_ns")

    def __init__(self, lease: Lease, task: asyncio.Task[Any], until_ns: int) -> None:
        self.lease = lease
        self.task = task
        self.until_ns = until_ns
        self.is_lost = False


class Leases:
    """The leases that this process holds, each for a task, and renews."""

    def __init__(self, store: Store, owner: str, lease_ns: int) -> None:
        self._store = store
        self._owner = owner
        self._lease_ns = lease_ns
        self._holds: dict[asyncio.AbstractEventLoop, set[_Hold]] = {}
        self._renewing: dict[asyncio.AbstractEventLoop, asyncio.TimerHandle | asyncio.Task[None]] = {}

    @asynccontextmanager
    async def held(self, run_id: str) -> AsyncIterator[Held]:
        """Hold a run while the block runs; if it is lost, stop the task.

        Raises:
            NoSuchRun: There is none of this id.
            Over: It is over.
            Taken: Another process has it.
            Fenced: It was lost meanwhile.
        """
        until = time.monotonic_ns() + self._lease_ns
        taken = await self._taken(run_id)
        lease = taken.lease
        task = asyncio.current_task()
        assert task is not None
        hold = _Hold(lease, task, until)
        self._begin(hold)
        try:
            try:
                yield taken
            finally:
                # What a renewal finds from now on is none of this task's business.
                self._end(hold)
        except asyncio.CancelledError:
            await self._let_go(lease, _released)
            if hold.is_lost:
                task.uncancel()
                raise lease.lost() from None
            raise
        except Suspended:
            await self._let_go(lease, _suspended)
            raise
        except BaseException:
            await self._let_go(lease, _released)
            raise

    async def _taken(self, run_id: str) -> Held:
        """Take a run; if its lease has run out, see first whether its owner renews it all the same.

        The clock may have been set, or the machine asleep. An owner that is well renews its lease twice in
        the time that it is given here, by a clock that nobody sets, and that sleeps with the machine.
        """
        stood: tuple[int, int] | None = None
        while True:
            work = partial(take, run_id=run_id, owner=self._owner, lease_ns=self._lease_ns, stood=stood)
            try:
                return await self._store.do(work)
            except _RanOut as found:
                stood = found.lease
            await asyncio.sleep(self._lease_ns / 2e9)

    async def _let_go(self, lease: Lease, how: Callable[[sqlite3.Connection, Lease], None]) -> None:
        await self._store.do(lambda connection: how(connection, lease))

    def _begin(self, hold: _Hold) -> None:
        """Renew a lease from now on, together with all others of tasks of the same loop."""
        loop = hold.task.get_loop()
        self._holds.setdefault(loop, set()).add(hold)
        if loop not in self._renewing:
            self._later(loop)

    def _end(self, hold: _Hold) -> None:
        loop = hold.task.get_loop()
        self._holds[loop].discard(hold)
        if not self._holds[loop]:
            del self._holds[loop]
            self._renewing.pop(loop).cancel()

    def _later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._renewing[loop] = loop.call_later(self._lease_ns / 4e9, self._now, loop)

    def _now(self, loop: asyncio.AbstractEventLoop) -> None:
        self._renewing[loop] = loop.create_task(self._renew(loop))

    async def _renew(self, loop: asyncio.AbstractEventLoop) -> None:
        """Renew the leases of a loop; the task of one that is lost, or whose run is cancelled, is stopped.

        A database that can't be written for a while is tried again until the lease has run out.
        """
        holds = list(self._holds[loop])
        until = time.monotonic_ns() + self._lease_ns
        renewed = partial(
            _renewed, leases=[hold.lease for hold in holds], until_ns=time.time_ns() + self._lease_ns
        )
        try:
            kept = await self._store.do(renewed)
        except StoreError:
            kept = {hold.lease for hold in holds if time.monotonic_ns() < hold.until_ns}
        else:
            for hold in holds:
                hold.until_ns = until
        for hold in holds:
            if hold.lease not in kept and hold in self._holds.get(loop, ()) and not hold.is_lost:
                hold.is_lost = True
                hold.task.cancel()
        if loop in self._holds:
            self._later(loop)


def _renewed(connection: sqlite3.Connection, leases: Iterable[Lease], until_ns: int) -> set[Lease]:
    """Renew leases, and give those that are held still."""
    statement = (
        "UPDATE runs SET lease_ns = ? WHERE run_id = ? AND owner = ? AND fence = ? AND is_cancelled = 0"
    )
    return {lease for lease in leases if connection.execute(statement, (until_ns, *lease)).rowcount == 1}


def _released(connection: sqlite3.Connection, lease: Lease) -> None:
    """Let a run go; one that has not begun is what it was."""
    connection.execute(
        "UPDATE runs SET owner = NULL, status = CASE WHEN status = 'running'"
        " AND NOT EXISTS (SELECT 1 FROM journal WHERE journal.run_id = runs.run_id AND seq > 0)"
        " THEN 'submitted' ELSE status END"
        " WHERE run_id = ? AND owner = ? AND fence = ?",
        lease,
    )


def _suspended(connection: sqlite3.Connection, lease: Lease) -> None:
    """Let a run go that waits for a person, itself or in a workflow that it calls; note until when."""
    connection.execute(
        "UPDATE runs SET status = 'waiting', wake_ns ="
        " (SELECT min(wake_ns) FROM runs AS each WHERE each.root_id = ? AND each.status = 'waiting')"
        " WHERE run_id = ? AND owner = ? AND fence = ?",
        (lease.root_id, *lease),
    )
    _released(connection, lease)
