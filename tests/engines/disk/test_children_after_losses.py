"""What children have used is on the ledger of the run that runs them, whatever happened in between."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

from fsmflow.engines import taking_up
from fsmflow.engines.durable import Durable
from fsmflow.engines.journal import RunJournal
from fsmflow.engines.workflows import Workflow
from fsmflow.runtime import Permanent, StepContext
from fsmflow.runtime.outcomes import Stop
from fsmflow.testing.clock import SimulatedClock
from tests.engines.disk.order import RUN


class Dies(Stop):
    """The process ends here."""


class Dying(RunJournal):
    """A journal whose process ends before it is kept what came of the children."""

    async def end(self, run: Any, event: Any) -> Any:
        if run.state == "deliver":
            raise Dies
        return await super().end(run, event)


def test_what_a_child_used_counts_though_another_failed_before_it_was_looked_at(
    order: Workflow, tmp_path: Path
) -> None:
    """Of two children that were over, the second counts too if the failure of the first ends the state."""
    is_shipped = asyncio.Event()
    requests: list[str] = []

    async def look(ctx: StepContext) -> list[str]:
        requests.append("look")
        return ["a", "b"]

    async def ship(item: str, ctx: StepContext) -> str:
        requests.append(item)
        if item == "b":
            is_shipped.set()
            return item
        await is_shipped.wait()
        # The other one is over when this one fails.
        for _ in range(200):
            await asyncio.sleep(0.001)
        raise Permanent("it is lost")

    async def never() -> str:
        raise AssertionError("this is not reached")

    steps = {"look": look, "deliver.ship": ship, "pay": never, "tell": never}
    with Durable(tmp_path / "runs.db", clock=SimulatedClock(), lease_s=0.05) as durable:
        durable.submit(order, None, run_id=RUN)
        with patch.object(taking_up, "RunJournal", Dying):
            try:
                asyncio.run(durable.resume(RUN, workflow=order, steps=steps))
            except Dies:
                time.sleep(0.1)
        result = asyncio.run(durable.resume(RUN, workflow=order, steps=steps))

    assert (result.kind, requests) == ("failed", ["look", "a", "b"])
    assert result.spent.tool_calls == len(requests)
