"""What is laid over a diagram: a run, a change, a worst case, the runs of a test campaign.

This is plain data. An overlay says of each state and each edge how it stands out and what is written on
it; what it does not speak of is drawn as a ghost. The files of `overlays` make it, `graphviz` draws it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from attrs import field, frozen

from fsmflow.backends._palette import Ink
from fsmflow.backends.diagram import Look

Emphasis = Literal[
    "plain", "ghost", "added", "removed", "changed", "visited", "failed", "witness", "dominant"
]
"""How a state or an edge stands out. `plain` is as without an overlay, `dominant` a heavier `witness`."""

Way = tuple[str, str, Look]
"""An edge of a diagram: its source, its target, its look."""


@frozen
class Words:
    """A piece of a line of text."""

    text: str
    ink: Ink = "text"
    bold: bool = False
    struck: bool = False


Line = tuple[Words, ...]


@frozen
class Bar:
    """A state's share of a whole run, drawn as the filled part of a track.

    Attributes:
        label: What it is a share of: `time`, `cost`.
        share: The share, from 0 to 1; its colour is that of its heat.
        words: The amount itself: `38.2 s`.
    """

    label: str
    share: float
    words: str


@frozen
class NodeMark:
    """How a state stands out, and what is written in it.

    Attributes:
        emphasis: How it stands out.
        pill: A word beside its name: `×2`, `+ NEW`, `× FAILED HERE`.
        facts: Lines in place of its own on what an attempt may take; None keeps them.
        policy: Lines in place of those of its band; None keeps them.
        note: A line on what went wrong there.
        bars: Its shares of the run.
    """

    emphasis: Emphasis
    pill: str = ""
    facts: tuple[Line, ...] | None = None
    policy: tuple[Line, ...] | None = None
    note: str = ""
    bars: tuple[Bar, ...] = ()


@frozen
class EdgeMark:
    """How an edge stands out, and what is written on it.

    Attributes:
        emphasis: How it stands out.
        label: A line in place of its own label; None keeps it.
        after: Words behind the label: `#3 #7`, `×2`.
        count: How often it was taken; the line is the wider for it.
    """

    emphasis: Emphasis
    label: Line | None = None
    after: str = ""
    count: int = 1


@frozen(kw_only=True)
class Overlay:
    """Everything that is laid over one diagram.

    Attributes:
        header: Lines in place of those on the budget and the worst case.
        nodes: The states that stand out, by name.
        edges: The edges that stand out.
        start: The edge to the first state.
        budget: The edge from any step to `exceeded`.
        legend: What each emphasis stands for, in order; the heat of bars is explained if there are bars.
    """

    header: tuple[Line, ...] = ()
    nodes: Mapping[str, NodeMark] = field(factory=dict)
    edges: Mapping[Way, EdgeMark] = field(factory=dict)
    start: EdgeMark = EdgeMark("ghost")
    budget: EdgeMark = EdgeMark("ghost")
    legend: tuple[tuple[Emphasis, str], ...] = ()
