"""The page can be heard, and be seen by whoever has other colours, other paper or little room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fsmflow.backends import engines
from fsmflow.review.page import render
from tests.browser import Browser, browser
from tests.review.reviewed import SPEC, attempt, review, run_of, written

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(engines.find() is None, reason="nothing that draws is installed"),
]

REFERENCES = ("aria-activedescendant", "aria-controls", "aria-labelledby", "for")
TO_NOTHING = """(names) => names.flatMap((name) => [...document.querySelectorAll(`[${name}]`)]
  .map((each) => each.getAttribute(name)).filter((id) => document.getElementById(id) === null))"""
NAMED = """() => [...document.querySelectorAll("#drawing [role=button]")].map((each) =>
  [each.getAttribute("aria-label"), [...each.querySelectorAll("text")].map((text) => text.textContent)])"""
UNNAMED = """() => [...document.querySelectorAll("th")].filter((each) => !each.innerText.trim()).length"""
ON_TWO_LINES = """() => [...document.querySelectorAll(".worst .change")].filter((each) => {
  const words = document.createRange();
  words.selectNodeContents(each);
  return words.getClientRects().length > 1 && words.getBoundingClientRect().height > 30;
}).map((each) => each.textContent)"""
LOOK = """(each) => { const style = getComputedStyle(each);
  return [style.color, style.backgroundColor, style.borderBottomColor].join() }"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser for all tests of this file."""
    with browser() as found:
        yield found


@pytest.fixture
def page_file(tmp_path: Path) -> Path:
    """The page of a workflow with a long run, and a base in which less was allowed."""
    run = run_of(*[attempt("search"), attempt("draft", label="poor")] * 200)
    return written(render(review(SPEC, run, base=SPEC.replace("times: 2", "times: 1"))), tmp_path)


def test_what_is_referred_to_is_there(chromium: Browser, page_file: Path) -> None:
    """At the start and the end of a run, and with its row out of sight, no reference leads to nothing."""
    with chromium.open(page_file) as (page, _):
        page.click("#tab-stages")
        page.wait_for_selector(".stage-row")
        assert page.evaluate(TO_NOTHING, REFERENCES) == []
        page.focus(".stage-list")
        page.keyboard.press("ArrowDown")
        assert page.get_attribute(".stage-list", "aria-activedescendant") == "stage-1"
        page.evaluate("document.querySelector('.stage-list').scrollTop = 6000")
        page.wait_for_selector("#stage-205")
        assert page.evaluate(TO_NOTHING, REFERENCES) == []
        page.focus("#position")
        page.keyboard.press("End")
        assert page.evaluate(TO_NOTHING, REFERENCES) == []


def test_a_state_is_called_by_what_is_seen(chromium: Browser, page_file: Path) -> None:
    """The name of a state in the drawing is all that stands in it, and its title, said once."""
    with chromium.open(page_file) as (page, _):
        named = page.evaluate(NAMED)
    assert len(named) == 4
    assert [name for name, drawn in named if not name.startswith(" ".join(drawn))] == []
    assert [name.count("Find passages") for name, _ in named] == [1, 0, 0, 0]


def test_no_column_has_an_empty_heading(chromium: Browser, page_file: Path) -> None:
    """A heading that says nothing is none."""
    with chromium.open(page_file) as (page, _):
        assert page.evaluate(UNNAMED) == 0


def test_what_is_chosen_stands_out_in_forced_colours(chromium: Browser, page_file: Path) -> None:
    """With the colours of the system alone, the chosen tab, row and path look unlike the others."""
    with chromium.open(page_file) as (page, _):
        page.emulate_media(forced_colors="active")

        def looks(selector: str) -> list[Any]:
            return [each.evaluate(LOOK) for each in page.locator(selector).all()]

        chosen, other, _ = looks("#panel [role=tab]")
        assert chosen != other
        page.click("#proof .shower >> nth=0")
        chosen, other, *_ = looks("#proof .shower")
        assert chosen != other
        page.click("#tab-stages")
        page.click("#stage-1")
        chosen, other, *_ = looks(".stage-row")
        assert chosen != other


def test_what_is_not_lit_up_can_be_read_in_forced_colours(chromium: Browser, page_file: Path) -> None:
    """Who asks for contrast has it in the states, too, to which a run did not come."""
    with chromium.open(page_file) as (page, _):
        page.emulate_media(forced_colors="active")
        page.keyboard.press(".")
        other = page.locator("#state_1").evaluate("(each) => Number(getComputedStyle(each).opacity)")
    assert 0.6 <= other < 1


def test_bars_are_seen_in_forced_colours(chromium: Browser, page_file: Path) -> None:
    """The filled part of a bar has another colour than its rest."""
    with chromium.open(page_file) as (page, _):
        page.emulate_media(forced_colors="active")
        bar, filled = (page.locator(each).first.evaluate(LOOK) for each in (".bar", ".bar .filled"))
    assert bar != filled


def test_changes_are_whole_on_a_small_phone(chromium: Browser, page_file: Path) -> None:
    """At 320 pixels no change is parted from its unit, and rows begin below their heading."""
    with chromium.open(page_file, width=320) as (page, _):
        assert page.evaluate(ON_TWO_LINES) == []
        room = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert room[0] <= room[1]
        heading = page.locator(".card:has(.worst) > h2").bounding_box()
        row = page.locator(".worst th").first
        begins = row.evaluate("(each) => parseFloat(getComputedStyle(each).paddingLeft)")
        assert row.bounding_box()["x"] + begins == heading["x"]


def test_keys_of_one_sign_can_be_switched_off(chromium: Browser, page_file: Path) -> None:
    """Who dictates, or hits keys by chance, can do without them, and take them up again."""
    with chromium.open(page_file) as (page, _):
        theme = page.get_attribute("html", "data-theme")
        page.keyboard.press("?")
        page.keyboard.press("?")
        assert not page.is_visible("#keys")
        page.keyboard.press("?")
        page.uncheck("#signs")
        page.keyboard.press("Escape")
        page.keyboard.press("t")
        page.keyboard.press("?")
        assert page.get_attribute("html", "data-theme") == theme
        assert not page.is_visible("#keys")
        page.click("#help")
        page.check("#signs")
        page.keyboard.press("Escape")
        page.keyboard.press("t")
        assert page.get_attribute("html", "data-theme") != theme


def test_paper_has_no_buttons(chromium: Browser, page_file: Path) -> None:
    """What can only be pressed is not printed, and a heading keeps with what it is over."""
    with chromium.open(page_file) as (page, _):
        page.emulate_media(media="print")
        assert [each for each in page.locator(".shower").all() if each.is_visible()] == []
        keeps = page.locator("#proof h3").first.evaluate("(each) => getComputedStyle(each).breakAfter")
    assert keeps == "avoid"


def test_no_time_is_told_as_none_of_a_small_unit(chromium: Browser, page_file: Path) -> None:
    """The first stage begins 0 s into the run, as everywhere."""
    with chromium.open(page_file) as (page, _):
        page.keyboard.press(".")
        assert "0 s into the run" in page.inner_text("#panel-stage")
