"""The Graphviz backend: a machine as DOT, and as a picture where something that draws is installed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress

import graphviz
from attrs import define, field

from fsmflow.analysis import Analysis
from fsmflow.backends import Artifact, Places, _clearing, _moving, _svg, engines
from fsmflow.backends._emphasis import LINES, dress
from fsmflow.backends._labels import UNMARKED, Typesetter, end_subtitle, end_width
from fsmflow.backends._layout import ENDS, Layout, lay_out
from fsmflow.backends._palette import PALETTES, Ink, Theme
from fsmflow.backends._strokes import PLAIN, stroke
from fsmflow.backends.diagram import Diagram, Edge, Node, extract
from fsmflow.backends.engines import Format
from fsmflow.backends.overlay import EdgeMark, NodeMark, Overlay

_START, _ANY_STEP = "__start", "__any_step"  # no state has `__` in its name
_SMALL = 60
_MOST_NODES, _MOST_EDGES = 1000, 6000

_GRAPH = {
    "rankdir": "TB",
    "pad": "0.25",
    "nodesep": "0.16",
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
_GRAPH_OF_A_SMALL_ONE = {"mclimit": "20"}  # look longer for the order with the fewest crossings
_NODE = {"fontname": "Arial", "fontsize": "12", "margin": "0.11,0.07", "penwidth": "1.2", "height": "0.3"}
_EDGE = {"fontname": "Arial", "fontsize": "9", "arrowsize": "0.75"}

_STEPS: dict[str, dict[str, str]] = {
    "llm": {"shape": "box", "style": "rounded,filled"},
    "tool": {"shape": "component", "style": "filled"},
    "fn": {"shape": "box", "style": "filled"},
    "choose": {"shape": "hexagon", "style": "filled", "margin": "0,0.03"},
    "wait": {"shape": "box", "style": "rounded,filled"},
    "human": {"shape": "box", "style": "rounded,filled", "peripheries": "2"},
    "map": {"shape": "box", "style": "rounded,filled"},
    "parallel": {"shape": "box", "style": "rounded,filled"},
    "call": {"shape": "box", "style": "rounded,filled"},
}

# The shape of each end, and the room beside its words: a share of its height, and points.
_END_SHAPES: dict[str, tuple[str, tuple[float, float]]] = {
    "success": ("box", (0.0, 28.0)),
    "degraded": ("hexagon", (0.9, 4.0)),
    "handoff": ("box", (0.0, 28.0)),
    "failed": ("octagon", (0.6, 8.0)),
}
_ROOM_FOR_A_PILL = 1.6
"""How much more room that is, so that slanted sides do not cut a pill."""

_UNSEEN = (("s", "n"), ("s", "_"), ("_", "n"), ("c", "c"))
"""Between which sides of two steps of the spine further lines run that are not drawn.

An engine leads a line where it crosses the fewest others. One that crosses the spine crosses these too, each
of them since no two run between the same sides, so a loop beside the spine stays on its side of it.
"""

_GHOST_NODE, _GHOST_EDGE = NodeMark("ghost"), EdgeMark("ghost")


def emit(analysis: Analysis, places: Places) -> Iterator[Artifact]:
    """Make the drawing of the workflow: `NAME.dot`, and `NAME.svg` if it can be drawn here.

    Of one that is too large for a picture there is the text alone. States that run a workflow are links
    to its drawing, which is made beside this one.
    """
    diagram = extract(analysis.machine, analysis.proof)
    name = analysis.machine.name
    yield Artifact(places.diagrams / f"{name}.dot", dot(diagram).encode())
    if is_drawable(diagram) and engines.find() is not None:
        yield Artifact(places.diagrams / f"{name}.svg", picture(diagram, links=to_children(diagram)))


def to_children(diagram: Diagram) -> dict[str, str]:
    """Give, for each state that runs one workflow, where the drawing of that is: `NAME.svg`, beside."""
    runs = {node.name: {card.workflow for card in node.cards} for node in diagram.nodes}
    return {name: f"{workflow}.svg" for name, found in runs.items() if len(found) == 1 for workflow in found}


def is_drawable(diagram: Diagram) -> bool:
    """Tell whether a picture of `diagram` can be laid out in a sensible time, and looked at."""
    return len(diagram.nodes) <= _MOST_NODES and len(diagram.edges) <= _MOST_EDGES


def dot(diagram: Diagram, theme: Theme = "light", overlay: Overlay | None = None) -> str:
    """Write `diagram`, with what is laid over it, in DOT. The same gives the same bytes everywhere."""
    drawing = _Drawing(diagram, Typesetter(PALETTES[theme]), overlay)
    drawing.draw_nodes()
    drawing.draw_rows()
    drawing.draw_edges()
    return str(drawing.graph.source)


def picture(
    diagram: Diagram,
    format: Format = "svg",
    theme: Theme = "light",
    overlay: Overlay | None = None,
    links: Mapping[str, str] | None = None,
) -> bytes:
    """Draw `diagram`, with what is laid over it; in an SVG, states are links to the addresses of `links`.

    An SVG serves light and dark readers in one file; a PNG or a PDF has one theme.

    Raises:
        NoEngine: If nothing that can draw is installed.
        DrawingFailed: If the engine could not draw it, or it is too large to be drawn.
    """
    if not is_drawable(diagram):
        raise engines.DrawingFailed(
            f"{len(diagram.nodes):,} states and {len(diagram.edges):,} ways between them are too many for a "
            f"picture, which has room for {_MOST_NODES:,} and {_MOST_EDGES:,}: write it as dot or mermaid"
        )
    text = dot(diagram, "light" if format == "svg" else theme, overlay)
    if format == "svg":
        drawn = engines.render(text).decode()
        if _is_small(diagram):
            drawn = _moving.in_svg(drawn, _clearing.shifts(drawn))
        return _svg.finish(drawn, diagram, links).encode()
    return (_cleared(text, format) if _is_small(diagram) else None) or engines.render(text, format)


def _cleared(text: str, format: Format) -> bytes | None:
    """Draw a picture with words moved out of the way; None where none are, or the engine cannot do it."""
    with suppress(engines.DrawingFailed):
        laid_out = engines.lay_out(text, format)
        moves = _clearing.shifts(engines.render_in_place(laid_out, "svg").decode())
        return engines.render_in_place(_moving.in_dot(laid_out, moves), format) if moves else None
    return None


def _is_small(diagram: Diagram) -> bool:
    """Tell whether there is time for what makes a drawing clearer."""
    return len(diagram.nodes) <= _SMALL


@define
class _Drawing:
    """A diagram on its way to DOT."""

    diagram: Diagram
    typesetter: Typesetter
    overlay: Overlay | None
    layout: Layout = field(init=False)
    nodes: Mapping[str, Node] = field(init=False)
    ids: Mapping[str, str] = field(init=False)
    is_gone: bool = field(init=False)
    graph: graphviz.Digraph = field(init=False)

    def __attrs_post_init__(self) -> None:
        nodes = self.diagram.nodes
        self.layout = lay_out(self.diagram)
        self.nodes = {node.name: node for node in nodes}
        self.ids = {node.name: _id(number, node.name) for number, node in enumerate(nodes)}
        self.is_gone = all(self._mark(node).emphasis == "removed" for node in nodes)
        self.graph = graphviz.Digraph(
            "workflow",
            graph_attr=_GRAPH
            | (_GRAPH_OF_A_SMALL_ONE if _is_small(self.diagram) else {})
            | {
                "bgcolor": self.palette["canvas"],
                "label": self.typesetter.header(self.diagram, self.overlay),
            },
            node_attr=_NODE,
            edge_attr=_EDGE,
        )

    @property
    def palette(self) -> Mapping[Ink, str]:
        return self.typesetter.palette

    def draw_nodes(self) -> None:
        flow = self.palette["ghost" if self._start.emphasis == "ghost" else "flow"]
        self.graph.node(
            _START, "", shape="circle", style="filled", width="0.17", height="0.17",
            fixedsize="true", fillcolor=flow, color=flow, group="spine",
        )  # fmt: skip
        for number in self.layout.order:
            self._draw_node(self.diagram.nodes[number], id=f"state_{number}")
        if self.diagram.exceeded is not None:
            self.graph.node(
                _ANY_STEP, self.typesetter.any_step(self._budget), shape="box", style="rounded,dashed",
                color=stroke("budget", self.palette, self._budget)["color"],
                penwidth="1", margin="0.09,0.03",
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
        self.graph.edge(
            _START, self.ids[self.diagram.start], self.typesetter.start(self._start),
            id="way_start", **stroke("success", self.palette, self._start),
        )  # fmt: skip
        for number, edge in enumerate(self.diagram.edges):
            self._draw_edge(number, edge)
        if _is_small(self.diagram):
            for number in sorted(self.layout.passed):
                self._bar(self.diagram.edges[number])
        if self.diagram.exceeded is not None:
            self.graph.edge(
                _ANY_STEP, self.ids[self.diagram.exceeded], self.typesetter.budget(self._budget),
                id="way_budget", **stroke("budget", self.palette, self._budget),
            )  # fmt: skip

    @property
    def _start(self) -> EdgeMark:
        return PLAIN if self.overlay is None else self.overlay.start

    @property
    def _budget(self) -> EdgeMark:
        return PLAIN if self.overlay is None else self.overlay.budget

    def _holds(self, mark: NodeMark | EdgeMark) -> bool:
        """Tell whether something has a say in the layout; what is gone has none, unless all of it is."""
        return mark.emphasis != "removed" or self.is_gone

    def _mark(self, node: Node) -> NodeMark:
        return UNMARKED if self.overlay is None else self.overlay.nodes.get(node.name, _GHOST_NODE)

    def _way(self, edge: Edge) -> EdgeMark:
        if self.overlay is None:
            return PLAIN
        return self.overlay.edges.get((edge.source, edge.target, edge.look), _GHOST_EDGE)

    def _draw_node(self, node: Node, **attributes: str) -> None:
        mark = self._mark(node)
        if node.lane == "spine" and self._holds(mark):
            attributes["group"] = "spine"
        if node.role in ENDS:
            attributes |= _end(node, mark)
            label = self.typesetter.end(node, mark)
        else:
            attributes |= _STEPS[node.role]
            label = self.typesetter.step(node, mark)
        worn = dress(node.role, mark.emphasis)
        attributes |= {"color": self.palette[worn.line], "fillcolor": self.palette[worn.fill]}
        if worn.pen is not None:
            attributes["penwidth"] = worn.pen
        if worn.dashed:
            attributes["style"] += ",dashed"
        self.graph.node(self.ids[node.name], label, **attributes)

    def _draw_row(self, rank: str, *ids: str) -> None:
        if ids:
            with self.graph.subgraph(graph_attr={"rank": rank}) as row:
                for name in ids:
                    row.node(name)

    def _draw_edge(self, number: int, edge: Edge) -> None:
        """Draw an edge; a loop is drawn from its target, so that the page keeps running down."""
        tail, head = self.ids[edge.source], self.ids[edge.target]
        mark = self._way(edge)
        far = number in self.layout.far
        attributes = {"id": f"way_{number}"} | stroke(edge.look, self.palette, mark, turned=not far)
        if not (self._holds(mark) or far or number in self.layout.stubbed):
            attributes["weight"] = "0"
        if edge.look == "loop" and not far:
            tail, head = head, tail
        if number in self.layout.outer:
            attributes |= {"tailport": "w", "headport": "w"}
        if number in self.layout.leaving:
            attributes["tailport"] = "e"
        if self.layout.spans[number] > 1 and not far:
            attributes["minlen"] = str(self.layout.spans[number])
        if far or number in self.layout.stubbed:
            head = self._draw_stub(self.nodes[edge.target], tail, mark, beside=not far)
        self.graph.edge(tail, head, self.typesetter.edge(edge, mark), **attributes)

    def _bar(self, edge: Edge) -> None:
        """Keep lines from crossing a part of the spine."""
        if self._holds(self._way(edge)):
            for tail, head in _UNSEEN:
                self.graph.edge(
                    self.ids[edge.source], self.ids[edge.target],
                    style="invis", weight="0", tailport=tail, headport=head,
                )  # fmt: skip

    def _draw_stub(self, node: Node, tail: str, mark: EdgeMark, *, beside: bool) -> str:
        """Draw a stand-in, which looks as the way to it does; a solid one, unless the way is a ghost."""
        stub = f"__{self.ids[node.name]}_of_{tail}{'' if beside else '_below'}"
        ink = dress(node.role, "plain").line if mark.emphasis == "plain" else LINES[mark.emphasis]
        ghost = mark.emphasis == "ghost"
        self.graph.node(
            stub, self.typesetter.stub(node, "ghost text" if ghost else "on solid"),
            shape="box", style="rounded,filled", margin="0.06,0.02", height="0.22",
            color=self.palette[ink], fillcolor=self.palette["ghost band" if ghost else ink],
        )  # fmt: skip
        if beside:
            self._draw_row("same", tail, stub)
        return stub


def _id(number: int, name: str) -> str:
    """Give a state's id: its name, or its number if the name could mean something to Graphviz."""
    plain = re.fullmatch(r"[a-z]\w{0,62}", name, re.ASCII) and "__" not in name
    return name if plain else f"__state_{number}"


def _end(node: Node, mark: NodeMark) -> dict[str, str]:
    """Size an end to its words: its shapes are not measured well by engines without fonts."""
    height = 30 + 10 * len(end_subtitle(node, mark))
    shape, (share, points) = _END_SHAPES[node.role]
    slack = share * height * (_ROOM_FOR_A_PILL if mark.pill else 1) + points
    return {
        "shape": shape,
        "style": "rounded,filled" if shape == "box" else "filled",
        "peripheries": "2" if node.role == "handoff" else "1",
        "margin": "0",
        "fixedsize": "true",
        "width": f"{math.ceil(end_width(node, mark) + slack) / 72:.2f}",
        "height": f"{height / 72:.2f}",
    }
