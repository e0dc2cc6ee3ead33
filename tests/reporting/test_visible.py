"""Text that a terminal shows as it is."""

from __future__ import annotations

import pytest

from fsmflow.cli.results import clean
from fsmflow.reporting.visible import visible, width


@pytest.mark.parametrize(
    ("text", "shown", "columns"),
    [
        ("می\u200cخواهم", "می\u200cخواهم", 7),
        ("a\u200cb", "a\\u200cb", 8),
        ("می\u200c", "می\\u200c", 8),
        ("क्\u200dष", "क्\u200dष", 2),
        ("\u202eab", "\\u202eab", 8),
    ],
)
def test_a_joiner_is_shown_where_it_belongs(text, shown, columns):
    """It says how the letters around it are written; elsewhere it hides, and is told apart."""
    assert (visible(text), width(visible(text))) == (shown, columns)
    assert (clean(text) == text) is (shown == text)
