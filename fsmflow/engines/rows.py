"""The rows of journals: each holds a checksum of itself and of all before it in its run."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b, sha256
from typing import Any, NamedTuple, Self

from attrs import frozen

from fsmflow.engines.keeping import event_read, json_of, read, read_by_field
from fsmflow.engines.leases import Lease, leases_lost
from fsmflow.runtime.complaints import Rejected
from fsmflow.runtime.events import Event
from fsmflow.runtime.journal import Unkept

LARGE = 8_192
"""From how many characters on a row's text is kept apart, under its hash."""

FEW = 4
"""Up to how many rows are written each by itself."""


class Corrupt(Unkept):
    """A journal is damaged; the message says where."""


class Unfit(Unkept):
    """What is kept of a run, or its machine, does not fit the code any more; nothing was changed."""


def unfit(what: str, rejected: Rejected, *, is_secret: bool) -> Unfit:
    """Say that a value does not fit any more; what is wrong with it may repeat what is secret of it."""
    return Unfit(f"{what} does not fit now" + ("" if is_secret else f": {rejected}"))


def not_known(what: str) -> str:
    """Say of what is whole, as its checksum tells, that this fsmflow can make nothing of it."""
    return f"{what}; another version of fsmflow keeps it so: go on with that one"


class Row(NamedTuple):
    """One row of a journal."""

    kind: str
    body: str


def chained(before: str, kind: str, body: str) -> str:
    """Give the checksum of a row, after the one whose checksum is `before`."""
    text = f"{before}\n{kind}\n{body}"
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def rows_of(connection: sqlite3.Connection, run_id: str) -> list[Row]:
    """Read the journal of a run.

    Raises:
        Corrupt: A row is not the one that was written, or one is missing.
    """
    return rows_and_chain(connection, run_id)[0]


def rows_and_chain(connection: sqlite3.Connection, run_id: str) -> tuple[list[Row], str]:
    """Read the journal of a run, and give the last row's checksum with it.

    Raises:
        Corrupt: A row is not the one that was written, or one is missing.
    """
    found: list[Row] = []
    before = run_id
    query = "SELECT seq, kind, body, chain FROM journal WHERE run_id = ? ORDER BY seq"
    for number, (seq, kind, body, chain) in enumerate(connection.execute(query, (run_id,))):
        row = Row(kind, _whole(connection, body))
        before = chained(before, *row)
        if seq != number or chain != before:
            raise Corrupt(f"row {number} of the journal of {run_id} is not what was written")
        found.append(row)
    return found, before


def sum_of(values: Sequence[str | int | None]) -> str:
    """Give the checksum of what is kept beside journals."""
    return blake2b(json_of(values).encode("ascii"), digest_size=8).hexdigest()


class Read(NamedTuple):
    """What is kept of a run.

    Attributes:
        run_id: Its id.
        rows: Its journal; nothing if there is no such run.
        last: The last row's checksum.
        trace_id: Its trace id.
    """

    run_id: str
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
    return Read(run_id, rows, last, "" if found is None else str(found[0]))


def asks(rows: Sequence[Row]) -> bool:
    """Tell whether a journal ends with a question that waits."""
    return bool(rows) and rows[-1].kind == "begin" and body_of(rows[-1])["what"] == "question"


def begun_last(connection: sqlite3.Connection, run_id: str) -> Any:
    """Give what a run began last, without a look at the rest of its journal; None if nothing yet.

    Raises:
        Corrupt: It can't be read.
    """
    query = (
        "SELECT seq, body, chain, (SELECT chain FROM journal AS before"
        " WHERE before.run_id = journal.run_id AND before.seq = journal.seq - 1)"
        " FROM journal WHERE run_id = ? AND kind = 'begin' ORDER BY seq DESC LIMIT 1"
    )
    found = connection.execute(query, (run_id,)).fetchone()
    if found is None:
        return None
    seq, body, chain, before = found
    row = Row("begin", _whole(connection, body))
    if chained(str(before), *row) != chain:
        raise Corrupt(f"row {seq} of the journal of {run_id} is not what was written")
    return body_of(row)


def _whole(connection: sqlite3.Connection, body: Any) -> str:
    """Give the text of a row; one that is kept apart is fetched."""
    if type(body) is not str:
        raise Corrupt("a row of a journal holds no text")
    if not body.startswith("@"):
        return body
    found = connection.execute("SELECT body FROM payloads WHERE hash = ?", (body[1:],)).fetchone()
    if found is None or type(found[0]) is not str or _hash(found[0]) != body[1:]:
        raise Corrupt(f"the payload {body[1:13]}… is missing, or is not what was written")
    text: str = found[0]
    return text


def _hash(body: str) -> str:
    return sha256(body.encode("utf-8", "surrogatepass")).hexdigest()


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
                raise Corrupt(not_known(f"a journal has {error}")) from error


def body_of(row: Row, *, is_told: bool = False) -> Any:
    """Read what a row says, under the names of fields if it is to be told.

    Raises:
        Corrupt: It says nothing that could be read.
    """
    try:
        return read_by_field(row.body) if is_told else read(row.body)
    except ValueError as error:
        raise Corrupt(str(error)) from error


Values = tuple[str, int, str, str, str]
"""A row as it is written: the run's id, the row's number and kind, its text or its hash, its checksum."""


class Changed(NamedTuple):
    """What changes of a run beside its journal, as a statement with its values."""

    statement: str
    values: tuple[Any, ...]


@frozen
class Append:
    """Rows to write under a lease, and what changes with them.

    Attributes:
        lease: The right to write.
        rows: The rows.
        payloads: The large texts among them, by their hashes.
        changes: What changes beside them.
    """

    lease: Lease
    rows: Sequence[Values]
    payloads: Sequence[tuple[str, str]] = ()
    changes: Sequence[Changed] = ()

    def __call__(self, connection: sqlite3.Connection) -> None:
        """Write the rows.

        Raises:
            Fenced: The lease is lost.
        """
        (refused,) = self.together(connection, (self,))
        if refused is not None:
            raise refused

    @classmethod
    def together(cls, connection: sqlite3.Connection, works: Sequence[Self]) -> Sequence[Exception | None]:
        """Write the rows of several runs; give for each why it was refused, if it was."""
        lost = leases_lost(connection, [work.lease for work in works])
        held = [work for work in works if work.lease not in lost] if lost else works
        for work in held:
            if work.payloads:
                connection.executemany("INSERT OR IGNORE INTO payloads VALUES (?, ?)", work.payloads)
            for change in work.changes:
                connection.execute(*change)
        insert(connection, [row for work in held for row in work.rows])
        return [work.lease.lost() if work.lease in lost else None for work in works]


_INSERT = "INSERT INTO journal VALUES (?, ?, ?, ?, ?)"
_INSERT_ALL = (
    "INSERT INTO journal SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'),"
    " json_extract(value, '$[2]'), json_extract(value, '$[3]'), json_extract(value, '$[4]')"
    " FROM json_each(?)"
)


def insert(connection: sqlite3.Connection, rows: Sequence[Values]) -> None:
    """Write rows: a few each by itself, many by one statement, in which other threads go on meanwhile."""
    if len(rows) <= FEW:
        for row in rows:
            connection.execute(_INSERT, row)
    else:
        connection.execute(_INSERT_ALL, (json_of(rows),))


class Chain:
    """The end of a run's journal, which grows.

    Attributes:
        length: How many rows there are.
    """

    __slots__ = ("_last", "_run_id", "length")

    def __init__(self, run_id: str, length: int = 0, last: str = "") -> None:
        """Go on after so many rows, the last of which has the checksum `last`."""
        self._run_id = run_id
        self._last = last or run_id
        self.length = length

    def add(self, kind: str, body: str, payloads: list[tuple[str, str]]) -> Values:
        """Add a row; a large text goes to `payloads`."""
        seq = self.length
        self.length = seq + 1
        self._last = last = chained(self._last, kind, body)
        if len(body) >= LARGE:
            name = _hash(body)
            payloads.append((name, body))
            body = f"@{name}"
        return (self._run_id, seq, kind, body, last)
