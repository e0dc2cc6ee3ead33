"""The drawing of a workflow as it stands in the page: shapes and words alone, coloured by the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from fsmflow.backends._palette import PALETTES, Theme

_SVG = "{http://www.w3.org/2000/svg}"
_ELEMENTS = frozenset(("g", "path", "polygon", "polyline", "ellipse", "rect", "text", "tspan", "title"))
_ATTRIBUTES = frozenset(
    (
        *("id", "class", "transform", "d", "points", "x", "y", "cx", "cy", "rx", "ry", "width", "height"),
        *("fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-opacity", "opacity"),
        *("text-anchor", "text-decoration", "font-size", "font-weight", "font-style"),
        "{http://www.w3.org/XML/1998/namespace}space",  # else the gap between two words is lost in HTML
    )
)
_COLOURED = ("fill", "stroke")


def inlined(svg: str, name: str) -> str:
    """Make an SVG picture of the workflow `name` a part of a page of HTML.

    Of the picture stay shapes and words: no style, script, link or foreign element, whatever it holds.
    """
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own engine's output: no entities, no network
    view = root.attrib["viewBox"]
    for parent in list(root.iter()):
        kept = _ELEMENTS - {"title", "rect"} if parent is root else _ELEMENTS
        for child in list(parent):
            if _local(child.tag) not in kept or _is_blank(child):
                parent.remove(child)
    for element in root.iter():
        element.tag = _local(element.tag)
        element.attrib = {key: value for key, value in element.attrib.items() if key in _ATTRIBUTES}
    root.attrib = {"id": "drawing", "viewBox": view, "role": "group", "aria-label": f"Diagram of {name}"}
    return ElementTree.tostring(root, encoding="unicode")


def _is_blank(element: ElementTree.Element) -> bool:
    """Tell whether an element is text of which nothing is seen; it would only take up room."""
    return _local(element.tag) == "text" and not "".join(element.itertext()).strip()


def _local(tag: object) -> str:
    return tag.removeprefix(_SVG) if isinstance(tag, str) else ""


def variables(theme: Theme) -> str:
    """Write the palette of a theme as variables of CSS: `--llm-tint:#eef5fe;`."""
    return "".join(f"--{_variable(ink)}:{hex_.lower()};" for ink, hex_ in PALETTES[theme].items())


def colouring() -> str:
    """Write the rules that give each colour of the light palette its variable, in fills and strokes."""
    return "".join(f"{rule}\n" for rule in _rules())


def _rules() -> Iterator[str]:
    for ink, hex_ in PALETTES["light"].items():
        for attribute in _COLOURED:
            yield f'#drawing [{attribute}="{hex_.lower()}"]{{{attribute}:var(--{_variable(ink)})}}'


def _variable(ink: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", ink)
