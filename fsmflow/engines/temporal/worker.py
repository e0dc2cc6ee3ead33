"""A worker: carries out runs and makes attempts, beside as many others as there are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker

from fsmflow.engines.temporal.activities import Activities
from fsmflow.engines.temporal.workflow import MachineRun

TASK_QUEUE = "fsmflow"

STICKY = timedelta(seconds=1)
"""How long a workflow's task waits for the worker that has the run in memory: one that is gone takes none."""

THROTTLE = timedelta(seconds=1)
"""How often heartbeats are passed on at most, and so how soon a step hears that its run was cancelled."""


def worker(
    client: Client,
    activities: Activities,
    *,
    task_queue: str = TASK_QUEUE,
    width: int = 100,
    grace: timedelta = timedelta(seconds=30),
    **options: Any,
) -> Worker:
    """Make a worker.

    Args:
        client: Who speaks to the server; its converter must be ours.
        activities: What makes attempts, of the workflows and steps that it knows.
        task_queue: Where it takes its tasks from.
        width: How many attempts it makes at a time.
        grace: How long attempts may take to end when it is stopped; what is cut off then is lost.
        options: More, for `temporalio.worker.Worker`.
    """
    return Worker(
        client,
        task_queue=task_queue,
        workflows=[MachineRun],
        activities=[activities.attempt, activities.fit],
        max_concurrent_activities=width,
        graceful_shutdown_timeout=grace,
        sticky_queue_schedule_to_start_timeout=STICKY,
        max_heartbeat_throttle_interval=THROTTLE,
        default_heartbeat_throttle_interval=THROTTLE,
        # An attempt that this worker can't make would come back to it again and again, and to no other.
        disable_eager_activity_execution=True,
        **options,
    )
