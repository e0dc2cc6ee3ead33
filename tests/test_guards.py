"""What a guard means, held against Python's own comparisons."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsmflow.expressions import parse_guard
from fsmflow.semantics import holds


@pytest.mark.parametrize(
    ("guard", "holding", "not_holding"),
    [
        ("a > 1", [2, 1.5], [1, True, "2", None, [2]]),
        ("a <= 'b'", ["a", "b"], ["c", 1, None]),
        ("a == 1", [1, 1.0], [True, "1", None]),
        ("a != 1", [True, "1", None, 2], [1, 1.0]),
        ("a is None", [None], [0, "", False]),
        ("a", [True], [1, "x", [1], None, False]),
        ("not a", [1, "x", None, False], [True]),
        ("len(a) >= 2", ["ab", [1, 2], {"x": 1, "y": 2}], ["a", 2, None]),
        ("len(a) == 0", ["", [], 7, None], ["a"]),
        ("a in [1, 'x', None]", [1, 1.0, "x", None], [True, "y", 2]),
        ("a not in [True]", [1, None], [True]),
        ("0 < a < 3", [1, 2.5], [0, 3, True, "1"]),
        ("a.b == 1 or a.c", [{"b": 1}, {"c": True}], [{"c": 1}, {}, None, "b"]),
    ],
)
def test_a_guard_is_total(guard, holding, not_holding):
    """A guard holds or not, whatever the value is: unlike things are in no order, a truth is no number."""
    parsed = parse_guard(guard)

    assert [value for value in holding if not holds(parsed, {"a": value})] == []
    assert [value for value in not_holding if holds(parsed, {"a": value})] == []


numbers = st.integers(-3, 3)


@settings(max_examples=200)
@given(numbers, numbers, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), st.sampled_from(["and", "or"]))
def test_a_guard_over_numbers_is_pythons_own(a, b, sign, word):
    """Where Python's comparison is total too, a guard means what it means in Python."""
    text = f"a {sign} b {word} not (a in [1, 2] {word} -1 {sign} b)"

    assert holds(parse_guard(text), {"a": a, "b": b}) is eval(text, {"a": a, "b": b})
