r"""The HTML-like labels of a drawing: the only place where a spec's words meet Graphviz's markup.

Words are reduced to one visible line, escaped, and their backslashes doubled, since Graphviz expands
`\N` and its like even here. Rows get exact widths: Graphviz spreads what is left over all columns.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

from attrs import frozen

from fsmflow.backends._arial import estimate, width
from fsmflow.backends._palette import Ink
from fsmflow.backends._wording import lines, plain
from fsmflow.backends.diagram import LONGEST_LABEL, LONGEST_NAME, Diagram, Edge, Look, Node

TAGS = {"llm": "LLM", "tool": "TOOL", "fn": "FN", "choose": "CHOOSE", "wait": "WAIT"}
GLYPHS = {"success": "●", "degraded": "▲", "handoff": "→", "failed": "×"}
EDGE_GLYPHS: dict[Look, str] = {"loop": "↑ ", "fallback": "» ", "budget": "■ ", "error": "× "}

HEADLINE, NAME, SUBTITLE, SMALL, TAG = 17, 12, 10, 9, 7
_LINE = 42
"""The most characters of a line of facts or policy."""
_TITLE_LINE = 84
_MOST_REASONS = 3

_TABLE = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">'
_LEGEND: tuple[tuple[Look, str], ...] = (
    ("success", "success"),
    ("loop", "↑ loop-back ≤cap"),
    ("fallback", "» fallback"),
    ("budget", "■ budget"),
    ("error", "× error"),
)
_STROKES: dict[Look, str] = {"success": "solid", "fallback": "dashed", "budget": "dotted", "error": "dashed"}


def inks(role: str) -> tuple[Ink, Ink, Ink]:
    """Give the colours of a step: its line, its tint and its band."""
    kind = "control" if role in ("choose", "wait") else role
    return kind, f"{kind} tint", f"{kind} band"


@frozen
class Typesetter:
    """Sets the labels of one drawing in the colours of one theme."""

    palette: Mapping[Ink, str]

    def font(self, text: str, size: int, ink: Ink, *, bold: bool = False) -> str:
        """Set `text`; a space where it is empty, since Graphviz refuses markup around nothing."""
        words = html.escape(text or " ").replace("\\", "\\\\")
        if bold:
            words = f"<B>{words}</B>"
        return f'<FONT POINT-SIZE="{size}" COLOR="{self.palette[ink]}">{words}</FONT>'

    def step(self, node: Node) -> str:
        """Set a step: its tag and name, what it may take, and a band with its policy."""
        line, _, band = inks(node.role)
        tag, name = TAGS[node.role], plain(node.name, LONGEST_NAME)
        facts = lines(((short_title(node),) if short_title(node) else ()) + node.facts, _LINE)
        policy = lines(node.policy, _LINE)
        taken = _tag_width(tag) + 5 + width(name, NAME, bold=True)
        inner = math.ceil(max(taken, *map(_room, facts), *(_room(rule) + 12 for rule in policy), 0))
        label = self.font(name, NAME, "text", bold=True)
        head = f'{self._tag(tag, line)}{_space(5)}<TD HEIGHT="16" VALIGN="BOTTOM">{label}</TD>'
        rows = [_row(head, taken, (inner - taken) / 2, inner)]
        rows += [self._centred(fact, SMALL, "muted", inner, height=15) for fact in facts]
        if policy:
            rules = "".join(self._centred(rule, SMALL, "text", inner - 4, height=11) for rule in policy)
            rows.append(
                f'<TR><TD HEIGHT="3"></TD></TR><TR><TD WIDTH="{inner}"><TABLE BORDER="0" CELLBORDER="0" '
                f'CELLSPACING="0" CELLPADDING="2" STYLE="ROUNDED" BGCOLOR="{self.palette[band]}">{rules}'
                "</TABLE></TD></TR>"
            )
        return f"<{_TABLE}{''.join(rows)}</TABLE>>"

    def end(self, node: Node) -> str:
        """Set an end: its sign and name, and its title where that is short."""
        inner = math.ceil(end_width(node))
        rows = self._centred(end_name(node), NAME, "on solid", inner, bold=True)
        if short_title(node):
            rows += self._centred(short_title(node), SMALL, "on solid", inner)
        return f"<{_TABLE}{rows}</TABLE>>"

    def stub(self, node: Node) -> str:
        """Set a small stand-in for a state that many ways lead to."""
        name = end_name(node) if node.role in GLYPHS else plain(node.name, LONGEST_NAME)
        return f"<{self.font(name, SMALL, 'on solid', bold=True)}>"

    def any_step(self) -> str:
        """Set the pill that stands for every step whose budget is used up."""
        return f"<{self.font('any step', SMALL, 'budget')}>"

    def budget(self) -> str:
        """Set the label of the way from any step."""
        return self._edge_label([("■ budget", False)], "budget")

    def edge(self, edge: Edge) -> str | None:
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
        ink = edge.look if edge.look in EDGE_GLYPHS else "flow"
        return self._edge_label(parts, ink) if parts else None

    def header(self, diagram: Diagram) -> str:
        """Set the name, the title, the budget, the worst case and the legend."""
        rows = [self.font(plain(diagram.name, 2 * LONGEST_NAME), HEADLINE, "text", bold=True)]
        rows += [
            self.font(line, SUBTITLE, "muted") for line in _wrapped(diagram.title or "", _TITLE_LINE)[:3]
        ]
        rows.append('<FONT POINT-SIZE="2"> </FONT>')
        if diagram.budget:
            rows.append(self._fact("Budget", " · ".join(diagram.budget)))
        if diagram.worst_case:
            verdict = ""
            if diagram.verdict is not None:
                sign, ink = ("●", "success") if diagram.verdict.holds else ("×", "failed")
                words = f"    {sign} {plain(diagram.verdict.text, 2 * _TITLE_LINE)}"
                verdict = self.font(words, SMALL, ink, bold=True)
            rows.append(self._fact("Worst case", plain(diagram.worst_case, 2 * _TITLE_LINE)) + verdict)
        body = "".join(f'<TR><TD ALIGN="LEFT">{row}</TD></TR>' for row in rows)
        legend = self._legend(diagram)
        if legend:
            body += f'<TR><TD HEIGHT="4"></TD></TR><TR><TD ALIGN="LEFT">{legend}</TD></TR>'
        return (
            '<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">'
            f'{body}<TR><TD HEIGHT="8"></TD></TR></TABLE>>'
        )

    def _fact(self, what: str, words: str) -> str:
        return self.font(f"{what}  ", SMALL, "muted", bold=True) + self.font(words, SMALL, "text")

    def _centred(
        self, text: str, size: int, ink: Ink, inner: int, *, bold: bool = False, height: int = 0
    ) -> str:
        """Set a row of one text whose middle is that of `inner`, whatever an engine thinks is its width."""
        margin = (inner - width(text, size, bold=bold)) / 2
        tall = f' HEIGHT="{height}"' if height else ""
        cell = f"<TD{tall}>{self.font(text, size, ink, bold=bold)}</TD>"
        return _row(cell, estimate(text, size, bold=bold), margin, inner)

    def _tag(self, tag: str, ink: Ink) -> str:
        return (
            f'<TD FIXEDSIZE="TRUE" WIDTH="{_tag_width(tag)}" HEIGHT="11"><TABLE BORDER="0" CELLBORDER="0" '
            f'CELLSPACING="0" CELLPADDING="0" STYLE="ROUNDED" BGCOLOR="{self.palette[ink]}">'
            f'<TR><TD HEIGHT="1"></TD></TR><TR><TD>{self.font(tag, TAG, "on solid", bold=True)}</TD></TR>'
            "</TABLE></TD>"
        )

    def _edge_label(self, parts: Sequence[tuple[str, bool]], ink: Ink) -> str:
        words = "".join(self.font(text, SMALL, ink, bold=bold) for text, bold in parts)
        return (
            '<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="4">'
            f"<TR><TD>{words}</TD></TR></TABLE>>"
        )

    def _legend(self, diagram: Diagram) -> str:
        """Set a swatch and a word for each look that is present, side by side."""
        cells = ""
        for look, words in _LEGEND:
            if look in diagram.legend:
                ink = "flow" if look == "success" else look
                swatch = self._double_swatch(ink) if look == "loop" else self._swatch(ink, _STROKES[look])
                cells += f"<TD>{swatch}</TD>{_space(5)}<TD>{self.font(words, SMALL, ink)}</TD>{_space(14)}"
        return f"{_TABLE}<TR>{cells}</TR></TABLE>" if cells else ""

    def _swatch(self, ink: Ink, stroke: str) -> str:
        return (
            f'{_TABLE}<TR><TD WIDTH="26" HEIGHT="5" SIDES="B" BORDER="2" COLOR="{self.palette[ink]}" '
            f'STYLE="{stroke}"></TD></TR><TR><TD HEIGHT="5"></TD></TR></TABLE>'
        )

    def _double_swatch(self, ink: Ink) -> str:
        color = self.palette[ink]
        return (
            f'{_TABLE}<TR><TD WIDTH="26" HEIGHT="4" SIDES="B" BORDER="1" COLOR="{color}"></TD></TR>'
            f'<TR><TD HEIGHT="2" SIDES="B" BORDER="1" COLOR="{color}"></TD></TR>'
            '<TR><TD HEIGHT="4"></TD></TR></TABLE>'
        )


def end_name(node: Node) -> str:
    """Word an end's sign and name."""
    return f"{GLYPHS[node.role]} {plain(node.name, LONGEST_NAME)}"


def end_width(node: Node) -> float:
    """Measure the words of an end, in points."""
    name, title = end_name(node), short_title(node)
    return max(
        2 * estimate(name, NAME, bold=True) - width(name, NAME, bold=True),
        _room(title),
        width(name, NAME, bold=True),
    )


def short_title(node: Node) -> str:
    """Give a state's title where it is short enough to stand in it; a longer one is its tooltip."""
    title = node.title.rstrip(".")
    return title if len(title) <= LONGEST_NAME else ""


def _tag_width(tag: str) -> int:
    return round(width(tag, TAG, bold=True)) + 10


def _space(points: int) -> str:
    return f'<TD FIXEDSIZE="TRUE" WIDTH="{points}" HEIGHT="1"></TD>'


def _room(text: str) -> float:
    """Measure the least row in which `text` can be centred, even by an engine that takes it for wider."""
    return max(width(text, SMALL), 2 * estimate(text, SMALL) - width(text, SMALL))


def _row(cells: str, taken: float, margin: float, inner: int) -> str:
    """Set cells between margins that fill the row, since Graphviz spreads what is left over all columns.

    The left one alone decides where a text begins: engines without fonts misjudge what they centre.
    """
    left = max(round(margin), 0)
    right = max(round(inner - left - taken), 0)
    filled = (_space(left) if left else "") + cells + (_space(right) if right else "")
    return f"<TR><TD>{_TABLE}<TR>{filled}</TR></TABLE></TD></TR>"


def _wrapped(text: str, most: int) -> list[str]:
    """Break `text` at spaces into lines of at most `most` characters."""
    found: list[str] = []
    for word in text.split():
        if found and len(found[-1]) + 1 + len(word) <= most:
            found[-1] += f" {word}"
        else:
            found.append(plain(word, most))
    return found
