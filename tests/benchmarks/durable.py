"""What it costs to keep a run, beside the least that keeping it could cost.

    python -m tests.benchmarks.durable [FOLDER]

The database lies in FOLDER, which should be on the disk that is meant; a temporary folder if none is named.
Prints, in wall time and as a ratio of the floor in the same round:

- one run of 100 steps of no work: the floor is a bare SQLite connection, WAL and synchronous=FULL, that
  commits one row for each step. A durable run commits two: that an attempt begins, and what came of it.
- 1,000 runs of 10 steps of 10 ms at once: the floor does the same waits, and keeps its rows in a database
  that commits what has gathered as one.
"""

# ruff: noqa: T201 - a benchmark prints what it finds

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from fsmflow.engines.durable import Durable
from fsmflow.engines.store import Store
from fsmflow.engines.workflows import Workflow

ROUNDS = 3
STEPS = 100
RUNS, RUN_STEPS, STEP_S = 1_000, 10, 0.01

MODULE = """
import asyncio

async def nothing(x: int) -> int:
    return x + 1

async def wait(x: int) -> int:
    await asyncio.sleep(0.01)
    return x + 1
"""


def spec(folder: Path, name: str, step: str, length: int) -> Workflow:
    """Write a chain of steps, and read it as any other spec."""
    states = "".join(
        f"  s{i}: {{run: 'benchmark_steps:{step}', with: {{x: $input}}, gives: int, effect: none,"
        f" success: {f's{i + 1}' if i + 1 < length else 'done'}, fallback: failed}}\n"
        for i in range(length)
    )
    path = folder / f"{name}.fsm.yaml"
    path.write_text(
        f"fsmflow: 1\nworkflow: {name}\nbudget: {{steps: {length}}}\nstates:\n{states}"
        "  done: {end: success}\n  failed: {end: failed}\n"
    )
    return Workflow.of_spec(path)


def one_floor(path: Path) -> None:
    """Commit a row a step."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE rows (run TEXT, seq INTEGER, body TEXT, PRIMARY KEY (run, seq))")
    for number in range(STEPS):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO rows VALUES ('r', ?, '{}')", (number,))
        connection.execute("COMMIT")
    connection.close()


def one_run(path: Path, workflow: Workflow) -> None:
    """Carry out one durable run."""
    with Durable(path) as durable:
        run_id = durable.submit(workflow, 0)
        assert asyncio.run(durable.resume(run_id, workflow=workflow)).kind == "success"


def many_floor(path: Path) -> None:
    """Wait and keep a row, a thousand times ten times."""
    store = Store(path)
    store.do_now(lambda connection: connection.execute("CREATE TABLE rows (run INTEGER, seq INTEGER)"))

    async def run(number: int) -> None:
        for seq in range(RUN_STEPS):
            await asyncio.sleep(STEP_S)
            row = (number, seq)
            await store.do(
                lambda connection, row=row: connection.execute("INSERT INTO rows VALUES (?, ?)", row)
            )  # type: ignore[misc]

    async def main() -> None:
        await asyncio.gather(*(run(number) for number in range(RUNS)))

    asyncio.run(main())
    store.close()


def many_runs(path: Path, workflow: Workflow) -> float:
    """Carry out a thousand durable runs at once, which were submitted before; give the seconds."""
    with Durable(path) as durable:
        run_ids = [durable.submit(workflow, 0) for _ in range(RUNS)]

        async def main() -> None:
            results = await asyncio.gather(*(durable.resume(each, workflow=workflow) for each in run_ids))
            assert all(result.kind == "success" for result in results)

        return wall(lambda: asyncio.run(main()))


def wall(work: Callable[[], object]) -> float:
    """Give how many seconds something takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Measure both, the floor and the runs in turn."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as name:
        folder = Path(name)
        (folder / "benchmark_steps.py").write_text(MODULE)
        chain = spec(folder, "chain", "nothing", STEPS)
        waits = spec(folder, "waits", "wait", RUN_STEPS)
        ones, manies = [], []
        for turn in range(ROUNDS):
            paths = [folder / f"{turn}{which}.db" for which in "abcd"]
            ones.append((wall(partial(one_floor, paths[0])), wall(partial(one_run, paths[1], chain))))
            manies.append((wall(partial(many_floor, paths[2])), many_runs(paths[3], waits)))
    for title, found in (
        (f"one run of {STEPS} steps", ones),
        (f"{RUNS:,} runs of {RUN_STEPS} steps", manies),
    ):
        floor, ours = (statistics.median(column) for column in zip(*found, strict=True))
        ratio = statistics.median(b / a for a, b in found)
        print(
            f"{title:<24} floor {floor * 1e3:8,.1f} ms   durable {ours * 1e3:8,.1f} ms   ratio {ratio:5.2f}"
        )


if __name__ == "__main__":
    main()
