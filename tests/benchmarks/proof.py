"""How fast worst cases are proved and found, beside SPIN and Storm on the same machines.

    python -m tests.benchmarks.proof [SECONDS [MACHINE...]]

Prints, for each machine, the bound of steps and the exact maximum with what they take, and what SPIN
(termination and maximum) and Storm take where they are installed, each within SECONDS (30 if not given).
Every measurement runs in a process of its own; times of SPIN leave out the C compiler.
"""

# ruff: noqa: T201 - a benchmark prints what it finds

from __future__ import annotations

import importlib.util
import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fsmflow.analysis.proving.counter_machine import METRICS, CounterMachine
from fsmflow.analysis.proving.flow import Relaxation
from fsmflow.analysis.proving.intervals import Invariant
from fsmflow.analysis.proving.maximum import maximum
from fsmflow.analysis.proving.ranking import Ranking, rank
from fsmflow.backends import prism, promela
from tests.analysis.counter_machines import chain, eight

MACHINES: dict[str, Callable[[], CounterMachine]] = {
    "8 states, caps 3": lambda: eight(loop=3, outer=3),
    "8 states, caps 10": lambda: eight(loop=10, outer=10),
    "8 states, caps 30": lambda: eight(loop=30, outer=30),
    "8 states, caps 100": lambda: eight(loop=100, outer=100),
    "82 states": lambda: chain(10),
    "802 states": lambda: chain(100),
    "10,002 states": lambda: chain(1_250),
}

MOST = 200_000
"""How many configurations are looked at for an exact maximum."""


def fsmflow(name: str) -> dict[str, Any]:
    """Bound steps, then every other metric, then find the exact maximum of steps."""
    machine = MACHINES[name]()
    began = time.perf_counter()
    edges = Invariant.of(machine).edges
    ranking = rank(machine, edges)
    assert isinstance(ranking, Ranking)
    relaxation = Relaxation(machine, edges, ranking)
    potential = relaxation.bound("steps")
    bounded = time.perf_counter()
    for metric in METRICS:
        if metric != "steps":
            relaxation.bound(metric)
    all_bounded = time.perf_counter()
    found = maximum(potential, most=MOST)
    return {
        "bound": int(potential.bound),
        "exact": found.value,
        "configurations": max(found.configurations, len(found.path)),
        "bounded": bounded - began,
        "others": all_bounded - bounded,
        "searched": time.perf_counter() - all_bounded,
    }


def storm(name: str) -> dict[str, Any]:
    """Ask Storm for the greatest reward of steps."""
    import stormpy

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "machine.prism")
        path.write_text(prism.model(MACHINES[name]()))
        began = time.perf_counter()
        program = stormpy.parse_prism_program(str(path))
    (asked,) = stormpy.parse_properties('R{"steps"}max=? [F "end"]', program)
    model = stormpy.build_model(program, [asked])
    answer = stormpy.model_checking(model, asked).get_value(model.initial_states[0])
    return {"value": answer, "seconds": time.perf_counter() - began}


def spin(name: str, seconds: float, *, measured: bool) -> dict[str, Any]:
    """Ask SPIN for the most steps, or whether every run ends."""
    model = promela.model(MACHINES[name](), measure="steps" if measured else None)
    flags = re.findall(r" \*     gcc (.*) -o pan pan.c", model)[0].split()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "model.pml").write_text(model)
        for command in (["spin", "-a", "model.pml"], ["gcc", *flags, "-o", "pan", "pan.c"]):
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=4 * seconds)
        began = time.perf_counter()
        search = ["./pan", "-m4000000", *([] if measured else ["-a"])]
        shown = subprocess.run(search, cwd=folder, capture_output=True, text=True, timeout=seconds).stdout
        took = time.perf_counter() - began
    value = re.findall(r"at most (\d+)", shown) if measured else re.findall(r"errors: (\d+)", shown)
    whole = "too small" not in shown and "not completed" not in shown
    return {"value": int(value[-1]) if value and whole else None, "seconds": took}


def alone(tool: str, name: str, seconds: float) -> dict[str, Any] | str:
    """Run a measurement in a process of its own; give what it found, or why it found nothing."""
    command = [sys.executable, "-m", "tests.benchmarks.proof", "--one", tool, name, str(seconds)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=6 * seconds)
    except subprocess.TimeoutExpired:
        return f"> {seconds:g} s"
    if done.returncode:
        return done.stderr.strip().splitlines()[-1][:40] if done.stderr.strip() else f"exit {done.returncode}"
    found: dict[str, Any] = json.loads(done.stdout)
    if found["seconds"] is None or found["seconds"] > seconds:
        return f"> {seconds:g} s"
    return found


def one(tool: str, name: str, seconds: float) -> dict[str, Any]:
    """Take one measurement, in this process."""
    began = time.perf_counter()
    try:
        if tool == "fsmflow":
            found = fsmflow(name)
        elif tool == "storm":
            found = storm(name)
        else:
            found = spin(name, seconds, measured=tool == "spin, maximum")
    except subprocess.TimeoutExpired:
        return {"seconds": None}
    found.setdefault("seconds", time.perf_counter() - began)
    return {**found, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}


def main(arguments: list[str]) -> None:
    """Print the table."""
    if arguments[:1] == ["--one"]:
        print(json.dumps(one(arguments[1], arguments[2], float(arguments[3]))))
        return
    seconds = float(arguments[0]) if arguments else 30.0
    others = []
    if shutil.which("spin") and shutil.which("gcc"):
        others += ["spin, termination", "spin, maximum"]
    if importlib.util.find_spec("stormpy"):
        others += ["storm"]
    for name in arguments[1:] or MACHINES:
        ours = alone("fsmflow", name, max(seconds, 120))
        if isinstance(ours, str):
            print(f"{name}: {ours}")
            continue
        exact = "exact" if ours["exact"] == ours["bound"] else f"exact value {ours['exact']}"
        print(f"{name}: at most {ours['bound']:,} steps, {exact}")
        print(
            f"    fsmflow, bound of steps    {ours['bounded']:8.2f} s   (all six {ours['others']:.2f} s more)"
        )
        print(f"    fsmflow, maximum           {ours['searched']:8.2f} s   {ours['configurations']:,} places")
        print(f"    fsmflow, memory            {ours['megabytes']:8} MB")
        for tool in others:
            found = alone(tool, name, seconds)
            if isinstance(found, str):
                print(f"    {tool:<26} {found:>10}")
                continue
            agreed = {"spin, termination": 0}.get(tool, ours["exact"])
            verdict = (
                "" if agreed is None else "agrees" if found["value"] == agreed else f"says {found['value']}"
            )
            print(f"    {tool:<26} {found['seconds']:8.2f} s   {verdict}")


if __name__ == "__main__":
    main(sys.argv[1:])
