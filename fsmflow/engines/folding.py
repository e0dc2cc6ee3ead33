"""Folding a journal: a run is brought forward by its events alone, through the machine's own `step`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fsmflow.engines.journal import fitted
from fsmflow.engines.keeping import event_read
from fsmflow.engines.rows import Corrupt, Row, body_of, not_known, unfit
from fsmflow.runtime.children import RunChildren
from fsmflow.runtime.commands import Command
from fsmflow.runtime.complaints import Rejected
from fsmflow.runtime.events import Elapsed, Ended, Late, Lost
from fsmflow.runtime.run import Run
from fsmflow.runtime.runner import Runner
from fsmflow.runtime.steps import Bound
from fsmflow.runtime.trace import Span
from fsmflow.runtime.validation import Validate

Fit = Callable[[str, str | None, Any], Any]
"""Structures plain data into the type of what a state gives with a label."""


def fits(workflow: Runner[Any, Any], bound: Mapping[str, Bound]) -> Fit:
    """Give what structures plain data into the type of what a state gives."""

    def fit(state: str, label: str | None, value: Any) -> Any:
        if state not in bound:
            validate = workflow.answers()[state]
        elif isinstance(children := bound[state].function, RunChildren):
            validate = children.structured
        else:
            validate = bound[state].validate_with(label)
        return value if validate is None else validate(value)

    return fit


class Folded:
    """A run, brought forward event by event to where its journal ends.

    Attributes:
        command: What is to be done next.
        conclusion: The kind and the name of its end, and what that gives, if it is over.
        taken_us: How long what has begun took in processes that ended, as far as it is on the ledger.
        record: What has happened, by the time since 1970.
    """

    def __init__(self, workflow: Runner[Any, Any], run: Run, fit: Fit) -> None:
        """Begin with a blank run."""
        self._workflow = workflow
        self._run = run
        self._fit = fit
        self.command: Command | None = None
        self._begun: Row | None = None
        self.conclusion: tuple[str, str, Any] | None = None
        self.taken_us = 0
        self.record: list[Span] = []

    @property
    def begun(self) -> Any:
        """What has begun and not ended, if anything has."""
        if self._begun is None:
            return None
        said(self._begun, "what", "state", "visit", "attempt", "spent", "at_ns", "until_ns")
        return body_of(self._begun)

    def take(self, row: Row) -> None:
        """Bring the run forward by one row."""
        match row.kind:
            case "run":
                self._start(*said(row, "digest", "input"))
            case "begin":
                self._begun, self.taken_us = row, 0
            case "taken":
                self.take_time(*said(row, "elapsed_us"))
            case "event":
                self._step(row)
            case "end":
                self._end(*said(row, "kind", "end", "output"))
            case _:
                raise no_kind(row, self._run.run_id)

    def take_time(self, elapsed_us: int) -> None:
        """Count the time of what goes on after its process ended."""
        self._run.time_us += elapsed_us
        self.taken_us += elapsed_us

    def _start(self, digest: str, given: Any) -> None:
        if digest != self._workflow.digest:
            raise Corrupt(f"the run {self._run.run_id} is of another machine than its own")
        check, _ = self._workflow.types()
        is_secret = "input" in self._workflow.secret
        self._run.values["input"] = self._fitting("the input", check, given, is_secret=is_secret)
        self.command = self._workflow.begin(self._run)

    def _step(self, row: Row) -> None:
        try:
            event = event_read(row.body)
        except ValueError as error:
            raise no_event(error, self._run.run_id) from error
        if isinstance(event, Late):
            self._run.book(event.use)
            self.record.append(Span(self._run.state, 0, 0, {}, self._began_us(), event))
            return
        if isinstance(event, Ended):
            try:
                event = fitted(event, self._run.state, self._fit)
            except Rejected as rejected:
                state = self._run.state
                is_secret = state in self._workflow.secret
                raise unfit(f"what `{state}` gave then", rejected, is_secret=is_secret) from None
        self.follow(event)

    def follow(self, event: Ended | Elapsed | Lost) -> None:
        """Go on from what came of what had begun."""
        run = self._run
        if not isinstance(event, Lost):
            at = (run.state, run.visits[run.state], run.attempt, run.arguments, self._began_us())
            self.record.append(Span(*at, event))
        self.command = self._workflow.step(run, event)
        self._begun, self.taken_us = None, 0

    def _began_us(self) -> int:
        if self._begun is None:
            return 0
        (at_ns,) = said(self._begun, "at_ns")
        return int(at_ns // 1000)

    def _end(self, kind: str, end: str, output: Any) -> None:
        _, check = self._workflow.types()
        if output is not None:
            output = self._fitting("the output", check, output, is_secret=bool(self._workflow.secret))
        self.conclusion = (kind, end, output)

    def _fitting(self, what: str, check: Validate | None, value: Any, *, is_secret: bool) -> Any:
        try:
            return value if check is None else check(value)
        except Rejected as rejected:
            raise unfit(f"{what} of the run {self._run.run_id}", rejected, is_secret=is_secret) from None


def said(row: Row, *names: str, is_told: bool = False) -> list[Any]:
    """Give what a row says under these names, of data under those of its fields if it is to be told.

    Raises:
        Corrupt: It does not say all of it.
    """
    body = body_of(row, is_told=is_told)
    missing = [name for name in names if not isinstance(body, dict) or name not in body]
    if missing:
        raise Corrupt(not_known(f"a row of the kind {row.kind!r} does not say {', '.join(missing)}"))
    return [body[name] for name in names]


def no_kind(row: Row, run_id: str) -> Corrupt:
    """Tell of a row that is of none of the kinds that there are."""
    return Corrupt(not_known(f"the journal of {run_id} has a row of the kind {row.kind!r:.40}"))


def no_event(error: ValueError, run_id: str) -> Corrupt:
    """Tell of an event that is none."""
    return Corrupt(not_known(f"the journal of {run_id} has {error}"))
