"""How long the drawing of large machines takes; the goal for 500 states is ten seconds.

python -m tests.benchmarks.drawing
"""

# ruff: noqa: T201 - a benchmark prints what it finds

from __future__ import annotations

import time

from fsmflow.backends import graphviz
from fsmflow.backends.diagram import extract
from fsmflow.machine import Machine
from tests.backends.large_machines import LARGE, hub, mesh


def seconds(machine: Machine) -> tuple[float, int]:
    """Tell how long the picture of `machine` takes, and how many bytes it has."""
    began = time.perf_counter()
    drawn = graphviz.picture(extract(machine))
    return time.perf_counter() - began, len(drawn)


def main() -> None:
    """Print a line for each machine."""
    for name, machine in {"mesh of 2, 100": mesh(98, 2), "hub, 20": hub(17), **LARGE}.items():
        took, size = seconds(machine)
        print(f"{name:<16} {len(machine.states):>4} states {took:7.2f} s {size / 1e6:7.2f} MB", flush=True)


if __name__ == "__main__":
    main()
