"""The runs of a test campaign, laid over a diagram: the transitions that were taken, and those never."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from fsmflow.analysis.traces.coverage import Coverage, can_be_taken
from fsmflow.backends._wording import count, plain
from fsmflow.backends.diagram import LONGEST_NAME, Diagram, reason_of
from fsmflow.backends.overlay import EdgeMark, Line, NodeMark, Overlay, Way, Words
from fsmflow.backends.overlays._words import pen, warning
from fsmflow.backends.overlays.ways import Drawn
from fsmflow.machine import End, Machine


def of_coverage(machine: Machine, diagram: Diagram, coverage: Coverage) -> Overlay:
    """Lay the coverage of tests over the diagram of `machine`.

    Of another machine, or another version of it, nothing is shown but that: its transitions are others.
    """
    if coverage.digest != machine.digest or len(coverage.counts) != len(machine.transitions):
        is_other = coverage.workflow != machine.name
        of = (
            f"workflow, {plain(coverage.workflow, LONGEST_NAME)}"
            if is_other
            else "version of it: run them again"
        )
        return Overlay(header=(warning(f"the tests were those of another {of}"),))
    edges, entered = Counter[Way](), Counter[str]()
    budget = 0
    drawn = Drawn(machine, diagram)
    for transition, times in zip(machine.transitions, coverage.counts, strict=True):
        if times and not transition.same_visit:
            entered[transition.target] += times
        way = drawn.way(transition)
        if way is not None:
            edges[way] += times
        elif drawn.is_budget(transition):
            budget += times
    entered[machine.start] += coverage.runs
    most = max((*edges.values(), coverage.runs))
    missed = _missed(drawn, coverage, edges)
    return Overlay(
        header=tuple(_header(drawn, coverage)),
        nodes={
            node.name: _node(machine, node.name, entered[node.name], missed.get(node.name, ()))
            for node in diagram.nodes
            if entered[node.name]
        },
        edges={
            way: EdgeMark("visited", after=f"×{times:,}", count=pen(times, most))
            for way, times in edges.items()
            if times
        },
        start=EdgeMark("visited", after=f"×{coverage.runs:,}", count=pen(coverage.runs, most)),
        budget=EdgeMark("visited", after=f"×{budget:,}", count=pen(budget, most))
        if budget
        else EdgeMark("ghost"),
        legend=(("visited", "taken by tests"), ("ghost", "never taken")),
    )


def _missed(drawn: Drawn, coverage: Coverage, edges: Mapping[Way, int]) -> dict[str, list[str]]:
    """Name the ways of each state that no test took and that no ghost of an edge shows."""
    found: dict[str, list[str]] = {}
    for transition, times in zip(drawn.machine.transitions, coverage.counts, strict=True):
        way = drawn.way(transition)
        if times or not can_be_taken(drawn.machine, transition) or (way is not None and not edges[way]):
            continue
        word = reason_of(drawn.machine, transition).text
        if word in ("", "failed"):
            # One edge may stand for a failure of each kind.
            word = transition.on
        names = found.setdefault(transition.source, [])
        if word not in names:
            names.append(word)
    return found


def _node(machine: Machine, name: str, entered: int, missed: Sequence[str]) -> NodeMark:
    if isinstance(machine.states[name], End):
        return NodeMark("visited", facts=((Words(f"×{entered:,}"),),))
    note = f"never: {' · '.join(missed)}" if missed else ""
    return NodeMark("visited", pill=f"×{entered:,}", note=note)


def _header(drawn: Drawn, coverage: Coverage) -> Iterator[Line]:
    possible = sum(can_be_taken(drawn.machine, way) for way in drawn.machine.transitions)
    whole = coverage.taken >= possible
    yield (
        Words("● " if whole else "▲ ", "success" if whole else "degraded", bold=True),
        Words(f"{coverage.taken:,} of {count(possible, 'transition')}", bold=True),
        Words(f"  {'was' if possible == 1 else 'were'} taken, by {count(coverage.runs, 'run')}"),
    )
