"""How Hypothesis makes values of an author's own types, where commands draw some outside of pytest."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import click

from fsmflow.cli.specs import places_of


def tell_hypothesis(folder: Path) -> None:
    """Run the conftest.py beside the generated tests of specs in `folder`: it may register strategies."""
    path = places_of(folder / "any").generated / "conftest.py"
    found = spec_from_file_location("conftest", path) if path.is_file() else None
    if found is None or found.loader is None:
        return
    try:
        found.loader.exec_module(module_from_spec(found))
    except Exception as error:
        raise click.ClickException(f"{path} can't be run: {type(error).__name__}: {error}") from error
