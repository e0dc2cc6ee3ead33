"""How the tests of loading look at what is said about a text."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from attrs import frozen

from fsmflow.diagnostics import InvalidSpec
from fsmflow.loading.structure import structure
from fsmflow.loading.yaml import read_document


@frozen
class Said:
    """A diagnostic, with the piece of text that it points at."""

    check: str
    line: int
    column: int
    at: str
    message: str
    hint: str


@pytest.fixture
def told() -> Callable[[str | bytes], list[Said]]:
    """Load a text and give everything that is said about it. What takes ten seconds of CPU has run away."""

    def load(text: str | bytes) -> list[Said]:
        began = time.process_time()
        try:
            document = read_document(text, "spec.yaml")
            found = structure(document).diagnostics
        except InvalidSpec as invalid:
            document, found = invalid.document, invalid.diagnostics
        assert time.process_time() - began < 10
        said = []
        for diagnostic in found:
            span = diagnostic.span or document.locate(diagnostic.route, key=diagnostic.key)
            line = document.line(span.line)
            end = span.end_column if span.end_line == span.line else len(line) + 1
            at = line[span.column - 1 : end - 1]
            said.append(
                Said(diagnostic.check, span.line, span.column, at, diagnostic.message, diagnostic.hint)
            )
        return said

    return load
