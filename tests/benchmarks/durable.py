"""What it costs to keep a run, beside the least that keeping it could cost.

    python -m tests.benchmarks.durable [FOLDER] [--rounds N]

The database lies in FOLDER, which should be on the disk that is meant; a temporary folder if none is named.
Prints wall times, and the median of the ratios to a floor that was measured in the same round:

- one run of 100 steps of no work: the floor is a bare SQLite connection, WAL and synchronous=FULL, that
  commits one row for each step. A durable run commits two rows a step in one transaction, and one
  transaction each to be submitted, taken and ended.
- 1,000 runs of 10 steps of 10 ms at once: the floor does the same waits, and commits one row a step, those
  that have gathered as one.
- a run of 10,000 events that is taken up: read, held to its checksums, and folded; the goal is one second.
"""

# ruff: noqa: T201 - a benchmark prints what it finds

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from fsmflow.engines.durable import Durable, Suspended
from fsmflow.engines.workflows import Workflow
from tests.benchmarks import durable_floors as floors

ROUNDS = 5
STEPS = 100
RUNS, RUN_STEPS, STEP_S = 1_000, 10, 0.01
EVENTS, RESUMES = 10_000, 20

MODULE = """
import asyncio

async def nothing(x: int) -> int:
    return x + 1

async def wait(x: int) -> int:
    await asyncio.sleep(0.01)
    return x + 1
"""

LONG = f"""
fsmflow: 1
workflow: long
budget: {{steps: {EVENTS}}}
states:
  work: {{run: 'benchmark_steps:nothing', with: {{x: $input}}, gives: int, effect: none, success: again,
         fallback: failed}}
  again: {{choose: [{{when: input == 1, to: done}}, {{to: work, times: {EVENTS // 2 - 1}, else: ask}}]}}
  ask: {{ask: Enough?, timeout: 7d, success: {{yes_: done}}, fallback: failed}}
  done: {{end: success}}
  failed: {{end: failed}}
"""


def chain(folder: Path, name: str, step: str, length: int) -> Workflow:
    """Write a chain of steps, and read it as any other spec."""
    states = "".join(
        f"  s{i}: {{run: 'benchmark_steps:{step}', with: {{x: $input}}, gives: int, effect: none,"
        f" success: {f's{i + 1}' if i + 1 < length else 'done'}, fallback: failed}}\n"
        for i in range(length)
    )
    return written(
        folder,
        name,
        f"fsmflow: 1\nworkflow: {name}\nbudget: {{steps: {length}}}\nstates:\n{states}"
        "  done: {end: success}\n  failed: {end: failed}\n",
    )


def written(folder: Path, name: str, text: str) -> Workflow:
    """Write a spec, and read it."""
    path = folder / f"{name}.fsm.yaml"
    path.write_text(text)
    return Workflow.of_spec(path)


def one_run(folder: Path, workflow: Workflow) -> tuple[float, float]:
    """Commit a row a step, and carry out a durable run; give the seconds of both."""
    connection = floors.opened(folder / "floor.db")
    least = wall(lambda: floors.one(connection, STEPS))
    connection.close()

    with Durable(folder / "runs.db") as durable:

        def run() -> None:
            assert asyncio.run(durable.run(workflow, 0)).kind == "success"

        return least, wall(run)


def many_runs(folder: Path, workflow: Workflow) -> tuple[float, float]:
    """Carry out a thousand runs at once, as little as it could be and durably; give the seconds of both."""
    connection = floors.opened(folder / "floor.db")
    least = wall(lambda: floors.many(connection, RUNS, RUN_STEPS, STEP_S))
    connection.close()

    with Durable(folder / "runs.db") as durable:
        run_ids = [durable.submit(workflow, 0) for _ in range(RUNS)]

        async def main() -> None:
            results = await asyncio.gather(*(durable.resume(each, workflow=workflow) for each in run_ids))
            assert all(result.kind == "success" for result in results)

        return least, wall(lambda: asyncio.run(main()))


def resumed(folder: Path, workflow: Workflow) -> list[float]:
    """Take up a long run again and again; give the seconds of each time."""
    with Durable(folder / "long.db", suspends=True) as durable:
        run_id = durable.submit(workflow, 0)

        def take_up() -> None:
            try:
                asyncio.run(durable.resume(run_id, workflow=workflow))
            except Suspended:
                return

        take_up()
        return [wall(take_up) for _ in range(RESUMES)]


def wall(work: Callable[[], object]) -> float:
    """Give how many seconds something takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Measure all, each floor right before what is held to it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    said = parser.parse_args()
    ones, manies = [], []
    with tempfile.TemporaryDirectory(dir=said.folder) as name:
        folder = Path(name)
        (folder / "benchmark_steps.py").write_text(MODULE)
        steps = chain(folder, "steps", "nothing", STEPS)
        waits = chain(folder, "waits", "wait", RUN_STEPS)
        for turn in range(said.rounds):
            for which, measure, workflow, found in (
                ("one", one_run, steps, ones),
                ("many", many_runs, waits, manies),
            ):
                place = folder / f"{which}{turn}"
                place.mkdir()
                found.append(measure(place, workflow))
        times = sorted(resumed(folder, written(folder, "long", LONG)))
    for title, found in (
        (f"one run of {STEPS} steps", ones),
        (f"{RUNS:,} runs of {RUN_STEPS} steps", manies),
    ):
        least, ours = (statistics.median(column) * 1e3 for column in zip(*found, strict=True))
        ratio = statistics.median(b / a for a, b in found)
        print(f"{title:<24} floor {least:8,.1f} ms   durable {ours:8,.1f} ms   ratio {ratio:5.2f}")
    late = times[int(len(times) * 0.95)]
    print(f"{EVENTS:,} events taken up   median {statistics.median(times):.3f} s   p95 {late:.3f} s")


if __name__ == "__main__":
    main()
