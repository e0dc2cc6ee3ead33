"""After how long the server ends a run that has not ended: what is proved of it, and time for queues."""

from __future__ import annotations

from datetime import timedelta

from fsmflow.analysis import Analysis
from fsmflow.analysis.callees import callee_of
from fsmflow.machine import Ask, Work

SLACK = timedelta(days=30)
"""How long a run may stand still, in queues and while no worker is there."""


def longest(analysis: Analysis) -> timedelta | None:
    """Give the time after which no run of a workflow can still be under way; None if nothing bounds it.

    The machine ends every run by itself, with its ledger whole. This is for what no machine foresees.
    """
    machine = analysis.machine
    most_us = callee_of(analysis).most.time_us
    if most_us is None or any(_asks(state) for state in machine.states.values() if isinstance(state, Work)):
        return None
    asked = [state.timeout_us for state in machine.states.values() if isinstance(state, Ask)]
    if asked:
        moves = analysis.proof.bounds.get("transitions")
        if moves is None or moves.upper is None or None in asked:
            return None
        most_us += moves.upper * max(us for us in asked if us is not None)
    return timedelta(microseconds=most_us) + SLACK


def _asks(state: Work) -> bool:
    return state.children is not None and any(each.asks for each in state.children.callees.values())
