"""Reports for people: what stands where, and that no source text can take the terminal over."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmflow.diagnostics import Diagnostic, Related, Severity
from fsmflow.loading.yaml import read_document
from fsmflow.reporting.excerpt import WIDTH, excerpt
from fsmflow.reporting.report import Report
from fsmflow.reporting.text import render
from fsmflow.source import Document, Span


def report(text: str, *diagnostics: Diagnostic) -> Report:
    return Report("specs/a.yaml", "a", read_document(text, "specs/a.yaml"), diagnostics)


def test_of_a_long_line_only_what_is_near_is_looked_at(monkeypatch):
    """A line of a million characters costs no more than one of a few thousand."""
    seen = []
    monkeypatch.setattr("fsmflow.reporting.excerpt.visible", lambda character: seen.append(1) or character)
    shown = excerpt("a" * 500_000 + "wrong" + "b" * 500_000, Span(1, 500_001, 1, 500_006))

    assert shown.text[shown.offset : shown.offset + shown.length] == "wrong"
    assert (shown.text[0], shown.text[-1]) == ("…", "…")
    assert len(seen) < 10_000


def test_a_report():
    """Each finding has a header, its line underlined, related places, and a hint; a sum ends it all."""
    text = "workflow: a\nstates:\n  draft: {run: m:f, success: dnoe}\n  done: {end: success}\n"
    found = Diagnostic(
        "unknown-target",
        "there is no state `dnoe`",
        ("states", "draft", "success"),
        hint="did you mean `done`?",
        related=(Related("this one", ("states", "done", "end")),),
    )
    warning = Diagnostic("untitled", "`draft` has no title", ("states", "draft"), Severity.WARNING, key=True)

    assert render([report(text, found, warning), Report("b.yaml")], color=False) == (
        "specs/a.yaml:3:3  warning[untitled]  `draft` has no title\n"
        " 3 │   draft: {run: m:f, success: dnoe}\n"
        "   │   ^^^^^\n"
        "\n"
        "specs/a.yaml:3:30  error[unknown-target]  there is no state `dnoe`\n"
        " 3 │   draft: {run: m:f, success: dnoe}\n"
        "   │                              ^^^^\n"
        " 4 │   done: {end: success}\n"
        "   │               ------- this one\n"
        "   = hint: did you mean `done`?\n"
        "\n"
        "1 error, 1 warning in 2 specs\n"
    )


def test_nothing_to_report():
    """Without findings there is one line."""
    assert render([Report("a.yaml")], color=False) == "1 spec, nothing to report\n"


def test_a_file_without_text():
    """A finding about a file that could not be read stands without a line."""
    found = Diagnostic("unreadable-file", "this is a directory, not a file")

    assert render([Report("x", None, Document("x", "", None), (found,))], color=False) == (
        "x  error[unreadable-file]  this is a directory, not a file\n\n1 error in 1 spec\n"
    )


def test_order():
    """Findings stand in the order of the text, and those of one place by their check's name."""
    first, second = Diagnostic("b", "m", ("x",)), Diagnostic("a", "m", ("y",))
    third = Diagnostic("c", "m", ("y",))

    assert report("x: 1\ny: 2\n", third, second, first).ordered() == (first, second, third)


def test_a_value_of_many_lines():
    """A span of several lines is underlined to the end of its first."""
    text = render([report("a:\n  b: 1  \n  c: 2\n", Diagnostic("x", "m", ("a",)))], color=False)

    assert " 2 │   b: 1\n   │   ^^^^\n" in text


def test_color():
    """Colour changes nothing but colour."""
    given = [report("a: 1\n", Diagnostic("x", "m", ("a",), hint="h"))]
    coloured = render(given, color=True)

    assert coloured != render(given, color=False)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render(given, color=False)


def test_hostile_text():
    """Escapes, control characters and hidden marks of a source are shown, never sent."""
    hostile = "\x1b[31m\x07\u202e\u200b\r\x9b"
    document = Document("p" + hostile, f"a: {hostile}\n", None)
    found = Diagnostic("x", "m" + hostile, span=Span(1, 4, 1, 5), hint="h" + hostile)
    text = render([Report("p" + hostile, "w", document, (found,))], color=False)

    assert all(c.isprintable() or c == "\n" for c in text)
    assert text.count(r"\x1b[31m\x07\u202e\u200b\r\x9b") == 4


@pytest.mark.parametrize(
    ("line", "at", "offset", "length"),
    [
        ("a: bcd", "bcd", 3, 3),
        ("日本: bcd", "bcd", 6, 3),
        ("a: 日本", "日本", 3, 4),
        ("\tb", "b", 4, 1),
        ("e\u0301: bcd", "bcd", 3, 3),
        ("\x1b: b", "b", 6, 1),
    ],
)
def test_columns_of_a_terminal(line, at, offset, length):
    """Underlines count the columns that a terminal shows."""
    start = line.index(at) + 1
    shown = excerpt(line, Span(1, start, 1, start + len(at)))

    assert (shown.offset, shown.length) == (offset, length)


def test_a_long_line():
    """A long line is cut to a window around what is meant."""
    line = "x" * 50_000 + "HERE" + "y" * 50_000
    shown = excerpt(line, Span(1, 50_001, 1, 50_005))

    assert shown.text[shown.offset : shown.offset + shown.length] == "HERE"
    assert shown.text.startswith("…")
    assert shown.text.endswith("…")
    assert len(shown.text) <= WIDTH + 2


@given(st.text(), st.integers(1, 50), st.integers(0, 50), st.integers(1, 3))
def test_any_line_can_be_shown(line, column, length, lines):
    """Whatever the line and the span, an excerpt is printable, bounded, and has an underline."""
    shown = excerpt(line.replace("\n", ""), Span(1, column, lines, column + length))

    assert all(c.isprintable() for c in shown.text)
    assert 0 <= shown.offset <= WIDTH + 12
    assert 1 <= shown.length <= WIDTH
