"""How an answer came to its end: endpoints have words of their own for why, and not all of them bring one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fsmflow.runtime.model import Model
from fsmflow.runtime.models.refusals import refusal
from fsmflow.runtime.models.streaming import words_of
from fsmflow.runtime.models.thoughts import without_thoughts
from fsmflow.runtime.outcomes import Invalid, Permanent, Transient

_ENDED = frozenset({"stop", "eos", "eos_token", "stop_sequence", "end_turn"})
_CALLED = frozenset({"tool_calls", "function_call", "tool_use"})
_CUT = frozenset({"length", "max_tokens"})
_FILTERED = frozenset(
    {"content_filter", "safety", "recitation", "blocklist", "prohibited_content", "spii", "sensitive"}
)
_BROKEN = frozenset({"error", "abort", "insufficient_system_resource"})


def message_of(reply: Mapping[str, Any], model: Model) -> dict[str, Any]:
    """Give the message of an answer that was brought to its end.

    Raises:
        Transient: There is no answer at all, or the endpoint failed in the middle of it.
        Invalid: It was not brought to its end.
        Permanent: The model refused, or a filter did.
    """
    choices = reply.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        raise Transient("the endpoint's reply holds no answer")
    found, finish = choice.get("message"), choice.get("finish_reason")
    message: dict[str, Any] = found if isinstance(found, dict) else {}
    # Some name a kind after it.
    why = finish.partition(":")[0].strip().lower() if isinstance(finish, str) else None
    if why in _BROKEN:
        how = "the endpoint failed in the middle of the answer"
        raise refusal(how, choice["error"]) if choice.get("error") else Transient(_with(how, finish))
    if why in _FILTERED:
        raise Permanent(_with("a content filter stopped the answer", finish))
    if why == "refusal" or message.get("refusal"):
        raise Permanent("the model refused to answer")
    if why in _CUT:
        raise Invalid(_cut(message, model.max_tokens))
    if why == "model_length":
        raise Invalid("the answer was cut short where the model had no more room; be briefer")
    if not message:
        raise Transient("the endpoint's reply holds no answer")
    if why not in _ENDED and not (model.tools and why in _CALLED):
        raise Invalid(f"the answer did not come to its end: {finish!r:.80}")
    return message


def content_of(message: Mapping[str, Any]) -> str:
    """Give the words of an answer, without the thoughts before it.

    Raises:
        Invalid: There are none.
    """
    content = _answer(message)
    if not content.strip():
        is_thought = message.get("reasoning_content") or message.get("reasoning")
        raise Invalid("the answer is empty" + (": there are thoughts alone" if is_thought else ""))
    return content


def _answer(message: Mapping[str, Any]) -> str:
    return without_thoughts(words_of(message.get("content")))


def _cut(message: Mapping[str, Any], most: int) -> str:
    if message.get("tool_calls") or _answer(message).strip():
        return f"the answer was cut short at {most:,} tokens; be briefer"
    return f"all of the {most:,} tokens of `max_tokens` went into thoughts: think less, or raise it"


def _with(how: str, finish: Any) -> str:
    """Add the endpoint's own word for it, if it says more."""
    return how if finish in ("error", "content_filter") else f"{how}: {finish!s:.80}"
