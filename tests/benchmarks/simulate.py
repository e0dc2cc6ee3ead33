"""How many simulated runs a second are made and judged, on one core.

    python -m tests.benchmarks.simulate

Prints, for each committed spec, runs a second of CPU time: made alone, and made and held to caps, proof,
ledger and reference. The goal is 2,000 judged runs of `ask_docs` a second.
"""

# ruff: noqa: T201 - a benchmark prints what it finds

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from fsmflow.cli.load import compile_one, runner_from
from fsmflow.testing.campaign import Campaign, Judge
from fsmflow.testing.scouting import scouted
from fsmflow.testing.simulator import Simulator
from fsmflow.testing.subject import Subject

SPECS = Path(__file__).resolve().parents[2] / "specs"
ROUNDS = 5
RUNS = 2_000


def pace(work: Callable[[], object]) -> float:
    """Give the median of runs a second of CPU time."""
    found = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        found.append(RUNS / (time.process_time() - began))
    return statistics.median(found)


def main() -> None:
    """Measure every committed spec."""
    for spec in sorted(SPECS.glob("*.fsm.yaml")):
        compilation = compile_one(spec)
        assert compilation.analysis is not None
        subject = Subject(compilation.analysis.machine, runner_from(compilation, spec), SPECS)
        simulator = scouted(Simulator.of(subject, 0))
        Judge(subject)
        made = pace(lambda simulator=simulator: [simulator.run(number) for number in range(RUNS)])
        judged = pace(lambda simulator=simulator: Campaign.of(simulator, range(RUNS)))
        print(f"{subject.machine.name:<16} made {made:8,.0f} runs/s   made and judged {judged:8,.0f} runs/s")


if __name__ == "__main__":
    main()
