"""Reports as annotations of a pull request: the workflow commands that GitHub Actions reads from a log.

As specified in "Workflow commands for GitHub Actions", under "Setting an error message".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fsmflow.diagnostics import Diagnostic, Severity
from fsmflow.reporting.report import Report

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_IN_MESSAGES = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTIES = _IN_MESSAGES | str.maketrans({":": "%3A", ",": "%2C"})


def render(reports: Iterable[Report]) -> str:
    """Write each finding as a line; nothing where nothing was found."""
    return "".join(line for report in reports for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    for diagnostic in report.ordered():
        place = report.place(diagnostic)
        properties = {"title": f"fsmflow {diagnostic.check}", "file": report.path}
        where = report.path
        if place is not None:
            properties |= {"line": str(place.line), "col": str(place.column)}
            properties |= {"endLine": str(place.end_line), "endColumn": str(place.end_column)}
            where += f":{place.line}:{place.column}"
        told = ",".join(f"{name}={value.translate(_IN_PROPERTIES)}" for name, value in properties.items())
        # The log shows no more than the message.
        said = f"{where} {_said(diagnostic)}".translate(_IN_MESSAGES)
        yield f"::{_COMMANDS[diagnostic.severity]} {told}::{said}\n"


def _said(diagnostic: Diagnostic) -> str:
    return f"{diagnostic.message}\n{diagnostic.hint}" if diagnostic.hint else diagnostic.message
