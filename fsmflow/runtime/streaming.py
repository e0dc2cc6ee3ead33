"""An answer that comes in parts, put together again: the same reply as one that comes whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

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
        Transient: The stream broke off, or holds what is none of its parts.
    """
    put_together = _Reply()
    async with client:
        try:
            stream = await client.chat.completions.create(
                **request, stream=True, stream_options={"include_usage": True}
            )
            async for part in stream:
                words = put_together.add(part.model_dump(mode="json"))
                if words:
                    show(words)
        except (ValueError, TypeError, AttributeError) as error:
            raise Transient(f"the stream holds what is no part of an answer: {error}") from error
        except Exception as error:
            if type(error).__name__ == "APIError":
                raise Transient(f"the stream broke off: {error}") from error
            raise
    return put_together.whole()


class _Reply:
    """The parts of a reply that have come so far."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._refusal: list[str] = []
        self._calls: dict[int, dict[str, str]] = {}
        self._finish: str | None = None
        self._usage: Any = None
        self._length = 0

    def add(self, part: Mapping[str, Any]) -> str:
        """Take a part, and give the words in it."""
        self._usage = part.get("usage") or self._usage
        choices = part.get("choices") or []
        if not choices:
            return ""
        choice = choices[0]
        self._finish = choice.get("finish_reason") or self._finish
        delta = choice.get("delta") or {}
        for call in delta.get("tool_calls") or ():
            function = call.get("function") or {}
            known = self._calls.setdefault(call.get("index") or 0, {"name": "", "arguments": ""})
            known["name"] += function.get("name") or ""
            known["arguments"] += function.get("arguments") or ""
        self._refusal.append(delta.get("refusal") or "")
        words = str(delta.get("content") or "")
        self._words.append(words)
        self._length += len(words) + len(json.dumps(delta))
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
            "tool_calls": [{"function": call} for _, call in sorted(self._calls.items())],
        }
        return {"choices": [{"finish_reason": self._finish, "message": message}], "usage": self._usage}
