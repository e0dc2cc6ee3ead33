"""What a model has called a tool with is of that tool's type, wherever the run is kept."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fsmflow.engines.durable import Durable, Suspended
from fsmflow.engines.workflows import Workflow
from fsmflow.runtime import Outcome

STEPS = """
from attrs import frozen

@frozen
class OpenFile:
    path: str

@frozen
class Grep:
    path: str

def name(what) -> str:
    return type(what).__name__
"""
SPEC = """
fsmflow: 1
workflow: tools
budget: {steps: 10}
states:
  plan:
    llm:
      model: small
      prompt: plan.md
      max_tokens: 10
      tools: {open_file: 'tool_steps:OpenFile', grep: 'tool_steps:Grep'}
    cost: {tokens: 900}
    timeout: 5s
    success: {open_file: ask, grep: ask}
    fallback: failed
  ask: {ask: Shall I?, timeout: 1d, success: {yes_: name, no_: failed}, fallback: failed}
  name: {run: tool_steps:name, with: {what: $plan}, gives: str, timeout: 5s, success: done, fallback: failed}
  done: {end: success, output: $name}
  failed: {end: failed}
"""


@pytest.fixture
def workflow(tmp_path: Path) -> Iterator[Workflow]:
    """A workflow in which a model chooses from two tools that take the same."""
    (tmp_path / "tool_steps.py").write_text(STEPS)
    (tmp_path / "plan.md").write_text("Plan.")
    (tmp_path / "tools.fsm.yaml").write_text(SPEC)
    yield Workflow.of_spec(tmp_path / "tools.fsm.yaml")
    sys.path[:] = [path for path in sys.path if path != str(tmp_path)]
    sys.modules.pop("tool_steps", None)


@pytest.mark.parametrize(("label", "kind"), [("open_file", "OpenFile"), ("grep", "Grep")])
@pytest.mark.parametrize("is_data", [False, True], ids=["instance", "data"])
def test_a_tool_gets_what_it_takes(
    tmp_path: Path, workflow: Workflow, label: str, kind: str, *, is_data: bool
) -> None:
    """Also where another tool takes the same, and the run was let go and taken up in between."""

    def plan() -> Any:
        import tool_steps

        return Outcome(label, {"path": "x"} if is_data else getattr(tool_steps, kind)("x"))

    with Durable(tmp_path / "runs.db", suspends=True) as durable:
        run_id = durable.submit(workflow, None)
        with pytest.raises(Suspended):
            asyncio.run(durable.resume(run_id, workflow=workflow, steps={"plan": plan}))
        durable.answer(run_id, "ask", "yes_")
        result = asyncio.run(durable.resume(run_id, workflow=workflow, steps={"plan": plan}))

    assert (result.kind, result.output) == ("success", kind)
