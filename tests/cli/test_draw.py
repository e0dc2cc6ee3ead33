"""`fsmflow draw`: formats, and what is laid over a drawing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from fsmflow.analysis.traces.coverage import Coverage, document
from fsmflow.backends import engines
from fsmflow.compiler import compile_file
from tests.cli.conftest import Run, edit, tree

SPEC = "specs/hello.fsm.yaml"


@pytest.fixture
def trace(run: Run, project: Path) -> str:
    """The trace of a run of `hello`."""
    assert run("run", SPEC, "text=hi", "--trace", "run.jsonl", "-q").exit_code in (0, 3, 4, 5)
    return "run.jsonl"


def drawn(run: Run, *arguments: str) -> str:
    """Give the DOT text of a drawing."""
    result = run("draw", SPEC, "--format", "dot", "-o", "-", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_trace_is_laid_over_the_drawing(run: Run, trace: str) -> None:
    """With one trace, moves are numbered and the header tells what was used."""
    text = drawn(run, "--trace", trace)

    assert "#1<" in text
    assert "Used" in text
    assert text != drawn(run)


def test_several_traces_give_frequencies(run: Run, trace: str) -> None:
    """With several, each way says how often it was taken."""
    text = drawn(run, "--trace", trace, "--trace", trace)

    assert "2 runs" in text
    assert "×2" in text
    assert "#1<" not in text


@pytest.mark.parametrize("metric", ["steps", "tool_calls", "tokens", "money", "time", "transitions"])
def test_a_worst_case_is_laid_over_the_drawing(run: Run, project: Path, metric: str) -> None:
    """Each metric that is declared has its worst case."""
    text = drawn(run, "--witness", metric)

    assert ("no run uses any" in text) == (metric in ("tool_calls", "money"))
    assert "at worst" in text or "no run uses any" in text


def test_coverage_is_laid_over_the_drawing(run: Run, project: Path) -> None:
    """What tests have written for a workflow, `draw --coverage` shows."""
    machine = compile_file(project / SPEC).analysis.machine  # type: ignore[union-attr]
    counts = (0, *[3] * (len(machine.transitions) - 1))
    coverage = Coverage(machine.name, machine.digest, 7, counts)
    (project / "tests.json").write_text(json.dumps(document(coverage)), encoding="utf-8")

    said = f"{len(counts) - 1} of {len(counts)} transitions"
    assert said in drawn(run, "--coverage", "tests.json")

    (project / "folder").mkdir()
    (project / "tests.json").rename(project / "folder" / f"{machine.name}.coverage.json")
    assert said in drawn(run, "--coverage", "folder")


@pytest.mark.parametrize(
    ("workflow", "digest", "said"),
    [
        ("other", None, "tests.json is the coverage of `other`, not of `hello`"),
        ("\x1b[31m", None, "tests.json is the coverage of `\\x1b[31m`, not of `hello`"),
        ("hello", "e" * 64, "tests.json is the coverage of another version of `hello`: run the tests again"),
    ],
)
def test_coverage_of_another_machine_is_refused(
    run: Run, project: Path, workflow: str, digest: str | None, said: str
) -> None:
    """What tests took of another workflow, or of another version, is no picture of this one."""
    machine = compile_file(project / SPEC).analysis.machine  # type: ignore[union-attr]
    coverage = Coverage(workflow, digest or machine.digest, 7, (1,) * len(machine.transitions))
    (project / "tests.json").write_text(json.dumps(document(coverage)), encoding="utf-8")
    before = tree(project)
    result = run("draw", SPEC, "--coverage", "tests.json")

    assert result.exit_code == 2
    assert said in result.stderr
    assert tree(project) == before


def test_tests_are_told_where_to_write_coverage(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`fsmflow test --coverage` hands the folder on to pytest, and says nothing of it without."""
    assert run("build", SPEC, "-q").exit_code == 0
    called: list[list[str]] = []

    def note(arguments: list[str], **_: object) -> SimpleNamespace:
        called.append(arguments)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr("subprocess.run", note)
    assert run("test", SPEC).exit_code == run("test", SPEC, "--coverage", "cov").exit_code == 0

    assert [[a for a in each if "coverage" in a] for each in called] == [[], ["--fsmflow-coverage=cov"]]


@pytest.mark.parametrize("name", ["out.mmd", None])
def test_mermaid_text_is_written(run: Run, project: Path, name: str | None) -> None:
    """The ending `.mmd`, or `--format mermaid`, gives a Mermaid flowchart."""
    arguments = ("-o", name) if name else ("--format", "mermaid")

    assert run("draw", SPEC, *arguments).exit_code == 0
    text = (project / (name or "hello.mmd")).read_text(encoding="utf-8")
    assert "\nflowchart " in text


@pytest.mark.parametrize("form", ["svg", "png", "pdf"])
def test_a_picture_that_cannot_be_drawn_is_told(
    run: Run, project: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing that draws, a picture exits with 2 and a command to install one; text is written."""
    monkeypatch.setattr(engines, "find", lambda: None)

    result = run("draw", SPEC, "-o", f"out.{form}")
    assert result.exit_code == 2
    assert f"nothing here can draw {form}" in result.stderr
    assert " install " in result.stderr
    assert not (project / f"out.{form}").exists()
    assert [run("draw", SPEC, "-o", name).exit_code for name in ("out.dot", "out.mmd")] == [0, 0]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--trace", "x", "--witness", "steps"),
        ("--trace", "x", "--coverage", "x"),
        ("--witness", "steps", "--coverage", "x"),
        ("--witness", "steps", "--format", "mermaid"),
        ("--trace", "x", "-o", "out.mmd"),
        ("--witness", "coffee"),
        ("--trace", "gone.jsonl"),
        ("--coverage", "gone.json"),
        ("-o", "out.docx"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_said_and_nothing_is_written(
    run: Run, project: Path, arguments: tuple[str, ...]
) -> None:
    """What does not go together, or is not there, exits with 2 and leaves every file as it was."""
    before = tree(project)
    result = run("draw", SPEC, *arguments)

    assert result.exit_code == 2
    assert result.stderr.startswith("Usage: ")
    assert tree(project) == before


@pytest.mark.skipif(engines.find() is None, reason="nothing that draws is installed")
def test_letters_that_a_png_does_not_show_are_told(run: Run, project: Path) -> None:
    """A title in letters that the PNG has only boxes for is drawn, and the way out said; an SVG shows it."""
    (project / "specs/old.fsm.yaml").write_text(
        (project / SPEC).read_text(encoding="utf-8"), encoding="utf-8"
    )
    edit(project / SPEC, "title: Say what this workflow is for.", "title: 漢字")
    png, svg = (run("draw", SPEC, "-o", f"out.{form}") for form in ("png", "svg"))
    change = run("diff", "specs/old.fsm.yaml", SPEC, "-o", "change.png")

    for result in (png, change):
        assert result.exit_code == 0
        assert "boxes stand for letters such as 漢" in result.stderr
        assert "draw an SVG" in result.stderr
    assert (svg.exit_code, svg.stderr) == (0, "")


def test_states_are_links_to_their_lines(run: Run, project: Path) -> None:
    """With --link each state of an SVG leads to its line in the spec; without it nothing does."""
    base = "https://example.org/a?b=1&c=2"
    assert run("draw", SPEC, "-o", "linked.svg", "--link", base).exit_code == 0
    assert run("draw", SPEC, "-o", "plain.svg").exit_code == 0

    found = re.findall(r'<a href="([^"]*)">', (project / "linked.svg").read_text(encoding="utf-8"))
    lines = (project / SPEC).read_text(encoding="utf-8").splitlines()
    assert found
    for address in found:
        page, _, line = address.partition("#L")
        assert page == "https://example.org/a?b=1&amp;c=2"
        assert re.match(r"  \w+:", lines[int(line) - 1])
    assert "href" not in (project / "plain.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("form", ["png", "dot", "mermaid", "pdf"])
def test_only_an_svg_has_links(run: Run, project: Path, form: str) -> None:
    """A format without links refuses them."""
    result = run("draw", SPEC, "--format", form, "--link", "https://example.org/a")
    assert (result.exit_code, result.stderr[:6]) == (2, "Usage:")


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JavaScript://example.org/%0aalert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "//example.org/a",
        "example.org/a",
        "https:///a",
        "https://[/a",
        'https://example.org/"onclick="alert(1)',
        "https://example.org/<b>",
        "https://example.org/a b",
        "https://example.org/a\nb",
        "https://example.org/a#L3",
        "",
    ],
)
def test_a_link_leads_to_a_page_alone(run: Run, project: Path, address: str) -> None:
    """Only the plain address of a page is taken for a link; anything else is a usage error."""
    before = tree(project)
    result = run("draw", SPEC, "-o", "out.svg", "--link", address)
    assert (result.exit_code, result.stderr[:6]) == (2, "Usage:")
    assert tree(project) == before


@pytest.mark.parametrize("option", ["--trace", "--coverage"])
@pytest.mark.parametrize("text", ["", "hello", "{}\n", '{"schema": "fsmflow.trace/2"}\n', "\ud800"])
def test_a_bad_file_is_told_by_name(run: Run, project: Path, option: str, text: str) -> None:
    """A file that is no trace, or no coverage, exits with 1 and one line that names it."""
    (project / "bad.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    result = run("draw", SPEC, option, "bad.json")

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: bad.json: ")
    assert "Traceback" not in result.output


def test_a_trace_of_another_version_is_drawn_and_said_to_be_one(run: Run, project: Path, trace: str) -> None:
    """A spec that was changed since still draws the run, with a warning in its header and beside it."""
    edit(project / SPEC, "timeout: 20s", "timeout: 21s")

    assert "another version of this workflow" in drawn(run, "--trace", trace)
    said = f"{trace} is a run of another version of `hello`\n"
    assert run("draw", SPEC, "--trace", trace, "-o", "-").stderr == said
    assert run("report", SPEC, "--trace", trace).stderr == said
    several = run("draw", SPEC, *("--trace", trace) * 3, "-o", "-").stderr
    assert several == f"{trace} and 2 more are runs of another version of `hello`\n"


@pytest.mark.parametrize("output", ["page.html", "-"])
def test_a_page_is_made_of_a_trace_whatever_its_name(run: Run, project: Path, output: str) -> None:
    """A name with bytes that are no text, as folders of old have them, stands on the page as their codes."""
    run("run", SPEC, "text=hello", "--trace", "\udcff.jsonl")
    result = run("report", SPEC, "--trace", "\udcff.jsonl", "-o", output)
    page = result.stdout if output == "-" else (project / output).read_text(encoding="utf-8")

    assert result.exit_code == 0
    assert "udcff.jsonl" in page
