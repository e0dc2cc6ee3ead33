"""Writing Python as a formatter would leave it: literals, calls and conditions that wrap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

WIDTH = 110


def literal(value: Any) -> str:
    """Write plain data as a Python literal in ASCII, on one line.

    Raises:
        TypeError: `value` is no plain data.
    """
    match value:
        case None | bool():
            return str(value)
        case str():
            return _string(value)
        case int():
            return f"{value:_}"
        case float():
            return repr(value)
        case list():
            return "[" + ", ".join(map(literal, value)) + "]"
        case tuple():
            return "(" + ", ".join(map(literal, value)) + ("," if len(value) == 1 else "") + ")"
        case dict():
            return "{" + ", ".join(f"{literal(k)}: {literal(v)}" for k, v in value.items()) + "}"
    raise TypeError(f"no literal for {type(value).__name__}")


def _string(text: str) -> str:
    """Quote `text`, with double quotes unless single ones need fewer escapes."""
    written = ascii(text)
    if written[0] == '"' or '"' in written:
        return written
    return '"' + written[1:-1].replace("\\'", "'") + '"'


def wrapped(head: str, items: Iterable[str], tail: str, indent: str = "") -> Iterator[str]:
    """Give `head` + items + `tail` as one line, or with an item a line if that is too long."""
    items = list(items)
    line = f"{indent}{head}{', '.join(items)}{tail}"
    if len(line) <= WIDTH or not items:
        yield line
        return
    yield f"{indent}{head}"
    for item in items:
        yield f"{indent}    {item},"
    yield f"{indent}{tail}"


def condition(keyword: str, parts: Iterable[str], joiner: str, indent: str = "") -> Iterator[str]:
    """Give `keyword a joiner b:` as one line, or with a part a line if that is too long."""
    parts = list(parts)
    line = f"{indent}{keyword} {f' {joiner} '.join(parts)}:"
    if len(line) <= WIDTH:
        yield line
        return
    yield f"{indent}{keyword} ("
    for number, part in enumerate(parts):
        yield f"{indent}    {f'{joiner} ' if number else ''}{part}"
    yield f"{indent}):"
