"""What the comments of a spec announce, and what was said of it, in one form: line, severity, check."""

from __future__ import annotations

import re

from fsmflow.compiler import Compilation

MARK = re.compile(r"\b(error|warning|note): ([a-z-]+(?:, [a-z-]+)*)")

Said = tuple[int, str, str]


def marked(text: str) -> list[Said]:
    """Give what the comments of `text` announce: line, severity and check."""
    return sorted(
        (number, severity, check)
        for number, line in enumerate(text.split("\n"), 1)
        for severity, checks in MARK.findall(line.partition(" # ")[2])
        for check in checks.split(", ")
    )


def said_of(compilation: Compilation) -> list[Said]:
    """Give what a compilation said: line, severity and check."""
    assert compilation.document is not None
    return sorted(
        (
            (d.span or compilation.document.locate(d.route, key=d.key)).line,
            d.severity.value,
            d.check,
        )
        for d in compilation.diagnostics
    )
