"""The input of a run, as a command line has it: a file of JSON, KEY=VALUE and KEY:=JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click


def given_of(inputs: tuple[str, ...], source: str | None) -> Any:
    """Read an input: a JSON file, KEY=VALUE and KEY:=JSON.

    Raises:
        click.UsageError: It can't be read.
    """
    given: Any = {}
    if source is not None:
        try:
            text = _standard_input() if source == "-" else Path(source).read_text(encoding="utf-8")
            given = json.loads(text)
        except OSError as error:
            raise click.UsageError(f"could not read {source}: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise click.UsageError(f"{source} is no JSON: {error}") from error
    if inputs and not isinstance(given, dict):
        raise click.UsageError("KEY=VALUE needs an input that is a mapping")
    for item in inputs:
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise click.UsageError(
                f"expected KEY=VALUE or KEY:=JSON, not {item!r}; --input takes one that is no mapping"
            )
        if not key.endswith(":"):
            given[key] = value
            continue
        try:
            given[key[:-1]] = json.loads(value)
        except (ValueError, RecursionError) as error:
            # What it is may be secret.
            raise click.UsageError(f"{key[:-1]}: what follows := is no JSON: {error}") from error
    return given


def _standard_input() -> str:
    return "" if sys.stdin is None else sys.stdin.read()
