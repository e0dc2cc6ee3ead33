"""One run of a compiled workflow, from its input to its end: a caller's own, or a child's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from fsmflow.runtime.driver import Core, Driver
from fsmflow.runtime.log import Parent, RunLog
from fsmflow.runtime.run import End, Error, Question, Run, Unbound
from fsmflow.runtime.steps import Bound
from fsmflow.runtime.validation import Rejected, Validate
from fsmflow.runtime.world import World


class Workflow(Core, Protocol):
    """A compiled workflow, as its runs see it."""

    digest: str
    questions: Mapping[str, Question]

    def new_run(self, given: Any, run_id: str = "run", trace_id: str = "") -> Run:
        """Make the blank configuration of a run."""

    def types(self) -> tuple[Validate | None, Validate | None]:
        """Give what holds inputs and outputs to their types."""

    def answers(self) -> Mapping[str, Validate | None]:
        """Give what holds the answers of people to their types, by state."""


class Conclusion(NamedTuple):
    """How a run ended: the kind and the name of its end, and what that gives."""

    kind: Any
    end: str
    output: Any


class Execution:
    """One run, ready to be carried out.

    Attributes:
        run: Its configuration: its ledger is whole however the run ends.
        driver: What drives it, with the record of what happened.
    """

    __slots__ = ("_check", "_log", "driver", "run")

    def __init__(
        self,
        workflow: Workflow,
        given: Any,
        bound: Mapping[str, Bound],
        world: World,
        *,
        run_id: str = "",
        parent: Parent | None = None,
    ) -> None:
        """Prepare a run.

        Raises:
            Rejected: The input does not fit its type.
        """
        check_given, self._check = workflow.types()
        value = given if check_given is None else check_given(given)
        self.run = workflow.new_run(value, run_id, "" if parent is None else parent.trace_id)
        self._log: RunLog | None = None
        if world.sink is not None:
            about = (workflow.name, workflow.digest, world.profile)
            self._log = RunLog(
                *about, self.run, world.clock, world.sink, parent=parent, questions=workflow.questions
            )
        self.driver = Driver(workflow, self.run, bound, world, self._log)

    async def finish(self) -> Conclusion:
        """Carry the run out.

        Raises:
            asyncio.CancelledError: The run was cancelled; its trace and its ledger are whole.
        """
        try:
            end = await self.driver.drive()
        except asyncio.CancelledError:
            if self._log is not None:
                self._log.end("cancelled", "cancelled", None)
            raise
        conclusion = self._conclude(end)
        if self._log is not None:
            self._log.end(conclusion.end, conclusion.kind, conclusion.output)
        return conclusion

    def _conclude(self, end: End) -> Conclusion:
        """Structure what the end gives; an output that is not there or does not fit fails the run."""
        run, output = self.run, self.run.output
        if isinstance(output, Unbound):
            run.values["error"] = Error(run.state, "failure", f"the output leads nowhere: {output.reason}")
            return Conclusion("failed", end.name, None)
        if output is None or self._check is None:
            return Conclusion(end.kind, end.name, output)
        try:
            return Conclusion(end.kind, end.name, self._check(output))
        except Rejected as rejected:
            reason = f"the output does not fit its type: {rejected}"
            run.values["error"] = Error(run.state, "invalid", reason, rejected.complaints, output)
            return Conclusion("failed", end.name, None)
