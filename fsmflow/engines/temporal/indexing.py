"""Search attributes: what lists of runs show, and filters of the web UI find, without asking each run."""

from __future__ import annotations

from temporalio import workflow
from temporalio.common import SearchAttributeKey

from fsmflow.engines.temporal.orders import Order
from fsmflow.machine import Machine
from fsmflow.runtime.run import Configuration

WORKFLOW = SearchAttributeKey.for_keyword("FsmflowWorkflow")
STATE = SearchAttributeKey.for_keyword("FsmflowState")
STATUS = SearchAttributeKey.for_keyword("FsmflowStatus")
SPENT_USD = SearchAttributeKey.for_float("FsmflowSpentUsd")

ALL = (WORKFLOW, STATE, STATUS, SPENT_USD)


def tell(order: Order, machine: Machine, now: Configuration, status: str) -> None:
    """Tell where a run stands: `running`, `waiting` for a person, or the kind of its end."""
    if order.is_indexed:
        workflow.upsert_search_attributes(
            [
                WORKFLOW.value_set(machine.name),
                STATE.value_set(now.state),
                STATUS.value_set(status),
                SPENT_USD.value_set(now.spent.micro_usd / 1_000_000),
            ]
        )
