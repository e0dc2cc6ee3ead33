"""A workflow, ready to run: from its spec, or from the machine that travels with a run."""

from __future__ import annotations

import hashlib
import linecache
import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from attrs import field, frozen

from fsmflow.analysis import Analysis
from fsmflow.backends.python import runner
from fsmflow.compiler import compile_file
from fsmflow.diagnostics import InvalidSpec
from fsmflow.machine import Machine, Work, canonical
from fsmflow.runtime import Runner, runner_of


@frozen
class Workflow:
    """A workflow with all that it runs.

    Attributes:
        machine: Its machine.
        folder: Where its step modules are.
        runner: What runs it.
        callees: The workflows that it runs, by name.
    """

    machine: Machine
    folder: Path
    runner: Runner[Any, Any]
    callees: Mapping[str, Workflow] = field(factory=dict)

    @classmethod
    def of_spec(cls, path: str | os.PathLike[str]) -> Workflow:
        """Compile the spec at `path`, and those of the workflows that it runs.

        Raises:
            InvalidSpec: It has errors.
        """
        compilation = compile_file(path)
        if compilation.analysis is None or compilation.errors:
            raise InvalidSpec(compilation.errors)
        return cls.of_analysis(compilation.analysis, Path(path).parent.resolve())

    @classmethod
    def of_analysis(cls, analysis: Analysis, folder: Path) -> Workflow:
        """Take a workflow that was compiled without errors."""
        callees = {
            name: cls.of_analysis(found.analysis, folder)
            for name, found in analysis.callees.items()
            if found.analysis is not None
        }
        return cls.of_machine(analysis.machine, folder, callees)

    @classmethod
    def of_machine(cls, machine: Machine, folder: Path, callees: Mapping[str, Workflow]) -> Workflow:
        """Make a workflow of its machine, and of the workflows that it runs."""
        name = f"<{machine.name} {machine.digest[:12]}>"
        code = runner(machine, spec=f"{machine.name}.fsm.yaml", folder=".")
        module = ModuleType(f"{machine.name}_fsm")
        module.__file__ = str(folder / f"{machine.name}_fsm.py")
        # Tracebacks that pass through generated code then show its lines.
        linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
        exec(compile(code, name, "exec"), module.__dict__)  # noqa: S102 - our own output
        made = runner_of(module)
        made.drop_stale_certificate()
        for callee in callees.values():
            made.know(callee.machine.name, callee.runner)
        return cls(machine, folder, made, callees)

    @property
    def all(self) -> Iterator[Workflow]:
        """This workflow and all that it runs, each once for each way to it."""
        yield self
        for callee in self.callees.values():
            yield from callee.all

    @cached_property
    def machines(self) -> tuple[tuple[str, str, str], ...]:
        """The machines of this workflow and of all that it runs: digest, name and canonical text."""
        return tuple((each.machine.digest, each.machine.name, canonical(each.machine)) for each in self.all)

    def fingerprint(self, profile: str | None) -> str:
        """Give the SHA-256, in hex, of step modules and prompts, as far as they are beside the spec."""
        files: list[Path] = []
        for name in sorted({each for workflow in self.all for each in workflow.modules(profile)}):
            top = name.partition(".")[0]
            files += [self.folder / f"{top}.py", *sorted((self.folder / top).rglob("*.py"))]
        prompts = {each for workflow in self.all for each in workflow.prompts}
        files += [self.folder / each for each in sorted(prompts)]
        found = hashlib.sha256()
        for path in files:
            if path.is_file():
                found.update(f"{path.relative_to(self.folder).as_posix()}\n".encode())
                found.update(hashlib.sha256(path.read_bytes()).digest())
        return found.hexdigest()

    @property
    def prompts(self) -> Iterator[str]:
        """The prompts of the workflow's own states, from its folder."""
        for state in self.machine.states.values():
            if isinstance(state, Work) and state.model is not None:
                yield from filter(None, (state.model.prompt, state.model.system))

    def modules(self, profile: str | None) -> set[str]:
        """Give the modules of the workflow's own steps, and of those that a profile has in their place."""
        states = [state for state in self.machine.states.values() if isinstance(state, Work) and state.call]
        calls = [state.call for state in states] + [name for state in states for name in state.accept]
        calls += self.machine.profiles.get(profile or "", {}).values()
        return {call.partition(":")[0] for call in calls}

    def swapped(self, profile: str | None) -> dict[str, dict[str, str]]:
        """Give the steps of a profile, by the digests of this workflow and of those it runs that have it.

        A machine that is kept, or sent, does not hold them: it is the same whoever does its work.

        Raises:
            LookupError: Neither this workflow has such a profile, nor one that it runs.
        """
        if profile is None:
            return {}
        known = sorted({name for each in self.all for name in each.machine.profiles})
        if profile not in known:
            there = ", ".join(known) or "none"
            raise LookupError(f"{self.machine.name} has no profile {profile!r}; it has: {there}")
        return {
            each.machine.digest: dict(each.machine.profiles[profile])
            for each in self.all
            if profile in each.machine.profiles
        }
