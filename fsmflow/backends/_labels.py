"""The labels of a drawing: of its steps, its ends and its edges, with what is laid over them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import get_args

from attrs import evolve, field, frozen

from fsmflow.backends import _bars, _cards, _header
from fsmflow.backends._arial import estimate, width
from fsmflow.backends._cells import NAME, SMALL, TABLE, Cells, room, row, space, tag_width, tidied
from fsmflow.backends._emphasis import LINES, Dress, dress
from fsmflow.backends._palette import Ink
from fsmflow.backends._strokes import PLAIN
from fsmflow.backends._wording import lines, plain
from fsmflow.backends.diagram import LONGEST_LABEL, LONGEST_NAME, Diagram, Edge, Look, Node, Step
from fsmflow.backends.overlay import EdgeMark, Line, NodeMark, Overlay, Words

TAGS: Mapping[str, str] = {role: role.upper() for role in get_args(Step)}
GLYPHS = {"success": "●", "degraded": "▲", "handoff": "→", "failed": "×"}
EDGE_GLYPHS: dict[Look, str] = {"loop": "↑ ", "fallback": "» ", "budget": "■ ", "error": "× "}
SIGNS = {"added": "+ ", "removed": "− ", "changed": "Δ "}

UNMARKED = NodeMark("plain")
"""A state that is drawn as without an overlay."""

_LINE = 42
"""The most characters of a line of facts or policy."""
_MARKED_LINE = 60
"""The most of one that an overlay puts in its place, which may be a sum."""
_QUESTION_LINE, _MOST_QUESTION_LINES = 34, 3
_MOST_REASONS = 3
_MOST_LINES = 6
_LONGEST_PILL = 20


@frozen
class Typesetter:
    """Sets the labels of one drawing in the colours of one theme."""

    palette: Mapping[Ink, str]
    cells: Cells = field(init=False)

    @cells.default
    def _cells(self) -> Cells:
        return Cells(self.palette)

    def step(self, node: Node, mark: NodeMark = UNMARKED) -> str:
        """Set a step: its tag and name, what it may take and runs, a band with its policy, and its bars."""
        worn = dress(node.role, mark.emphasis)
        facts, policy = _facts(node, mark, worn), _question(node, worn) + _policy(node, mark, worn)
        note = _note(mark)
        head, taken = self._head(node, mark, worn)
        inner = math.ceil(
            max(
                taken,
                *map(self._room, facts),
                *(self._room(rule) + 12 for rule in policy),
                *(room(line, bold=True) for line in note),
                _cards.least_width(node.cards),
                _bars.least_width(mark.bars),
            )
        )
        rows = [row(head, taken, (inner - taken) / 2, inner)]
        rows += [self._row(fact, inner, height=15) for fact in facts]
        rows += [
            self.cells.centred(line, SMALL, _note_ink(mark), inner, bold=True, height=13) for line in note
        ]
        rows += _cards.rows(self.cells, node, worn, inner)
        if policy:
            rules = "".join(self._row(rule, inner - 4, height=11) for rule in policy)
            rows.append(
                f'<TR><TD HEIGHT="3"></TD></TR><TR><TD WIDTH="{inner}"><TABLE BORDER="0" CELLBORDER="0" '
                f'CELLSPACING="0" CELLPADDING="2" STYLE="ROUNDED" BGCOLOR="{self.palette[worn.band]}">{rules}'
                "</TABLE></TD></TR>"
            )
        rows += _bars.rows(self.cells, mark.bars, inner)
        return f"<{TABLE}{''.join(rows)}</TABLE>>"

    def end(self, node: Node, mark: NodeMark = UNMARKED) -> str:
        """Set an end: its sign and name, and below it its title where that is short, or a note."""
        worn = dress(node.role, mark.emphasis)
        inner = math.ceil(end_width(node, mark))
        pill = self._pill(mark, worn, inverse=worn.name == "on solid")
        if pill:
            name = self.cells.font(end_name(node), NAME, worn.name, bold=True, struck=worn.struck)
            head = _beside(pill, f'<TD HEIGHT="16" VALIGN="BOTTOM">{name}</TD>', first=worn.pill_first)
            taken = _pill_room(mark) + estimate(end_name(node), NAME, bold=True)
            rows = row(head, taken, (inner - _pill_room(mark) - _name_width(node)) / 2, inner)
        else:
            rows = self.cells.centred(end_name(node), NAME, worn.name, inner, bold=True, struck=worn.struck)
        for line in end_subtitle(node, mark):
            rows += self._row(line, inner)
        return f"<{TABLE}{rows}</TABLE>>"

    def stub(self, node: Node, ink: Ink = "on solid") -> str:
        """Set a small stand-in for a state that many ways lead to."""
        name = end_name(node) if node.role in GLYPHS else plain(node.name, LONGEST_NAME)
        return f"<{self.cells.font(name, SMALL, ink, bold=True)}>"

    def any_step(self, mark: EdgeMark = PLAIN) -> str:
        """Set the pill that stands for every step whose budget is used up."""
        return f"<{self.cells.font('any step', SMALL, _label_ink('budget', mark))}>"

    def budget(self, mark: EdgeMark = PLAIN) -> str | None:
        """Set the label of the way from any step."""
        return self._edge([("■ budget", False)], _label_ink("budget", mark), mark)

    def start(self, mark: EdgeMark = PLAIN) -> str | None:
        """Set the label of the way to the first state: nothing but what is laid over it."""
        return self._edge([], _label_ink("success", mark), mark)

    def edge(self, edge: Edge, mark: EdgeMark = PLAIN) -> str | None:
        """Set why an edge is taken and how often it may be; None where there is nothing to say."""
        told = edge.reasons[:_MOST_REASONS]
        parts: list[tuple[str, bool]] = []
        for reason in told:
            sign = " · " if parts else EDGE_GLYPHS.get(edge.look, "")
            text = sign + plain(reason.text, LONGEST_LABEL)
            if text.strip():
                parts.append((text, False))
            if reason.bound:
                parts.append(((" " if reason.text else "") + reason.bound, True))
        if len(edge.reasons) > len(told):
            parts.append((f" · +{len(edge.reasons) - len(told)}", False))
        return self._edge(parts, _label_ink(edge.look, mark), mark)

    def header(self, diagram: Diagram, overlay: Overlay | None = None) -> str:
        """Set what stands above the drawing."""
        return _header.header(self.cells, diagram, overlay)

    def _head(self, node: Node, mark: NodeMark, worn: Dress) -> tuple[str, float]:
        """Set the tag, the name and the pill of a step, and tell how wide they are."""
        tag, name = TAGS[node.role], plain(node.name, LONGEST_NAME)
        taken = tag_width(tag) + 5 + width(name, NAME, bold=True)
        label = self.cells.font(name, NAME, worn.name, bold=True, struck=worn.struck)
        head = f'{self.cells.tag(tag, worn.tag)}{space(5)}<TD HEIGHT="16" VALIGN="BOTTOM">{label}</TD>'
        return (
            _beside(self._pill(mark, worn), head, first=worn.pill_first),
            taken + _pill_room(mark),
        )

    def _pill(self, mark: NodeMark, worn: Dress, *, inverse: bool = False) -> str:
        """Set the word beside a name; on a solid field it is one of the other colour."""
        if not mark.pill:
            return ""
        ink: tuple[Ink, Ink] = ("on solid", worn.fill) if inverse else (worn.pill, "on solid")
        return self.cells.tag(plain(mark.pill, _LONGEST_PILL), *ink)

    def _row(self, line: Line, inner: int, height: int = 0) -> str:
        if len(line) == 1:
            (words,) = line
            return self.cells.centred(
                words.text.strip(),
                SMALL,
                words.ink,
                inner,
                bold=words.bold,
                struck=words.struck,
                height=height,
            )
        return self.cells.centred_words(line, inner, height)

    def _room(self, line: Line) -> float:
        if len(line) == 1:
            return room(line[0].text, bold=line[0].bold)
        return self.cells.words(line)[1]

    def _edge(self, parts: Sequence[tuple[str, bool]], ink: Ink, mark: EdgeMark) -> str | None:
        """Set the label of an edge, in cells of exact widths where an overlay has put words in it."""
        if mark == PLAIN:
            return self._edge_label(parts, ink) if parts else None
        gone, new = mark.emphasis == "removed", mark.emphasis == "added"
        own = tuple(Words(text, ink, (bold or new) and not gone, gone) for text, bold in parts)
        line = own if mark.label is None else tidied(mark.label, _MARKED_LINE)
        sign = SIGNS.get(mark.emphasis, "")
        after = (Words(f"  {plain(mark.after, LONGEST_LABEL)}", ink, bold=True),) if mark.after else ()
        words, taken = self.cells.words((Words(sign, ink, bold=True), *line, *after))
        if not taken:
            return None
        return (
            '<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="4">'
            f"<TR><TD>{TABLE}<TR>{words}</TR></TABLE></TD></TR></TABLE>>"
        )

    def _edge_label(self, parts: Sequence[tuple[str, bool]], ink: Ink) -> str:
        words = "".join(self.cells.font(text, SMALL, ink, bold=bold) for text, bold in parts)
        return (
            '<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="4">'
            f"<TR><TD>{words}</TD></TR></TABLE>>"
        )


def end_name(node: Node) -> str:
    """Word an end's sign and name."""
    return f"{GLYPHS[node.role]} {plain(node.name, LONGEST_NAME)}"


def end_width(node: Node, mark: NodeMark = UNMARKED) -> float:
    """Measure the words of an end, in points."""
    name = end_name(node)
    return max(
        2 * estimate(name, NAME, bold=True) - _name_width(node) + _pill_room(mark),
        *(sum(room(words.text, bold=words.bold) for words in line) for line in end_subtitle(node, mark)),
        _name_width(node) + _pill_room(mark),
    )


def end_subtitle(node: Node, mark: NodeMark = UNMARKED) -> tuple[Line, ...]:
    """Give the lines below an end's name, two at most: a note, what is laid over it, or its title."""
    worn = dress(node.role, mark.emphasis)
    ink = worn.facts if worn.name != "text" else "text"
    if mark.note:
        return ((Words(plain(mark.note, LONGEST_NAME), ink),),)
    if mark.facts:
        told = (tidied(line, LONGEST_NAME) for line in mark.facts[:2])
        return tuple(tuple(evolve(words, ink=ink) for words in line) for line in told if line)
    title = short_title(node)
    return ((Words(title, ink, struck=worn.struck),),) if title else ()


def short_title(node: Node) -> str:
    """Give a state's title where it is short enough to stand in it; a longer one is its tooltip."""
    title = node.title.rstrip(".")
    return title if len(title) <= LONGEST_NAME else ""


def _facts(node: Node, mark: NodeMark, worn: Dress) -> tuple[Line, ...]:
    if mark.facts is not None:
        return _laid_over(mark.facts, worn)
    title = short_title(node)
    own = ((title,) if title else ()) + lines(node.facts, _LINE)
    return tuple((Words(fact, worn.facts, struck=worn.struck),) for fact in own)


def _question(node: Node, worn: Dress) -> tuple[Line, ...]:
    """Give what a person is asked, over a few short lines."""
    asked = question_lines(node.question)
    return tuple((Words(line, worn.policy, bold=worn.bold, struck=worn.struck),) for line in asked)


def question_lines(question: str) -> tuple[str, ...]:
    """Break what a person is asked into a few short lines; `…` marks what was cut."""
    found = _header.wrapped(question, _QUESTION_LINE)
    if len(found) > _MOST_QUESTION_LINES:
        found[_MOST_QUESTION_LINES - 1] = plain(found[_MOST_QUESTION_LINES - 1], _QUESTION_LINE - 2) + " …"
    return tuple(found[:_MOST_QUESTION_LINES])


def _policy(node: Node, mark: NodeMark, worn: Dress) -> tuple[Line, ...]:
    if mark.policy is not None:
        return _laid_over(mark.policy, worn)
    own = lines(node.policy, _LINE)
    return tuple((Words(rule, worn.policy, bold=worn.bold, struck=worn.struck),) for rule in own)


def _laid_over(given: Sequence[Line], worn: Dress) -> tuple[Line, ...]:
    ghost = worn.name == "ghost text"
    return tuple(
        tuple(
            Words(words.text, worn.name if ghost else words.ink, words.bold or worn.bold, words.struck)
            for words in tidied(line, _MARKED_LINE)
        )
        for line in given[:_MOST_LINES]
    )


def _note(mark: NodeMark) -> Sequence[str]:
    return _header.wrapped(plain(mark.note, 4 * _LINE), _LINE) if mark.note else ()


def _note_ink(mark: NodeMark) -> Ink:
    if mark.emphasis == "ghost":
        return "ghost text"
    return "failed" if mark.emphasis in ("plain", "visited") else LINES[mark.emphasis]


def _label_ink(look: Look, mark: EdgeMark) -> Ink:
    if mark.emphasis == "plain":
        return look if look in EDGE_GLYPHS else "flow"
    return "ghost text" if mark.emphasis == "ghost" else LINES[mark.emphasis]


def _name_width(node: Node) -> float:
    return width(end_name(node), NAME, bold=True)


def _pill_room(mark: NodeMark) -> int:
    return tag_width(plain(mark.pill, _LONGEST_PILL)) + 5 if mark.pill else 0


def _beside(pill: str, cells: str, *, first: bool) -> str:
    if not pill:
        return cells
    return f"{pill}{space(5)}{cells}" if first else f"{cells}{space(5)}{pill}"
