"""What the cap on an answer is called where a model is asked.

The protocol began with `max_tokens`. OpenAI has since named it `max_completion_tokens`, and its newer models
refuse the old name; endpoints of others may know the old one alone, and some pass over what they don't know,
which would leave answers without a cap.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fsmflow.runtime.models.endpoint import host_of

OLD, NEW = "max_tokens", "max_completion_tokens"

_NEW_AT = ("api.openai.com", "openai.azure.com")
"""Where all models know the new name, also on hosts below these."""

_learned: dict[tuple[str, str], str] = {}
"""What the cap is called elsewhere, by address and model, as far as an endpoint has said so."""


def cap_name(place: str, model: str) -> str:
    """Give what the cap is called at an address, for a model."""
    learned = _learned.get((place, model))
    if learned is not None:
        return learned
    host = host_of(place)
    return NEW if any(host == own or host.endswith(f".{own}") for own in _NEW_AT) else OLD


_UNKNOWN = re.compile(
    r"unsupported|not supported|unrecogni[sz]ed|unknown|unexpected|extra|not (permitted|allowed)",
    re.IGNORECASE,
)


def learn_cap_name(error: BaseException, request: Mapping[str, Any], place: str) -> str | None:
    """Learn from a refusal that the cap goes by its other name, and give that; None if it says no such thing.

    It is learned once: an endpoint that refuses both names is not believed.

    Args:
        error: The refusal.
        request: The request as it was sent.
        place: The address.
    """
    said, model = str(error), request["model"]
    is_told = NEW in said and _UNKNOWN.search(said) is not None
    if getattr(error, "status_code", None) not in (400, 422) or not is_told:
        return None
    other = OLD if NEW in request else NEW
    if cap_name(place, model) == other:
        # Another attempt has learned it meanwhile.
        return other
    if (place, model) in _learned:
        return None
    _learned[place, model] = other
    return other
