"""Ending a run as cancelled, with all that it runs: whoever carries it out writes no more of it."""

from __future__ import annotations

import sqlite3
import time

from fsmflow.engines.records import OPEN, NoSuchRun, Over, about_run
from fsmflow.engines.rows import sum_of


def cancel(connection: sqlite3.Connection, run_id: str) -> None:
    """Cancel a run.

    Raises:
        NoSuchRun: There is none of this id, or it is a child's.
        Over: It is over.
    """
    about = about_run(connection, run_id)
    if about["parent_id"] is not None:
        raise NoSuchRun(f"{run_id} is a child's run: cancel {about['root_id']}")
    if about["status"] not in OPEN:
        raise Over(f"the run {run_id} is {about['status']}")
    now = time.time_ns()
    connection.execute(
        "UPDATE runs SET status = 'cancelled', ended_ns = ?, end_sum = ?, is_cancelled = 1,"
        " owner = NULL WHERE root_id = ? AND status NOT IN ('done', 'cancelled')",
        (now, sum_of((now,)), about["root_id"]),
    )
