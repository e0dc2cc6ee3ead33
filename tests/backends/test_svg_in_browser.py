"""Drawings of hostile specs in a real browser: nothing runs, nothing is asked for, and words are words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fsmflow.backends import graphviz
from fsmflow.backends._wording import plain
from fsmflow.backends.diagram import LONGEST_NAME
from tests.backends.test_graphviz import HOSTILE, everywhere
from tests.browser import Browser, browser

pytestmark = pytest.mark.browser

HOSTILE_HERE = [
    *HOSTILE,
    "<svg onload=alert(1)>",
    "<image href='http://127.0.0.1:9/x'/>",
    "<style>@import 'http://127.0.0.1:9/x'</style>",
    "</text><foreignObject><iframe src='http://127.0.0.1:9/'/></foreignObject>",
]
LIVE = "script, image, iframe, a, use, foreignObject, [onload], [onclick], [onerror]"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.mark.parametrize("words", HOSTILE_HERE, ids=lambda text: ascii(text[:16]))
def test_hostile_words_are_shown(words: str, chromium: Browser, tmp_path: Path) -> None:
    """Whatever words a spec has, an SVG shows them as text, and does nothing."""
    path = tmp_path / "drawn.svg"
    path.write_bytes(graphviz.picture(everywhere(words)))

    with chromium.open(path) as (page, record):
        texts = page.evaluate("[...document.querySelectorAll('text')].map((text) => text.textContent)")
        live = page.evaluate("(live) => document.querySelectorAll(live).length", LIVE)

    said = " ".join(" ".join(texts).replace("\xa0", " ").split())
    assert plain(words, LONGEST_NAME) in said
    assert live == 0
    assert (record.beyond_the_file, record.dialogs, record.errors) == ([], [], [])


def test_dark_readers_see_it_dark(chromium: Browser, tmp_path: Path) -> None:
    """One SVG looks different to a light and to a dark reader, and a PNG of it opens as well."""
    path = tmp_path / "drawn.svg"
    path.write_bytes(graphviz.picture(everywhere("words")))
    seen = set()
    for dark in (False, True):
        with chromium.open(path, dark=dark) as (page, _):
            seen.add(page.screenshot())
    assert len(seen) == 2

    picture = tmp_path / "drawn.png"
    picture.write_bytes(graphviz.picture(everywhere("<script>alert(1)</script>"), "png"))
    with chromium.open(picture) as (page, record):
        assert page.evaluate("document.images[0].naturalWidth") > 100
    assert (record.dialogs, record.errors) == ([], [])


def test_links_lead_where_they_say(chromium: Browser, tmp_path: Path) -> None:
    """A state that is a link is one, to its address and no other."""
    diagram = everywhere("words")
    path = tmp_path / "drawn.svg"
    path.write_bytes(graphviz.picture(diagram, links={"words": "https://example.org/?a=1&b=2#L3"}))
    with chromium.open(path) as (page, record):
        found = page.evaluate("[...document.querySelectorAll('a')].map((link) => link.href.baseVal)")
    assert found == ["https://example.org/?a=1&b=2#L3"]
    assert record.beyond_the_file == []


STYLE_OF_ANOTHER = """() => { const style = getComputedStyle(document.querySelector("#another text"));
  return [style.fontFamily, style.fill, style.stroke] }"""
ANOTHER = (
    '<svg id="another"><g class="edge"><text fill="#ffffff" font-family="serif" y="9">a</text></g></svg>'
)


@pytest.mark.parametrize("dark", [False, True])
def test_a_picture_in_a_page_leaves_others_alone(chromium: Browser, tmp_path: Path, dark: bool) -> None:
    """In a notebook, where it is part of the page, a picture changes no font and no colour of another."""
    styles = []
    for number, own in enumerate(("", graphviz.picture(everywhere("words")).decode())):
        path = tmp_path / f"{number}.html"
        path.write_text(f"<!doctype html><meta charset=utf-8>{own}{ANOTHER}", encoding="utf-8")
        with chromium.open(path, dark=dark) as (page, _):
            styles.append(page.evaluate(STYLE_OF_ANOTHER))
    assert styles[0] == styles[1]
