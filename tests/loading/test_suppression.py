"""Comments that excuse a diagnostic: they need a name, a reason, and something to excuse."""

from __future__ import annotations

import pytest

from fsmflow.diagnostics import Diagnostic, Severity
from fsmflow.loading.suppression import apply
from fsmflow.loading.yaml import read_document

LOOP = Diagnostic("unbounded-loop", "m", ("b",))


def left(text: str, *diagnostics: Diagnostic) -> list[str]:
    return [d.check for d in apply(read_document(text, "spec.yaml"), diagnostics or (LOOP,))]


@pytest.mark.parametrize(
    "text",
    [
        "b: 1 # fsmflow: ignore[unbounded-loop] it ends\n",
        "b: 1   #fsmflow:ignore[unbounded-loop] it ends\n",
        "# fsmflow: ignore[unbounded-loop] it ends\nb: 1\n",
        "# fsmflow: ignore[unbounded-loop] it ends\n# and more\n\nb: 1\n",
        "b: | # fsmflow: ignore[unbounded-loop] it ends\n  text\n",
        "b: {c: '#'} # a note # fsmflow: ignore[unbounded-loop] it ends\n",
        "a: 0\nb: 1 # fsmflow: ignore[unbounded-loop] it ends\r\n",
    ],
)
def test_an_excuse(text):
    """A comment on the line, or alone above it, excuses what is said of the line."""
    assert left(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "b: 'x # fsmflow: ignore[unbounded-loop] no'\n",
        "b: |\n  # fsmflow: ignore[unbounded-loop] no\n",
        "b: x# fsmflow:ignore[unbounded-loop]\n",
        'b: "a\n  # fsmflow: ignore[unbounded-loop] no"\n',
        '"# fsmflow: ignore[unbounded-loop] no": 1\nb: 1\n',
        "b: 1 # fsmflow is ignored\n",
    ],
)
def test_text_that_is_no_comment(text):
    """What stands in a string, or isn't worded so, excuses nothing and isn't complained about."""
    assert left(text) == ["unbounded-loop"]


def test_a_comment_speaks_of_its_own_line():
    """A comment beside something doesn't speak of the next line."""
    text = "a: 1 # fsmflow: ignore[unbounded-loop] no\nb: 1\n"

    assert left(text) == [
        "unbounded-loop",
        "unused-suppression",
    ]


def test_several_checks():
    """One comment may name several checks; those that it finds nothing of are told."""
    text = "b: 1 # fsmflow: ignore[unbounded-loop, dead-end] it ends\n"

    assert left(text) == ["unused-suppression"]
    assert left(text, LOOP, Diagnostic("dead-end", "m", ("b",))) == []


def test_no_reason():
    """An excuse without a reason is a fault."""
    assert left("b: 1 # fsmflow: ignore[unbounded-loop]\n") == ["suppression-without-reason"]


def test_no_check():
    """An excuse for everything excuses nothing."""
    assert left("b: 1 # fsmflow: ignore whatever\n") == ["unbounded-loop", "unused-suppression"]


def test_nothing_to_excuse():
    """A comment that excuses nothing is a warning, at the comment."""
    document = read_document("b: 1 # fsmflow: ignore[unbounded-loop] it ends\n", "spec.yaml")
    (found,) = apply(document, ())

    assert (found.check, found.severity) == ("unused-suppression", Severity.WARNING)
    assert (found.span.line, found.span.column, found.span.end_column) == (1, 6, 47)


def test_what_held_back_is_not_said_to_be_none():
    """Where there is another error, what a comment excuses may be among what checks leave out for now."""
    text = "a: 0\nb: 1 # fsmflow: ignore[unbounded-loop] it ends\n"
    error = Diagnostic("bad-value", "m", ("a",))
    warning = Diagnostic("gives-missing", "m", ("a",), severity=Severity.WARNING)

    assert left(text, error) == ["bad-value"]
    assert left(text, warning) == ["gives-missing", "unused-suppression"]
    assert left(text.replace("unbounded", "unbuonded"), error, LOOP) == [
        "bad-value",
        "unbounded-loop",
        "unused-suppression",
    ]


def test_faults_of_the_document_stay():
    """What makes a document no spec can't be excused."""
    fault = Diagnostic("unknown-key", "m", ("b",), key=True)

    text = "b: 1 # fsmflow: ignore[unknown-key] please\n"

    assert left(text, fault) == [
        "unknown-key",
        "unused-suppression",
    ]


def test_without_comments():
    """A document without such comments leaves everything as it is."""
    assert left("b: 1\n") == ["unbounded-loop"]
