"""What a finished run gives back."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

from fsmflow.runtime.clock import Clock, SystemClock
from fsmflow.runtime.commands import Question
from fsmflow.runtime.events import Ended
from fsmflow.runtime.hiding import Hiding, Ways
from fsmflow.runtime.log import RunLog
from fsmflow.runtime.run import Configuration, Error, Run, Spent
from fsmflow.runtime.secrets import Secrets
from fsmflow.runtime.trace import Span, new_span_id, spans

Output = TypeVar("Output")

Kind = Literal["success", "degraded", "handoff", "failed"]
"""The kind of an end."""


class Origin(Protocol):
    """What ran: a runner."""

    name: str
    digest: str
    folder: Path
    questions: Mapping[str, Question]
    secret: Mapping[str, Ways]


@dataclass(slots=True)
class Description:
    """What is still to be known of a runner where only the result of its run is."""

    name: str
    digest: str
    folder: Path
    questions: Mapping[str, Question]
    secret: Mapping[str, Ways]


class Result(Generic[Output]):
    """A finished run.

    It can be copied and pickled, as far as the values in it can be; a pickle holds its secrets, too.

    Attributes:
        kind: `success`, `degraded`, `handoff` or `failed`.
        end: The name of the end; `exceeded` for the built-in one.
        output: What the end gives, structured into the workflow's output type.
    """

    __slots__ = ("_origin", "_record", "_run", "_trace", "end", "kind", "output")

    kind: Kind

    def __init__(
        self,
        kind: Kind,
        end: str,
        output: Output,
        run: Run,
        record: Iterable[Any],
        origin: tuple[Origin, str | None, Clock, Secrets],
    ) -> None:
        self.kind = kind
        self.end = end
        self.output = output
        # The rest is made of these when somebody asks for it.
        self._run = run
        self._record = record
        self._origin = origin
        self._trace: tuple[Span, ...] | None = None

    @property
    def error(self) -> Error | None:
        """The latest way out that the run took, if it took one."""
        found: Error | None = self._run.values.get("error")
        return found

    @property
    def where(self) -> str:
        """Where in a step's code the latest way out met a bug: `steps.py:12`; empty if it met none."""
        if self.error is None:
            return ""
        events = [span.event for span in self.trace if span.state == self.error.state]
        return events[-1].where if events and isinstance(events[-1], Ended) else ""

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
            self._trace = tuple(spans(self._record))
        return self._trace

    @property
    def configuration(self) -> Configuration:
        """Where the run ended, in full."""
        return self._run.configuration()

    @property
    def path(self) -> tuple[str, ...]:
        """The states that did something, in order; one entry an attempt, pause or wait."""
        return tuple(span.state for span in self.trace)

    @property
    def folder(self) -> Path:
        """The folder of the workflow's spec."""
        return self._origin[0].folder

    def events(self) -> list[dict[str, Any]]:
        """Give the events of the run's trace as plain data, as `trace=` would have been told them."""
        found: list[dict[str, Any]] = []
        runner, profile, clock, secrets = self._origin
        start_us = self.trace[0].start_us if self.trace else clock.now()
        about = (runner.name, runner.digest, profile)
        hiding = Hiding(secrets, runner.secret)
        log = RunLog(
            *about, self._run, clock, found.append, start_us, questions=runner.questions, hiding=hiding
        )
        end_us = start_us
        for span in self.trace:
            log.span(span, new_span_id())
            end_us = max(end_us, span.start_us + span.elapsed_us)
        log.end(self.end, self.kind, self.output, end_us)
        return found

    @property
    def told(self) -> dict[str, Any]:
        """How the run ended, as its trace tells it, without what is secret."""
        return self.events()[-1]

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Show the run in a notebook, drawn on its workflow where that can be read."""
        # Only a notebook asks for it, and only there may the runtime know of what draws.
        shown: dict[str, str] = import_module("fsmflow.notebook").of_result(self)
        return shown

    def _repr_svg_(self) -> str | None:
        return self._repr_mimebundle_().get("image/svg+xml")

    def __copy__(self) -> Result[Output]:
        return Result(self.kind, self.end, self.output, self._run, self._record, self._origin)

    def __deepcopy__(self, memo: dict[int, Any]) -> Result[Output]:
        self._settle_ids()
        output, run, record = copy.deepcopy((self.output, self._run, self._record), memo)
        return Result(self.kind, self.end, output, run, record, self._origin)

    def __reduce__(self) -> tuple[Callable[[str, bytes], Result[Any]], tuple[str, bytes]]:
        """Give what makes it anew in another process.

        Raises:
            TypeError: One of its values can't be pickled.
        """
        # Few ever need it.
        import pickle

        self._settle_ids()
        runner, profile, clock, secrets = self._origin
        about = Description(
            runner.name, runner.digest, runner.folder, dict(runner.questions), dict(runner.secret)
        )
        stopped = StoppedClock(clock.now(), clock.wall_ns())
        origin = (about, profile, stopped, secrets)
        parts = (self.kind, self.end, self.output, self._run, tuple(self._record), origin)
        try:
            return _unpickled, (str(runner.folder), pickle.dumps(parts))
        except Exception as error:
            said = f"the result of {runner.name} can't be pickled ({error})"
            raise TypeError(f"{said}: pass on `result.events()`, which is plain data") from error

    def _settle_ids(self) -> None:
        """Draw the ids that were never asked for, so that a copy has the same ones."""
        _ = self.run_id, self.trace_id

    def __repr__(self) -> str:
        is_open = self._origin[3].is_empty and not self._origin[0].secret
        return f"Result({self.kind} in {self.end!r}: {self.output if is_open else self.told['output']!r})"


class StoppedClock(SystemClock):
    """The time at which a result was pickled: monotonic time is each machine's own."""

    __slots__ = ("_now_us", "_wall_ns")

    def __init__(self, now_us: int, wall_ns: int) -> None:
        self._now_us = now_us
        self._wall_ns = wall_ns

    def now(self) -> int:  # type: ignore[override] # its own time is no longer the machine's alone
        """Give the monotonic time that it was, in microseconds."""
        return self._now_us

    def wall_ns(self) -> int:  # type: ignore[override] # likewise
        """Give the time that it was, since 1970, in nanoseconds."""
        return self._wall_ns


def _unpickled(folder: str, kept: bytes) -> Result[Any]:
    """Make a result anew; its values are of classes from the spec's folder, as its steps are."""
    import pickle

    if folder not in sys.path and Path(folder).is_dir():
        sys.path.insert(0, folder)
    return Result(*pickle.loads(kept))  # noqa: S301 - of the same pickle
