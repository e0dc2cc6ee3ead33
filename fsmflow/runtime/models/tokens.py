"""How many tokens a text has at the most, told without asking anyone.

A token is never less than a byte, so a text's bytes bound its tokens, whatever the model. Where
tiktoken is installed and already holds the model's own encoding, the count is exact.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

PER_MESSAGE = 8
"""What a message takes besides its text: its role, and the marks around it."""


def most_tokens(model: str, text: str) -> int:
    """Give a bound on the tokens of `text`, as `model` counts them."""
    return _counter(model)(text)


@lru_cache(maxsize=64)
def _counter(model: str) -> Callable[[str], int]:
    """Choose how tokens are counted for `model`."""
    try:
        import tiktoken

        name = tiktoken.encoding_name_for_model(model)
        # It would fetch an encoding that it does not hold, and an attempt makes one call alone.
        if not _is_held(name):
            return _bytes
        encoding = tiktoken.get_encoding(name)
    except Exception:  # noqa: BLE001 - without a count there is still a bound
        return _bytes
    return lambda text: len(encoding.encode(text, disallowed_special=()))


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "backslashreplace"))


def _is_held(encoding: str) -> bool:
    """Tell whether tiktoken has an encoding in its cache, by the address that it names it after."""
    folder = os.environ.get("TIKTOKEN_CACHE_DIR") or os.environ.get("DATA_GYM_CACHE_DIR")
    cache = Path(folder) if folder else Path(tempfile.gettempdir()) / "data-gym-cache"
    address = f"https://openaipublic.blob.core.windows.net/encodings/{encoding}.tiktoken"
    return (cache / hashlib.sha1(address.encode(), usedforsecurity=False).hexdigest()).is_file()
