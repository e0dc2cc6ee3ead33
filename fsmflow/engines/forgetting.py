"""What is forgotten of runs that are over: they, and what nobody else needs any more."""

from __future__ import annotations

import sqlite3

from fsmflow.engines.machines import called, read_machine


def forget(connection: sqlite3.Connection, before_ns: int) -> int:
    """Forget runs that ended before a time, in nanoseconds since 1970, with their children; give how many."""
    over = connection.execute(
        "SELECT run_id FROM runs"
        " WHERE parent_id IS NULL AND status IN ('done', 'cancelled') AND ended_ns < ?",
        (before_ns,),
    ).fetchall()
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
    reached = _reached(connection)
    for (digest,) in connection.execute("SELECT digest FROM machines").fetchall():
        if digest not in reached:
            connection.execute("DELETE FROM machines WHERE digest = ?", (digest,))
    return len(over)


def _reached(connection: sqlite3.Connection) -> set[str]:
    """Give the digests of the machines that runs may come to: their own and their children's."""
    pending = [digest for (digest,) in connection.execute("SELECT DISTINCT digest FROM runs")]
    found: set[str] = set()
    while pending:
        digest = pending.pop()
        row = connection.execute("SELECT machine FROM machines WHERE digest = ?", (digest,)).fetchone()
        if digest not in found and row is not None:
            found.add(digest)
            pending += [callee for _, callee in called(read_machine(row[0], digest))]
    return found
