"""The file itself: one, whole, the same everywhere, and closed to whatever its data says."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from fsmflow.backends import engines
from fsmflow.cli import app
from fsmflow.review import page as page_module
from fsmflow.review.content import Review
from fsmflow.review.drawing import inlined
from fsmflow.review.page import SCRIPTS, STYLES, embedded, render
from tests.review.reviewed import SPEC, attempt, compiled, data_of, review, run_of

ASSETS = Path(__file__).parents[2] / "fsmflow" / "review" / "assets"
RUN = run_of(attempt("search"), attempt("draft", label="good"))
needs_engine = pytest.mark.skipif(engines.find() is None, reason="nothing that draws is installed")


class Elements(HTMLParser):
    """The elements of a page, with their attributes, and the text of scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.texts.append((self.found[-1][0] if self.found else "", data))


def test_the_policy_names_the_very_style_and_script_that_are_there() -> None:
    """The page may load nothing, and run nothing but its own script."""
    page = render(review(SPEC, RUN))
    elements = Elements(page)
    (policy,) = (a["content"] for t, a in elements.found if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)

    def hashed(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src {hashed(style)}",
        f"script-src {hashed(script)}",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
    ]


def test_the_page_asks_for_nothing() -> None:
    """No element has a source, a target outside of the page, a style or a listener of its own."""
    for tag, attributes in Elements(render(review(SPEC, RUN))).found:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form", "image", "use")
        for name, value in attributes.items():
            assert name not in ("src", "srcset", "style", "action", "xlink:href")
            assert not name.startswith("on")
            assert name != "href" or (value or "").startswith("#")


def test_no_script_makes_markup_or_code_of_text() -> None:
    """The script has no way to turn a string into elements, code or a request."""
    for name in SCRIPTS:
        text = (ASSETS / f"{name}.js").read_text(encoding="utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function|fetch\(|XMLHttp"
            r"|import\(|localStorage|sessionStorage|cookie|createContextualFragment|DOMParser",
            text,
        )


def test_every_asset_is_used() -> None:
    """Each part of the style and of the script is in the page, once."""
    assert sorted(path.stem for path in ASSETS.glob("*.js")) == sorted(SCRIPTS)
    assert sorted(path.stem for path in ASSETS.glob("*.css")) == sorted(STYLES)


@given(st.recursive(st.text() | st.none() | st.integers(), lambda inner: st.lists(inner, max_size=3)))
def test_data_is_inert_in_html(data: object) -> None:
    """Embedded data holds no character that means anything to HTML, and reads back as it was."""
    text = embedded(data)
    assert not set(text) & set("<>&\u2028\u2029")
    assert data_of(f'<script type="application/json" id="data">{text}</script>') == data


HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "<img src=x onerror=alert(1)>",
    "]]>",
    "{{script}}",
    "\u2028\u2029",
    "\x1b[31mred",
    "\u202etxt.exe",
)


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_add_no_element(words: str) -> None:
    """Whatever titles and values say, the page has the same elements; a title that is short is drawn."""
    spec = SPEC.replace("Find passages.", "TITLE").replace(
        "Answer, and say so when it can't be done.", "TITLE"
    )
    plain = render(review(spec, run_of(attempt("search", output="VALUE"), attempt("draft", label="good"))))
    escaped = "".join(f"\\U{ord(c):08x}" for c in words)
    hostile = run_of(attempt("search", output=words), attempt("draft", label="good"))
    page = render(review(spec.replace("TITLE", f'"{escaped}"'), hostile))
    kept, now = ([tag for tag, _ in Elements(each).found if tag != "text"] for each in (plain, page))
    assert now == kept
    assert data_of(page)["overview"]["title"] == words
    assert words in data_of(page)["values"]


def test_a_drawing_keeps_shapes_and_words_alone() -> None:
    """Whatever else an SVG may hold is left out of the page."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        'viewBox="0 0 9 9" onload="x()"><style>*{}</style><script>x()</script>'
        '<g id="state_0" style="color:red" onclick="x()">'
        '<a xlink:href="javascript:x()"><text>lost</text></a><text> </text>'
        '<text fill="#fff">kept &lt;b&gt;</text><foreignObject><b>x</b></foreignObject>'
        '<image href="x"/></g></svg>'
    )
    assert inlined(svg, "a<b").replace("\n", "") == (
        '<svg id="drawing" viewBox="0 0 9 9" role="group" aria-label="Diagram of a&lt;b">'
        '<g id="state_0"><text fill="#fff">kept &lt;b&gt;</text></g></svg>'
    )


def test_a_gap_before_a_word_of_the_drawing_stays() -> None:
    """A cap that follows a label is apart from it: HTML, too, is told to keep the blank between them."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">'
        '<text xml:space="preserve">again</text><text xml:space="preserve"> ≤2</text></svg>'
    )
    assert '<text xml:space="preserve"> ≤2</text>' in inlined(svg, "a")


@needs_engine
def test_every_colour_of_the_drawing_has_its_variable() -> None:
    """No fill and no stroke of the drawing stays light in the dark."""
    page = render(review())
    for attribute, colour in set(re.findall(r'\b(fill|stroke)="(#[0-9a-f]{6})"', page)):
        assert f'[{attribute}="{colour}"]{{{attribute}:var(--' in page


def test_without_an_engine_the_page_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing draws, the page holds all of its data still."""
    monkeypatch.setattr(engines, "find", lambda: None)
    page = render(review())
    assert "<svg" not in page
    assert [each["name"] for each in data_of(page)["states"]] == ["search", "draft", "give_up", "done"]


def test_a_machine_too_large_to_look_at_is_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above a number of states the page lists them instead."""
    monkeypatch.setattr(page_module, "MOST_DRAWN", 3)
    assert "<svg" not in render(review())


@needs_engine
def test_the_same_review_gives_the_same_bytes(tmp_path: Path) -> None:
    """Hash seed, working folder and time change nothing."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "answers.fsm.yaml").write_text(SPEC, encoding="utf-8")
    pages = []
    for seed in ("1", "2"):
        arguments = ["report", "specs/answers.fsm.yaml", "-o", f"page{seed}.html"]
        subprocess.run(
            [sys.executable, "-m", "fsmflow", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])},
            check=True,
        )
        pages.append((tmp_path / f"page{seed}.html").read_bytes())
    assert pages[0] == pages[1]
    assert str(tmp_path).encode() not in pages[0]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that holds a spec."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "answers.fsm.yaml").write_text(SPEC, encoding="utf-8")
    return tmp_path


def test_the_command_writes_a_page_named_after_the_workflow(folder: Path) -> None:
    """`fsmflow report SPEC` says what it wrote, though the checks have something to say."""
    done = CliRunner().invoke(app, ["report", "answers.fsm.yaml", "--base", "answers.fsm.yaml"])
    assert (done.exit_code, done.output) == (0, "wrote answers.review.html\n")
    data = data_of((folder / "answers.review.html").read_text(encoding="utf-8"))
    assert data["change"]["headline"] == "no change in meaning"


def test_runs_are_told_apart_by_the_folders_of_their_traces(folder: Path) -> None:
    """A run is called by the name of its file, where two have the same one, by its folder too."""
    spec = "fsmflow: 1\nworkflow: answers\nstates: {a: {wait: 1ms, success: b}, b: {end: success}}\n"
    (folder / "answers.fsm.yaml").write_text(spec, encoding="utf-8")
    for name in ("one/run.jsonl", "two/run.jsonl"):
        (folder / name).parent.mkdir()
        CliRunner().invoke(app, ["run", "answers.fsm.yaml", "--trace", name, "-q"])
    alone = ["--trace", "one/run.jsonl"]
    assert names_of(folder, alone) == ["run.jsonl"]
    assert names_of(folder, [*alone, "--trace", str(folder / "two/run.jsonl")]) == [
        "one/run.jsonl",
        "two/run.jsonl",
    ]


def names_of(folder: Path, arguments: list[str]) -> list[str]:
    """Report runs, and give what they are called on the page."""
    done = CliRunner().invoke(app, ["report", "answers.fsm.yaml", *arguments])
    assert done.exit_code == 0, done.output
    data = data_of((folder / "answers.review.html").read_text(encoding="utf-8"))
    return [run["name"] for run in data["runs"]]


@pytest.mark.parametrize("name", ["page.pdf", "page.png", "page.md"])
def test_a_page_is_not_called_what_it_is_not(folder: Path, name: str) -> None:
    """The page is HTML: by a name that says otherwise nothing is written, and what it is is said."""
    done = CliRunner().invoke(app, ["report", "answers.fsm.yaml", "-o", name])
    assert done.exit_code == 2
    assert f"can't write '{name[5:]}': the page is HTML, such as page.html" in done.output
    assert not (folder / name).exists()


def test_the_page_goes_to_the_standard_output_too(folder: Path) -> None:
    """`-o -` prints the page, as it does a drawing, and writes no file of that name."""
    done = CliRunner().invoke(app, ["report", "answers.fsm.yaml", "-o", "-"])
    assert done.exit_code == 0
    assert data_of(done.stdout)["overview"]["name"] == "answers"
    assert done.stdout.endswith("</html>\n")
    assert not (folder / "-").exists()


def test_the_page_does_not_tell_where_its_files_are_kept(folder: Path) -> None:
    """Files given by absolute paths are called by the last parts of these: the page is for others to read."""
    (folder / "m.py").write_text("def f(*given):\n    return None\n", encoding="utf-8")
    spec = str(folder / "answers.fsm.yaml")
    done = CliRunner().invoke(app, ["report", spec, "--base", spec])
    page = (folder / "answers.review.html").read_text(encoding="utf-8")
    assert done.exit_code == 0
    assert folder.parent.as_posix() not in page
    assert f"{folder.name}/answers.fsm.yaml" in page


def test_a_trace_that_is_none_is_refused(folder: Path) -> None:
    """What is no trace is refused with its place, and nothing is written."""
    (folder / "t.jsonl").write_text("{}\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["report", "answers.fsm.yaml", "--trace", "t.jsonl"])
    assert done.exit_code == 1
    assert "t.jsonl: line 1: schema" in done.output
    assert not (folder / "answers.review.html").exists()


@pytest.mark.parametrize("arguments", [["gone.fsm.yaml"], ["answers.fsm.yaml", "--base", "gone.fsm.yaml"]])
def test_a_file_that_is_not_there_is_a_wrong_use(folder: Path, arguments: list[str]) -> None:
    """A missing spec or base is said to be missing."""
    done = CliRunner().invoke(app, ["report", *arguments])
    assert done.exit_code == 2
    assert "gone.fsm.yaml" in done.output


def test_a_text_that_is_no_workflow_is_reported(folder: Path) -> None:
    """What can't be read as a workflow has no page, but its faults are told."""
    (folder / "answers.fsm.yaml").write_text("[1, 2]\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["report", "answers.fsm.yaml"])
    assert done.exit_code == 1
    assert "answers.fsm.yaml" in done.output


def test_a_device_is_not_replaced(folder: Path) -> None:
    """The page is never put in the place of what is no file."""
    (folder / "page.html").mkdir()
    done = CliRunner().invoke(app, ["report", "answers.fsm.yaml", "-o", "page.html"])
    assert done.exit_code == 2
    assert "page.html" in done.output


def test_no_way_is_drawn_that_nobody_wrote() -> None:
    """Where a name is no state's, or no way out is said, the page shows no arrow in its place."""
    found = compiled(
        "workflow: sample\nstates:\n"
        "  look: {run: m:f, effect: none, success: darft}\n"
        "  draft:\n"
        "    {run: m:f, effect: none, retry: {times: 1}, success: {a: done, b: {to: dnoe}}, fallback: dnoe}\n"
        "  done: {end: success}\n"
    )
    assert found.analysis is not None

    page = render(Review(found.analysis, found.report, None))
    data = data_of(page)

    assert [state["name"] for state in data["states"]] == ["look", "draft", "done"]
    assert [(edge["source"], edge["target"], edge["why"]) for edge in data["edges"]] == [(1, 2, "a")]
