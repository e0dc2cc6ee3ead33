"""The trace of a run that is kept, told from its journal: whoever carried it out, and however often.

Nothing of the author's is imported for it: the machine that travels with the run says how it went from event
to event. Span ids are made of what a span is, so that the same run is told alike each time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, NamedTuple

from attrs import define, field

from fsmflow import semantics
from fsmflow.engines.assembling import assembled
from fsmflow.engines.folding import said
from fsmflow.engines.keeping import event_read
from fsmflow.engines.machines import read_machine
from fsmflow.engines.records import about_run
from fsmflow.engines.rows import Corrupt, Row, body_of, rows_of
from fsmflow.engines.spans import About, Begun, Child, Ending, Recorded, events, id_of, secret_ways
from fsmflow.engines.store import Store
from fsmflow.machine import Ask, Machine, Work
from fsmflow.runtime.children import child_id
from fsmflow.runtime.events import Elapsed, Ended, Late, Lost
from fsmflow.runtime.log import Parent
from fsmflow.runtime.run import Configuration, Error, Spent, Unbound
from fsmflow.runtime.trace import Span
from fsmflow.semantics import Pause


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
        found = telling.events(parents.get(each))
        parents.update(telling.parents)
        yield {"secret": secret_ways(kept.machine), "events": found}

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
        recorded: What has happened.
        parents: By which attempt each run of a child was started.
    """

    machine: Machine
    about: Mapping[str, Any]
    now: Configuration = field(factory=lambda: Configuration("", 0, 0, {}, {}, Spent(), {}, {}))
    recorded: list[Recorded] = field(factory=list)
    parents: dict[str, Parent] = field(factory=dict)
    _command: semantics.Command | None = None
    _begun: Begun | None = None
    _number: int = 0
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
                self._begin(at_ns // 1000)
            case "taken":
                (elapsed_us,) = said(row, "elapsed_us")
                self._taken_us += elapsed_us
            case "event":
                self._follow(row)
            case "end":
                end, kind, output = said(row, "end", "kind", "output")
                self._end = (end, kind, output)
                self._answered_by(self.about["ended_ns"] // 1000)
                if (error := body_of(row).get("error")) is not None:
                    self.now.values["error"] = Error(**{**error, "complaints": tuple(error["complaints"])})

    def _begin(self, at_us: int) -> None:
        self._answered_by(at_us)
        # By a clock that was set back it would have begun before the last one was over.
        self._until_us = max(at_us, self._until_us)
        self._taken_us, self._number = 0, self._number + 1
        pause_us = self._command.duration_us if isinstance(self._command, Pause) else None
        span_id = id_of(self.about["run_id"], self._number)
        self._begun = Begun(self._until_us, span_id, pause_us, self._children(span_id))

    def _follow(self, row: Row) -> None:
        try:
            event = event_read(row.body)
        except ValueError as error:
            raise Corrupt(str(error)) from error
        if isinstance(event, Late):
            self.recorded.append(Recorded(Span(self.now.state, 0, 0, {}, self._until_us, event), ""))
        else:
            event = event._replace(elapsed_us=event.elapsed_us + self._taken_us)
            self._note(event)
        self._go_on(semantics.advance(self.machine, self.now, event))

    def _note(self, event: Ended | Elapsed | Lost) -> None:
        """Note what came of what had begun."""
        begun, now = self._begun or Begun(self._until_us, "", None), self.now
        span = Span(now.state, now.visit, now.attempt, now.arguments, begun.start_us, event)
        self.recorded.append(Recorded(span, begun.span_id, {}, begun.children))
        if not isinstance(event, Lost):
            # Of one that was lost all of its time counts, however soon its process ended.
            self._until_us = begun.start_us + event.elapsed_us
        self._begun = None

    def _answered_by(self, us: int) -> None:
        """Let a question last until what followed began: the answer may have waited for a process."""
        if not self.recorded:
            return
        last = self.recorded[-1]
        span, event = last.span, last.span.event
        if isinstance(self.machine.states[span.state], Ask) and isinstance(event, Ended):
            lasted = max(event.elapsed_us, us - span.start_us)
            self.recorded[-1] = last._replace(span=span._replace(event=event._replace(elapsed_us=lasted)))
            self._until_us = span.start_us + lasted

    def _go_on(self, advance: semantics.Advance) -> None:
        self.now = advance.configuration
        self._command = advance.commands[0] if advance.commands else self._command

    def _children(self, span_id: str) -> tuple[Child, ...]:
        """Give the runs of other workflows that the attempt of a span may start."""
        state, now = self.machine.states[self.now.state], self.now
        if not isinstance(state, Work) or state.children is None or isinstance(now.arguments, Unbound):
            return ()
        found = []
        for key, within in _keys(state.children.kind, now.arguments, tuple(state.children.callees)):
            each = child_id(self.about["run_id"], now.state, now.visit, key)
            self.parents[each] = Parent(self.about["run_id"], self.about["trace_id"], span_id, key)
            found.append(Child(each, within))
        return tuple(found)

    def events(self, parent: Parent | None) -> list[dict[str, Any]]:
        """Give the trace events of the run, with what is secret; see `fsmflow.engines.spans.events`."""
        run_id, trace_id, digest, profile, created_ns = (
            self.about[name] for name in ("run_id", "trace_id", "digest", "profile", "created_ns")
        )
        about = About(run_id, trace_id, id_of(run_id), digest, profile, parent)
        last = self._ending() or self._begun
        first_us = self.recorded[0].span.start_us if self.recorded else self._until_us
        return events(about, self.machine, self.now, self.recorded, last, first_us or created_ns // 1000)

    def _ending(self) -> Ending | None:
        """Give how it ended, if it did."""
        ended_us = (self.about["ended_ns"] or 0) // 1000
        if self.about["status"] == "cancelled":
            if self._begun is not None:
                self._break_off(max(0, ended_us - self._begun.start_us))
            return Ending("cancelled", "cancelled", None, self._until_us or ended_us)
        return None if self._end is None else Ending(*self._end, self._until_us or ended_us)

    def _break_off(self, elapsed_us: int) -> None:
        """End what had begun where the run was cancelled: what it used by then is not known."""
        if isinstance(self._command, Pause):
            self._note(Elapsed(elapsed_us))
        else:
            said = "the run was cancelled"
            self._note(Ended("cancelled", message=said, use=(0, 0, 0), elapsed_us=elapsed_us))


Key = tuple[int | str | None, tuple[str, ...]]


def _keys(kind: str, arguments: Mapping[str, Any], callees: Sequence[str]) -> list[Key]:
    """Give which children an attempt may start, and where in its arguments the input of each stands."""
    match kind:
        case "parallel":
            return [(key, (key,)) for key in callees]
        case "map":
            return [(number, ("items",)) for number in range(len(arguments["items"]))]
    return [(None, ())]
