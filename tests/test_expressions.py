"""References, templates and guards, as they are read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmflow.expressions import (
    Compare,
    Constant,
    DictTemplate,
    GuardError,
    Path,
    Reference,
    Value,
    parse_guard,
    parse_template,
)


@pytest.mark.parametrize("text", ["a == 1 # why", "a == '#' # why"])
def test_a_guard_holds_no_comment(text: str) -> None:
    """A comment in a guard is refused, where it begins."""
    with pytest.raises(GuardError, match="comment") as refused:
        parse_guard(text)

    assert text[refused.value.offset :] == "# why"


@pytest.mark.parametrize("text", ["(a == '#')", "  a == '#'  "])
def test_a_hash_in_quotes_is_no_comment(text: str) -> None:
    """A hash sign inside a string is a character like any other."""
    assert parse_guard(text) == Compare("==", Path("a"), Value("#"))


@pytest.mark.parametrize("number", [float("inf"), float("nan"), [float("-inf")]])
def test_numbers_are_finite(number: object) -> None:
    """A template holds no infinity, and nothing that is no number."""
    with pytest.raises(ValueError, match="no number"):
        parse_template(number)


def test_references_are_found_wherever_they_stand() -> None:
    """A string that starts with one dollar is a reference, with two a plain dollar."""
    found = parse_template({"a": "$x.y.or_null", "b": ["$$z"]})

    assert found == DictTemplate((("a", Reference("x", ("y",), True)), ("b", Constant(["$z"]))))


@given(st.text(max_size=80))
def test_any_text_is_a_guard_or_refused(text: str) -> None:
    """Reading a guard gives a guard or a `GuardError`, whatever the text."""
    refusal = ""
    try:
        guard = parse_guard(text)
    except GuardError as refused:
        guard, refusal = None, str(refused)

    assert (guard is None) == bool(refusal)
