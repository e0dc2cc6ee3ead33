"""Reports for programs: one document, with every place in numbers."""

from __future__ import annotations

import json

from fsmflow.diagnostics import Diagnostic, Related, Severity
from fsmflow.loading.yaml import read_document
from fsmflow.reporting.json import render
from fsmflow.reporting.report import Report
from fsmflow.source import Document


def test_a_report():
    """Each finding has its check, severity, route and place, and so do the places that take part."""
    document = read_document("states:\n  a: {end: x}\n  b: [1]\n", "a.yaml")
    found = Diagnostic(
        "some-check",
        "message",
        ("states", "a", "end"),
        Severity.WARNING,
        hint="hint",
        related=(Related("other", ("states", "b", 0)),),
    )

    assert json.loads(render([Report("a.yaml", "w", document, (found,))])) == {
        "schema": "fsmflow.check/1",
        "files": [
            {
                "path": "a.yaml",
                "workflow": "w",
                "diagnostics": [
                    {
                        "check": "some-check",
                        "severity": "warning",
                        "message": "message",
                        "path": "states.a.end",
                        "line": 2,
                        "column": 12,
                        "end_line": 2,
                        "end_column": 13,
                        "hint": "hint",
                        "related": [
                            {"message": "other", "line": 3, "column": 7, "end_line": 3, "end_column": 8}
                        ],
                    }
                ],
            }
        ],
    }


def test_a_file_without_text():
    """Where there is no text to point at, the numbers are null."""
    found = Diagnostic("unreadable-file", "m", related=(Related("r", ("a",)),))
    (file,) = json.loads(render([Report("a", None, Document("a", "", None), (found,))]))["files"]

    assert file["workflow"] is None
    assert file["diagnostics"][0]["line"] is None
    assert file["diagnostics"][0]["related"][0]["end_column"] is None


def test_hostile_text():
    """The document is ASCII whatever the texts hold, half a surrogate pair among them."""
    found = Diagnostic("x", "\ud800\x1b\u202e", ("é",))

    assert render([Report("\udcff", "w", None, (found,))]).isascii()


def test_no_files():
    """Nothing checked is an empty list."""
    assert json.loads(render([])) == {"schema": "fsmflow.check/1", "files": []}
