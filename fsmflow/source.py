"""Text that can point at itself: documents, routes into them, and spans of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

Route = tuple[str | int, ...]
"""The way from a document's root to one of its nodes: keys and list indexes."""


@frozen(order=True)
class Span:
    """A piece of a document, from its first character to just after its last.

    Lines and columns count from 1; columns count characters, not bytes.
    """

    line: int
    column: int
    end_line: int
    end_column: int


class Real(float):
    """A number with a decimal point or an exponent, which still knows how it was written.

    Money is read from `text`, so that it never passes through binary floating point.
    """

    text: str

    def __new__(cls, text: str) -> Real:
        """Read `text`, a YAML 1.2 core float."""
        real = super().__new__(cls, text)
        real.text = text
        return real


@frozen
class Document:
    """One source text, the plain data in it, and where each piece of that data stands.

    `tree` is made of `dict` (string keys), `list`, `str`, `int`, `Real`, `bool` and `None`.
    `keys` and `values` give the span of each mapping key and of each node, by route;
    the root's route is `()`.
    """

    path: str
    text: str
    tree: Any
    keys: Mapping[Route, Span] = field(factory=dict, repr=False)
    values: Mapping[Route, Span] = field(factory=dict, repr=False)

    def locate(self, route: Route, *, key: bool = False) -> Span:
        """Find the span of the node at `route`, or of its key.

        A route that leads past what was written (a missing key, say) gives the nearest
        enclosing node that has a key, by that key; the root gives the document's first line.
        """
        if key and route in self.keys:
            return self.keys[route]
        if route in self.values:
            return self.values[route]
        for end in range(len(route) - 1, 0, -1):
            found = self.keys.get(route[:end]) or self.values.get(route[:end])
            if found is not None:
                return found
        return Span(1, 1, 1, len(self.line(1)) + 1)

    def line(self, number: int) -> str:
        """Give the text of line `number`, counted from 1, without its line break."""
        lines = self.text.split("\n")
        return lines[number - 1].rstrip("\r") if 0 < number <= len(lines) else ""
