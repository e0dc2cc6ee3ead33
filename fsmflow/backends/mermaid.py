"""A diagram as a Mermaid flowchart: text that GitHub, GitLab and many editors draw by themselves.

The only place where a spec's words meet Mermaid's grammar. Whatever could mean something to its parser, to
the Markdown in its labels or to HTML is written as a character code, and states go by ids of our own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from attrs import frozen

from fsmflow.backends._emphasis import inks
from fsmflow.backends._labels import EDGE_GLYPHS, TAGS, end_name, question_lines, short_title
from fsmflow.backends._layout import ENDS
from fsmflow.backends._palette import LIGHT, Ink
from fsmflow.backends._wording import lines, plain
from fsmflow.backends.diagram import LONGEST_LABEL, LONGEST_NAME, Diagram, Edge, Look, Node

MOST_EDGES = 500
"""How many edges Mermaid draws unless it is told otherwise, which GitHub does not allow."""

MOST_CHARACTERS = 50_000
"""How long a text Mermaid reads unless it is told otherwise."""

_LINE = 42
_MOST_REASONS = 3
_MOST_RUNS = 6
_TITLE = 200

_SHAPES: Mapping[str, tuple[str, str]] = {
    "llm": ("(", ")"),
    "tool": ("[[", "]]"),
    "fn": ("[", "]"),
    "human": ("[\\", "/]"),
    "map": ("[[", "]]"),
    "parallel": ("[[", "]]"),
    "call": ("[[", "]]"),
    "choose": ("{", "}"),
    "wait": ("[/", "/]"),
    "success": ("([", "])"),
    "degraded": ("{{", "}}"),
    "handoff": ("[\\", "/]"),
    "failed": ("[/", "\\]"),
}


@frozen
class _Stroke:
    """How edges of one look are drawn, in a colour that stands out from white and from black alike."""

    arrow: str
    color: str
    width: str


_STROKES: Mapping[Look, _Stroke] = {
    "success": _Stroke("==>", "#768390", "3px"),
    "branch": _Stroke("-->", "#768390", "1.5px"),
    "loop": _Stroke("-->", "#8270E0", "2px"),
    "fallback": _Stroke("-.->", "#D1650F", "1.5px"),
    "budget": _Stroke("-.-o", "#C74295", "1.5px"),
    "error": _Stroke("-.-x", "#D1434A", "1.5px"),
}


def flowchart(diagram: Diagram) -> str:
    """Write `diagram` in Mermaid's language. The same diagram gives the same text everywhere.

    Loops come last, so that Mermaid ranks states by the ways that go on.
    """
    return "\n".join(_lines(diagram)) + "\n"


def edges_drawn(diagram: Diagram) -> int:
    """Count the edges of the flowchart: the diagram's, the one to its start, and the one to `exceeded`."""
    return len(diagram.edges) + 1 + (diagram.exceeded is not None)


def is_drawn_by_default(diagram: Diagram) -> bool:
    """Tell whether Mermaid draws the flowchart without being told to accept one so large."""
    return edges_drawn(diagram) <= MOST_EDGES and len(flowchart(diagram)) <= MOST_CHARACTERS


def _lines(diagram: Diagram) -> Iterator[str]:
    # A title of plain text: it is never parsed as Mermaid's language.
    yield from ("---", f"title: {json.dumps(_title(diagram), ensure_ascii=False)}", "---", "flowchart TB")
    ids = {node.name: _id(number, node.name) for number, node in enumerate(diagram.nodes)}
    yield '  start((" ")):::start'
    for node in diagram.nodes:
        opened, closed = _SHAPES[node.role]
        yield f'  {ids[node.name]}{opened}"{_label(node)}"{closed}:::{inks(node.role)[0]}'
    if diagram.exceeded is not None:
        yield '  any_step("any step"):::budget'
    looks: list[Look] = ["success"]
    yield f"  start ==> {ids[diagram.start]}"
    for edge in sorted(diagram.edges, key=lambda edge: edge.look == "loop"):
        looks.append(edge.look)
        words = _reasons(edge)
        said = f'|"{words}"|' if words else ""
        yield f"  {ids[edge.source]} {_STROKES[edge.look].arrow}{said} {ids[edge.target]}"
    if diagram.exceeded is not None:
        looks.append("budget")
        yield f'  any_step -.-o|"{escaped("■ budget")}"| {ids[diagram.exceeded]}'
    yield from _styles(diagram, looks)


def _styles(diagram: Diagram, looks: list[Look]) -> Iterator[str]:
    """Give the colours of what is present: of states by class, of edges by number."""
    flow = LIGHT["flow"]
    yield f"  classDef start fill:{flow},stroke:{flow},color:{flow}"
    roles = {inks(node.role)[0]: node.role in ENDS for node in diagram.nodes}
    for kind in sorted(roles):
        yield f"  classDef {kind} {_colors(kind, is_end=roles[kind])}"
    if diagram.exceeded is not None:
        ink = LIGHT["budget"]
        yield f"  classDef budget fill:{LIGHT['canvas']},stroke:{ink},color:{ink},stroke-dasharray:4"
    for look, stroke in _STROKES.items():
        numbers = ",".join(str(number) for number, other in enumerate(looks) if other == look)
        if numbers:
            yield f"  linkStyle {numbers} stroke:{stroke.color},stroke-width:{stroke.width}"


def _colors(kind: Ink, *, is_end: bool) -> str:
    if is_end:
        ink = LIGHT["human" if kind == "handoff" else kind]
        return f"fill:{ink},stroke:{ink},color:{LIGHT['on solid']}"
    return f"fill:{LIGHT[f'{kind} tint']},stroke:{LIGHT[kind]},color:{LIGHT['text']}"


def _title(diagram: Diagram) -> str:
    words = [diagram.name]
    if diagram.budget:
        words.append(f"budget {' · '.join(diagram.budget)}")
    if diagram.worst_case:
        verdict = "" if diagram.verdict is None else f" ({diagram.verdict.text})"
        words.append(f"worst case {diagram.worst_case}{verdict}")
    return _unmarked(plain(" — ".join(words), _TITLE))


def _label(node: Node) -> str:
    """Write what stands in a state, line by line."""
    if node.role in ENDS:
        rows: tuple[str, ...] = (end_name(node), short_title(node))
    else:
        head = f"{TAGS[node.role]} · {plain(node.name, LONGEST_NAME)}"
        said = (*question_lines(node.question), *lines(node.facts, _LINE), *lines(node.policy, _LINE))
        rows = (head, short_title(node), *lines(_runs(node), _LINE), *said)
    return "<br/>".join(escaped(plain(row, _LINE)) for row in rows if row)


def _runs(node: Node) -> tuple[str, ...]:
    """Name the workflows that a state runs, each behind what its run is called if that is another name."""
    told = tuple(
        card.workflow if card.key in ("", card.workflow) else f"{card.key}: {card.workflow}"
        for card in node.cards[:_MOST_RUNS]
    )
    more = len(node.cards) - len(told)
    return (*told, f"+{more}") if more else told


def _reasons(edge: Edge) -> str:
    """Write why an edge is taken and how often it may be; nothing where there is nothing to say."""
    told = edge.reasons[:_MOST_REASONS]
    words = [" ".join(filter(None, (plain(r.text, LONGEST_LABEL), plain(r.bound, _LINE)))) for r in told]
    if len(edge.reasons) > len(told):
        words.append(f"+{len(edge.reasons) - len(told)}")
    said = EDGE_GLYPHS.get(edge.look, "") + " · ".join(filter(None, words))
    return escaped(said.strip())


def escaped(text: str) -> str:
    """Write `text` so that it is nothing but text inside a quoted label.

    Mermaid reads `#35;` as the character of that number. Letters, digits, spaces and the signs of the
    visual language stay as they are; everything else becomes such a code.
    """
    text = _unmarked(text)
    return "".join(
        c if c.isalnum() or c in _HARMLESS or _is_inside_a_word(text, at) else f"#{ord(c)};"
        for at, c in enumerate(text)
    )


_HARMLESS = frozenset(" ,·×−–—…≤≥→↑Δ●▲■»'")


def _unmarked(text: str) -> str:
    """Respell what means something to Mermaid even as character codes, which it reads too early.

    That is what it puts around codes itself, emphasis, a line break, a formula and an icon. A sign is
    replaced by its like, or kept apart from the next by a word joiner, which shows nothing.
    """
    for said, respelled in _RESPELLED:
        text = said.sub(respelled, text)
    return text


_RESPELLED = (
    (re.compile("ﬂ"), "fl"),
    (re.compile("¶(?=ß)"), "¶ "),
    (re.compile(r"\*"), "\u2217"),
    (re.compile(r"(?<![^\W_])_|_(?![^\W_])"), "\u2060_\u2060"),
    (re.compile(r"\\(?=n)"), "\\\\\u2060"),
    (re.compile(r"\$(?=\$)"), "$\u2060"),
    (re.compile(r"(?<=fa)(?=[a-z]?:)", re.IGNORECASE), "\u2060"),
)


def _is_inside_a_word(text: str, at: int) -> bool:
    """Tell whether a sign joins a word or a number; elsewhere it may begin a list, emphasis or a link."""
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if text[at] == ".":
        return before.isdigit() and after.isdigit()
    return text[at] in "-_" and before.isalnum() and after.isalnum()


def _id(number: int, name: str) -> str:
    """Give a state's id: its name behind a prefix, or its number if the name is no plain word."""
    return f"s_{name}" if re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name) else f"s{number}"
