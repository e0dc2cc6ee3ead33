"""The finish of an SVG picture: for dark readers, screen readers, other fonts and a pointer."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

from fsmflow.backends._arial import width
from fsmflow.backends._palette import DARK, LIGHT
from fsmflow.backends._wording import plain
from fsmflow.backends.diagram import Diagram, Edge, Node

_FONTS = "Arial,'Helvetica Neue',Helvetica,'Liberation Sans',Arimo,sans-serif"
_IMAGE, _DOCUMENT = "img", "graphics-document document"
"""What a picture is to a screen reader: one thing, or with links a document (WAI-ARIA Graphics Module)."""
_LONGEST = 400
_ROLES = {
    "llm": "model call",
    "tool": "tool call",
    "fn": "function",
    "choose": "choice",
    "wait": "pause",
    "human": "a person is asked",
    "map": "a workflow for each item",
    "parallel": "workflows side by side",
    "call": "a workflow",
    "success": "end: success",
    "degraded": "end: degraded",
    "handoff": "end: handed to a person",
    "failed": "end: failed",
}


def finish(svg: str, diagram: Diagram, links: Mapping[str, str] | None = None) -> str:
    """Make the light `svg` that an engine drew of `diagram` fit for any reader.

    `links` gives the address of each state that is a link, by its name.
    """
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = svg[svg.index("<svg") :]
    svg = svg.replace(' font-family="Arial"', "")
    svg = _with_tooltips(svg, diagram)
    svg = re.sub(r'<g id="(?:state|way)_.*?</g>', lambda g: _recentred(g[0]), svg, flags=re.DOTALL)
    if links:
        svg = _with_links(svg, diagram, links)
    svg = re.sub(
        r'<polygon fill="#ffffff" stroke="none" points="[^"]*"/>\n', "", svg, count=1, flags=re.IGNORECASE
    )
    return _with_preamble(svg, diagram, _DOCUMENT if links else _IMAGE)


def _with_preamble(svg: str, diagram: Diagram, role: str) -> str:
    """Put the title, the description, the style and the card before the drawing."""
    light, dark = LIGHT["canvas"].lower(), DARK["canvas"].lower()
    # Where a picture is part of a page, others in it are left as they are.
    own = f'[role="{role}"]'
    words = f"{own} .edge text"
    preamble = (
        f"<title>{_escaped(diagram.name)}</title>\n"
        f"<desc>{_escaped(_description(diagram))}</desc>\n"
        # A rim of the ground: words over the line of another way are read still.
        f"<style>{words}{{paint-order:stroke;stroke-width:3px;stroke:{light}}}"
        f"@media (prefers-color-scheme:dark){{{words}{{stroke:{dark}}}{_dark_rules(svg, own)}}}</style>\n"
        f'<rect width="100%" height="100%" rx="8" fill="{light}"/>\n'
    )
    opened = re.sub(r"<svg ", f'<svg role="{role}" font-family="{_FONTS}" ', svg, count=1)
    return re.sub(r"(<svg [^>]*>\s*)", lambda tag: tag[0] + preamble, opened, count=1)


def _dark_rules(svg: str, own: str) -> str:
    """Replace colour for colour, in what `own` selects, those that are used alone; the canvas always is."""
    rules = []
    for ink, light in LIGHT.items():
        old, new = light.lower(), DARK[ink].lower()
        for attribute in ("fill", "stroke"):
            used = f'{attribute}="{old}"'
            if used in svg or (ink == "canvas" and attribute == "fill"):
                rules.append(f"{own} [{used}]{{{attribute}:{new}}}")
    return "".join(rules)


def _with_tooltips(svg: str, diagram: Diagram) -> str:
    """Replace the ids that an engine gives as titles, which browsers show under the pointer."""
    words = {f"state_{number}": _of_node(node) for number, node in enumerate(diagram.nodes)}
    words |= {f"way_{number}": _of_edge(edge) for number, edge in enumerate(diagram.edges)}
    if diagram.exceeded is not None:
        words["way_budget"] = f"any step → {diagram.exceeded}: the budget is used up"

    def titled(group: re.Match[str]) -> str:
        text = words.get(group["id"])
        return group["head"] + (f"<title>{_escaped(text)}</title>" if text else "")

    svg = re.sub(
        r'(?P<head><g id="(?P<id>[^"]*)" class="(?:node|edge)">\s*)<title>[^<]*</title>', titled, svg
    )
    return re.sub(r'(<g id="graph0"[^>]*>\s*)<title>[^<]*</title>\s*', r"\1", svg, count=1)


def _with_links(svg: str, diagram: Diagram, links: Mapping[str, str]) -> str:
    addresses = {f"state_{number}": links.get(node.name) for number, node in enumerate(diagram.nodes)}

    def linked(group: re.Match[str]) -> str:
        address = addresses.get(group["id"])
        if address is None:
            return group[0]
        return f'{group["head"]}<a href="{html.escape(address)}">{group["body"]}</a>\n</g>'

    return re.sub(
        r'(?P<head><g id="(?P<id>state_[^"]*)" class="node">\s*)(?P<body>.*?)</g>',
        linked,
        svg,
        flags=re.DOTALL,
    )


def _of_node(node: Node) -> str:
    runs = tuple(dict.fromkeys(card.workflow for card in node.cards))
    role = f"{_ROLES[node.role]}: {', '.join(runs)}" if runs else _ROLES[node.role]
    said = ((role, *node.facts), node.policy, node.contract)
    parts = (node.title, node.question, *(" · ".join(words) for words in said))
    return ". ".join((node.name, *(part.rstrip(".") for part in parts if part)))


def _of_edge(edge: Edge) -> str:
    why = " · ".join(" ".join(word for word in (r.text, r.bound) if word) for r in edge.reasons)
    return f"{edge.source} → {edge.target}: {why or edge.look}"


def _description(diagram: Diagram) -> str:
    """Say what a reader who cannot see the picture should know."""
    path = " → ".join(node.name for node in diagram.nodes if node.lane == "spine")
    parts = (
        diagram.title.rstrip("."),
        f"{len(diagram.nodes)} states; success runs {path}",
        f"budget {', '.join(diagram.budget)}" if diagram.budget else "",
        f"worst case {diagram.worst_case}" if diagram.worst_case else "",
        diagram.verdict.text if diagram.verdict else "",
    )
    return ". ".join(part for part in parts if part) + "."


def _recentred(group: str) -> str:
    """Anchor each text at its middle, so that a reader's own font stays where the text was meant to be."""

    def anchored(found: re.Match[str]) -> str:
        attributes, text = found[1], html.unescape(found[2])
        size = float(_attribute(attributes, "font-size") or 0)
        left = float(_attribute(attributes, "x") or 0)
        middle = left + width(text, size, bold='font-weight="bold"' in attributes) / 2
        attributes = re.sub(r' x="[^"]*"', f' x="{middle:.2f}"', attributes)
        attributes = attributes.replace('"start"', '"middle"')
        return f"<text{attributes}>{found[2]}</text>"

    return re.sub(r'<text([^>]*text-anchor="start"[^>]*)>([^<]*)</text>', anchored, group)


def _attribute(attributes: str, name: str) -> str | None:
    found = re.search(rf' {name}="([^"]*)"', attributes)
    return found[1] if found else None


def _escaped(text: str) -> str:
    return html.escape(plain(text, _LONGEST), quote=False)
