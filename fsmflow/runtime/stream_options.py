"""Whether a stream is asked to end in what was used: some say it by themselves, and refuse to be asked."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from fsmflow.runtime.refusals import is_unknown

NAME = "stream_options"

_REFUSED_AT = ("api.mistral.ai",)

_refused: set[str] = set()
"""Where else it is refused, by address, as far as an endpoint has said so."""


def stream_options(place: str) -> dict[str, Any]:
    """Give what a stream from an address is asked for beside its answer."""
    if place in _refused or (place and urlsplit(place).hostname in _REFUSED_AT):
        return {}
    return {NAME: {"include_usage": True}}


def learn_refusal(error: BaseException, place: str) -> bool:
    """Learn from a refusal that an endpoint does not know of these options; tell whether it says so."""
    if not stream_options(place) or not is_unknown(error, NAME):
        return False
    _refused.add(place)
    return True
