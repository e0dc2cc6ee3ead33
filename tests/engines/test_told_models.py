"""What a journal tells of a run whose steps gave instances of classes, which are data by then."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fsmflow.engines.durable import Durable
from fsmflow.engines.workflows import Workflow

STEPS = """
from decimal import Decimal

from pydantic import BaseModel, Field


class Payment(BaseModel):
    card: str = Field(alias="cardNumber")
    kind: str = Field(alias="paymentKind")
    amount: Decimal = Decimal("12.50")
    items: list[str] = Field(alias="parts", default_factory=list)

    @property
    def is_large(self) -> bool:
        return self.amount > 10

    @property
    def names(self) -> list[str]:
        return ["a", "b"]


def find() -> Payment:
    return Payment(cardNumber="4111-canary", paymentKind="credit")


def pay(card: str, is_large: bool) -> str:
    return f"paid by {card}"


def ask() -> str:
    return "asked"


def pack(name: str) -> str:
    return name
"""

SPEC = """
fsmflow: 1
workflow: told_models
budget: {steps: 30, time: 10min}
states:
  find:
    run: told_steps:find
    gives: told_steps:Payment
    secret: [output.card]
    timeout: 1s
    effect: none
    success: which
    fallback: failed
  which:
    choose: [{when: "find.kind == 'credit' and find.is_large", to: pay}, {to: ask}]
  pay:
    run: told_steps:pay
    with: {card: $find.card, is_large: $find.is_large}
    gives: str
    timeout: 1s
    effect: none
    success: each
    fallback: failed
  ask:
    run: told_steps:ask
    gives: str
    timeout: 1s
    effect: none
    success: done
    fallback: failed
  each:
    map: told_part
    over: $find.names
    with: {name: $item}
    at_most: 3
    width: 1
    success: sure
    fallback: failed
  sure:
    ask: Is it good?
    show: {payment: $find}
    secret: [payment.card]
    timeout: 1d
    success: {yes_: done, no_: failed}
    fallback: failed
  done: {end: success, output: $find}
  failed: {end: failed}
"""

CHILD = """
fsmflow: 1
workflow: told_part
budget: {steps: 2, time: 1min}
states:
  pack:
    run: told_steps:pack
    with: {name: $input.name}
    gives: str
    timeout: 1s
    effect: none
    success: done
    fallback: failed
  done: {end: success, output: $pack}
  failed: {end: failed}
"""


@pytest.fixture
def told(tmp_path: Path) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    """What a question shows in such a run, and the run's trace once it is over."""
    (tmp_path / "told_steps.py").write_text(STEPS)
    (tmp_path / "told_part.fsm.yaml").write_text(CHILD)
    (tmp_path / "told_models.fsm.yaml").write_text(SPEC)
    path = list(sys.path)
    workflow = Workflow.of_spec(tmp_path / "told_models.fsm.yaml")
    with Durable(tmp_path / "runs.db") as durable:
        run_id = durable.submit(workflow, {})

        async def answered() -> Any:
            running = asyncio.create_task(durable.resume(run_id, workflow=workflow))
            while not (asked := durable.questions(run_id)):
                assert not running.done()
                await asyncio.sleep(0.01)
            durable.answer(run_id, "sure", "yes_")
            await running
            return asked[0].shown

        shown = asyncio.run(answered())
        yield shown, asyncio.run(durable.trace(run_id))
    sys.path[:] = path
    sys.modules.pop("told_steps", None)


def test_a_field_of_a_model_is_hidden_whatever_it_is_written_as(
    told: tuple[Any, list[dict[str, Any]]],
) -> None:
    """What a spec marks by the name of a field is in no trace and no question, under any alias."""
    shown, events = told

    assert "canary" not in json.dumps([shown, events])
    (found,) = [event for event in events if event.get("state") == "find"]
    assert found["output"].keys() == {"card", "kind", "amount", "items"}
    assert shown["payment"]["kind"] == "credit"


def test_a_run_is_told_to_have_gone_where_it_went(told: tuple[Any, list[dict[str, Any]]]) -> None:
    """A guard that read what only an instance has led where the journal says; children are told."""
    _, events = told

    attempts = [event["state"] for event in events if event["event"] in ("attempt", "answer")]
    assert attempts == ["find", "pay", "pack", "pack", "each", "sure"]
    (paid,) = [event for event in events if event.get("state") == "pay"]
    assert paid["input"].keys() == {"card"}, "what is not known is left out"
    assert [event["child"] for event in events if "child" in event] == [0, 1]
