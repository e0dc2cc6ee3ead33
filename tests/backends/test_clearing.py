"""Words go out of the way of what an engine draws, and nothing else of a drawing changes."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings

from fsmflow.backends import _clearing, _moving, engines, graphviz
from fsmflow.backends.diagram import Diagram, extract
from fsmflow.machine import Machine
from tests.backends.clearance import Box, clearance, outlines, paths
from tests.backends.drawn_machines import ASK_DOCS, compiled, machines
from tests.backends.large_machines import mesh

STATE = '<g id="state_0" class="node"><polygon points="{x},0 {y},0 {y},40 {x},40 {x},0"/></g>\n'
WORDS = '<text text-anchor="start" x="{x}" y="{y}" font-size="9.00">some words</text>'
WAY = '<g id="way_{number}" class="edge"><path d="M{from_}C{from_} {to} {to}"/>{words}</g>\n'


def drawn(*groups: str) -> str:
    ground = '<polygon fill="#ffffff" points="-400,400 -400,-400 400,-400 400,400 -400,400"/>\n'
    return f'<svg><g id="graph0" class="graph">{ground}{"".join(groups)}</g></svg>'


def way(number: int, from_: str, to: str, words: str = "") -> str:
    return WAY.format(number=number, from_=from_, to=to, words=words)


DOWN = way(0, "0,-200", "0,200", WORDS.format(x=4, y=0))
IN_THE_WAY = {
    "a line": drawn(DOWN, way(1, "-50,-3", "100,-3")),
    "a state": drawn(STATE.format(x=30, y=90), way(0, "0,-200", "0,200", WORDS.format(x=4, y=20))),
    "other words": drawn(DOWN, way(1, "20,-200", "20,200", WORDS.format(x=24, y=2))),
    "their own line": drawn(way(0, "0,-200", "0,200", WORDS.format(x=-10, y=0))),
}


@pytest.mark.parametrize("what", IN_THE_WAY)
def test_words_go_out_of_the_way(what: str) -> None:
    """Where a line, a state or other words are in the way, words go to a place that is free."""
    svg = IN_THE_WAY[what]
    moves = _clearing.shifts(svg)
    after = _moving.in_svg(svg, moves)

    assert moves
    assert _clearing.shifts(after) == {}
    assert clearance(after).count == 0
    assert re.sub("<text.*?>", "", after) == re.sub("<text.*?>", "", svg)


def test_words_that_can_be_read_stay() -> None:
    """Words beside their own line, with nothing else near, are left as they are."""
    svg = drawn(STATE.format(x=-100, y=-60), DOWN, way(1, "-50,-30", "100,-30"))
    assert _clearing.shifts(svg) == {}
    assert _moving.in_svg(svg, {}) == svg


def test_words_go_no_further_than_they_must() -> None:
    """Words that move go to the nearest free place along their own line."""
    svg = drawn(DOWN, way(1, "-50,-3", "100,-3"))
    ((right, down),) = _clearing.shifts(svg).values()
    assert right == pytest.approx(0)
    assert 0 < abs(down) < 20


def test_words_stay_on_the_page() -> None:
    """Words in whose way something is have to stay where the only free place is beside the page."""
    edge = [way(0, "396,-200", "396,200", WORDS.format(x=345, y=0)), way(1, "380,-390", "380,390")]
    assert _clearing.shifts(drawn(*edge)) == {}
    assert _clearing.shifts(drawn(*edge).replace("400", "500"))


def test_words_without_a_free_place_stay() -> None:
    """Where nothing is free along a line, the words of its way are left where an engine has set them."""
    lines = [way(n, f"-50,{y}", f"150,{y}") for n, y in enumerate(range(-200, 200, 6), 1)]
    assert _clearing.shifts(drawn(DOWN, *lines)) == {}


@given(machines())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_moved_is_in_nobodys_way(machine: Machine) -> None:
    """Whatever is drawn, words that were moved are crossed by no line, and lie on nothing."""
    svg = engines.render(graphviz.dot(extract(machine))).decode()
    moves = _clearing.shifts(svg)
    found = clearance(_moving.in_svg(svg, moves))
    assert not moves.keys() & {label for label, _ in (*found.crossed_labels, *found.covered_labels)}


@pytest.mark.parametrize("diagram", [extract(compiled(ASK_DOCS)), extract(mesh(12, 2))], ids=lambda d: d.name)
def test_what_is_drawn_in_place_is_drawn_as_before(diagram: Diagram) -> None:
    """A picture of a layout has each state and line where the engine has set it, and the moved words."""
    source = graphviz.dot(diagram)
    first = engines.render(source).decode()
    moves = {"way_1": (12.0, -7.0)}
    laid_out = _moving.in_dot(engines.lay_out(source, "png"), moves)
    second = engines.render_in_place(laid_out, "svg").decode()

    (right, down) = _offset(first, second)
    before, after = _states(first), _states(second)
    assert before.keys() == after.keys()
    for name, box in before.items():
        other = after[name]
        assert (other.left, other.right) == pytest.approx((box.left + right, box.right + right), abs=0.2)
        assert (other.top, other.bottom) == pytest.approx((box.top + down, box.bottom + down), abs=0.2)
    assert _wide(first) == _wide(second)
    assert paths(first).keys() == paths(second).keys()
    for name, words in _words(first).items():
        x, y = moves.get(name, (0.0, 0.0))
        assert _words(second)[name] == pytest.approx((words[0] + x + right, words[1] + y + down), abs=0.2)


def _offset(first: str, second: str) -> tuple[float, float]:
    a, b = _states(first)["state_0"], _states(second)["state_0"]
    return b.left - a.left, b.top - a.top


def _states(svg: str) -> dict[str, Box]:
    return {name: box for name, box in outlines(svg).items() if name.startswith("state_")}


def _wide(svg: str) -> str:
    found = re.search(r'<svg width="(\d+)pt"', svg)
    assert found is not None
    return found[1]


def _words(svg: str) -> dict[str, tuple[float, float]]:
    groups = re.findall(r'<g id="(way_[^"]*)" class="edge">(.*?)</g>', svg, re.DOTALL)
    found = {name: re.search(r'<text[^>]* x="([^"]*)" y="([^"]*)"', body) for name, body in groups}
    return {name: (float(place[1]), float(place[2])) for name, place in found.items() if place}


def test_a_png_has_its_words_where_an_svg_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is moved in an SVG is moved in a PNG too; where nothing is, a PNG is drawn at once."""
    asked: list[str] = []
    in_place = engines.render_in_place

    def noted(laid_out: str, format: engines.Format) -> bytes:
        asked.append(format)
        return in_place(laid_out, format)

    monkeypatch.setattr(engines, "render_in_place", noted)
    tangled, clear = extract(mesh(12, 2)), extract(compiled(ASK_DOCS))
    assert _clearing.shifts(engines.render(graphviz.dot(tangled)).decode())
    assert graphviz.picture(tangled, "png") != engines.render(graphviz.dot(tangled), "png")
    assert asked == ["svg", "png"]
    assert graphviz.picture(clear, "png") == engines.render(graphviz.dot(clear), "png")
    assert asked == ["svg", "png", "svg"]


def test_an_engine_that_cannot_draw_in_place_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an engine that tells no places, a PNG has its words where that engine sets them."""

    def refuses(*_: object) -> bytes:
        raise engines.DrawingFailed("no layout `neato`")

    monkeypatch.setattr(engines, "render_in_place", refuses)
    tangled = extract(mesh(12, 2))
    assert graphviz.picture(tangled, "png") == engines.render(graphviz.dot(tangled), "png")
