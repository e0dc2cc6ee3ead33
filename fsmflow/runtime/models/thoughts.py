"""Thoughts that stand in the words of an answer, before it: some endpoints do not part the two."""

from __future__ import annotations

import re

_OPENED = re.compile(r"\s*<think>.*?(</think>|\Z)", re.DOTALL)


def without_thoughts(words: str) -> str:
    """Give the words of an answer without the thoughts that they begin with; nothing if these never end."""
    thoughts = _OPENED.match(words)
    return words if thoughts is None else words[thoughts.end() :]


def after_thoughts(words: str) -> str:
    """Give what follows thoughts that are closed but were never opened: the prompt had opened them.

    It is a guess, and so only for words that are held to a form afterwards.
    """
    thoughts, closed, rest = words.partition("</think>")
    return rest if closed and "<think>" not in thoughts else words
