"""The journal of a run: its events, each kept before anything follows from it.

A row says that an attempt, a pause or a question begins, with all that an attempt may use; the next one
says what came of it. Each row holds a checksum of itself and of all before it. State, counters and ledger
are not kept: they follow from the events, by the machine's own `step`.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from fsmflow.engines.keeping import Unkeepable, event_read, event_written, read, written
from fsmflow.engines.store import Store
from fsmflow.runtime.events import Ended, Event, Late, Lost
from fsmflow.runtime.journal import Begun, Kind
from fsmflow.runtime.run import Run
from fsmflow.runtime.validation import Rejected

MAX_EVENTS = 50_000
"""How many rows a run may have; the next step is refused."""

ANSWERED_US = 10_000_000
"""How long the desk is given to fetch an answer that was kept in time."""

LARGE = 8_192
"""From how many characters on a row's text is kept apart, under its hash."""


class Corrupt(RuntimeError):
    """A journal is damaged; the message says where."""


class Fenced(RuntimeError):
    """A run belongs to another process by now, and this one writes no more of it."""


class TooLong(RuntimeError):
    """A run has as many events as one may have."""


class Row(NamedTuple):
    """One row of a journal."""

    kind: str
    body: str


class Lease(NamedTuple):
    """The right to write of a run and of its children: only under the latest fencing number.

    (Kleppmann, "How to do distributed locking", 2016.)
    """

    root_id: str
    owner: str
    fence: int

    def hold(self, connection: sqlite3.Connection) -> None:
        """Make sure that the run is still this process's.

        Raises:
            Fenced: It is not.
        """
        held = connection.execute(
            "SELECT 1 FROM runs WHERE run_id = ? AND owner = ? AND fence = ?"
            " AND status NOT IN ('done', 'cancelled')",
            self,
        ).fetchone()
        if held is None:
            raise Fenced(f"the run {self.root_id} is another process's, or was cancelled")


def chained(before: str, row: Row) -> str:
    """Give the checksum of a row, after the one whose checksum is `before`."""
    text = f"{before}\n{row.kind}\n{row.body}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def rows_of(connection: sqlite3.Connection, run_id: str) -> list[Row]:
    """Read the journal of a run.

    Raises:
        Corrupt: A row is not the one that was written, or one is missing.
    """
    found: list[Row] = []
    before = run_id
    query = "SELECT seq, kind, body, chain FROM journal WHERE run_id = ? ORDER BY seq"
    for number, (seq, kind, body, chain) in enumerate(connection.execute(query, (run_id,))):
        row = Row(kind, _fetched(connection, body))
        before = chained(before, row)
        if seq != number or chain != before:
            raise Corrupt(f"row {number} of the journal of {run_id} is not what was written")
        found.append(row)
    return found


def _put(connection: sqlite3.Connection, body: str) -> str:
    """Keep a large text apart, and give what stands for it."""
    if len(body) < LARGE:
        return body
    name = hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()
    connection.execute("INSERT OR IGNORE INTO payloads VALUES (?, ?)", (name, body))
    return f"@{name}"


def _fetched(connection: sqlite3.Connection, body: str) -> str:
    if not body.startswith("@"):
        return body
    found = connection.execute("SELECT body FROM payloads WHERE hash = ?", (body[1:],)).fetchone()
    if found is None or hashlib.sha256(found[0].encode("utf-8", "surrogatepass")).hexdigest() != body[1:]:
        raise Corrupt(f"the payload {body[1:13]}… is missing, or is not what was written")
    text: str = found[0]
    return text


class RunJournal:
    """The journal of one run, open for what happens next."""

    def __init__(
        self,
        store: Store,
        lease: Lease,
        run_id: str,
        rows: Iterable[Row] = (),
        *,
        fit: Callable[[str, Any], Any],
    ) -> None:
        """Open a journal.

        Args:
            store: The database.
            lease: The right to write.
            run_id: The run's id.
            rows: What is in the journal already.
            fit: Structures what a state gave, as plain data, into its type.
        """
        self._store = store
        self._lease = lease
        self._run_id = run_id
        self._fit = fit
        self._seq = 0
        self._chain = run_id
        for row in rows:
            self._count(row)
        self._pending: list[Row] = []
        self._open: dict[str, Any] | None = None
        self._has_asked = False

    def take_up(self, begun: dict[str, Any]) -> None:
        """Go on with what had begun before this process did."""
        self._open = begun

    async def begin(self, run: Run, what: Begun, longest_us: int | None) -> int | None:
        """Keep that something begins; of what had begun already, give how much is left."""
        if self._open is not None:
            begun, self._open = self._open, None
            self._has_asked = what == "question"
            if begun["until_ns"] is None:
                return longest_us
            left: int = (begun["until_ns"] - time.time_ns()) // 1000
            if what == "question" and left < ANSWERED_US and await self._store.do(self._is_answered):
                # It was answered in time, and is only looked at now.
                return ANSWERED_US
            return max(0, left)
        if self._seq >= MAX_EVENTS:
            raise TooLong(f"the run {self._run_id} has {self._seq:,} events, and none may have more")
        now = time.time_ns()
        begun = {
            "what": what,
            "state": run.state,
            "visit": run.visits[run.state],
            "attempt": run.attempt,
            "at_ns": now,
            "until_ns": None if longest_us is None or what == "attempt" else now + longest_us * 1000,
        }
        status = "running"
        if what == "question":
            status, begun["shown"] = "waiting", _shown(run)
            self._has_asked = True
        await self._write(run, Row("begin", written(begun)), status, begun["until_ns"])
        return longest_us

    def _is_answered(self, connection: sqlite3.Connection) -> bool:
        query = "SELECT 1 FROM answers WHERE run_id = ?"
        return connection.execute(query, (self._run_id,)).fetchone() is not None

    def late(self, event: Late) -> None:
        """Keep a late charge with what is kept next."""
        self._pending.append(Row("event", event_written(event)))

    async def end(self, run: Run, event: Kind) -> Kind:
        """Keep what came of what began last, and give it as it is read back."""
        if isinstance(event, Ended):
            event = self._keepable(run.state, event)
        # An answer is taken with the row that holds it: the next question of this run waits for its own.
        await self._write(run, Row("event", event_written(event)), "running", forget=self._has_asked)
        self._has_asked = False
        return event

    def _keepable(self, state: str, event: Ended) -> Ended:
        """Give an attempt's end as it will be read back; as a failure, if what it gave can't be kept."""
        try:
            kept = event_read(event_written(event))
            assert isinstance(kept, Ended)
            return fitted(kept, state, self._fit)
        except (Unkeepable, Rejected) as error:
            said = f"what it gave can't be kept: {error}"
            return event._replace(outcome="failure", label=None, value=None, message=said, draw=0.0)

    async def recovered(self, run: Run, event: Ended | Lost) -> None:
        """Keep what must be made of an attempt whose process ended."""
        await self._write(run, Row("event", event_written(event)), "running")

    async def conclude(self, run: Run, end: str, kind: str, output: Any) -> None:
        """Keep how the run ended."""
        try:
            said = written(output)
        except Unkeepable:
            said = "null"
        row = Row("end", json.dumps({"end": end, "kind": kind, "output": json.loads(said)}))

        def work(connection: sqlite3.Connection) -> None:
            self._append(connection, [*self._pending, row])
            connection.execute(
                "UPDATE runs SET status = 'done', end_state = ?, end_kind = ?, ended_ns = ?, spent = ?,"
                " owner = NULL WHERE run_id = ?",
                (end, kind, time.time_ns(), json.dumps(run.spent._asdict()), self._run_id),
            )
            # Children that were broken off, since too many others had failed, are over too.
            connection.execute(
                "UPDATE runs SET status = 'cancelled' WHERE parent_id = ?"
                " AND status NOT IN ('done', 'cancelled')",
                (self._run_id,),
            )

        await self._store.do(work)
        self._noted([*self._pending, row])

    async def _write(
        self, run: Run, row: Row, status: str, wake_ns: int | None = None, *, forget: bool = False
    ) -> None:
        rows = [*self._pending, row]
        about = (status, wake_ns, run.state, json.dumps(run.spent._asdict()), self._run_id)

        def work(connection: sqlite3.Connection) -> None:
            self._append(connection, rows)
            connection.execute(
                "UPDATE runs SET status = ?, wake_ns = ?, state = ?, spent = ? WHERE run_id = ?", about
            )
            if forget:
                connection.execute("DELETE FROM answers WHERE run_id = ?", (self._run_id,))

        await self._store.do(work)
        self._noted(rows)

    def _append(self, connection: sqlite3.Connection, rows: list[Row]) -> None:
        self._lease.hold(connection)
        before = self._chain
        for number, row in enumerate(rows, self._seq):
            before = chained(before, row)
            connection.execute(
                "INSERT INTO journal VALUES (?, ?, ?, ?, ?)",
                (self._run_id, number, row.kind, _put(connection, row.body), before),
            )

    def _noted(self, rows: list[Row]) -> None:
        for row in rows:
            self._count(row)
        self._pending.clear()

    def _count(self, row: Row) -> None:
        self._chain = chained(self._chain, row)
        self._seq += 1


def _shown(run: Run) -> Any:
    """Give what a person sees of a question, as far as that is data."""
    try:
        return json.loads(written(run.arguments)) if isinstance(run.arguments, dict) else {}
    except Unkeepable:
        return {}


def fitted(event: Ended, state: str, fit: Callable[[str, Any], Any]) -> Ended:
    """Structure what an attempt of `state` gave, or what was rejected stays data.

    Raises:
        Rejected: It does not fit its type.
    """
    return event._replace(value=fit(state, event.value)) if event.outcome == "success" else event


def events_of(rows: Iterable[Row]) -> Iterator[Event]:
    """Give the events in a journal.

    Raises:
        Corrupt: One of them is none.
    """
    for row in rows:
        if row.kind == "event":
            try:
                yield event_read(row.body)
            except ValueError as error:
                raise Corrupt(str(error)) from error


def body_of(row: Row) -> Any:
    """Read what a row says.

    Raises:
        Corrupt: It says nothing that could be read.
    """
    try:
        return read(row.body)
    except ValueError as error:
        raise Corrupt(str(error)) from error
