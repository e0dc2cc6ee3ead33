"""The ledger of a run on Temporal, where time is that of attempts, pauses and waits, and never of queues."""

from __future__ import annotations

from fsmflow.machine import Machine, Work
from fsmflow.runtime.events import Elapsed, Ended, Event, Lost
from fsmflow.runtime.run import Configuration
from fsmflow.semantics import Attempt, advance

LOST_IN_DOUBT = "its process ended: nobody can tell if it happened"


def booked(machine: Machine, now: Configuration, event: Event) -> Configuration:
    """Put what happened last on the ledger, of a run that goes no further."""
    if isinstance(event, Ended) and event.outcome == "cancelled":
        # No machine says what follows from that, but what was used counts.
        event = event._replace(outcome="exceeded")
    if isinstance(event, Elapsed):
        return now._replace(spent=now.spent._replace(time_us=now.spent.time_us + event.elapsed_us))
    return now._replace(spent=advance(machine, now, event).configuration.spent)


def lost(machine: Machine, command: Attempt) -> Ended | Lost:
    """Say what must be made of an attempt whose worker is gone: it counts in full, and it may have happened.

    It can't have taken longer than it was given, so that no cap on time is passed.
    """
    state = machine.states[command.state]
    assert isinstance(state, Work)
    times = [us for us in (state.timeout_us, command.deadline_us) if us is not None]
    elapsed = min(times, default=0) if state.timeout_us is not None else 0
    if state.effect == "once":
        return Ended("unknown", None, None, LOST_IN_DOUBT, (), command.cost, elapsed)
    return Lost(elapsed)


class Lanes:
    """How long children take that run so many at a time: by their own ledgers, wherever they wait.

    Each child takes the place of one that is through, as it did in fact; what that adds up to is at most
    the time that was set aside, however long a queue before the workers is.
    """

    def __init__(self, width: int) -> None:
        """Begin with `width` lanes that are free."""
        self._spent_us = [0] * width

    def before(self, lane: int) -> int:
        """Give the time that was used in a lane so far."""
        return self._spent_us[lane]

    def add(self, lane: int, us: int) -> None:
        """Add the time of a child that ran in a lane."""
        self._spent_us[lane] += us

    @property
    def elapsed_us(self) -> int:
        """The time of the longest lane."""
        return max(self._spent_us, default=0)
