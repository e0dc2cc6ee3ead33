"""The Temporal engine, held to the cases: on a server that skips time, one for all of them."""

from __future__ import annotations

import asyncio
import shutil
import sys
import threading
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from attrs import evolve, frozen
from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from fsmflow.engines.temporal.activities import Activities
from fsmflow.engines.temporal.catalogue import Catalogue
from fsmflow.engines.temporal.orders import KERNEL, Order
from fsmflow.engines.temporal.tasks import LOST, Task
from fsmflow.engines.temporal.wire import converter
from fsmflow.engines.temporal.worker import TASK_QUEUE, worker
from fsmflow.engines.workflows import Workflow
from fsmflow.machine import Ask, Work, canonical
from fsmflow.runtime import Asked, Clock, Configuration, Elapsed, Ended, Late, Lost, Span, Spent, SystemClock
from fsmflow.runtime.run import Error
from fsmflow.runtime.steps import Bound
from fsmflow.runtime.world import World
from fsmflow.testing.clock import SimulatedClock
from tests.conformance.case import Case
from tests.conformance.compiled import workflow
from tests.conformance.observed import Observed, observed
from tests.conformance.script import HERE, Crash, Draws, Script

SERVER = shutil.which("temporal-test-server", path=str(Path(sys.executable).parent))


@frozen(eq=False)
class _Playing:
    """A case that is being run."""

    case: Case
    script: Script
    clock: Clock
    random: Random

    @classmethod
    def of(cls, case: Case) -> _Playing:
        clock = SystemClock() if case.inside else SimulatedClock()
        return cls(case, Script(case, clock), clock, Draws(case))


class _Scripts(Catalogue):
    """The steps of cases. Children go by the trace of the run that was submitted, which they share."""

    def __init__(self) -> None:
        super().__init__(HERE)
        self.playing: dict[str, _Playing] = {}

    def bound(self, workflow: Workflow, task: Task) -> Mapping[str, Bound]:
        """Give what does what is planned."""
        steps = self.playing[task.trace_id].script.steps
        own = {way[len(task.way) :]: step for way, step in steps.items() if way.startswith(task.way)}
        return workflow.runner.bind(None, own)

    def world(self, task: Task) -> World:
        """Give the case's own clock and draws."""
        playing = self.playing[task.trace_id]
        return World(clock=playing.clock, random=playing.random)


class _Crashing(Activities):
    """Activities whose worker is gone where a case plans that."""

    @activity.defn(dynamic=True)
    async def attempt(self, args: Sequence[RawValue]) -> Any:
        """Make an attempt."""
        try:
            return await super().attempt(args)
        except Crash:
            raise ApplicationError("planned", type=LOST) from None


class _Server:
    """A server that skips time, and a worker, on an event loop of their own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.scripts = _Scripts()
        self.env: WorkflowEnvironment = self.do(
            WorkflowEnvironment.start_time_skipping(
                test_server_existing_path=SERVER, data_converter=converter()
            )
        )
        self._worker = self.do(self._start())

    async def _start(self) -> Any:
        made = worker(self.env.client, _Crashing(self.scripts))
        await made.__aenter__()
        return made

    def stop(self) -> None:
        """End the worker, and the server."""
        self.do(self._worker.__aexit__(None, None, None))
        self.do(self.env.shutdown())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def do(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Wait for what happens on the loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)


class Temporal:
    """The machine as a Temporal workflow, its steps as activities."""

    name = "temporal"
    can = frozenset({"crash", "draws", "types", "children"})

    def __init__(self) -> None:
        self._server: _Server | None = None
        self._count = 0

    def run(self, case: Case) -> Observed:
        """Run it."""
        if self._server is None:
            self._server = _Server()
        self._count += 1
        return self._server.do(_run(self._server, case, f"{self._count:032x}"))

    def close(self) -> None:
        """End the server."""
        if self._server is not None:
            self._server.stop()
            self._server = None


async def _run(server: _Server, case: Case, run_id: str) -> Observed:
    playing = server.scripts.playing[run_id] = _Playing.of(case)
    server.scripts.add([workflow(case)])
    machines = {each.digest: canonical(each) for each in (case.machine, *case.children.values())}
    # Where children are not really run, a step stands for them, as one of a profile may.
    stand_ins = {
        name: "stands:in"
        for name, state in case.machine.states.items()
        if isinstance(state, Work) and state.children is not None and not case.inside
    }
    order = Order(
        KERNEL, run_id, run_id, "0" * 16, case.machine.digest, swapped={case.machine.digest: stand_ins}
    )
    handle = await server.env.client.start_workflow(
        case.machine.name,
        args=[order, machines, None, case.given],
        id=run_id,
        task_queue=TASK_QUEUE,
    )
    await _answer(server, handle, playing)
    outcome = await handle.result()
    status, trace = await handle.query("status"), await handle.query("trace")
    assert playing.script.left == []
    error = status["error"]
    values = {} if error is None else {"error": Error(**error)}
    now = Configuration("", 0, 0, {}, status["visits"], Spent(**outcome["spent"]), values, {})
    spans = map(_span, trace["events"][1:-1])
    seen = observed(case.machine, spans, now, outcome["kind"], outcome["end"], outcome["output"])
    return evolve(seen, calls=tuple(playing.script.calls))


async def _answer(server: _Server, handle: WorkflowHandle[Any, Any], playing: _Playing) -> None:
    """Answer questions as planned, as long as there are any."""
    asks = {name for name, state in playing.case.machine.states.items() if isinstance(state, Ask)}
    while any(happening.state in asks for happening in playing.script.left):
        status = await handle.query("status")
        if status is None or status["asked"] is None:
            if status is not None and status["ending"] is not None:
                return
            continue
        asked = Asked(**status["asked"])
        happening = playing.script.asked(asked)
        if happening.outcome == "unanswered":
            await server.env.sleep(asked.timeout_us / 1e6 + 1)
            continue
        if happening.takes_us:
            await server.env.sleep(happening.takes_us / 1e6)
        await handle.execute_update("answer", args=[asked.token, happening.label, happening.value])


def _span(event: Mapping[str, Any]) -> Span:
    """Give a span as its trace event tells it.

    The server's clock goes on while an answer is on its way: what is less than a minute is left out.
    """
    elapsed = (event["end_ns"] - event["start_ns"]) // 1000
    if event["event"] == "answer":
        elapsed -= elapsed % 60_000_000
    place = (event["state"], event["visit"], event["attempt"], {}, 0)
    match event["event"]:
        case "late":
            return Span("", 0, 0, {}, 0, Late(_use(event)))
        case "attempt" if event["outcome"] == "lost":
            return Span(*place, Lost(elapsed))
        case "pause":
            return Span(*place, Elapsed(elapsed))
    ended = Ended(
        event["outcome"],
        event["label"],
        event["output"],
        use=_use(event),
        elapsed_us=elapsed,
        steps=event.get("steps", 1),
    )
    return Span(*place, ended)


def _use(event: Mapping[str, Any]) -> tuple[int, int, int]:
    return (event["use"]["tool_calls"], event["use"]["tokens"], event["use"]["micro_usd"])
