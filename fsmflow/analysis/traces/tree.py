"""Which line of a trace is of which run, and which run was started by which attempt of another one.

A run's attempts say which run they are of; the run of a child says which attempt it was started by. An
attempt is written when it is over, after all that its children did: where a trace breaks off, there are
children whose attempt is missing.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field

from fsmflow.analysis.traces.lines import BadTrace, Entry, shown
from fsmflow.runtime.trace import SCHEMA

DEEPEST = 64
"""How deep runs are nested at most: workflows do not run one another in circles."""

OF_A_RUN = ("attempt", "answer", "pause", "late")


@define(eq=False)
class Draft:
    """The lines of one run.

    Attributes:
        opening: The line with which it begins.
        events: Its attempts, answers, pauses and late charges, in order.
        closing: The line with which it ends, if it is there.
        begun: What was told to have begun, by the id of its span.
        ran: The runs of its children, by the id of the attempt that started them.
    """

    opening: Entry
    events: list[Entry] = field(factory=list)
    closing: Entry | None = None
    begun: dict[str, Entry] = field(factory=dict)
    ran: dict[str, list[Draft]] = field(factory=dict)

    @property
    def parent(self) -> str | None:
        """The id of the attempt that started it."""
        return self.opening.id("parent_id")

    @property
    def attempts(self) -> Iterator[Entry]:
        """Its attempts, in order."""
        return (event for event in self.events if event.found["event"] == "attempt")

    @property
    def unwritten(self) -> list[str]:
        """What has begun and is not written down, since it was not over: it says so, or its children do."""
        written = {event.id("span_id") for event in self.events}
        begun = self.begun if self.closing is None else {}
        return [span for span in {**begun, **self.ran} if span not in written]


def draft(lines: Iterator[Entry]) -> tuple[Draft, int]:
    """Sort the lines of a trace by the runs that they are of.

    Returns:
        The run that started all others, and how many lines are of runs that have no place below it.

    Raises:
        BadTrace: The lines are not those of one run and its children.
    """
    opening = next(lines, None)
    if opening is None:
        raise BadTrace(
            "line 1: expected the `run` event that a trace begins with, but there is no whole line"
        )
    if opening.found.get("schema") != SCHEMA:
        opening.refuse("schema", SCHEMA)
    if opening.found.get("event") != "run":
        opening.refuse("event", "`run`, which a trace begins with")
    sorting = _Sorting(Draft(opening), opening.text("trace_id"))
    for entry in lines:
        sorting.sort(entry)
    return sorting.top, sorting.strays + sorting.nest()


@define
class _Sorting:
    """The lines of one trace being sorted."""

    top: Draft
    trace_id: str
    runs: dict[str | None, Draft] = field(factory=dict)
    children: list[Draft] = field(factory=list)
    strays: int = 0

    def __attrs_post_init__(self) -> None:
        self.runs[self.top.opening.id("span_id")] = self.top

    def sort(self, entry: Entry) -> None:
        """Put a line to its run; events of kinds that are not known are passed over."""
        event = entry.text("event")
        if event == "start":
            self._note(entry)
        if event not in (*OF_A_RUN, "run", "end"):
            return
        if event == "run" and entry.id("parent_id") is None:
            raise BadTrace(f"line {entry.line}: event: a second run begins; expected the trace of one run")
        if entry.text("trace_id") != self.trace_id:
            entry.refuse("trace_id", f"that of the run, {shown(self.trace_id)}")
        if event == "run":
            self._begin(entry)
            return
        run = self._run(entry, "span_id" if event == "end" else "parent_id")
        if run is None:
            self.strays += 1
            return
        if run.closing is not None:
            raise BadTrace(f"line {entry.line}: event: expected nothing after the `end` of the run")
        if event == "end":
            run.closing = entry
        else:
            run.events.append(entry)

    def _note(self, entry: Entry) -> None:
        """Keep what was told to have begun, as far as it can be understood."""
        run, span = self._run(entry, "parent_id"), entry.id("span_id")
        if run is not None and span is not None:
            run.begun[span] = entry

    def _begin(self, entry: Entry) -> None:
        span = entry.text("span_id")
        if span in self.runs:
            entry.refuse("span_id", "one that no other run has")
        self.runs[span] = begun = Draft(entry)
        self.children.append(begun)

    def _run(self, entry: Entry, key: str) -> Draft | None:
        """Find the run that a line is of: the first one, where there is no other, or it does not say."""
        if not self.children or entry.found.get(key) is None:
            return self.top
        return self.runs.get(entry.id(key))

    def nest(self) -> int:
        """Put the runs of children where they were started; count the lines of those that have no place."""
        owners = self._owners()
        strays = 0
        for child in self.children:
            if self._is_placed(child, owners):
                owners[child].ran.setdefault(child.parent or "", []).append(child)
            else:
                strays += 1 + len(child.events) + (child.closing is not None)
        return strays

    def _owners(self) -> dict[Draft, Draft]:
        """Tell which run started each of the others.

        One whose attempt is not written down was started by a run that is not over, and such a run is in
        one attempt at a time: so by the first one, if nothing else is known to be under way there, or
        else by the only one of which that is true.
        """
        all_runs = (self.top, *self.children)
        written = {event.id("span_id"): run for run in all_runs for event in run.attempts}
        by_span = {span: run for run in all_runs for span in run.begun} | written
        idle = {run: None for run in (self.top,) if run.closing is None}
        owners: dict[Draft, Draft] = {}
        for child in self.children:
            if child.parent not in by_span:
                alone = next(iter(idle)) if len(idle) == 1 else self.top
                by_span[child.parent] = self.top if self.top in idle else alone
            owners[child] = by_span[child.parent]
            if child.parent not in written:
                idle.pop(owners[child], None)
            if child.closing is None:
                idle[child] = None
        return owners

    def _is_placed(self, child: Draft, owners: dict[Draft, Draft]) -> bool:
        """Tell whether a run was started, by whatever way, by the first one."""
        run, steps = child, 0
        while run is not self.top and steps < DEEPEST:
            run, steps = owners[run], steps + 1
        return run is self.top
