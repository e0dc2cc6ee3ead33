"""Where models are asked: whom the environment names, and the client of one call."""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from fsmflow.runtime.models.bounded import PLAIN, bounded, library_of
from fsmflow.runtime.outcomes import Permanent, describe


class Endpoint(NamedTuple):
    """Whom the environment names.

    Attributes:
        key: The key; empty if there is none.
        place: The base address; empty for OpenAI's own.
        model: Which model is asked in the place of any other; empty for the one that a spec names.
    """

    key: str
    place: str
    model: str


def endpoint() -> Endpoint:
    """Read `OPENAI_API_KEY`, `OPENAI_BASE_URL` and `OPENAI_MODEL`."""
    return Endpoint(*map(_said, ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL")))


def _said(name: str) -> str:
    """Give what the environment says, but for blanks around it: what was read from a file ends in a line."""
    return os.environ.get(name, "").strip()


def host_of(place: str) -> str:
    """Name the host at an address: OpenAI's own for an empty one, and nothing for one that is none."""
    try:
        return (urlsplit(place).hostname or "") if place else "api.openai.com"
    except ValueError:
        return ""


@cache
def _trusted(library: str, *_: str | None) -> Any:
    """Give whom an HTTP client trusts: to read that takes longer than all else that is done for a call."""
    return import_module(library).create_ssl_context()


def client(*, is_timed: bool) -> Any:
    """Make the client of one call.

    Args:
        is_timed: Whether the runtime cuts the call off; the client's own timeout would come too early then.

    Raises:
        Permanent: There is none, none can be made, or nobody has said whom to call.
    """
    key, place, _ = endpoint()
    if not key and not place:
        raise Permanent("no endpoint is set up: set OPENAI_API_KEY, or OPENAI_BASE_URL for one without")
    if place and not place.lower().startswith(("http://", "https://")):
        # It is not shown, since it may hold a password.
        raise Permanent("OPENAI_BASE_URL is no address: it has to begin with http:// or https://")
    address, _, query = place.partition("?")
    if address.rstrip("/").endswith("/chat/completions"):
        raise Permanent("OPENAI_BASE_URL goes too far: leave out /chat/completions")
    if not (key.isascii() and key.isprintable()):
        raise Permanent("OPENAI_API_KEY is no key: no request can carry what stands in it")
    try:
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient
    except ImportError:
        raise Permanent("to ask a model takes the openai client: pip install 'fsmflow[llm]'") from None
    options: dict[str, Any] = {"timeout": None} if is_timed else {}
    library = library_of(DefaultAsyncHttpxClient)
    try:
        trusted = _trusted(library, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        return AsyncOpenAI(
            api_key=key or "none",
            base_url=address or None,
            # The client would put the path of a call behind it.
            default_query=dict(parse_qsl(query, keep_blank_values=True)),
            max_retries=0,
            http_client=DefaultAsyncHttpxClient(
                follow_redirects=False,
                verify=trusted,
                event_hooks={"response": [bounded(library)]},
                **options,
            ),
            default_headers=PLAIN,
            **options,
        )
    except Exception as error:  # noqa: BLE001 - whatever it is that it can't do with what the environment says
        raise Permanent(f"no client can be made: {describe(error)}") from None
