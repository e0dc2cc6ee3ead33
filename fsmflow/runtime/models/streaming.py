"""An answer that comes in parts, put together again: the same reply as one that comes whole."""

from __future__ import annotations

import codecs
import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from fsmflow.runtime.models.refusals import error_in, refusal
from fsmflow.runtime.models.streamed_calls import StreamedCalls
from fsmflow.runtime.outcomes import Transient

MOST_TEXT = 8_000_000
"""From how many characters on an answer is taken to have no end."""


async def streamed(request: Mapping[str, Any], client: Any, show: Callable[[str], None]) -> dict[str, Any]:
    """Send a request, once, and give the reply that its parts make up.

    Args:
        request: The request.
        client: An OpenAI client.
        show: Is told each part of the answer's words as it comes.

    Raises:
        Transient: The stream broke off, or what came is no answer, whole or in parts.
        Permanent: An error came that blames the request.
        Invalid: An error came that blames the answer.
    """
    put_together = _Reply()
    wanted = {**request, "stream": True}
    async with client, client.chat.completions.with_streaming_response.create(**wanted) as response:
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind in ("application/json", "text/html"):
            # It does not stream, whatever it was asked, or is no endpoint.
            return _at_once(await response.read(), show)
        # Read to its very end: what is left half read would be cleaned up at some later time.
        async for line in _lines(response.iter_bytes()):
            words = put_together.add(_part(line))
            if words:
                show(words)
    return put_together.whole()


_LINE_END = re.compile(r"[\r\n]")


async def _lines(parts: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """Give the lines of a stream of server-sent events (HTML Living Standard §9.2.5), and some empty ones.

    The client's own lines end at U+2028 and the like too, which may stand in JSON as they are.
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    begun: list[str] = []
    async for part in parts:
        first, *others = _LINE_END.split(decoder.decode(part))
        begun.append(first)
        for other in others:
            yield "".join(begun)
            begun = [other]
    yield "".join(begun)


def words_of(content: Any) -> str:
    """Give the words of an answer, or of a part of one: a text, or a list that holds some, among thoughts."""
    if isinstance(content, list):
        found = [
            each.get("text") for each in content if isinstance(each, dict) and each.get("type") == "text"
        ]
        return "".join(text for text in found if isinstance(text, str))
    return content if isinstance(content, str) else ""


def reply_in(content: bytes) -> dict[str, Any]:
    """Read a reply that came whole.

    Raises:
        Transient: It is no JSON object, or an error.
        Permanent: It is an error that blames the request.
        Invalid: It is an error that blames the answer.
    """
    reply = _loaded(content)
    if not isinstance(reply, dict):
        begins = " ".join(content[:200].decode("utf-8", "replace").split())
        raise Transient("the endpoint's reply is no JSON object" + (begins and f": {begins}"))
    if error := error_in(reply):
        raise refusal("the endpoint's reply is an error", error)
    return reply


def _loaded(content: str | bytes) -> Any:
    """Read JSON; None if it is none."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _at_once(content: bytes, show: Callable[[str], None]) -> dict[str, Any]:
    """Read a reply that came whole, and show its words as if they were one part."""
    reply = reply_in(content)
    with contextlib.suppress(LookupError, TypeError, AttributeError):
        words = words_of(reply["choices"][0]["message"]["content"])
        if words:
            show(words)
    return reply


def _part(line: str) -> Mapping[str, Any]:
    """Read one line of a stream of server-sent events (HTML Living Standard §9.2); most hold a part.

    Raises:
        Transient: It holds what is no part of an answer, or an error.
        Permanent: It holds an error that blames the request.
        Invalid: It holds an error that blames the answer.
    """
    field, _, data = line.partition(":")
    if field == "error":
        raise refusal("the stream broke off", _loaded(data) or data.strip())
    if field != "data" or data.strip() in ("", "[DONE]"):
        return {}
    part = _loaded(data)
    if not isinstance(part, dict):
        raise Transient("the stream holds what is no part of an answer")
    if error := error_in(part):
        raise refusal("the stream broke off", error)
    return part


class _Reply:
    """The parts of a reply that have come so far."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._refusal: list[str] = []
        self._calls = StreamedCalls()
        self._about: dict[str, Any] = {}
        self._finish: str | None = None
        self._usage: Any = None
        self._error: Any = None
        self._has_thoughts = False
        self._length = 0

    def add(self, part: Mapping[str, Any]) -> str:
        """Take a part, and give the words in it.

        Raises:
            Transient: It is of no known shape, or the answer goes on and on.
        """
        self._usage = part.get("usage") or self._usage
        self._about |= {name: part[name] for name in ("id", "model") if part.get(name)}
        choices = part.get("choices") or [{}]
        try:
            choice = choices[0]
            self._finish = choice.get("finish_reason") or self._finish
            self._error = choice.get("error") or self._error
            delta = choice.get("delta") or {}
            calls = delta.get("tool_calls") or ()
            for call in calls if isinstance(calls, list | tuple) else (calls,):
                self._length += self._calls.add(call)
            self._refusal.append(str(delta.get("refusal") or ""))
            self._has_thoughts |= bool(delta.get("reasoning_content") or delta.get("reasoning"))
            words = words_of(delta.get("content"))
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise Transient("the stream holds what is no part of an answer") from error
        self._words.append(words)
        self._length += len(words)
        if self._length > MOST_TEXT:
            raise Transient("the answer goes on and on")
        return words

    def whole(self) -> dict[str, Any]:
        """Give the reply.

        Raises:
            Transient: It never came to its end.
        """
        if self._finish is None:
            raise Transient("the stream broke off before the answer came to its end")
        message = {
            "content": "".join(self._words),
            "refusal": "".join(self._refusal) or None,
            "reasoning": self._has_thoughts,
            "tool_calls": self._calls.whole(),
        }
        choice = {"finish_reason": self._finish, "message": message, "error": self._error}
        return {**self._about, "choices": [choice], "usage": self._usage}
