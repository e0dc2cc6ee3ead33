"""One run of a compiled workflow, from its input to its end: a caller's own, or a child's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from fsmflow.runtime.calling import owned
from fsmflow.runtime.clock import Clock
from fsmflow.runtime.commands import End, Question, Stage
from fsmflow.runtime.complaints import Rejected
from fsmflow.runtime.driver import Core, Driver
from fsmflow.runtime.hiding import INPUT, Hiding, Ways
from fsmflow.runtime.journal import Kept
from fsmflow.runtime.log import Parent, RunLog
from fsmflow.runtime.run import Error, Run, Unbound
from fsmflow.runtime.secrets import Secrets
from fsmflow.runtime.steps import Bound
from fsmflow.runtime.trace import Span, plain
from fsmflow.runtime.validation import Validate
from fsmflow.runtime.world import World


class Workflow(Core, Protocol):
    """A compiled workflow, as its runs see it."""

    digest: str
    stages: Mapping[str, Stage]
    questions: Mapping[str, Question]
    secret: Mapping[str, Ways]

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
        record: What happened, in the order in which it did.
        secrets: What it has met that is secret, as far as anything was written of it.
    """

    __slots__ = (
        "_bound",
        "_check",
        "_hiding",
        "_log",
        "_parent_id",
        "_workflow",
        "_world",
        "record",
        "run",
        "secrets",
    )

    def __init__(
        self,
        workflow: Workflow,
        given: Any,
        bound: Mapping[str, Bound],
        world: World,
        *,
        run_id: str = "",
        trace_id: str = "",
        parent: Parent | None = None,
    ) -> None:
        """Prepare a run.

        Raises:
            Rejected: The input does not fit its type; what is secret in it is not told.
        """
        if world.secrets is None:
            world = world._replace(secrets=Secrets())
        assert world.secrets is not None
        self.secrets = world.secrets
        ways = workflow.secret
        if parent is not None and parent.secret:
            ways = {**ways, INPUT: (*ways.get(INPUT, ()), *((INPUT, *way) for way in parent.secret))}
        self._hiding = Hiding(self.secrets, ways, world.bodies)
        self._check = workflow.types()[1]
        value = accepted(workflow, given, self.secrets if INPUT in ways else None)
        self.run = workflow.new_run(value, run_id, trace_id if parent is None else parent.trace_id)
        self._log: RunLog | None = None
        is_told = world.sink is not None or world.record is not None
        if parent is None and (is_told or world.desk is not None):
            self.secrets.learn_environment()
        # With no sink, a workflow with secrets that asks people still has to know what they are not shown.
        if is_told or (ways and world.desk is not None):
            about = (workflow.name, workflow.digest, world.profile)
            self._log = RunLog(
                *about,
                self.run,
                world.clock,
                world.sink,
                parent=parent,
                questions=workflow.questions,
                hiding=self._hiding,
                record=world.record,
            )
        self._workflow = workflow
        self._bound = bound
        self._world = world
        self._parent_id = None if parent is None else parent.run_id
        self.record: list[Any] = []

    async def finish(self) -> Conclusion:
        """Carry the run out; a run that is kept is taken up where its journal ends.

        Raises:
            asyncio.CancelledError: The run was cancelled; its trace and its ledger are whole.
        """
        kept = await self._taken_up()
        if kept is not None:
            self.record += _since(kept.record, self._world.clock)
            if kept.conclusion is not None:
                return Conclusion(*kept.conclusion)
        if kept is not None and self._log is not None:
            self._learn_again()
        journal = None if kept is None else kept.journal
        driver = Driver(self._workflow, self.run, self._bound, self._world, self._log, journal, self._hiding)
        driver.record += self.record
        self.record = driver.record
        try:
            end = await driver.drive(None if kept is None else kept.command)
        except (asyncio.CancelledError, KeyboardInterrupt):
            if self._log is not None:
                self._log.end("cancelled", "cancelled", None)
            raise
        conclusion = self._conclude(end)
        if journal is not None:
            await journal.conclude(self.run, conclusion.end, conclusion.kind, conclusion.output)
        if self._log is not None:
            self._log.end(conclusion.end, conclusion.kind, conclusion.output)
        return conclusion

    async def _taken_up(self) -> Kept | None:
        journals = self._world.journals
        if journals is None:
            return None
        return await journals.open(self._workflow, self.run, self._bound, self._parent_id)

    def _learn_again(self) -> None:
        """Remember what a run that is taken up has met that is secret, as far as its values hold it."""
        run, workflow = self.run, self._workflow
        states: list[Stage | Question] = [*workflow.stages.values(), *workflow.questions.values()]
        for state in states:
            if state.name in workflow.secret and state.value in run.values:
                self._hiding.learn(state.name, "output", plain(run.values[state.value]))

    def _conclude(self, end: End) -> Conclusion:
        """Structure what the end gives; an output that is not there or does not fit fails the run."""
        run, output = self.run, self.run.output
        if isinstance(output, Unbound):
            run.values["error"] = Error(run.state, "failure", f"the output leads nowhere: {output.reason}")
            return Conclusion("failed", end.name, None)
        if not run.gives or self._check is None:
            return Conclusion(end.kind, end.name, output)
        try:
            return Conclusion(end.kind, end.name, self._check(output))
        except Rejected as rejected:
            reason = f"the output does not fit its type: {rejected}"
            run.values["error"] = Error(run.state, "invalid", reason, rejected.complaints, output)
            return Conclusion("failed", end.name, None)


def _since(record: Sequence[Span], clock: Clock) -> list[Span]:
    """Give what a run did before it was taken up, by the time of `clock`.

    It was noted by a wall clock, which may have been set back since; so each is over, at the latest, when the
    next one begins.
    """
    until_us = clock.now()
    ahead_us = until_us - clock.wall_ns() // 1000
    found: list[Span] = []
    for span in reversed(record):
        until_us = min(span.start_us + ahead_us, until_us - span.elapsed_us)
        found.append(span._replace(start_us=until_us))
    return found[::-1]


class Typed(Protocol):
    """A compiled workflow, as far as its input goes."""

    secret: Mapping[str, Ways]

    def types(self) -> tuple[Validate | None, Validate | None]:
        """Give what holds inputs and outputs to their types."""


def accepted(workflow: Typed, given: Any, secrets: Secrets | None = None) -> Any:
    """Structure the input of a run.

    Args:
        workflow: The workflow.
        given: The input.
        secrets: What is not to be told, if any of the input is secret.

    Raises:
        Rejected: It does not fit its type; what is secret in it is not told.
    """
    check, _ = workflow.types()
    try:
        return owned(given) if check is None else check(given)
    except Rejected as rejected:
        if secrets is None:
            if INPUT not in workflow.secret:
                raise
            secrets = Secrets()
        # It is of no form, so that anything may stand anywhere in it.
        secrets.learn(plain(given))
        raise Rejected(tuple(map(secrets.text, rejected.complaints))) from None
