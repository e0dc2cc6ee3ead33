"""The finished SVG: for dark readers, screen readers and pointers."""

from __future__ import annotations

import re
from xml.dom import minidom

import attrs
import pytest

from fsmflow.analysis.proof import prove
from fsmflow.backends import graphviz
from fsmflow.backends._palette import DARK, LIGHT
from fsmflow.backends.diagram import extract
from tests.backends.drawn_machines import ASK_DOCS, compiled


@pytest.fixture(scope="module")
def svg() -> str:
    machine = compiled(ASK_DOCS)
    return graphviz.picture(extract(machine, prove(machine))).decode()


def test_palettes_can_be_swapped() -> None:
    """Each colour is unique in its theme, and both themes have the same ones."""
    assert LIGHT.keys() == DARK.keys()
    assert len(set(LIGHT.values())) == len(LIGHT)
    assert len(set(DARK.values())) == len(DARK)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_words_can_be_read(palette: dict[str, str]) -> None:
    """Every ink that words are set in has a contrast of 4.5:1 to what it stands on (WCAG 2.1, 1.4.3)."""
    for ink in ("text", "muted", "flow", "loop", "fallback", "budget", "error", "success", "failed"):
        assert contrast(palette[ink], palette["canvas"]) >= 4.5, ink
    for ink in ("llm", "tool", "fn", "human", "control", "success", "degraded", "failed"):
        assert contrast(palette["on solid"], palette[ink]) >= 4.5, ink
    for kind in ("llm", "tool", "fn", "human", "control"):
        assert contrast(palette["muted"], palette[f"{kind} tint"]) >= 4.5, kind
        assert contrast(palette["text"], palette[f"{kind} band"]) >= 4.5, kind
    for kind in ("added", "removed", "changed", "witness"):
        assert contrast(palette["on solid"], palette[kind]) >= 4.5, kind
        assert contrast(palette[kind], palette["canvas"]) >= 4.5, kind
        assert contrast(palette[kind], palette[f"{kind} tint"]) >= 4.5, kind
        assert contrast(palette["muted"], palette[f"{kind} tint"]) >= 4.5, kind
        assert contrast(palette["text"], palette[f"{kind} band"]) >= 4.5, kind
    for field in ("canvas", "ghost tint", "ghost band"):
        assert contrast(palette["ghost text"], palette[field]) >= 4.5, field
    assert contrast(palette["failed"], palette["failed tint"]) >= 4.5


def test_every_colour_turns_dark(svg: str) -> None:
    """Each colour that is drawn with has its rule for dark readers, and no other colour is used."""
    body = svg[svg.index("</style>") :]
    used = set(re.findall(r'(fill|stroke)="(#[0-9a-fA-F]{6})"', body))
    turns = {light.lower(): DARK[ink].lower() for ink, light in LIGHT.items()}
    assert used
    for attribute, color in used:
        assert f'[{attribute}="{color}"]{{{attribute}:{turns[color]}}}' in svg


def test_words_of_ways_are_read_over_lines(svg: str) -> None:
    """What is said of a way has a rim of the ground, light or dark, so that a line below it is no stroke."""
    light, dark = svg[svg.index("<style>") : svg.index("</style>")].split("@media")
    assert f".edge text{{paint-order:stroke;stroke-width:3px;stroke:{LIGHT['canvas'].lower()}}}" in light
    assert f".edge text{{stroke:{DARK['canvas'].lower()}}}" in dark


def test_it_is_well_formed_and_alone(svg: str) -> None:
    """It is XML, and asks for nothing from anywhere: no script, link, image or entity."""
    minidom.parseString(svg)
    assert not re.search(r"<script|\bhref=|<image|<!DOCTYPE|<!--|url\(|@import", svg)


def test_screen_readers_hear_what_it_shows(svg: str) -> None:
    """It is one image, with a name and a description of the path of success."""
    assert svg.startswith('<svg role="img"')
    assert "<title>ask_docs</title>" in svg
    (description,) = re.findall(r"<desc>(.*?)</desc>", svg)
    assert "retrieve → draft → check → done" in description
    assert "worst case $0.20 · 2 min · 31 steps · 8 tool calls · 12,000 tokens" in description


def test_pointers_find_titles(svg: str) -> None:
    """Under the pointer a state shows its title, kind and cost, and an edge why it is taken."""
    assert (
        "<title>retrieve. Find the passages that may hold the answer, in every language. "
        "tool call · 5 s · 1 tool call. retry ≤3 · 200–800 ms. effect none</title>"
    ) in svg
    assert "<title>check → retrieve: ungrounded ≤2</title>" in svg
    assert "<title>any step → quote: the budget is used up</title>" in svg
    assert "__any_step" not in svg


def test_text_of_nodes_is_anchored_in_its_middle(svg: str) -> None:
    """Words in states are anchored at their middle, so that another font does not shift them."""
    state = re.search(r'<g id="state_0".*?</g>', svg, re.DOTALL)
    assert state is not None
    assert 'text-anchor="start"' not in state[0]


def test_words_stand_in_the_middle_of_their_state(svg: str) -> None:
    """The facts and the policy of a state are centred in it, whatever an engine thinks of their width."""
    state = re.search(r'<g id="state_1".*?</g>', svg, re.DOTALL)
    assert state is not None
    outline = re.search(r' d="([^"]*)"', state[0])
    assert outline is not None
    across = [float(x) for x, _ in re.findall(r"(-?[\d.]+),(-?[\d.]+)", outline[1])]
    middle = (min(across) + max(across)) / 2
    found = re.findall(r'<text[^>]* x="([-\d.]+)"[^>]*>([^<]*)<', state[0])
    words = {text: float(x) for x, text in found}
    assert words["write · 20 s · $0.018 · 1,500 tokens"] == pytest.approx(middle, abs=1.5)
    assert words["retry ≤2 · 1–2 s · re&#45;ask ≤2"] == pytest.approx(middle, abs=1.5)


def test_hostile_titles_are_escaped() -> None:
    """A title that looks like markup is words in the tooltip and in the description."""
    drawn = extract(attrs.evolve(compiled(ASK_DOCS), title="</desc><script>"))
    assert "&lt;/desc&gt;&lt;script&gt;" in graphviz.picture(drawn).decode()


def contrast(first: str, second: str) -> float:
    def luminance(color: str) -> float:
        parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
