"""What a worker knows of workflows: by the digest of their machines, with the steps that it has for them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import wraps
from pathlib import Path
from threading import Lock
from typing import Any

from fsmflow.engines.machines import called, read_machine
from fsmflow.engines.temporal.tasks import Task
from fsmflow.engines.workflows import Workflow
from fsmflow.runtime.binding import Step
from fsmflow.runtime.clock import SystemClock
from fsmflow.runtime.steps import Bound
from fsmflow.runtime.world import World

Machines = Mapping[str, str]
"""Machines in their canonical text, by digest: they travel with a run."""


class Catalogue:
    """Workflows by digest. Machines come with the runs; the steps are this worker's."""

    def __init__(
        self, folder: Path, *, steps: Mapping[str, Mapping[str, Step]] | None = None, most_bytes: int = 0
    ) -> None:
        """Begin with nothing.

        Args:
            folder: Where step modules are.
            steps: Use these implementations, by workflow and state.
            most_bytes: How large a value may be that a step gives; 0 if any size will do.
        """
        self.folder = folder
        self.most_bytes = most_bytes
        self._steps = steps or {}
        self._known: dict[str, Workflow] = {}
        self._alone = Lock()
        self._random = random.Random()  # noqa: S311 - jitter is no secret

    def add(self, workflows: Iterable[Workflow]) -> None:
        """Know workflows before a run brings them."""
        for workflow in workflows:
            for each in workflow.all:
                self._known[each.machine.digest] = each

    def known(self, digest: str) -> Workflow | None:
        """Give the workflow whose machine has this digest, if it is known."""
        return self._known.get(digest)

    async def workflow(self, digest: str, machines: Callable[[], Awaitable[Machines]]) -> Workflow:
        """Give the workflow whose machine has this digest.

        Args:
            digest: The digest.
            machines: Fetches the machines of the run that it is of, if it is not known.

        Raises:
            BadMachine: The machine that travels with the run is another one than it should be.
        """
        if digest not in self._known:
            texts = await machines()
            self._known[digest] = await asyncio.to_thread(self._made, digest, texts)
        return self._known[digest]

    def _made(self, digest: str, machines: Machines) -> Workflow:
        machine = read_machine(machines[digest], digest)
        callees = {name: self._made(each, machines) for name, each in called(machine)}
        return Workflow.of_machine(machine, self.folder, callees)

    def bound(self, workflow: Workflow, task: Task) -> Mapping[str, Bound]:
        """Find the steps for an attempt.

        Raises:
            StepNotFound: One of them is not there.
        """
        own = self._steps.get(workflow.machine.name, {})
        found = workflow.runner.bind(None, {**task.swapped, **own})
        return {
            name: self._off_the_loop(step) if step.mode == "inline" else step for name, step in found.items()
        }

    def _off_the_loop(self, step: Bound) -> Bound:
        """Have a step that is to run on the event loop run in a thread, though beside no other such step.

        What holds the loop up would silence the worker, and all of its attempts would be taken to be lost.
        """

        @wraps(step.function)
        def alone(**given: Any) -> Any:
            with self._alone:
                return step.function(**given)

        return step._replace(function=alone, mode="thread")

    def world(self, task: Task) -> World:
        """Give the ports of an attempt."""
        return World(clock=SystemClock(), random=self._random)
