"""Canaries: made-up secrets that are planted in runs, and a search for them in whatever comes out."""

from __future__ import annotations

import base64
import binascii
import contextlib
import html
import json
import re
from collections.abc import Callable, Iterable, Iterator
from random import Random
from urllib.parse import quote, unquote_plus

_SHAPES = (
    "sk-live-{0}{1}",
    "{0}/{1}+x=",
    'say "{0}" & <{1}>',
    "é{0}–{1}ü",
    "{0}\\{1}'s",
    "{0}  {1}",
    "-----BEGIN-----\n{0}{0}\n{1}{1}\n-----END-----",
    "user-{0}@{1}.example",
    "{0}" + "long-{1}-" * 60,
)


def canaries(number: int, seed: int = 0) -> list[str]:
    """Make up secrets of many shapes, no two of which share a part."""
    source = Random(seed)
    made = ((f"{source.getrandbits(48):012x}" for _ in range(2)) for _ in range(number))
    return [_SHAPES[n % len(_SHAPES)].format(*parts) for n, parts in enumerate(made)]


FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in JSON": lambda text: json.dumps({"key": text}),
    "in JSON in JSON": lambda text: json.dumps(json.dumps([text], ensure_ascii=False)),
    "escaped": lambda text: re.sub("(.{4})", r"\\u\1", text.encode("utf-16-be").hex()),
    "in a URL": lambda text: f"https://x.example/{quote(text, safe='')}?q={quote(text)}",
    "in base64": lambda text: base64.b64encode(f"user:{text}".encode()).decode(),
    "in base64 for URLs": lambda text: base64.urlsafe_b64encode(f"a{text}?".encode()).decode(),
    "in hex": lambda text: text.encode().hex(),
    "in capitals": str.upper,
    "on a page": html.escape,
    "as code": repr,
    "as bytes": lambda text: repr(text.encode()),
    "cut off": lambda text: f"{text!r:.24}",
}


_PART = re.compile(r"[0-9a-f]{12}")
_ANYWHERE = re.compile(r"(?=([0-9a-f]{12}))")


def found(canaries: Iterable[str], text: str) -> list[str]:
    """Give those of which a part is in a text, in any form of theirs."""
    # The parts that are drawn are what makes a canary; the rest of it is the same in all.
    parts = {part: canary for canary in canaries for part in _PART.findall(canary)}
    seen: set[str] = set()
    for reading in _readings(text):
        seen |= set(_ANYWHERE.findall(reading.lower())) & parts.keys()
    return [canary for canary in dict.fromkeys(parts.values()) if seen & set(_PART.findall(canary))]


def _readings(text: str) -> Iterator[str]:
    """Read a text in each way in which something may be hidden in it, twice over."""
    pending = {text}
    for again in (True, True, False):
        readings: set[str] = set()
        for each in pending:
            yield each
            if again:
                readings |= {unquote_plus(each), html.unescape(each), _unescaped(each), _decoded(each)}
        pending = readings - pending


def _unescaped(text: str) -> str:
    text = re.sub(r"\\+u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text)
    text = re.sub(r"\\+x([0-9a-fA-F]{2})", lambda m: chr(int(m[1], 16)), text)
    return re.sub(r"\\+(.)", r"\1", text)


def _decoded(text: str) -> str:
    """Decode all that may be base64 or hexadecimal digits."""
    read = []
    for token in re.findall(r"[A-Za-z0-9+/_-]{16,}", text):
        standard = token.translate(str.maketrans("-_", "+/"))
        for start in range(4):
            part = standard[start:]
            read.append(base64.b64decode(part[: len(part) // 4 * 4]))
    for token in re.findall(r"(?:[0-9a-fA-F]{2}){12,}", text):
        with contextlib.suppress(binascii.Error):
            read.append(binascii.unhexlify(token))
    return "\n".join(each.decode("utf-8", "ignore") for each in read)
