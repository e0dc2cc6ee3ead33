"""Durable runs: kept in a journal on this machine, so that they outlive the process they run in.

One process has a run at a time. It holds a lease that it renews, under a fencing number that rises with each
taker: whoever comes back late, a paused process say, can write no more.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self

from fsmflow.engines.forgetting import forget
from fsmflow.engines.journal import Corrupt, Fenced, Lease, body_of, rows_of
from fsmflow.engines.keeping import written
from fsmflow.engines.machines import called, read_machine
from fsmflow.engines.owners import is_alive, this_process
from fsmflow.engines.store import Store, StoreError
from fsmflow.engines.stored_desk import StoredDesk, Suspended
from fsmflow.engines.taking_up import StoredJournals, Unfit, add_run
from fsmflow.engines.workflows import Workflow
from fsmflow.machine import canonical
from fsmflow.runtime import Asked, Desk, NotWaiting, Result
from fsmflow.runtime.binding import Step
from fsmflow.runtime.clock import Clock, SystemClock
from fsmflow.runtime.desk import token_of
from fsmflow.runtime.execution import Execution, accepted
from fsmflow.runtime.hiding import Hiding
from fsmflow.runtime.secrets import Secrets
from fsmflow.runtime.steps import Bound
from fsmflow.runtime.trace import Sink
from fsmflow.runtime.world import World

LEASE_S = 10.0
"""How long a run stays a process's own that no longer says anything, in seconds."""

OPEN = ("submitted", "running", "waiting")


class NoSuchRun(LookupError):
    """There is no run of this id."""


class Taken(RuntimeError):
    """Another process has the run; the message says which."""


class Over(RuntimeError):
    """The run is over already."""


class Kept(NamedTuple):
    """What is known of a run that is kept.

    Attributes:
        run_id: Its id.
        workflow: The workflow's name.
        status: `submitted`, `running`, `waiting` (for a person), `done` or `cancelled`.
        state: Where it is, or was last.
        spent: Its ledger, as of then.
        end: The end that it came to.
        kind: The kind of that.
        created_ns: When it was submitted.
        ended_ns: When it ended.
        owner: The process that has it.
        parent_id: The run that runs it.
    """

    run_id: str
    workflow: str
    status: str
    state: str
    spent: Mapping[str, int]
    end: str | None
    kind: str | None
    created_ns: int
    ended_ns: int | None
    owner: str | None
    parent_id: str | None


class Question(NamedTuple):
    """A question that waits in a run that is kept.

    Attributes:
        run_id: The run that asks: a child's, maybe.
        root_id: The run that it belongs to.
        workflow: The workflow's name.
        digest: The digest of its machine.
        folder: The folder of its spec.
        state: The state that asks.
        visit: Which visit to it this is.
        shown: What the person sees, as plain data.
        asked_ns: When it was asked.
        until_ns: Until when an answer is waited for; None if for ever.
    """

    run_id: str
    root_id: str
    workflow: str
    digest: str
    folder: str
    state: str
    visit: int
    shown: Mapping[str, Any]
    asked_ns: int
    until_ns: int | None


class Durable:
    """Runs that are kept in the database at `path`."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        desk: Desk | None = None,
        suspends: bool = False,
        lease_s: float = LEASE_S,
        clock: Clock | None = None,
        warn: Callable[[str], None] = lambda _: None,
        store: Callable[[Path], Store] = Store,
    ) -> None:
        """Open the database, and make it if there is none.

        Args:
            path: The database's file.
            desk: Where people are asked beside the database, from which their answers can always come.
            suspends: Whether a run that waits for a person is let go, to be resumed once there is an answer.
            lease_s: How long a run stays this process's own if it can't renew its lease.
            clock: The clock that runs go by.
            warn: Is told what a resumed run should know: that its code has changed.
            store: Opens the database.

        Raises:
            StoreError: It can't be opened.
        """
        self.store = store(Path(path))
        self._owner = this_process()
        self._desk = StoredDesk(self.store, desk, suspends=suspends)
        self._lease_ns = int(lease_s * 1e9)
        self._clock = clock or SystemClock()
        self._warn = warn
        self._tasks: dict[str, asyncio.Task[Any]] = {}

    def close(self) -> None:
        """Close the database; runs that are under way stay where they are."""
        self.store.close()

    def __enter__(self) -> Self:
        """Give the runs."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the database."""
        self.close()

    def submit(
        self, workflow: Workflow, given: Any, *, run_id: str | None = None, profile: str | None = None
    ) -> str:
        """Keep a run that is to be run, by this process or another one, and give its id.

        Raises:
            Rejected: The input does not fit its type.
            Unkeepable: The input is no data.
            LookupError: There is no such profile.
            ValueError: There is a run of this id.
        """
        value = accepted(workflow.runner, given)
        if profile is not None and profile not in workflow.runner.profiles:
            known = ", ".join(sorted(workflow.runner.profiles)) or "none"
            raise LookupError(f"{workflow.machine.name} has no profile {profile!r}; it has: {known}")
        run_id = run_id or os.urandom(16).hex()
        text = written(value)
        swapped = {} if profile is None else {profile: dict(workflow.runner.profiles[profile])}
        machines = [
            (each.machine.digest, each.machine.name, canonical(each.machine)) for each in workflow.all
        ]

        def work(connection: sqlite3.Connection) -> None:
            if connection.execute("SELECT 1 FROM runs WHERE run_id = ?", (run_id,)).fetchone():
                raise ValueError(f"there is a run {run_id} already")
            connection.executemany("INSERT OR IGNORE INTO machines VALUES (?, ?, ?)", machines)
            add_run(
                connection,
                run_id=run_id,
                root_id=run_id,
                parent_id=None,
                workflow=workflow.machine.name,
                digest=workflow.machine.digest,
                folder=str(workflow.folder),
                trace_id=os.urandom(16).hex(),
                given=text,
                profile=profile,
                profiles=json.dumps(swapped),
                code=workflow.fingerprint,
            )

        self.store.do_now(work)
        return run_id

    async def run(
        self,
        workflow: Workflow,
        given: Any,
        *,
        run_id: str | None = None,
        profile: str | None = None,
        trace: Sink | None = None,
        live: bool = False,
    ) -> Result[Any]:
        """Submit a run, and carry it out; see `submit` and `resume`."""
        submitted = self.submit(workflow, given, run_id=run_id, profile=profile)
        return await self.resume(submitted, trace=trace, live=live, workflow=workflow)

    async def resume(
        self,
        run_id: str,
        *,
        trace: Sink | None = None,
        live: bool = False,
        workflow: Workflow | None = None,
        steps: Mapping[str, Step] | None = None,
    ) -> Result[Any]:
        """Take a run up where its journal ends, and carry it out to its end.

        The run keeps to the machine that it was submitted with, whatever has become of the spec.

        Args:
            run_id: The run's id.
            trace: Is called with each trace event, as plain data, when it happens.
            live: Whether `trace` is also told what begins.
            workflow: The workflow of the run, if it is at hand.
            steps: Use these implementations; see `Runner.bind`.

        Raises:
            NoSuchRun: There is none of this id.
            Over: It is over.
            Taken: Another process has it.
            Fenced: Another process has taken it over, or it was cancelled.
            Suspended: It waits for a person, and is not to wait in this process.
            Unfit: A value that it gave does not fit the code any more.
            Corrupt: Its journal is damaged.
            asyncio.CancelledError: This process was to stop; the run can be resumed.
        """
        async with self._claimed(run_id) as (lease, about):
            if workflow is None:
                workflow = self.workflow_of(run_id)
                if about["code"] and workflow.fingerprint != about["code"]:
                    self._warn(f"the code of `{about['workflow']}` has changed since {run_id} was submitted")
            bound = workflow.runner.bind(about["profile"], steps)
            return await self._carried_out(lease, workflow, bound, about, trace, live)

    async def _carried_out(
        self,
        lease: Lease,
        workflow: Workflow,
        bound: Mapping[str, Bound],
        about: Mapping[str, Any],
        trace: Sink | None,
        live: bool,
    ) -> Result[Any]:
        profile = about["profile"]
        world = World(
            clock=self._clock,
            random=random.Random(),  # noqa: S311 - jitter is no secret
            desk=self._desk,
            sink=trace,
            live=live,
            profile=profile,
            journals=StoredJournals(self.store, lease),
        )
        rows = await self.store.do(lambda connection: rows_of(connection, lease.root_id))
        execution = Execution(
            workflow.runner,
            body_of(rows[0])["input"],
            bound,
            world,
            run_id=lease.root_id,
            trace_id=about["trace_id"],
        )
        kind, end, output = await execution.finish()
        origin = (workflow.runner, profile, self._clock, execution.secrets)
        return Result(kind, end, output, execution.run, execution.record, origin)

    @asynccontextmanager
    async def _claimed(self, run_id: str) -> AsyncIterator[tuple[Lease, Mapping[str, Any]]]:
        """Hold a run while the block runs."""
        lease, about = await self.store.do(lambda connection: self._claim(connection, run_id))
        task = asyncio.current_task()
        assert task is not None
        renewing = asyncio.create_task(self._renew(lease, task))
        try:
            yield lease, about
        except asyncio.CancelledError:
            if renewing.done() and renewing.result():
                task.uncancel()
                raise Fenced(f"the run {run_id} is another process's, or was cancelled") from None
            raise
        except Suspended:
            await self.store.do(lambda connection: _suspended(connection, lease))
            raise
        finally:
            renewing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await renewing
            await self.store.do(lambda connection: _release(connection, lease))

    def _claim(self, connection: sqlite3.Connection, run_id: str) -> tuple[Lease, Mapping[str, Any]]:
        about = _about(connection, run_id)
        if about["parent_id"] is not None:
            raise NoSuchRun(f"{run_id} is a child's run: resume {about['root_id']}")
        if about["status"] not in OPEN:
            raise Over(f"the run {run_id} is {about['status']}")
        owner, now = about["owner"], time.time_ns()
        if owner is not None and about["lease_ns"] > now and is_alive(owner):
            raise Taken(f"the run {run_id} is carried out by {owner}")
        lease = Lease(run_id, self._owner, about["fence"] + 1)
        connection.execute(
            "UPDATE runs SET owner = ?, fence = ?, lease_ns = ?, status = 'running' WHERE run_id = ?",
            (lease.owner, lease.fence, now + self._lease_ns, run_id),
        )
        return lease, about

    async def _renew(self, lease: Lease, task: asyncio.Task[Any]) -> bool:
        """Renew a lease again and again; when it is lost, or the run cancelled, stop the run's task.

        A database that can't be written for a while is tried again until the lease has run out.
        """
        ours = time.time_ns() + self._lease_ns
        while True:
            await asyncio.sleep(self._lease_ns / 4e9)
            until = time.time_ns() + self._lease_ns
            try:
                is_held = await self.store.do(partial(_renewed, lease=lease, until_ns=until))
            except StoreError:
                is_held = time.time_ns() < ours
            else:
                ours = until
            if not is_held:
                task.cancel()
                return True

    def pinned(self, run_id: str) -> tuple[str, str, str]:
        """Give what a run is pinned to: the digest of its machine, its folder and its profile.

        Raises:
            NoSuchRun: There is no such run.
        """
        about = self.store.do_now(lambda connection: _about(connection, run_id))
        return (about["digest"], about["folder"], about["profile"] or "")

    def workflow_of(self, run_id: str) -> Workflow:
        """Make the workflow of a run, from the machine that travels with it.

        Raises:
            NoSuchRun: There is no such run.
            Corrupt: The machine is not what was kept.
        """
        about = self.store.do_now(lambda connection: _about(connection, run_id))
        folder = Path(about["folder"])
        profiles = json.loads(about["profiles"])
        return self._workflow(about["digest"], folder).with_profiles(profiles)

    def _workflow(self, digest: str, folder: Path) -> Workflow:
        def work(connection: sqlite3.Connection) -> str:
            found = connection.execute("SELECT machine FROM machines WHERE digest = ?", (digest,)).fetchone()
            if found is None:
                raise Corrupt(f"the machine {digest[:12]} is not kept")
            return str(found[0])

        machine = read_machine(self.store.do_now(work), digest)
        callees = {name: self._workflow(each, folder) for name, each in called(machine)}
        return Workflow.of_machine(machine, folder, callees)

    def runs(self, *, status: str | None = None, workflow: str | None = None) -> list[Kept]:
        """List the runs that are kept, without those of children, the latest first."""
        query = (
            "SELECT * FROM runs WHERE parent_id IS NULL"
            " AND status = coalesce(?, status) AND workflow = coalesce(?, workflow)"
            " ORDER BY created_ns DESC, run_id"
        )
        return self.store.do_now(
            lambda connection: [_kept(row) for row in connection.execute(query, (status, workflow))]
        )

    def find(self, run_id: str) -> Kept:
        """Say what is known of a run, by its id or by the beginning of it.

        Raises:
            NoSuchRun: There is none, or more than one.
        """

        def work(connection: sqlite3.Connection) -> list[Any]:
            query = "SELECT * FROM runs WHERE run_id = ? OR (parent_id IS NULL AND substr(run_id, 1, ?) = ?)"
            return connection.execute(f"{query} LIMIT 2", (run_id, len(run_id), run_id)).fetchall()

        found = self.store.do_now(work)
        exact = [row for row in found if row[0] == run_id]
        if len(exact or found) != 1 or not run_id:
            why = "there is no run" if not found else "there is more than one run that begins with"
            raise NoSuchRun(f"{why} {run_id}")
        return _kept((exact or found)[0])

    def cancel(self, run_id: str) -> None:
        """End a run as cancelled, whoever carries it out.

        Raises:
            NoSuchRun: There is none of this id.
            Over: It is over.
        """

        def work(connection: sqlite3.Connection) -> None:
            about = _about(connection, run_id)
            if about["status"] not in OPEN:
                raise Over(f"the run {run_id} is {about['status']}")
            connection.execute(
                "UPDATE runs SET status = 'cancelled', ended_ns = ?, is_cancelled = 1, owner = NULL"
                " WHERE root_id = ? AND status != 'done'",
                (time.time_ns(), about["root_id"]),
            )

        self.store.do_now(work)

    def gc(self, *, before_ns: int) -> int:
        """Forget runs that ended before a time, and what only they used; give how many."""
        return self.store.do_now(lambda connection: forget(connection, before_ns))

    def due(self, *, most: int) -> list[str]:
        """Give runs that somebody should carry out now, the oldest first, and at most so many.

        Those that were only submitted, those whose process is gone, and those that wait for an answer that
        has come, or for one that will not come in time.
        """
        now = time.time_ns()

        def work(connection: sqlite3.Connection) -> list[tuple[str, str | None, int]]:
            return connection.execute(
                "SELECT run_id, owner, lease_ns FROM runs WHERE parent_id IS NULL"
                " AND (status IN ('submitted', 'running')"
                " OR (status = 'waiting' AND (owner IS NOT NULL OR wake_ns <= ? OR EXISTS"
                " (SELECT 1 FROM answers JOIN runs AS asking ON asking.run_id = answers.run_id"
                "  WHERE asking.root_id = runs.run_id AND asking.status = 'waiting'"
                "  AND asking.state = answers.state)))) ORDER BY created_ns, run_id",
                (now,),
            ).fetchall()

        found = self.store.do_now(work)
        free = [run for run, owner, lease in found if owner is None or lease <= now or not is_alive(owner)]
        return free[:most]

    def questions(self, run_id: str | None = None) -> list[Question]:
        """Give the questions that wait, of one run or of all, the oldest first."""
        where, values = ("AND root_id = ?", (run_id,)) if run_id is not None else ("", ())

        def work(connection: sqlite3.Connection) -> list[Question]:
            columns = "run_id, root_id, workflow, digest, folder"
            ending = f"WHERE status = 'waiting' {where} ORDER BY created_ns"
            query = f"SELECT {columns} FROM runs {ending}"  # noqa: S608 - all of it is written here
            return [
                found
                for row in connection.execute(query, values).fetchall()
                if (found := _question(connection, *row)) is not None
            ]

        return self.store.do_now(work)

    def answer(self, run_id: str, state: str, label: str | None = None, value: Any = None) -> None:
        """Answer a question that waits: of a run, or of a workflow that it calls.

        The answer is kept, and taken when the run goes on: now, or when it is resumed.

        Args:
            run_id: The run's id.
            state: The state that asks.
            label: The label that is picked, if it has labels.
            value: What is filled in, as plain data, if anything is.

        Raises:
            NotWaiting: No such question waits, or it is answered already.
            Rejected: The answer is none of those that there are.
        """
        found = [each for each in self.questions(run_id) if each.state == state]
        if not found:
            raise NotWaiting(f"no question of `{state}` waits in {run_id}")
        until_ns = found[0].until_ns
        if until_ns is not None and time.time_ns() > until_ns:
            raise NotWaiting(f"the question of `{state}` in {run_id} was waited for no longer than that")
        asked = self.described(found[0])
        self._desk.answer(asked, label, value)

    def described(self, asking: Question) -> Asked:
        """Give all of a question that waits, without what is secret."""
        workflow = self._workflow(asking.digest, Path(asking.folder))
        question = workflow.runner.questions[asking.state]
        hiding = Hiding(Secrets(), workflow.runner.secret)
        return Asked(
            token=token_of(asking.run_id, asking.state, asking.visit),
            workflow=asking.workflow,
            run_id=asking.run_id,
            trace_id="",
            state=asking.state,
            visit=asking.visit,
            question=question.text,
            role=question.role,
            shown=hiding.shown(asking.state, asking.shown),
            labels=question.labels,
            gives=question.gives,
            timeout_us=question.timeout_us,
            validate=workflow.runner.answers()[asking.state],
            is_secret=bool(hiding.marked(asking.state, "output")),
        )


_COLUMNS = (
    "run_id", "root_id", "parent_id", "workflow", "digest", "folder", "profile", "profiles", "code",
    "trace_id", "status", "state", "spent", "end_state", "end_kind", "created_ns", "ended_ns", "owner",
    "fence", "lease_ns", "is_cancelled", "wake_ns",
)  # fmt: skip


def _about(connection: sqlite3.Connection, run_id: str) -> Mapping[str, Any]:
    found = connection.execute("SELECT * FROM runs WHERE run_id = ?", (run_id,)).fetchone()
    if found is None:
        raise NoSuchRun(f"there is no run {run_id}")
    return dict(zip(_COLUMNS, found, strict=True))


def _kept(row: tuple[Any, ...]) -> Kept:
    about = dict(zip(_COLUMNS, row, strict=True))
    return Kept(
        about["run_id"],
        about["workflow"],
        about["status"],
        about["state"],
        json.loads(about["spent"]),
        about["end_state"],
        about["end_kind"],
        about["created_ns"],
        about["ended_ns"],
        about["owner"],
        about["parent_id"],
    )


def _release(connection: sqlite3.Connection, lease: Lease) -> None:
    connection.execute(
        "UPDATE runs SET owner = NULL WHERE run_id = ? AND owner = ? AND fence = ?",
        (lease.root_id, lease.owner, lease.fence),
    )


def _question(
    connection: sqlite3.Connection, run_id: str, root_id: str, workflow: str, digest: str, folder: str
) -> Question | None:
    """Read the question that a run waits for; None if it is a child that does."""
    begun = body_of(rows_of(connection, run_id)[-1])
    if begun.get("what") != "question":
        return None
    return Question(
        run_id,
        root_id,
        workflow,
        digest,
        folder,
        begun["state"],
        begun["visit"],
        begun["shown"],
        begun["at_ns"],
        begun["until_ns"],
    )


def _suspended(connection: sqlite3.Connection, lease: Lease) -> None:
    """Note that a run waits for a person, itself or in a workflow that it calls, and until when."""
    connection.execute(
        "UPDATE runs SET status = 'waiting', wake_ns ="
        " (SELECT min(wake_ns) FROM runs AS each WHERE each.root_id = ? AND each.status = 'waiting')"
        " WHERE run_id = ? AND owner = ? AND fence = ?",
        (lease.root_id, *lease),
    )


def _renewed(connection: sqlite3.Connection, lease: Lease, until_ns: int) -> bool:
    done = connection.execute(
        "UPDATE runs SET lease_ns = ? WHERE run_id = ? AND owner = ? AND fence = ? AND is_cancelled = 0",
        (until_ns, lease.root_id, lease.owner, lease.fence),
    )
    return done.rowcount == 1


__all__ = [
    "Corrupt",
    "Durable",
    "Fenced",
    "Kept",
    "NoSuchRun",
    "Over",
    "Question",
    "Suspended",
    "Taken",
    "Unfit",
]
