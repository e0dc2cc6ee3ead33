"""The log of a run: its trace events, told as they happen or all at once when it is over."""

from __future__ import annotations

from collections.abc import Container
from typing import Any, NamedTuple

from fsmflow.runtime.clock import Clock
from fsmflow.runtime.events import Elapsed, Ended, Late
from fsmflow.runtime.run import Run, Unbound
from fsmflow.runtime.trace import SCHEMA, Sink, Span, new_span_id, plain


class Parent(NamedTuple):
    """Which attempt runs a child, and which child it is: its item's index, its key, or None for the one."""

    run_id: str
    trace_id: str
    span_id: str
    key: int | str | None


_CHARGED = ("tool_calls", "tokens", "micro_usd")
_EVENTS = {Ended: "attempt", Elapsed: "pause", Late: "late"}


class RunLog:
    """Writes the trace of one run to a sink, as plain data."""

    def __init__(
        self,
        workflow: str,
        digest: str,
        profile: str | None,
        run: Run,
        clock: Clock,
        sink: Sink,
        start_us: int | None = None,
        *,
        parent: Parent | None = None,
        questions: Container[str] = (),
    ) -> None:
        self._run = run
        self._questions = questions
        self._trace_id = run.trace_id
        self._sink = sink
        # A span's wall-clock time is the run's start plus monotonic time, so that it never goes back.
        self._epoch_ns = clock.wall_ns() - clock.now() * 1000
        self._clock = clock
        self._root = new_span_id()
        sink(
            {
                "schema": SCHEMA,
                "event": "run",
                "trace_id": self._trace_id,
                "span_id": self._root,
                "run_id": run.run_id,
                "workflow": workflow,
                "digest": digest,
                "profile": profile,
                "start_ns": self._at(clock.now() if start_us is None else start_us),
                "input": plain(run.values["input"]),
                **({} if parent is None else {"parent_id": parent.span_id, "child": parent.key}),
            }
        )

    def _at(self, us: int) -> int:
        return self._epoch_ns + us * 1000

    def starting(
        self, state: str, visit: int, attempt: int, start_us: int, span_id: str, pause_us: int | None
    ) -> None:
        """Write that an attempt, a pause, a wait or a question begins."""
        of = "question" if state in self._questions else "attempt"
        self._sink(
            {
                "event": "start",
                "of": of if pause_us is None else "pause",
                "trace_id": self._trace_id,
                "span_id": span_id,
                "parent_id": self._root,
                "state": state,
                "visit": visit,
                "attempt": attempt,
                "start_ns": self._at(start_us),
                "pause_us": pause_us,
            }
        )

    def chunk(self, state: str, span_id: str, text: str) -> None:
        """Write a part of what an attempt gives, as it comes."""
        self._sink(
            {
                "event": "chunk",
                "trace_id": self._trace_id,
                "span_id": span_id,
                "parent_id": self._root,
                "state": state,
                "text": text,
            }
        )

    def span(self, span: Span, span_id: str) -> None:
        """Write one attempt, pause, wait or answer."""
        event = span.event
        found: dict[str, Any] = {
            "event": "answer" if span.state in self._questions else _EVENTS[type(event)],
            "trace_id": self._trace_id,
            "span_id": span_id,
            "parent_id": self._root,
            "state": span.state,
            "visit": span.visit,
            "attempt": span.attempt,
            "start_ns": self._at(span.start_us),
            "end_ns": self._at(span.start_us + span.elapsed_us),
        }
        if isinstance(event, Ended):
            arguments = span.arguments
            found |= {
                "outcome": event.outcome,
                "label": event.label,
                "input": {"$unbound": arguments.reason}
                if isinstance(arguments, Unbound)
                else plain(arguments),
                "output": plain(event.value),
                "message": event.message,
                "complaints": list(event.complaints),
                "use": dict(zip(_CHARGED, event.use or (0, 0, 0), strict=True)),
                "retry_after_us": event.retry_after_us,
                "draw": event.draw,
            }
            if event.steps != 1:
                found["steps"] = event.steps
        elif isinstance(event, Late):
            found["use"] = dict(zip(_CHARGED, event.use, strict=True))
        self._sink(found)

    def end(self, name: str, kind: str, output: Any, end_us: int | None = None) -> None:
        """Write how the run ended, with its ledger."""
        error = self._run.values.get("error")
        self._sink(
            {
                "event": "end",
                "trace_id": self._trace_id,
                "span_id": self._root,
                "end": name,
                "kind": kind,
                "end_ns": self._at(self._clock.now() if end_us is None else end_us),
                "output": plain(output),
                "error": plain(error),
                "spent": self._run.spent._asdict(),
            }
        )
