"""The page itself: one file of HTML that holds its style, its script, its drawing and its data.

A policy in its head lets it load nothing and run nothing but that style and that script, by their
hashes. Whatever a spec or a trace says is in the data, where no character of it means anything to
HTML, and the script shows it as text alone.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from importlib import resources
from typing import Any

from attrs import evolve

from fsmflow.backends.diagram import Diagram, extract
from fsmflow.backends.engines import DrawingFailed, NoEngine
from fsmflow.backends.graphviz import picture
from fsmflow.review import drawing
from fsmflow.review.content import Review, content

STYLES = (
    "colours", "base", "controls", "overview", "workbench", "drawn", "replaying", "panels", "sections",
    "media",
)  # fmt: skip
"""The parts of the style, in the order in which they win over one another."""

SCRIPTS = (
    "elements", "words", "data", "values", "selection", "drawing", "viewport", "overview", "state",
    "stage", "timeline", "stages", "panel", "replay", "proof", "change", "steps", "checks", "theme", "keys",
    "main",
)  # fmt: skip
"""The parts of the script, in the order in which they need one another."""

MOST_DRAWN = 1000
"""How many states are drawn; of more, a drawing is no help."""

_ASSETS = resources.files("fsmflow.review") / "assets"
_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def render(review: Review) -> str:
    """Write the page of `review`. The same review gives the same bytes everywhere.

    Where nothing is installed that draws, or the machine is too large to be drawn, the page lists the
    states instead.
    """
    if review.analysis.guesses.any:
        review = evolve(review, analysis=evolve(review.analysis, machine=review.analysis.certain))
    diagram = extract(review.analysis.machine)
    style, script = _style(), _script()
    parts = {
        "policy": _policy(style, script),
        "name": html.escape(diagram.name),
        "style": style,
        "script": script,
        "data": embedded(content(review, diagram)),
        "drawing": _drawn(diagram),
    }
    template = _asset("page.html")
    pieces = template.split("{{")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        key, _, rest = piece.partition("}}")
        filled += [parts[key], rest]
    return "".join(filled)


def embedded(data: Any) -> str:
    """Write data as JSON in which nothing can end, or begin, an element of HTML or a line of a script."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False).translate(_ESCAPES)


def _drawn(diagram: Diagram) -> str:
    if len(diagram.nodes) > MOST_DRAWN:
        return ""
    bare = evolve(diagram, name="", title="", budget=(), worst_case=None, verdict=None)
    try:
        return drawing.inlined(picture(bare, "svg").decode(), diagram.name)
    except (NoEngine, DrawingFailed):
        return ""


def _style() -> str:
    light, dark = drawing.variables("light"), drawing.variables("dark")
    own = "\n".join(_asset(f"{name}.css") for name in STYLES)
    return own.replace("/*light*/", light).replace("/*dark*/", dark) + drawing.colouring()


def _script() -> str:
    # In a block, so that no name of the script is one of the window's.
    parts = "\n".join(_asset(f"{name}.js") for name in SCRIPTS)
    return f'"use strict";\n{{\n{parts}}}\n'


def _policy(style: str, script: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
        )
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")
