"""What a run has around it: the ports through which it sees the world, shared with its children's runs."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple, Protocol

from fsmflow.runtime.clock import Clock
from fsmflow.runtime.desk import Desk
from fsmflow.runtime.hiding import Bodies
from fsmflow.runtime.journal import Journals
from fsmflow.runtime.secrets import Secrets
from fsmflow.runtime.trace import Sink


class Holding(Protocol):
    """Holds the time of whoever runs a child, while that asks a person."""

    def begin(self, at_us: int) -> None:
        """Let time pass uncounted from `at_us` on."""

    def end(self, at_us: int) -> None:
        """Count again from `at_us` on."""


class World(NamedTuple):
    """The ports of a run.

    Attributes:
        clock: The clock to go by.
        random: The source of jitter.
        desk: Where people are asked; None if nobody can be.
        sink: Takes trace events; None if nobody looks.
        live: Whether the sink is also told what begins, and what a model says while it says it.
        profile: The profile of step implementations; None for the steps that the spec names.
        journals: Where runs are kept, so that they outlive their process; None if they do not.
        holding: Is told when a child asks a person; None for a run that is nobody's child.
        record: Takes trace events in full, with what is secret; None if nobody keeps them.
        bodies: How `sink` is told inputs and outputs.
        secrets: What has been met that is secret; each run that has no parent begins with nothing.
        late: Books what is charged once a child's run is over; None for a run that is nobody's child.
    """

    clock: Clock
    random: random.Random
    desk: Desk | None = None
    sink: Sink | None = None
    live: bool = False
    profile: str | None = None
    journals: Journals | None = None
    holding: Holding | None = None
    record: Sink | None = None
    bodies: Bodies = "full"
    secrets: Secrets | None = None
    late: Callable[[tuple[int, int, int]], None] | None = None
