"""Compiling a text whose steps are at hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fsmflow.compiler import Compilation, compile_spec
from fsmflow.loading.yaml import read_document

STEPS = Path(__file__).parent / "steps"


@pytest.fixture
def compiled() -> Callable[..., Compilation]:
    """Compile a text whose steps stand in `folder`, or in this folder's `steps`."""

    def compile_text(text: str, folder: Path | None = STEPS) -> Compilation:
        return compile_spec(read_document(text, "spec.yaml"), folder=folder)

    return compile_text
