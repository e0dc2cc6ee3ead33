"""A worker as a process of its own, to be killed: its steps act on an outside system that is not."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

from temporalio.client import Client

from fsmflow.engines.temporal.activities import Activities
from fsmflow.engines.temporal.catalogue import Catalogue
from fsmflow.engines.temporal.payloads import Folder
from fsmflow.engines.temporal.wire import converter
from fsmflow.engines.temporal.worker import worker
from fsmflow.runtime import Outcome, StepContext
from tests.engines.effects import Effects, request

SPECS = Path(__file__).parents[2] / "specs"
TAKES_S = 0.15
"""How long a step takes, so that some are always under way."""


def steps(port: int) -> dict[str, dict[str, Any]]:
    """Make steps that act on the system at `port`."""
    sys.path.insert(0, str(SPECS))
    from find_sources import Source
    from refund import Order, Payment

    def effect(ctx: StepContext, **said: Any) -> None:
        time.sleep(TAKES_S / 2)
        request(port, key=ctx.idempotency_key, run_id=ctx.run_id, state=ctx.state, **said)
        time.sleep(TAKES_S / 2)
        ctx.charge(tool_calls=1)

    def look_up(order_id: str, request_id: str, ctx: StepContext) -> Order:
        time.sleep(TAKES_S)
        ctx.charge(tool_calls=1)
        return Order(order_id, "Ada", "ada@example.org", "delivered", 100_000, "account")

    def pay(request_id: str, order: Order, cents: int, ctx: StepContext) -> Payment:
        effect(ctx, about=request_id)
        ctx.charge(usd="0.25")
        return Payment(f"P-{request_id}", cents, "paid")

    def reconcile(request_id: str, ctx: StepContext) -> Outcome:
        ctx.charge(tool_calls=1)
        paid = [
            each for each in Effects(port).requests if each["state"] == "pay" and each["about"] == request_id
        ]
        status = "paid" if paid else "absent"
        return Outcome(status, Payment(f"P-{request_id}", 100, status))

    def tell(ctx: StepContext) -> str:
        effect(ctx)
        ctx.charge(usd="0.01")
        return "told"

    def open_case(ctx: StepContext) -> str:
        effect(ctx)
        return "C-1"

    def search(questions: list[str], place: str, most: int, ctx: StepContext) -> list[Source]:
        time.sleep(TAKES_S)
        ctx.charge(tool_calls=1)
        return [Source(f"{place}.{name}", place, questions[0]) for name in "abc"]

    def fetch(source: Source, ctx: StepContext) -> str:
        time.sleep(TAKES_S)
        ctx.charge(tool_calls=1)
        return f"Sorting lists is what {source.name} does. It sorts them in place."

    refund = {"look_up": look_up, "pay": pay, "reconcile": reconcile}
    refund |= {"notify": _with(tell), "refuse": _with(tell), "open_case": _with(open_case)}
    return {"refund": refund, "find_sources": {"search": search}, "read_source": {"fetch": fetch}}


def _with(step: Any) -> Any:
    """Give a step that takes whatever it is given."""

    def taking(ctx: StepContext, **_: Any) -> Any:
        return step(ctx)

    return taking


async def main(address: str, port: int, payloads: str) -> None:
    """Work until killed."""
    client = await Client.connect(address, data_converter=converter(Folder(Path(payloads))))
    async with worker(client, Activities(Catalogue(SPECS, steps=steps(port)))):
        sys.stdout.write("working\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
