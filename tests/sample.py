"""Small machines written by hand, and runs of them that are told what happens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fsmflow.loading.structure import structure
from fsmflow.loading.yaml import read_document
from fsmflow.lowering import lower
from fsmflow.machine import Callee, Caps, Machine
from fsmflow.runtime import Configuration, Elapsed, Ended
from fsmflow.semantics import Attempt, Command, Finish, Pause, Question, advance, begin
from fsmflow.spec import Workflow


def flow(states: str, **more: str) -> Workflow:
    """Read the workflow with these `states`, in YAML, and other keys such as `budget`."""
    keys = "".join(f"{key}: {value}\n" for key, value in more.items())
    indented = "".join(f"  {line.strip()}\n" for line in states.strip().splitlines())
    document = read_document(f"fsmflow: 1\nworkflow: sample\n{keys}states:\n{indented}", "sample.fsm.yaml")
    structured = structure(document)
    assert structured.diagnostics == ()
    assert structured.workflow is not None
    return structured.workflow


def machine(states: str, *, callees: Mapping[str, Caps] | None = None, **more: str) -> Machine:
    """Give the machine that `flow` means; `callees` are the workflows that it may run, and what they use."""
    known = {name: Callee(name=name, digest="", most=most) for name, most in (callees or {}).items()}
    return lower(flow(states, **more), known)


class Going:
    """A run under way, by the reference meaning."""

    def __init__(self, machine: Machine, given: Any = None) -> None:
        self.machine = machine
        self.now, self.commands = begin(machine, given)
        self.taken: list[str] = []
        self.now: Configuration

    def ends(self, outcome: str = "success", label: str | None = None, **more: Any) -> Going:
        """Let the attempt end."""
        return self._feed(Ended(outcome, label, **more))

    def passes(self, us: int | None = None) -> Going:
        """Let the pause that was commanded, or `us`, pass."""
        if us is None:
            assert isinstance(self.command, Pause)
            us = self.command.duration_us
        return self._feed(Elapsed(us))

    def _feed(self, event: Any) -> Going:
        self.now, self.commands, taken = advance(self.machine, self.now, event)
        self.taken += [f"{way.source}.{way.name}" for way in taken]
        return self

    @property
    def command(self) -> Command:
        """The command that was given last."""
        (command,) = self.commands
        return command

    @property
    def at(self) -> str:
        """The state."""
        return self.now.state

    @property
    def is_over(self) -> bool:
        """Whether the run has ended."""
        return isinstance(self.command, Finish)

    @property
    def is_working(self) -> bool:
        """Whether an attempt is under way."""
        return isinstance(self.command, Attempt)

    @property
    def is_asking(self) -> bool:
        """Whether a person is asked."""
        return isinstance(self.command, Question)

    @property
    def is_pausing(self) -> bool:
        """Whether time must pass."""
        return isinstance(self.command, Pause)

    @property
    def error(self) -> Any:
        """`$error`."""
        return self.now.values.get("error")
