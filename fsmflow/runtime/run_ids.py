"""What a run's id may be: a name that stays in its place in a line, in a table and in a command."""

from __future__ import annotations

import os
import re

LONGEST = 200

_ID = re.compile(f"[A-Za-z0-9][A-Za-z0-9._:/@+=-]{{0,{LONGEST - 1}}}")

ALLOWED = f"1 to {LONGEST} ASCII letters, digits and . _ : / @ + = -, the first a letter or digit"


def id_of(chosen: str | None) -> str:
    """Give the id of a run that is to be: the one that was chosen, or a random one.

    Raises:
        ValueError: It can't be one; the message says what it takes.
    """
    if chosen is None:
        return os.urandom(16).hex()
    if not isinstance(chosen, str) or _ID.fullmatch(chosen) is None:
        raise ValueError(f"{chosen!r:.60} can't be a run's id: it takes {ALLOWED}")
    return chosen
