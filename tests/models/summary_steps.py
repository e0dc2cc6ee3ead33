"""Steps of `summary`."""

from __future__ import annotations

from attrs import frozen

from fsmflow.runtime import Outcome


@frozen
class Source:
    """What is summed up."""

    text: str


@frozen
class Summary:
    """What it comes to, and how sure that is."""

    text: str
    confidence: float


def is_shorter(summary: Summary, text: str) -> list[str]:
    """Accept a summary that is shorter than its text."""
    return [] if len(summary.text) < len(text) else ["it is no shorter than the text"]


def first_sentence(text: str) -> Summary:
    """Sum up without a model."""
    return Summary(text.partition(".")[0], 0.0)


def draft_offline(text: str, why: str | None) -> Summary:
    """Sum up without a model."""
    return Summary(text[: len(text) // 2], 1.0)


def judge_offline(text: str, summary: Summary) -> Outcome:
    """Judge without a model."""
    faithful = text.startswith(summary.text)
    return Outcome("faithful" if faithful else "wrong", "It is a part of the text.")
