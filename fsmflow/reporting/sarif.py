"""Reports as SARIF, which code scanning services and editors read from any static analyser.

As specified in "Static Analysis Results Interchange Format (SARIF) Version 2.1.0", OASIS Standard, 2020.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fsmflow.diagnostics import Diagnostic, Related, Severity
from fsmflow.reporting.report import Report

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_PLACEHOLDER = re.compile(r"\{(\d+)\}")
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def render(reports: Iterable[Report], *, version: str, pages: Mapping[str, str]) -> str:
    """Write `reports` as one run of one tool.

    Columns count characters, as SARIF lets a tool say; paths are relative where the reports' are.

    Args:
        reports: What was found, by file.
        version: The version of fsmflow.
        pages: What there is to tell of each check, by its name: a sentence, and paragraphs.
    """
    found = [(report, diagnostic) for report in reports for diagnostic in report.ordered()]
    rules = {name: number for number, name in enumerate(sorted({said.check for _, said in found}))}
    driver = {
        "name": "fsmflow",
        "version": version,
        "rules": [_rule(name, pages.get(name, "")) for name in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(report, said, rules[said.check]) for report, said in found],
    }
    plain = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(plain, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _rule(name: str, page: str) -> dict[str, Any]:
    rule: dict[str, Any] = {"id": name}
    if page:
        rule |= {"shortDescription": {"text": page.splitlines()[0]}, "help": {"text": page}}
    return rule


def _result(report: Report, said: Diagnostic, rule: int) -> dict[str, Any]:
    text = f"{said.message}\n{said.hint}" if said.hint else said.message
    result: dict[str, Any] = {
        "ruleId": said.check,
        "ruleIndex": rule,
        "level": _LEVELS[said.severity],
        "message": {"text": _escaped(text)},
        "locations": [_location(report, said)],
    }
    if said.related:
        result["relatedLocations"] = [
            {**_location(report, each), "message": {"text": _escaped(each.message)}} for each in said.related
        ]
    return result


def _location(report: Report, said: Diagnostic | Related) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(report.path)}}
    span = report.place(said)
    if span is not None:
        place["region"] = {
            "startLine": span.line,
            "startColumn": span.column,
            "endLine": span.end_line,
            "endColumn": span.end_column,
        }
    return {"physicalLocation": place}


def _uri(path: str) -> str:
    """Write a path as a URI; a relative one as a relative reference (RFC 3986 §4.2)."""
    written = Path(path)
    return written.as_uri() if written.is_absolute() else quote(os.fsencode(written.as_posix()))


def _escaped(text: str) -> str:
    """Keep what looks like a placeholder (§3.11.5) from being filled in; other braces stay as they are."""
    return _PLACEHOLDER.sub("{{\\1}}", text)
