"""Trials that an engine for durable runs must stand: power losses, damage, and others that want its runs."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fsmflow.engines.workflows import Workflow
from fsmflow.runtime import StepContext
from fsmflow.runtime.outcomes import Stop
from fsmflow.testing.clock import SimulatedClock
from tests.engines.disk.campaign import Campaign
from tests.engines.disk.oracle import Lost
from tests.engines.disk.order import BILL, RUN
from tests.engines.disk.watched import Engine

Trial = Callable[[Engine, Workflow, Path], None]


def power_losses(engine: Engine, workflow: Workflow, folder: Path) -> None:
    """Lose power at many points, and in a few series.

    Raises:
        Lost: Something was lost.
    """
    campaign = Campaign(workflow, folder, engine, random.Random(11))
    campaign.each_point(every=3)
    for _ in range(4):
        campaign.series()


DAMAGE = {
    "a row says another thing": (
        "UPDATE journal SET body = replace(body, 'shipped a', 'shipped b') WHERE kind = 'event'"
    ),
    "a row is of another kind": "UPDATE journal SET kind = 'end' WHERE run_id = 'run' AND seq = 3",
    "a row is gone": "DELETE FROM journal WHERE run_id = 'run' AND seq = 2",
    "a row was written by another": (
        "UPDATE journal SET (kind, body, chain) ="
        " (SELECT kind, body, chain FROM journal AS each WHERE run_id = 'other' AND each.seq = journal.seq)"
        " WHERE run_id = 'run' AND seq = 2"
    ),
    "a payload says another thing": "UPDATE payloads SET body = replace(body, 'bill', 'gift')",
}
"""What may become of a run that has something left to do, if somebody, or something, writes to it."""

EARLY_DAMAGE = {
    "the machine is another one": (
        "UPDATE machines SET machine = replace(machine, '\"tool_calls\":11', '\"tool_calls\":99')"
    ),
    "the machine of a child is another one": (
        "UPDATE machines SET machine = replace(machine, '\"tool_calls\":4', '\"tool_calls\":9')"
        " WHERE workflow = 'disk_parcel'"
    ),
}
"""What may become of a run that has not begun."""


def damage(engine: Engine, workflow: Workflow, folder: Path) -> None:
    """Damage the database of a run that has something left to do.

    Raises:
        Lost: The run went on from what is not true.
    """
    for number, (what, statement) in enumerate({**DAMAGE, **EARLY_DAMAGE}.items()):
        with _opened(engine, folder / f"damage{number}.db") as durable:
            for run_id in (RUN, "other"):
                durable.submit(workflow, None, run_id=run_id)
                if what in DAMAGE:
                    _until_told(durable, workflow, run_id)
            changed = durable.store.do_now(lambda c, sql=statement: c.execute(sql).rowcount)
            assert changed > 0, what
            try:
                # The machine comes from the database as well.
                asyncio.run(durable.resume(RUN, steps=_steps()))
            except (engine.journal.Corrupt, engine.machines.BadMachine):
                continue
            raise Lost(what)


def others(engine: Engine, workflow: Workflow, folder: Path) -> None:
    """Take a run over from a process that does nothing for longer than its lease lasts.

    Raises:
        Lost: Two have it, or the first one still wrote to it.
    """
    first = _opened(engine, folder / "others.db", lease_s=0.25)
    # It waits for half of its own lease to see whether the first one renews, and so has a short one.
    second = _opened(engine, folder / "others.db", lease_s=1)
    first.submit(workflow, None, run_id=RUN)
    began, go_on = threading.Event(), threading.Event()
    told: list[BaseException] = []
    rows: list[Any] = []

    async def paused(ctx: StepContext) -> list[str]:
        began.set()
        # The whole event loop waits, as in a process that was stopped: no lease is renewed.
        go_on.wait()
        return ["c", "d"]

    def carry_out() -> None:
        try:
            asyncio.run(first.resume(RUN, workflow=workflow, steps={**_steps(), "look": paused}))
        except BaseException as error:
            told.append(error)

    def come_back() -> None:
        rows.append(_rows(second))
        go_on.set()
        thread.join()
        rows.append(_rows(second))

    thread = threading.Thread(target=carry_out)
    thread.start()
    try:
        began.wait()
        try:
            asyncio.run(second.resume(RUN, workflow=workflow, steps=_steps()))
            raise Lost("two processes have one run")
        except engine.durable.Taken:
            time.sleep(0.3)
        _until_told(second, workflow, RUN, meanwhile=come_back)
    finally:
        go_on.set()
        thread.join()
        first.close()
        second.close()
    # Who finds the lease lost first, the journal or whoever renews it, says so in its own way.
    refused = (engine.journal.Fenced, asyncio.CancelledError)
    if rows[0] != rows[1] or not told or not isinstance(told[0], refused):
        raise Lost(f"who came back late is not kept out: {told}")


TRIALS: tuple[Trial, ...] = (damage, others, power_losses)


class _Cut(Stop):
    """The process that carries a run out is stopped."""


def _until_told(
    durable: Any, workflow: Workflow, run_id: str, *, meanwhile: Callable[[], None] = lambda: None
) -> None:
    """Carry a run out up to its last effect, which is under way when the process ends."""

    async def tell(bill: str) -> str:
        meanwhile()
        raise _Cut

    try:
        asyncio.run(durable.resume(run_id, workflow=workflow, steps={**_steps(), "tell": tell}))
    except _Cut:
        return
    raise AssertionError("the run came to its end")


def _steps() -> dict[str, Any]:
    async def look() -> list[str]:
        return ["a", "b"]

    async def pay() -> str:
        return BILL

    async def ship(item: str) -> str:
        return f"shipped {item}"

    async def tell(bill: str) -> str:
        return "told"

    return {"look": look, "pay": pay, "deliver.ship": ship, "tell": tell}


def _opened(engine: Engine, path: Path, *, lease_s: float = 100.0) -> Any:
    return engine.durable.Durable(path, suspends=True, clock=SimulatedClock(), lease_s=lease_s)


def _rows(durable: Any) -> list[Any]:
    found: list[Any] = durable.store.do_now(lambda c: c.execute("SELECT * FROM journal").fetchall())
    return found
