"""Reports as annotations of a pull request: one workflow command of GitHub's a finding."""

from __future__ import annotations

from fsmflow.diagnostics import Diagnostic, Severity
from fsmflow.loading.yaml import read_document
from fsmflow.reporting.github import render
from fsmflow.reporting.report import Report
from fsmflow.source import Document

DOCUMENT = read_document("states:\n  a: {end: x}\n", "a.yaml")


def rendered(*found: Diagnostic, path: str = "specs/a.yaml", document: Document = DOCUMENT) -> str:
    """Write a report of one file."""
    return render([Report(path, "w", document, found)])


def test_a_finding_is_an_annotation_at_its_place():
    """It says the file, the lines and columns, the check, and what to do."""
    found = Diagnostic("some-check", "this is wrong", ("states", "a", "end"), hint="did you mean `y`?")

    assert rendered(found) == (
        "::error title=fsmflow some-check,file=specs/a.yaml,line=2,col=12,endLine=2,endColumn=13"
        "::specs/a.yaml:2:12 this is wrong%0Adid you mean `y`?\n"
    )


def test_each_severity_has_its_command():
    """Errors, warnings and notes are told apart."""
    told = rendered(*(Diagnostic("c", severity.value, severity=severity) for severity in Severity))

    assert sorted(line.split(" ")[0] for line in told.splitlines()) == ["::error", "::notice", "::warning"]


def test_what_github_would_read_as_its_own_is_escaped():
    """Signs that end a command or a property stand for themselves, in the message and in a path."""
    told = rendered(Diagnostic("c", "100 % of a::b,\r\n::error::x"), path="a,b:c%.yaml")

    assert told.startswith("::error title=fsmflow c,file=a%2Cb%3Ac%25.yaml,line=")
    assert told.endswith("::a,b:c%25.yaml:1:1 100 %25 of a::b,%0D%0A::error::x\n")
    assert told.count("\n") == 1


def test_a_file_without_text_has_an_annotation_without_a_line():
    """What can't be read is told of its file."""
    told = rendered(Diagnostic("unreadable-file", "m"), document=Document("a", "", None))

    assert told == "::error title=fsmflow unreadable-file,file=specs/a.yaml::specs/a.yaml m\n"


def test_where_nothing_was_found_nothing_is_said():
    """A clean spec leaves no annotation."""
    assert rendered() == ""
