"""A recorded run by its visits: what each took, and which one failed, lasted longest and cost the most."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from fsmflow.analysis.recording import CHARGED, Recording, Stage


@frozen
class Visit:
    """One visit to a state: its attempts, and the pauses between them.

    Attributes:
        state: The state.
        visit: Which visit to it this is, from 1.
        stages: The attempts and pauses, in order; at least one.
    """

    state: str
    visit: int
    stages: tuple[Stage, ...]

    @property
    def name(self) -> str:
        """The state, and which visit to it if not the first: `draft #2`."""
        return self.state if self.visit == 1 else f"{self.state} #{self.visit:,}"

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


@frozen
class Summary:
    """A recorded run, and what stands out in it.

    Attributes:
        recording: The run.
        visits: Its visits, in order.
        failing: The visit whose failure decided the end, if one did and the run did not succeed.
        slowest: The visit that took the longest; None if there is only one, or none took any time.
        costliest: The one that cost the most, likewise.
        unit: What cost is told in: `micro_usd` if any money was spent, else `tokens`.
    """

    recording: Recording
    visits: tuple[Visit, ...]
    failing: Visit | None
    slowest: Visit | None
    costliest: Visit | None
    unit: str

    @classmethod
    def of(cls, recording: Recording) -> Summary:
        """Sum a run up."""
        visits = _visits(recording)
        unit = "micro_usd" if any(stage.use["micro_usd"] for stage in recording.stages) else "tokens"
        slowest = max(visits, key=lambda visit: visit.time_us, default=None)
        costliest = max(visits, key=lambda visit: visit.use[unit], default=None)
        several = len(visits) > 1
        return cls(
            recording,
            visits,
            _failing(recording, visits),
            slowest if several and slowest is not None and slowest.time_us else None,
            costliest if several and costliest is not None and costliest.use[unit] else None,
            unit,
        )

    def marks(self, visit: Visit) -> tuple[str, ...]:
        """Say what stands out about a visit: `failed here`, `slowest`, `costliest` and so on."""
        found = []
        if visit is self.failing:
            found.append("failed here" if self.recording.kind == "failed" else "way out taken here")
        if visit is self.visits[-1] and self.recording.kind == "cancelled":
            found.append("cancelled here")
        if visit is self.visits[-1] and self.recording.kind is None:
            found.append("last seen here")
        if visit is self.slowest:
            found.append("slowest")
        if visit is self.costliest:
            found.append("costliest")
        return tuple(found)


def _visits(recording: Recording) -> tuple[Visit, ...]:
    groups: list[list[Stage]] = []
    for stage in recording.stages:
        if groups and (groups[-1][0].state, groups[-1][0].visit) == (stage.state, stage.visit):
            groups[-1].append(stage)
        else:
            groups.append([stage])
    return tuple(Visit(group[0].state, group[0].visit, tuple(group)) for group in groups)


def _failing(recording: Recording, visits: tuple[Visit, ...]) -> Visit | None:
    """Find the visit that ended in the latest way out; a budget has none, unless it cut an attempt off."""
    error = recording.error
    if error is None or recording.kind in ("success", "cancelled", None):
        return None
    for visit in reversed(visits):
        if visit.state == error.state and error.outcome in (visit.last.label, visit.last.outcome):
            return visit
    return None
