"""The values of runs, each distinct one stored once, however often and however deep it comes."""

from __future__ import annotations

import math
from typing import Any

from attrs import define, field

DEEPEST = 64
"""How deep values are followed; a trace holds none that are deeper."""

_MOST_EXACT = 2**53
"""Up to where every whole number is a number of JavaScript's too."""

_CUT = "…"


@define
class Values:
    """A table of values, numbered as they come.

    Text, numbers up to 2⁵³, true, false and null stand in it as they are. The rest is tagged:
    `{"list": [number, …]}`, `{"map": [[key, number], …]}`, and `{"number": "…"}` for what JSON or
    JavaScript would not keep exactly.
    """

    table: list[Any] = field(factory=list)
    _numbers: dict[Any, int] = field(factory=dict, repr=False)

    def number(self, value: Any, depth: int = 0) -> int:
        """Give the number of `value`, as JSON has it, in the table."""
        if depth > DEEPEST:
            return self._stored("number", _CUT, {"number": _CUT})
        if isinstance(value, list):
            items = tuple(self.number(item, depth + 1) for item in value)
            return self._stored("list", items, {"list": list(items)})
        if isinstance(value, dict):
            pairs = tuple((str(key), self.number(item, depth + 1)) for key, item in value.items())
            return self._stored("map", pairs, {"map": [list(pair) for pair in pairs]})
        if _is_inexact(value):
            return self._stored("number", str(value), {"number": str(value)})
        return self._stored(type(value).__name__, repr(value), value)

    def _stored(self, kind: str, key: Any, entry: Any) -> int:
        number = self._numbers.setdefault((kind, key), len(self.table))
        if number == len(self.table):
            self.table.append(entry)
        return number


def _is_inexact(value: Any) -> bool:
    if isinstance(value, int):
        return abs(value) > _MOST_EXACT
    return isinstance(value, float) and not math.isfinite(value)
