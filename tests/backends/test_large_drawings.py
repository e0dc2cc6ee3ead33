"""Large drawings: as much work for an engine as a reader can bear, whatever the machine."""

from __future__ import annotations

import re

import attrs
import pytest
from hypothesis import given

from fsmflow.backends import engines, graphviz
from fsmflow.backends._layout import lay_out
from fsmflow.backends._rows import rows_of
from fsmflow.backends.diagram import Diagram, extract
from fsmflow.machine import Machine
from tests.backends.drawn_machines import machines
from tests.backends.large_machines import LARGE, mesh


def rows_crossed(diagram: Diagram) -> int:
    """Count the rows that lines cross on their way: what an engine's work grows with."""
    layout = lay_out(diagram)
    away = layout.stubbed | layout.far
    row = rows_of(diagram, layout.spans, layout.last, away)
    return sum(
        abs(row[edge.target] - row[edge.source]) - 1
        for number, edge in enumerate(diagram.edges)
        if number not in away and row[edge.target] != row[edge.source]
    )


@pytest.mark.parametrize("shape", LARGE)
def test_the_work_of_large_ones_is_bounded(shape: str) -> None:
    """However tangled a machine is, lines cross no more rows than eight for each of its states."""
    diagram = extract(LARGE[shape])
    assert graphviz.is_drawable(diagram)
    assert rows_crossed(diagram) <= 8 * len(diagram.nodes)


@pytest.mark.parametrize("shape", LARGE)
def test_every_way_of_a_large_one_is_in_the_text(shape: str) -> None:
    """Each way has its line, if only to a stand-in beside or below its step."""
    diagram = extract(LARGE[shape])
    found = re.findall(r" id=way_(\d+)\b", graphviz.dot(diagram))
    assert sorted(map(int, found)) == list(range(len(diagram.edges)))


def test_each_state_hangs_on_a_line() -> None:
    """However many ways have stand-ins, each state is led to by a line, as far as a way leads there."""
    for drawn in LARGE.values():
        diagram = extract(drawn)
        layout = lay_out(diagram)
        onward = {n: edge for n, edge in enumerate(diagram.edges) if edge.look != "loop"}
        led = {edge.target for n, edge in onward.items() if n not in layout.far | layout.stubbed}
        assert led | set(layout.last) >= {edge.target for edge in onward.values()}


def test_a_large_one_is_drawn_with_stand_ins() -> None:
    """An engine draws a tangle of a hundred states, each far way to a stand-in with its target's name."""
    diagram = extract(mesh(100, 3))
    far = lay_out(diagram).far
    assert far
    svg = graphviz.picture(diagram).decode()
    assert all(f'id="way_{number}"' in svg for number in range(len(diagram.edges)))
    assert svg.count("<path") >= len(diagram.edges)


@given(machines())
def test_ordinary_ones_have_no_such_stand_ins(drawn: Machine) -> None:
    """Of a machine of a dozen states no way is too long, however tangled it is."""
    diagram = extract(drawn)
    lane = {node.name: node.lane for node in diagram.nodes}
    assert all(lane[diagram.edges[number].source] == "loop" for number in lay_out(diagram).far)


def test_what_is_too_large_for_a_picture_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bounds no engine is started: the error says how large it is, and what can be written."""
    diagram = extract(LARGE["chain"])
    many = attrs.evolve(diagram, edges=diagram.edges * 10)
    monkeypatch.setattr(engines, "render", lambda *_: pytest.fail("started"))
    with pytest.raises(engines.DrawingFailed, match=r"ways between them are too many .* as dot or mermaid"):
        graphviz.picture(many)
