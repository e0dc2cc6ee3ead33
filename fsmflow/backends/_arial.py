"""How wide a text is in Arial, so that rows can be sized where no font is installed."""

from __future__ import annotations

import unicodedata

_UNITS_PER_EM = 2048

# Advance widths in font units, of the characters that have each.
_REGULAR = {
    391: "'",
    455: "ijl‘’",
    532: "|",
    569: " !,./:;I[\\]ft",
    682: "()-`r·“”",
    684: "{}",
    717: "•",
    727: '"',
    797: "*",
    819: "°",
    961: "^",
    1024: "Jcksvxyz↑↓",
    1124: "÷±≤≥≠≈√",
    1139: "#$0123456789?L_abdeghnopqu§«»–€",
    1180: "µ",
    1196: "+<=>~×−",
    1237: "■□○●",
    1251: "FTZ",
    1366: "&ABEKPSVXY",
    1368: "Δ",
    1460: "∞",
    1479: "CDHNRUw",
    1593: "GOQ",
    1706: "Mm",
    1821: "%",
    1933: "W",
    2027: "▲►▼◄",
    2048: "—…→←↔",
    2079: "@",
}
_BOLD = {
    487: "'",
    569: " ,./I\\ijl‘’",
    573: "|",
    682: "!()-:;[]`ft·",
    717: "•",
    797: "*r{}",
    819: "°",
    971: '"',
    1024: "z“”↑↓",
    1124: "÷±≤≥≠≈√",
    1139: "#$0123456789J_aceksvxy§«»–€",
    1180: "µ",
    1196: "+<=>^~×−",
    1237: "■□○●",
    1251: "?FLTZbdghnopqu",
    1366: "EPSVXY",
    1460: "∞",
    1472: "Δ",
    1479: "&ABCDHKNRU",
    1593: "GOQw",
    1706: "M",
    1821: "%m",
    1933: "W",
    1997: "@",
    2027: "▲►▼◄",
    2048: "—…→←↔",
}


def _by_character(widths: dict[int, str]) -> dict[str, int]:
    return {character: width for width, characters in widths.items() for character in characters}


_WIDTHS = {False: _by_character(_REGULAR), True: _by_character(_BOLD)}
_SPACE = _WIDTHS[False][" "]
_DIGIT = _WIDTHS[False]["0"]


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Measure `text` at `size` points, in points; unknown characters count as a digit, wide ones as an em."""
    widths = _WIDTHS[bold]
    units = sum(widths.get(c) or (_UNITS_PER_EM if _is_wide(c) else _DIGIT) for c in text)
    return units * size / _UNITS_PER_EM


def estimate(text: str, size: float, *, bold: bool = False) -> float:
    """Measure `text` as an engine without fonts does: each byte past ASCII is as wide as a space."""
    widths = _WIDTHS[bold]
    units = sum(widths.get(c, _SPACE) if c.isascii() else _SPACE * len(c.encode()) for c in text)
    return units * size / _UNITS_PER_EM


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"
