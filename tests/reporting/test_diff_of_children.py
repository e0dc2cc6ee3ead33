"""Changes of people and children in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from attrs import evolve

from fsmflow.analysis.comparing.difference import Difference
from fsmflow.backends import graphviz
from fsmflow.backends.overlays.diff import union
from fsmflow.compiler import compile_file
from fsmflow.reporting import diff_json, diff_markdown, diff_text
from fsmflow.reporting.diff_wording import Comparison
from tests.told import specs

EDITS = {
    "report": (
        ("at_most: 20", "at_most: 25"),
        ("Is this report fit to be sent?", "Send it?"),
        ("role: editor", "role: chief"),
        ("docs: {call: source", "more: {call: source, with: {url: $plan}}, docs: {call: source"),
    ),
    "source": (("tokens: 700", "tokens: 800"),),
}


@pytest.fixture
def difference(tmp_path: Path) -> Difference:
    """The report before and after some edits of it and of its child."""
    (tmp_path / "old").mkdir()
    before = compile_file(specs(tmp_path / "old")).version
    (tmp_path / "new").mkdir()
    path = specs(tmp_path / "new")
    for name, edits in EDITS.items():
        spec = path.with_name(f"{name}.fsm.yaml")
        text = spec.read_text(encoding="utf-8")
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        spec.write_text(text, encoding="utf-8")
    return Difference(before, compile_file(path).version)


def compared(*differences: Difference) -> Comparison:
    return Comparison("old", "new", differences)


def test_text_says_what_changed(difference: Difference) -> None:
    """A child that changed itself is told as that, with what it costs now; a question by its words."""
    text = diff_text.render(compared(difference), color=False)

    for line in (
        "Δ source            itself changed",
        "Δ at_most           20 → 25",
        "Δ cost tokens       14,000 → 20,000",
        "Δ ask   Is this report fit to be sent? → Send it?",
        "Δ role  editor → chief",
        "+ branch more      source",
    ):
        assert " ".join(line.split()) in " ".join(text.split()), text


def test_markdown_says_the_same(difference: Difference) -> None:
    """Names of workflows are code, and our own words are not."""
    text = diff_markdown.render(compared(difference), {})

    assert "  - Δ `source` itself changed\n" in text
    assert "  - \\+ `branch more`: `source`\n" in text


def test_json_has_the_digests(difference: Difference) -> None:
    """A child that changed is told with its digest before and after."""
    (found,) = json.loads(diff_json.render(compared(difference)))["workflows"]
    child = next(c for c in found["changes"] if c["state"] == "read" and c["name"] == "workflow")

    assert (child["aspect"], child["sign"], len(child["before"]), len(child["after"])) == (
        "source", "changed", 64, 64,
    )  # fmt: skip


def test_a_new_state_is_told_in_short(difference: Difference) -> None:
    """A state that is new is told with what it runs and may cost, without digests and arguments."""
    new = difference.new
    old = difference.old
    assert new is not None
    assert new.analysis is not None
    assert old is not None
    assert old.analysis is not None
    bare = evolve(old.analysis.machine, states={
        name: state for name, state in old.analysis.machine.states.items() if name != "read"
    }, transitions=tuple(
        way for way in old.analysis.machine.transitions if "read" not in (way.source, way.target)
    ))  # fmt: skip
    before = evolve(old, analysis=_with(old.analysis, bare))
    text = diff_text.render(compared(Difference(before, new)), color=False)

    assert "+ map source · at_most 25 · width 4 · tolerate 2 · over $plan · " in text
    assert "cost 75 steps · cost 50 tool calls · cost 20,000 tokens · cost $0.25" in text
    assert "workflow" not in text


def _with(analysis, machine):
    from fsmflow.analysis import Analysis

    return Analysis(analysis.document, analysis.workflow, machine, None)


def test_the_picture_says_what_can_be_seen_nowhere_else(difference: Difference) -> None:
    """A child that changed itself, and what was asked before, are notes; new facts are in their places."""
    diagram, overlay = union(difference)
    read, approve = overlay.nodes["read"], overlay.nodes["approve"]

    assert read.note == "source itself changed"
    assert approve.note == "asked before: Is this report fit to be sent?"
    told = [words.text for line in read.facts or () for words in line]
    assert "≤25 items" in told
    assert "+ branch more: source" in overlay.nodes["look"].note
    assert graphviz.picture(diagram, overlay=overlay)
