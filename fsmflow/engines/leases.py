"""The right to write of a run: one process has it at a time, for as long as it renews it.

It goes under a fencing number that rises with each taker: whoever comes back late, a paused process say, can
write no more (Kleppmann, "How to do distributed locking", 2016).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from typing import NamedTuple


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
        if self not in held(connection, (self,)):
            raise self.lost()

    def lost(self) -> Fenced:
        """Say that it is held no more."""
        return Fenced(f"the run {self.root_id} is another process's, or was cancelled")


_HELD = (
    "SELECT run_id, owner, fence FROM json_each(?) JOIN runs ON run_id = value"
    " WHERE status NOT IN ('done', 'cancelled')"
)


def held(connection: sqlite3.Connection, leases: Collection[Lease]) -> set[Lease]:
    """Give those of the leases that are held still."""
    roots = json.dumps([lease.root_id for lease in leases])
    return {Lease(*row) for row in connection.execute(_HELD, (roots,))}.intersection(leases)
