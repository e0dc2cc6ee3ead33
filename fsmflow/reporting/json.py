"""Reports as one JSON document, for editors, dashboards and CI."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from fsmflow.diagnostics import Diagnostic, Related
from fsmflow.reporting.report import Report

SCHEMA = "fsmflow.check/1"


def render(reports: Iterable[Report]) -> str:
    """Write `reports` as a JSON document, with every file in the order given.

    Lines and columns count from 1 and columns count characters; the end is just after the last.
    They are null where there is no text to point at. `path` in a diagnostic is a dotted route.
    """
    plain = {"schema": SCHEMA, "files": [_file(report) for report in reports]}
    return json.dumps(plain, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _file(report: Report) -> dict[str, Any]:
    return {
        "path": report.path,
        "workflow": report.workflow,
        "diagnostics": [_diagnostic(report, diagnostic) for diagnostic in report.ordered()],
    }


def _diagnostic(report: Report, diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "check": diagnostic.check,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "path": ".".join(map(str, diagnostic.route)),
        **_place(report, diagnostic),
        "hint": diagnostic.hint,
        "related": [{"message": r.message, **_place(report, r)} for r in diagnostic.related],
    }


def _place(report: Report, said: Diagnostic | Related) -> dict[str, int | None]:
    span = report.place(said)
    if span is None:
        return dict.fromkeys(("line", "column", "end_line", "end_column"))
    return {
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }
