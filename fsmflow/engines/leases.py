"""The right to write of a run: one process has it at a time, for as long as it renews it.

It goes under a fencing number that rises with each taker: whoever comes back late, a paused process say, can
write no more (Kleppmann, "How to do distributed locking", 2016).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from fsmflow.engines.keeping import json_of


class Fenced(RuntimeError):
    """A run belongs to another process by now, and this one writes no more of it."""


class Lease(NamedTuple):
    """The right to write of a run and of its children: only under the latest fencing number."""

    root_id: str
    owner: str
    fence: int

    def hold(self, connection: sqlite3.Connection) -> None:
        """Make sure that the run is still this process's.

        Raises:
            Fenced: It is not.
        """
        if leases_lost(connection, (self,)):
            raise self.lost()

    def lost(self) -> Fenced:
        """Say that it is held no more."""
        return Fenced(f"the run {self.root_id} is another process's, or was cancelled")


_HELD = (
    "SELECT 1 FROM runs WHERE run_id = ? AND owner = ? AND fence = ? AND status NOT IN ('done', 'cancelled')"
)
_NOT_HELD = (
    "WITH asked AS (SELECT json_extract(value, '$[0]') AS root, json_extract(value, '$[1]') AS owner,"
    "  json_extract(value, '$[2]') AS fence FROM json_each(?))"
    " SELECT * FROM asked WHERE NOT EXISTS (SELECT 1 FROM runs WHERE run_id = asked.root"
    "  AND owner = asked.owner AND fence = asked.fence AND status NOT IN ('done', 'cancelled'))"
)


def leases_lost(connection: sqlite3.Connection, leases: Sequence[Lease]) -> set[Lease]:
    """Give those of the leases that are held no more."""
    if len(leases) == 1:
        return set(leases) if connection.execute(_HELD, leases[0]).fetchone() is None else set()
    return {Lease(*row) for row in connection.execute(_NOT_HELD, (json_of(leases),))}
