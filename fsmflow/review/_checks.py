"""What the checks say of a workflow."""

from __future__ import annotations

from typing import Any

from fsmflow.diagnostics import Diagnostic
from fsmflow.reporting.report import Report
from fsmflow.review._files import called


def told(report: Report) -> list[dict[str, Any]]:
    """Tell each diagnostic with its place, in the order of the text."""
    return [_diagnostic(report, diagnostic) for diagnostic in report.ordered()]


def _diagnostic(report: Report, diagnostic: Diagnostic) -> dict[str, Any]:
    span, path = report.place(diagnostic), called(report.path)
    route = diagnostic.route
    return {
        "severity": diagnostic.severity.value,
        "check": diagnostic.check,
        "message": diagnostic.message,
        "hint": diagnostic.hint,
        "place": path if span is None else f"{path}:{span.line}:{span.column}",
        "state": str(route[1]) if len(route) > 1 and route[0] == "states" else "",
    }
