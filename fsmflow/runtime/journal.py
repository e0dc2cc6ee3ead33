"""What keeps a run, as ports: a run whose events are kept outlives the process that it runs in.

A run is its machine, its input and its events, so that is all there is to keep: that something begins,
before it does, and what came of it, before anything follows from it. `fsmflow.engines` implements them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

from fsmflow.runtime.commands import Command
from fsmflow.runtime.events import Elapsed, Ended, Late
from fsmflow.runtime.hiding import Hiding
from fsmflow.runtime.run import Run
from fsmflow.runtime.steps import Bound
from fsmflow.runtime.trace import Span

Kind = TypeVar("Kind", Ended, Elapsed)
Begun = Literal["attempt", "pause", "question"]

MAX_EVENTS = 50_000
"""How many events a run may have: the next step is refused."""


class Unkept(RuntimeError):
    """What keeps runs can't be read or written: no outcome of anything in a run, which stays where it is."""


class Journal(Protocol):
    """The events of one run."""

    async def begin(
        self, run: Run, what: Begun, longest_us: int | None, hiding: Hiding | None = None
    ) -> int | None:
        """Keep, for good, that an attempt, a pause or a question begins where `run` stands.

        Args:
            run: The run.
            what: What begins.
            longest_us: How long it takes, at most; None if any time.
            hiding: Says what a person who is asked is not shown.

        Returns:
            How much of that is left, of a pause or a question that began before the process did.
        """

    def late(self, event: Late) -> None:
        """Keep what was charged after its attempt had ended, no later than what is kept next."""

    async def end(self, run: Run, event: Kind) -> Kind:
        """Keep what came of what began last: for good no later than what begins next, or how the run ends.

        `run` is as it was before the event. Nothing is waited for between this and what begins next.

        Returns:
            The event as it would be read back; of a value that can't be kept, a failure.
        """

    async def conclude(self, run: Run, end: str, kind: str, output: Any) -> None:
        """Keep, for good, how the run ended."""


class Kept(NamedTuple):
    """A run, taken up where its journal ends.

    Attributes:
        journal: Where what happens from now on is kept.
        command: What is to be done next; None if the run is over.
        conclusion: The kind and the name of its end, and what that gives, if it is over.
        record: What has happened, by the time since 1970 in microseconds.
    """

    journal: Journal
    command: Command | None
    conclusion: tuple[str, str, Any] | None = None
    record: Sequence[Span] = ()


class Journals(Protocol):
    """The journals of runs and of their children's."""

    async def open(self, workflow: Any, run: Run, bound: Mapping[str, Bound], parent_id: str | None) -> Kept:
        """Take up the run with the id of `run`, which is brought to where its journal ends, or begin it.

        Args:
            workflow: What the run is one of.
            run: The blank run.
            bound: The steps of the workflow.
            parent_id: The id of the run that runs it, if there is one.
        """
