"""Runs on a Temporal server, as those see them who submit them, look at them, and answer their questions."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple, cast

from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from fsmflow.engines.assembling import assembled
from fsmflow.engines.temporal import indexing
from fsmflow.engines.temporal.orders import KERNEL, Order
from fsmflow.engines.temporal.question import NOT_WAITING, REJECTED
from fsmflow.engines.temporal.questions import Posed, posed, unmade
from fsmflow.engines.temporal.silence import NoWorker, Stuck, refuse, why_silent, why_stuck
from fsmflow.engines.temporal.tasks import UNREADY
from fsmflow.engines.temporal.wire import Converter, converter
from fsmflow.engines.temporal.worker import TASK_QUEUE
from fsmflow.engines.workflows import Workflow
from fsmflow.machine import canonical
from fsmflow.runtime import Asked, NotWaiting, Rejected
from fsmflow.runtime.execution import accepted
from fsmflow.runtime.run_ids import id_of

AT_ONCE = 20
"""How many runs are asked at a time what they wait for."""

SILENT = timedelta(seconds=10)
"""How long a worker is waited for that says where a run stands."""

TAKEN = timedelta(seconds=60)
"""How long a worker is waited for that takes an answer, which it may have to hold to its type."""

_ENDS = ("success", "degraded", "handoff", "failed")

_OVER = {
    WorkflowExecutionStatus.CANCELED: "cancelled",
    WorkflowExecutionStatus.FAILED: "broken",
    WorkflowExecutionStatus.TERMINATED: "terminated",
    WorkflowExecutionStatus.TIMED_OUT: "timed out",
    WorkflowExecutionStatus.COMPLETED: "done",
}


class NoSuchRun(LookupError):
    """There is no run of this id."""


class Seen(NamedTuple):
    """What a list says of a run.

    Attributes:
        run_id: Its id.
        workflow: The workflow's name.
        status: `running`, `waiting` for a person, `cancelled`, or how it ended.
        state: Where it is, or was last; empty if the namespace has not our search attributes.
        spent_usd: What it has spent, in dollars.
        created_ns: When it was submitted.
        ended_ns: When it ended.
    """

    run_id: str
    workflow: str
    status: str
    state: str
    spent_usd: float | None
    created_ns: int
    ended_ns: int | None


class Temporal:
    """Runs on one server, in one namespace."""

    def __init__(self, client: Client, *, task_queue: str = TASK_QUEUE) -> None:
        """Speak to a server.

        Args:
            client: A connection, with our converter: see `fsmflow.engines.temporal.wire`.
            task_queue: Where workers take their tasks from.

        Raises:
            ValueError: The connection has another converter.
        """
        if not issubclass(client.data_converter.payload_converter_class, Converter):
            raise ValueError(
                "this connection writes values otherwise than workers read them:"
                " make it with data_converter=converter(), of fsmflow.engines.temporal.client"
            )
        self.client = client
        self._task_queue = task_queue

    async def submit(
        self,
        workflow: Workflow,
        given: Any,
        *,
        run_id: str | None = None,
        profile: str | None = None,
        longest: timedelta | None = None,
        **order: Any,
    ) -> str:
        """Submit a run, for workers to carry out, and give its id.

        Args:
            workflow: The workflow.
            given: The input.
            run_id: The run's id; random unless given.
            profile: Use the step implementations of this profile.
            longest: After how long a run that has not ended is ended by the server; it is for what no
                machine foresees, and such a run leaves no ledger.
            order: More of the run's `Order`.

        Raises:
            Rejected: The input does not fit its type.
            LookupError: There is no such profile.
            ValueError: There is a run of this id, or it can be none.
        """
        value = accepted(workflow.runner, given)
        run_id = id_of(run_id)
        is_indexed = await self.register()
        made = Order(
            kernel=KERNEL,
            run_id=run_id,
            trace_id=os.urandom(16).hex(),
            span_id=os.urandom(8).hex(),
            digest=workflow.machine.digest,
            profile=profile,
            swapped=workflow.swapped(profile),
            is_indexed=is_indexed,
        )._replace(**order)
        machines = {each.machine.digest: canonical(each.machine) for each in workflow.all}
        attributes = TypedSearchAttributes(
            [
                SearchAttributePair(indexing.WORKFLOW, workflow.machine.name),
                SearchAttributePair(indexing.STATUS, "running"),
            ]
        )
        try:
            await self.client.start_workflow(
                workflow.machine.name,
                args=[made, machines, None, value],
                id=run_id,
                task_queue=self._task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                execution_timeout=longest,
                static_summary=workflow.machine.title or None,
                search_attributes=attributes if is_indexed else None,
            )
        except WorkflowAlreadyStartedError:
            raise ValueError(f"there is a run {run_id} already") from None
        return run_id

    async def is_indexed(self) -> bool:
        """Tell whether the namespace has our search attributes."""
        from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest

        try:
            found = await self.client.operator_service.list_search_attributes(
                ListSearchAttributesRequest(namespace=self.client.namespace)
            )
        except RPCError:
            # The server of tests knows of no attributes, and some namespaces tell nobody.
            return False
        # One of another type is not ours: a run that told of itself in it would stand still.
        types = {name: int(kind) for name, kind in found.custom_attributes.items()}
        return all(types.get(key.name) == int(key.indexed_value_type) for key in indexing.ALL)

    async def register(self) -> bool:
        """Give the namespace our search attributes, if it may be done; tell whether it has them now."""
        from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest

        if not await self.is_indexed():
            try:
                await self.client.operator_service.add_search_attributes(
                    AddSearchAttributesRequest(
                        namespace=self.client.namespace,
                        search_attributes={key.name: key.indexed_value_type for key in indexing.ALL},  # type: ignore[misc]
                    )
                )
            except RPCError:
                return False
        return await self.is_indexed()

    async def outcome(self, run_id: str) -> Mapping[str, Any]:
        """Wait for the end of a run, and say what it came to: `kind`, `end`, `output`, `spent`, `error`.

        Raises:
            NoSuchRun: There is none of this id.
            temporalio.client.WorkflowFailureError: It was cancelled, or ended from outside.
        """
        with _found(run_id):
            found: Mapping[str, Any] = await self.client.get_workflow_handle(run_id).result()
        return found

    async def runs(self, *, status: str | None = None, workflow: str | None = None) -> list[Seen]:
        """List runs, without those of children, the latest first.

        Args:
            status: Only those of this status; those that have come to an end of their machine are `done`.
            workflow: Only those of this workflow.
        """
        query = f"TaskQueue = {_quoted(self._task_queue)} AND ExecutionStatus != 'ContinuedAsNew'"
        if workflow is not None:
            query += f" AND WorkflowType = {_quoted(workflow)}"
        found = [_seen(each) async for each in self.client.list_workflows(query) if each.parent_id is None]
        found.sort(key=lambda each: each.created_ns)
        # A run that was reset is there again under its id: as it stood, and as it is now.
        latest = sorted({each.run_id: each for each in found}.values(), key=lambda each: -each.created_ns)
        statuses = {status, *(_ENDS if status == "done" else ())}
        return [each for each in latest if status is None or each.status in statuses]

    async def find(self, run_id: str) -> Seen:
        """Say what is known of a run, by its id or by the beginning of it.

        Raises:
            NoSuchRun: There is none, or more than one.
        """
        if not run_id:
            raise NoSuchRun("a run is named by its id, or the beginning of it")
        try:
            about = await self.client.get_workflow_handle(run_id).describe()
            return _seen(about)
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
        found = [each for each in await self.runs() if each.run_id.startswith(run_id)]
        if len(found) != 1:
            why = "there is no run" if not found else "there is more than one run that begins with"
            raise NoSuchRun(f"{why} {run_id}")
        return found[0]

    async def cancel(self, run_id: str) -> None:
        """Ask for a run to end as cancelled, with its ledger and its trace whole: once a worker is at it.

        Raises:
            NoSuchRun: There is none of this id, or it is over.
        """
        with _found(run_id, "no run {} is under way"):
            await self.client.get_workflow_handle(run_id).cancel()

    async def status(self, run_id: str) -> Mapping[str, Any]:
        """Say where a run stands, as its workflow tells it.

        Raises:
            NoSuchRun: There is none of this id.
            NoWorker: No worker answers.
        """
        with _found(run_id):
            return await self._status(run_id)

    async def questions(self, run_id: str) -> list[Asked]:
        """Give the questions that wait, of a run or of workflows that it calls, without what is secret.

        Raises:
            NoSuchRun: There is none of this id.
            NoWorker: No worker answers.
        """
        with _found(run_id):
            about = await self.client.get_workflow_handle(run_id).describe()
        if about.status != WorkflowExecutionStatus.RUNNING:
            # One that was terminated still tells what it asked then.
            return []
        return [each.asked for each in await posed(run_id, self._status, self._told)]

    async def unmade(self, run_id: str) -> list[str]:
        """Give why workers can't make the attempts that a run, or a workflow that it calls, waits for.

        Raises:
            NoSuchRun: There is none of this id.
            NoWorker: No worker answers.
        """
        with _found(run_id):
            return await unmade(run_id, self._status)

    async def waiting(self, *, stuck: Callable[[Stuck], None] = refuse) -> list[tuple[str, Posed]]:
        """Give the questions that wait in any run, each with the id of the run that was submitted.

        Args:
            stuck: Is told of runs that workers can't go on with, and left out.

        Raises:
            NoWorker: No worker answers; or one can't go on with a run, and nobody is told.
        """
        query = f"TaskQueue = {_quoted(self._task_queue)} AND ExecutionStatus = 'Running'"
        if await self.is_indexed():
            query += f" AND {indexing.STATUS.name} = 'waiting'"
        found = [each async for each in self.client.list_workflows(query)]
        # The latest first, as they are listed; a run of which several children ask stands there once.
        roots = dict.fromkeys(each.root_id or each.id for each in found)
        gate = asyncio.Semaphore(AT_ONCE)

        async def asked(root: str) -> list[Posed]:
            async with gate:
                try:
                    return await posed(root, self._status, self._told)
                except Stuck as error:
                    stuck(error)
                    return []

        try:
            async with asyncio.TaskGroup() as group:
                tasks = {root: group.create_task(asked(root)) for root in roots}
        except ExceptionGroup as errors:
            # One that no worker answers speaks for all.
            raise errors.exceptions[0] from None
        return [(root, each) for root, task in tasks.items() for each in task.result()]

    async def answer(self, asked: Asked, label: str | None = None, value: Any = None) -> None:
        """Answer a question.

        Raises:
            NotWaiting: It is answered already, was taken back, or nobody waits any longer.
            Rejected: It is none of the answers that there are; the question still waits.
            NoWorker: No worker takes it, though one may later.
        """
        handle = self.client.get_workflow_handle(asked.run_id)
        answering = handle.execute_update("answer", args=[asked.token, label, value])
        try:
            await asyncio.wait_for(answering, TAKEN.total_seconds())
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
            raise await why_silent(handle, f"no worker takes the answer to {asked.run_id}") from None
        except WorkflowUpdateFailedError as error:
            cause = error.cause
            if isinstance(cause, ApplicationError) and cause.type == REJECTED:
                raise Rejected(tuple(map(str, cause.details))) from None
            if isinstance(cause, ApplicationError) and cause.type == NOT_WAITING:
                raise NotWaiting(cause.message) from None
            if isinstance(cause, ApplicationError) and cause.type == UNREADY:
                said = f"the worker that has {asked.run_id} can't hold the answer to its type"
                raise NoWorker(f"{said}: {cause.message}") from None
            raise
        except RPCError as error:
            if error.status == RPCStatusCode.FAILED_PRECONDITION:
                raise await why_stuck(handle) from None
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
            raise NotWaiting(f"the run {asked.run_id} is over") from None

    async def trace(self, run_id: str) -> list[dict[str, Any]]:
        """Give the trace of a run and of the workflows that it has run, without what is secret.

        Raises:
            NoSuchRun: There is none of this id.
            NoWorker: No worker answers.
        """
        with _found(run_id):
            await self.client.get_workflow_handle(run_id).describe()
        return await assembled(run_id, self._told)

    async def _status(self, run_id: str) -> Mapping[str, Any]:
        return cast(Mapping[str, Any], await self._asked(self.client.get_workflow_handle(run_id), "status"))

    async def _told(self, run_id: str) -> AsyncIterator[Mapping[str, Any]]:
        """Give what each history of a run tells, the first one first; nothing if it is to be started."""
        try:
            runs = [(await self.client.get_workflow_handle(run_id).describe()).run_id]
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
            return
        while before := await self._before(run_id, runs[0]):
            runs.insert(0, before)
        for each in runs:
            told = await self._asked(self.client.get_workflow_handle(run_id, run_id=each), "trace")
            if told is not None:
                yield told

    async def _before(self, run_id: str, history: str | None) -> str:
        """Give the history that a history of a run goes on from; nothing if it is the first one."""
        handle = self.client.get_workflow_handle(run_id, run_id=history)
        async for event in handle.fetch_history_events(page_size=1):
            begun = event.workflow_execution_started_event_attributes
            return str(begun.continued_execution_run_id)
        return ""

    async def _asked(self, handle: WorkflowHandle[Any, Any], query: str) -> Any:
        try:
            return await asyncio.wait_for(handle.query(query), SILENT.total_seconds())
        except TimeoutError:
            raise await why_silent(handle, f"no worker tells where {handle.id} stands") from None
        except WorkflowQueryFailedError as error:
            raise Stuck(f"the worker can't tell where {handle.id} stands: {error}") from error
        except RPCError as error:
            # So it is while the latest task of a workflow has failed, which is tried again for ever.
            if error.status != RPCStatusCode.FAILED_PRECONDITION:
                raise
            raise await why_stuck(handle) from None


@contextmanager
def _found(run_id: str, missing: str = "there is no run {}") -> Iterator[None]:
    """Tell of a run that the server does not know.

    Raises:
        NoSuchRun: It does not.
    """
    try:
        yield
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        raise NoSuchRun(missing.format(run_id)) from None


def _seen(about: WorkflowExecution) -> Seen:
    attributes = about.typed_search_attributes
    status = attributes.get(indexing.STATUS) or "running"
    if about.status is not None and about.status != WorkflowExecutionStatus.RUNNING:
        over = _OVER.get(about.status, "over")
        status = status if over == "done" and status not in ("running", "waiting") else over
    return Seen(
        about.id,
        about.workflow_type,
        status,
        attributes.get(indexing.STATE) or "",
        attributes.get(indexing.SPENT_USD),
        int(about.start_time.timestamp() * 1e9),
        None if about.close_time is None else int(about.close_time.timestamp() * 1e9),
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


__all__ = ["NoSuchRun", "NoWorker", "Seen", "Stuck", "Temporal", "converter"]
