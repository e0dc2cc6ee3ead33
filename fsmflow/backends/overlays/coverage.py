"""The runs of a test campaign, laid over a diagram: the transitions that were taken, and those never."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from fsmflow.analysis.coverage import Coverage
from fsmflow.backends._wording import count, plain
from fsmflow.backends.diagram import LONGEST_NAME, Diagram
from fsmflow.backends.overlay import EdgeMark, Line, NodeMark, Overlay, Way, Words
from fsmflow.backends.overlays._ways import Drawn
from fsmflow.backends.overlays._words import pen, warning
from fsmflow.machine import End, Machine


def of_coverage(machine: Machine, diagram: Diagram, coverage: Coverage) -> Overlay:
    """Lay the coverage of tests over the diagram of `machine`.

    Of another version of the machine, nothing is shown but that: its transitions are others.
    """
    if coverage.digest != machine.digest or len(coverage.counts) != len(machine.transitions):
        name = plain(coverage.workflow, LONGEST_NAME)
        return Overlay(
            header=(warning(f"the tests were those of another version of {name}: run them again"),)
        )
    edges, entered, missed = Counter[Way](), Counter[str](), Counter[str]()
    budget = 0
    drawn = Drawn(machine, diagram)
    for transition, times in zip(machine.transitions, coverage.counts, strict=True):
        if not times:
            missed[transition.source] += 1
            continue
        if not transition.same_visit:
            entered[transition.target] += times
        way = drawn.way(transition)
        if way is not None:
            edges[way] += times
        elif drawn.is_budget(transition):
            budget += times
    entered[machine.start] += coverage.runs
    most = max((*edges.values(), coverage.runs))
    return Overlay(
        header=tuple(_header(coverage)),
        nodes={
            node.name: _node(machine, node.name, entered[node.name], missed[node.name])
            for node in diagram.nodes
            if entered[node.name]
        },
        edges={way: EdgeMark("visited", after=f"×{n:,}", count=pen(n, most)) for way, n in edges.items()},
        start=EdgeMark("visited", after=f"×{coverage.runs:,}", count=pen(coverage.runs, most)),
        budget=EdgeMark("visited", after=f"×{budget:,}", count=pen(budget, most))
        if budget
        else EdgeMark("ghost"),
        legend=(("visited", "taken by tests"), ("ghost", "never taken")),
    )


def _node(machine: Machine, name: str, entered: int, missed: int) -> NodeMark:
    if isinstance(machine.states[name], End):
        return NodeMark("visited", facts=((Words(f"×{entered:,}"),),))
    note = f"{count(missed, 'way')} never taken" if missed else ""
    return NodeMark("visited", pill=f"×{entered:,}", note=note)


def _header(coverage: Coverage) -> Iterator[Line]:
    all_of_them = len(coverage.counts)
    whole = coverage.taken == all_of_them
    yield (
        Words("● " if whole else "▲ ", "success" if whole else "degraded", bold=True),
        Words(f"{coverage.taken:,} of {count(all_of_them, 'transition')}", bold=True),
        Words(f"  were taken, by {count(coverage.runs, 'run')}"),
    )
