"""A recorded run by its visits: what each took, and which one failed, lasted longest and cost the most.

The runs of children hang below the visits that started them, and what stands out is looked for in all of
the tree. A step that ran children has what they had, so it is they that are compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from attrs import define, frozen

from fsmflow.analysis.traces.recording import CHARGED, Child, Recording, Stage, UnderWay


@define(frozen=True, eq=False, slots=False)
class Visit:
    """One visit to a state: its attempts, and the pauses between them.

    Attributes:
        state: The state.
        visit: Which visit to it this is, from 1.
        stages: The attempts and pauses, in order; at least one.
        within: The run that it is a part of.
    """

    state: str
    visit: int
    stages: tuple[Stage, ...]
    within: Run

    @property
    def name(self) -> str:
        """The state, and which visit to it if not the first: `draft #2`."""
        return self.state if self.visit == 1 else f"{self.state} #{self.visit:,}"

    @property
    def place(self) -> str:
        """Its name, behind those of the visits and the runs that it is in: `read[6] / fetch`."""
        return f"{self.within.lead}{self.name}"

    @property
    def path(self) -> tuple[str, ...]:
        """The states that lead to it, from that of the whole run to its own."""
        above = self.within.above
        return (*(() if above is None else above.path), self.state)

    @property
    def last(self) -> Stage:
        """The stage that the visit ended with, or that is the latest of it."""
        return self.stages[-1]

    @property
    def time_us(self) -> int:
        """How long it took, pauses included, in microseconds."""
        return sum(stage.elapsed_us for stage in self.stages)

    @property
    def use(self) -> Mapping[str, int]:
        """What its attempts used: `tool_calls`, `tokens`, `micro_usd`."""
        return {name: sum(stage.use[name] for stage in self.stages) for name in CHARGED}

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """The runs that its attempts started."""
        return _runs([child for stage in self.stages for child in stage.children], self)

    @property
    def is_question(self) -> bool:
        """Whether a person was asked; that takes no part of the budget."""
        return self.last.kind == "question"


@define(frozen=True, eq=False, slots=False)
class Run:
    """A run: the whole one, or that of a child.

    Attributes:
        recording: What it did.
        key: Which of the children of an attempt it is.
        above: The visit that started it; None if it is the whole run, or that visit is not written down.
    """

    recording: Recording
    key: int | str | None = None
    above: Visit | None = None

    @property
    def whole(self) -> Run:
        """The run that it is a part of, or itself."""
        return self if self.above is None else self.above.within.whole

    @property
    def name(self) -> str:
        """What it is called among its like: `[6]`, `web`, or as its workflow is."""
        if self.key is None:
            return self.recording.workflow
        return f"[{self.key}]" if isinstance(self.key, int) else self.key

    @property
    def place(self) -> str:
        """What it is called in the whole: `read[6]`, `look.web`, `publish`."""
        if self.above is None:
            return self.name
        above, apart = self.above.place, " " if self.above.visit > 1 else ""
        if self.key is None:
            return above
        return f"{above}{apart}{self.name if isinstance(self.key, int) else f'.{self.key}'}"

    @property
    def lead(self) -> str:
        """What stands before the names of its visits."""
        return "" if self.above is None else f"{self.place} / "

    @cached_property
    def visits(self) -> tuple[Visit, ...]:
        """Its visits, in order."""
        groups: list[list[Stage]] = []
        for stage in self.recording.stages:
            if groups and (groups[-1][0].state, groups[-1][0].visit) == (stage.state, stage.visit):
                groups[-1].append(stage)
            else:
                groups.append([stage])
        return tuple(Visit(group[0].state, group[0].visit, tuple(group), self) for group in groups)

    @cached_property
    def under_way(self) -> tuple[tuple[UnderWay, tuple[Run, ...]], ...]:
        """What was not over, and the runs that it had started."""
        return tuple((each, _runs(each.children, None)) for each in self.recording.under_way)

    @property
    def has_failed(self) -> bool:
        """Whether it came to an end that is none of success."""
        return self.recording.kind in ("failed", "handoff")

    @cached_property
    def failing(self) -> Visit | None:
        """The visit that ended in the latest way out; a budget has none, unless it cut an attempt off."""
        error = self.recording.error
        if error is None or self.recording.kind in ("success", "cancelled", None):
            return None
        for visit in reversed(self.visits):
            if visit.state == error.state and error.outcome in (visit.last.label, visit.last.outcome):
                return visit
        return None

    def walk(self) -> Iterator[Visit]:
        """Give each visit of it and of the runs below it."""
        for visit in self.visits:
            yield visit
            for run in visit.runs:
                yield from run.walk()
        for _, runs in self.under_way:
            for run in runs:
                yield from run.walk()


@define(frozen=True, slots=False)
class Summary:
    """A recorded run, and what stands out in it.

    Attributes:
        recording: The run.
        whole: The same with its visits, and the runs below them.
    """

    recording: Recording
    whole: Run

    @classmethod
    def of(cls, recording: Recording) -> Summary:
        """Sum a run up."""
        return cls(recording, Run(recording))

    @property
    def visits(self) -> tuple[Visit, ...]:
        """The visits of the run itself, in order."""
        return self.whole.visits

    @property
    def failing(self) -> Visit | None:
        """The visit whose failure decided the end, if one did and the run did not succeed."""
        return self.whole.failing

    @cached_property
    def culprit(self) -> Visit | None:
        """The same, or of a child where it was one that failed; and so on, down to a step."""
        found = self.failing
        while found is not None:
            below = next((run.failing for run in found.runs if run.has_failed and run.failing), None)
            if below is None:
                return found
            found = below
        return None

    @property
    def reason(self) -> str:
        """The way out that decided the end, in a line: where, how it ended there, and what was said of it."""
        error = self.recording.error
        if error is None:
            return ""
        failing, culprit = self.failing, self.culprit
        if culprit is not None and culprit is not failing:
            last = culprit.last
            return ": ".join(part for part in (culprit.place, last.outcome, last.error) if part)
        where = failing.name if failing is not None else error.state
        return ": ".join(part for part in (where, error.outcome, error.message) if part)

    @cached_property
    def slowest(self) -> Visit | None:
        """The step that took the longest; None if there is only one, or none took any time."""
        found = max(self._steps, key=lambda visit: visit.time_us, default=None)
        return found if len(self._steps) > 1 and found is not None and found.time_us else None

    @cached_property
    def costliest(self) -> Visit | None:
        """The step that cost the most, likewise."""
        found = max(self._steps, key=lambda visit: visit.use[self.unit], default=None)
        return found if len(self._steps) > 1 and found is not None and found.use[self.unit] else None

    @cached_property
    def unit(self) -> str:
        """What cost is told in: `micro_usd` if any money was spent, else `tokens`."""
        return "micro_usd" if any(visit.use["micro_usd"] for visit in self._steps) else "tokens"

    @cached_property
    def _steps(self) -> tuple[Visit, ...]:
        """The visits in which something was done by a step: neither by children nor by a person."""
        return tuple(visit for visit in self.whole.walk() if not visit.runs and not visit.is_question)

    def marks(self, visit: Visit) -> tuple[str, ...]:
        """Say what stands out about a visit: `failed here`, `slowest`, `costliest` and so on."""
        found = []
        if visit is self.culprit:
            found.append("failed here" if self.recording.kind == "failed" else "way out taken here")
        if visit is self.visits[-1] and not self.whole.under_way:
            if self.recording.kind == "cancelled":
                found.append("cancelled here")
            if self.recording.kind is None:
                found.append("last seen here")
        if visit is self.slowest:
            found.append("slowest")
        if visit is self.costliest:
            found.append("costliest")
        return tuple(found)


def children(stage: Stage) -> tuple[Run, ...]:
    """Give the runs that a stage started, by themselves."""
    return _runs(stage.children, None)


def _runs(children: Sequence[Child], above: Visit | None) -> tuple[Run, ...]:
    return tuple(Run(child.recording, child.key, above) for child in children)


@frozen
class Tally:
    """How some runs of children came out.

    Attributes:
        workflow: The workflow, if all are of one.
        started: How many there are.
        meant: How many there were to be.
        kinds: How many came to which kind of end; None for those that did not come to any.
    """

    workflow: str | None
    started: int
    meant: int
    kinds: Mapping[str | None, int]

    @property
    def failed(self) -> int:
        """How many came to an end that is none of success."""
        return self.kinds.get("failed", 0) + self.kinds.get("handoff", 0)


def tally(runs: Sequence[Run], given: object) -> Tally:
    """Count the runs that a stage started, on what it was `given`."""
    names = {run.recording.workflow for run in runs}
    items = given.get("items") if isinstance(given, dict) else None
    is_map = any(isinstance(run.key, int) for run in runs)
    meant = len(items) if is_map and isinstance(items, list) else len(runs)
    kinds = Counter(run.recording.kind for run in runs)
    return Tally(names.pop() if len(names) == 1 else None, len(runs), max(meant, len(runs)), kinds)
