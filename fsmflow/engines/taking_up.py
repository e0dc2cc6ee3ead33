"""Taking a run up where its journal ends: by its events alone, through the machine's own `step`."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Mapping
from typing import Any

from fsmflow.engines.journal import Corrupt, Lease, Row, RunJournal, body_of, chained, fitted, rows_of
from fsmflow.engines.keeping import event_read, written
from fsmflow.engines.store import Store
from fsmflow.runtime.events import Ended, Late, Lost
from fsmflow.runtime.journal import Kept
from fsmflow.runtime.run import Command, Run, Stage
from fsmflow.runtime.runner import Runner
from fsmflow.runtime.steps import Bound, resolve_type
from fsmflow.runtime.validation import Rejected, Validate, validator

Fit = Callable[[str, Any], Any]


class Unfit(RuntimeError):
    """What is kept of a run does not fit the code any more; nothing was changed."""


class StoredJournals:
    """The journals of one run and of its children's, in a store."""

    def __init__(self, store: Store, lease: Lease) -> None:
        self._store = store
        self._lease = lease

    async def open(
        self, workflow: Runner[Any, Any], run: Run, bound: Mapping[str, Bound], parent_id: str | None
    ) -> Kept:
        """Take up the run with the id of `run`, or begin it.

        Raises:
            Corrupt: Its journal is damaged.
            Unfit: A value in it does not fit its type any more.
            Fenced: It belongs to another process.
        """
        rows = await self._store.do(lambda connection: self._rows(connection, workflow, run, parent_id))
        fit = _fits(workflow, bound)
        run.trace_id = await self._store.do(lambda connection: _trace_of(connection, run.run_id))
        folded = _Folded(workflow, run, fit)
        for row in rows:
            folded.take(row)
        journal = RunJournal(self._store, self._lease, run.run_id, rows, fit=fit)
        if folded.conclusion is None and folded.begun is not None:
            await folded.recover(journal)
        return Kept(journal, folded.command, folded.conclusion)

    def _rows(
        self, connection: sqlite3.Connection, workflow: Runner[Any, Any], run: Run, parent_id: str | None
    ) -> list[Row]:
        """Read the journal of a run; begin one for a child that has none."""
        self._lease.hold(connection)
        rows = rows_of(connection, run.run_id)
        if rows or parent_id is None:
            return rows
        add_run(
            connection,
            run_id=run.run_id,
            root_id=self._lease.root_id,
            parent_id=parent_id,
            workflow=workflow.name,
            digest=workflow.digest,
            folder=str(workflow.folder),
            trace_id=run.trace_id,
            given=written(run.values["input"]),
        )
        return rows_of(connection, run.run_id)


def add_run(
    connection: sqlite3.Connection,
    *,
    run_id: str,
    root_id: str,
    parent_id: str | None,
    workflow: str,
    digest: str,
    folder: str,
    trace_id: str,
    given: str,
    profile: str | None = None,
    profiles: str = "{}",
    code: str = "",
) -> None:
    """Add a run, and the first row of its journal: its input."""
    now = time.time_ns()
    connection.execute(
        "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'submitted', '', '{}', NULL, NULL, ?, NULL,"
        " NULL, 0, 0, 0, NULL)",
        (run_id, root_id, parent_id, workflow, digest, folder, profile, profiles, code, trace_id, now),
    )
    row = Row("run", json.dumps({"digest": digest, "input": json.loads(given)}))
    connection.execute(
        "INSERT INTO journal VALUES (?, 0, ?, ?, ?)", (run_id, row.kind, row.body, chained(run_id, row))
    )


def _trace_of(connection: sqlite3.Connection, run_id: str) -> str:
    (found,) = connection.execute("SELECT trace_id FROM runs WHERE run_id = ?", (run_id,)).fetchone()
    return str(found)


def _fits(workflow: Runner[Any, Any], bound: Mapping[str, Bound]) -> Fit:
    """Give what structures plain data into the type of what a state gives."""
    found: dict[str, Validate | None] = dict(workflow.answers())
    for name, stage in workflow.stages.items():
        found[name] = bound[name].validate
        if stage.children is not None and stage.gives:
            found[name] = validator(resolve_type(stage.gives, workflow.folder))

    def fit(state: str, value: Any) -> Any:
        validate = found[state]
        return value if validate is None else validate(value)

    return fit


class _Folded:
    """A run, brought forward event by event to where its journal ends."""

    def __init__(self, workflow: Runner[Any, Any], run: Run, fit: Fit) -> None:
        self._workflow = workflow
        self._run = run
        self._fit = fit
        self.command: Command | None = None
        self.begun: dict[str, Any] | None = None
        self.conclusion: tuple[str, str, Any] | None = None

    def take(self, row: Row) -> None:
        """Bring the run forward by one row."""
        match row.kind:
            case "run":
                self._start(body_of(row))
            case "begin":
                self.begun = body_of(row)
            case "event":
                self._step(row)
            case "end":
                self._end(body_of(row))
            case _:
                raise Corrupt(f"a row of the journal of {self._run.run_id} is of no kind: {row.kind!r:.40}")

    def _start(self, said: Any) -> None:
        if said["digest"] != self._workflow.digest:
            raise Corrupt(f"the run {self._run.run_id} is of another machine than its own")
        check, _ = self._workflow.types()
        self._run.values["input"] = self._fitting("the input", check, said["input"])
        self.command = self._workflow.begin(self._run)

    def _step(self, row: Row) -> None:
        try:
            event = event_read(row.body)
        except ValueError as error:
            raise Corrupt(str(error)) from error
        if isinstance(event, Late):
            self._run.book(event.use)
            return
        if isinstance(event, Ended):
            try:
                event = fitted(event, self._run.state, self._fit)
            except Rejected as rejected:
                raise Unfit(f"what `{self._run.state}` gave then does not fit now: {rejected}") from None
        self.command = self._workflow.step(self._run, event)
        self.begun = None

    def _end(self, said: Any) -> None:
        _, check = self._workflow.types()
        output = None if said["output"] is None else self._fitting("the output", check, said["output"])
        self.conclusion = (said["kind"], said["end"], output)

    def _fitting(self, what: str, check: Validate | None, value: Any) -> Any:
        try:
            return value if check is None else check(value)
        except Rejected as rejected:
            raise Unfit(f"{what} of the run {self._run.run_id} does not fit now: {rejected}") from None

    async def recover(self, journal: RunJournal) -> None:
        """Go on from what had begun when the process ended: nobody told what came of it.

        A pause and a question go on, and children, which have journals of their own. An attempt counts in
        full and is made again, under the same key; one that must never be repeated is `unknown`.
        """
        assert self.begun is not None
        command = self.command
        if not isinstance(command, Stage) or command.children is not None:
            journal.take_up(self.begun)
            return
        event: Ended | Lost = Lost(command.timeout_us or 0)
        if command.effect == "once":
            message = "its process ended: nobody can tell if it happened"
            event = Ended("unknown", None, None, message, (), command.cost, command.timeout_us or 0)
        await journal.recovered(self._run, event)
        self.command = self._workflow.step(self._run, event)
