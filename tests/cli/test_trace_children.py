"""Traces of runs with people and children, from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run, document
from tests.told import BAD, GOOD, lines, specs, text, written


@pytest.fixture
def folder(run: Run, tmp_path: Path) -> Path:
    """The specs of a report and of its sources, and the traces of two runs."""
    specs(tmp_path)
    (tmp_path / "good.jsonl").write_text(text(GOOD), encoding="utf-8")
    (tmp_path / "bad.jsonl").write_text(text(BAD), encoding="utf-8")
    return tmp_path


def test_show_has_the_children_below(run: Run, folder: Path) -> None:
    """The tree is shown without a spec; with one, the ways of the run itself too."""
    bare, known = (
        run("trace", "show", "bad.jsonl"),
        run("trace", "show", "bad.jsonl", "--spec", "report.fsm.yaml"),
    )

    assert (bare.exit_code, known.exit_code, known.stderr) == (0, 0, "")
    assert "20 runs of source: 17 success, 3 failed" in bare.stdout
    assert "→ short (fallback)" in known.stdout
    assert "→ short (fallback)" not in bare.stdout


def test_show_has_a_step_of_a_child(run: Run, folder: Path) -> None:
    """`--step` takes the name of a step in a child, also behind that of the step that ran it."""
    assert "read[3] / fetch, attempt 1" in run("trace", "show", "bad.jsonl", "--step", "fetch").stdout
    assert "look.web" not in run("trace", "show", "bad.jsonl", "--step", "read/fetch").stdout
    wrong = run("trace", "show", "bad.jsonl", "--step", "red/fetch")
    assert wrong.exit_code == 2
    assert "did you mean `read/fetch`?" in wrong.stderr


def test_why_finds_the_specs_of_children(run: Run, folder: Path) -> None:
    """The machine of a child is compiled from its spec, which is where its caller's is."""
    said = " ".join(run("trace", "why", "bad.jsonl").stdout.split())

    assert "`read` failed, since 3 of 20 runs of `source` failed, and 2 may" in said
    assert "In `read[3]`, the run of `source` ended in `lost` (failed)" in said
    assert "`fetch` failed (HTTP 404), so its fallback was taken, to `lost`." in said


def test_both_have_a_json_form(run: Run, folder: Path) -> None:
    """The tree, and the explanations of children, are in the JSON too."""
    shown = document(run("trace", "show", "good.jsonl", "--format", "json"))
    said = document(run("trace", "why", "bad.jsonl", "--format", "json"))

    assert [len(visit.get("children", ())) for visit in shown["visits"]] == [0, 2, 4, 0, 1]
    assert [child["place"] for child in said["children"]] == ["read[3]"]


@pytest.mark.parametrize("command", ["show", "why"])
def test_a_trace_that_breaks_off_is_told(run: Run, folder: Path, command: str) -> None:
    """Whatever of a trace is there, both commands say it, and do not fail."""
    events = lines(BAD)
    for cut in range(1, len(events), 7):
        (folder / "cut.jsonl").write_text(written(events[:cut]), encoding="utf-8")
        assert (
            run("trace", command, "cut.jsonl", *(["report.fsm.yaml"] if command == "why" else [])).exit_code
            == 0
        )


def test_a_run_is_drawn_with_its_children(run: Run, folder: Path) -> None:
    """The drawing of a run tells how many children ran, and how many failed."""
    assert run("draw", "report.fsm.yaml", "--trace", "bad.jsonl", "-o", "run.dot").exit_code == 0
    assert "20 ran · 3 failed" in (folder / "run.dot").read_text(encoding="utf-8")


def test_a_drawing_links_to_those_that_are_beside_it(run: Run, folder: Path) -> None:
    """A state that runs a workflow is a link to its drawing, if it is there; `--link` has the last word."""
    run("draw", "report.fsm.yaml", "-o", "report.svg")
    assert "<a href" not in (folder / "report.svg").read_text(encoding="utf-8")

    run("draw", "source.fsm.yaml", "-o", "source.svg")
    run("draw", "report.fsm.yaml", "-o", "report.svg")
    assert (folder / "report.svg").read_text(encoding="utf-8").count('<a href="source.svg">') == 3

    run("draw", "report.fsm.yaml", "-o", "report.svg", "--link", "https://example.org/report")
    assert "source.svg" not in (folder / "report.svg").read_text(encoding="utf-8")


def test_a_review_page_lists_the_runs(run: Run, folder: Path) -> None:
    """The page of a review holds the runs of children at the stage that started them."""
    assert run("report", "report.fsm.yaml", "--trace", "bad.jsonl", "-o", "page.html").exit_code == 0
    assert "fetch: HTTP 404" in (folder / "page.html").read_text(encoding="utf-8")
