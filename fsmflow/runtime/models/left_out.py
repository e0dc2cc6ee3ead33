"""What a request does without where an endpoint refuses it: an answer can be had all the same.

Some endpoints say by themselves what a stream has used, and refuse to be asked; some models think first,
and can't be made to call a tool; and some are held to no schema, or not to this one. Of the tools, and of
the schema, they are told all the same, and their answers are held to both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fsmflow.runtime.models.endpoint import host_of

_DISPENSABLE = {
    "stream_options": re.compile("stream_options"),
    "tool_choice": re.compile("tool_choice"),
    "response_format": re.compile("response[ _](format|schema)|json_schema", re.IGNORECASE),
}
"""What can be done without, and how refusals speak of it."""

_REFUSED_AT = {("api.mistral.ai", "stream_options")}

_refused: set[tuple[str, str, str]] = set()
"""What is refused elsewhere, by address and model, as far as an endpoint has said so."""


def without_refused(request: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Give a request as an address takes it."""
    host = host_of(place)
    return {
        name: value
        for name, value in request.items()
        if (host, name) not in _REFUSED_AT and (place, request["model"], name) not in _refused
    }


def learn_refused(error: BaseException, request: Mapping[str, Any], place: str) -> str | None:
    """Learn from a refusal what an endpoint does without, and give that; None if it says no such thing.

    Args:
        error: The refusal.
        request: The request as it was sent.
        place: The address.
    """
    if getattr(error, "status_code", None) not in (400, 422):
        return None
    said = f"{error} {getattr(error, 'param', None)}"
    for name, spoken in _DISPENSABLE.items():
        if name in request and spoken.search(said):
            _refused.add((place, request["model"], name))
            return name
    return None
