"""What is known of the runs that are kept, and of the questions that wait in them."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from types import NoneType
from typing import Any, NamedTuple, NoReturn

from fsmflow.engines.keeping import read
from fsmflow.engines.owners import is_alive
from fsmflow.engines.rows import Corrupt, asks, begun_last, body_of, rows_of, sum_of
from fsmflow.runtime.desk import token_of
from fsmflow.runtime.run import Spent

OPEN = ("submitted", "running", "waiting")


class NoSuchRun(LookupError):
    """There is no run of this id."""


class Over(RuntimeError):
    """The run is over already."""


Damaged = Callable[[str, Corrupt], None]
"""Is told of a run that is damaged, and left out: its id, and what is wrong with it."""


def refuse(_run_id: str, damage: Corrupt) -> NoReturn:
    """Let no run be left out.

    Raises:
        Corrupt: There is one that is damaged.
    """
    raise damage


class Kept(NamedTuple):
    """What is known of a run that is kept.

    Attributes:
        run_id: Its id.
        workflow: The workflow's name.
        status: `submitted`, `running`, `waiting` (for a person), `done` or `cancelled`.
        state: Where it is, or was last.
        spent: Its ledger: as it ended, or as it was when what it does now began.
        end: The end that it came to.
        kind: The kind of that.
        created_ns: When it was submitted.
        ended_ns: When it ended.
        owner: The process that has it.
        parent_id: The run that runs it.
        lease_ns: Until when that process has it, unless it says so again.
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
    lease_ns: int


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
        is_answered: Whether there is an answer, which is taken when the run goes on.
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
    is_answered: bool


_COLUMNS = (
    "run_id", "root_id", "parent_id", "workflow", "digest", "folder", "profile", "profiles", "code",
    "trace_id", "status", "state", "spent", "end_state", "end_kind", "created_ns", "ended_ns", "owner",
    "fence", "lease_ns", "is_cancelled", "wake_ns", "about_sum", "end_sum",
)  # fmt: skip

_KINDS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("created_ns", "fence", "lease_ns", "is_cancelled"), (int,)),
    **dict.fromkeys(("ended_ns", "wake_ns"), (int, NoneType)),
    **dict.fromkeys(("parent_id", "profile", "end_state", "end_kind", "owner", "end_sum"), (str, NoneType)),
}
"""What columns hold that are no text: of a damaged database, SQLite does not see to it."""


def checked(row: tuple[Any, ...]) -> Mapping[str, Any]:
    """Name what is kept of a run beside its journal.

    Raises:
        Corrupt: It is not what was written.
    """
    about = dict(zip(_COLUMNS, row, strict=True))
    is_whole = all(type(value) in _KINDS.get(name, (str,)) for name, value in about.items())
    if is_whole:
        ended = [about[name] for name in ("state", "end_state", "end_kind", "ended_ns", "spent")]
        match about["status"]:
            case "done":
                is_whole = about["end_sum"] == sum_of(ended)
            case "cancelled" if about["ended_ns"] is not None:
                is_whole = about["end_sum"] == sum_of([about["ended_ns"]])
            case "cancelled" | "submitted" | "running" | "waiting":
                is_whole = [*ended[1:], about["end_sum"]] == [None, None, None, "{}", None]
            case _:
                is_whole = False
    if not is_whole or about["about_sum"] != sum_of((*row[:10], about["created_ns"])):
        raise Corrupt(f"what is kept of the run {about['run_id']} is not what was written")
    return about


def about_run(connection: sqlite3.Connection, run_id: str) -> Mapping[str, Any]:
    """Give all that is kept of a run beside its journal.

    Raises:
        NoSuchRun: There is no such run.
    """
    found = connection.execute("SELECT * FROM runs WHERE run_id = ?", (run_id,)).fetchone()
    if found is None:
        raise NoSuchRun(f"there is no run {run_id}")
    return checked(found)


def runs_kept(
    connection: sqlite3.Connection,
    status: str | None,
    workflow: str | None,
    last: int | None,
    damaged: Damaged,
) -> list[Kept]:
    """List the runs that are kept, without those of children, the latest first."""
    query = (
        "SELECT * FROM runs WHERE parent_id IS NULL"
        " AND coalesce(?, status) IN (status, end_kind) AND workflow = coalesce(?, workflow)"
        " ORDER BY created_ns DESC, run_id LIMIT ?"
    )
    found = []
    for row in connection.execute(query, (status, workflow, -1 if last is None else last)).fetchall():
        try:
            found.append(_kept(connection, row))
        except Corrupt as damage:
            damaged(row[0], damage)
    return found


def run_found(connection: sqlite3.Connection, run_id: str) -> Kept:
    """Say what is known of a run, by its id or by the beginning of it.

    Raises:
        NoSuchRun: There is none, or more than one.
    """
    query = "SELECT * FROM runs WHERE run_id = ? OR (parent_id IS NULL AND substr(run_id, 1, ?) = ?) LIMIT 2"
    found = connection.execute(query, (run_id, len(run_id), run_id)).fetchall()
    exact = [row for row in found if row[0] == run_id]
    if len(exact or found) != 1 or not run_id:
        why = "there is no run" if not found else "there is more than one run that begins with"
        raise NoSuchRun(f"{why} {run_id}")
    return _kept(connection, (exact or found)[0])


def _kept(connection: sqlite3.Connection, row: tuple[Any, ...]) -> Kept:
    about = checked(row)
    state, spent = about["state"], read(about["spent"])
    if about["status"] != "done" and (begun := begun_last(connection, about["run_id"])) is not None:
        state, spent = begun["state"], Spent(*begun["spent"])._asdict()
    elif about["status"] == "waiting":
        raise Corrupt(f"the journal of {about['run_id']} has lost what it waits for")
    return Kept(
        about["run_id"],
        about["workflow"],
        about["status"],
        state,
        spent,
        about["end_state"],
        about["end_kind"],
        about["created_ns"],
        about["ended_ns"],
        about["owner"],
        about["parent_id"],
        about["lease_ns"],
    )


def runs_due(connection: sqlite3.Connection, most: int, folders: Sequence[str]) -> list[str]:
    """Give runs that somebody should carry out now, the oldest first, and at most so many.

    Those that were only submitted, those whose process is gone, and those that wait for an answer that has
    come, or for one that will not come in time; if there are folders, only those of specs in these.
    """
    where = f"AND {_WITHIN}" if folders else "AND ? IS NOT NULL"
    query = f"SELECT run_id FROM runs {_DUE} {where} ORDER BY created_ns, run_id LIMIT ?"  # noqa: S608 - ours
    return [run_id for (run_id,) in connection.execute(query, (*_now(connection), json.dumps(folders), most))]


def folders_due(connection: sqlite3.Connection, folders: Sequence[str]) -> set[str]:
    """Give the other folders of specs of which runs are due."""
    query = f"SELECT DISTINCT folder FROM runs {_DUE} AND NOT {_WITHIN}"  # noqa: S608 - ours
    return {folder for (folder,) in connection.execute(query, (*_now(connection), json.dumps(folders)))}


def _now(connection: sqlite3.Connection) -> tuple[int, str, int]:
    """Give what `_DUE` asks for: the time, and the processes that are gone."""
    now = time.time_ns()
    owners = connection.execute("SELECT DISTINCT owner FROM runs WHERE lease_ns > ?", (now,)).fetchall()
    gone = json.dumps([owner for (owner,) in owners if owner is not None and not is_alive(owner)])
    return now, gone, now


_DUE = """
WHERE parent_id IS NULL AND status IN ('submitted', 'running', 'waiting')
AND (owner IS NULL OR lease_ns <= ? OR owner IN (SELECT value FROM json_each(?)))
AND (status != 'waiting' OR owner IS NOT NULL OR wake_ns <= ? OR EXISTS
    (SELECT 1 FROM answers JOIN runs AS asking ON asking.run_id = answers.run_id
     WHERE asking.root_id = runs.run_id AND asking.status = 'waiting' AND asking.state = answers.state))
"""

_WITHIN = """
EXISTS (SELECT 1 FROM json_each(?)
    WHERE substr(folder || '/', 1, length(rtrim(value, '/')) + 1) = rtrim(value, '/') || '/')
"""


def questions_kept(connection: sqlite3.Connection, run_id: str | None, damaged: Damaged) -> list[Question]:
    """Give the questions that wait, of one run or of all, the oldest first."""
    rows = connection.execute(
        "SELECT * FROM runs WHERE status = 'waiting' AND root_id = coalesce(?, root_id) ORDER BY created_ns",
        (run_id,),
    ).fetchall()
    found = []
    for row in rows:
        try:
            question = _question(connection, checked(row))
        except Corrupt as damage:
            damaged(row[0], damage)
        else:
            found += [question] if question is not None else []
    return found


def _question(connection: sqlite3.Connection, about: Mapping[str, Any]) -> Question | None:
    """Read the question that a run waits for; None if it is a child that does."""
    run_id = about["run_id"]
    rows = rows_of(connection, run_id)
    if not rows:
        raise Corrupt(f"the journal of {run_id} is gone")
    if not asks(rows):
        return None
    begun = body_of(rows[-1])
    token = token_of(run_id, begun["state"], begun["visit"])
    answer = connection.execute("SELECT 1 FROM answers WHERE token = ?", (token,)).fetchone()
    return Question(
        run_id,
        about["root_id"],
        about["workflow"],
        about["digest"],
        about["folder"],
        begun["state"],
        begun["visit"],
        begun["shown"],
        begun["at_ns"],
        begun["until_ns"],
        answer is not None,
    )
