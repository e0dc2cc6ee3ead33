"""Plain YAML scalars, typed by the YAML 1.2 core schema alone.

In this schema `no`, `1:20` and `2024-01-31` are strings. Numbers are held to a size, because
nothing in a spec needs more, and `017` is refused: it is 17 to one YAML and 15 to the other.
"""

from __future__ import annotations

import math
import re

from fsmflow.source import Real

MAX_NUMBER_LENGTH = 64
MAX_INTEGER = 2**63 - 1

Plain = str | int | Real | bool | None

_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_REAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_ENDLESS = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


class BadNumber(ValueError):
    """A plain scalar is a number that a spec may not hold; `hint` says what to write."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def typed(text: str) -> Plain:
    """Give the value of the plain scalar `text`.

    Raises:
        BadNumber: It is a number that is infinite, not a number, too long, too large, or
            read differently by different versions of YAML.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _REAL.fullmatch(text):
        return _real(text)
    if _ENDLESS.fullmatch(text):
        raise BadNumber(f"`{text}` is not a number that a spec may hold", "write a finite number")
    return text


def is_text(text: str) -> bool:
    """Tell whether the plain scalar `text` is a string."""
    try:
        return isinstance(typed(text), str)
    except BadNumber:
        return False


def _integer(text: str) -> int:
    _bound_length(text)
    digits = text.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        decimal = digits.lstrip("0") or "0"
        raise BadNumber(
            f"`{text}` is a different number in different versions of YAML",
            f'write {decimal}, or "{text}" in quotes if it is text',
        )
    value = int(text, 0)
    if abs(value) > MAX_INTEGER:
        raise BadNumber(f"`{text}` is too large a number", "whole numbers fit in 64 bits")
    return value


def _real(text: str) -> Real:
    _bound_length(text)
    real = Real(text)
    if math.isinf(real):
        raise BadNumber(f"`{text}` is too large a number", "write a finite number")
    return real


def _bound_length(text: str) -> None:
    if len(text) > MAX_NUMBER_LENGTH:
        raise BadNumber(f"a number of {len(text)} digits is too long", "put it in quotes if it is text")
