"""Text from a run, fitted to a terminal: nothing in it is obeyed, and long lines are wrapped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from fsmflow.reporting.visible import visible, width

NARROWEST = 24
"""The fewest columns that text is wrapped to, however narrow the terminal is."""

MOST_DASHES = 4
"""How many lists may begin on one line."""


def padded(text: str, columns: int, *, right: bool = False) -> str:
    """Fill `text` up to `columns`."""
    space = " " * max(0, columns - width(text))
    return space + text if right else text + space


def wrapped(text: str, columns: int) -> Iterator[str]:
    """Break text into lines of at most `columns`, at spaces where there are any; nothing is lost but those.

    What a terminal would obey or hide is escaped; the text's own line breaks are kept.
    """
    columns = max(columns, NARROWEST)
    for line in text.replace("\r\n", "\n").split("\n"):
        yield from _folded(visible(line).rstrip(), columns)


def _folded(line: str, columns: int) -> Iterator[str]:
    start, space, used = 0, -1, 0
    for at, character in enumerate(line):
        taken = width(character)
        if used + taken > columns:
            if character == " ":
                yield line[start:at]
                start, space, used = at + 1, -1, 0
                continue
            if space > start:
                yield line[start:space]
                start = space + 1
            else:
                yield line[start:at]
                start = at
            used, space = width(line[start:at]), -1
        if character == " ":
            space = at
        used += taken
    yield line[start:]


def listed(parts: Iterable[str], columns: int) -> Iterator[str]:
    """Put parts in a row, with ` · ` between them; a line is broken between two parts if it can be."""
    row = ""
    for part in map(visible, parts):
        if row and width(row) + 3 + width(part) > columns:
            yield from wrapped(row, columns)
            row = ""
        row = f"{row} · {part}" if row else part
    yield from wrapped(row, columns)


def cut(text: str, columns: int, lines: int) -> list[str]:
    """Give the first lines of a text; the last of them ends in `…` if there is more."""
    found: list[str] = []
    for line in wrapped(text, columns):
        if len(found) == lines:
            found[-1] = f"{found[-1][: max(columns, NARROWEST) - 2].rstrip()} …"
            break
        found.append(line)
    return found


def document(value: Any, columns: int) -> Iterator[str]:
    """Write plain data in full, an entry a line: mappings by key, lists by dash, text as it reads.

    Nothing is cut. The depth of the data does not matter.
    """
    pending: list[tuple[int, int, str, Any]] = [(0, 0, "", value)]
    while pending:
        depth, dashes, key, item = pending.pop()
        lead = "  " * min(depth - dashes, 12) + "– " * dashes
        if isinstance(item, dict | list) and item:
            if key or dashes == MOST_DASHES:
                yield f"{lead}{key}".rstrip()
                depth, dashes = depth + 1, 0
            pending += reversed(list(_entries(item, depth, dashes)))
            continue
        rest, room = " " * width(lead), columns - width(lead) - width(key) - bool(key)
        text = _scalar(item)
        lines = list(wrapped(text, room))
        if key and (len(lines) > 1 or room < NARROWEST):
            yield f"{lead}{key}"
            yield from (f"{rest}  {line}" for line in wrapped(text, columns - width(lead) - 2))
        else:
            yield f"{lead}{key} {lines[0]}" if key else f"{lead}{lines[0]}"
            yield from (f"{rest}{line}" for line in lines[1:])


def _entries(
    item: dict[str, Any] | list[Any], depth: int, dashes: int
) -> Iterator[tuple[int, int, str, Any]]:
    """Give the parts of a mapping or a list; the first one stands where the whole would begin."""
    if isinstance(item, dict):
        for number, (key, part) in enumerate(item.items()):
            yield depth, 0 if number else dashes, f"{visible(key)}:", part
    else:
        for number, part in enumerate(item):
            yield depth + 1, 1 if number else dashes + 1, "", part


def _scalar(value: Any) -> str:
    match value:
        case str():
            return value if value.strip() else f'"{value}"'
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case dict():
            return "{}"
        case list():
            return "[]"
    return str(value)
