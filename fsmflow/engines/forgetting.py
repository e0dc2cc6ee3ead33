"""What is forgotten of runs that are over: they, and what nobody else needs any more."""

from __future__ import annotations

import sqlite3

from fsmflow.engines.machines import BadMachine, called, read_machine
from fsmflow.engines.records import Damaged, checked
from fsmflow.engines.rows import Corrupt


def forget(connection: sqlite3.Connection, before_ns: int, damaged: Damaged) -> int:
    """Forget runs that ended before a time, in nanoseconds since 1970, with their children; give how many.

    Of one that is damaged nobody knows when it ended: it is kept.
    """
    over = []
    for row in connection.execute(
        "SELECT * FROM runs WHERE parent_id IS NULL AND status IN ('done', 'cancelled') AND ended_ns < ?",
        (before_ns,),
    ).fetchall():
        try:
            over.append((checked(row)["run_id"],))
        except Corrupt as damage:
            damaged(row[0], damage)
    for root in over:
        for statement in (
            "DELETE FROM journal WHERE run_id IN (SELECT run_id FROM runs WHERE root_id = ?)",
            "DELETE FROM answers WHERE run_id IN (SELECT run_id FROM runs WHERE root_id = ?)",
            "DELETE FROM runs WHERE root_id = ?",
        ):
            connection.execute(statement, root)
    connection.execute(
        "DELETE FROM payloads WHERE '@' || hash NOT IN (SELECT body FROM journal WHERE body LIKE '@%')"
    )
    reached = _reached(connection, damaged)
    for (digest,) in connection.execute("SELECT digest FROM machines").fetchall():
        if digest not in reached:
            connection.execute("DELETE FROM machines WHERE digest = ?", (digest,))
    return len(over)


def _reached(connection: sqlite3.Connection, damaged: Damaged) -> set[str]:
    """Give the digests of the machines that runs may come to: their own and their children's.

    Where a machine is damaged, nobody knows what it runs, so it may be any.
    """
    pending = connection.execute("SELECT digest, min(run_id) FROM runs GROUP BY digest").fetchall()
    found: set[str] = set()
    while pending:
        digest, run_id = pending.pop()
        row = connection.execute("SELECT machine FROM machines WHERE digest = ?", (digest,)).fetchone()
        if digest not in found and row is not None:
            found.add(digest)
            try:
                pending += [(callee, run_id) for _, callee in called(read_machine(row[0], digest))]
            except BadMachine as damage:
                damaged(run_id, damage)
                found.update(each for (each,) in connection.execute("SELECT digest FROM machines"))
    return found
