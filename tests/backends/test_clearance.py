"""Nothing stands in the way of anything: words can be read, and each line can be followed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fsmflow.backends import graphviz
from fsmflow.backends.diagram import Diagram, extract
from fsmflow.compiler import compile_file
from tests.backends.clearance import clearance, outlines, paths
from tests.backends.drawn_machines import compiled

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.fsm.yaml"))
WIDEST = 1060  # pixels, so that the smallest words can be read in a page of 800
WIDER = {"research": 1_250}
"""Specs with so many ways to one end that their pictures are wider."""
TOUCHED = {"refund": 1}
"""How many lines touch a state that they pass, where that is known: here one grazes the tip of a choice."""


@pytest.fixture(params=SPECS, ids=lambda path: path.name.removesuffix(".fsm.yaml"))
def drawn(request: pytest.FixtureRequest) -> tuple[Diagram, str]:
    """A spec's diagram, and its picture."""
    analysis = compile_file(request.param).analysis
    assert analysis is not None
    diagram = extract(analysis.machine, analysis.proof)
    return diagram, graphviz.picture(diagram).decode()


def test_nothing_is_in_the_way(drawn: tuple[Diagram, str]) -> None:
    """No line crosses the words of another or a state, and no words lie on a state or on others."""
    found = clearance(drawn[1])
    assert found.count - len(found.crossed_nodes) == 0, found
    assert len(found.crossed_nodes) == TOUCHED.get(drawn[0].name, 0), found


def test_it_fits_a_page(drawn: tuple[Diagram, str]) -> None:
    """A picture is narrow enough to be read in a page."""
    wide = re.search(r'<svg [^>]*width="(\d+)pt"', drawn[1])
    assert wide is not None
    assert int(wide[1]) * 4 / 3 <= WIDER.get(drawn[0].name, WIDEST)


def test_ways_out_of_the_spine_keep_right(drawn: tuple[Diagram, str]) -> None:
    """What fails in a step of the spine leaves to the right: no such line is left of its step's middle."""
    diagram, svg = drawn
    place, line = outlines(svg), paths(svg)
    spine = {node.name: place[f"state_{n}"] for n, node in enumerate(diagram.nodes) if node.lane == "spine"}
    for number, edge in enumerate(diagram.edges):
        if edge.look in ("fallback", "error") and edge.source in spine and edge.target not in spine:
            box = spine[edge.source]
            assert min(x for x, _ in line[f"way_{number}"]) > (box.left + box.right) / 2, edge


@pytest.mark.parametrize(
    ("ways_out", "exceeded"),
    [
        ("one two one", "two"),
        ("one one two one", None),
        ("one two one two", "two"),
        ("one two three one", "one"),
    ],
)
def test_ways_out_to_shared_ends_are_not_in_the_way(ways_out: str, exceeded: str | None) -> None:
    """Where steps fall back to the same ends by turns, whose lines would have to cross, nothing does."""
    ends = dict(zip(("one", "two", "three"), ("failed", "handoff", "degraded"), strict=True))
    falls = ways_out.split()
    after = [*(f"s{number}" for number in range(1, len(falls))), "done"]
    steps = "".join(
        f"  s{n}: {{run: m:f, timeout: 5s, effect: none, success: {then}, fallback: {fallback}}}\n"
        for n, (then, fallback) in enumerate(zip(after, falls, strict=True))
    )
    states = steps + "".join(f"  {end}: {{end: {ends[end]}}}\n" for end in dict.fromkeys(falls))
    budget = f"budget: {{steps: 9, exceeded: {exceeded}}}\n" if exceeded else ""
    spec = f"fsmflow: 1\nworkflow: w\n{budget}states:\n{states}  done: {{end: success}}\n"
    found = clearance(graphviz.picture(extract(compiled(spec))).decode())
    assert found.count == 0, found


def test_a_way_out_beside_a_branch_to_the_same_end_is_a_line() -> None:
    """Only a step that leads to a crowded end in no other way has a stand-in for it beside it."""
    step = "{run: m:f, timeout: 5s, effect: none, success: %s, fallback: lost}"
    states = "".join(f"  s{n}: {step % f's{n + 1}'}\n" for n in range(5))
    states += f"  s5: {step % '{found: done, absent: lost}'}\n"
    states += "  done: {end: success}\n  lost: {end: handoff}\n"
    spec = f"fsmflow: 1\nworkflow: w\nbudget: {{steps: 9, exceeded: lost}}\nstates:\n{states}"
    drawn = graphviz.dot(extract(compiled(spec)))

    assert "__lost_of_s4" in drawn
    assert "__lost_of_s5" not in drawn


def test_what_is_in_the_way_is_found() -> None:
    """The measure itself sees a line across words, words on words, and a line across a state."""
    group = '<g id="{}" class="{}">{}</g>\n'
    box = '<polygon points="0,0 50,0 50,40 0,40"/>'
    words = '<text text-anchor="start" x="100" y="20" font-size="9">words</text>'
    svg = (
        "<svg>"
        + group.format("state_0", "node", box)
        + group.format("way_0", "edge", '<path d="M200,0C200,9 200,9 200,20"/>' + words)
        + group.format("way_1", "edge", '<path d="M-20,18C20,18 90,18 160,18"/>')
        + group.format("way_2", "edge", words)
        + "</svg>"
    )
    found = clearance(svg)
    assert set(found.crossed_labels) == {("way_0", "way_1"), ("way_2", "way_1")}
    assert found.covered_labels == (("way_0", "way_2"),)
    assert found.crossed_nodes == (("state_0", "way_1"),)
