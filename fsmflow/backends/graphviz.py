"""Graphviz: a diagram as DOT, and as a picture."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from typing import Literal

import graphviz
from attrs import frozen

from fsmflow.backends import _svg, engines
from fsmflow.backends._arial import width
from fsmflow.backends._labels import NAME, SMALL, Typesetter, end_name, end_subtitle, inks
from fsmflow.backends._palette import PALETTES, Ink, Theme
from fsmflow.backends.diagram import Diagram, Edge, Look, Node

Format = Literal["svg", "png"]

_START, _ANY_STEP = "__start", "__any_step"  # no state has `__` in its name
_LARGE = 200
_MOST_SUNK = 6
_ENDS = ("success", "degraded", "handoff", "failed")

_GRAPH = {
    "rankdir": "TB",
    "pad": "0.25",
    "nodesep": "0.22",
    "ranksep": "0.36",
    "splines": "spline",
    "newrank": "true",
    "compound": "true",
    "outputorder": "edgesfirst",
    "fontname": "Arial",
    "fontsize": "12",
    "labelloc": "t",
    "labeljust": "l",
}
_GRAPH_OF_A_LARGE_ONE = {"splines": "polyline", "nslimit": "2", "nslimit1": "2", "mclimit": "0.2"}
_NODE = {"fontname": "Arial", "fontsize": "12", "margin": "0.11,0.07", "penwidth": "1.2", "height": "0.3"}
_EDGE = {"fontname": "Arial", "fontsize": "9", "arrowsize": "0.75"}

_STEPS: dict[str, dict[str, str]] = {
    "llm": {"shape": "box", "style": "rounded,filled"},
    "tool": {"shape": "component", "style": "filled"},
    "fn": {"shape": "box", "style": "filled"},
    "choose": {"shape": "hexagon", "style": "filled", "margin": "0,0.03"},
    "wait": {"shape": "box", "style": "rounded,filled"},
}


@frozen
class _Stroke:
    """How edges of one look are drawn."""

    ink: Ink
    style: str
    arrowhead: str
    penwidth: str


_STROKES: dict[Look, _Stroke] = {
    "success": _Stroke("flow", "solid", "normal", "2.2"),
    "branch": _Stroke("flow", "solid", "normal", "1.3"),
    "loop": _Stroke("loop", "solid", "vee", "1.2"),
    "fallback": _Stroke("fallback", "dashed", "onormal", "1.4"),
    "budget": _Stroke("budget", "dotted", "odiamond", "1.8"),
    "error": _Stroke("error", "dashed", "obox", "1.3"),
}


def dot(diagram: Diagram, theme: Theme = "light") -> str:
    """Write `diagram` in the DOT language. The same diagram gives the same bytes everywhere."""
    palette = PALETTES[theme]
    typesetter = Typesetter(palette)
    ids = _ids(diagram)
    large = len(diagram.nodes) > _LARGE
    graph = graphviz.Digraph(
        "workflow",
        graph_attr=_GRAPH
        | (_GRAPH_OF_A_LARGE_ONE if large else {})
        | {"bgcolor": palette["canvas"], "label": typesetter.header(diagram)},
        node_attr=_NODE,
        edge_attr=_EDGE,
    )
    flow = palette["flow"]
    graph.node(
        _START, "", shape="circle", style="filled", width="0.17", height="0.17",
        fixedsize="true", fillcolor=flow, color=flow, group="spine",
    )  # fmt: skip
    for number, node in enumerate(diagram.nodes):
        _draw_node(graph, ids[node.name], node, typesetter, id=f"state-{number}")
    if diagram.exceeded is not None:
        graph.node(
            _ANY_STEP, typesetter.any_step(), shape="box", style="rounded,dashed",
            color=palette["budget"], penwidth="1", margin="0.09,0.03",
        )  # fmt: skip
    _draw_ranks(graph, diagram, ids)
    graph.edge(_START, ids[diagram.start], **_stroke("success", palette))
    for number, edge in enumerate(diagram.edges):
        _draw_edge(graph, edge, ids, typesetter, id=f"way-{number}")
    if diagram.exceeded is not None:
        graph.edge(
            _ANY_STEP,
            ids[diagram.exceeded],
            typesetter.budget(),
            id="way-budget",
            **_stroke("budget", palette),
        )
    return str(graph.source)


def picture(diagram: Diagram, format: Format = "svg", theme: Theme = "light") -> bytes:
    """Draw `diagram`. An SVG serves light and dark readers in one file; a PNG has one theme.

    Raises:
        NoEngine: If nothing that can draw is installed.
        DrawingFailed: If the engine could not draw it.
    """
    drawn = engines.render(dot(diagram, "light" if format == "svg" else theme), format)
    return _svg.finish(drawn.decode(), diagram).encode() if format == "svg" else drawn


def _ids(diagram: Diagram) -> Mapping[str, str]:
    """Give each state an id that means nothing to Graphviz: its name, or a number if that is not plain."""
    return {
        node.name: node.name
        if re.fullmatch(r"[a-z]\w*", node.name, re.ASCII) and "__" not in node.name
        else f"__state_{number}"
        for number, node in enumerate(diagram.nodes)
    }


def _draw_node(
    graph: graphviz.Digraph, name: str, node: Node, typesetter: Typesetter, **attributes: str
) -> None:
    palette = typesetter.palette
    if node.spine:
        attributes["group"] = "spine"
    if node.role in _ENDS:
        graph.node(name, typesetter.end(node), **_end(node, palette), **attributes)
    else:
        line, tint, _ = inks(node.role)
        colors = {"color": palette[line], "fillcolor": palette[tint]}
        graph.node(name, typesetter.step(node), **_STEPS[node.role], **colors, **attributes)


def _end(node: Node, palette: Mapping[Ink, str]) -> dict[str, str]:
    """Size an end to its words: its shapes are not measured well by engines without fonts."""
    subtitle = end_subtitle(node)
    words = max(width(end_name(node), NAME, bold=True), width(subtitle, SMALL))
    height = 40 if subtitle else 30
    shape, ink, slack = {
        "success": ("box", "success", 28.0),
        "degraded": ("hexagon", "degraded", 0.9 * height + 4),
        "handoff": ("box", "human", 28.0),
        "failed": ("octagon", "failed", 0.6 * height + 8),
    }[node.role]
    return {
        "shape": shape,
        "style": "rounded,filled" if shape == "box" else "filled",
        "peripheries": "2" if node.role == "handoff" else "1",
        "fillcolor": palette[ink],
        "color": palette[ink],
        "margin": "0",
        "fixedsize": "true",
        "width": f"{math.ceil(words + slack) / 72:.2f}",
        "height": f"{height / 72:.2f}",
    }


def _draw_ranks(graph: graphviz.Digraph, diagram: Diagram, ids: Mapping[str, str]) -> None:
    """Set a step that only a fallback reaches beside the step it stands in for, and the ends in one row."""
    ends = [ids[node.name] for node in diagram.nodes if node.role in _ENDS]
    if len(ends) <= _MOST_SUNK:
        _draw_row(graph, "sink", ends)
    backbone = {node.name for node in diagram.nodes if node.spine}
    arrivals = Counter(edge.target for edge in diagram.edges if edge.look != "loop")
    taken = {diagram.exceeded}
    for edge in diagram.edges:
        aside = edge.look == "fallback" and arrivals[edge.target] == 1 and edge.target not in ends
        if aside and edge.source in backbone and not {edge.source, edge.target} & taken:
            _draw_row(graph, "same", [ids[edge.source], ids[edge.target]])
            taken |= {edge.source}


def _draw_row(graph: graphviz.Digraph, rank: str, names: list[str]) -> None:
    if names:
        with graph.subgraph(graph_attr={"rank": rank}) as row:
            for name in names:
                row.node(name)


def _draw_edge(
    graph: graphviz.Digraph, edge: Edge, ids: Mapping[str, str], typesetter: Typesetter, **attributes: str
) -> None:
    """Draw an edge; a loop is drawn from its target, so that what goes back does not turn the page over."""
    source, target = ids[edge.source], ids[edge.target]
    attributes |= _stroke(edge.look, typesetter.palette)
    if edge.look == "loop":
        source, target = target, source
        side = "e" if edge.right else "w"
        attributes |= {"tailport": side, "headport": side}
    graph.edge(source, target, typesetter.edge(edge), **attributes)


def _stroke(look: Look, palette: Mapping[Ink, str]) -> dict[str, str]:
    stroke = _STROKES[look]
    color = palette[stroke.ink]
    drawn = {"color": color, "penwidth": stroke.penwidth, "arrowhead": stroke.arrowhead}
    if stroke.style != "solid":
        drawn["style"] = stroke.style
    if look == "success":
        drawn["weight"] = "100"
    if look == "loop":
        drawn |= {"color": f"{color}:{color}", "dir": "back", "arrowtail": "vee", "weight": "0"}
        del drawn["arrowhead"]
    return drawn
