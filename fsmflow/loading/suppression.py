"""Comments that excuse a diagnostic: `# fsmflow: ignore[check-name] reason`.

Such a comment speaks of its own line, or, where nothing else is on that line, of the next line
that says something. It excuses what checks find in a sound document; a fault of the document
itself can't be excused.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import field, frozen

from fsmflow.diagnostics import Diagnostic, Severity, nearest
from fsmflow.loading.names import shown
from fsmflow.source import Document, Route, Span

STRUCTURAL = frozenset(
    {
        "absurd-cap", "bad-name", "bad-number", "bad-reference", "bad-title", "bad-value", "duplicate-key",
        "empty-document", "forbidden-reference", "missing-key", "non-string-key", "not-a-mapping", "not-text",
        "reserved-name", "several-documents", "suppression-without-reason", "too-deep", "too-large",
        "too-many-errors", "too-many-states", "unknown-key", "unknown-kind", "unreadable-file",
        "unused-suppression", "wrong-type", "yaml-anchor", "yaml-merge", "yaml-syntax", "yaml-tag",
    }
)  # fmt: skip
"""The checks of loading. They say that a document isn't in the language, which no comment can excuse."""

_COMMENT = re.compile(r"(?<![^\s])#[ \t]*fsmflow:[ \t]*ignore\b(?:\[([^\]\n]*)\])?([^\n]*)")
_SILENT = re.compile(r"[ \t\r]*(?:#.*)?")


@frozen
class Suppression:
    """One comment: which checks it excuses, on which line, and why."""

    checks: tuple[str, ...]
    line: int
    reason: str
    span: Span = field(repr=False)


def apply(document: Document, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Leave out what a comment in `document` excuses, and add what is wrong with the comments."""
    given = tuple(diagnostics)
    found = tuple(suppressions(document))
    if not found:
        return given
    excused = {(s.line, check) for s in found for check in s.checks if check not in STRUCTURAL}
    kept: list[Diagnostic] = []
    used: set[tuple[int, str]] = set()
    elsewhere: dict[str, list[int]] = {}
    for diagnostic in given:
        place = diagnostic.span or document.locate(diagnostic.route, key=diagnostic.key)
        if (place.line, diagnostic.check) in excused:
            used.add((place.line, diagnostic.check))
        else:
            kept.append(diagnostic)
            elsewhere.setdefault(diagnostic.check, []).append(place.line)
    # Where there are errors, checks hold back, and may find what is excused once these are mended.
    is_whole = not any(diagnostic.severity is Severity.ERROR for diagnostic in kept)
    for suppression in found:
        kept.extend(_complaints(suppression, used, elsewhere, is_whole=is_whole))
    return tuple(kept)


def suppressions(document: Document) -> Iterator[Suppression]:
    """Find the comments of `document` that excuse something, in order."""
    candidates = [
        (number, match)
        for number, line in enumerate(document.text.split("\n"), 1)
        if "#" in line
        for match in _COMMENT.finditer(line)
    ]
    if not candidates:
        return
    lines = document.text.split("\n")
    texts = sorted(_texts(document, lines))
    for number, match in candidates:
        if _is_inside(texts, (number, match.start() + 1)):
            continue
        line = number
        if not lines[number - 1][: match.start()].strip():
            after = range(number + 1, len(lines) + 1)
            line = next((n for n in after if not _SILENT.fullmatch(lines[n - 1])), number)
        checks = tuple(check.strip() for check in (match[1] or "").split(",") if check.strip())
        span = Span(number, match.start() + 1, number, len(lines[number - 1].rstrip()) + 1)
        yield Suppression(checks, line, match[2].strip(), span)


def _complaints(
    suppression: Suppression,
    used: set[tuple[int, str]],
    elsewhere: Mapping[str, list[int]],
    *,
    is_whole: bool,
) -> Iterator[Diagnostic]:
    example = "for example `# fsmflow: ignore[unbounded-loop] the queue is finite`"
    if not suppression.checks:
        yield Diagnostic(
            "unused-suppression",
            "this comment names no check",
            severity=Severity.WARNING,
            span=suppression.span,
            hint=example,
        )
    elif not suppression.reason:
        yield Diagnostic(
            "suppression-without-reason",
            "this comment doesn't say why",
            span=suppression.span,
            hint=example,
        )
    for check in suppression.checks:
        hint = "remove it"
        if check in STRUCTURAL:
            message = f"`{check}` can't be excused"
        elif (suppression.line, check) not in used:
            message = f"there is no `{shown(check)}` to excuse on line {suppression.line}"
            if check in elsewhere:
                line = min(elsewhere[check], key=lambda line: abs(line - suppression.line))
                hint = f"it is on line {line}: put the comment there, or above it"
            elif near := nearest(check, elsewhere):
                hint = f"did you mean `{near}`?"
            elif not is_whole:
                continue
        else:
            continue
        yield Diagnostic(
            "unused-suppression", message, severity=Severity.WARNING, span=suppression.span, hint=hint
        )


def _texts(document: Document, lines: list[str]) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Give where strings stand, from first character to just after the last."""
    for span in document.keys.values():
        yield (span.line, span.column), (span.end_line, span.end_column)
    pending: list[tuple[Route, Any]] = [((), document.tree)]
    while pending:
        route, node = pending.pop()
        if isinstance(node, dict):
            pending.extend(((*route, key), value) for key, value in node.items())
        elif isinstance(node, list):
            pending.extend(((*route, index), value) for index, value in enumerate(node))
        elif route in document.values:
            span = document.values[route]
            start = (span.line, span.column)
            if lines[span.line - 1][span.column - 1 : span.column] in ("|", ">"):
                # A comment may follow the sign that opens a block of text.
                start = (span.line + 1, 1)
            yield start, (span.end_line, span.end_column)


def _is_inside(texts: list[tuple[tuple[int, int], tuple[int, int]]], place: tuple[int, int]) -> bool:
    index = bisect_right(texts, (place, (1 << 62, 0))) - 1
    return index >= 0 and texts[index][0] <= place < texts[index][1]
