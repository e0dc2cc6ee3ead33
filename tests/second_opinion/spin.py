"""Asking SPIN: many models in one verifier, since it is the C compiler that takes time."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from attrs import define

from fsmflow.analysis.proving.counter_machine import CounterMachine, Metric
from fsmflow.backends import promela

MISSING = [tool for tool in ("spin", "gcc") if shutil.which(tool) is None]
"""What is needed and not installed."""

_PROCESS = "active proctype workflow()"
_BATCH = 60


@define(slots=False)
class Verifier:
    """A verifier of several machines, made of their exported models.

    Attributes:
        machines: The machines.
        folder: Where to work; empty.
        measure: What to find the maximum of; None to ask whether every run ends.
    """

    machines: Sequence[CounterMachine]
    folder: Path
    measure: Metric | None = None

    def terminates(self, number: int) -> bool:
        """Tell whether every run of a machine ends."""
        return self._errors(self._search(number, "-a")) == 0

    def most(self, number: int) -> int:
        """Give the most that a run of a machine uses."""
        said = self._search(number)
        assert self._errors(said) == 0, said
        return int(re.findall(r"^at most (\d+)$", said, re.MULTILINE)[-1])

    def _search(self, number: int, *options: str) -> str:
        """Search all that a machine can do; twice, if that goes deeper than is usual."""
        for depth in (20_000, 3_000_000):
            done = subprocess.run(
                [self._verifier, *options, f"-m{depth}", "-w18"],
                env={**os.environ, "MACHINE": str(number)},
                cwd=self._verifier.parent,
                capture_output=True,
                text=True,
                check=False,
                timeout=600,
            )
            if "max search depth too small" not in done.stdout:
                break
        assert "max search depth too small" not in done.stdout
        assert "Search not completed" not in done.stdout or self._errors(done.stdout)
        return done.stdout

    def _errors(self, said: str) -> int:
        found = re.search(r"errors: (\d+)", said)
        assert found, said
        return int(found[1])

    @cached_property
    def _verifier(self) -> Path:
        (self.folder / "model.pml").write_text(self._model(), "ascii")
        most = max(len(machine.caps) for machine in self.machines)
        options = ["-O0", "-w", f"-DVECTORSZ={max(1024, 64 + 8 * most)}"]
        options += ["-DSAFETY"] if self.measure else []
        for command in (["spin", "-a", "model.pml"], ["gcc", *options, "-o", "pan", "pan.c"]):
            subprocess.run(command, cwd=self.folder, check=True, capture_output=True)
        return self.folder / "pan"

    def _model(self) -> str:
        """Join the models, each a process of its own, of which the environment picks one to run."""
        models = [promela.model(machine, measure=self.measure) for machine in self.machines]
        totals = models[0].partition("*/\n\n")[2].partition(_PROCESS)[0]
        claim = "" if self.measure else models[0][models[0].index("ltl ") :]
        processes, picks = [], []
        for number, text in enumerate(models):
            body = text.partition(_PROCESS)[2].partition("\nltl ")[0]
            processes.append(f"proctype machine_{number}(){body}")
            picks.append(f"    :: picked == {number} -> run machine_{number}()")
        choice = [
            "init {",
            '    c_code { now.picked = atoi(getenv("MACHINE")); };',
            "    if",
            *picks,
            "    fi",
            "}",
        ]
        return "\n".join([totals, "int picked = -1;", *processes, *choice, claim])


def batches(machines: Sequence[CounterMachine]) -> list[Sequence[CounterMachine]]:
    """Split machines into as many as go into one verifier."""
    return [machines[at : at + _BATCH] for at in range(0, len(machines), _BATCH)]
