"""The run whose machine loses power: its workflow, its steps, and what is seen of it from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from fsmflow.engines.workflows import Workflow
from fsmflow.runtime import StepContext
from fsmflow.runtime.events import Event

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
    "disk_asked": """
fsmflow: 1
workflow: disk_asked
budget: {steps: 9, time: 10min}
states:
  ask:
    ask: What is to be said of it?
    show: {item: $input.item}
    gives: str
    timeout: 300d
    success: done
    fallback: failed
  done: {end: success, output: $ask}
  failed: {end: failed}
""",
}
"""Effects of each kind, alone and in children; `pay` gives more than a row holds. One asks a person."""

STEPS = """
def look() -> list[str]: ...
def pay() -> str: ...
def ship(item: str) -> str: ...
def tell(bill: str) -> str: ...
"""

BILL = "bill " * 2_000


def workflow_in(folder: Path, name: str = "disk_order") -> Workflow:
    """Write the specs, with steps that are only looked at, and compile one of them."""
    (folder / "disk_steps.py").write_text(STEPS, encoding="utf-8")
    for each, text in SPECS.items():
        (folder / f"{each}.fsm.yaml").write_text(text, encoding="utf-8")
    return Workflow.of_spec(folder / f"{name}.fsm.yaml")


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


def steps(tell: Tell) -> dict[str, Any]:
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
