"""Why no worker answers for a run: there is none, or those that there are can't go on with it."""

from __future__ import annotations

from typing import Any

from temporalio.api.failure.v1 import Failure
from temporalio.client import WorkflowHandle

TOO_LARGE = "PayloadsTooLarge"
"""The type of the failure of a workflow's task that passes on more than a history may hold."""


class NoWorker(RuntimeError):
    """No worker has answered; the message says what to do."""


class Stuck(NoWorker):
    """Workers can't go on with a run; the message says why, as they have said."""


def refuse(stuck: Stuck) -> None:
    """Raise that workers can't go on with a run: what is done of it where nobody is told.

    Raises:
        Stuck: They can't.
    """
    raise stuck


async def why_silent(handle: WorkflowHandle[Any, Any], said: str) -> NoWorker:
    """Say why nobody has answered: `said`, unless a worker has failed at the run, which is tried again."""
    about = await handle.describe()
    # It is tried again, too, if the worker that had it was killed, which has failed at nothing.
    failure = await _failure(handle) if about.raw_description.pending_workflow_task.attempt > 1 else None
    return NoWorker(f"{said}: start one with fsmflow worker") if failure is None else _stuck(handle, failure)


async def why_stuck(handle: WorkflowHandle[Any, Any]) -> Stuck:
    """Say why workers can't go on with a run, and what to do, if more is known."""
    return _stuck(handle, await _failure(handle))


async def _failure(handle: WorkflowHandle[Any, Any]) -> Failure | None:
    """Give what a worker has last said that failed, if the run has not gone on since."""
    failure = None
    async for event in handle.fetch_history_events():
        if event.HasField("workflow_task_failed_event_attributes"):
            failure = event.workflow_task_failed_event_attributes.failure
        elif event.HasField("workflow_task_completed_event_attributes"):
            failure = None
    return failure


def _stuck(handle: WorkflowHandle[Any, Any], failure: Failure | None) -> Stuck:
    why = "" if failure is None else f": {failure.message}"
    is_large = failure is not None and failure.application_failure_info.type == TOO_LARGE
    hint = " Start workers with --payloads DIR, and they will." if is_large else ""
    return Stuck(f"workers can't go on with {handle.id}{why}{hint}")
