"""A change to a workflow: one drawing of both versions, laid out as the new one is.

What is in both is a ghost; what was added, removed or changed stands out. States that were renamed are
one state. A way that leads elsewhere now is a way that is gone and one that is new.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from attrs import define, evolve, field

from fsmflow.analysis.comparing.changes import ITSELF, Change
from fsmflow.analysis.comparing.difference import Difference, Version
from fsmflow.analysis.comparing.renames import renamed
from fsmflow.backends._labels import EDGE_GLYPHS, short_title
from fsmflow.backends._layout import ENDS
from fsmflow.backends._wording import duration, money, plain
from fsmflow.backends.diagram import Diagram, Edge, Node, extract
from fsmflow.backends.overlay import EdgeMark, Emphasis, Line, NodeMark, Overlay, Way, Words
from fsmflow.backends.overlays import _replaced
from fsmflow.backends.overlays._diff_header import header
from fsmflow.backends.overlays._replaced import IN_A_BAND, IN_A_STATE, ON_A_WAY, replaced

PILLS: Mapping[Emphasis, str] = {"added": "+ NEW", "removed": "− REMOVED", "changed": "Δ CHANGED"}
LEGEND: tuple[tuple[Emphasis, str], ...] = (
    ("added", "+ added"),
    ("removed", "− removed"),
    ("changed", "Δ changed"),
    ("ghost", "unchanged"),
)

_ADDED = NodeMark("added", PILLS["added"])
_REMOVED = NodeMark("removed", PILLS["removed"])
_FACTS = ("timeout", "cost", "wait", "run", "effect", "role", "at_most", "width", "tolerate")
"""What is told by the facts of a state."""

_MOST_NOTES = 3
_LONGEST_SIDE = 36


class NotDrawable(ValueError):
    """A version could not be read as a workflow, or there is none at all."""


def union(difference: Difference) -> tuple[Diagram, Overlay]:
    """Draw up both versions in one diagram, and what became of each state and each edge of it.

    Raises:
        NotDrawable: If a version that is there could not be read as a workflow.
    """
    old, new = _drawn(difference.old, difference.renamed), _drawn(difference.new, {})
    if old is None or new is None:
        return _of_one(difference, old, new)
    ways = _Ways(old, new)
    ways.lay_out()
    nodes = _nodes(difference, old, new, ways)
    gone = tuple(
        evolve(node, lane="aside" if node.lane == "spine" else node.lane)
        for node in old.nodes
        if nodes.get(node.name) == _REMOVED
    )
    drawing = evolve(
        new,
        nodes=new.nodes + gone,
        edges=tuple(ways.edges),
        exceeded=new.exceeded or old.exceeded,
    )
    start = EdgeMark("ghost") if old.start == new.start else _led_elsewhere("", old.start, new.start)
    budget = _budget(old, new)
    present = {mark.emphasis for mark in nodes.values()}
    present |= {mark.emphasis for mark in (*ways.marks.values(), start, budget)}
    return drawing, Overlay(
        header=header(difference, nodes, (*ways.marks.values(), budget)),
        nodes=nodes,
        edges=ways.marks,
        start=start,
        budget=budget,
        legend=tuple(entry for entry in LEGEND if entry[0] in present | {"ghost"}),
    )


def _of_one(difference: Difference, old: Diagram | None, new: Diagram | None) -> tuple[Diagram, Overlay]:
    """Draw a workflow that is new, or gone, as a whole."""
    diagram = new or old
    if diagram is None:
        raise NotDrawable("neither version is there")
    mark, way = (_ADDED, EdgeMark("added")) if old is None else (_REMOVED, EdgeMark("removed"))
    nodes = {node.name: mark for node in diagram.nodes}
    edges: dict[Way, EdgeMark] = {_key(edge): way for edge in diagram.edges}
    counted = (*edges.values(), way) if diagram.exceeded else tuple(edges.values())
    return diagram, Overlay(
        header=header(difference, nodes, counted),
        nodes=nodes,
        edges=edges,
        start=way,
        budget=way,
        legend=tuple(entry for entry in LEGEND if entry[0] == mark.emphasis),
    )


def _drawn(version: Version | None, names: Mapping[str, str]) -> Diagram | None:
    """Draw up a version, with the names that its states have now."""
    if version is None:
        return None
    if version.analysis is None:
        raise NotDrawable("a version can't be read as a workflow")
    return extract(renamed(version.analysis.machine, names))


def _key(edge: Edge) -> Way:
    return edge.source, edge.target, edge.look


@define
class _Ways:
    """The edges of both versions, each once, and what became of them."""

    old: Diagram
    new: Diagram
    edges: list[Edge] = field(factory=list)
    marks: dict[Way, EdgeMark] = field(factory=dict)
    onward: dict[str, set[str]] = field(factory=dict)
    taken: set[Way] = field(factory=set)

    def lay_out(self) -> None:
        """Put the edges of the new version first; those that are gone must not turn the page round."""
        before = {_key(edge): edge for edge in self.old.edges}
        self.taken = {_key(edge) for edge in (*self.old.edges, *self.new.edges)}
        matched = {key: before.pop(key) for edge in self.new.edges if (key := _key(edge)) in before}
        left: dict[tuple[str, str], list[Edge]] = {}
        for edge in before.values():
            left.setdefault((edge.source, edge.target), []).append(edge)
        for edge in self.new.edges:
            key, same = _key(edge), left.get((edge.source, edge.target))
            if key not in matched and same:  # it only stands elsewhere: on the spine, or the other way round
                matched[key] = same.pop(0)
            self._add(edge)
            was = matched.get(key)
            if was is None:
                self.marks[key] = EdgeMark("added")
            elif was.reasons != edge.reasons:
                label = _replaced.reasons(EDGE_GLYPHS.get(edge.look, ""), was.reasons, edge.reasons)
                self.marks[key] = EdgeMark("changed", label)
        for edge in [edge for same in left.values() for edge in same]:
            self._add(gone := self._turned(edge))
            self.marks[_key(gone)] = EdgeMark("removed")

    def _add(self, edge: Edge) -> None:
        self.edges.append(edge)
        tail, head = _downward(edge)
        self.onward.setdefault(tail, set()).add(head)

    def _turned(self, edge: Edge) -> Edge:
        """Draw an edge upward if what it led down to stands above it now."""
        tail, head = _downward(edge)
        if not self._leads(head, tail):
            return edge
        other = evolve(edge, look="branch" if edge.look == "loop" else "loop")
        if _key(other) in self.taken:
            return edge
        self.taken.add(_key(other))
        return other

    def _leads(self, tail: str, head: str) -> bool:
        """Tell whether `head` stands below `tail`."""
        seen, waiting = {tail}, [tail]
        while waiting:
            state = waiting.pop()
            if state == head:
                return True
            fresh = self.onward.get(state, set()) - seen
            seen |= fresh
            waiting += fresh
        return False


def _downward(edge: Edge) -> tuple[str, str]:
    return (edge.target, edge.source) if edge.look == "loop" else (edge.source, edge.target)


def _budget(old: Diagram, new: Diagram) -> EdgeMark:
    if old.exceeded == new.exceeded:
        return EdgeMark("ghost")
    if old.exceeded is None:
        return EdgeMark("added")
    return EdgeMark("removed") if new.exceeded is None else _led_elsewhere("■ ", old.exceeded, new.exceeded)


def _led_elsewhere(glyph: str, before: str, after: str) -> EdgeMark:
    return EdgeMark("changed", (Words(glyph, "changed"), *replaced(before, after, ON_A_WAY)))


def _nodes(difference: Difference, old: Diagram, new: Diagram, ways: _Ways) -> dict[str, NodeMark]:
    """Mark the states that are not as they were."""
    before = {node.name: node for node in old.nodes}
    former = {now: name for name, now in difference.renamed.items()}
    told: dict[str, list[Change]] = {}
    for change in difference.changes:
        told.setdefault(change.key.state, []).append(change)
    seen = {source for (source, _, _), mark in ways.marks.items() if mark.emphasis != "ghost"}
    marks = {}
    for node in new.nodes:
        if node.name not in before:
            marks[node.name] = _ADDED
            continue
        changes = told.get(node.name, ())
        mark = _changed(before[node.name], node, former.get(node.name), changes, node.name in seen)
        if mark is not None:
            marks[node.name] = mark
    now = {node.name for node in new.nodes}
    return marks | {name: _REMOVED for name in before if name not in now}


def _changed(
    old: Node, new: Node, former: str | None, changes: Sequence[Change], on_a_way: bool
) -> NodeMark | None:
    """Mark a state that is in both versions, if it is not as it was."""
    notes = _notes(old, new, changes, on_a_way)
    facts = _facts(old, new, former)
    redrawn = evolve(old, name="", lane="aside", contract=()) != evolve(
        new, name="", lane="aside", contract=()
    )
    if not (notes or former or redrawn):
        return None
    policy = None if old.policy == new.policy else _replaced.lines(old.policy, new.policy, IN_A_BAND)
    pill = PILLS["changed"] if notes or redrawn else "Δ RENAMED"
    return NodeMark("changed", pill, facts, policy, " · ".join(notes))


def _facts(old: Node, new: Node, former: str | None) -> tuple[Line, ...] | None:
    """Word the name that a state had, its title and its facts; None where they are as they were."""
    before, after = (((short_title(node),) if short_title(node) else ()) + node.facts for node in (old, new))
    if before == after and former is None:
        return None
    was = () if former is None else ((Words("was ", "muted"), Words(former, "muted", struck=True)),)
    if new.role in ENDS and before != after:  # there is room for one of them on a line
        titles = ((Words(short_title(old), struck=True),), (Words(short_title(new)),))
        return (*was, *(line for line in titles if line[0].text))
    return (*was, *_replaced.lines(before, after, IN_A_STATE))


def _notes(old: Node, new: Node, changes: Iterable[Change], on_a_way: bool) -> list[str]:
    """Word what changed in a state and can be seen neither in it nor on the ways out of it."""
    found = []
    if old.role != new.role:
        found.append(f"kind: {old.role} → {new.role}")
    if old.title != new.title and short_title(old) == short_title(new):
        found.append("title")
    found += [_worded(change) for change in changes if not _is_seen(change, old, new, on_a_way)]
    more = len(found) - _MOST_NOTES
    return found if more <= 0 else [*found[:_MOST_NOTES], f"+{more}"]


def _is_seen(change: Change, old: Node, new: Node, on_a_way: bool) -> bool:
    match change.key.topic:
        case "state":
            return change.key.name == "name" or old.role != new.role
        case "contract":
            return change.key.name == "reserve" or (change.key.name in _FACTS and old.facts != new.facts)
        case _:
            return on_a_way or old.policy != new.policy


def _worded(change: Change) -> str:
    key = change.key
    if key.topic == "contract" and key.name == ITSELF:
        return f"{plain(key.aspect, _LONGEST_SIDE)} itself changed"
    if key.name == "ask" and change.sign == "changed":
        return f"asked before: {plain(str(change.before), 2 * _LONGEST_SIDE)}"
    words = (key.name or key.kind, "cap" if key.topic == "cap" else "", key.aspect)
    what = plain(" ".join(word for word in words if word), _LONGEST_SIDE)
    before, after = _said(change, change.before), _said(change, change.after)
    if not before or not after:
        return f"{'+' if after else '−'} {what}: {after or before}"
    return f"{what}: {before} → {after}"


def _said(change: Change, said: int | str | None) -> str:
    if said is None:
        return ""
    if isinstance(said, int):
        amount = {"microseconds": duration, "micro_usd": money}.get(change.key.metric or "", str)
        return amount(said)
    return plain(said, _LONGEST_SIDE)
