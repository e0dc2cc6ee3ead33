"""The log of a run: its trace events, told as they happen or all at once when it is over."""

from __future__ import annotations

from collections.abc import Container
from typing import Any, NamedTuple

from fsmflow.runtime.clock import Clock
from fsmflow.runtime.events import Elapsed, Ended, Late
from fsmflow.runtime.hiding import Hiding, Ways
from fsmflow.runtime.run import Run, Unbound
from fsmflow.runtime.trace import SCHEMA, Sink, Span, new_span_id, plain


class Parent(NamedTuple):
    """Which attempt runs a child, and which child it is: its item's index, its key, or None for the one.

    `secret` holds the ways to what of the child's input is secret to the attempt.
    """

    run_id: str
    trace_id: str
    span_id: str
    key: int | str | None
    secret: Ways = ()


_CHARGED = ("tool_calls", "tokens", "micro_usd")
_EVENTS = {Ended: "attempt", Elapsed: "pause", Late: "late"}


class RunLog:
    """Writes the trace of one run, as plain data: to a sink, without what is secret, and for the record."""

    def __init__(
        self,
        workflow: str,
        digest: str,
        profile: str | None,
        run: Run,
        clock: Clock,
        sink: Sink | None,
        start_us: int | None = None,
        *,
        parent: Parent | None = None,
        questions: Container[str] = (),
        hiding: Hiding | None = None,
        record: Sink | None = None,
        span_id: str = "",
    ) -> None:
        self._run = run
        self._questions = questions
        self._trace_id = run.trace_id
        self._sink = sink
        self._record = record
        self._hiding = hiding
        self._asked: dict[str, dict[str, Any]] = {}
        # A span's wall-clock time is the run's start plus monotonic time, so that it never goes back.
        self._epoch_ns = clock.wall_ns() - clock.now() * 1000
        self._clock = clock
        self._root = span_id or new_span_id()
        self._start_us = clock.now() if start_us is None else start_us
        self._write(
            {
                "schema": SCHEMA,
                "event": "run",
                "trace_id": self._trace_id,
                "span_id": self._root,
                "run_id": run.run_id,
                "workflow": workflow,
                "digest": digest,
                "profile": profile,
                "start_ns": self._at(self._start_us),
                "input": plain(run.values["input"]),
                **({} if parent is None else {"parent_id": parent.span_id, "child": parent.key}),
            }
        )

    def _write(self, event: dict[str, Any]) -> None:
        if self._record is not None:
            self._record(event)
        if self._sink is not None:
            self._sink(event if self._hiding is None else self._hiding.event(event))
        elif self._hiding is not None:
            self._hiding.note(event)

    def _tell(self, event: dict[str, Any]) -> None:
        """Tell who follows the run of what no trace holds."""
        if self._sink is not None:
            self._sink(event)

    def _at(self, us: int) -> int:
        return self._epoch_ns + us * 1000

    def starting(
        self, state: str, visit: int, attempt: int, start_us: int, span_id: str, pause_us: int | None
    ) -> None:
        """Write that an attempt, a pause, a wait or a question begins."""
        of = "question" if state in self._questions else "attempt"
        if self._hiding is not None and pause_us is None:
            # What a model says of its arguments may be told before they are.
            self._hiding.learn(state, "input", plain(self._run.arguments))
        self._tell(
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
        if self._hiding is not None:
            text = self._hiding.chunk(state, span_id, text)
        if not text:
            return
        self._tell(self._part(state, span_id, text))

    def _part(self, state: str, span_id: str, text: str) -> dict[str, Any]:
        return {
            "event": "chunk",
            "trace_id": self._trace_id,
            "span_id": span_id,
            "parent_id": self._root,
            "state": state,
            "text": text,
        }

    def about(self, span_id: str, asked: dict[str, Any]) -> None:
        """Note what is known of the model that an attempt asks, until the attempt is written."""
        self._asked.setdefault(span_id, {}).update(asked)

    def span(self, span: Span, span_id: str) -> None:
        """Write one attempt, pause, wait or answer."""
        event = span.event
        if self._hiding is not None and (rest := self._hiding.rest(span_id)):
            self._tell(self._part(span.state, span_id, rest))
        found: dict[str, Any] = {
            "event": "answer" if span.state in self._questions else _EVENTS[type(event)],
            "trace_id": self._trace_id,
            "span_id": span_id,
            "parent_id": self._root,
            "state": span.state,
            "visit": span.visit,
            "attempt": span.attempt,
            # What began before this process did is told from where the trace begins.
            "start_ns": self._at(max(span.start_us, self._start_us)),
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
            if event.where:
                found["where"] = event.where
            if span_id and span_id in self._asked:
                found["model"] = self._asked.pop(span_id)
        elif isinstance(event, Late):
            found["use"] = dict(zip(_CHARGED, event.use, strict=True))
        self._write(found)

    def end(self, name: str, kind: str, output: Any, end_us: int | None = None) -> None:
        """Write how the run ended, with its ledger."""
        error = self._run.values.get("error")
        self._write(
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
