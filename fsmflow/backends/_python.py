"""Writing Python as a formatter would leave it: literals, and brackets that open when a line is too long."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

from attrs import frozen

WIDTH = 110


@frozen
class Group:
    """Items between brackets: all on one line if they fit there, and otherwise one a line."""

    head: str
    items: tuple[Term, ...]
    tail: str


Term = str | Group
"""An expression that knows where it may be broken."""


def flat(term: Term) -> str:
    """Write `term` on one line."""
    if isinstance(term, str):
        return term
    return term.head + ", ".join(map(flat, term.items)) + term.tail


def after(prefix: str, term: Term) -> Term:
    """Put `prefix` before a term."""
    return prefix + term if isinstance(term, str) else Group(prefix + term.head, term.items, term.tail)


def laid_out(term: Term, indent: str = "", end: str = "") -> Iterator[str]:
    """Write `term`, followed by `end`, as one line or more."""
    line = f"{indent}{flat(term)}{end}"
    if len(line) <= WIDTH or isinstance(term, str) or not term.items:
        yield line
        return
    yield indent + term.head
    for item in term.items:
        yield from laid_out(item, indent + "    ", ",")
    # The comma that makes a tuple of one item stands behind the item now.
    yield indent + term.tail.lstrip(",") + end


def wrapped(head: str, items: Iterable[Term], tail: str, indent: str = "") -> Iterator[str]:
    """Give `head` + items + `tail` as one line, or with an item a line if that is too long."""
    return laid_out(Group(head, tuple(items), tail), indent)


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


class Parameter(str):
    """A name that code is not told before it runs: written as the parameter that stands for it."""

    __slots__ = ()

    @property
    def number(self) -> int:
        """Its number among the parameters, from 0."""
        return int(self[1:])


def data(value: Any) -> Term:
    """Write plain data as a Python literal in ASCII.

    Raises:
        TypeError: `value` is no plain data.
    """
    match value:
        case None | bool():
            return str(value)
        case Parameter():
            return str(value)
        case str():
            return _string(str.__str__(value))
        case int():
            return f"{int(value):_}"
        case float():
            number = float(value)
            return repr(number) if math.isfinite(number) else f'float("{number}")'
        case list():
            return Group("[", tuple(map(data, value)), "]")
        case tuple():
            return Group("(", tuple(map(data, value)), ",)" if len(value) == 1 else ")")
        case dict():
            return Group("{", tuple(after(f"{literal(k)}: ", data(v)) for k, v in value.items()), "}")
    raise TypeError(f"no literal for {type(value).__name__}")


def literal(value: Any) -> str:
    """Write plain data as a Python literal in ASCII, on one line.

    Raises:
        TypeError: `value` is no plain data.
    """
    return flat(data(value))


def escaped(text: str) -> str:
    """Write `text` in ASCII as it may stand between double quotes, single or triple."""
    # With both quotes in front, `ascii` is sure to choose single ones and to escape them.
    body = ascii("'\"" + text)[4:-1]
    return _QUOTE.sub(lambda found: {"\\'": "'", '"': '\\"'}.get(found[0], found[0]), body)


def told(text: str) -> str:
    """Write `text` as it may stand in a docstring; from Python 3.13 on, no byte that is no text may."""
    return escaped(text.encode("utf-8", "backslashreplace").decode("utf-8"))


_QUOTE = re.compile(r'\\.|"', re.DOTALL)


def _string(text: str) -> str:
    """Quote `text`, with double quotes unless single ones need fewer escapes."""
    if text.count('"') > text.count("'"):
        return "'" + ascii("'\"" + text)[4:-1] + "'"
    return f'"{escaped(text)}"'
