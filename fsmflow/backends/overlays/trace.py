"""One run, laid over its diagram: the way it took, what each step had of it, and where it failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property

from attrs import define, evolve

from fsmflow.analysis.traces.following import Followed, follow
from fsmflow.analysis.traces.recording import Recording, Stage
from fsmflow.backends._wording import count, plain
from fsmflow.backends.diagram import LONGEST_NAME, Diagram
from fsmflow.backends.overlay import EdgeMark, Emphasis, Line, NodeMark, Overlay, Words
from fsmflow.backends.overlays._shares import Shares
from fsmflow.backends.overlays._words import INKS, SIGNS, fact, first_line, places, spent, warning
from fsmflow.backends.overlays.ways import Drawn, Moves
from fsmflow.glance import time
from fsmflow.machine import End, Machine, Transition

_SHORT_ID = 12
_MOST_ANSWERS = 2


def of_recording(machine: Machine, diagram: Diagram, recording: Recording) -> Overlay:
    """Lay a recorded run over the diagram of `machine`, which may have changed since."""
    return _Trace(machine, diagram, recording).overlay()


@define(slots=False)
class _Trace:
    """One run being laid over a diagram."""

    machine: Machine
    diagram: Diagram
    recording: Recording

    def overlay(self) -> Overlay:
        nodes = {node.name: self._node(node.name) for node in self.diagram.nodes if node.name in self._visits}
        edges = {way: self._edge(way[1], numbers) for way, numbers in self._moves.edges.items()}
        start = (
            EdgeMark("visited", after="#1")
            if self.machine.start in self._moves.entered
            else EdgeMark("ghost")
        )
        budget = self._moves.budget
        failed = any(mark.emphasis == "failed" for mark in nodes.values())
        legend: tuple[tuple[Emphasis, str], ...] = (("visited", "taken, #n in order"), ("ghost", "not taken"))
        return Overlay(
            header=tuple(self._header()),
            nodes=nodes,
            edges=edges,
            start=start,
            budget=self._edge(self.diagram.exceeded, budget) if budget else EdgeMark("ghost"),
            legend=(*legend, ("failed", "failed here")) if failed else legend,
        )

    @cached_property
    def _followed(self) -> Followed:
        return follow(self.machine, self.recording)

    @cached_property
    def _moves(self) -> Moves:
        return Moves.of(Drawn(self.machine, self.diagram), self.recording, self._followed)

    @cached_property
    def _visits(self) -> Mapping[str, int]:
        return self._moves.visits(self.recording)

    @cached_property
    def _shares(self) -> Shares:
        return Shares.of([self.recording])

    @cached_property
    def _failing(self) -> str | None:
        """The state whose failure ended the run, if one did."""
        if self.recording.kind != "failed":
            return None
        error = self.recording.error
        if error is not None and error.state in self._visits:
            return error.state
        return next((s.state for s in reversed(self.recording.stages) if s.outcome != "success"), None)

    @cached_property
    def _standing(self) -> str | None:
        """The state in which a run stands that is not over, or in which it was cancelled."""
        if self.recording.kind not in (None, "cancelled"):
            return None
        last = self._last_way
        if last is not None and self.recording.kind is None:
            return last.target
        return self.recording.stages[-1].state if self.recording.stages else self.machine.start

    @cached_property
    def _last_way(self) -> Transition | None:
        """The last transition, if it is known how the last stage was left."""
        taken = self._followed.ways[-1] if self._followed.ways else self._followed.launch
        return taken[-1] if taken else None

    @cached_property
    def _left_by_failing(self) -> Mapping[str, Stage]:
        """The latest stage of each state that led out of it by failing."""
        found = {}
        for stage, taken in zip(self.recording.stages, self._followed.ways, strict=True):
            failed = stage.outcome not in ("success", "elapsed")
            if failed and taken and not taken[0].same_visit:
                found[stage.state] = stage
        return found

    @cached_property
    def _again(self) -> Mapping[str, tuple[str, ...]]:
        """Word how often each state was tried again within a visit."""
        counts = Counter(
            (way.source, "retry" if way.kind == "retry" else "re-ask")
            for taken in self._followed.ways
            for way in taken
            if way.same_visit
        )
        found: dict[str, tuple[str, ...]] = {}
        for (state, what), number in sorted(counts.items(), key=lambda item: item[0][1], reverse=True):
            word = f"{number:,} retries" if what == "retry" and number > 1 else count(number, what)
            found[state] = (*found.get(state, ()), word)
        return found

    def _node(self, name: str) -> NodeMark:
        if isinstance(self.machine.states[name], End):
            return self._end(name)
        visits = self._visits[name]
        pill = f"×{visits:,}" if visits > 1 else ""
        stages = [stage for stage in self.recording.stages if stage.state == name]
        words = " · ".join((*self._again.get(name, ()), *_answers(stages), *_children(stages)))
        mark = NodeMark(
            "visited",
            pill=pill,
            policy=((Words(words),),) if words else (),
            note=self._note(name),
            bars=self._shares.bars(name),
        )
        if name == self._failing:
            return evolve(mark, emphasis="failed", pill="× FAILED HERE")
        if name == self._standing:
            here = "CANCELLED HERE" if self.recording.kind == "cancelled" else "IS HERE"
            return evolve(mark, pill=here)
        return mark

    def _end(self, name: str) -> NodeMark:
        failed = self.recording.kind == "failed"
        said = self._note(name) or "ended here"
        return NodeMark("failed" if failed else "visited", facts=((Words(said),),))

    def _note(self, name: str) -> str:
        """Say what went wrong in a state: in the failing one, or where a way out was taken."""
        error = self.recording.error
        if error is not None and error.state == name and error.outcome == "exceeded":
            return first_line(_lacking(error.message))
        if error is not None and error.state == name == self._failing:
            return first_line(error.message) or first_line(error.outcome)
        stage = self._left_by_failing.get(name)
        return "" if stage is None else first_line(stage.error) or first_line(stage.outcome)

    def _edge(self, target: str | None, numbers: list[int]) -> EdgeMark:
        """Mark an edge that was taken; the one by which a run failed is red."""
        is_last = numbers[-1] == self._moves.count and self._followed.stray is None
        failed = self.recording.kind == "failed" and is_last and target == self.recording.end
        return EdgeMark("failed" if failed else "visited", after=places(numbers), count=len(numbers))

    def _header(self) -> Iterator[Line]:
        yield self._ending()
        yield fact("Used", spent(self.recording.spent, self.machine.caps))
        yield fact("Trace", self._identity())
        yield from differences(self.machine, self.recording)
        stray = self._followed.stray
        if stray is not None:
            where = self.recording.stages[stray - 1].state if self.recording.stages else self.machine.start
            what = f"step {stray}, {plain(where, LONGEST_NAME)}" if self.recording.stages else "its start"
            yield warning(f"the run parts from this machine at {what}: no transitions are known from there")

    def _ending(self) -> Line:
        kind, end = self.recording.kind, self.recording.end
        known = self._followed.stray is None
        after = f" after {count(self._moves.count, 'transition')}" if known else ""
        if kind is None or end is None:
            where = f"  in {plain(self._standing or '', LONGEST_NAME)}"
            return (Words("… not over", "muted", bold=True), Words(where + after))
        name = plain(end, LONGEST_NAME)
        words = name if kind in (name, "cancelled") else f"{name}  "
        about = "" if kind in (name, "cancelled") else kind
        place = self._failing if kind == "failed" else self._standing if kind == "cancelled" else None
        where = f"  in {plain(place, LONGEST_NAME)}" if place is not None and place != end else ""
        return (Words(f"{SIGNS[kind]} {words}", INKS[kind], bold=True), Words(f"{about}{where}{after}"))

    def _identity(self) -> str:
        when = began(self.recording)
        words = [plain(self.recording.trace_id, _SHORT_ID + 1)]
        if self.recording.profile is not None:
            words.append(f"profile {plain(self.recording.profile, LONGEST_NAME)}")
        return " · ".join((*words, when) if when else words)


def _answers(stages: Sequence[Stage]) -> Iterator[str]:
    """Word how long people took to answer."""
    waited = [stage.elapsed_us for stage in stages if stage.kind == "question" and stage.outcome == "success"]
    if waited:
        yield f"answered after {', '.join(map(time, waited[:_MOST_ANSWERS]))}" + (
            " …" if len(waited) > _MOST_ANSWERS else ""
        )


def _children(stages: Sequence[Stage]) -> Iterator[str]:
    """Word how many children were run, and what became of those that did not succeed."""
    kinds = Counter(child.recording.kind for stage in stages for child in stage.children)
    if kinds:
        yield f"{kinds.total():,} ran"
    failed = kinds["failed"] + kinds["handoff"]
    for number, what in ((failed, "failed"), (kinds["cancelled"], "cancelled")):
        if number:
            yield f"{number:,} {what}"


def _lacking(message: str) -> str:
    """Give what a used-up budget has no room for, without the words around it."""
    inner = message.partition("(")[2].removesuffix(")")
    return inner or message


def began(recording: Recording) -> str:
    """Word when a run began, to the minute, in UTC; empty if no calendar has that day."""
    try:
        return datetime.fromtimestamp(recording.start_ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return ""


def differences(machine: Machine, recording: Recording) -> Iterator[Line]:
    """Say whether the run is of another workflow, or of another version of this one."""
    if recording.workflow != machine.name:
        yield warning(f"the run is of another workflow, {plain(recording.workflow, LONGEST_NAME)}")
    elif recording.digest != machine.digest:
        yield warning(
            f"the run is of another version of this workflow: {plain(recording.digest, 9)}, "
            f"this is {machine.digest[:8]}…"
        )
