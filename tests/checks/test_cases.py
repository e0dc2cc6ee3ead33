"""Specs whose lines are marked with all that should be said of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checks.marks import marked, said_of

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_a_case(case, compiled):
    """What the comments of a case announce is said, and nothing else."""
    text = case.read_text(encoding="utf-8")
    compilation = compiled(text)
    said = "\n".join(f"{d.check} {d.route} {d.message}" for d in compilation.diagnostics)

    assert marked(text) == said_of(compilation), said
