"""Many runs, laid over their diagram: how often each way was taken, and what each step had of it all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from statistics import median_low

from attrs import define, field

from fsmflow.analysis.traces.following import Followed, follow
from fsmflow.analysis.traces.recording import Recording, Stage
from fsmflow.backends._wording import count
from fsmflow.backends.diagram import Diagram
from fsmflow.backends.overlay import EdgeMark, Line, NodeMark, Overlay, Way, Words
from fsmflow.backends.overlays._shares import Shares
from fsmflow.backends.overlays._words import INKS, RESOURCES, SIGNS, amount, fact, pen, warning
from fsmflow.backends.overlays.ways import Drawn, Moves
from fsmflow.glance import percent
from fsmflow.machine import End, Machine


def of_recordings(machine: Machine, diagram: Diagram, recordings: Sequence[Recording]) -> Overlay:
    """Lay recorded runs over the diagram of `machine`, which may have changed since some of them."""
    return _Traces(machine, diagram, tuple(recordings)).overlay()


@define(slots=False)
class _Traces:
    """Runs being laid over a diagram."""

    machine: Machine
    diagram: Diagram
    recordings: tuple[Recording, ...]
    followed: list[Followed] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.followed = [follow(self.machine, recording) for recording in self.recordings]

    def overlay(self) -> Overlay:
        edges = self._edges
        most = max(edges.values(), default=0)
        left = sum((moves.left for moves in self._moves), Counter[str]())
        started = len(self.recordings)
        return Overlay(
            header=tuple(self._header()),
            nodes={
                node.name: self._node(node.name) for node in self.diagram.nodes if self._visits[node.name]
            },
            edges={
                way: EdgeMark("visited", after=self._told(times, left[way[0]]), count=pen(times, most))
                for way, times in edges.items()
            },
            start=EdgeMark("visited", after=f"×{started:,}", count=pen(started, most)),
            budget=EdgeMark("visited", after=f"×{self._budget:,}", count=pen(self._budget, most))
            if self._budget
            else EdgeMark("ghost"),
            legend=(("visited", "taken, and how often"), ("ghost", "never taken")),
        )

    @staticmethod
    def _told(times: int, left: int) -> str:
        """Word how often an edge was taken, and that as a part of all that left its source."""
        return f"×{times:,}" if times == left else f"×{times:,} · {percent(times, left)}"

    @cached_property
    def _moves(self) -> tuple[Moves, ...]:
        drawn = Drawn(self.machine, self.diagram)
        pairs = zip(self.recordings, self.followed, strict=True)
        return tuple(Moves.of(drawn, recording, followed) for recording, followed in pairs)

    @cached_property
    def _edges(self) -> Mapping[Way, int]:
        found: Counter[Way] = Counter()
        for moves in self._moves:
            found.update({way: len(numbers) for way, numbers in moves.edges.items()})
        return found

    @property
    def _budget(self) -> int:
        return sum(len(moves.budget) for moves in self._moves)

    @cached_property
    def _visits(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for recording, moves in zip(self.recordings, self._moves, strict=True):
            found.update(moves.visits(recording))
        return found

    @cached_property
    def _shares(self) -> Shares:
        return Shares.of(self.recordings)

    def _node(self, name: str) -> NodeMark:
        visits = self._visits[name]
        if isinstance(self.machine.states[name], End):
            runs = f"{count(visits, 'run')} · {percent(visits, len(self.recordings))}"
            return NodeMark("visited", facts=((Words(runs),),))
        stages = [stage for run in self.recordings for stage in run.stages if stage.state == name]
        return NodeMark(
            "visited",
            pill=f"×{visits:,}",
            policy=(),
            note=" · ".join(_failures(stages)),
            bars=self._shares.bars(name),
        )

    def _header(self) -> Iterator[Line]:
        runs = self.recordings
        yield (Words(count(len(runs), "run"), bold=True), *self._endings())
        if runs:
            yield fact("Median", self._over(median_low))
            yield fact("Most", self._over(max))
        others = sum(r.digest != self.machine.digest for r in runs)
        if others:
            yield warning(f"{count(others, 'run')} of another version of this workflow")
        astray = sum(followed.stray is not None for followed in self.followed)
        if astray:
            yield warning(f"{count(astray, 'run')} followed only as far as this machine can do the same")

    def _endings(self) -> Iterator[Words]:
        kinds = Counter(recording.kind for recording in self.recordings)
        for kind, sign in SIGNS.items():
            if kinds[kind]:
                yield Words(f"   {sign} {kinds[kind]:,} {kind}", INKS[kind], bold=True)
        if kinds[None]:
            yield Words(f"   … {kinds[None]:,} not over", "muted", bold=True)

    def _over(self, chosen: Callable[[Sequence[int]], int]) -> str:
        words = []
        for resource in RESOURCES:
            of_all = [recording.spent[resource] for recording in self.recordings]
            if any(of_all):
                words.append(amount(resource, chosen(of_all)))
        return " · ".join(words)


def _failures(stages: Sequence[Stage]) -> Iterator[str]:
    """Word how many attempts failed, of all; so of questions that got no answer, and of runs of children."""
    for kind, what, how in (("attempt", "attempt", "failed"), ("question", "question", "not answered")):
        outcomes = [stage.outcome for stage in stages if stage.kind == kind]
        failed = sum(outcome != "success" for outcome in outcomes)
        if failed:
            yield f"{failed:,} of {count(len(outcomes), what)} {how}"
    runs = [child.recording.kind for stage in stages for child in stage.children]
    failed = sum(kind in ("failed", "handoff") for kind in runs)
    if failed:
        yield f"{failed:,} of {len(runs):,} {'child' if len(runs) == 1 else 'children'} failed"
