"""Dead arms: no value takes one, and the ones that a reader would see are found."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from fsmflow.analysis.guards import dead_arms
from fsmflow.expressions import Always, parse_guard
from fsmflow.semantics import holds

_OPERANDS = st.sampled_from(["a", "b.x", "len(a)"])
_LITERALS = st.sampled_from(["0", "1", "2", "1.5", "'p'", "'q'", "''", "True", "None"])
_ATOMS = st.one_of(
    st.tuples(
        _OPERANDS, st.sampled_from(["<", "<=", "==", "!=", ">", ">="]), st.one_of(_LITERALS, _OPERANDS)
    ),
    st.tuples(
        _OPERANDS, st.sampled_from(["in", "not in"]), st.sampled_from(["[1, 'p']", "[None]", "[0, 2]"])
    ),
    st.tuples(st.sampled_from(["a", "b.x", "not a", "True", "False"]), st.just(""), st.just("")),
).map(" ".join)
_GUARDS = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda p: f"({p[0]}) {p[1]} ({p[2]})"),
        inner.map(lambda guard: f"not ({guard})"),
    ),
    max_leaves=3,
).map(parse_guard)
_VALUES = st.sampled_from(
    [
        None,
        True,
        False,
        -1,
        0,
        1,
        1.2,
        1.5,
        2,
        3,
        "",
        "a",
        "p",
        "pp",
        "q",
        "z",
        [],
        [1],
        [1, 2],
        {},
        "missing",
    ]
)


@settings(max_examples=500, deadline=None)
@given(st.lists(_GUARDS, min_size=1, max_size=4), st.lists(st.tuples(_VALUES, _VALUES), max_size=30))
def test_no_value_takes_a_dead_arm(arms, trials):
    """Whatever the values are, the first arm that holds is not one that was found dead."""
    dead = {index for _, index, _ in dead_arms({"s": arms})}

    for a, b in trials:
        values = {"a": a, "b": {"x": b}} if a != "missing" else {}
        taken = next((index for index, guard in enumerate(arms) if holds(guard, values)), None)
        assert taken not in dead


def test_two_arms_that_cover_a_third():
    """An arm is dead if the arms before it cover it together, though none does alone."""
    arms = [parse_guard(text) for text in ("a < 2", "a >= 2", "a == 7", "a == 'x'")]

    assert [index for _, index, _ in dead_arms({"s": arms})] == [2]


def test_many_arms_are_cheap():
    """Ten thousand arms take no more than a bounded amount of work, and a plain repetition is still found."""
    arms = [parse_guard(f"a > {i} and b < {i} and c == 'x{i}'") for i in range(3_000)]

    assert [index for _, index, _ in dead_arms({"s": [*arms, arms[5], Always(True)]})] == [3_000]
