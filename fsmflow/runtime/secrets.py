"""The secret texts and numbers that a run has met, and what stands in their place in all that it writes.

They are told by value, in any of their forms: a text of six characters or more wherever it stands, one of
three to five, and a number of four digits or more, where it is a word of its own. Anything shorter would take
half of every text along, so it is hidden only where it stands in a field that is marked.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from fsmflow.runtime import environment
from fsmflow.runtime.forms import SHORTEST, TELLING, Head, forms

SECRET = "[secret]"  # noqa: S105 - what stands in the place of one
TAG = "$secret"

MOST = 5_000
"""How many texts are remembered. A run that has met more writes no free text at all."""

_SHORTEST_WORD = 3
_LEAST_NUMBER = 1_000
_LONG, _PIECE = 1_000, 200
"""From how many characters on a text is told by its pieces, and how long these are."""

_FIELD = re.compile(r"[A-Za-z_]{1,40}", re.ASCII)


class Secrets:
    """What one run, with all of its children, must not tell."""

    def __init__(self) -> None:
        # Dictionaries where sets would do: an empty one is a third as large, and every run has some.
        self._known: dict[str, None] = {}
        self._heads: dict[str, Head] = {}
        self._words: dict[str, None] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be hidden."""
        return not self._heads and not self._words

    @cached_property
    def _key(self) -> bytes:
        return os.urandom(32)

    def token(self, data: Any) -> dict[str, str]:
        """Give what stands in the place of plain data: equal data has equal tokens, in this run alone."""
        text = json.dumps(data, sort_keys=True, ensure_ascii=True)
        return {TAG: hmac.new(self._key, text.encode("ascii"), hashlib.sha256).hexdigest()[:16]}

    def learn(self, data: Any) -> None:
        """Remember each text and each number in plain data."""
        for text in _texts(data):
            self.learn_text(text)

    def learn_text(self, text: str) -> None:
        """Remember a text, and the lines and pieces of a long one, any of which may turn up alone."""
        if text in self._known or len(self._known) > MOST:
            return
        self._known[text] = None
        if len(text) < SHORTEST:
            if len(text) >= _SHORTEST_WORD:
                self._words[text] = None
                self.__dict__.pop("_word", None)
            return
        lines = [line.strip() for line in text.splitlines()]
        parts = [line for line in lines if len(line) >= TELLING] if len(lines) > 1 else []
        if len(text) > _LONG:
            parts += [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]
        else:
            for form in forms(text):
                head = form[:SHORTEST]
                if head not in self._heads:
                    self._heads[head] = Head()
                self._heads[head].add(form)
        for part in parts:
            self.learn_text(part)

    def learn_environment(self) -> None:
        """Remember what stands in the environment that is secret."""
        for value in environment.secrets():
            self.learn_text(value)

    def data(self, data: Any) -> Any:
        """Give plain data without the secrets in it."""
        match data:
            case str():
                return self.text(data)
            case dict():
                return self._mapping(data)
            case list():
                return [self.data(item) for item in data]
            case bool() | None:
                return data
            case int() | float() if len(text := str(data)) >= _SHORTEST_WORD and text in self._known:
                return self.token(data)
        return data

    def _mapping(self, data: dict[str, Any]) -> dict[str, Any]:
        if data.keys() == {TAG}:
            return data
        found: dict[str, Any] = {}
        for key, item in data.items():
            name = self.text(key)
            # Of two keys that are both secret, neither may take the other's place.
            found[f"{name} {len(found)}" if name in found else name] = self.data(item)
        return found

    def text(self, text: str) -> str:
        """Give a text without the secrets in it, be they cut off at its end."""
        if len(self._known) > MOST:
            return SECRET if len(text) >= _SHORTEST_WORD else text
        found = self._found(text, is_whole=True) if len(text) >= SHORTEST or self._words else []
        return _without(text, found)

    def told(self, text: str) -> tuple[str, str]:
        """Part a text that goes on into what may be told of it, and what may be the beginning of a secret."""
        if len(self._known) > MOST:
            return self.text(text), ""
        found = self._found(text, is_whole=False)
        end = len(text) - self._held_back(text)
        end = min((start for start, stop in found if start < end < stop), default=end)
        return _without(text[:end], [span for span in found if span[1] <= end]), text[end:]

    def _found(self, text: str, *, is_whole: bool) -> list[tuple[int, int]]:
        """Give where secrets stand in a text, in order; of those that overlap, where all of them do."""
        spans = [span for head in self._heads_in(text) for span in self._of_head(text, head, is_whole)]
        if self._words:
            spans += [word.span() for word in self._word.finditer(text)]
        merged: list[tuple[int, int]] = []
        for start, stop in sorted(spans):
            if merged and start < merged[-1][1]:
                merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
            else:
                merged.append((start, stop))
        return merged

    def _heads_in(self, text: str) -> Iterable[str]:
        if len(text) < len(self._heads):
            parts = {text[i : i + SHORTEST] for i in range(len(text) - SHORTEST + 1)}
            return parts & self._heads.keys()
        return [head for head in self._heads if head in text]

    def _of_head(self, text: str, head: str, is_whole: bool) -> Iterator[tuple[int, int]]:
        """Give where what begins with `head` is a secret."""
        forms_of, at = self._heads[head], text.find(head)
        while at >= 0:
            if length := forms_of.length_at(text, at, is_whole=is_whole):
                yield at, at + length
            at = text.find(head, at + 1)

    @cached_property
    def _word(self) -> re.Pattern[str]:
        either = "|".join(sorted(map(re.escape, self._words)))
        return re.compile(rf"(?<!\w)(?:{either})(?!\w)")

    def _held_back(self, text: str) -> int:
        """Give how many characters at the end of a text may be the beginning of a secret."""
        longest = 0
        for form in (form for head in self._heads.values() for form in head.forms):
            at = text.find(form[0], max(0, len(text) - len(form) + 1))
            while at >= 0 and not form.startswith(text[at:]):
                at = text.find(form[0], at + 1)
            if at >= 0:
                longest = max(longest, len(text) - at)
        for word in self._words:
            longest = max(longest, *(n for n in range(len(word) + 1) if text.endswith(word[:n])))
        return longest


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    written, done = [], 0
    for start, stop in spans:
        written += [text[done:start], SECRET]
        done = stop
    return "".join((*written, text[done:])) if written else text


def _texts(data: Any) -> Iterator[str]:
    """Give each text and each number in plain data; of keys those that name no field."""
    match data:
        case str():
            yield data
            if data[:1] in ("{", "["):
                yield from _texts_in_json(data)
        case bool() | None:
            return
        case int() | float():
            if abs(data) >= _LEAST_NUMBER or (isinstance(data, float) and len(str(data)) > SHORTEST):
                yield str(data)
                yield f"{data:,}"
        case list():
            for item in data:
                yield from _texts(item)
        case dict():
            for key, item in data.items():
                if not _FIELD.fullmatch(key.lstrip("$")):
                    yield key
                yield from _texts(item)


def _texts_in_json(text: str) -> Iterator[str]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(found, dict | list):
        yield from _texts(found)
