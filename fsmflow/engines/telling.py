"""The trace of a run that is kept, told from its journal: whoever carried it out, and however often.

Nothing of the author's is imported for it: the machine that travels with the run says how it went from event
to event. Span ids are made of what a span is, so that the same run is told alike each time.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from attrs import define, field

from fsmflow import semantics
from fsmflow.engines.folding import said
from fsmflow.engines.keeping import event_read
from fsmflow.engines.machines import read_machine
from fsmflow.engines.records import about_run
from fsmflow.engines.rows import Corrupt, Row, body_of, rows_of
from fsmflow.engines.store import Store
from fsmflow.engines.temporal.assembling import assembled
from fsmflow.engines.temporal.spans import Child, StoppedClock, secret_ways
from fsmflow.machine import Ask, Machine, Work
from fsmflow.runtime.children import child_id
from fsmflow.runtime.events import Elapsed, Ended, Late, Lost
from fsmflow.runtime.log import Parent, RunLog
from fsmflow.runtime.run import Configuration, Error, Run, Spent, Unbound
from fsmflow.runtime.trace import Span
from fsmflow.semantics import Pause

LOST = "its process ended: it was made again"


class Kept(NamedTuple):
    """What is kept of a run: beside its journal, its journal, and its machine."""

    about: Mapping[str, Any]
    rows: Sequence[Row]
    machine: Machine


async def trace_of(store: Store, run_id: str) -> list[dict[str, Any]]:
    """Give the events of the trace of a run and of its children, without what is secret.

    An attempt whose process ended, and that was made again, is among them as `lost`; what is under way has an
    event `start`.

    Raises:
        NoSuchRun: There is none of this id.
        Corrupt: Its journal, or its machine, is not what was kept.
    """
    about = await store.do(lambda connection: about_run(connection, run_id))
    parents: dict[str, Parent] = {}

    async def told(each: str) -> AsyncIterator[Mapping[str, Any]]:
        kept = await store.do(lambda connection: _kept(connection, each))
        if kept is None:
            # A child that was never begun.
            return
        telling = Telling(kept.machine, {**kept.about, "profile": about["profile"]})
        for row in kept.rows:
            telling.take(row)
        events = telling.events(parents.get(each))
        parents.update(telling.parents)
        yield {"secret": secret_ways(kept.machine), "events": events}

    return await assembled(run_id, told)


def _kept(connection: sqlite3.Connection, run_id: str) -> Kept | None:
    rows = rows_of(connection, run_id)
    if not rows:
        return None
    about = about_run(connection, run_id)
    digest = about["digest"]
    found = connection.execute("SELECT machine FROM machines WHERE digest = ?", (digest,)).fetchone()
    if found is None:
        raise Corrupt(f"the machine {digest[:12]} is not kept")
    return Kept(about, rows, read_machine(found[0], digest))


@define
class Telling:
    """A run that is followed from row to row of its journal.

    Attributes:
        machine: Its machine.
        about: What is kept of it beside its journal.
        now: Where it stands.
        spans: What has happened, with the ids of spans and the runs of children that were started.
        parents: By which attempt each of these was started.
    """

    machine: Machine
    about: Mapping[str, Any]
    now: Configuration = field(factory=lambda: Configuration("", 0, 0, {}, {}, Spent(), {}, {}))
    spans: list[tuple[Span, str, tuple[Child, ...]]] = field(factory=list)
    parents: dict[str, Parent] = field(factory=dict)
    _command: semantics.Command | None = None
    _is_open: bool = False
    _number: int = 0
    _began_us: int = 0
    _taken_us: int = 0
    _until_us: int = 0
    _end: tuple[str, str, Any] | None = None

    def take(self, row: Row) -> None:
        """Follow the run by one row."""
        match row.kind:
            case "run":
                (given,) = said(row, "input")
                self._go_on(semantics.launch(self.machine, given))
            case "begin":
                (at_ns,) = said(row, "at_ns")
                self._answered_by(at_ns // 1000)
                # By a clock that was set back it would have begun before the last one was over.
                self._began_us = max(at_ns // 1000, self._until_us)
                self._until_us = self._began_us
                self._is_open, self._taken_us, self._number = True, 0, self._number + 1
            case "taken":
                (elapsed_us,) = said(row, "elapsed_us")
                self._taken_us += elapsed_us
            case "event":
                self._follow(row)
            case "end":
                end, kind, output = said(row, "end", "kind", "output")
                self._end = (end, kind, output)
                if (error := body_of(row).get("error")) is not None:
                    self.now.values["error"] = Error(**{**error, "complaints": tuple(error["complaints"])})

    def _follow(self, row: Row) -> None:
        try:
            event = event_read(row.body)
        except ValueError as error:
            raise Corrupt(str(error)) from error
        now = self.now
        if isinstance(event, Late):
            self.spans.append((Span(now.state, 0, 0, {}, self._until_us, event), "", ()))
        else:
            event = event._replace(elapsed_us=event.elapsed_us + self._taken_us)
            told = self._as_lost(event) if isinstance(event, Lost) else event
            span = Span(now.state, now.visit, now.attempt, now.arguments, self._began_us, told)
            self.spans.append((span, self._span_id, self._children()))
            if told is event:
                # As for one that was lost, all of its time counts, however soon its process ended.
                self._until_us = self._began_us + event.elapsed_us
            self._is_open = False
        self._go_on(semantics.advance(self.machine, now, event))

    def _answered_by(self, us: int) -> None:
        """Let a question last until what followed began: the answer may have waited for a process."""
        if not self.spans:
            return
        span, span_id, children = self.spans[-1]
        if isinstance(self.machine.states[span.state], Ask) and isinstance(span.event, Ended):
            lasted = max(span.event.elapsed_us, us - span.start_us)
            self.spans[-1] = (span._replace(event=span.event._replace(elapsed_us=lasted)), span_id, children)
            self._until_us = span.start_us + lasted

    def _as_lost(self, event: Lost) -> Ended:
        """Give an attempt whose process ended as a trace has it: it was made again, and counts in full."""
        state = self.machine.states[self.now.state]
        assert isinstance(state, Work)
        cost = state.cost.amounts()[1:4]
        return Ended("lost", message=LOST, use=cost, elapsed_us=event.elapsed_us, steps=state.steps)

    def _break_off(self) -> None:
        """End what has begun where the run was cancelled: what it used by then is not known."""
        now = self.now
        lasted = max(0, (self.about["ended_ns"] or 0) // 1000 - self._began_us)
        event = Ended("cancelled", message="the run was cancelled", use=(0, 0, 0), elapsed_us=lasted)
        told = Elapsed(lasted) if isinstance(self._command, Pause) else event
        span = Span(now.state, now.visit, now.attempt, now.arguments, self._began_us, told)
        self.spans.append((span, self._span_id, self._children()))
        self._until_us = self._began_us + lasted

    def _go_on(self, advance: semantics.Advance) -> None:
        self.now = advance.configuration
        self._command = advance.commands[0] if advance.commands else self._command

    @property
    def _span_id(self) -> str:
        """The id of the span of what has begun last."""
        return _id(self.about["run_id"], self._number)

    def _children(self) -> tuple[Child, ...]:
        """Give the runs of other workflows that an attempt where the run stands may have started."""
        state, now = self.machine.states[self.now.state], self.now
        if not isinstance(state, Work) or state.children is None or isinstance(now.arguments, Unbound):
            return ()
        found = []
        for key, within in _keys(state.children.kind, now.arguments, tuple(state.children.callees)):
            each = child_id(self.about["run_id"], now.state, now.visit, key)
            self.parents[each] = Parent(self.about["run_id"], self.about["trace_id"], self._span_id, key)
            found.append(Child(each, within))
        return tuple(found)

    def events(self, parent: Parent | None) -> list[dict[str, Any]]:
        """Give the trace events of the run, with what is secret; that of an attempt names its children."""
        found: list[dict[str, Any]] = []
        about, name = self.about, self.machine.name
        if self._end is not None:
            self._answered_by(about["ended_ns"] // 1000)
        first_us = self.spans[0][0].start_us if self.spans else self._began_us
        log = RunLog(
            name,
            about["digest"],
            about["profile"],
            cast(Run, _Seen(about, self)),
            StoppedClock(),
            found.append,
            first_us or about["created_ns"] // 1000,
            parent=parent,
            questions=[name for name, state in self.machine.states.items() if isinstance(state, Ask)],
            span_id=_id(about["run_id"]),
        )
        if self._is_open and about["status"] == "cancelled":
            self._break_off()
        for span, span_id, children in self.spans:
            log.span(span, span_id)
            if children:
                found[-1]["children"] = [child._asdict() for child in children]
        if self._ending is not None:
            log.end(*self._ending, self._until_us or (about["ended_ns"] or 0) // 1000)
        elif self._is_open:
            now, pause = self.now, self._command
            pause_us = pause.duration_us if isinstance(pause, Pause) else None
            log.starting(now.state, now.visit, now.attempt, self._began_us, self._span_id, pause_us)
            found[-1]["children"] = [child._asdict() for child in self._children()]
        return found

    @property
    def _ending(self) -> tuple[str, str, Any] | None:
        """How it ended, if it did."""
        return ("cancelled", "cancelled", None) if self.about["status"] == "cancelled" else self._end


class _Seen:
    """As much of a run as its log looks at."""

    def __init__(self, about: Mapping[str, Any], telling: Telling) -> None:
        self.run_id = about["run_id"]
        self.trace_id = about["trace_id"]
        self.values = telling.now.values
        self.spent = telling.now.spent


def _keys(kind: str, arguments: Mapping[str, Any], callees: Sequence[str]) -> list[Key]:
    """Give which children an attempt may start, and where in its arguments the input of each stands."""
    match kind:
        case "parallel":
            return [(key, (key,)) for key in callees]
        case "map":
            return [(number, ("items",)) for number in range(len(arguments["items"]))]
    return [(None, ())]


Key = tuple[int | str | None, tuple[str, ...]]


def _id(*what: Any) -> str:
    return hashlib.sha256(json.dumps(["span", *what]).encode("ascii")).hexdigest()[:16]
