"""What the second opinions are asked about, and what we say of it ourselves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from math import floor
from pathlib import Path
from random import Random

from attrs import frozen

from fsmflow.analysis.proving.admission import RESOURCES
from fsmflow.analysis.proving.counter_machine import CounterMachine, Metric
from fsmflow.analysis.proving.counting import budgeted, structural
from fsmflow.analysis.proving.deciding import Lasso, Terminates, decide
from fsmflow.analysis.proving.flow import bound
from fsmflow.analysis.proving.maximum import maximum
from fsmflow.compiler import compile_file
from fsmflow.machine import Machine
from tests.analysis.counter_machines import random_machine
from tests.bounded import bounded_machine

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.fsm.yaml"))


def how_many(usual: int) -> int:
    """Give the number of random machines to ask about: as the environment says, or the usual one."""
    return int(os.environ.get("FSMFLOW_SECOND_OPINION", usual))


def drawn(count: int) -> list[CounterMachine]:
    """Draw random machines; one in three is larger, with lower caps."""
    return [
        random_machine(seed, most_states=12, most_cap=2) if seed % 3 == 2 else random_machine(seed)
        for seed in range(count)
    ]


def of_workflows(count: int) -> list[CounterMachine]:
    """Give the counter machines of random workflows with questions and children, under their budgets."""
    return [
        budgeted(machine, _capped(machine))
        for machine in (bounded_machine(Random(seed), tiny=True) for seed in range(count))
    ]


def of_spec(path: Path) -> Iterator[tuple[str, CounterMachine]]:
    """Give the counter machines of a spec: without its budget, and with it."""
    analysis = compile_file(path).analysis
    assert analysis is not None
    machine = analysis.machine
    yield "structural", structural(machine)
    yield "budgeted", budgeted(machine, _capped(machine))


def _capped(machine: Machine) -> Iterator[str]:
    """Give the resources that have a cap."""
    return (name for name, cap in zip(RESOURCES, machine.caps.amounts(), strict=True) if cap is not None)


@frozen
class Opinion:
    """What our own analysis says.

    Attributes:
        machine: The machine, unrolled as far as its proof needs it.
        proof: Why every run ends; None if a run goes on for ever.
    """

    machine: CounterMachine
    proof: Terminates | None

    @classmethod
    def of(cls, machine: CounterMachine) -> Opinion:
        """Decide whether every run of a machine ends."""
        found = decide(machine, limit=100_000)
        assert found is not None
        if isinstance(found, Lasso):
            return cls(machine, None)
        return cls(found.machine, found)

    def most(self, metric: Metric) -> int:
        """Give the most that a run uses."""
        assert self.proof is not None
        potential = bound(self.machine, metric, self.proof.edges, self.proof.ranking, self.proof.split)
        found = maximum(potential, most=1_000_000)
        assert found.value is not None
        assert found.value <= floor(potential.bound)
        return found.value
