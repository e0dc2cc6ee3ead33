"""Taking a run up where its journal ends, and its children where theirs do."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Mapping, Sequence
from typing import Any

from fsmflow.engines.families import Family
from fsmflow.engines.folding import Folded, fits
from fsmflow.engines.journal import RunJournal
from fsmflow.engines.keeping import json_of, written
from fsmflow.engines.leases import Fenced, Lease
from fsmflow.engines.rows import Chain, Changed, Read, Row, Unfit, insert, read_run, sum_of
from fsmflow.engines.store import Store, StoreError
from fsmflow.runtime.commands import Stage
from fsmflow.runtime.events import Ended, Lost
from fsmflow.runtime.journal import Kept
from fsmflow.runtime.run import Run
from fsmflow.runtime.runner import Runner
from fsmflow.runtime.steps import Bound
from fsmflow.runtime.verdict import cut_at

UNTOLD = "its process ended: nobody can tell if it happened"


class StoredJournals:
    """The journals of one run and of its children's, in a store."""

    def __init__(self, store: Store, lease: Lease, root: Read, *, is_watched: bool) -> None:
        """Open the journals of a run, of which `root` was read when it was taken."""
        self._store = store
        self._lease = lease
        self._root = root
        self._is_watched = is_watched
        self._journals: dict[str, RunJournal] = {}

    async def open(
        self, workflow: Runner[Any, Any], run: Run, bound: Mapping[str, Bound], parent_id: str | None
    ) -> Kept:
        """Take up the run with the id of `run`, or begin it.

        Raises:
            Corrupt: Its journal is damaged.
            Unfit: A value in it does not fit its type any more.
            Fenced: It belongs to another process.
        """
        run_id, fit = run.run_id, fits(workflow, bound)
        kept = self._root
        if parent_id is not None:
            kept = await self._store.do(lambda connection: self._child(connection, run_id))
        rows, chain = kept.rows, Chain(run_id, len(kept.rows), kept.last)
        parents = frozenset(stage.name for stage in workflow.stages.values() if stage.children is not None)
        journal = RunJournal(
            self._store, self._lease, run_id, chain, fit=fit, parents=parents, is_watched=self._is_watched
        )
        self._journals[run_id] = journal
        if rows:
            run.trace_id = kept.trace_id
        else:
            assert parent_id is not None
            given = written(run.values["input"])
            rows = [first_row(workflow.digest, given)]
            journal.bear(rows[0], _child_added(workflow, run, self._lease.root_id, parent_id))
        folded = Folded(workflow, run, fit)
        for row in rows:
            folded.take(row)
        if folded.conclusion is None and folded.begun is not None:
            await self._recover(folded, journal, run, bound)
        return Kept(journal, folded.command, folded.conclusion, folded.record)

    async def _recover(
        self,
        folded: Folded,
        journal: RunJournal,
        run: Run,
        bound: Mapping[str, Bound],
    ) -> None:
        """Go on from what had begun when the process ended: nobody told what came of it.

        A pause and a question go on, and children, which have journals of their own. An attempt counts in
        full and is made again, under the same key; one that must never be repeated is `unknown`.
        """
        command = folded.command
        if not isinstance(command, Stage):
            journal.take_up(folded.begun)
        elif command.children is not None:
            family = Family(self._read, run, command, bound[command.name])
            journal.take_up(folded.begun, family.used)
            elapsed_us = await family.took_us() - folded.taken_us
            if elapsed_us > 0:
                await journal.took(elapsed_us)
                folded.take_time(elapsed_us)
        else:
            # An attempt that nothing but the run's own deadline cuts off would take all that is left.
            elapsed_us = 0 if command.timeout_us is None else cut_at(command, run, 0)
            event: Ended | Lost = Lost(elapsed_us)
            if command.effect == "once":
                event = Ended("unknown", None, None, UNTOLD, (), command.cost, elapsed_us)
            await journal.recovered(run, event)
            folded.follow(event)

    async def _read(self, run_ids: Sequence[str]) -> list[Read]:
        return await self._store.do(lambda connection: [read_run(connection, each) for each in run_ids])

    def _child(self, connection: sqlite3.Connection, run_id: str) -> Read:
        self._lease.hold(connection)
        return read_run(connection, run_id)

    async def flush(self) -> None:
        """Keep what was handed over and has nothing after it, since the run is let go there."""
        for journal in self._journals.values():
            # Whatever ended the run says more than that nothing can be written any more.
            with contextlib.suppress(Fenced, StoreError):
                await journal.flush()


def first_row(digest: str, given: str) -> Row:
    """Make the first row of a journal: the run's machine and its input, as text."""
    return Row("run", f'{{"digest":{json_of(digest)},"input":{given}}}')


_ADD = (
    "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '{}', NULL, NULL, ?, NULL,"
    " NULL, 0, 0, 0, NULL, ?, NULL)"
)


def _added(status: str, *about: str | None) -> tuple[Any, ...]:
    """Give the values of `_ADD`: with them goes the checksum of what stays as it is."""
    now = time.time_ns()
    return (*about, status, now, sum_of((*about, now)))


def _child_added(workflow: Runner[Any, Any], run: Run, root_id: str, parent_id: str) -> Changed:
    about = (workflow.name, workflow.digest, str(workflow.folder), None, "{}", "", run.trace_id)
    return Changed(_ADD, _added("running", run.run_id, root_id, parent_id, *about))


def add_run(
    connection: sqlite3.Connection,
    *,
    run_id: str,
    workflow: str,
    digest: str,
    folder: str,
    trace_id: str,
    given: str,
    profile: str | None,
    profiles: str,
    code: str,
) -> None:
    """Add a run, and the first row of its journal: its input."""
    about = (workflow, digest, folder, profile, profiles, code, trace_id)
    connection.execute(_ADD, _added("submitted", run_id, run_id, None, *about))
    payloads: list[tuple[str, str]] = []
    insert(connection, [Chain(run_id).add(*first_row(digest, given), payloads)])
    connection.executemany("INSERT OR IGNORE INTO payloads VALUES (?, ?)", payloads)


__all__ = ["StoredJournals", "Unfit", "add_run"]
