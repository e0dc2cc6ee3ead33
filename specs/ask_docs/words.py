"""Turn text into the words that carry its meaning."""

from __future__ import annotations

import re

# Words that nearly every question and docstring holds, in English and in the jargon of docstrings.
STOP_WORDS = frozenset(
    re.findall(
        r"[a-z]+",
        """
    a about all also an and any are as at be because been being both but by call called calling
    calls can could did do does doing done e each either else eg etc for from g get gets getting
    give gives given had has have having how i ie if in into is it its itself just let like may me
    might more most must my need needs no nor not of off on once one only or other our out over own
    please python same see shall should so some such than that the their them then there these they
    thing things this those through to too under up upon us use used user uses using very via want
    was way we were what when where whether which while who whose why will with within without would
    you your function method class object instance return returns returned returning argument
    arguments parameter parameters value values default optional none true false self
        """,
    )
)

_WORD = re.compile(r"[a-z]+|[0-9]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_ENDINGS = (
    ("ational", "ate"), ("ization", "ize"), ("isation", "ize"), ("fulness", ""), ("iveness", "ive"),
    ("ations", "ate"), ("ation", "ate"), ("ators", "ate"), ("ator", "ate"), ("ating", "ate"), ("ated", "ate"),
    ("ates", "ate"), ("ically", "ic"), ("ments", "ment"), ("ising", "ize"), ("ise", "ize"), ("izing", "ize"),
    ("ized", "ize"), ("izes", "ize"), ("nesses", ""), ("ness", ""), ("ings", ""), ("ing", ""), ("ies", "y"),
    ("ied", "y"), ("sses", "ss"), ("ions", ""), ("ion", ""), ("ers", ""), ("ors", ""), ("ed", ""), ("er", ""),
    ("or", ""), ("ally", "al"), ("ly", ""), ("es", ""), ("s", ""),
)  # fmt: skip


def split_identifiers(text: str) -> list[str]:
    """Give the words of `text` in lower case, with `snake_case`, `CamelCase` and dotted names taken apart."""
    return _WORD.findall(_HUMP.sub(" ", text).lower())


def content_words(text: str) -> list[str]:
    """Give the words of `text` that are worth searching for, each once, in order."""
    found = dict.fromkeys(split_identifiers(text))
    return [word for word in found if word not in STOP_WORDS and (len(word) > 1 or word.isdigit())]


def stem(word: str) -> str:
    """Cut `word` down to what its forms share, as in `sorted` and `sorting`.

    A light suffix stripper after Lovins (1968): the longest ending that leaves three letters goes, then a
    doubled last consonant and a last `e`.
    """
    for ending, replacement in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word[: len(word) - len(ending)] + replacement
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


def stems(text: str) -> frozenset[str]:
    """Give the stems of the content words of `text`."""
    return frozenset(stem(word) for word in content_words(text))


def sentences(text: str) -> list[str]:
    """Cut prose into sentences; line breaks inside a paragraph are spaces."""
    found = []
    for paragraph in re.split(r"\n\s*\n", text):
        flat = " ".join(paragraph.split())
        found += [part for part in re.split(r"(?<=[.!?])\s+(?=[A-Z`'\"(])", flat) if part]
    return found
