"""The picture is the program: what is drawn is what the generated runner can do, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest

from fsmflow.backends import graphviz
from fsmflow.backends.diagram import Diagram, extract
from fsmflow.machine import BUILTIN_END, End, Machine
from fsmflow.testing import Subject
from fsmflow.testing.worst import worst_cases
from tests.recorded import at_random, record
from tests.strategies import ending_machine, plain

ROOT = Path(__file__).parents[2]
SPECS = [path.name.removesuffix(".fsm.yaml") for path in sorted((ROOT / "specs").glob("*.fsm.yaml"))]

Pair = tuple[str, str]


def drawn(diagram: Diagram) -> set[Pair]:
    """Give the states that an arrow joins, read off the SVG: each arrow, and each state, has its number."""
    svg = graphviz.picture(diagram).decode()
    states = {int(number) for number in re.findall(r'<g id="state_(\d+)"', svg)}
    ways = {int(number) for number in re.findall(r'<g id="way_(\d+)"', svg)}
    assert states == set(range(len(diagram.nodes)))
    assert ways == set(range(len(diagram.edges)))
    assert ('<g id="way_budget"' in svg) == (diagram.exceeded is not None)
    return {(edge.source, edge.target) for edge in diagram.edges}


def takeable(machine: Machine) -> set[Pair]:
    """Give the moves between states that the machine has, but for those that stand in the way from any step.

    A state whose cost is set aside is never refused by the budget, so its way to the built-in end is none.
    """
    moves = set()
    for way in machine.transitions:
        state = machine.states[way.source]
        aside = not isinstance(state, End) and state.reserve and way.target == BUILTIN_END
        forced = way.kind == "exceeded" and (way.target == machine.exceeded or aside)
        if way.source != way.target and not forced:
            moves.add((way.source, way.target))
    return moves


def is_drawn(diagram: Diagram, pairs: set[Pair], move: Pair, how: str) -> bool:
    """Tell whether a move that a run made is in the picture: as an arrow, in its state, or from any step."""
    by_budget = how == "exceeded" and move[1] == diagram.exceeded
    return move[0] == move[1] or move in pairs or by_budget


@pytest.mark.parametrize("name", SPECS)
def test_a_spec_is_drawn_as_its_runner_runs(name: str) -> None:
    """The arrows are the machine's moves, and every move of the worst runs on the real runner is one."""
    subject = Subject.load(ROOT / f"specs/{name}.fsm.yaml", ROOT / f"generated/{name}_fsm.py")
    diagram = extract(subject.machine)
    pairs = drawn(diagram)

    assert pairs == takeable(subject.machine)
    assert [case for case in worst_cases(subject) if case.is_reached]
    assert subject.counts
    for number in subject.counts:
        way = subject.machine.transitions[number]
        assert is_drawn(diagram, pairs, (way.source, way.target), way.kind)


@pytest.mark.parametrize("seeds", [range(n, n + 20) for n in range(0, 80, 20)], ids=str)
def test_a_machine_is_drawn_as_its_runner_runs(seeds: range) -> None:
    """Of random machines too: the arrows are the moves, and what a run of the runner does is drawn."""
    for seed in seeds:
        random = Random(seed)
        machine = ending_machine(random)
        diagram = extract(machine)
        pairs = drawn(diagram)
        run = record(machine, at_random(random), plain(random))

        assert pairs == takeable(machine), seed
        for way in (*run.launch, *(way for ways in run.ways for way in ways)):
            assert is_drawn(diagram, pairs, (way.source, way.target), way.kind), seed
