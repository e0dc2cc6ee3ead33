"""Values whose fields are kept under other names, on a server that skips time: select with `-m temporal`."""

from __future__ import annotations

import asyncio
import json
import sys

import pytest

pytest.importorskip("temporalio")

from fsmflow.runtime import Inbox
from tests.temporal.served import needs_server, served

pytestmark = [pytest.mark.temporal, needs_server]

MODULE = """
from pydantic import BaseModel, Field


class Part(BaseModel):
    label: str = Field(alias="partLabel")


class Packing(BaseModel):
    part: Part


class Order(BaseModel):
    card: str = Field(alias="cardNumber")
    kind: str = Field(alias="paymentKind")
    parts: list[Part] = Field(alias="orderParts")


def find(order: Order) -> Order:
    assert isinstance(order, Order)
    return order


def pay(card: str, order: Order) -> str:
    return f"paid {order.kind} by {card}"


def pack(part: Part) -> Part:
    return Part(partLabel=part.label.upper())


def ask() -> str:
    return "asked"
"""
SPEC = """
fsmflow: 1
workflow: named
input: named_steps:Order
output: named_steps:Order
secret: [card]
budget: {steps: 20, time: 10min}
states:
  find:
    run: named_steps:find
    with: {order: $input}
    gives: named_steps:Order
    secret: [output.card]
    timeout: 9s
    effect: none
    success: which
    fallback: failed
  which: {choose: [{when: "find.kind == 'credit'", to: pay}, {to: ask}]}
  pay:
    run: named_steps:pay
    with: {card: $find.card, order: $find}
    gives: str
    timeout: 9s
    effect: none
    success: pack_all
    fallback: failed
  ask: {run: named_steps:ask, gives: str, timeout: 9s, effect: none, success: done, fallback: failed}
  pack_all:
    map: packed
    over: $find.parts
    with: {part: $item}
    at_most: 3
    success: sure
    fallback: failed
  sure:
    ask: Is it good?
    show: {order: $find, packed: $pack_all}
    timeout: 1d
    success: {good: done, bad: failed}
    fallback: failed
  done: {end: success, output: $find}
  failed: {end: failed}
"""
CHILD = """
fsmflow: 1
workflow: packed
input: named_steps:Packing
output: named_steps:Part
budget: {steps: 2, time: 1min}
states:
  pack:
    run: named_steps:pack
    with: {part: $input.part}
    gives: named_steps:Part
    timeout: 9s
    effect: none
    success: done
    fallback: failed
  done: {end: success, output: $pack}
  failed: {end: failed}
"""
GIVEN = {
    "cardNumber": "4111-canary",
    "paymentKind": "credit",
    "orderParts": [{"partLabel": "a"}, {"partLabel": "b"}],
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the specs, whose module can be loaded."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "named_steps", raising=False)
    (tmp_path / "named_steps.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "named.fsm.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "packed.fsm.yaml").write_text(CHILD, encoding="utf-8")
    return tmp_path


def test_fields_go_by_their_names_whatever_they_are_kept_under(folder):
    """Guards, arguments, secrets and questions on a server mean the fields that they mean in a local run."""

    async def main():
        async with served(folder, {}) as here:
            workflow = here.workflow("named")
            run_id = await here.temporal.submit(workflow, GIVEN)
            asked = await asyncio.wait_for(here.asked(run_id), 60)
            await here.temporal.answer(asked, "good")
            return workflow, asked, await here.outcome(run_id), await here.temporal.trace(run_id)

    async def local(workflow):
        told, inbox = [], Inbox()
        async with workflow.runner.start(GIVEN, trace=told.append, desk=inbox) as run:
            inbox.answer((await inbox.next()).token, "good")
            await run
        return told

    workflow, asked, outcome, told = asyncio.run(main())

    assert (outcome["kind"], outcome["output"]["kind"]) == ("success", "credit")
    assert asked.shown["packed"] == [{"label": "A"}, {"label": "B"}]
    assert "canary" not in json.dumps([told, asked.shown])
    attempts = [
        [each["state"] for each in trace if each["event"] == "attempt"]
        for trace in (told, asyncio.run(local(workflow)))
    ]
    assert attempts[0] == attempts[1]
