"""What is laid over a drawing: how it looks, and that nothing in it can harm the drawing."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fsmflow.backends import graphviz
from fsmflow.backends._palette import DARK, LIGHT
from fsmflow.backends.diagram import Diagram, extract
from fsmflow.backends.overlay import Bar, EdgeMark, Emphasis, Line, NodeMark, Overlay, Words
from fsmflow.machine import Machine
from tests.backends.drawn_machines import ASK_DOCS, compiled, machines

EMPHASES: tuple[Emphasis, ...] = get_args(Emphasis)
HOSTILE = [
    "<b>bold</b>",
    r"\N \G",
    "&lt;&#0;&amp;",
    "]]> -->",
    "a\0b",
    "a\n\r\nb",
    "x" * 20_000,
    "\ud800",
    "",
]


@pytest.fixture(scope="module")
def ask_docs() -> Diagram:
    return extract(compiled(ASK_DOCS))


def everywhere(diagram: Diagram, text: str, emphasis: Emphasis) -> Overlay:
    """Lay `text` over all of a diagram, wherever an overlay can have words."""
    line: Line = (Words(text), Words(f" {text} ", "added", bold=True), Words(text, struck=True))
    node = NodeMark(emphasis, text, (line, (Words(text),)), (line, ()), text, (Bar(text, 0.3, text),))
    edge = EdgeMark(emphasis, line, text, 3)
    return Overlay(
        header=(line, (), (Words(text),)),
        nodes=dict.fromkeys((state.name for state in diagram.nodes), node),
        edges={(way.source, way.target, way.look): edge for way in diagram.edges},
        start=edge,
        budget=EdgeMark(emphasis, None, text),
        legend=tuple((one, text) for one in EMPHASES),
    )


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
def test_hostile_words_are_inert(ask_docs: Diagram, text: str) -> None:
    """No word of an overlay becomes markup or leaves its line; every engine takes it."""
    overlay = everywhere(ask_docs, text, "changed")
    source = graphviz.dot(ask_docs, "light", overlay)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", source)
    assert not re.search(r"<(?!/?(TABLE|TR|TD|FONT|B|S)\b)[A-Za-z!]", source)
    assert not re.search(r"(?<!\\)(\\\\)*\\[NG]", source)
    assert len(source) < 60_000
    assert graphviz.picture(ask_docs, "svg", "light", overlay).startswith(b"<svg")


@pytest.mark.parametrize("emphasis", EMPHASES)
def test_themes_differ_in_colour_alone(ask_docs: Diagram, emphasis: Emphasis) -> None:
    """A dark overlay is the light one, colour for colour."""
    overlay = everywhere(ask_docs, "×2", emphasis)
    turned = graphviz.dot(ask_docs, "light", overlay)
    for ink, light in LIGHT.items():
        turned = turned.replace(light, f"({ink})")
    for ink, dark in DARK.items():
        turned = turned.replace(f"({ink})", dark)
    assert turned == graphviz.dot(ask_docs, "dark", overlay)


def test_a_plain_overlay_changes_no_state_and_no_edge(ask_docs: Diagram) -> None:
    """Where an overlay says that all is plain, what stands below the header is as without it."""
    plain = EdgeMark("plain")
    overlay = Overlay(
        nodes={node.name: NodeMark("plain") for node in ask_docs.nodes},
        edges={(way.source, way.target, way.look): plain for way in ask_docs.edges},
        start=plain,
        budget=plain,
    )
    assert lines(graphviz.dot(ask_docs, "light", overlay)) == lines(graphviz.dot(ask_docs))


def test_what_is_not_spoken_of_is_a_ghost(ask_docs: Diagram) -> None:
    """An empty overlay leaves no ink but that of ghosts below the header."""
    body = "\n".join(lines(graphviz.dot(ask_docs, "light", Overlay())))
    used = {ink for ink, color in LIGHT.items() if color in body}
    assert used == {"ghost", "ghost text", "ghost tint", "ghost band", "on solid"}


def test_what_is_gone_does_not_shape_the_drawing(ask_docs: Diagram) -> None:
    """A removed state is dashed and struck and leaves the spine; a removed edge weighs nothing."""
    overlay = Overlay(
        nodes={"draft": NodeMark("removed", "− REMOVED")},
        edges={("retrieve", "draft", "success"): EdgeMark("removed")},
    )
    source = graphviz.dot(ask_docs, "light", overlay)
    (node,) = re.findall(r"^\tdraft \[label.*$", source, re.MULTILINE)
    assert "dashed" in node
    assert "group" not in node
    assert "<S><B>draft</B></S>" in node
    (edge,) = re.findall(r"^\tretrieve -> draft .*$", source, re.MULTILINE)
    assert "weight=0" in edge
    assert "dashed" in edge


@pytest.mark.parametrize(("count", "pen"), [(0, "2"), (1, "2"), (2, "2.7"), (8, "4.1"), (10**9, "8")])
def test_a_way_taken_often_is_wide(ask_docs: Diagram, count: int, pen: str) -> None:
    """The line of a way grows with the logarithm of how often it was taken, up to a limit."""
    taken = {("retrieve", "draft", "success"): EdgeMark("visited", after="#1", count=count)}
    source = graphviz.dot(ask_docs, "light", Overlay(edges=taken))
    (edge,) = re.findall(r"^\tretrieve -> draft .* id=way_.*$", source, re.MULTILINE)
    assert f"penwidth={pen} " in edge


@pytest.mark.parametrize(
    ("share", "heat", "filled"),
    [(-1.0, 1, False), (0.0, 1, False), (1e-9, 1, True), (0.05, 2, True), (0.15, 3, True), (0.3, 4, True),
     (0.5, 5, True), (7.0, 5, True), (float("nan"), 1, False), (float("inf"), 5, True)],
)  # fmt: skip
def test_bars_have_the_colour_of_their_heat(ask_docs: Diagram, share: float, heat: int, filled: bool) -> None:
    """A bar is filled by its share of the run, however small, in one of five colours."""
    overlay = Overlay(nodes={"draft": NodeMark("visited", bars=(Bar("time", share, "1 s"),))})
    body = "\n".join(lines(graphviz.dot(ask_docs, "light", overlay)))
    assert [step for step in range(1, 6) if LIGHT[f"heat {step}"] in body] == ([heat] if filled else [])


@given(machines(most=6), st.sampled_from(EMPHASES), st.text(max_size=12), st.text(max_size=12))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_overlay_can_be_drawn(drawn: Machine, emphasis: Emphasis, text: str, more: str) -> None:
    """What draws takes any words over any machine, without a complaint."""
    diagram = extract(drawn)
    overlay = everywhere(diagram, f"{text} {more}", emphasis)
    assert graphviz.picture(diagram, "svg", "light", overlay).startswith(b"<svg")


def lines(source: str) -> list[str]:
    """Give the lines of a drawing that draw its states and edges."""
    return [
        line for line in source.splitlines() if re.match(r"\t+\w+ (->|\[)", line) and "graph [" not in line
    ]
