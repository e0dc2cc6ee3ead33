"""What a finished run gives back."""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

from fsmflow.runtime.run import Configuration, Error, Spent
from fsmflow.runtime.trace import Span

Output = TypeVar("Output")


class Result(Generic[Output]):
    """A finished run.

    Attributes:
        kind: `success`, `degraded`, `handoff` or `failed`.
        end: The name of the end; `exceeded` for the built-in one.
        output: What the end gives, structured into the workflow's output type.
        error: The latest way out that the run took, if it took one.
        spent: What the run used; money in micro-dollars, time in microseconds.
        run_id: The run's id.
        trace_id: The run's W3C trace id.
        trace: Every attempt, pause and wait, in order.
        configuration: Where the run ended, in full.
    """

    __slots__ = (
        "configuration",
        "end",
        "error",
        "kind",
        "output",
        "run_id",
        "spent",
        "trace",
        "trace_id",
    )

    def __init__(
        self,
        *,
        kind: Literal["success", "degraded", "handoff", "failed"],
        end: str,
        output: Output,
        error: Error | None,
        spent: Spent,
        run_id: str,
        trace_id: str,
        trace: tuple[Span, ...],
        configuration: Configuration,
    ) -> None:
        self.kind = kind
        self.end = end
        self.output = output
        self.error = error
        self.spent = spent
        self.run_id = run_id
        self.trace_id = trace_id
        self.trace = trace
        self.configuration = configuration

    @property
    def path(self) -> tuple[str, ...]:
        """The states that did something, in order; one entry an attempt, pause or wait."""
        return tuple(span.state for span in self.trace)

    def __repr__(self) -> str:
        return f"Result({self.kind} in {self.end!r}: {self.output!r})"
