"""Graphviz: a diagram as DOT, and as a picture."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from typing import Literal

import graphviz
from attrs import define, field, frozen

from fsmflow.backends import _svg, engines
from fsmflow.backends._labels import Typesetter, end_width, inks, short_title
from fsmflow.backends._palette import PALETTES, Ink, Theme
from fsmflow.backends.diagram import Diagram, Edge, Look, Node

Format = Literal["svg", "png"]

_START, _ANY_STEP = "__start", "__any_step"  # no state has `__` in its name
_LARGE = 200
_MOST_SUNK = 6
_MOST_ABREAST = 2
_MOST_ARRIVALS = 4

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


# The shape of each end, its colour, and the room beside its words: a share of its height, and points.
_END_SHAPES: dict[str, tuple[str, Ink, tuple[float, float]]] = {
    "success": ("box", "success", (0.0, 28.0)),
    "degraded": ("hexagon", "degraded", (0.9, 4.0)),
    "handoff": ("box", "human", (0.0, 28.0)),
    "failed": ("octagon", "failed", (0.6, 8.0)),
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
    drawing = _Drawing(diagram, Typesetter(PALETTES[theme]))
    drawing.draw_nodes()
    drawing.draw_rows()
    drawing.draw_edges()
    return str(drawing.graph.source)


def picture(diagram: Diagram, format: Format = "svg", theme: Theme = "light") -> bytes:
    """Draw `diagram`. An SVG serves light and dark readers in one file; a PNG has one theme.

    Raises:
        NoEngine: If nothing that can draw is installed.
        DrawingFailed: If the engine could not draw it.
    """
    drawn = engines.render(dot(diagram, "light" if format == "svg" else theme), format)
    return _svg.finish(drawn.decode(), diagram).encode() if format == "svg" else drawn


@define
class _Drawing:
    """A diagram on its way to DOT; the order in which things are drawn decides where they stand."""

    diagram: Diagram
    typesetter: Typesetter
    graph: graphviz.Digraph = field(init=False)
    ids: Mapping[str, str] = field(init=False)
    spine: tuple[str, ...] = field(init=False)
    body: frozenset[str] = field(init=False)
    ends: frozenset[str] = field(init=False)
    nodes: Mapping[str, Node] = field(init=False)
    arrivals: Counter[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        nodes = self.diagram.nodes
        self.ids = {node.name: _id(number, node.name) for number, node in enumerate(nodes)}
        self.spine = tuple(node.name for node in nodes if node.lane == "spine")
        self.body = frozenset(node.name for node in nodes if node.lane == "loop")
        self.nodes = {node.name: node for node in nodes}
        self.arrivals = Counter(
            edge.target
            for edge in self.diagram.edges
            if edge.look in ("fallback", "error") and self.nodes[edge.target].role in _END_SHAPES
        )
        self.ends = frozenset(node.name for node in nodes if node.role in _END_SHAPES)
        self.graph = graphviz.Digraph(
            "workflow",
            graph_attr=_GRAPH
            | (_GRAPH_OF_A_LARGE_ONE if len(nodes) > _LARGE else {})
            | {"bgcolor": self.palette["canvas"], "label": self.typesetter.header(self.diagram)},
            node_attr=_NODE,
            edge_attr=_EDGE,
        )

    @property
    def palette(self) -> Mapping[Ink, str]:
        return self.typesetter.palette

    def draw_nodes(self) -> None:
        """Draw the spine first: what stands first stands left, and so what leaves it stands right."""
        flow = self.palette["flow"]
        self.graph.node(
            _START, "", shape="circle", style="filled", width="0.17", height="0.17",
            fixedsize="true", fillcolor=flow, color=flow, group="spine",
        )  # fmt: skip
        for number, node in sorted(enumerate(self.diagram.nodes), key=_left_to_right):
            self._draw_node(node, id=f"state_{number}")
        if self.diagram.exceeded is not None:
            self.graph.node(
                _ANY_STEP, self.typesetter.any_step(), shape="box", style="rounded,dashed",
                color=self.palette["budget"], penwidth="1", margin="0.09,0.03",
            )  # fmt: skip

    def draw_rows(self) -> None:
        """Set the ends in one row, and a stand-in that only a fallback reaches beside its step."""
        if len(self.ends) <= _MOST_SUNK:
            self._draw_row("sink", [node.name for node in self.diagram.nodes if node.role in _END_SHAPES])
            if self.spine[-1] in self.ends:
                for name in sorted(self.ends - {self.spine[-1]}):
                    self.graph.edge(self.ids[self.spine[-1]], self.ids[name], style="invis")
        arrivals = Counter(edge.target for edge in self.diagram.edges if edge.look != "loop")
        free = set(self.spine) - {self.diagram.exceeded}
        for edge in self.diagram.edges:
            alone = edge.look == "fallback" and arrivals[edge.target] == 1
            if alone and edge.source in free and edge.target not in self.ends | {self.diagram.exceeded}:
                self._draw_row("same", [edge.source, edge.target])
                free -= {edge.source}

    def draw_edges(self) -> None:
        """Draw the edges; steps to which a step fans out stand a few abreast, in rows above what follows."""
        self.graph.edge(_START, self.ids[self.diagram.start], **_stroke("success", self.palette))
        fans = Counter(edge.source for edge in self.diagram.edges if self._fans(edge))
        drawn: Counter[str] = Counter()
        for number, edge in enumerate(self.diagram.edges):
            rows = 1
            if self._fans(edge):
                rows += drawn[edge.source] // _MOST_ABREAST
                drawn[edge.source] += 1
            elif edge.look == "success" and fans[edge.source] > 1:
                rows += -(-fans[edge.source] // _MOST_ABREAST)
            self._draw_edge(edge, id=f"way_{number}", **({"minlen": str(rows)} if rows > 1 else {}))
        if self.diagram.exceeded is not None:
            self.graph.edge(
                _ANY_STEP, self.ids[self.diagram.exceeded], self.typesetter.budget(),
                id="way_budget", **_stroke("budget", self.palette),
            )  # fmt: skip

    def _fans(self, edge: Edge) -> bool:
        return edge.look == "branch" and edge.target not in self.ends and edge.target not in self.spine

    def _draw_node(self, node: Node, **attributes: str) -> None:
        if node.lane == "spine":
            attributes["group"] = "spine"
        if node.role in _END_SHAPES:
            attributes |= _end(node, self.palette)
            label = self.typesetter.end(node)
        else:
            line, tint, _ = inks(node.role)
            attributes |= _STEPS[node.role] | {"color": self.palette[line], "fillcolor": self.palette[tint]}
            label = self.typesetter.step(node)
        self.graph.node(self.ids[node.name], label, **attributes)

    def _draw_row(self, rank: str, names: list[str]) -> None:
        if names:
            with self.graph.subgraph(graph_attr={"rank": rank}) as row:
                for name in names:
                    row.node(self.ids[name])

    def _draw_edge(self, edge: Edge, **attributes: str) -> None:
        """Draw an edge; a loop is drawn from its target, so that the page keeps running down."""
        source, target = self.ids[edge.source], self.ids[edge.target]
        attributes |= _stroke(edge.look, self.palette)
        if edge.look == "loop":
            source, target = target, source
            if {edge.source, edge.target} <= set(self.spine):
                attributes |= {"tailport": "w", "headport": "w"}
        if self._is_crowded(edge):
            target = self._draw_stub(edge, source)
        self.graph.edge(source, target, self.typesetter.edge(edge), **attributes)

    def _is_crowded(self, edge: Edge) -> bool:
        """Whether so many ways leave for an end that each gets a stand-in for it beside its step."""
        return edge.look in ("fallback", "error") and self.arrivals[edge.target] > _MOST_ARRIVALS

    def _draw_stub(self, edge: Edge, source: str) -> str:
        node = self.nodes[edge.target]
        ink = _END_SHAPES[node.role][1]
        stub = f"__{self.ids[edge.target]}_of_{source}_{edge.look}"
        self.graph.node(
            stub, self.typesetter.stub(node), shape="box", style="rounded,filled", margin="0.06,0.02",
            height="0.22", color=self.palette[ink], fillcolor=self.palette[ink],
        )  # fmt: skip
        with self.graph.subgraph(graph_attr={"rank": "same"}) as row:
            row.node(source)
            row.node(stub)
        return stub


def _left_to_right(numbered: tuple[int, Node]) -> tuple[int, int]:
    """Order nodes as Graphviz breaks its ties: what stands first stands left.

    Ends that are left for early stand outermost, so that ways to them enclose the others.
    """
    number, node = numbered
    if node.role in _END_SHAPES and node.lane == "aside":
        return (3, -number)
    return ({"loop": 0, "spine": 1, "aside": 2}[node.lane], number)


def _id(number: int, name: str) -> str:
    """Give a state's id: its name, or its number if the name could mean something to Graphviz."""
    plain = re.fullmatch(r"[a-z]\w*", name, re.ASCII) and "__" not in name
    return name if plain else f"__state_{number}"


def _end(node: Node, palette: Mapping[Ink, str]) -> dict[str, str]:
    """Size an end to its words: its shapes are not measured well by engines without fonts."""
    height = 40 if short_title(node) else 30
    shape, ink, slack = _END_SHAPES[node.role]
    return {
        "shape": shape,
        "style": "rounded,filled" if shape == "box" else "filled",
        "peripheries": "2" if node.role == "handoff" else "1",
        "fillcolor": palette[ink],
        "color": palette[ink],
        "margin": "0",
        "fixedsize": "true",
        "width": f"{math.ceil(end_width(node) + slack[0] * height + slack[1]) / 72:.2f}",
        "height": f"{height / 72:.2f}",
    }


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
