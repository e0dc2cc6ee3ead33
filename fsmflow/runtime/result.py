"""What a finished run gives back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Generic, Literal, TypeVar

from fsmflow.runtime.run import Configuration, Error, Run, Spent
from fsmflow.runtime.trace import Span

Output = TypeVar("Output")


class Result(Generic[Output]):
    """A finished run.

    Attributes:
        kind: `success`, `degraded`, `handoff` or `failed`.
        end: The name of the end; `exceeded` for the built-in one.
        output: What the end gives, structured into the workflow's output type.
    """

    __slots__ = ("_record", "_run", "_trace", "end", "kind", "output")

    def __init__(
        self,
        kind: Literal["success", "degraded", "handoff", "failed"],
        end: str,
        output: Output,
        run: Run,
        record: Iterable[tuple[Any, ...]],
    ) -> None:
        self.kind = kind
        self.end = end
        self.output = output
        # The rest is made of these when somebody asks for it.
        self._run = run
        self._record = record
        self._trace: tuple[Span, ...] | None = None

    @property
    def error(self) -> Error | None:
        """The latest way out that the run took, if it took one."""
        found: Error | None = self._run.values.get("error")
        return found

    @property
    def spent(self) -> Spent:
        """What the run used; money in micro-dollars, time in microseconds."""
        return self._run.spent

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self._run.run_id

    @property
    def trace_id(self) -> str:
        """The run's W3C trace id."""
        return self._run.trace_id

    @property
    def trace(self) -> tuple[Span, ...]:
        """Every attempt, pause and wait, in order."""
        if self._trace is None:
            self._trace = tuple(map(Span._make, self._record))
        return self._trace

    @property
    def configuration(self) -> Configuration:
        """Where the run ended, in full."""
        return self._run.configuration()

    @property
    def path(self) -> tuple[str, ...]:
        """The states that did something, in order; one entry an attempt, pause or wait."""
        return tuple(span.state for span in self.trace)

    def __repr__(self) -> str:
        return f"Result({self.kind} in {self.end!r}: {self.output!r})"
