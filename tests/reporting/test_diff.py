"""Comparisons as a reviewer reads them: in a terminal, in a pull request, and by a program."""

from __future__ import annotations

import json
import re

import pytest
from attrs import evolve

from fsmflow.analysis.comparing.difference import Difference, Version
from fsmflow.analysis.comparing.gates import Gates
from fsmflow.compiler import compile_spec
from fsmflow.diagnostics import Diagnostic, Severity
from fsmflow.loading.yaml import read_document
from fsmflow.reporting import diff_json, diff_markdown, diff_text
from fsmflow.reporting.diff_markdown import MOST_CHARACTERS, Drawings
from fsmflow.reporting.diff_wording import Comparison, ending, headline

OLD = """\
fsmflow: 1
workflow: sample
budget: {steps: 30, exceeded: lost}
states:
  draft:
    run: m:draft
    accept: [m:fits]
    cost: {tokens: 500}
    timeout: 9s
    effect: none
    success: {good: done, poor: {to: draft, times: 2, else: lost}}
    fallback: lost
  done: {end: success}
  lost: {end: failed}
"""
NEW = """\
fsmflow: 1
workflow: sample
budget: {steps: 30, exceeded: lost}
states:
  write:
    run: m:draft
    cost: {tokens: 500}
    timeout: 9s
    effect: none
    success: {good: review, poor: {to: write, times: 3, else: lost}}
    retry: {times: 1, backoff: 1s}
    fallback: lost
  review: {run: m:review, timeout: 2s, effect: none, success: done, fallback: lost}
  done: {end: success}
  lost: {end: failed}
"""
TEXT = """\
sample: 6 changes; at worst, a run uses more steps, tokens and time
  Every run ends, however high its caps are set, as before.

  at most      before       after    change
  steps             3           9    +200 %
  tokens        1,500       4,000  +166.7 %
  time           27 s  5 min 14 s  +1,063 %
  transitions       3           9    +200 %

  → write  was draft
      Δ good      done → review
      Δ poor cap  2 → 3
      + retry     another attempt · ≤1 · backoff 1 s
      − accept    m:fits

  + review  step
      + run m:review · timeout 2 s · effect none
      + success   to done
      + fallback  to lost

  Runs in flight keep to the old version, and still need
      m:fits, in accept of draft

× --max-steps 5: a run of sample can use 9 steps
"""


def version(text: str, *more: Diagnostic) -> Version:
    analysis = compile_spec(read_document(text, "sample.fsm.yaml")).analysis
    assert analysis is not None
    return Version(analysis, more)


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    difference = Difference(version(OLD), version(NEW))
    return Comparison("old.yaml", "new.yaml", (difference,), tuple(Gates(steps=5).tripped(difference)))


def hostile(words: str) -> Comparison:
    """Give a comparison in which the checks say `words`."""
    difference = Difference(version(OLD), version(OLD, Diagnostic("bad-name", words)))
    return Comparison("a", "b", (difference,))


def test_text_is_what_a_reviewer_needs(comparison: Comparison) -> None:
    """A terminal shows what it costs now, each change in its state, what runs still need, and the limit."""
    assert diff_text.render(comparison, color=False) == TEXT


def test_the_headline_says_what_falls_too() -> None:
    """Steps are fewer, time is less, and what falls is not passed over where something else rises."""
    slower = OLD.replace("timeout: 9s", "timeout: 20s").replace("times: 2", "times: 1")

    back, forth = (
        headline(Difference(version(old), version(new))) for old, new in ((NEW, OLD), (OLD, slower))
    )

    assert back == "6 changes; at worst, a run uses fewer steps and tokens and less time"
    assert forth == "2 changes; at worst, a run uses more time and fewer steps and tokens"


def test_of_a_workflow_that_is_gone_is_said_how_its_runs_ended() -> None:
    """What is gone ends no run any more: how its runs ended is said of before, and not as if it were now."""
    gone, new = Difference(version(OLD), None), Difference(None, version(OLD))

    assert ending(gone) == "before, every run ends, however high its caps are set"
    assert ending(new) == "every run ends, however high its caps are set"


def test_the_headline_says_that_there_are_errors_now() -> None:
    """A change that brings errors is not summed up by what it saves; warnings and old errors are not told."""
    slower = OLD.replace("timeout: 9s", "timeout: 20s")
    warned, wrong = (
        Diagnostic("bad-name", "x", severity=level) for level in (Severity.WARNING, Severity.ERROR)
    )
    again = evolve(wrong, message="y")

    told = [
        headline(Difference(version(OLD, *before), version(slower, *after)))
        for before, after in (((), (wrong, warned)), ((), (wrong, again)), ((wrong,), (wrong,)))
    ]

    assert told == [
        "1 change and 1 new error; at worst, a run uses more time",
        "1 change and 2 new errors; at worst, a run uses more time",
        "1 change; at worst, a run uses more time",
    ]


def test_what_no_state_uses_has_no_row() -> None:
    """Where only the budget ends a run, nothing is said of money and tools that nobody pays or calls."""
    endless = OLD.replace("{to: draft, times: 2, else: lost}", "draft")

    said = diff_text.render(Comparison("a", "b", (Difference(version(OLD), version(endless)),)), color=False)

    assert "\n  tokens " in said
    assert "tool calls" not in said
    assert "money" not in said


def test_colour_adds_nothing_but_colour(comparison: Comparison) -> None:
    """Without its escapes, the coloured text is the plain one."""
    coloured = diff_text.render(comparison, color=True)

    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == diff_text.render(comparison, color=False)


def test_markdown_marks_what_rises(comparison: Comparison) -> None:
    """A comment has a table with rises in bold, the changes as a list, and the limits that are not kept."""
    said = diff_markdown.render(comparison, {})

    assert "| steps | 3 | 9 | **+200 %** |" in said
    assert "- → `write` (was `draft`)\n" in said
    assert "  - Δ `poor cap`: `2` → `3`\n" in said
    assert "- \\+ `review` (step)\n" in said
    assert "- × `--max-steps 5: a run of sample can use 9 steps`\n" in said


@pytest.mark.parametrize(
    "words",
    [
        "@someone",
        "a `b` c",
        "``",
        "`",
        "<script>alert(1)</script>",
        "[x](http://y)",
        "#1",
        "</details>",
        "a\n# b",
        "",
    ],
)
def test_words_of_a_spec_are_code_in_markdown(words: str) -> None:
    """What a spec says stands in a code span that it can't end: no mention, link, markup or new line."""
    said = diff_markdown.render(hostile(words), {})
    (line,) = [line for line in said.split("\n") if "bad-name" in line]

    found = re.fullmatch(r"- error `bad-name`: (`+)( ?)(.*?)\2\1", line)
    assert found is not None
    assert found[1] not in re.findall("`+", found[3])


def test_a_terminal_is_told_nothing_to_obey() -> None:
    """Escapes in what a check says are shown, and not sent."""
    assert "\x1b" not in diff_text.render(hostile("\x1b[31mred\u202e"), color=False)


def test_a_comment_has_room(comparison: Comparison) -> None:
    """Drawings that would make a comment longer than GitHub takes are left out, and that is said."""
    small = diff_markdown.render(comparison, {"sample": Drawings("flowchart a", "flowchart b")})
    large = diff_markdown.render(comparison, {"sample": Drawings("x" * MOST_CHARACTERS, "y")})

    assert "```mermaid\nflowchart a\n```" in small
    assert "left out" not in small
    assert "```mermaid" not in large
    assert "left out" in large


def test_json_has_every_change(comparison: Comparison) -> None:
    """A program gets each change with its place and its unit, in the schema `fsmflow.diff/1`."""
    found = json.loads(diff_json.render(comparison))
    (workflow,) = found["workflows"]

    assert found["schema"] == "fsmflow.diff/1"
    assert workflow["renamed"] == {"draft": "write"}
    assert workflow["worst_case"]["milliseconds"]["before"] == {"upper": 27_000, "exact": True}
    assert {
        "sign": "changed", "topic": "cap", "state": "write", "kind": "success", "name": "poor",
        "aspect": None, "unit": None, "before": 2, "after": 3,
    } in workflow["changes"]  # fmt: skip
    assert workflow["needed_in_flight"] == [{"what": "m:fits", "kind": "accept", "state": "draft"}]
    assert [trip["gate"] for trip in found["tripped"]] == ["--max-steps 5"]


def test_a_workflow_may_be_new_or_gone() -> None:
    """A workflow on one side only is said to be new, with its worst case, or gone."""
    new, gone = Difference(None, version(OLD)), Difference(version(OLD), None)

    assert "sample: a new workflow" in diff_text.render(Comparison("a", "b", (new,)), color=False)
    assert "sample: the workflow is gone" in diff_text.render(Comparison("a", "b", (gone,)), color=False)
    found = json.loads(diff_json.render(Comparison("a", "b", (new, gone))))["workflows"]
    assert [workflow["status"] for workflow in found] == ["added", "removed"]
