"""The Graphviz backend: a machine as DOT, and as a picture where something that draws is installed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Literal

import graphviz
from attrs import define, field, frozen

from fsmflow.analysis import Analysis
from fsmflow.backends import Artifact, Places, _svg, engines
from fsmflow.backends._labels import Typesetter, end_width, inks, short_title
from fsmflow.backends._layout import ENDS, Layout, lay_out
from fsmflow.backends._palette import PALETTES, Ink, Theme
from fsmflow.backends.diagram import Diagram, Edge, Look, Node, extract

Format = Literal["svg", "png"]

_START, _ANY_STEP = "__start", "__any_step"  # no state has `__` in its name
_LARGE = 200
_HUGE = 1000

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


def emit(analysis: Analysis, places: Places) -> Iterator[Artifact]:
    """Make the drawing of the workflow: `NAME.dot`, and `NAME.svg` if it can be drawn here.

    A machine of more than a thousand states is too large to be laid out in a sensible time, or looked at.
    """
    diagram = extract(analysis.machine)
    name = analysis.machine.name
    yield Artifact(places.diagrams / f"{name}.dot", dot(diagram).encode())
    if len(diagram.nodes) <= _HUGE and engines.find() is not None:
        yield Artifact(places.diagrams / f"{name}.svg", picture(diagram))


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
    """A diagram on its way to DOT."""

    diagram: Diagram
    typesetter: Typesetter
    layout: Layout = field(init=False)
    nodes: Mapping[str, Node] = field(init=False)
    ids: Mapping[str, str] = field(init=False)
    graph: graphviz.Digraph = field(init=False)

    def __attrs_post_init__(self) -> None:
        nodes = self.diagram.nodes
        self.layout = lay_out(self.diagram)
        self.nodes = {node.name: node for node in nodes}
        self.ids = {node.name: _id(number, node.name) for number, node in enumerate(nodes)}
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
        flow = self.palette["flow"]
        self.graph.node(
            _START, "", shape="circle", style="filled", width="0.17", height="0.17",
            fixedsize="true", fillcolor=flow, color=flow, group="spine",
        )  # fmt: skip
        for number in self.layout.order:
            self._draw_node(self.diagram.nodes[number], id=f"state_{number}")
        if self.diagram.exceeded is not None:
            self.graph.node(
                _ANY_STEP, self.typesetter.any_step(), shape="box", style="rounded,dashed",
                color=self.palette["budget"], penwidth="1", margin="0.09,0.03",
            )  # fmt: skip

    def draw_rows(self) -> None:
        layout = self.layout
        self._draw_row("sink", *(self.ids[name] for name in layout.last))
        for name in layout.last:
            if layout.leftmost not in (None, name):
                self.graph.edge(self.ids[str(layout.leftmost)], self.ids[name], style="invis")
        for pair in layout.rows:
            self._draw_row("same", *(self.ids[name] for name in pair))

    def draw_edges(self) -> None:
        self.graph.edge(_START, self.ids[self.diagram.start], **_stroke("success", self.palette))
        for number, edge in enumerate(self.diagram.edges):
            self._draw_edge(number, edge)
        if self.diagram.exceeded is not None:
            self.graph.edge(
                _ANY_STEP, self.ids[self.diagram.exceeded], self.typesetter.budget(),
                id="way_budget", **_stroke("budget", self.palette),
            )  # fmt: skip

    def _draw_node(self, node: Node, **attributes: str) -> None:
        if node.lane == "spine":
            attributes["group"] = "spine"
        if node.role in ENDS:
            attributes |= _end(node, self.palette)
            label = self.typesetter.end(node)
        else:
            line, tint, _ = inks(node.role)
            attributes |= _STEPS[node.role] | {"color": self.palette[line], "fillcolor": self.palette[tint]}
            label = self.typesetter.step(node)
        self.graph.node(self.ids[node.name], label, **attributes)

    def _draw_row(self, rank: str, *ids: str) -> None:
        if ids:
            with self.graph.subgraph(graph_attr={"rank": rank}) as row:
                for name in ids:
                    row.node(name)

    def _draw_edge(self, number: int, edge: Edge) -> None:
        """Draw an edge; a loop is drawn from its target, so that the page keeps running down."""
        tail, head = self.ids[edge.source], self.ids[edge.target]
        attributes = {"id": f"way_{number}"} | _stroke(edge.look, self.palette)
        if edge.look == "loop":
            tail, head = head, tail
        if number in self.layout.outer:
            attributes |= {"tailport": "w", "headport": "w"}
        if self.layout.spans[number] > 1:
            attributes["minlen"] = str(self.layout.spans[number])
        if number in self.layout.stubbed:
            head = self._draw_stub(self.nodes[edge.target], tail)
        self.graph.edge(tail, head, self.typesetter.edge(edge), **attributes)

    def _draw_stub(self, node: Node, tail: str) -> str:
        stub = f"__{self.ids[node.name]}_of_{tail}"
        color = self.palette[_END_SHAPES[node.role][1] if node.role in ENDS else inks(node.role)[0]]
        self.graph.node(
            stub, self.typesetter.stub(node), shape="box", style="rounded,filled",
            margin="0.06,0.02", height="0.22", color=color, fillcolor=color,
        )  # fmt: skip
        self._draw_row("same", tail, stub)
        return stub


def _id(number: int, name: str) -> str:
    """Give a state's id: its name, or its number if the name could mean something to Graphviz."""
    plain = re.fullmatch(r"[a-z]\w{0,62}", name, re.ASCII) and "__" not in name
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
