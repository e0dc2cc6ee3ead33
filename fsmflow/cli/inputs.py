"""The input of a run, as a command line has it: a file of JSON, KEY=VALUE and KEY:=JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from fsmflow.runtime import Rejected

MOST_TEXT = 64 * 2**20
"""How many characters an input may have."""


def given_of(inputs: tuple[str, ...], source: str | None) -> Any:
    """Read an input: a JSON file, KEY=VALUE and KEY:=JSON.

    Raises:
        click.UsageError: It can't be read.
    """
    given: Any = {}
    if source is not None:
        try:
            given = json.loads(_text(source), object_pairs_hook=_each_once)
        except OSError as error:
            raise click.UsageError(f"could not read {source}: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise click.UsageError(f"{source} is no JSON: {error}") from error
    if inputs and not isinstance(given, dict):
        raise click.UsageError("KEY=VALUE needs an input that is a mapping")
    named: set[str] = set()
    for item in inputs:
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise click.UsageError(
                f"expected KEY=VALUE or KEY:=JSON, not {item!r}; --input takes one that is no mapping"
            )
        name = key.removesuffix(":")
        if name in named:
            raise click.UsageError(f"{name} is given twice: which of the two is meant?")
        named.add(name)
        if name == key:
            given[key] = value
            continue
        try:
            given[name] = json.loads(value, object_pairs_hook=_each_once)
        except (ValueError, RecursionError) as error:
            # What it is may be secret.
            raise click.UsageError(f"{name}: what follows := is no JSON: {error}") from error
    return given


def misfit_told(rejected: Rejected, inputs: Sequence[str]) -> str:
    """Word why an input does not fit its type; where text stands for JSON, how that is written."""
    lines = ["the input does not fit its type:", *(f"  {complaint}" for complaint in rejected.complaints)]
    for key, _, value in (item.partition("=") for item in inputs):
        said = [each for each in rejected.complaints if each.startswith(f".{key}: ")]
        if said and (_is_structured(value) or any("found a string" in each for each in said)):
            lines.append(f"    {key}=… is text; for JSON write {key}:=…")
    return "\n".join(lines)


def _is_structured(text: str) -> bool:
    """Tell whether text is JSON of something else than a string."""
    try:
        return not isinstance(json.loads(text), str)
    except (ValueError, RecursionError):
        return False


def _text(source: str) -> str:
    """Read a file, or standard input, as far as an input may go."""
    if source != "-":
        with Path(source).open(encoding="utf-8") as file:
            return _bounded(source, file)
    return "" if sys.stdin is None else _bounded("standard input", sys.stdin)


def _bounded(source: str, file: TextIO) -> str:
    text = file.read(MOST_TEXT + 1)
    if len(text) > MOST_TEXT:
        raise click.UsageError(f"{source} holds more than {MOST_TEXT:,} characters: that is no input")
    return text


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object; which of two values of one key is meant, nobody can tell."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r:.60} is there twice")
    return found
