"""Recorded histories, replayed: a run that is under way goes on as it began, whatever has changed since."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("temporalio")

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from fsmflow import semantics
from fsmflow.engines.temporal import carrying, family
from fsmflow.engines.temporal.wire import converter
from fsmflow.engines.temporal.workflow import MachineRun
from fsmflow.runtime import Elapsed
from tests.temporal.recording import HISTORIES

FILES = sorted(HISTORIES.glob("*.json"))


def replay(name):
    """Replay a history; what does not fit it raises."""
    history = WorkflowHistory.from_json(name, (HISTORIES / f"{name}.json").read_text(encoding="utf-8"))
    replayer = Replayer(workflows=[MachineRun], data_converter=converter())
    asyncio.run(replayer.replay_workflow(history))


@pytest.mark.parametrize("name", [file.stem for file in FILES])
def test_a_history_is_replayed(name):
    """The kernel gives the commands that it gave when the history was recorded."""
    replay(name)


async def _no_timer(self, pause):
    return Elapsed(pause.duration_us)


def _ids_by_state(self):
    return self.now.state


def _another_child(self, start):
    return f"{self._order.run_id}-{start.key}"


def _no_retry(machine, now, event):
    following, *rest = _ADVANCE(machine, now, event)
    return semantics.Advance(following._replace(attempt=following.attempt + 1), *rest)


_ADVANCE = semantics.advance


@pytest.mark.parametrize(
    ("owner", "attribute", "mutant", "name"),
    [
        (carrying.Carrying, "_pause", _no_timer, "stop_1"),
        (carrying.Carrying, "_name", _ids_by_state, "journey"),
        (family.Family, "_id", _another_child, "journey"),
        (semantics, "advance", _no_retry, "turns"),
    ],
)
def test_a_changed_kernel_is_noticed(monkeypatch, owner, attribute, mutant, name):
    """One that gives other commands for the same history is told from it, before any run meets it."""
    monkeypatch.setattr(owner, attribute, mutant)

    with pytest.raises(Exception, match=r"\[TMPRL1100\]|[Nn]ondeterminism"):
        replay(name)
