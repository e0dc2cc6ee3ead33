"""What the input and the outputs of steps must be for the choices of a run to take the arms of a path.

A choice takes its first arm whose guard holds, so on a path each of its earlier guards must fail. Each
guard reads the input, or values that were set by some attempt or some answer before; the guards that
read the same ones are decided together, by trying values on and about the guards' own literals. That
finds values for what people write; it does not find all there are, so a path may be called undecided
that is not. Who only picks a label gives that and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import define, field, frozen

from fsmflow.analysis.proving.valuations import assignments
from fsmflow.expressions import Guard, paths
from fsmflow.machine import Ask, Choice, Machine, Transition, Work
from fsmflow.semantics import holds

Version = tuple[str, int]
"""A root of references, and the transition that set it; -1 if it is the input, or not set."""


@frozen
class Decisions:
    """What must be given.

    Attributes:
        given: The input of the run.
        values: The output of the attempt, or the answer, at each place of the path at which it matters.
        breaks_at: The first choice of the path for which no values were found; None if there is none.
    """

    given: Any
    values: Mapping[int, Any]
    breaks_at: int | None

    @classmethod
    def of(cls, machine: Machine, path: Sequence[Transition]) -> Decisions:
        """Find values for the choices on `path`, a run of `machine` from its start."""
        choices = [_Demand.at(machine, path, place, set_by) for place, set_by in _choices(machine, path)]
        choices = [demand for demand in choices if demand.wanted]
        solved = _picked(machine, path)
        for group in _groups(choices):
            found = _solve(group, solved)
            if found is None:
                return cls(None, {}, max(0, min(demand.place for demand in group[1:] or group)))
            solved |= found
        values = {place: value for (_, place), value in solved.items() if place >= 0}
        return cls(solved.get(("input", -1)), values, None)


@frozen
class _Demand:
    """A choice on the path: which guards must hold, and which must not, of which values.

    Attributes:
        place: Where it is on the path.
        wanted: Its guards up to that of the arm that is taken.
        reads: For each root that they read, what set it.
    """

    place: int
    wanted: tuple[tuple[Guard, bool], ...]
    reads: Mapping[str, Version]

    @classmethod
    def at(
        cls, machine: Machine, path: Sequence[Transition], place: int, set_by: Mapping[str, int]
    ) -> _Demand:
        wanted: list[tuple[Guard, bool]] = []
        for way in machine.successes(path[place].source):
            taken = way.label == path[place].label
            if way.when is not None and (not wanted or wanted[-1] != (way.when, taken)):
                wanted.append((way.when, taken))
            if taken:
                break
        roots = {read.root for guard, _ in wanted for read in paths(guard)}
        reads = {root: (root, set_by.get(root, -1)) for root in sorted(roots)}
        return cls(place, tuple(wanted), reads)


def _picked(machine: Machine, path: Sequence[Transition]) -> dict[Version, Any]:
    """Give the values of the answers on the path that are a label alone."""
    found: dict[Version, Any] = {}
    for place, way in enumerate(path):
        state = machine.states[way.source]
        if isinstance(state, Ask) and state.gives is None and way.on == "success":
            found[state.value, place] = way.label
    return found


def _choices(machine: Machine, path: Sequence[Transition]) -> Iterator[tuple[int, Mapping[str, int]]]:
    """Give each choice on the path, with what set each value; choices share one mapping."""
    set_by: dict[str, int] = {}
    for place, way in enumerate(path):
        state = machine.states[way.source]
        if isinstance(state, Choice):
            yield place, set_by
        elif isinstance(state, Work | Ask):
            if way.on == "success":
                set_by[state.value] = place
            else:
                set_by.pop(state.value, None)
        target = machine.states[way.target]
        if isinstance(target, Work | Ask) and not way.same_visit:
            set_by.pop(target.value, None)


@define
class _Groups:
    """Demands by the values that they share (union–find)."""

    parents: dict[Version, Version] = field(factory=dict)

    def find(self, version: Version) -> Version:
        root = version
        while self.parents.setdefault(root, root) != root:
            root = self.parents[root]
        while version != root:
            self.parents[version], version = root, self.parents[version]
        return root

    def join(self, versions: Iterable[Version]) -> Version:
        first, *others = map(self.find, versions)
        for other in others:
            self.parents[other] = first
        return first


def _groups(demands: Iterable[_Demand]) -> list[list[_Demand]]:
    groups = _Groups()
    kept = [demand for demand in demands if demand.reads]
    for demand in kept:
        groups.join(demand.reads.values())
    found: dict[Version, list[_Demand]] = {}
    for demand in kept:
        found.setdefault(groups.find(next(iter(demand.reads.values()))), []).append(demand)
    return list(found.values())


def _solve(group: Sequence[_Demand], picked: Mapping[Version, Any]) -> dict[Version, Any] | None:
    """Find values for demands that share some: for all at once if names allow, else one after another."""
    versions: dict[str, Version] = {}
    if all(versions.setdefault(r, v) == v for demand in group for r, v in demand.reads.items()):
        wanted = dict.fromkeys(pair for demand in group for pair in demand.wanted)
        return _values(list(wanted), versions, picked)
    known = dict(picked)
    for demand in group:
        found = _values(demand.wanted, demand.reads, known)
        if found is None:
            return None
        known |= found
    return known


def _values(
    wanted: Sequence[tuple[Guard, bool]], reads: Mapping[str, Version], known: Mapping[Version, Any]
) -> dict[Version, Any] | None:
    """Find what the versions must be for guards to hold, or not to; what is known stays."""
    fixed = {root: known[version] for root, version in reads.items() if version in known}
    open_roots = {root for root, (_, place) in reads.items() if place >= 0 or root == "input"} - fixed.keys()
    for values in ({}, *assignments(guard for guard, _ in wanted)):
        chosen = {root: value for root, value in values.items() if root in open_roots}
        if all(holds(guard, {**chosen, **fixed}) is truth for guard, truth in wanted):
            return {reads[root]: value for root, value in chosen.items()}
    return None
