"""What a step of a durable run costs beside other libraries that keep their runs in SQLite.

    python -m tests.benchmarks.durable_peers [--peers VENV] [--folder FOLDER] [--rounds N]

Chains of 100 steps of no work, each library its own way, all in WAL mode with `synchronous=FULL`, which is
set where a library does not set it: each step is synced to the disk before the next one begins. LangGraph
runs with `durability="sync"`. A process a case, which take turns, a run each, so that all meet the same disk;
wall microseconds a step, and the median of the ratios to fsmflow in the same round.

The peers are in a virtual environment of their own: VENV, or one that is made for this. A peer that can't be
had is named, and left out.
"""

# ruff: noqa: T201 - a benchmark prints what it finds

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

from tests.benchmarks import durable_peer

ROUNDS = 25
PEERS = ("dbos", "langgraph", "langgraph-checkpoint-sqlite", "aiosqlite", "apache-burr")
OURS = ("floor", "fsmflow")
ROOT = Path(__file__).parents[2]


def interpreter(place: Path) -> Path:
    """Give the interpreter of the peers' environment, which is made if there is none at `place`."""
    python = place / "bin" / "python"
    if not python.exists():
        venv.create(place, with_pip=True)
        for name in PEERS:
            done = subprocess.run(
                [python, "-m", "pip", "install", "-q", name], capture_output=True, text=True
            )
            if done.returncode:
                print(f"{name} can't be had: {done.stderr.strip().splitlines()[-1]}")
    return python


def versions(python: Path) -> str:
    """Name the peers with their versions."""
    listed = subprocess.run([python, "-m", "pip", "list", "--format=json"], capture_output=True, text=True)
    found = {each["name"]: each["version"] for each in json.loads(listed.stdout)}
    return ", ".join(f"{name} {found[name]}" for name in PEERS if name in found)


class Case:
    """A case that waits for its turn."""

    def __init__(self, name: str, python: Path, folder: Path) -> None:
        """Start its process, and let it get ready.

        Raises:
            ValueError: It can't be measured; the message says why.
        """
        self.name = name
        self.found: list[float] = []
        is_ours = name in OURS
        what = ["-m", "tests.benchmarks.durable_peer"] if is_ours else [durable_peer.__file__]
        (folder / name).mkdir()
        self._errors = (folder / name / "errors").open("w+")
        self._process = subprocess.Popen(
            [sys.executable if is_ours else str(python), *what, name, str(folder / name)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=ROOT,
        )
        self.sync = self._answer()["sync"]

    def turn(self) -> None:
        """Make a run."""
        assert self._process.stdin is not None
        print(file=self._process.stdin, flush=True)
        self.found.append(self._answer())

    def close(self) -> None:
        """End its process."""
        self._process.kill()
        self._process.wait()
        self._errors.close()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip():
                return json.loads(line)
        self._errors.seek(0)
        said = self._errors.read().strip() or "it ended without a word"
        raise ValueError(said.splitlines()[-1])


def main() -> None:
    """Measure all cases in turn, again and again, and print what they cost."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    said = parser.parse_args()
    cases: list[Case] = []
    with tempfile.TemporaryDirectory() as made, tempfile.TemporaryDirectory(dir=said.folder) as folder:
        python = interpreter(said.peers or Path(made) / "peers")
        print(versions(python))
        for name in durable_peer.CASES:
            try:
                cases.append(Case(name, python, Path(folder)))
            except ValueError as error:
                print(f"{name} could not be measured: {error}")
        for _ in range(said.rounds):
            for case in cases:
                case.turn()
        for case in cases:
            case.close()
    (ours,) = (case.found for case in cases if case.name == "fsmflow")
    for case in cases:
        ratio = statistics.median(a / b for a, b in zip(case.found, ours, strict=True))
        cost = statistics.median(case.found)
        print(f"{case.name:<16} {cost:8,.0f} us a step   {ratio:6.2f} x fsmflow   {case.sync}")


if __name__ == "__main__":
    main()
