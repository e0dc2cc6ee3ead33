"""A long run in few words: `(retrieve×4 → draft×3 → check)×3 → quote`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import frozen

LONGEST_BLOCK = 64
"""How many pieces a repeated part may have to be told as one."""

MOST_PIECES = 40
"""How many pieces of a run are written; of a longer one, its beginning and its end."""


@frozen
class _Piece:
    """A name, or a part of a run, and how often it comes in a row."""

    of: str | tuple[_Piece, ...]
    times: int

    def __str__(self) -> str:
        """Write the piece."""
        words = self.of if isinstance(self.of, str) else f"({' → '.join(map(str, self.of))})"
        return words if self.times == 1 else f"{words}×{self.times:,}"


def folded(names: Iterable[str]) -> str:
    """Write names in a row, with what repeats told once."""
    pieces = _runs([_Piece(name, 1) for name in names])
    while True:
        shorter = _runs(_repeats(pieces))
        if len(shorter) == len(pieces):
            break
        pieces = shorter
    if len(pieces) > MOST_PIECES:
        half = MOST_PIECES // 2
        left_out = f"… ({len(pieces) - 2 * half:,} more)"
        return " → ".join([*map(str, pieces[:half]), left_out, *map(str, pieces[-half:])])
    return " → ".join(map(str, pieces))


def _runs(pieces: Sequence[_Piece]) -> list[_Piece]:
    """Join equal neighbours."""
    found: list[_Piece] = []
    for piece in pieces:
        if found and found[-1].of == piece.of:
            found[-1] = _Piece(piece.of, found[-1].times + piece.times)
        else:
            found.append(piece)
    return found


def _repeats(pieces: Sequence[_Piece]) -> list[_Piece]:
    """Join the shortest blocks that come twice or more in a row, from left to right."""
    numbers: dict[_Piece, int] = {}
    coded = [numbers.setdefault(piece, len(numbers)) for piece in pieces]
    found: list[_Piece] = []
    at = 0
    while at < len(coded):
        size, times = _repeat(coded, at)
        if times > 1:
            found.append(_Piece(tuple(pieces[at : at + size]), times))
        else:
            found.append(pieces[at])
        at += size * times
    return found


def _repeat(coded: Sequence[int], at: int) -> tuple[int, int]:
    """Give the size of the block that is repeated from `at` on, and how often it comes; 1, 1 if none is."""
    for size in range(2, min(LONGEST_BLOCK, (len(coded) - at) // 2) + 1):
        if coded[at] != coded[at + size] or coded[at : at + size] != coded[at + size : at + 2 * size]:
            continue
        times = 2
        block = coded[at : at + size]
        while coded[at + times * size : at + (times + 1) * size] == block:
            times += 1
        return size, times
    return 1, 1
