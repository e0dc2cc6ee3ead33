"""Calls of tools that come in parts: which parts make up one call, however an endpoint marks them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

MOST_CALLS = 100
"""How many calls are put together; an answer with more than one is none, however many there are."""


@dataclass(slots=True)
class _Call:
    number: int | None
    id: str
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class StreamedCalls:
    """The calls whose parts have come so far."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []

    def add(self, part: Any) -> int:
        """Take a part of a call, and give how many characters are in it.

        Raises:
            AttributeError: It is none; or a TypeError, an OverflowError, or a ValueError, as for calls
                without end.
        """
        function = part.get("function") or {}
        if not function:
            return 0
        number, name = part.get("index"), str(function.get("name") or "")
        call = self._of(None if number is None else int(number), str(part.get("id") or ""), name)
        said = arguments_text(function.get("arguments"))
        # A name is never parted, and some say it again with each part.
        call.name = call.name or name
        call.arguments.append(said)
        return len(name) + len(said)

    def whole(self) -> list[dict[str, Any]]:
        """Give the calls."""
        return [
            {"function": {"name": call.name, "arguments": "".join(call.arguments)}} for call in self._calls
        ]

    def _of(self, number: int | None, id_: str, name: str) -> _Call:
        """Find the call that a part belongs to; some give all calls one number, or none."""
        known = [call for call in self._calls if number is None or call.number in (number, None)]
        last = known[-1] if known else None
        if last is None or (id_ and last.id and id_ != last.id) or (number is None and name and last.name):
            if len(self._calls) == MOST_CALLS:
                raise ValueError("calls without end")
            last = _Call(number, id_)
            self._calls.append(last)
        last.id = last.id or id_
        return last


def arguments_text(arguments: Any) -> str:
    """Give the arguments of a call as JSON text: some give them as they are, and some none for none."""
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else json.dumps(arguments)
