"""The lines of a trace file: JSON objects, each key of which is checked as it is asked for.

A trace file may come from anywhere, so it is data to be checked, and nothing in it is ever executed.
"""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, BinaryIO, NoReturn, TypeGuard

from attrs import frozen

from fsmflow.diagnostics import FsmflowError
from fsmflow.runtime.run import Error

LONGEST_LINE = 64_000_000
"""More bytes than any line has that a run writes: inputs and outputs are cut to a bounded size."""

LARGEST = 2**63 - 1
"""The largest number of a ledger or a clock."""


class BadTrace(FsmflowError):
    """A text is not the trace of one run; the message says where, and what was expected."""


@frozen
class Entry:
    """One line of a trace, and where it stands; what it has to hold and does not is a `BadTrace`."""

    line: int
    found: Mapping[str, Any]
    within: str = ""

    def id(self, key: str) -> str | None:
        """Give an id, if there is one."""
        found = self.found.get(key)
        return found if isinstance(found, str) else None

    def refuse(self, key: str, expected: str) -> NoReturn:
        """Say that what a key holds is not what was expected of it."""
        found = f"not {shown(self.found[key])}" if key in self.found else "but it is missing"
        raise BadTrace(f"line {self.line}: {self.within}{key}: expected {expected}, {found}")

    def any(self, key: str) -> Any:
        """Give what a key holds, whatever it is."""
        if key not in self.found:
            self.refuse(key, "a value")
        return self.found[key]

    def text(self, key: str) -> str:
        """Give a text."""
        found = self.found.get(key)
        return found if isinstance(found, str) else self.refuse(key, "text")

    def maybe_text(self, key: str) -> str | None:
        """Give a text, or None for null."""
        return None if self.any(key) is None else self.text(key)

    def count(self, key: str, least: int = 0) -> int:
        """Give a whole number."""
        found = self.found.get(key)
        if not _is_count(found, least):
            self.refuse(key, f"a whole number from {least} on")
        return found

    def no_sooner(self, key: str, than: int) -> int:
        """Give a time that is no sooner than another one."""
        found = self.count(key)
        if found < than:
            self.refuse(key, "a time that is no sooner than what came before")
        return found

    def maybe_count(self, key: str) -> int | None:
        """Give a whole number, or None for null."""
        return None if self.any(key) is None else self.count(key)

    def texts(self, key: str) -> tuple[str, ...]:
        """Give a list of texts."""
        found = self.found.get(key)
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            self.refuse(key, "a list of texts")
        return tuple(found)

    def amounts(self, key: str, names: tuple[str, ...]) -> dict[str, int]:
        """Give a whole number for each of some names."""
        found = self.found.get(key)
        if not isinstance(found, dict) or not all(_is_count(found.get(name)) for name in names):
            self.refuse(key, f"a whole number for each of {', '.join(names)}")
        return {name: found[name] for name in names}

    def draw(self) -> float:
        """Give the number that was drawn."""
        found = self.found.get("draw")
        if not isinstance(found, int | float) or isinstance(found, bool) or not 0 <= found < 1:
            self.refuse("draw", "a number from 0 to below 1")
        return float(found)

    def child(self) -> int | str | None:
        """Give which child of an attempt a run is."""
        found = self.found.get("child")
        if found is not None and not isinstance(found, str) and not _is_count(found):
            self.refuse("child", "a whole number from 0 on, a name or null")
        return found

    def error(self) -> Error | None:
        """Give the latest way out that a run took."""
        found = self.any("error")
        if found is None:
            return None
        if not isinstance(found, dict):
            self.refuse("error", "a mapping or null")
        inner = Entry(self.line, found, "error.")
        return Error(
            inner.text("state"),
            inner.text("outcome"),
            inner.text("message"),
            inner.texts("complaints"),
            inner.any("value"),
        )


def _is_count(found: Any, least: int = 0) -> TypeGuard[int]:
    return type(found) is int and least <= found <= LARGEST


def shown(value: Any) -> str:
    """Write a value so that it fits in a message and in a terminal."""
    match value:
        case dict():
            return "a mapping"
        case list():
            return "a list"
    written = ascii(value)
    return written if len(written) <= 40 else f"{written[:39]}…"


def entries(file: BinaryIO) -> Iterator[Entry]:
    """Give the lines of a trace; a last one that breaks off is left out.

    Raises:
        BadTrace: One of them is no JSON object.
    """
    number = 0
    while raw := file.readline(LONGEST_LINE):
        number += 1
        if number == 1:
            # Some editors put a mark before the text.
            raw = raw.removeprefix(BOM_UTF8)
        is_whole = raw.endswith(b"\n")
        if len(raw) == LONGEST_LINE and not is_whole:
            raise BadTrace(f"line {number}: expected at most {LONGEST_LINE:,} bytes")
        if not raw.strip():
            continue
        try:
            found = _parse(raw)
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            if not is_whole and raw.startswith(b"{"):
                return
            raise BadTrace(f"line {number}: expected a JSON document: {error}") from None
        except RecursionError:
            raise BadTrace(f"line {number}: expected JSON that is not as deep as this") from None
        except ValueError as error:
            raise BadTrace(f"line {number}: {error}") from None
        if not isinstance(found, dict):
            raise BadTrace(f"line {number}: expected a JSON object, not {shown(found)}")
        yield Entry(number, found)


def _parse(raw: bytes) -> Any:
    found = json.loads(raw.decode(), object_pairs_hook=_object, parse_constant=_constant, parse_float=_number)
    if b"\\ud" in raw or b"\\uD" in raw:
        try:
            json.dumps(found, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("expected text, not half of a character") from None
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"expected each key once, but {shown(twice)} is there again")
    return found


def _constant(name: str) -> NoReturn:
    raise ValueError(f"expected JSON, which has no number {name}")


def _number(text: str) -> float:
    found = float(text)
    if not isfinite(found):
        raise ValueError(f"expected a number that fits, not {shown(text)}")
    return found
