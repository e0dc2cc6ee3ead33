"""Judge how well a piece of documentation fits a question, by signals that BM25 does not use."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from ask_docs.words import content_words, split_identifiers, stem, stems


def fit(question: str, name: str, signature: str, doc: str, rarity: Mapping[str, float]) -> float:
    """Score how well the object `name` fits `question`, from 0 to 1.

    Three signals, weighed 5 : 4 : 2: how much of the question's meaning the whole documentation
    holds, each word weighed by its rarity; how many of the question's pairs of neighbouring words
    are neighbours in the docstring too; and how many are in its first paragraph. BM25 takes words
    one by one and rewards repetition; coverage and word order tell apart what it confuses.
    """
    summary = doc.partition("\n\n")[0]
    coverage = covered(question, f"{name} {signature} {doc}", rarity)
    return (5 * coverage + 4 * shared_phrases(question, doc) + 2 * shared_phrases(question, summary)) / 11


def covered(question: str, text: str, rarity: Mapping[str, float]) -> float:
    """Give the share of the meaning of `question` that `text` holds, from 0 to 1."""
    weights = {stem(word): rarity.get(word, 1.0) for word in content_words(question)}
    total = sum(weights.values())
    held = stems(text)
    return sum(weight for word, weight in weights.items() if word in held) / total if total else 0.0


def shared_phrases(question: str, text: str) -> float:
    """Give the share of neighbouring words of `question` that are neighbours in `text`, from 0 to 1."""
    asked = _pairs(question)
    return len(asked & _pairs(text)) / len(asked) if asked else 0.0


def _pairs(text: str) -> set[tuple[str, str]]:
    words = [stem(word) for word in split_identifiers(text)]
    return set(itertools.pairwise(words))
