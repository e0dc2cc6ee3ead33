"""What stands in the environment that is secret: keys, tokens and passwords, by the names of variables."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

_NAMED = re.compile(r"(^|_)(API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$")
_SHORTEST = 8

_read: tuple[Mapping[Any, Any], tuple[str, ...]] = ({}, ())
"""The environment that was looked at last, and what was found."""


def secrets() -> tuple[str, ...]:
    """Give what stands in variables named as keys, tokens and passwords are, and in a model's address.

    It is looked for again only once something has changed: every run that is told of asks for it, and there
    may be thousands of variables, as where each service of a cluster has some.
    """
    global _read
    # As the system has it: to decode thousands of variables takes longer than a run.
    now = getattr(os.environ, "_data", os.environ)
    if now != _read[0]:
        before = dict(now)
        _read = (before, tuple(value for value in _found() if len(value) >= _SHORTEST))
    return _read[1]


def _found() -> Iterator[str]:
    for name, value in os.environ.items():
        if _NAMED.search(name.upper()):
            yield value
    yield from _in_address(os.environ.get("OPENAI_BASE_URL", ""))


def _in_address(address: str) -> Iterator[str]:
    """Give the password in an address, and what stands behind it under the name of a key."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return
    if parts.password:
        yield parts.password
        yield unquote(parts.password)
    for name, value in parse_qsl(parts.query):
        if _NAMED.search(name.upper().replace("-", "_")):
            yield value
