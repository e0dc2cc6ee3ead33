"""A run that is kept, followed from row to row of its journal, as far as that is told.

The machine that travels with the run says how it went from event to event. Where a guard or a step has read
what only an instance has, of which data is kept, the journal says where that led.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from attrs import define, field

from fsmflow import semantics
from fsmflow.analysis.traces.arms import Arms
from fsmflow.engines.folding import no_event, no_kind, said
from fsmflow.engines.keeping import event_read
from fsmflow.engines.rows import Corrupt, Row, body_of
from fsmflow.engines.spans import About, Begun, Child, Ending, Recorded, events, id_of
from fsmflow.engines.taking_up import UNTOLD
from fsmflow.expressions import EachTemplate
from fsmflow.machine import Ask, Machine, Work
from fsmflow.runtime.children import child_id
from fsmflow.runtime.events import Elapsed, Ended, Event, Late, Lost
from fsmflow.runtime.log import Parent
from fsmflow.runtime.run import Configuration, Error, Spent, Unbound
from fsmflow.runtime.trace import Span
from fsmflow.runtime.values import Missing
from fsmflow.semantics import Pause


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
    _first_us: int = 0
    _until_us: int = 0
    _end: tuple[str, str, Any] | None = None
    _go: Callable[[Machine], semantics.Advance] | None = None
    _before: Configuration | None = None
    _arms: Arms | None = None

    def take(self, row: Row) -> None:
        """Follow the run by one row.

        Raises:
            Corrupt: It can't come where the run stands.
        """
        match row.kind:
            case "run":
                (given,) = said(row, "input", is_told=True)
                self._go_on(None, lambda machine: semantics.launch(machine, given))
            case "begin":
                what, state, visit, attempt, at_ns = said(row, "what", "state", "visit", "attempt", "at_ns")
                self._be_at((state, visit, attempt, what == "pause"))
                self._begin(at_ns // 1000)
            case "taken":
                (elapsed_us,) = said(row, "elapsed_us")
                self._taken_us += elapsed_us
            case "event":
                self._follow(row)
            case "end":
                end, kind, output = said(row, "end", "kind", "output", is_told=True)
                self._be_at((end,))
                self._end = (end, kind, output)
                self._answered_by(self.about["ended_ns"] // 1000)
                if (error := body_of(row, is_told=True).get("error")) is not None:
                    self.now.values["error"] = Error(**{**error, "complaints": tuple(error["complaints"])})
            case _:
                raise no_kind(row, self.about["run_id"])

    def _begin(self, at_us: int) -> None:
        self._answered_by(at_us)
        # By a clock that was set back it would have begun before the last one was over.
        self._until_us = max(at_us, self._until_us)
        self._first_us = self._first_us or self._until_us
        self._taken_us, self._number = 0, self._number + 1
        pause_us = self._command.duration_us if isinstance(self._command, Pause) else None
        span_id = id_of(self.about["run_id"], self._number)
        self._begun = Begun(self._until_us, span_id, pause_us, self._children(span_id))

    def _follow(self, row: Row) -> None:
        try:
            event = event_read(row.body, is_told=True)
        except ValueError as error:
            raise no_event(error, self.about["run_id"]) from error
        now = self.now
        if isinstance(event, Late):
            self.recorded.append(Recorded(Span(now.state, 0, 0, {}, self._until_us, event), ""))
            self.now = semantics.advance(self.machine, now, event).configuration
            return
        event = event._replace(elapsed_us=event.elapsed_us + self._taken_us)
        self._note(event)
        self._go_on(now, lambda machine: semantics.advance(machine, now, event))

    def _note(self, event: Ended | Elapsed | Lost) -> None:
        """Note what came of what had begun."""
        begun, now = self._begun or Begun(self._until_us, "", None), self.now
        span = Span(now.state, now.visit, now.attempt, self._given(event), begun.start_us, event)
        self.recorded.append(Recorded(span, begun.span_id, {}, begun.children))
        if not (isinstance(event, Lost) or (isinstance(event, Ended) and event.message == UNTOLD)):
            # Where a process ended all of the time counts, however soon it did.
            self._until_us = begun.start_us + event.elapsed_us
        self._begun = None

    def _given(self, event: Event) -> Any:
        """Give the arguments of what had begun; as far as they are known, if it was begun with more.

        What is told is data, of which a step's own class may have had more to read.
        """
        arguments, state = self.now.arguments, self.machine.states[self.now.state]
        if not isinstance(arguments, Unbound) or not isinstance(state, Work | Ask):
            return arguments
        if isinstance(event, Ended) and event.message == arguments.reason:
            return arguments
        found = {}
        for name, template in state.arguments:
            with suppress(Missing):
                found[name] = semantics.resolve(template, self.now.values)
        return found

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

    def _go_on(self, now: Configuration | None, go: Callable[[Machine], semantics.Advance]) -> None:
        self._before, self._go = now, go
        try:
            self.now, (self._command,), _ = go(self.machine)
        except (ValueError, LookupError, StopIteration) as error:
            raise Corrupt(f"the run {self.about['run_id']} can't have gone on so: {error}") from error

    def _be_at(self, place: tuple[Any, ...]) -> None:
        """Stand where the journal says: there, guards have seen what data does not tell."""

        def fits(found: semantics.Advance) -> bool:
            now, (command,) = found.configuration, found.commands
            at = (now.state, now.visit, now.attempt, isinstance(command, Pause))
            return at[: len(place)] == place

        assert self._go is not None
        assert self._command is not None
        if fits(semantics.Advance(self.now, (self._command,))):
            return
        self._arms = self._arms or Arms(self.machine)
        try:
            found = self._arms.led(self._go, self._before, fits, place[0])
        except (ValueError, LookupError, StopIteration):
            found = None
        if found is None:
            raise Corrupt(f"the run {self.about['run_id']} can't have come to `{place[0]}`")
        # What was charged late counts, wherever the run stands.
        self.now, (self._command,) = found.configuration._replace(spent=self.now.spent), found.commands

    def _children(self, span_id: str) -> tuple[Child, ...]:
        """Give the runs of other workflows that the attempt of a span may start."""
        state, now = self.machine.states[self.now.state], self.now
        if not isinstance(state, Work) or state.children is None:
            return ()
        found = []
        for key, within in _keys(state, now.arguments):
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
        return events(
            about, self.machine, self.now, self.recorded, last, self._first_us or created_ns // 1000
        )

    def _ending(self) -> Ending | None:
        """Give how it ended, if it did."""
        ended_us = (self.about["ended_ns"] or 0) // 1000
        if self.about["status"] == "cancelled":
            return Ending("cancelled", "cancelled", None, self._until_us or ended_us)
        return None if self._end is None else Ending(*self._end, self._until_us or ended_us)

    @property
    def broken_off(self) -> Begun | None:
        """What was under way when the run was cancelled, if anything was."""
        return self._begun if self.about["status"] == "cancelled" else None

    @property
    def asked_us(self) -> int:
        """How long it has waited for people, which is on no ledger."""
        asked = (span for span, *_ in self.recorded if isinstance(self.machine.states[span.state], Ask))
        return sum(span.elapsed_us for span in asked)

    def break_off(self, children: Sequence[Spent], asked_us: int) -> None:
        """End what had begun where the run was cancelled: it counts in full, and what its children used does.

        It took as long as it may at most: the run may have been nobody's by then.

        Args:
            children: What each of its children used.
            asked_us: How long these asked people, which counts for nothing.
        """
        assert self._begun is not None
        state, command = self.machine.states[self.now.state], self._command
        self._begun = self._begun._replace(start_us=self._begun.start_us + asked_us)
        lasted = max(0, (self.about["ended_ns"] or 0) // 1000 - self._begun.start_us)
        match command:
            case Pause(duration_us=longest) | semantics.Attempt(deadline_us=int(longest)):
                lasted = min(lasted, max(0, longest))
        if isinstance(command, Pause):
            self._note(Elapsed(lasted))
            self._spend(Spent(time_us=lasted))
        elif isinstance(state, Work):
            spent = Spent(state.steps, *state.cost.amounts()[1:4])
            if state.children is not None:
                spent = Spent(*map(sum, zip(Spent(1), *children, strict=True)))
            outcome, said = "cancelled", "the run was cancelled"
            if state.effect == "once":
                outcome, said = "unknown", f"{said}: nobody can tell if it happened"
            use = (spent.tool_calls, spent.tokens, spent.micro_usd)
            self._note(Ended(outcome, message=said, use=use, elapsed_us=lasted, steps=spent.steps))
            self._spend(spent._replace(time_us=lasted))
        else:
            said = "the run was cancelled"
            self._note(Ended("cancelled", message=said, use=(0, 0, 0), elapsed_us=lasted))

    def _spend(self, spent: Spent) -> None:
        self.now = self.now._replace(spent=Spent(*map(sum, zip(self.now.spent, spent, strict=True))))


Key = tuple[int | str | None, tuple[str, ...]]


def _keys(state: Work, arguments: Mapping[str, Any] | Unbound) -> list[Key]:
    """Give which children an attempt may start, and where in its arguments the input of each stands."""
    assert state.children is not None
    match state.children.kind:
        case "parallel":
            return [(key, (key,)) for key in state.children.callees]
        case "map":
            if isinstance(arguments, Unbound):
                # How many there are is not known: those are told that were begun.
                most = max(each.at_most for _, each in state.arguments if isinstance(each, EachTemplate))
                return [(number, ("items",)) for number in range(most)]
            return [(number, ("items",)) for number in range(len(arguments["items"]))]
    return [(None, ())]
