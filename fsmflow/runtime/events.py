"""What happens to a run, as data: the whole input of the pure core.

A run is its machine, its input and the list of these, in order; folding them gives the same
configuration again, on any machine, at any time.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Ended(NamedTuple):
    """An attempt ended.

    Attributes:
        outcome: `success`, `transient`, `invalid`, `failure`, `unknown`, or `exceeded` when the
            run's own deadline cut the attempt off.
        label: The label of a labelled success.
        value: The output, structured; for `invalid`, what was rejected.
        message: What went wrong, in a line.
        complaints: Why the output was rejected.
        use: What the attempt used: tool calls, tokens, micro-dollars. None says all that was
            declared.
        elapsed_us: How long it took, in microseconds.
        retry_after_us: How long a server asked to be left alone.
        draw: A number from [0, 1) for the jitter of the pause that may follow.
        steps: How many steps it counts as: itself, and those of the children that it ran.
        where: Where in a step's code a bug was met: `steps.py:12`. Nothing depends on it.
    """

    outcome: str
    label: str | None = None
    value: Any = None
    message: str = ""
    complaints: tuple[str, ...] = ()
    use: tuple[int, int, int] | None = None
    elapsed_us: int = 0
    retry_after_us: int | None = None
    draw: float = 0.0
    steps: int = 1
    where: str = ""


class Elapsed(NamedTuple):
    """A pause or a wait is over; it took `elapsed_us` microseconds."""

    elapsed_us: int


class Late(NamedTuple):
    """After an attempt had ended, more was charged than had been booked of it."""

    use: tuple[int, int, int]


class Lost(NamedTuple):
    """The process that made an attempt is gone, and nobody knows what came of it.

    All that the attempt declared counts, and it is made again, under the same key; an attempt that must never
    be repeated does not end so, but as `unknown`.
    """

    elapsed_us: int = 0


Event = Ended | Elapsed | Late | Lost
