"""What a journal tells of children: alone, broken off, and with what their callers know of them."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fsmflow.analysis.traces.recording import read
from fsmflow.engines.durable import Durable, Suspended
from fsmflow.engines.records import NoSuchRun
from fsmflow.engines.store import Store
from fsmflow.engines.workflows import Workflow
from fsmflow.runtime import Permanent, StepContext

STEPS = """
async def look(card: str) -> str: ...
async def pay(card: str) -> str: ...
"""

CALLER = """
fsmflow: 1
workflow: told_caller
budget: {steps: 20, tool_calls: 20, time: 5min}
states:
  middle:
    call: told_middle
    with: {card: $input.card}
    secret: [card, output.receipt]
    success: done
    fallback: failed
  done: {end: success}
  failed: {end: failed}
"""

MIDDLE = """
fsmflow: 1
workflow: told_middle
budget: {steps: 12, tool_calls: 12, time: 2min}
states:
  both:
    parallel:
      one: {call: told_child, with: {card: $input.card}}
      two: {call: told_child, with: {card: other}}
    success: done
    fallback: failed
  done: {end: success, output: {receipt: $both.one}}
  failed: {end: failed}
"""

CHILD = """
fsmflow: 1
workflow: told_child
budget: {steps: 4, tool_calls: 4, time: 50s}
states:
  deep: {call: told_leaf, with: {card: $input.card}, success: done, fallback: failed}
  done: {end: success, output: $deep}
  failed: {end: failed}
"""

LEAF = """
fsmflow: 1
workflow: told_leaf
budget: {steps: 2, tool_calls: 2, time: 40s}
states:
  look:
    run: family_steps:look
    with: {card: $input.card}
    gives: str
    cost: {tool_calls: 1}
    timeout: 10s
    effect: none
    success: pay
    fallback: failed
  pay:
    run: family_steps:pay
    with: {card: $input.card}
    gives: str
    cost: {tool_calls: 1}
    timeout: 10s
    effect: once
    success: done
    unknown: failed
    fallback: failed
  done: {end: success, output: $pay}
  failed: {end: failed}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the specs and their steps."""
    folder = tmp_path_factory.mktemp("families")
    (folder / "family_steps.py").write_text(STEPS)
    for name, text in {"caller": CALLER, "middle": MIDDLE, "child": CHILD, "leaf": LEAF}.items():
        (folder / f"told_{name}.fsm.yaml").write_text(text)
    path = list(sys.path)
    yield folder
    sys.path[:] = path
    sys.modules.pop("family_steps", None)


class Paying:
    """Steps that pay, or hold still once both leaves pay, or fail the second of them then."""

    def __init__(self, then: str = "paid") -> None:
        self.then = then
        self.is_paying = asyncio.Event()
        self._paying: set[str] = set()

    async def look(self, card: str, ctx: StepContext) -> str:
        """Look at a card."""
        ctx.charge(tool_calls=1)
        return f"{card} is good"

    async def pay(self, card: str) -> str:
        """Pay by a card, or do what is to be done then."""
        self._paying.add(card)
        if len(self._paying) == 2:
            self.is_paying.set()
        if self.then == "paid":
            return f"receipt-canary of {card}"
        await self.is_paying.wait()
        if self.then == "fail" and card == "other":
            raise Permanent("refused")
        return await asyncio.get_running_loop().create_future()


async def _resumed(durable: Durable, run_id: str, paying: Paying) -> Any:
    steps = {
        f"middle.both.{key}.deep.{name}": getattr(paying, name)
        for key in ("one", "two")
        for name in ("look", "pay")
    }
    return await durable.resume(run_id, steps=steps)


def _told(durable: Durable, run_id: str) -> list[dict[str, Any]]:
    return asyncio.run(durable.trace(run_id))


def _runs(durable: Durable) -> dict[str, tuple[str, str]]:
    def rows(store: Store) -> list[tuple[str, str, str]]:
        query = "SELECT run_id, workflow, status FROM runs"
        return store.do_now(lambda connection: connection.execute(query).fetchall())

    return {run_id: (workflow, status) for run_id, workflow, status in rows(durable.store)}


def test_what_is_secret_to_a_caller_is_hidden_in_a_child_told_alone(folder: Path, tmp_path: Path) -> None:
    """What the callers of a child mark of its input and output is hidden, also where it is told alone."""
    with Durable(tmp_path / "runs.db") as durable:
        workflow = Workflow.of_spec(folder / "told_caller.fsm.yaml")
        run_id = durable.submit(workflow, {"card": "4111-canary"})
        asyncio.run(_resumed(durable, run_id, Paying()))
        whole = _told(durable, run_id)
        parts = {each: _told(durable, each) for each, (_, _) in _runs(durable).items() if each != run_id}

    assert "canary" not in json.dumps([whole, *parts.values()])
    assert len(parts) == 5
    for each, part in parts.items():
        assert (part[0]["event"], part[0]["run_id"], part[-1]["event"]) == ("run", each, "end")
        assert read("".join(json.dumps(event) + "\n" for event in part)).kind == "success"


async def _until_it_pays(durable: Durable, run_id: str) -> None:
    """Carry a run out until it pays, and let it go there."""
    paying = Paying("hold")
    running = asyncio.create_task(_resumed(durable, run_id, paying))
    await asyncio.wait({running, asyncio.create_task(paying.is_paying.wait())}, return_when="FIRST_COMPLETED")
    running.cancel()
    await asyncio.wait({running})


def test_a_cancelled_run_counts_what_its_children_used(folder: Path, tmp_path: Path) -> None:
    """What was under way counts in full, from the last child up; a payment may have happened."""
    with Durable(tmp_path / "runs.db") as durable:
        run_id = durable.submit(Workflow.of_spec(folder / "told_caller.fsm.yaml"), {"card": "a"})
        asyncio.run(_until_it_pays(durable, run_id))
        durable.cancel(run_id)
        events = _told(durable, run_id)

    spent = {event["span_id"]: event["spent"] for event in events if event["event"] == "end"}
    used = [(each["steps"], each["tool_calls"]) for each in spent.values()]
    assert used == [(2, 2), (3, 2), (2, 2), (3, 2), (7, 4), (8, 4)]
    pays = [(event["outcome"], event["message"]) for event in events if event.get("state") == "pay"]
    assert pays == [("unknown", "the run was cancelled: nobody can tell if it happened")] * 2


ASKING = """
fsmflow: 1
workflow: told_asking
budget: {steps: 6, time: 1h}
states:
  again: {call: told_question, with: {}, success: done, fallback: failed}
  done: {end: success}
  failed: {end: failed}
"""

QUESTION = """
fsmflow: 1
workflow: told_question
budget: {steps: 2, time: 1min}
states:
  ask: {ask: Is it good?, timeout: 1d, success: {yes_: done}, fallback: done}
  done: {end: success}
"""


def test_what_a_person_took_is_not_on_the_ledger_of_a_cancelled_run(tmp_path: Path) -> None:
    """Where a child asked when its run was cancelled, the waiting counts for nothing."""
    for name, text in {"asking": ASKING, "question": QUESTION}.items():
        (tmp_path / f"told_{name}.fsm.yaml").write_text(text)
    with Durable(tmp_path / "runs.db", suspends=True) as durable:
        run_id = durable.submit(Workflow.of_spec(tmp_path / "told_asking.fsm.yaml"), {})
        with pytest.raises(Suspended):
            asyncio.run(durable.resume(run_id))
        durable.cancel(run_id)
        run, _, asked, _, called, ended = _told(durable, run_id)

    took_us = (called["end_ns"] - called["start_ns"]) // 1000
    assert (asked["event"], called["event"], ended["spent"]["time_us"]) == ("answer", "attempt", took_us)
    assert called["start_ns"] - run["start_ns"] == asked["end_ns"] - asked["start_ns"] > 0


def test_a_child_of_a_child_is_broken_off_with_it(folder: Path, tmp_path: Path) -> None:
    """Where a sibling fails, a run is over with all that it runs, and so each of them is told."""
    with Durable(tmp_path / "runs.db") as durable:
        run_id = durable.submit(Workflow.of_spec(folder / "told_caller.fsm.yaml"), {"card": "a"})
        result = asyncio.run(_resumed(durable, run_id, Paying("fail")))
        statuses = sorted(_runs(durable).values())
        ended = [event["kind"] for event in _told(durable, run_id) if event["event"] == "end"]

    assert result.kind == "failed"
    assert statuses == [
        ("told_caller", "done"),
        ("told_child", "cancelled"),
        ("told_child", "done"),
        ("told_leaf", "cancelled"),
        ("told_leaf", "done"),
        ("told_middle", "done"),
    ]
    assert sorted(ended) == ["cancelled", "cancelled", "failed", "failed", "failed", "failed"]


def test_a_child_is_not_cancelled_alone(folder: Path, tmp_path: Path) -> None:
    """Who names the run of a child is told which run to cancel, and nothing is cancelled."""
    with Durable(tmp_path / "runs.db") as durable:
        run_id = durable.submit(Workflow.of_spec(folder / "told_caller.fsm.yaml"), {"card": "a"})
        asyncio.run(_until_it_pays(durable, run_id))
        (child,) = [each for each, (workflow, _) in _runs(durable).items() if workflow == "told_middle"]

        with pytest.raises(NoSuchRun, match=f"{child} is a child's run: cancel {run_id}"):
            durable.cancel(child)
        assert durable.find(run_id).status == "running"
