"""Reports as SARIF: what a code scanning service reads of a finding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fsmflow.diagnostics import Diagnostic, Related, Severity
from fsmflow.loading.yaml import read_document
from fsmflow.reporting.report import Report
from fsmflow.reporting.sarif import render
from fsmflow.source import Document

DOCUMENT = read_document("states:\n  ä: {end: x}\n", "a.yaml")
PAGE = "A thing.\n\nWhy is this bad?\n    It is."


def rendered(*found: Diagnostic, path: str = "specs/a.yaml", document: Document = DOCUMENT) -> Any:
    """Write a report of one file, and give the one run in it."""
    told = json.loads(render([Report(path, "w", document, found)], version="1.2", pages={"thing": PAGE}))
    assert told["version"] == "2.1.0"
    (run,) = told["runs"]
    return run


def test_a_finding_is_a_result_at_its_place():
    """It says rule, level, file, lines, and columns that count characters, and what to do."""
    found = Diagnostic("thing", "this is wrong", ("states", "ä", "end"), hint="did you mean `y`?")
    run = rendered(found)

    region = {"startLine": 2, "startColumn": 12, "endLine": 2, "endColumn": 13}
    place = {"artifactLocation": {"uri": "specs/a.yaml"}, "region": region}
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["results"] == [
        {
            "ruleId": "thing",
            "ruleIndex": 0,
            "level": "error",
            "message": {"text": "this is wrong\ndid you mean `y`?"},
            "locations": [{"physicalLocation": place}],
        }
    ]


def test_each_rule_stands_once_with_its_page():
    """Results refer to rules by their place; a rule has the page that `explain` prints, if there is one."""
    run = rendered(*(Diagnostic(name, name) for name in ("thing", "other", "thing", "a", "b", "c", "d", "e")))

    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("fsmflow", "1.2")
    assert driver["rules"] == [
        *({"id": name} for name in ("a", "b", "c", "d", "e", "other")),
        {"id": "thing", "shortDescription": {"text": "A thing."}, "help": {"text": PAGE}},
    ]
    assert all(driver["rules"][each["ruleIndex"]]["id"] == each["ruleId"] for each in run["results"])
    assert len(run["results"]) == 8


def test_each_severity_has_its_level():
    """Errors, warnings and notes are told apart."""
    run = rendered(*(Diagnostic("c", severity.value, severity=severity) for severity in Severity))

    assert {each["message"]["text"]: each["level"] for each in run["results"]} == {
        "error": "error",
        "warning": "warning",
        "note": "note",
    }


def test_other_places_that_take_part_are_told():
    """A related place is a location with a message of its own."""
    (result,) = rendered(Diagnostic("c", "m", related=(Related("here", ("states",)),)))["results"]

    (related,) = result["relatedLocations"]
    assert related["message"] == {"text": "here"}
    assert related["physicalLocation"]["region"]["startLine"] == 2


def test_a_file_without_text_is_told_without_a_region():
    """What can't be read is told of its file."""
    (result,) = rendered(Diagnostic("unreadable-file", "m"), document=Document("a", "", None))["results"]

    assert result["locations"] == [{"physicalLocation": {"artifactLocation": {"uri": "specs/a.yaml"}}}]


def test_a_path_is_a_uri(tmp_path: Path):
    """Signs that mean something in a URI are escaped, and so are bytes that are no text."""
    where = [
        rendered(Diagnostic("c", "m"), path=path)["results"][0]["locations"][0]["physicalLocation"]
        for path in ("my specs/a:b#1%.yaml", str(tmp_path / "a b.yaml"), "\udce9.yaml")
    ]

    assert [each["artifactLocation"]["uri"] for each in where] == [
        "my%20specs/a%3Ab%231%25.yaml",
        f"file://{tmp_path.as_posix()}/a%20b.yaml",
        "%E9.yaml",
    ]


def test_what_looks_like_a_placeholder_is_none():
    """A viewer fills nothing into a message."""
    (result,) = rendered(Diagnostic("c", "`{{ x }}` of {0} in {to: a}"))["results"]

    assert result["message"]["text"] == "`{{ x }}` of {{0}} in {to: a}"


def test_where_nothing_was_found_there_is_a_run_without_results():
    """A service learns from it that what it knew of is mended."""
    assert rendered()["results"] == []
