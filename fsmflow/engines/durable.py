"""Durable runs: kept in a journal on this machine, so that they outlive the process they run in.

One process has a run at a time. It holds a lease that it renews, under a fencing number that rises with each
taker: whoever comes back late, a paused process say, can write no more.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Self, TypedDict, Unpack

from fsmflow.engines.cancelling import cancel
from fsmflow.engines.claims import Held, Leases, Taken
from fsmflow.engines.forgetting import forget
from fsmflow.engines.keeping import written
from fsmflow.engines.leases import Fenced
from fsmflow.engines.owners import this_process
from fsmflow.engines.parameters import misfits
from fsmflow.engines.pinned import workflow_pinned
from fsmflow.engines.posing import Posing
from fsmflow.engines.records import (
    Damaged,
    Kept,
    NoSuchRun,
    Over,
    Question,
    about_run,
    folders_due,
    questions_kept,
    refuse,
    run_found,
    runs_due,
    runs_kept,
)
from fsmflow.engines.rows import Corrupt, Unfit, body_of, unfit
from fsmflow.engines.store import Store
from fsmflow.engines.stored_desk import StoredDesk, Suspended
from fsmflow.engines.taking_up import StoredJournals, add_run
from fsmflow.engines.telling import trace_of
from fsmflow.engines.workflows import Workflow
from fsmflow.runtime import Asked, Desk, Result, Runner
from fsmflow.runtime.binding import Step
from fsmflow.runtime.clock import Clock, SystemClock
from fsmflow.runtime.complaints import Rejected
from fsmflow.runtime.execution import Execution, accepted
from fsmflow.runtime.hiding import Bodies
from fsmflow.runtime.options import check
from fsmflow.runtime.run_ids import id_of
from fsmflow.runtime.steps import Bound
from fsmflow.runtime.trace import Sink
from fsmflow.runtime.world import World

LEASE_S = 10.0
"""How long a run stays a process's own that no longer says anything, in seconds."""


class Watched(TypedDict, total=False):
    """Who is told what happens in a run, and how.

    Attributes:
        trace: Is called with each trace event, as plain data, when it happens.
        live: Whether `trace` is also told what begins.
        record: Is called with each trace event in full, with what is secret in it.
        bodies: How `trace` is told inputs and outputs.
    """

    trace: Sink | None
    live: bool
    record: Sink | None
    bodies: Bodies


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
            warn: Is told what a resumed run should know: that its code or a prompt has changed.
            store: Opens the database.

        Raises:
            StoreError: It can't be opened.
        """
        self.store = store(Path(path))
        self._desk = StoredDesk(self.store, desk, suspends=suspends)
        self._leases = Leases(self.store, this_process(), int(lease_s * 1e9))
        self._clock = clock or SystemClock()
        self._warn = warn
        self._posing = Posing(self.store)
        self._random = random.Random()  # noqa: S311 - jitter is no secret

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
            ValueError: There is a run of this id, or it can be none; or the folder's name is no text.
            TypeError: A runner is handed over in its place.
        """
        if isinstance(workflow, Runner):
            said = "Workflow.of_spec(PATH) makes one of its spec"
            raise TypeError(f"a durable run is of a Workflow, not of a Runner: {said}")
        value = accepted(workflow.runner, given)
        swapped = workflow.swapped(profile)
        run_id = id_of(run_id)
        folder, text = _named(workflow.folder), written(value)

        def work(connection: sqlite3.Connection) -> None:
            if connection.execute("SELECT 1 FROM runs WHERE run_id = ?", (run_id,)).fetchone():
                raise ValueError(f"there is a run {run_id} already")
            connection.executemany("INSERT OR IGNORE INTO machines VALUES (?, ?, ?)", workflow.machines)
            add_run(
                connection,
                run_id=run_id,
                workflow=workflow.machine.name,
                digest=workflow.machine.digest,
                folder=folder,
                trace_id=os.urandom(16).hex(),
                given=text,
                profile=profile,
                profiles=json.dumps(swapped),
                code=workflow.fingerprint(profile),
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
        **options: Unpack[Watched],
    ) -> Result[Any]:
        """Submit a run, and carry it out; see `submit` and `resume`."""
        submitted = self.submit(workflow, given, run_id=run_id, profile=profile)
        return await self.resume(submitted, workflow=workflow, **options)

    async def resume(
        self,
        run_id: str,
        *,
        workflow: Workflow | None = None,
        steps: Mapping[str, Step] | None = None,
        **options: Unpack[Watched],
    ) -> Result[Any]:
        """Take a run up where its journal ends, and carry it out to its end.

        The run keeps to the machine that it was submitted with, whatever has become of the spec.

        Args:
            run_id: The run's id.
            workflow: The workflow of the run, if it is at hand.
            steps: Use these implementations; see `Runner.bind`.
            options: Who is told what happens from now on; see `Watched`.

        Raises:
            NoSuchRun: There is none of this id.
            Over: It is over.
            Taken: Another process has it.
            Fenced: Another process has taken it over, or it was cancelled.
            Suspended: It waits for a person, and is not to wait in this process.
            Unfit: A value that it gave does not fit the code any more, or a step can't take its arguments.
            Corrupt: Its journal is damaged.
            TypeError, ValueError: There is no such option, or it can't be what is given.
            asyncio.CancelledError: This process was to stop; the run can be resumed.
        """
        check(options, Watched)
        async with self._leases.held(run_id) as held:
            about = held.about
            if workflow is None:
                workflow = self.workflow_of(run_id)
                self._compare(about, workflow.fingerprint(about["profile"]))
            bound = workflow.runner.bind(about["profile"], steps)
            # Steps that are given here were not found by what the machine calls them.
            for misfit in () if steps else misfits(workflow, bound, about["profile"]):
                raise Unfit(misfit)
            return await self._carried_out(held, workflow, bound, options)

    async def _carried_out(
        self,
        held: Held,
        workflow: Workflow,
        bound: Mapping[str, Bound],
        options: Watched,
    ) -> Result[Any]:
        lease, about, kept = held
        profile = about["profile"]
        trace, record = options.get("trace"), options.get("record")
        is_watched = trace is not None or record is not None
        journals = StoredJournals(self.store, lease, kept, is_watched=is_watched)
        world = World(
            clock=self._clock,
            random=self._random,
            desk=self._desk,
            sink=trace,
            live=options.get("live", False),
            record=record,
            bodies=options.get("bodies", "full"),
            profile=profile,
            journals=journals,
        )
        try:
            execution = Execution(
                workflow.runner,
                body_of(kept.rows[0])["input"],
                bound,
                world,
                run_id=lease.root_id,
                trace_id=about["trace_id"],
            )
        except Rejected as rejected:
            is_secret = "input" in workflow.runner.secret
            raise unfit(f"the input of the run {lease.root_id}", rejected, is_secret=is_secret) from None
        try:
            kind, end, output = await execution.finish()
        except BaseException:
            await journals.flush()
            raise
        origin = (workflow.runner, profile, self._clock, execution.secrets)
        return Result(kind, end, output, execution.run, execution.record, origin)

    def compare(self, run_id: str, code: str) -> None:
        """Warn if a run was submitted with other code than there is now, by its fingerprint.

        Raises:
            NoSuchRun: There is no such run.
        """
        self._compare(self.store.do_now(lambda connection: about_run(connection, run_id)), code)

    def _compare(self, about: Mapping[str, Any], code: str) -> None:
        if about["code"] and about["code"] != code:
            what = f"the code or a prompt of `{about['workflow']}`"
            self._warn(f"{what} has changed since {about['run_id']} was submitted")

    def pinned(self, run_id: str) -> tuple[str, str, str]:
        """Give what a run is pinned to: the digest of its machine, its folder and its profile.

        Raises:
            NoSuchRun: There is no such run.
        """
        about = self.store.do_now(lambda connection: about_run(connection, run_id))
        return (about["digest"], about["folder"], about["profile"] or "")

    def workflow_of(self, run_id: str) -> Workflow:
        """Make the workflow of a run, from the machine that travels with it.

        Raises:
            NoSuchRun: There is no such run.
            Corrupt: The machine is not what was kept.
        """
        about = self.store.do_now(lambda connection: about_run(connection, run_id))
        return workflow_pinned(self.store, about)

    def runs(
        self,
        *,
        status: str | None = None,
        workflow: str | None = None,
        last: int | None = None,
        damaged: Damaged = refuse,
    ) -> list[Kept]:
        """List the runs that are kept, without those of children, the latest first.

        Args:
            status: Only those of this status, or of this kind of end.
            workflow: Only those of this workflow.
            last: At most so many.
            damaged: Is told of runs that are damaged, and left out.

        Raises:
            Corrupt: A run is damaged, and nobody is told.
        """
        return self.store.do_now(lambda connection: runs_kept(connection, status, workflow, last, damaged))

    def find(self, run_id: str) -> Kept:
        """Say what is known of a run, by its id or by the beginning of it.

        Raises:
            NoSuchRun: There is none, or more than one.
        """
        return self.store.do_now(lambda connection: run_found(connection, run_id))

    async def trace(self, run_id: str) -> list[dict[str, Any]]:
        """Give the trace of a run and of the workflows that it runs, as far as it has come; see `trace_of`.

        Raises:
            NoSuchRun: There is none of this id.
            Corrupt: Its journal is damaged.
        """
        return await trace_of(self.store, run_id)

    def cancel(self, run_id: str) -> None:
        """End a run as cancelled, whoever carries it out.

        Raises:
            NoSuchRun: There is none of this id.
            Over: It is over.
        """
        self.store.do_now(lambda connection: cancel(connection, run_id))

    def gc(self, *, before_ns: int, damaged: Damaged = refuse) -> int:
        """Forget runs that ended before a time, and what only they used; give how many.

        Args:
            before_ns: The time, in nanoseconds since 1970.
            damaged: Is told of runs that are damaged, and kept.

        Raises:
            Corrupt: A run is damaged, and nobody is told; nothing is forgotten.
        """
        return self.store.do_now(lambda connection: forget(connection, before_ns, damaged))

    def due(self, *, most: int, within: Collection[Path] = ()) -> list[str]:
        """Give runs that somebody should carry out now, the oldest first, and at most so many.

        Those that were only submitted, those whose process is gone, and those that wait for an answer that
        has come, or for one that will not come in time.

        Args:
            most: How many.
            within: Only those of specs in these folders, or in folders below them; of all if there are none.

        Raises:
            Replaced: The database is not the one any more to which others submit.
        """
        self.store.keep_place()
        return self.store.do_now(lambda connection: runs_due(connection, most, _places(within)))

    def due_elsewhere(self, within: Collection[Path]) -> set[str]:
        """Give the other folders of specs of which runs are due; see `due`."""
        return self.store.do_now(lambda connection: folders_due(connection, _places(within)))

    def questions(self, run_id: str | None = None, *, damaged: Damaged = refuse) -> list[Question]:
        """Give the questions that wait, of one run or of all, the oldest first.

        One that is answered is among them until its run goes on.

        Args:
            run_id: Only those of this run.
            damaged: Is told of runs that are damaged, and left out.

        Raises:
            Corrupt: A run is damaged, and nobody is told.
        """
        return self.store.do_now(lambda connection: questions_kept(connection, run_id, damaged))

    def answer(self, run_id: str, state: str, label: str | None = None, value: Any = None) -> None:
        """Answer a question that waits: of a run, or of a workflow that it calls.

        The answer is kept, and taken when the run goes on: now, or when it is resumed.

        Args:
            run_id: The run's id.
            state: The state that asks.
            label: The label that is picked, if it has labels.
            value: What is filled in, as plain data, if anything is.

        Raises:
            NoSuchRun: There is none of this id.
            NotWaiting: No such question waits, or it is answered already.
            Rejected: The answer is none of those that there are.
        """
        self._desk.answer(self.asked(run_id, state), label, value)

    def asked(self, run_id: str, state: str) -> Asked:
        """Give all of the question that waits in a state of a run, or of a workflow that it calls.

        Raises:
            NoSuchRun: There is none of this id.
            NotWaiting: No such question waits, or it is answered already.
        """
        return self._posing.asked(run_id, state)

    def described(self, asking: Question) -> Asked:
        """Give all of a question that waits, without what is secret.

        The type of its answers is looked for once there is one: to show a question no step module is needed,
        and of several releases' modules a process can load but one's.
        """
        return self._posing.described(asking)


def _places(folders: Collection[Path]) -> list[str]:
    """Give where folders are, and where they are said to be: what was moved may have left a link there."""
    return [str(place) for folder in folders for place in (folder.resolve(), folder.absolute())]


def _named(folder: Path) -> str:
    """Give how a database names a folder.

    Raises:
        ValueError: Its name is no text.
    """
    try:
        return str(folder).encode().decode()
    except UnicodeEncodeError:
        raise ValueError(
            f"the folder {str(folder)!r} is no text in UTF-8: name it so,"
            " for the database keeps where steps are"
        ) from None


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
    "Watched",
]
