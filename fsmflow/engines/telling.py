"""The trace of a run that is kept, told from its journal: whoever carried it out, and however often.

Nothing of the author's is imported for it: the machine that travels with the run says how it went from event
to event. Span ids are made of what a span is, so that the same run is told alike each time, but
for what stands in the place of secrets.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, NamedTuple

from fsmflow.engines.assembling import assembled
from fsmflow.engines.followed import Telling
from fsmflow.engines.machines import read_machine
from fsmflow.engines.records import about_run
from fsmflow.engines.rows import Corrupt, Row, rows_of
from fsmflow.engines.spans import Child, secret_ways
from fsmflow.engines.store import Store
from fsmflow.machine import Machine
from fsmflow.runtime.log import Parent


class Kept(NamedTuple):
    """What is kept of a run: beside its journal, its journal, and its machine."""

    about: Mapping[str, Any]
    rows: Sequence[Row]
    machine: Machine


async def trace_of(store: Store, run_id: str) -> list[dict[str, Any]]:
    """Give the events of the trace of a run and of its children, without what is secret.

    An attempt whose process ended, and that was made again, is among them as `lost`; what is under way has an
    event `start`. What is secret in the run of a child is known by those that run it, so that all of them are
    looked at.

    Raises:
        NoSuchRun: There is none of this id.
        Corrupt: Its journal, or its machine, is not what was kept.
    """
    about = await store.do(lambda connection: about_run(connection, run_id))
    family = _Family(store)
    events = await assembled(about["root_id"], family.told)
    return events if about["parent_id"] is None else _of_child(events, run_id)


def _of_child(events: Sequence[dict[str, Any]], run_id: str) -> list[dict[str, Any]]:
    """Give the events of one of the runs in a trace, and of those that it runs."""
    runs = {event["span_id"]: event for event in events if event["event"] == "run"}
    within = {
        event["span_id"]: event["parent_id"] for event in events if event["event"] not in ("run", "end")
    }

    def is_of_it(span: str | None) -> bool:
        while span is not None and runs[span]["run_id"] != run_id:
            span = within.get(runs[span].get("parent_id"))
        return span is not None

    return [
        event
        for event in events
        if is_of_it(event["span_id" if event["event"] in ("run", "end") else "parent_id"])
    ]


class _Family:
    """A run and its children, each of which is read once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read: dict[str, Telling | None] = {}
        self._parents: dict[str, Parent] = {}
        self._profile: str | None = None

    async def told(self, run_id: str) -> AsyncIterator[Mapping[str, Any]]:
        """Give what is told of a run; nothing of a child that was never begun."""
        telling = await self._telling(run_id)
        if telling is not None:
            yield {
                "secret": secret_ways(telling.machine),
                "events": telling.events(self._parents.get(run_id)),
            }

    async def _telling(self, run_id: str) -> Telling | None:
        if run_id not in self._read:
            kept = await self._store.do(lambda connection: _kept(connection, run_id))
            self._read[run_id] = None if kept is None else await self._followed(kept)
        return self._read[run_id]

    async def _followed(self, kept: Kept) -> Telling:
        about = kept.about
        if about["parent_id"] is None:
            self._profile = about["profile"]
        telling = Telling(kept.machine, {**about, "profile": self._profile})
        for row in kept.rows:
            telling.take(row)
        self._parents.update(telling.parents)
        if (begun := telling.broken_off) is not None:
            runs = await self._begun(begun.children)
            asked_us = sum([await self._asked_us(run) for run in runs])
            telling.break_off([run.now.spent for run in runs], asked_us)
        return telling

    async def _begun(self, children: Sequence[Child]) -> list[Telling]:
        runs = [await self._telling(child.run_id) for child in children]
        return [run for run in runs if run is not None]

    async def _asked_us(self, telling: Telling) -> int:
        """Give how long a run, with those that it runs, has waited for people."""
        asked_us = telling.asked_us
        for each in telling.recorded:
            asked_us += sum([await self._asked_us(run) for run in await self._begun(each.children)])
        return asked_us


def _kept(connection: sqlite3.Connection, run_id: str) -> Kept | None:
    rows = rows_of(connection, run_id)
    if not rows:
        return None
    about = about_run(connection, run_id)
    digest = about["digest"]
    found = connection.execute("SELECT machine FROM machines WHERE digest = ?", (digest,)).fetchone()
    if found is None:
        raise Corrupt(f"the machine {digest[:12]} is not kept")
    return Kept(about, rows, read_machine(found[0], digest))
