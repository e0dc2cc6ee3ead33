"""Long runs in few words."""

from __future__ import annotations

import pytest

from fsmflow.reporting.folded import MOST_PIECES, folded


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("", ""),
        ("a", "a"),
        ("aab", "a×2 → b"),
        ("abab", "(a → b)×2"),
        ("aabaabc", "(a×2 → b)×2 → c"),
        ("abcabd", "a → b → c → a → b → d"),
        ("ababcababcd", "((a → b)×2 → c)×2 → d"),
    ],
)
def test_what_repeats_is_told_once(names: str, words: str) -> None:
    """Neighbours and blocks that come again are told with how often."""
    assert folded(names) == words


def test_a_run_that_does_not_repeat_is_cut() -> None:
    """Of a long run without repetition its beginning and its end are told."""
    words = folded(f"s{number}" for number in range(1000))

    assert words.startswith("s0 → s1")
    assert words.endswith("s999")
    assert f"({1000 - MOST_PIECES:,} more)" in words


def test_counts_have_separators() -> None:
    """A hundred thousand turns are told as such."""
    assert folded("ab" * 100_000) == "(a → b)×100,000"
