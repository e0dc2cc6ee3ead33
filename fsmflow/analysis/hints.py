"""Nearest right names for wrong ones, as long as there are not too many of them."""

from __future__ import annotations

from collections.abc import Collection

from attrs import define

from fsmflow.diagnostics import did_you_mean, nearest

MAX_COMPARISONS = 100_000
"""How many pairs of names are compared at most, for one workflow; each takes some ten microseconds."""


@define
class Hints:
    """Words hints for wrong names until its comparisons are used up; from then on gives none."""

    _left: int = MAX_COMPARISONS

    def near(self, name: str, known: Collection[str]) -> str:
        """Word a hint for a wrong `name`: the nearest in `known`, or the whole short list."""
        self._left -= len(known)
        return did_you_mean(name, known) if self._left >= 0 else ""

    def nearest(self, name: str, known: Collection[str]) -> str | None:
        """Find the name in `known` that a wrong one was most likely meant to be."""
        self._left -= len(known)
        return nearest(name, known) if self._left >= 0 else None
