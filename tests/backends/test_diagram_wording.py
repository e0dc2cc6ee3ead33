"""How amounts are worded."""

from __future__ import annotations

import pytest

from fsmflow.backends._arial import estimate, width
from fsmflow.backends._wording import count, duration, lines, money, pause, plain
from fsmflow.machine import Backoff


@pytest.mark.parametrize(
    ("microseconds", "words"),
    [
        (0, "0 s"),
        (7, "7 µs"),
        (1_500, "1.5 ms"),
        (200_000, "200 ms"),
        (1_500_000, "1.5 s"),
        (90_000_000, "90 s"),
        (120_000_000, "2 min"),
        (5_400_000_000, "90 min"),
        (3_600_000_000, "1 h"),
        (604_800_000_000, "7 d"),
    ],
)
def test_duration(microseconds: int, words: str) -> None:
    """A duration is worded in the largest unit that fits it."""
    assert duration(microseconds) == words


@pytest.mark.parametrize(
    ("micro_usd", "words"),
    [(0, "$0.00"), (18_000, "$0.018"), (200_000, "$0.20"), (1, "$0.000001"), (1_234_000_000, "$1,234.00")],
)
def test_money(micro_usd: int, words: str) -> None:
    """Money is worded to the last micro-dollar, with two decimals at least."""
    assert money(micro_usd) == words


@pytest.mark.parametrize(
    ("backoff", "times", "words"),
    [
        (Backoff(200_000, 2.0, 5_000_000, "full", True), 3, "200–800 ms"),
        (Backoff(500_000, 2.0, 8_000_000, "full", True), 9, "0.5–8 s"),
        (Backoff(1_000_000, 1.0, 60_000_000, "none", True), 10**9, "1 s"),
        (Backoff(1_000_000, 10.0, 3_600_000_000, "none", True), 10**9, "1 s–1 h"),
        (Backoff(9_000_000, 2.0, 1_000_000, "none", True), 3, "1 s"),
    ],
)
def test_pause(backoff: Backoff, times: int, words: str) -> None:
    """Pauses are worded from the first to the longest that the cap lets them grow to."""
    assert pause(backoff, times) == words


def test_count_knows_one_from_many() -> None:
    """One thing is singular."""
    assert [count(n, "step") for n in (0, 1, 1500)] == ["0 steps", "1 step", "1,500 steps"]


def test_plain_marks_what_it_cuts() -> None:
    """A text over the limit ends in an ellipsis and keeps to it."""
    assert plain("abcdef", 6) == "abcdef"
    assert plain("abcdefg", 6) == "abcde…"


def test_plain_keeps_joiners_where_they_belong() -> None:
    """A joiner that a word or an emoji needs is drawn; one that only hides is not."""
    assert plain("\u0645\u06cc\u200c\u062f\u0647\u062f", 9) == "\u0645\u06cc\u200c\u062f\u0647\u062f"
    assert plain("\U0001f469\u200d\U0001f4bb", 9) == "\U0001f469\u200d\U0001f4bb"
    assert plain("a\u200cb\u200d", 9) == "ab"


def test_lines_fill_up() -> None:
    """Parts share a line as long as there is room."""
    assert lines(("aaaa", "bb", "cccc"), 9) == ("aaaa · bb", "cccc")


def test_width_is_that_of_arial() -> None:
    """Widths are Arial's; an engine without fonts takes a character past ASCII for a space a byte."""
    assert width("AVA", 2048) == 3 * 1366
    assert width("b", 2048, bold=True) == 1251
    assert estimate("≤", 2048) == 3 * 569
