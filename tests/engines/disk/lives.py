"""A run on a machine that loses power again and again, and what is owed to it.

A life is what one process does between two power losses: it opens the database, submits the run or takes it
up, and goes on as far as it comes. Effects reach an outside system that never fails.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from unittest.mock import patch

from attrs import frozen

from fsmflow.engines.workflows import Workflow
from fsmflow.runtime import StepContext
from fsmflow.runtime.events import Event
from fsmflow.testing.clock import SimulatedClock

RUN = "run"
FILE = "runs.db"

SPECS = {
    "disk_parcel": """
fsmflow: 1
workflow: disk_parcel
budget: {steps: 4, tool_calls: 4, time: 10min}
states:
  ship:
    run: disk_steps:ship
    with: {item: $input.item}
    gives: str
    cost: {tool_calls: 1}
    timeout: 1s
    effect: idempotent
    success: done
    retry: {times: 2, backoff: 1s}
    fallback: failed
  done: {end: success, output: $ship}
  failed: {end: failed}
""",
    "disk_order": """
fsmflow: 1
workflow: disk_order
budget: {steps: 12, tool_calls: 11, time: 60min, exceeded: short}
states:
  look:
    run: disk_steps:look
    gives: list[str]
    cost: {tool_calls: 1}
    timeout: 1s
    effect: none
    success: settle
    retry: {times: 3, backoff: 1s}
    fallback: failed
  settle:
    wait: 5s
    success: deliver
  deliver:
    map: disk_parcel
    over: $look
    with: {item: $item}
    at_most: 2
    width: 2
    success: pay
    fallback: failed
  pay:
    run: disk_steps:pay
    gives: str
    cost: {tool_calls: 1}
    timeout: 1s
    effect: idempotent
    success: tell
    retry: {times: 3, backoff: 1s}
    fallback: failed
  tell:
    run: disk_steps:tell
    with: {bill: $pay}
    gives: str
    cost: {tool_calls: 1}
    timeout: 1s
    effect: once
    success: done
    unknown: doubtful
    fallback: failed
  done: {end: success, output: [$deliver, $tell]}
  doubtful: {end: degraded, output: [$deliver, in doubt]}
  short: {end: failed, output: out of budget}
  failed: {end: failed, output: $error.message}
""",
}
"""Effects of each kind, alone and in children; `pay` gives more than a row of the journal holds."""

STEPS = """
def look() -> list[str]: ...
def pay() -> str: ...
def ship(item: str) -> str: ...
def tell(bill: str) -> str: ...
"""

BILL = "bill " * 2_000


def workflow_in(folder: Path) -> Workflow:
    """Write the specs, with steps that are only looked at, and compile the caller."""
    (folder / "disk_steps.py").write_text(STEPS, encoding="utf-8")
    for name, text in SPECS.items():
        (folder / f"{name}.fsm.yaml").write_text(text, encoding="utf-8")
    return Workflow.of_spec(folder / "disk_order.fsm.yaml")


class Requested(NamedTuple):
    """An effect was requested of the outside system."""

    key: str
    run_id: str
    state: str
    visit: int
    attempt: int
    said: str


class Ended(NamedTuple):
    """The journal was handed what came of something."""

    run_id: str
    event: Event


class Told(NamedTuple):
    """The journal said that all that a run has handed over is kept for good."""

    run_id: str
    spent: Mapping[str, int]


class Submitted(NamedTuple):
    """The run was said to be kept."""


class Over(NamedTuple):
    """The run was said to be over."""

    kind: str
    output: Any
    spent: Mapping[str, int]


Seen = Requested | Ended | Told | Submitted | Over
Tell = Callable[[Seen], None]


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
def _in_use(engine: Engine, tell: Tell, sqlite: Any) -> Iterator[None]:
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

    process = f"{socket.gethostname()}:999999999:{next(_machines)}"
    with (
        patch.object(engine.taking_up, "RunJournal", Watched),
        patch.object(engine.durable, "this_process", lambda: process),
        patch.object(engine.store, "sqlite3", sqlite),
    ):
        yield


def live(
    workflow: Workflow,
    path: Path,
    tell: Tell,
    *,
    engine: Engine = REAL,
    sqlite: Any = sqlite3,
    look: Callable[[Kept], None] = lambda _: None,
) -> Over:
    """Live one life, to the run's end.

    Args:
        workflow: The run's workflow.
        path: The database.
        tell: Is told what happens.
        engine: What carries the run out.
        sqlite: The module that the database is opened by.
        look: Is shown what the database holds when it is opened.
    """
    with _in_use(engine, tell, sqlite):
        durable = engine.durable.Durable(path, suspends=True, clock=SimulatedClock(), lease_s=1_000)
        try:
            look(durable.store.do_now(lambda connection: _kept(engine, connection)))
            if not durable.runs():
                durable.submit(workflow, None, run_id=RUN)
                tell(Submitted())
            if durable.find(RUN).status != "done":
                made = _steps(tell)
                _finished(durable.resume(RUN, workflow=workflow, steps=made))
            over = durable.store.do_now(lambda connection: _kept(engine, connection)).over
            assert over is not None
            tell(over)
        finally:
            durable.close()
    return over


def _finished(coroutine: Any) -> None:
    """Run a coroutine to its end, without what `asyncio.run` sets up for others."""
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(coroutine)
    finally:
        loop.close()


def _kept(engine: Engine, connection: Any) -> Kept:
    begun: dict[str, list[tuple[str, int, int]]] = {}
    events: dict[str, list[Event]] = {}
    spent: dict[str, Mapping[str, int]] = {}
    over = None
    for run_id, kind in connection.execute("SELECT run_id, end_kind FROM runs").fetchall():
        rows = engine.journal.rows_of(connection, run_id)
        said = [engine.journal.body_of(row) for row in rows if row.kind == "begin"]
        begun[run_id] = [(b["state"], b["visit"], b["attempt"]) for b in said if b["what"] == "attempt"]
        events[run_id] = list(engine.journal.events_of(rows))
        spent[run_id] = engine.records.run_found(connection, run_id).spent
        if run_id == RUN and kind is not None:
            over = Over(kind, engine.journal.body_of(rows[-1])["output"], spent[run_id])
    return Kept(begun, events, spent, over)


def _steps(tell: Tell) -> dict[str, Any]:
    """Make the steps, with effects that are told."""

    def effect(ctx: StepContext, said: str = "") -> None:
        tell(Requested(ctx.idempotency_key, ctx.run_id, ctx.state, ctx.visit, ctx.attempt, said))
        ctx.charge(tool_calls=1)

    async def look(ctx: StepContext) -> list[str]:
        effect(ctx)
        return ["a", "b"]

    async def pay(ctx: StepContext) -> str:
        effect(ctx)
        return BILL

    async def ship(item: str, ctx: StepContext) -> str:
        effect(ctx, item)
        return f"shipped {item}"

    async def tell_once(bill: str, ctx: StepContext) -> str:
        effect(ctx, bill)
        return "told"

    return {"look": look, "pay": pay, "deliver.ship": ship, "tell": tell_once}


def image_of(folder: Path) -> dict[str, bytes]:
    """Read what a real folder holds of the database."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name.startswith(FILE)}


def put(image: Mapping[str, bytes], folder: Path) -> Path:
    """Write an image to a real folder, in the place of what was there, and give the database's path."""
    for name in os.listdir(folder):  # noqa: PTH208 - half a campaign's time goes by here
        os.unlink(folder / name)  # noqa: PTH108
    for name, data in image.items():
        (folder / name).write_bytes(data)
    return folder / FILE
