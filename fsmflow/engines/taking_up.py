"""Taking a run up where its journal ends: by its events alone, through the machine's own `step`."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from fsmflow.engines.journal import RunJournal, fitted
from fsmflow.engines.keeping import event_read, json_of, written
from fsmflow.engines.leases import Fenced, Lease
from fsmflow.engines.rows import Chain, Changed, Corrupt, Row, body_of, insert, rows_and_chain
from fsmflow.engines.store import Store, StoreError
from fsmflow.runtime.events import Ended, Late, Lost
from fsmflow.runtime.journal import Kept
from fsmflow.runtime.run import Command, Run, Stage
from fsmflow.runtime.runner import Runner
from fsmflow.runtime.steps import Bound, resolve_type
from fsmflow.runtime.validation import Rejected, Validate, validator

Fit = Callable[[str, Any], Any]


class Unfit(RuntimeError):
    """What is kept of a run does not fit the code any more; nothing was changed."""


class Read(NamedTuple):
    """What is kept of a run that is to be taken up.

    Attributes:
        rows: Its journal.
        last: The last row's checksum.
        trace_id: Its trace id.
    """

    rows: list[Row]
    last: str
    trace_id: str


def read_run(connection: sqlite3.Connection, run_id: str) -> Read:
    """Read what is kept of a run.

    Raises:
        Corrupt: Its journal is damaged.
    """
    rows, last = rows_and_chain(connection, run_id)
    found = connection.execute("SELECT trace_id FROM runs WHERE run_id = ?", (run_id,)).fetchone()
    return Read(rows, last, "" if found is None else str(found[0]))


class StoredJournals:
    """The journals of one run and of its children's, in a store."""

    def __init__(self, store: Store, lease: Lease, root: Read, *, is_watched: bool) -> None:
        """Open the journals of a run, of which `root` was read when it was taken."""
        self._store = store
        self._lease = lease
        self._root = root
        self._is_watched = is_watched
        self._journals: list[RunJournal] = []

    async def open(
        self, workflow: Runner[Any, Any], run: Run, bound: Mapping[str, Bound], parent_id: str | None
    ) -> Kept:
        """Take up the run with the id of `run`, or begin it.

        Raises:
            Corrupt: Its journal is damaged.
            Unfit: A value in it does not fit its type any more.
            Fenced: It belongs to another process.
        """
        run_id, fit = run.run_id, _fits(workflow, bound)
        kept = self._root
        if parent_id is not None:
            kept = await self._store.do(lambda connection: self._child(connection, run_id))
        rows, chain = kept.rows, Chain(run_id, len(kept.rows), kept.last)
        journal = RunJournal(self._store, self._lease, run_id, chain, fit=fit, is_watched=self._is_watched)
        self._journals.append(journal)
        if rows:
            run.trace_id = kept.trace_id
        else:
            assert parent_id is not None
            given = written(run.values["input"])
            rows = [first_row(workflow.digest, given)]
            journal.bear(rows[0], _child_added(workflow, run, self._lease.root_id, parent_id))
        folded = _Folded(workflow, run, fit)
        for row in rows:
            folded.take(row)
        if folded.conclusion is None and folded.begun is not None:
            await folded.recover(journal)
        return Kept(journal, folded.command, folded.conclusion)

    def _child(self, connection: sqlite3.Connection, run_id: str) -> Read:
        self._lease.hold(connection)
        return read_run(connection, run_id)

    async def flush(self) -> None:
        """Keep what was handed over and has nothing after it, since the run is let go there."""
        for journal in self._journals:
            # Whatever ended the run says more than that nothing can be written any more.
            with contextlib.suppress(Fenced, StoreError):
                await journal.flush()


def first_row(digest: str, given: str) -> Row:
    """Make the first row of a journal: the run's machine and its input, as text."""
    return Row("run", f'{{"digest":{json_of(digest)},"input":{given}}}')


_ADD = (
    "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '{}', NULL, NULL, ?, NULL,"
    " NULL, 0, 0, 0, NULL)"
)


def _child_added(workflow: Runner[Any, Any], run: Run, root_id: str, parent_id: str) -> Changed:
    about = (workflow.name, workflow.digest, str(workflow.folder), None, "{}", "", run.trace_id, "running")
    return Changed(_ADD, (run.run_id, root_id, parent_id, *about, time.time_ns()))


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
    about = (workflow, digest, folder, profile, profiles, code, trace_id, "submitted")
    connection.execute(_ADD, (run_id, run_id, None, *about, time.time_ns()))
    payloads: list[tuple[str, str]] = []
    insert(connection, [Chain(run_id).add(*first_row(digest, given), payloads)])
    connection.executemany("INSERT OR IGNORE INTO payloads VALUES (?, ?)", payloads)


def _fits(workflow: Runner[Any, Any], bound: Mapping[str, Bound]) -> Fit:
    """Give what structures plain data into the type of what a state gives."""
    children: dict[str, Validate | None] = {}

    def fit(state: str, value: Any) -> Any:
        validate = bound[state].validate if state in bound else workflow.answers()[state]
        stage = workflow.stages.get(state)
        if stage is not None and stage.children is not None and stage.gives:
            if state not in children:
                children[state] = validator(resolve_type(stage.gives, workflow.folder))
            validate = children[state]
        return value if validate is None else validate(value)

    return fit


class _Folded:
    """A run, brought forward event by event to where its journal ends."""

    def __init__(self, workflow: Runner[Any, Any], run: Run, fit: Fit) -> None:
        self._workflow = workflow
        self._run = run
        self._fit = fit
        self.command: Command | None = None
        self._begun: Row | None = None
        self.conclusion: tuple[str, str, Any] | None = None

    @property
    def begun(self) -> Any:
        """What has begun and not ended, if anything has."""
        return None if self._begun is None else body_of(self._begun)

    def take(self, row: Row) -> None:
        """Bring the run forward by one row."""
        match row.kind:
            case "run":
                self._start(body_of(row))
            case "begin":
                self._begun = row
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
        self._begun = None

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
