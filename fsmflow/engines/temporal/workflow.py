"""The workflow: one class that carries out every machine, since each travels with its runs.

It goes by the name of the machine that it is given, so that the web UI lists workflows as they are called.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError, FailureError

with workflow.unsafe.imports_passed_through():
    from fsmflow.engines.spans import secret_ways
    from fsmflow.engines.temporal import spans
    from fsmflow.engines.temporal.carrying import Carrying
    from fsmflow.engines.temporal.orders import KERNEL, Order, Standing
    from fsmflow.engines.temporal.question import Said, not_waiting, refused
    from fsmflow.engines.temporal.tasks import LACKING, UNREADY


NO_RUN = "it is no run of fsmflow: start those with fsmflow submit, and terminate this one"


@workflow.defn(dynamic=True)
class MachineRun:
    """One run of a machine."""

    def __init__(self) -> None:
        """Begin with nothing: what is to be done comes with `run`."""
        self._carrying: Carrying | None = None

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> Any:
        """Carry a run out.

        Args:
            args: The order, the machines by digest, where the run stands, and its values.

        Raises:
            RuntimeError: This worker is too old for it, or it is none. That fails the workflow's task and
                not the run, which waits for another worker.
            ApplicationError: A bug; the run has failed.
        """
        given = [workflow.payload_converter().from_payload(each.payload) for each in args]
        if len(given) < 4 or not isinstance(given[0], dict) or "kernel" not in given[0]:
            raise RuntimeError(NO_RUN)
        said, machines, standing, *values = given
        if said["kernel"] > KERNEL:
            raise RuntimeError(f"this run needs version {said['kernel']} of the kernel, not {KERNEL}")
        try:
            self._carrying = Carrying(_own(Order(**said)), machines)
            where = None if standing is None else Standing(**standing)
            try:
                outcome = await self._carrying.carry_out(where, values)
            except asyncio.CancelledError:
                # Whoever answers meanwhile is to hear that nobody waits any longer.
                await workflow.wait_condition(workflow.all_handlers_finished)
                raise
            await workflow.wait_condition(workflow.all_handlers_finished)
        except FailureError:
            raise
        except Exception as error:
            # As it is, it would have the task tried again for ever, and the run would hang.
            raise ApplicationError(
                f"{type(error).__name__}: {error}", type="Bug", non_retryable=True
            ) from error
        return outcome

    @workflow.update
    async def answer(self, token: str, label: str | None, value: Any) -> str:
        """Take a person's answer to the question that waits under `token`.

        Raises:
            ApplicationError: It does not fit its type, which may not be there, or another one was quicker.
        """
        asking = self._asking(token)
        if asking.asked.gives:
            assert self._carrying is not None
            look = await self._carrying.fitting_answer(value)
            if LACKING in look:
                raise ApplicationError(look[LACKING], type=UNREADY)
            if "complaints" in look:
                secret = (f"expected {asking.asked.gives}, and that is none",)
                raise refused(secret if asking.asked.is_secret else tuple(look["complaints"]))
            value = look["value"]
            self._asking(token).check(token, label, value)
        asking.answer = Said(label, value if asking.asked.gives else label)
        return "answered"

    @answer.validator
    def _check(self, token: str, label: str | None, value: Any) -> None:
        self._asking(token).check(token, label, value)

    def _asking(self, token: str) -> Any:
        if self._carrying is None or self._carrying.asking is None:
            raise not_waiting(token)
        return self._carrying.asking

    @workflow.query
    def status(self) -> Any:
        """Say where the run stands, and what it waits for."""
        carrying = self._carrying
        if carrying is None:
            return None
        now, asking = carrying.now, carrying.asking
        return {
            "workflow": carrying.machine.name,
            "run_id": carrying.order.run_id,
            "state": now.state,
            "visits": now.visits,
            "spent": now.spent,
            "error": now.values.get("error"),
            "ending": carrying.ending,
            "unmade": spans.keyless(carrying.unmade),
            "asked": None if asking is None else spans.without_keys(asking.asked),
            "asked_us": None if asking is None else asking.since_us,
            "children": [child._asdict() for child in carrying.children],
            "secret": secret_ways(carrying.machine),
        }

    @workflow.query
    def trace(self) -> Any:
        """Give what happened since this history began, with what is secret, and the ways to that."""
        carrying = self._carrying
        if carrying is None:
            return None
        return {
            "events": spans.events(
                carrying.order,
                carrying.machine,
                carrying.now,
                carrying.recorded,
                carrying.ending or carrying.begun,
                carrying.started_us,
            ),
            "secret": secret_ways(carrying.machine),
        }


def _own(order: Order) -> Order:
    """Give the order of a run that a schedule, or somebody by hand, has started on what another was given.

    It goes by its own id, and so its keys, its children and its trace are no other run's.
    """
    run_id = workflow.info().workflow_id
    # In histories from before this was seen, it took itself for the other one.
    if order.run_id == run_id or not workflow.patched("its own id"):
        return order
    return order._replace(run_id=run_id, trace_id=workflow.uuid4().hex, span_id=workflow.uuid4().hex[:16])
