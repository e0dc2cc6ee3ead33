"""How the tests of checks look at what is said of a spec: which check, how much it matters, which line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from fsmflow.compiler import Compilation, compile_spec
from fsmflow.loading.yaml import read_document

STEPS = Path(__file__).parent / "steps"
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


@pytest.fixture
def compiled() -> Callable[..., Compilation]:
    """Compile a text whose steps stand in `folder`, or in this folder's `steps`."""

    def compile_text(text: str, folder: Path | None = STEPS) -> Compilation:
        return compile_spec(read_document(text, "spec.yaml"), folder=folder)

    return compile_text
