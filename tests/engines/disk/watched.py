"""An engine for durable runs, watched: what it says is kept, and what a database holds as it reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from itertools import count
from types import ModuleType
from typing import Any, NamedTuple
from unittest.mock import patch

from attrs import frozen

from fsmflow.engines.owners import this_process
from fsmflow.runtime.events import Event
from tests.engines.disk.order import RUN, Ended, Over, Tell, Told


@frozen
class Engine:
    """The modules of an engine for durable runs: the real one, or a copy with a fault.

    Attributes:
        package: The package that they are in.
    """

    package: str = "fsmflow.engines"

    def __getattr__(self, name: str) -> ModuleType:
        return import_module(f"{self.package}.{name}")


REAL = Engine()


class Kept(NamedTuple):
    """What a database holds of the run and its children, as its own code reads it.

    Attributes:
        begun: The attempts that were begun, by run: state, visit, attempt.
        events: The events, by run.
        spent: The ledger of each run, as of then.
        over: How the run ended, if it has.
    """

    begun: Mapping[str, list[tuple[str, int, int]]]
    events: Mapping[str, list[Event]]
    spent: Mapping[str, Mapping[str, int]]
    over: Over | None


_machines = count(1)


@contextmanager
def in_use(engine: Engine, tell: Tell, sqlite: Any) -> Iterator[None]:
    """Let an engine run as on a machine that was just started, and tell what it does."""
    journal = engine.journal.RunJournal

    class Watched(journal):  # type: ignore[misc, valid-type]
        async def begin(self, run: Any, *about: Any) -> Any:
            found = await super().begin(run, *about)
            tell(Told(run.run_id, run.spent._asdict()))
            return found

        async def end(self, run: Any, event: Any) -> Any:
            event = await super().end(run, event)
            tell(Ended(run.run_id, event))
            return event

        async def recovered(self, run: Any, event: Any) -> None:
            await super().recovered(run, event)
            tell(Ended(run.run_id, event))

        async def conclude(self, run: Any, *about: Any) -> None:
            await super().conclude(run, *about)
            tell(Told(run.run_id, run.spent._asdict()))

    process = f"{this_process().rsplit(':', 2)[0]}:999999999:{next(_machines)}"
    with (
        patch.object(engine.taking_up, "RunJournal", Watched),
        patch.object(engine.durable, "this_process", lambda: process),
        patch.object(engine.store, "sqlite3", sqlite),
    ):
        yield


def kept_in(engine: Engine, connection: Any) -> Kept:
    begun: dict[str, list[tuple[str, int, int]]] = {}
    events: dict[str, list[Event]] = {}
    spent: dict[str, Mapping[str, int]] = {}
    over = None
    runs = connection.execute("SELECT CAST(run_id AS TEXT), end_kind FROM runs").fetchall()
    for run_id, kind in ((run_id or "", kind) for run_id, kind in runs):
        rows = engine.journal.rows_of(connection, run_id)
        said = [engine.journal.body_of(row) for row in rows if row.kind == "begin"]
        begun[run_id] = [(b["state"], b["visit"], b["attempt"]) for b in said if b["what"] == "attempt"]
        events[run_id] = list(engine.journal.events_of(rows))
        spent[run_id] = engine.records.run_found(connection, run_id).spent
        if run_id == RUN and kind is not None:
            over = Over(kind, engine.journal.body_of(rows[-1])["output"], spent[run_id])
    return Kept(begun, events, spent, over)
