"""How the compiler and the runner bear a large spec: times, the cost of a step, and peak memory.

    python -m tests.benchmarks.scale [STATES]

Each stage is timed once, in a process of its own where it needs one; the goals stand beside the times.
"""

# ruff: noqa: T201 - a benchmark prints what it finds

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

from fsmflow.backends.python import runner
from fsmflow.compiler import compile_file
from fsmflow.loading.structure import structure
from fsmflow.loading.yaml import load_file
from fsmflow.lowering import lower
from fsmflow.runtime import Runner
from tests.benchmarks import floors, workflows

# A spec is at most a mebibyte long, so that 10,000 states must be terse.
STATE = (
    "  s{number}: {{run: steps:step, effect: none, timeout: 1s, success: {following}, fallback: failed}}\n"
)


def text(states: int) -> str:
    """Write the spec of `states` states: a chain of steps, and two ends."""
    head = "fsmflow: 1\nworkflow: chain\nbudget: {steps: 1000000, time: 1d}\nstates:\n"
    steps = states - 2
    body = "".join(
        STATE.format(number=i, following=f"s{i + 1}" if i + 1 < steps else "done") for i in range(steps)
    )
    return f"{head}{body}  done: {{end: success}}\n  failed: {{end: failed}}\n"


def peak_mb() -> float:
    """Give the most memory that this process has held, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def show(what: str, seconds: float, goal: str = "") -> None:
    """Print one measurement."""
    print(f"{what:<44} {seconds:8.3f} s   {goal:<10} peak {peak_mb():6.0f} MB", flush=True)


def stages(path: Path) -> None:
    """Print how long each stage of a compilation takes."""
    began = time.perf_counter()
    workflow = structure(load_file(path)).workflow
    assert workflow is not None
    parsed = time.perf_counter()
    show("YAML to spec", parsed - began)
    machine = lower(workflow)
    lowered = time.perf_counter()
    show("spec to machine", lowered - parsed)
    code = runner(machine, spec="x", folder=".")
    generated = time.perf_counter()
    show(f"machine to source ({len(code) // 1024} KB)", generated - lowered)
    compiled = compile(code, "<chain_fsm>", "exec")
    ready = time.perf_counter()
    show("source to code", ready - generated)
    module = ModuleType("chain_fsm")
    module.__file__ = __file__
    exec(compiled, module.__dict__)
    loaded = time.perf_counter()
    show("code to runner", loaded - ready)
    show("spec to runner", loaded - parsed, "goal 1")
    show("YAML to runner", loaded - began, "goal 4")


def checked(path: Path) -> None:
    """Print how long a spec takes to a runner's source with every check."""
    began = time.perf_counter()
    compilation = compile_file(path)
    assert compilation.analysis is not None
    runner(compilation.analysis.machine, spec="x", folder=".")
    show("YAML to source, checks included", time.perf_counter() - began, "goal 5")


async def a_step(made: Runner[object, object], states: int) -> float:
    """Give the microseconds of a step along a chain, the least of five runs."""
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        await made.run(floors.Box())
        best = min(best, time.perf_counter() - began)
    return best / states * 1_000_000


def steps(most: int) -> None:
    """Print what a step costs in a small machine and in a large one."""
    for states in (10, most):
        made = workflows.compiled(workflows.chain(states), floors.step())
        cost = min(asyncio.run(a_step(made, states)) for _ in range(3))
        print(f"{states:>6} states: {cost:6.2f} us a step", flush=True)


def small_check(path: Path) -> None:
    """Print how long `fsmflow check` of a small spec takes, as a process of its own."""
    path.write_text(text(7), encoding="utf-8")
    (path.parent / "steps.py").write_text("async def step() -> int:\n    return 1\n", encoding="utf-8")
    times = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "fsmflow", "check", str(path)], capture_output=True, check=False
        )
        times.append(time.perf_counter() - began)
    print(f"{'fsmflow check of 7 states':<44} {min(times):8.3f} s   goal 0.4")


def imports() -> None:
    """Print what importing the package and the runtime adds to bare Python."""
    found = {}
    for name, code in (
        ("bare", "pass"),
        ("fsmflow", "import fsmflow"),
        ("fsmflow.runtime", "import fsmflow.runtime"),
    ):
        times = []
        for _ in range(9):
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            times.append(time.perf_counter() - began)
        found[name] = min(times)
    for name in ("fsmflow", "fsmflow.runtime"):
        print(f"{'import ' + name:<44} {(found[name] - found['bare']) * 1000:8.1f} ms   beside bare Python")


def main(arguments: list[str]) -> None:
    """Run one part in this process, or each part in its own."""
    states = next((int(a) for a in arguments if a.isdigit()), 10_000)
    parts = {"stages": stages, "checked": checked}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "chain.fsm.yaml"
        path.write_text(text(states), encoding="utf-8")
        (path.parent / "steps.py").write_text("async def step() -> int:\n    return 1\n", encoding="utf-8")
        for name, part in parts.items():
            if name in arguments:
                part(path)
                return
        if "steps" in arguments:
            steps(states)
            return
        for name in (*parts, "steps"):
            subprocess.run([sys.executable, "-m", "tests.benchmarks.scale", name, str(states)], check=True)
        small_check(path)
        imports()


if __name__ == "__main__":
    main(sys.argv[1:])
