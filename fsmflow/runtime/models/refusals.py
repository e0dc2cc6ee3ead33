"""What an error in the place of an answer means: whom the endpoint blames for it, and so if it may pass."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from fsmflow.runtime.outcomes import (
    TRANSIENT_STATUSES,
    Invalid,
    Permanent,
    StepError,
    Transient,
    retry_after_us,
)

_QUOTA = "insufficient_quota"
_BLAMES = frozenset({"content_filter", "context_length_exceeded", "invalid_request_error"})
"""What an error says, as its code or its type, of a request that can't be answered as it is."""

_UNFIT = frozenset({"tool_use_failed", "json_validate_failed"})
"""What it says of an answer that the endpoint found unfit itself, and does not pass on."""

_WISH = re.compile(r'"retryDelay": "([0-9]{1,9}(\.[0-9]{1,9})?)s"')


def error_in(reply: Mapping[str, Any]) -> Any:
    """Give the error in a reply, or in a part of one; nothing if it is none."""
    return reply.get("error") or (reply if reply.get("object") == "error" else None)


def refusal(how: str, error: Any) -> StepError:
    """Say what an error means that comes under a status of success.

    Args:
        how: What came of it.
        error: The error.
    """
    said = _said(error)
    message = f"{how}: {json.dumps(error)[:200]}"
    if not _UNFIT.isdisjoint(said):
        return _unfit(error)
    status = next((int(each) for each in said if re.fullmatch("4[0-9]{2}", each)), None)
    is_final = not _BLAMES.isdisjoint(said) if status is None else status not in TRANSIENT_STATUSES
    return Permanent(message) if is_final or _QUOTA in said else Transient(message)


def look_into(error: Exception) -> None:
    """Have an error of the client say all that the endpoint said: the client tells of a message alone.

    Raises:
        Invalid: It blames the answer.
        Permanent: It will not pass, though its status says so, or there is no endpoint.
        Transient: It says how long to wait, in its body.
    """
    body, status = getattr(error, "body", None), getattr(error, "status_code", None)
    if status is None:
        return
    said, message = _said(body), body.get("message") if isinstance(body, dict) else None
    if not _UNFIT.isdisjoint(said):
        raise _unfit(body) from None
    if 300 <= status < 400:
        elsewhere = f"OPENAI_BASE_URL leads elsewhere ({status}), and nobody follows"
        raise Permanent(f"{elsewhere}: name the address that it leads to") from None
    if status == 404 and (isinstance(body, str) or body == {"detail": "Not Found"}):
        # A server knows nothing of what was asked: one that has no such model says so in its own words.
        where = f"no model can be asked at this address ({status})"
        raise Permanent(f"{where}: OPENAI_BASE_URL ends in /v1 at most endpoints") from None
    if body and (not isinstance(message, str) or "metadata" in body):
        error.args = (f"Error code: {status} - {body if isinstance(body, str) else json.dumps(body)}"[:400],)
    if _QUOTA in said:
        # It is no limit on how often one asks.
        raise Permanent(str(error)) from None
    wish = _WISH.search(json.dumps(body)) if status == 429 and retry_after_us(error) is None else None
    if wish is not None:
        raise Transient(str(error), retry_after=float(wish[1])) from None


def _said(error: Any) -> list[str]:
    """Give what an error says of its kind."""
    kinds = ("code", "type", "status", "status_code")
    found = [error.get(kind) for kind in kinds] if isinstance(error, dict) else [error]
    return [str(each) for each in found if isinstance(each, str | int)]


def _unfit(error: Any) -> Invalid:
    held = error if isinstance(error, dict) else {}
    why = held.get("failed_generation") or held.get("message") or error
    return Invalid(f"the endpoint could not read the answer, {held.get('code')}: {why}"[:500])
