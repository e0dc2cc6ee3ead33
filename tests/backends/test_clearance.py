"""Nothing stands in the way of anything: words can be read, and each line can be followed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fsmflow.backends import graphviz
from fsmflow.backends.diagram import Diagram, extract
from fsmflow.compiler import compile_file
from fsmflow.machine import Machine
from tests.backends.clearance import clearance, outlines, paths
from tests.backends.drawn_machines import compiled
from tests.backends.large_machines import mesh, returning

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.fsm.yaml"))
WIDEST = 1060  # pixels, so that the smallest words can be read in a page of 800
WIDER = {"research": 1_250}
"""Specs with so many ways to one end that their pictures are wider."""


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
    assert found.count == 0, found


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


STEP = "{run: m:f, timeout: 5s, effect: none, success: %s, fallback: lost}"


@pytest.mark.parametrize("machine", [mesh(8, 2), mesh(12, 2), returning(8, 2)])
def test_loops_keep_left(machine: Machine) -> None:
    """However many ways lead back along the spine, none of them crosses it."""
    diagram = extract(machine)
    svg = graphviz.picture(diagram).decode()
    line, start = paths(svg), outlines(svg)["state_0"]
    loops = [line[f"way_{number}"] for number, edge in enumerate(diagram.edges) if edge.look == "loop"]
    assert loops
    assert all(x < (start.left + start.right) / 2 for loop in loops for x, _ in loop)


def test_a_dense_mesh_is_not_in_its_own_way() -> None:
    """Where a dozen states lead on and back to one another, no line crosses the words of another."""
    found = clearance(graphviz.picture(extract(mesh(12, 2))).decode())
    assert found.count == 0, found


def test_a_step_has_one_thing_beside_it() -> None:
    """What stands in for a step stands below it where a small stand-in has the place beside it."""
    states = "".join(f"  s{n}: {STEP % f's{n + 1}'}\n" for n in range(5))
    states += "  s5: {run: m:f, timeout: 5s, effect: once, success: done, unknown: lost, fallback: other}\n"
    states += f"  other: {STEP % 'done'}\n  done: {{end: success}}\n  lost: {{end: handoff}}\n"
    diagram = extract(compiled(f"fsmflow: 1\nworkflow: w\nstates:\n{states}"))
    place = {node.name: f"state_{number}" for number, node in enumerate(diagram.nodes)}
    box = outlines(svg := graphviz.picture(diagram).decode())

    assert "__lost_of_s5" in graphviz.dot(diagram)
    assert box[place["other"]].top > box[place["s5"]].bottom
    assert clearance(svg).count == 0


def test_a_long_way_out_of_a_step_beside_the_spine_has_a_stand_in() -> None:
    """A step that stands in for another leads to a shared end far below by a small stand-in beside it."""
    states = f"  s0: {STEP.replace('lost', 'plainly') % 's1'}\n  plainly: {STEP % 's1'}\n"
    states += "".join(f"  s{n}: {STEP.replace('lost', 'gone') % f's{n + 1}'}\n" for n in range(1, 6))
    states += f"  s6: {STEP % 'done'}\n"
    states += "  done: {end: success}\n  lost: {end: handoff}\n  gone: {end: failed}\n"
    diagram = extract(compiled(f"fsmflow: 1\nworkflow: w\nstates:\n{states}"))

    assert "__lost_of_plainly [" in graphviz.dot(diagram)
    assert clearance(graphviz.picture(diagram).decode()).count == 0


def test_a_way_out_to_what_stands_beside_others_too_has_a_stand_in() -> None:
    """Where two steps lead to stand-ins of a state, so does one three rows above it, and none just above."""
    ways = zip(
        ("lost", "lost", "gone", "lost", "gone", "lost"),
        [*(f"s{n}" for n in range(1, 6)), "done"],
        strict=True,
    )
    states = "".join(f"  s{n}: {STEP.replace('lost', to) % then}\n" for n, (to, then) in enumerate(ways))
    states += "  done: {end: success}\n  lost: {end: handoff}\n  gone: {end: failed}\n"
    drawn = graphviz.dot(extract(compiled(f"fsmflow: 1\nworkflow: w\nstates:\n{states}")))

    assert re.findall(r"^\t__lost_of_(\w+) \[label", drawn, re.M) == ["s0", "s1", "s3"]


def test_a_way_out_beside_a_branch_to_the_same_end_is_a_line() -> None:
    """Only a step that leads to a crowded end in no other way has a stand-in for it beside it."""
    states = "".join(f"  s{n}: {STEP % f's{n + 1}'}\n" for n in range(5))
    states += f"  s5: {STEP % '{found: done, absent: lost}'}\n"
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


@pytest.mark.parametrize(("height", "found"), [(8, 0), (20, 1)])
def test_only_what_is_within_a_slanted_side_is_in_its_way(height: float, found: int) -> None:
    """A line past the corner that a hexagon lacks touches nothing; one through its tip does."""
    hexagon = '<polygon points="0,20 30,0 70,0 100,20 70,40 30,40 0,20"/>'
    svg = (
        f'<g id="state_0" class="node">{hexagon}</g>'
        f'<g id="way_0" class="edge"><path d="M-9,{height}C0,{height} 4,{height} 16,{height}"/></g>'
    )
    assert len(clearance(svg).crossed_nodes) == found
