"""Slips of the keyboard: each is told once, at its own place, with what was meant."""

from __future__ import annotations

import pytest

from fsmflow.diagnostics import Diagnostic, InvalidSpec
from fsmflow.loading.structure import structure
from fsmflow.loading.yaml import read_document

SPEC = """\
fsmflow: 1
workflow: sample
states:
  draft:
    title: Draft it.
    run: m:f
    as: answer
    cost: {tokens: 400}
    effect: none
    success:
      good: done
      poor: done
    fallback: done
  each:
    map: child
    over: $draft
    at_most: 9
    width: 3
    tolerate: 2
    success: done
  done: {end: success}
"""


def told(old: str, new: str) -> list[tuple[int, int, Diagnostic]]:
    """Give what is said of a spec with a slip in it, with the line and column of each."""
    assert old in SPEC
    try:
        document = read_document(SPEC.replace(old, new, 1), "sample.fsm.yaml")
        found = structure(document).diagnostics
    except InvalidSpec as error:
        return [(d.span.line, d.span.column, d) for d in error.diagnostics if d.span]
    places = [(d.span or document.locate(d.route, key=d.key), d) for d in found]
    return [(place.line, place.column, d) for place, d in places]


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "said", "hint"),
    [
        (
            "title: Draft it.",
            "title: 'Don't.'",
            5,
            17,
            "not YAML",
            "`'` inside single quotes is written `''`",
        ),
        ("title: Draft it.", "title: @all", 5, 12, "not YAML", "text that begins with `@` needs quotes"),
        ("title: Draft it.", "title: `all`", 5, 12, "not YAML", "text that begins with ``` needs quotes"),
        ("as: answer", "as:\u00a0answer", 7, 8, "U+00A0 is no space", "write a plain space"),
        ("    as: answer", "\u00a0   as: answer", 7, 1, "U+00A0 is no space", "write a plain space"),
        ("as: answer", "as:answer", 7, 5, "not YAML", "a key needs a colon and a space after it"),
        ("      good: done", "      - good: done", 12, 7, "not YAML", "check the indentation, and each `-`"),
        ("{tokens: 400}", "{tokens:400}", 8, 12, "`tokens:400`", "a colon needs a space after it"),
        ("run: m:f", "runs: m:f", 6, 5, "a state has one of the keys", "did you mean `run`?"),
        ("run: m:f", "run: m.f", 6, 10, "`m.f` names no function", "did you mean `m:f`?"),
        ("as: answer", "as: the-answer", 7, 9, "can't name a value", "did you mean `the_answer`?"),
        ("map: child", "map: child.fsm.yaml", 15, 10, "can't name a workflow", "did you mean `child`?"),
        ("good: done", "Looks Good: done", 11, 7, "can't name a label", "did you mean `looks_good`?"),
        ("good: done", "größer: done", 11, 7, "can't name a label", "a name is a-z, 0-9 and _"),
        ("end: success", "end: finished", 21, 15, "`success` or `degraded` or", "for example `end: success`"),
        ("fsmflow: 1", "fsmflow: '1'", 1, 10, "expected `1`", "write it without quotes"),
        ("fsmflow: 1", "fsmflow: 0", 1, 10, "expected `1`", "for example `fsmflow: 1`"),
        ("fsmflow: 1", "fsmflow: 2", 1, 10, "of version 2", "a later fsmflow reads it: upgrade"),
        ("as: answer", "invalid: done", 7, 14, "a mapping", "did you mean `{to: done}`?"),
        ("as: answer", "invalid: 3", 7, 14, "a mapping", "did you mean `{times: 3}`?"),
        ("as: answer", "retry: 5", 7, 12, "a mapping", "did you mean `{times: 5}`?"),
        ("as: answer", "retry: done", 7, 12, "a mapping", "for example `retry: {times: 3}`"),
        ("as: answer", "retry: true", 7, 12, "a mapping", "for example `retry: {times: 3}`"),
        (
            "    width: 3",
            "    gives: str",
            18,
            5,
            "unknown key",
            "it belongs to `run`, `llm` and `ask` states",
        ),
        ("    at_most: 9\n", "", 14, 3, "the key `at_most` is missing", "for example `at_most: 20`"),
        (
            "tolerate: 2",
            "tolerate: 10",
            19,
            15,
            "`tolerate` is 10, and",
            "at most `at_most` of them can fail",
        ),
    ],
)
def test_a_slip_is_told_once_where_it_is(old, new, line, column, said, hint):
    """One slip is one fault: at its place, in words that fit it, with what to write."""
    ((*place, diagnostic),) = told(old, new)

    assert place == [line, column]
    assert said in diagnostic.message
    assert hint in diagnostic.hint


def test_line_ends_of_another_age_are_told_once():
    """A text whose lines end in carriage returns alone has one fault, not one in each line."""
    with pytest.raises(InvalidSpec) as refused:
        read_document(SPEC.replace("\n", "\r"), "sample.fsm.yaml")

    (diagnostic,) = refused.value.diagnostics
    assert "end lines with a line feed" in diagnostic.hint


def test_a_list_in_a_line_needs_quotes_around_it():
    """A guard with a list, unquoted inside braces, is said to need quotes."""
    ((_, _, diagnostic),) = told("{end: success}", "{when: a in ['b', 'c'], to: done}")

    assert "what holds a bracket or a comma needs quotes" in diagnostic.hint


def test_what_a_later_language_has_is_not_judged():
    """Of a spec in a later version of the language nothing is told but that."""
    assert len(told("fsmflow: 1\nworkflow: sample", "fsmflow: 2\nworkflows: [sample]")) == 1
