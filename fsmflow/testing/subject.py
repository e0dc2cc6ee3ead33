"""The workflow under test: its machine, as the spec has it, and the runner that was generated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property
from os.path import relpath
from pathlib import Path
from typing import Any

from attrs import define, field

from fsmflow.analysis.proof import Proof, prove
from fsmflow.analysis.proving.bounds import Effort
from fsmflow.analysis.proving.witness import Witness
from fsmflow.analysis.traces.coverage import Coverage, can_be_taken
from fsmflow.compiler import compile_file
from fsmflow.diagnostics import FsmflowError, InvalidSpec
from fsmflow.machine import Machine, Transition
from fsmflow.runtime import Runner, load_runner
from fsmflow.runtime.steps import Bound, resolve_type
from fsmflow.runtime.validation import Validate, validator
from fsmflow.testing import tables

MOST_SEARCHED = 5_000
"""How many configurations are looked at for each bound."""

Edge = tuple[str, str, str]
"""A transition that was taken: source, what left it, target."""


class StaleRunner(FsmflowError):
    """The spec was edited since its runner was generated."""


@define(slots=False)
class Subject:
    """A workflow under test.

    Attributes:
        machine: What the spec says: the oracle.
        runner: What was generated: the thing under test.
        folder: Where the spec is, and so its steps; None for a spec without a place.
        runs: How many runs were played.
        counts: How often they took each transition, by its number in the machine.
    """

    machine: Machine
    runner: Runner[Any, Any]
    folder: Path | None = None
    runs: int = 0
    counts: Counter[int] = field(factory=Counter, repr=False)

    @classmethod
    def load(cls, spec: Path, runner: Path) -> Subject:
        """Compile the spec, and load the runner that was generated from it.

        Raises:
            InvalidSpec: The spec has errors.
            FileNotFoundError: There is no such runner.
            StaleRunner: The runner is that of another version of the spec.
        """
        compilation = compile_file(spec)
        if compilation.analysis is None or compilation.errors:
            raise InvalidSpec(compilation.errors)
        machine, generated = compilation.analysis.machine, load_runner(runner)
        if generated.digest != machine.digest:
            was = f"{relpath(runner)} was generated from another version of {relpath(spec)}"
            raise StaleRunner(f"{was}: run `fsmflow build`")
        subject = cls(machine, generated, Path(spec).parent)
        SUBJECTS[subject.machine.name] = subject
        return subject

    def scripted(self, step: Callable[[str], Callable[..., Any]]) -> Mapping[str, Bound]:
        """Put a scripted implementation in the place of each step, whose own code is never imported.

        Outputs are held to their types; accept functions are left out, since a script says itself
        which outputs are rejected.
        """
        return {
            name: Bound(
                step(name),
                mode="async",
                wants_context=True,
                validate=_validate(stage.gives, self.runner.folder) if stage.gives else None,
                accept=(),
                plain=False,
                tools={
                    label: _validate(kind, self.runner.folder)
                    for label, kind in (() if stage.model is None else stage.model.tools)
                },
            )
            for name, stage in self.runner.stages.items()
        }

    def note(self, ways: Sequence[Transition]) -> None:
        """Count one run, by the transitions that it took."""
        self.runs += 1
        self.counts.update(self._numbers[id(way)] for way in ways)

    @cached_property
    def _numbers(self) -> Mapping[int, int]:
        """The number of each transition, by what it is: two of them may be equal in words."""
        return {id(way): number for number, way in enumerate(self.machine.transitions)}

    @property
    def coverage(self) -> Coverage:
        """How often each transition was taken, to be written down and drawn."""
        counts = tuple(self.counts[number] for number in range(len(self.machine.transitions)))
        return Coverage(self.machine.name, self.machine.digest, self.runs, counts)

    @cached_property
    def proof(self) -> Proof:
        """What is proved of the machine, with a search that ends soon."""
        digest = self.machine.digest
        if digest not in _PROOFS:
            _PROOFS[digest] = prove(self.machine, Effort(most=MOST_SEARCHED))
        return _PROOFS[digest]

    @property
    def witnesses(self) -> tuple[Witness, ...]:
        """The runs that the proof names as the worst, of each metric, under the budget."""
        form = self.proof.budgeted
        found = [] if form is None else [bound.witness for bound in form.bounds.values()]
        return tuple({each.path: each for each in found if each is not None and each.path}.values())

    @property
    def promised(self) -> Mapping[str, Any]:
        """What the spec says of the runner's tables: caps, types, costs, and what each state calls."""
        place = {} if self.folder is None else {"folder": self.folder.resolve()}
        return {**tables.promised(self.machine), **place}

    @property
    def provided(self) -> Mapping[str, Any]:
        """What stands in the tables of the runner."""
        place = {} if self.folder is None else {"folder": self.runner.folder}
        return {**tables.provided(self.machine, self.runner), **place}

    @property
    def possible(self) -> int:
        """How many transitions of the machine a run can take."""
        return sum(can_be_taken(self.machine, way) for way in self.machine.transitions)

    @property
    def missed(self) -> tuple[Transition, ...]:
        """The transitions that a run can take and none took."""
        return tuple(
            way
            for way, times in zip(self.machine.transitions, self.coverage.counts, strict=True)
            if not times and can_be_taken(self.machine, way)
        )


@cache
def _validate(kind: str, folder: Path) -> Validate | None:
    return validator(resolve_type(kind, folder))


_PROOFS: dict[str, Proof] = {}

SUBJECTS: dict[str, Subject] = {}
"""The subjects of this process, for the report of transitions that no run took."""
