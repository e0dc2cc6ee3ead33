"""The step of `find_sources`: search Python's library, or its language reference, by words.

The library is searched through the index of `ask_docs`; the reference is the topics that `help()` knows.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Literal

from ask_docs.index import NoIndex, open_index
from ask_docs.index import search as search_index
from ask_docs.words import split_identifiers, stems
from attrs import frozen

from fsmflow.runtime import Transient

Place = Literal["library", "language"]
_EACH = 4


@frozen
class Wanted:
    """What is looked for, and where."""

    questions: list[str]
    place: Place


@frozen
class Source:
    """A place in the documentation: the dotted name of an object, or the name of a topic."""

    name: str
    place: Place
    question: str = ""


def search(questions: list[str], place: Place, most: int) -> list[Source]:
    """Find up to `most` sources, the best of each question before the second best of any.

    Raises:
        Transient: The library can't be searched just now.
    """
    look = _in_library if place == "library" else _in_language
    return in_turn([Source(name, place, question) for name in look(question)] for question in questions)[
        :most
    ]


def in_turn(ranked: Iterable[list[Source]]) -> list[Source]:
    """Give the best of each list, then the second best of each, and so on; each source once."""
    found: dict[str, Source] = {}
    for row in itertools.zip_longest(*ranked):
        for source in row:
            if source is not None:
                found.setdefault(source.name, source)
    return list(found.values())


def _in_library(question: str) -> list[str]:
    try:
        with contextlib.closing(open_index()) as index:
            return [entry.name for entry in itertools.islice(search_index(index, question), _EACH)]
    except NoIndex as error:
        raise Transient(str(error)) from error


def _in_language(question: str) -> list[str]:
    """Rank the topics that open with most of what the question means; each word counts by its rarity.

    Of these come first the ones that are asked for by name, as in `the with statement`.
    """
    opening, rarity = _reference()
    # A word that no topic opens with tells most, and against all of them.
    weights = {word: rarity.get(word, max(rarity.values())) for word in stems(question)}
    scores = {name: sum(weights[word] for word in weights.keys() & held) for name, held in opening.items()}
    asked = split_identifiers(question)
    best = sorted(scores, key=lambda name: (name not in asked, -scores[name], name))
    return [name for name in best if scores[name] * 2 > sum(weights.values())][:_EACH]


@cache
def _reference() -> tuple[dict[str, frozenset[str]], dict[str, float]]:
    """Give the stems that each topic of the reference opens with, and how much each stem tells."""
    opening = {name: stems(f"{name} {text[:OPENING]}") for name, text in topics().items()}
    counts = Counter(word for held in opening.values() for word in held)
    return opening, {word: math.log(1 + len(opening) / count) for word, count in counts.items()}


OPENING = 600
"""How many characters of a topic say what it is about."""


@cache
def topics() -> dict[str, str]:
    """Give the topics of the language reference that come with Python, by name."""
    from pydoc_data.topics import topics as known

    return dict(known)
