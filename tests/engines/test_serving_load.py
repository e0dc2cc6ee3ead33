"""A worker under load: many runs at once, and its process killed on the way, again and again."""

from __future__ import annotations

import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from fsmflow.engines.durable import Durable
from fsmflow.engines.workflows import Workflow
from tests.engines.effects import serving

RUNS = int(os.environ.get("FSMFLOW_SERVED", "100"))
"""How many runs are submitted; the full load is 1,000."""

WIDTH = RUNS // 5
KILLS = 3
FLAT = 1.1
"""How much more memory a worker may take while it carries out the last third of its runs than the first."""

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")

STEPS = """
import asyncio
import json

async def ask(port: int, **said) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(json.dumps(said).encode() + b"\\n")
    assert json.loads(await reader.readline()) == "done"
    writer.close()
    await writer.wait_closed()

async def work(number: int) -> None:
    # Of different lengths, so that each kill finds runs in all states.
    await asyncio.sleep(0.02 + number % 7 * 0.015)

async def think(number: int) -> list[str]:
    await work(number)
    return [f"thought {number}"] * 20

async def pay(port: int, number: int, ctx) -> str:
    await ask(port, key=ctx.idempotency_key, state="pay", number=number)
    await work(number)
    return f"paid {number}"

async def tell(port: int, number: int, ctx) -> str:
    await ask(port, key=ctx.idempotency_key, state="tell", number=number)
    await work(number)
    return "told"
"""

SPEC = """
fsmflow: 1
workflow: served
budget: {steps: 40, time: 5min}
states:
  think:
    run: served_steps:think
    with: {number: $input.number}
    gives: list[str]
    timeout: 5s
    effect: none
    retry: {times: 8, backoff: 1ms}
    success: pay
    fallback: failed
  pay:
    run: served_steps:pay
    with: {port: $input.port, number: $input.number}
    gives: str
    timeout: 5s
    effect: idempotent
    retry: {times: 8, backoff: 1ms}
    success: tell
    fallback: failed
  tell:
    run: served_steps:tell
    with: {port: $input.port, number: $input.number}
    gives: str
    timeout: 5s
    effect: once
    success: done
    unknown: doubtful
    fallback: failed
  done: {end: success, output: $pay}
  doubtful: {end: degraded, output: $pay}
  failed: {end: failed, output: $error.message}
"""


class _Worker:
    """`fsmflow serve` in a process, which is watched: how many runs were done at which size."""

    def __init__(self, db: Path, done: Callable[[], int]) -> None:
        command = [sys.executable, "-m", "fsmflow", "serve", "--db", str(db), "--width", str(WIDTH)]
        self._process = subprocess.Popen([*command, "--until-idle"], stdout=subprocess.DEVNULL)
        self._done = done
        self.sizes: list[tuple[int, float]] = []

    def watch(self, until: int) -> None:
        """Watch until so many runs are done, or the process is through."""
        while self._process.poll() is None:
            done = self._done()
            if done >= until:
                return
            pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
            self.sizes.append((done, pages * os.sysconf("SC_PAGE_SIZE") / 1e6))
            time.sleep(0.02)

    def kill(self) -> bool:
        """Kill the process; tell whether it was still there."""
        is_there = self._process.poll() is None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        return is_there

    def end(self) -> int:
        """Wait until it is through."""
        return self._process.wait(timeout=60)

    def growth(self) -> tuple[float, float]:
        """Give its size in the first third of its runs after a tenth to warm up, and in the last third."""
        first, last = self.sizes[0][0], self.sizes[-1][0]
        warm = first + (last - first) * 0.1
        early = [size for done, size in self.sizes if warm <= done < warm + (last - warm) / 3]
        late = [size for done, size in self.sizes if done >= last - (last - warm) / 3]
        return statistics.median(early), statistics.median(late)


@pytest.mark.slow
def test_a_worker_that_is_killed_under_load(tmp_path: Path) -> None:
    """Though their worker is killed three times all runs end, each effect once, in memory that stays flat."""
    (tmp_path / "served_steps.py").write_text(STEPS)
    (tmp_path / "served.fsm.yaml").write_text(SPEC)
    db = tmp_path / "runs.db"
    began = time.monotonic()
    with serving() as effects, Durable(db) as durable:
        workflow = Workflow.of_spec(tmp_path / "served.fsm.yaml")
        for number in range(RUNS):
            durable.submit(workflow, {"port": effects.port, "number": number}, run_id=f"{number:032x}")
        with closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True)) as reader, reader:

            def done() -> int:
                (found,) = reader.execute("SELECT count(*) FROM runs WHERE status = 'done'").fetchone()
                return int(found)

            kills = 0
            for life in range(KILLS + 1):
                worker = _Worker(db, done)
                worker.watch(until=RUNS if life == KILLS else RUNS * (life + 1) * 15 // 100)
                if life < KILLS:
                    kills += worker.kill()
            code = worker.end()
        took = time.monotonic() - began
        requests = effects.requests
        kept = durable.runs()
        outputs = durable.store.do_now(
            lambda connection: connection.execute(
                "SELECT run_id, body FROM journal WHERE kind = 'end' ORDER BY run_id"
            ).fetchall()
        )

    assert (code, kills) == (0, KILLS)
    ends = Counter(each.kind for each in kept)
    assert ends["success"] + ends["degraded"] == len(kept) == RUNS, "all runs end"
    assert [f'"output":"paid {number}"' in body for number, (_, body) in enumerate(outputs)] == [True] * RUNS
    paid = {said["key"]: said["number"] for said in requests if said["state"] == "pay"}
    assert sorted(paid.values()) == list(range(RUNS)), "each effect is applied, under one key"
    assert all(said["number"] == paid[said["key"]] for said in requests if said["state"] == "pay")
    told = Counter(said["number"] for said in requests if said["state"] == "tell")
    assert not told or max(told.values()) == 1, "what must not be repeated is not"
    assert RUNS - len(told) <= ends["degraded"] <= KILLS * WIDTH, "what may not have happened is in doubt"
    assert all(each.spent["steps"] <= 40 for each in kept)
    early, late = worker.growth()
    repeated = sum(1 for said in requests if said["state"] == "pay") - RUNS
    # Shown by `pytest -s`.
    sys.stdout.write(
        f"\n{RUNS} runs, {WIDTH} at once, {kills} kills: {took:.1f} s, {ends['degraded']} in doubt,"
        f" {repeated} effects asked for again, {early:.1f} MB early and {late:.1f} MB late\n"
    )
    assert repeated > 0, "a kill finds effects under way"
    assert late < early * FLAT, "its memory is flat"
