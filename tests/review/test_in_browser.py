"""The page in a real browser: it can be used by mouse and by keys, and shows hostile words as words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from fsmflow.analysis.comparing.difference import Difference
from fsmflow.backends import engines
from fsmflow.review.content import Run
from fsmflow.review.page import render
from tests.browser import Browser, browser
from tests.review.reviewed import SPEC, attempt, review, run_of, version, written

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(engines.find() is None, reason="nothing that draws is installed"),
]

FAILING = run_of(
    attempt(
        "search",
        input={"question": "how?"},
        output=["a passage"],
        use=dict.fromkeys(("tool_calls", "tokens", "micro_usd"), 1),
    ),
    attempt("draft", label="poor", input={"passages": ["a passage"]}, output="a draft"),
    attempt(
        "search",
        "failure",
        message="the index is gone",
        where="answers.py:7",
        input={"question": "how now?"},
        output={"found": 0},
    ),
    end="give_up",
    kind="degraded",
    output={"text": "sorry"},
)
WELL = run_of(attempt("search"), attempt("draft", label="good"))
LONG = 5_000
BEYOND_THE_FRAME = """() => {
  const room = document.getElementById("frame").getBoundingClientRect();
  return [...document.querySelectorAll("#drawing .node, #drawing .edge")].filter((each) => {
    const own = each.getBoundingClientRect();
    return own.left < room.left || own.right > room.right || own.top < room.top || own.bottom > room.bottom;
  }).map((each) => each.id);
}"""
UNDER_THE_BUTTONS = """() => {
  const over = document.getElementById("zoom").getBoundingClientRect();
  return [...document.querySelectorAll("#drawing text")].filter((each) => {
    const own = each.getBoundingClientRect();
    return own.left < over.right && own.right > over.left && own.top < over.bottom && own.bottom > over.top;
  }).map((each) => each.textContent);
}"""
BEYOND_THE_KEYS = """() => [...document.querySelectorAll("body *")].filter((each) => {
  if (!each.checkVisibility() || !/auto|scroll/.test(getComputedStyle(each).overflow)) return false;
  if (each.scrollWidth <= each.clientWidth && each.scrollHeight <= each.clientHeight) return false;
  return each.tabIndex < 0 || !each.role || !(each.ariaLabel || each.getAttribute("aria-labelledby"));
}).map((each) => `${each.tagName}#${each.id}.${each.className}`)"""
OUT_OF_THEIR_CARD = """() => [...document.querySelectorAll(".overview > * *")].filter((each) =>
  each.getBoundingClientRect().right > each.closest(".overview > *").getBoundingClientRect().right
).map((each) => each.textContent)"""
CUT_SHORT = """() => [...document.querySelectorAll(".stage-row > *")].filter(
  (each) => each.scrollWidth > each.clientWidth).map((each) => each.textContent)"""
FASTEST = 0.05
"""How long a step may take, in seconds."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser for all tests of this file."""
    with browser() as found:
        yield found


@pytest.fixture
def page_file(tmp_path: Path) -> Path:
    """The page of a workflow with two runs and a base."""
    reviewed = review(SPEC, FAILING, WELL, base=SPEC.replace("times: 2", "times: 1"))
    return written(render(reviewed), tmp_path)


def test_a_click_on_a_state_shows_what_it_promises(chromium: Browser, page_file: Path) -> None:
    """The panel tells a state's contract, limits, ways out and share of the worst case."""
    with chromium.open(page_file) as (page, record):
        page.click("#state_1")
        panel = page.inner_text("#panel-state")
        for words in (
            "draft",
            "Write the answer.",
            "answers:draft",
            "500 an attempt",
            "5 s",
            "≤2 per run",
            "poor",
        ):
            assert words in panel
        assert page.get_attribute("#state_1", "aria-pressed") == "true"
        page.click("#panel-state .ways button >> text=search")
        assert "Find passages." in page.inner_text("#panel-state")
        assert (record.errors, record.beyond_the_file) == ([], [])


def test_the_first_look_answers_the_three_questions(chromium: Browser, page_file: Path) -> None:
    """Whether it ends, what it costs at worst and what changed are on the first screen."""
    with chromium.open(page_file, height=800) as (page, record):
        overview = page.locator("#overview")
        assert overview.bounding_box()["y"] + overview.bounding_box()["height"] < 400
        text = overview.inner_text()
        for words in ("Every run ends", "9", "of 9", "1 policy broken", "What changed?", "1 change"):
            assert words in text
        assert record.errors == []


def test_one_of_a_thing_is_told_as_one(chromium: Browser, tmp_path: Path) -> None:
    """A workflow of one step, and its run, are told so; an amount is not parted from its unit."""
    states = "{search: {wait: 1ms, success: done}, done: {end: success}}"
    spec = f"fsmflow: 1\nworkflow: answers\nstates: {states}\n"
    with chromium.open(written(render(review(spec, run_of(attempt("search")))), tmp_path)) as (page, _):
        assert "1 step, 1 end" in page.inner_text(".overview").splitlines()
        assert "done · 1 stage · 1\u00a0ms" in page.inner_text(".overview")
        assert "start · 1 stage" in page.inner_text("#replay").splitlines()


def test_a_section_with_nothing_in_it_is_left_out(chromium: Browser, tmp_path: Path) -> None:
    """Of what need not end nothing is proved: there is no empty proof, and no link to one."""
    states = "{search: {wait: 1ms, success: search}, done: {end: success}}"
    spec = f"fsmflow: 1\nworkflow: answers\nstates: {states}\n"
    with chromium.open(written(render(review(spec)), tmp_path)) as (page, record):
        assert page.inner_text("#sections").split() == ["Checks"]
        assert not page.is_visible("#proof")
        assert record.errors == []


def test_a_rounded_time_is_told_in_the_next_unit(chromium: Browser, tmp_path: Path) -> None:
    """No time is a thousand milliseconds or sixty seconds."""
    times = (999_499, 999_999, 59_949_999, 59_999_999)
    run = run_of(*(attempt("search", start_ns=0, end_ns=us * 1000) for us in times))
    with chromium.open(written(render(review(SPEC, run)), tmp_path)) as (page, _):
        page.click("#tab-stages")
        page.wait_for_selector(".stage-row")
        assert page.locator(".stage-row .time").all_inner_texts() == ["999 ms", "1 s", "59.9 s", "1 min"]


def test_runs_for_which_there_is_no_room_are_counted(chromium: Browser, tmp_path: Path) -> None:
    """Of many runs the first few are listed at a glance, and it is said that there are more."""
    with chromium.open(written(render(review(SPEC, *[WELL] * 5)), tmp_path)) as (page, _):
        assert page.inner_text(".overview").splitlines()[-1] == "and 2 more"


def test_a_run_is_scrubbed_to_its_failing_step(chromium: Browser, page_file: Path) -> None:
    """The failing step stands out in the drawing, with its input, its output and its error."""
    with chromium.open(page_file) as (page, record):
        page.click("#failing")
        assert page.inner_text("#where").startswith("3. search: failure")
        stage = page.inner_text("#panel-stage")
        for words in ("the index is gone", "how now?", "found"):
            assert words in stage
        assert "is-failing" in page.get_attribute("#state_0", "class")
        page.click("[aria-label='Previous stage']")
        assert "a draft" in page.inner_text("#panel-stage")
        assert "is-current" in page.get_attribute("#state_1", "class")
        page.click("text=All stages")
        page.click("#stage-1")
        assert page.inner_text("#where").startswith("1. search: success")
        page.select_option("#run", "1")
        assert page.inner_text("#where").startswith("start · 2 stages")
        assert record.errors == []


def test_the_strip_is_a_slider_for_the_mouse(chromium: Browser, page_file: Path) -> None:
    """A press on the strip goes to the stage that is there."""
    with chromium.open(page_file) as (page, _):
        box = page.locator(".timeline").bounding_box()
        page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + 5)
        assert page.inner_text("#where").startswith("2. draft")


def test_an_edge_says_why_it_is_taken(chromium: Browser, page_file: Path) -> None:
    """Under the pointer, an edge tells its reason and its cap."""
    with chromium.open(page_file) as (page, _):
        point = page.evaluate(
            """() => {
              const path = document.querySelector("#way_0 .reach");
              const half = path.getPointAtLength(path.getTotalLength() / 2);
              const at = half.matrixTransform(path.getScreenCTM());
              return [at.x, at.y];
            }"""
        )
        page.mouse.move(*point)
        assert page.text_content("#caption") == "draft → search: poor ≤2"


def test_a_run_of_another_version_is_marked_as_such(chromium: Browser, tmp_path: Path) -> None:
    """Above the replay stands why a run does not fit the drawing."""
    reviewed = review(SPEC, run_of(attempt("gone <b>")))
    with chromium.open(written(render(reviewed), tmp_path)) as (page, record):
        assert "can't do what the run did" in page.inner_text("#replay")
        page.keyboard.press(".")
        assert page.inner_text("#where").startswith("1. gone <b>: success")
        assert record.errors == []


def test_light_turns_dark_at_a_button(chromium: Browser, page_file: Path) -> None:
    """The page follows the system until its button is pressed."""

    def background(page: Any) -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    with chromium.open(page_file, dark=True) as (page, _):
        from_the_system = background(page)
        page.click("#theme")
        assert background(page) != from_the_system
    with chromium.open(page_file) as (page, _):
        light = background(page)
        fill = "getComputedStyle(document.querySelector('#state_1 text')).fill"
        ink = page.evaluate(fill)
        page.click("#theme")
        assert background(page) == from_the_system != light
        assert page.evaluate(fill) != ink


def focused(page: Any) -> str:
    """Give the id of what has the focus."""
    return str(page.evaluate("document.activeElement.id"))


def test_all_of_it_works_by_keys_alone(chromium: Browser, page_file: Path) -> None:
    """States, stages, tabs, zoom, colours, sorting and help need no mouse."""
    with chromium.open(page_file) as (page, record):
        press = page.keyboard.press
        for _ in range(60):
            press("Tab")
            if focused(page) == "state_0":
                break
        press("ArrowDown")
        assert focused(page) == "state_1"
        press("Enter")
        assert "Write the answer." in page.inner_text("#panel-state")
        before = page.get_attribute("#drawing", "viewBox")
        press("+")
        assert page.get_attribute("#drawing", "viewBox") != before
        press("0")
        press("f")
        assert "the index is gone" in page.inner_text("#panel-stage")
        assert "answers.py:7" in page.inner_text("#panel-stage")
        page.focus("#position")
        press("ArrowLeft")
        assert page.inner_text("#where").startswith("2. draft: poor")
        press("End")
        assert page.inner_text("#where").startswith("end: give_up")
        assert "sorry" in page.inner_text("#panel-stage")
        press("Home")
        assert page.inner_text("#where").startswith("start")
        page.focus("#tab-stage")
        press("ArrowRight")
        assert focused(page) == "tab-stages"
        page.focus(".stage-list")
        press("ArrowDown")
        assert page.inner_text("#where").startswith("1. search")
        press("?")
        assert page.locator("#keys").is_visible()
        press("Escape")
        assert not page.locator("#keys").is_visible()
        press("t")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        page.focus("#steps th button")
        press("Enter")
        assert page.locator("#steps th").first.get_attribute("aria-sort") == "descending"
        assert record.errors == []


def test_what_has_the_focus_is_seen(chromium: Browser, page_file: Path) -> None:
    """Every stop of the Tab key is drawn with an outline, or is a state with its halo."""
    with chromium.open(page_file) as (page, _):
        seen = set()
        for _ in range(80):
            page.keyboard.press("Tab")
            outline = page.evaluate(
                """() => {
                  const at = document.activeElement;
                  if (at === document.body) return null;
                  const shown = at.closest(".timeline") ?? at.closest(".node")?.querySelector(".halo") ?? at;
                  const style = getComputedStyle(shown);
                  const drawn = shown.classList.contains("halo") ? style.stroke : style.outlineStyle;
                  return [at.id || at.className || at.textContent, drawn !== "none"];
                }"""
            )
            if outline is not None:
                seen.add(tuple(outline))
        assert len(seen) > 12
        assert [name for name, drawn in seen if not drawn] == []


def test_a_path_of_the_proof_is_lit_up(chromium: Browser, page_file: Path) -> None:
    """A press on `show` lights up the worst run, and a second puts it out."""
    with chromium.open(page_file) as (page, _):
        page.click("#proof .shower >> nth=0")
        assert "is-lit" in page.get_attribute("#drawing", "class")
        assert page.locator("#drawing .node.is-on").count() >= 2
        assert page.text_content("#state_1 .badge") == "×3"
        page.click("#proof .shower >> nth=0")
        assert "is-lit" not in page.get_attribute("#drawing", "class")


HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "javascript:alert(1)",
    "]]>",
    "{{constructor.constructor('alert(1)')()}}",
    "\x1b[31mred\x1b[0m",
    "\u202egpj.exe",
    "__proto__",
    "file:///etc/passwd http://localhost:9/x.png",
]


def test_hostile_words_are_shown_as_words(chromium: Browser, tmp_path: Path) -> None:
    """No title, value or error of a spec or a trace runs, asks for anything, or hides."""
    words = " ".join(HOSTILE)
    title = "".join(f"\\U{ord(c):08x}" for c in words)
    spec = SPEC.replace("Find passages.", f'"{title}"').replace(
        "Answer, and say so when it can't be done.", f'"{title}"'
    )
    long = "<b>" + "x" * 20_000
    run = run_of(
        attempt("search", output={each: each for each in HOSTILE}, input=[long, {"$repr": words}]),
        attempt("draft", "failure", message=words, complaints=[words, long]),
        end="give_up",
        kind="degraded",
        output=words,
    )
    with chromium.open(written(render(review(spec, run)), tmp_path)) as (page, record):
        elements = page.evaluate("document.querySelectorAll('script, img, iframe, b').length")
        page.click("#state_0")
        for _ in range(3):
            page.keyboard.press(".")
            for closed in page.locator("#panel-stage details:not([open]) > summary").all():
                closed.click()
            text = page.inner_text("#panel-stage")
            assert "<img src=x onerror=alert(1)>" in text or "x" * 200 in text
        page.keyboard.press(",")
        page.keyboard.press(",")
        shown = page.inner_text("#panel-stage")
        assert "\\u001b[31mred" in shown
        assert "\\u202egpj.exe" in shown
        assert len(shown) < 10_000
        page.click("text=show all 20,003 characters")
        assert "x" * 20_000 in page.inner_text("#panel-stage")
        assert "<img src=x onerror=alert(1)>" in page.inner_text("#title")
        assert page.evaluate("document.querySelectorAll('script, img, iframe, b').length") == elements == 2
        assert (record.dialogs, record.errors, record.beyond_the_file) == ([], [], [])


def test_no_name_of_a_file_turns_the_page_around(chromium: Browser, tmp_path: Path) -> None:
    """A trace, and the place of an error in it, are shown with the characters that would turn their words."""
    turned = "a\u202egpj.jsonl"
    failed = run_of(
        attempt("search", "failure", message="gone", where=turned), end="give_up", kind="degraded"
    )
    reviewed = evolve(review(SPEC), runs=(Run(turned, failed), Run("b.jsonl", WELL)))
    with chromium.open(written(render(reviewed), tmp_path)) as (page, _):
        page.click("#state_0")
        page.keyboard.press("f")
        told = [page.text_content(f"#{name}") for name in ("replay", "panel-state", "panel-stage", "steps")]
    assert [text for text in told if "\u202e" in text or "a\\u202egpj.jsonl" not in text] == []


def test_long_text_is_cut_between_characters(chromium: Browser, tmp_path: Path) -> None:
    """A character of two code units that stands where text is cut is left out whole."""
    run = run_of(attempt("search", output="x" * 599 + "\N{THUMBS UP SIGN}" * 9))
    with chromium.open(written(render(review(SPEC, run)), tmp_path)) as (page, _):
        page.keyboard.press(".")
        told = page.evaluate("document.querySelector('#panel-stage .tree .string').textContent")
    assert told == "x" * 599


def test_a_script_that_is_put_into_the_page_does_not_run(chromium: Browser, page_file: Path) -> None:
    """The policy of the page stops what its own script would never do."""
    text = page_file.read_text(encoding="utf-8")
    page_file.write_text(
        text.replace(
            "<main>",
            "<main><script>document.title = 'taken'</script><img src='data:,' onerror='document.title = 1'>",
        ),
        encoding="utf-8",
    )
    with chromium.open(page_file) as (page, record):
        assert page.title() == "answers · review"
        assert page.inner_text("#name") == "answers"
        assert any("Content Security Policy" in error for error in record.errors)


def test_a_long_run_stays_quick(chromium: Browser, tmp_path: Path) -> None:
    """A step through a run of 5,000 stages takes less than a twentieth of a second."""
    stages = [
        attempt("search" if n % 2 else "draft", output={"n": n, "same": "x" * 500}) for n in range(LONG)
    ]
    path = written(render(review(SPEC, run_of(*stages))), tmp_path)
    assert path.stat().st_size < 4_000_000
    with chromium.open(path) as (page, record):
        page.click("text=All stages")
        slowest = page.evaluate(
            """async () => {
              const slider = document.getElementById("position");
              const times = [];
              for (const position of [2500, 4999, 1, 3000, 3001, 3002, 5000, 17]) {
                const begin = performance.now();
                slider.value = position;
                slider.dispatchEvent(new Event("input"));
                document.body.getBoundingClientRect();
                times.push(performance.now() - begin);
                await new Promise(requestAnimationFrame);
              }
              return times.sort((a, b) => a - b)[times.length >> 1];
            }"""
        )
        assert slowest < 1000 * FASTEST
        assert page.locator(".stage-row").count() < 100
        assert record.errors == []


def test_what_was_not_known_before_is_not_called_the_same(chromium: Browser, tmp_path: Path) -> None:
    """Where nothing was proved of the base, no amount of the worst case is said to be as it was."""
    broken = evolve(version(SPEC), is_clear=False)
    reviewed = evolve(review(SPEC, base=SPEC), difference=Difference(broken, version(SPEC)))
    with chromium.open(written(render(reviewed), tmp_path)) as (page, _):
        assert "same" not in page.inner_text(".overview")


def test_a_long_label_leaves_room_for_what_stands_beside_it(chromium: Browser, tmp_path: Path) -> None:
    """In the list of stages the kind, the name and the time are whole, however long an outcome is."""
    run = run_of(attempt("search", label="a_label_" * 8), attempt("draft", label="good"))
    with chromium.open(written(render(review(SPEC, run)), tmp_path), width=400) as (page, _):
        page.click("#tab-stages")
        page.wait_for_selector(".stage-row")
        assert page.evaluate(CUT_SHORT) == ["a_label_" * 8]


def test_a_narrow_page_can_be_used(chromium: Browser, page_file: Path) -> None:
    """At 400 pixels nothing is wider than the page, and states can be chosen."""
    with chromium.open(page_file, width=400, height=800) as (page, _):
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        page.click("#state_0")
        assert "Find passages." in page.inner_text("#panel-state")
        page.click("#failing")
        assert "the index is gone" in page.inner_text("#panel-stage")


def test_what_scrolls_needs_no_mouse(chromium: Browser, tmp_path: Path) -> None:
    """On a narrow page each part that scrolls is a stop for Tab, with a role and a name."""
    failing = attempt("draft", "failure", message="a line\n" * 400, where="answers.py:7")
    reviewed = review(SPEC, run_of(attempt("search"), failing), base=SPEC.replace("times: 2", "times: 1"))
    with chromium.open(written(render(reviewed), tmp_path), width=480) as (page, _):
        page.click("#failing")
        assert page.evaluate(BEYOND_THE_KEYS) == []


@pytest.mark.parametrize("width", [320, 360, 480, 768])
def test_what_is_told_first_stays_in_its_card(chromium: Browser, tmp_path: Path, width: int) -> None:
    """Also where amounts are long and a base gives each its change, nothing sticks out of its card."""
    spec = SPEC.replace("tokens: 500", "tokens: 5432100").replace("tokens: 4000", "tokens: 98765432")
    page_file = written(render(review(spec, base=spec.replace("times: 2", "times: 1"))), tmp_path)
    with chromium.open(page_file, width=width) as (page, _):
        assert "98,765,432" in page.inner_text(".worst")
        assert page.evaluate(OUT_OF_THEIR_CARD) == []


@pytest.mark.parametrize("width", [360, 700, 1000, 1280])
def test_at_first_nothing_of_the_drawing_is_under_the_buttons(
    chromium: Browser, page_file: Path, width: int
) -> None:
    """The buttons that zoom cover no word of the legend."""
    with chromium.open(page_file, width=width) as (page, _):
        assert page.evaluate(UNDER_THE_BUTTONS) == []


def test_on_paper_all_of_the_drawing_is_there(chromium: Browser, page_file: Path) -> None:
    """Printed, the drawing is whole, whatever part of it the screen showed."""
    with chromium.open(page_file, width=700) as (page, _):
        for _ in range(6):
            page.click("#zoom-in")
        page.emulate_media(media="print")
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        page.set_viewport_size({"width": 718, "height": 1040})
        page.wait_for_timeout(100)
        assert page.evaluate(BEYOND_THE_FRAME) == []

        page.emulate_media(media="screen")
        page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        assert page.evaluate(BEYOND_THE_FRAME) != []


def test_no_frame_on_paper_is_torn_from_its_drawing(chromium: Browser, page_file: Path) -> None:
    """The frame around the drawing goes to the next page with it, and leaves no empty one behind."""
    framing = """() => {
      let each = document.getElementById("drawing");
      while (getComputedStyle(each).borderTopWidth === "0px") each = each.parentElement;
      return getComputedStyle(each).breakInside;
    }"""
    with chromium.open(page_file) as (page, _):
        page.emulate_media(media="print")
        assert page.evaluate(framing) == "avoid"


@pytest.mark.parametrize("pressed", [False, True])
def test_paper_is_light(chromium: Browser, page_file: Path, pressed: bool) -> None:
    """Whoever reads in the dark prints dark ink, which no printer leaves out, on the white of the paper."""
    colours = """() => ["body", "#drawing .node text"].map(
      (which) => getComputedStyle(document.querySelector(which))).flatMap((own) => [own.color, own.fill])"""
    with chromium.open(page_file) as (page, _):
        page.emulate_media(media="print")
        light = page.evaluate(colours)
    with chromium.open(page_file, dark=not pressed) as (page, _):
        if pressed:
            page.click("#theme")
        assert page.evaluate(colours) != light
        page.emulate_media(media="print")
        assert page.evaluate(colours) == light


def test_without_scripts_nothing_stands_there_that_does_nothing(chromium: Browser, page_file: Path) -> None:
    """Where scripts are off, the drawing is there and no button is."""
    with chromium.open(page_file, scripts=False) as (page, _):
        assert page.is_visible("#drawing")
        assert [each.is_visible() for each in page.query_selector_all("button, #panel")] == [False] * 6


def test_without_an_engine_states_are_a_list(
    chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing draws, a state is chosen from a list, and a run is replayed all the same."""
    monkeypatch.setattr(engines, "find", lambda: None)
    path = written(render(review(SPEC, FAILING)), tmp_path)
    with chromium.open(path) as (page, record):
        page.click("#frame button >> text=draft")
        assert "Write the answer." in page.inner_text("#panel-state")
        page.keyboard.press("f")
        assert "the index is gone" in page.inner_text("#panel-stage")
        assert record.errors == []
