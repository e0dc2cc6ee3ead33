"""Reports for people: each finding with the line it speaks of, underlined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from fsmflow.diagnostics import Diagnostic, Severity
from fsmflow.reporting.amounts import counted
from fsmflow.reporting.excerpt import excerpt
from fsmflow.reporting.report import Report
from fsmflow.reporting.style import Style
from fsmflow.reporting.visible import visible
from fsmflow.source import Span

_COLORS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "blue"}


def render(reports: Iterable[Report], color: bool) -> str:
    """Write `reports` for a terminal, ending in a line that sums them up.

    Args:
        reports: The files, in the order to tell them in.
        color: Whether to use ANSI colours. Nothing in a source text can bring in its own.
    """
    told = list(reports)
    blocks = ["\n".join(block) for report in told for block in _Printer(report, color).blocks()]
    return "\n\n".join([*blocks, _summary(told, color)]) + "\n"


class _Printer:
    """One report, its text split into lines once."""

    def __init__(self, report: Report, color: bool) -> None:
        self.report = report
        self.style = Style(color)
        self.lines = report.document.text.split("\n") if report.document is not None else []

    def blocks(self) -> Iterator[list[str]]:
        for diagnostic in self.report.ordered():
            yield list(self.block(diagnostic))

    def block(self, diagnostic: Diagnostic) -> Iterator[str]:
        """Give the lines that tell one diagnostic."""
        place = self.report.place(diagnostic)
        related = [(self.report.place(r), r.message) for r in diagnostic.related]
        hue = _COLORS[diagnostic.severity]
        where = visible(self.report.path) + (f":{place.line}:{place.column}" if place else "")
        label = self.style(f"{diagnostic.severity.value}[{diagnostic.check}]", hue, bold=True)
        yield f"{self.style(where, bold=True)}  {label}  {visible(diagnostic.message)}"
        margin = len(str(max([1, *(p.line for p in (place, *(p for p, _ in related)) if p)]))) + 1
        if place is not None:
            yield from self.quote(place, margin, "^", hue, "")
        for other, message in related:
            if other is not None:
                yield from self.quote(other, margin, "-", "cyan", visible(message))
        if diagnostic.hint:
            yield f"{' ' * margin} {self.style('= hint:', 'cyan')} {visible(diagnostic.hint)}"

    def quote(self, span: Span, margin: int, mark: str, hue: str, message: str) -> Iterator[str]:
        """Give a line of the text and, below it, the underline with what is said of it."""
        if not 0 < span.line <= len(self.lines):
            return
        shown = excerpt(self.lines[span.line - 1].removesuffix("\r"), span)
        bar = self.style("│", dim=True)
        yield f"{self.style(f'{span.line:>{margin}}', dim=True)} {bar} {shown.text}"
        underline = self.style(f"{mark * shown.length} {message}".rstrip(), hue)
        yield f"{' ' * margin} {bar} {' ' * shown.offset}{underline}"


def _summary(reports: Sequence[Report], color: bool) -> str:
    count = Counter(diagnostic.severity for report in reports for diagnostic in report.diagnostics)
    found = [counted(count[severity], severity.value) for severity in Severity if count[severity]]
    if not found:
        text, hue = f"{counted(len(reports), 'spec')}, nothing to report", "green"
    else:
        text = f"{', '.join(found)} in {counted(len(reports), 'spec')}"
        hue = next(_COLORS[severity] for severity in Severity if count[severity])
    return Style(color)(text, hue, bold=True)
