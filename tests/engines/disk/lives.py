"""Lives: what a process does between two power losses.

It opens the database, submits the run or takes it up, and goes on as far as it comes. Effects reach an
outside system that never fails.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fsmflow.engines.workflows import Workflow
from fsmflow.testing.clock import SimulatedClock
from tests.engines.disk.order import FILE, RUN, Over, Submitted, Tell, steps
from tests.engines.disk.watched import REAL, Engine, Kept, in_use, kept_in


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
    with in_use(engine, tell, sqlite):
        durable = engine.durable.Durable(path, suspends=True, clock=SimulatedClock(), lease_s=1_000)
        try:
            look(durable.store.do_now(lambda connection: kept_in(engine, connection)))
            if not durable.runs():
                durable.submit(workflow, None, run_id=RUN)
                tell(Submitted())
            if durable.find(RUN).status != "done":
                finished(durable.resume(RUN, workflow=workflow, steps=steps(tell)))
            over = durable.store.do_now(lambda connection: kept_in(engine, connection)).over
            assert over is not None
            tell(over)
        finally:
            durable.close()
    return over


def finished(coroutine: Any) -> Any:
    """Run a coroutine to its end, without what `asyncio.run` sets up for others."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()


def put(image: Mapping[str, bytes], folder: Path) -> Path:
    """Write an image to a real folder, in the place of what was there, and give the database's path."""
    for name in os.listdir(folder):  # noqa: PTH208 - half a campaign's time goes by here
        os.unlink(folder / name)  # noqa: PTH108
    for name, data in image.items():
        (folder / name).write_bytes(data)
    return folder / FILE
