"""How fast a generated runner is, beside hand-written floors in the same run.

    python -m tests.benchmarks.speed

Prints, for each case, microseconds a step and the ratio to a floor. Rounds are interleaved and the
median is taken; machines are noisy, so only the ratios count.
"""

# ruff: noqa: T201 - a benchmark prints what it finds

from __future__ import annotations

import asyncio
import gc
import statistics
import time
import tracemalloc
from collections.abc import Awaitable, Callable

from fsmflow.runtime import Transient
from tests.benchmarks import floors, workflows

ROUNDS = 15
Case = Callable[[], Awaitable[object]]


async def measure(cases: dict[str, tuple[Case, int]], repeat: int) -> dict[str, float]:
    """Time each case in turn, `ROUNDS` times, and give the median of CPU microseconds a step.

    No case pays for another's garbage, or for what the other has put out of the processor's caches.
    """
    times: dict[str, list[float]] = {name: [] for name in cases}
    for case, _ in cases.values():
        await case()
    gc.collect()
    for _ in range(ROUNDS):
        for name, (case, steps) in cases.items():
            await case()
            gc.collect()
            began = time.process_time_ns()
            for _ in range(repeat):
                await case()
            times[name].append((time.process_time_ns() - began) / 1000 / repeat / steps)
    return {name: statistics.median(found) for name, found in times.items()}


async def steps(length: int) -> None:
    """Print microseconds a step along a chain."""
    states = floors.table(length)
    functions = [function for function, _ in states.values()]
    runner = workflows.compiled(workflows.chain(length), floors.step())
    found = await measure(
        {
            "bare await": (lambda: floors.bare(functions, floors.Box()), length),
            "floor c (traced)": (lambda: floors.traced(states, floors.Box()), length),
            "floor c5 (five budgets)": (lambda: floors.budgeted(states, floors.Box()), length),
            "fsmflow": (lambda: runner.run(floors.Box()), length),
        },
        max(1, 2000 // length),
    )
    floor = found["floor c5 (five budgets)"]
    for name, us in found.items():
        print(f"{length:>5} steps  {name:<24} {us:8.3f} us a step   {us / floor:6.2f} x c5")


async def retries() -> None:
    """Print microseconds for a run of three failures and then success."""

    async def floor() -> None:
        trace = []
        for attempt in range(4):
            began = time.perf_counter_ns()
            try:
                if attempt < 3:
                    raise Transient("not yet")
            except Transient as error:
                trace.append((attempt, began, time.perf_counter_ns(), repr(error)))

    async def step(box: floors.Box) -> int:
        box.x += 1
        if box.x < 4:
            raise Transient("not yet")
        return box.x

    runner = workflows.compiled(workflows.retrying(3), step)
    clock = NoWait()

    found = await measure(
        {"floor": (floor, 1), "fsmflow": (lambda: runner.run(floors.Box(), clock=clock), 1)}, 200
    )
    for name, us in found.items():
        print(f"three failures, then success  {name:<12} {us:8.2f} us a run")


async def concurrency() -> None:
    """Print the wall time of 1000 runs of ten steps of ten milliseconds, and memory a run."""

    async def slow(box: floors.Box) -> int:
        await asyncio.sleep(0.01)
        box.x += 1
        return box.x

    states = {f"s{i}": (slow, f"s{i + 1}" if i < 9 else None) for i in range(10)}
    runner = workflows.compiled(workflows.chain(10), slow)
    for name, case in (
        ("floor c5", lambda: floors.budgeted(states, floors.Box())),
        ("fsmflow", lambda: runner.run(floors.Box())),
    ):
        await asyncio.gather(*(case() for _ in range(100)))
        walls = []
        for _ in range(5):
            gc.collect()
            began = time.perf_counter()
            await asyncio.gather(*(case() for _ in range(1000)))
            walls.append(time.perf_counter() - began)
        kept, peak = await memory(case)
        print(
            f"1000 x 10 x 10 ms  {name:<10} {statistics.median(walls):6.3f} s wall   "
            f"{peak:6.2f} KB a run at the peak, {kept:6.2f} KB for its result"
        )


async def memory(case: Case) -> tuple[float, float]:
    """Give the kilobytes of a result, and of a run at the peak of 1000 side by side, tasks and all."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    results = await asyncio.gather(*(case() for _ in range(1000)))
    gc.collect()
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(results) == 1000
    return (kept - before) / 1024_000, (peak - before) / 1024_000


class NoWait:
    """A clock whose pauses take no time, for measuring what a retry costs beside them."""

    def now(self) -> int:
        """Give the monotonic time in microseconds."""
        return time.monotonic_ns() // 1000

    def wall_ns(self) -> int:
        """Give the time since 1970."""
        return time.time_ns()

    async def sleep(self, us: int) -> None:
        """Return at once."""

    def deadline(self) -> object:
        """Make a real deadline."""
        from fsmflow.runtime import SystemClock

        return SystemClock().deadline()


async def main() -> None:
    """Run every benchmark."""
    for length in (10, 100, 1000):
        await steps(length)
    await retries()
    await concurrency()


if __name__ == "__main__":
    asyncio.run(main())
