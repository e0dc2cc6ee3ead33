"""Values of classes that refuse nearly all that Hypothesis makes up: looked for once, then drawn from."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.errors import HypothesisException, ResolutionFailed, Unsatisfiable

from fsmflow.testing.drawing import several

FIRST = 20
"""How many values are tried to see whether a class is picky, and lets less than a quarter of them pass."""

BATCH, BATCHES, ENOUGH = 200, 5, 10
"""How many values of a picky class are tried at a time, how often at most, and how many have to pass."""


def let_pass(kind: Any, strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Give `strategy`, or of a picky class the values of it that were found to pass.

    An example in which a class refuses what it is made of is lost, and most would be.
    """
    if kind not in _FOUND:
        _FOUND[kind] = _found(strategy)
    return st.sampled_from(_FOUND[kind]) if _FOUND[kind] else strategy


_FOUND: dict[Any, tuple[Any, ...]] = {}


def _found(strategy: st.SearchStrategy[Any]) -> tuple[Any, ...]:
    """Give values of a picky class, the shortest first; none for a class that is not picky."""
    passed: dict[str, Any] = {}
    try:
        first = several(_tried(strategy), FIRST, 0)
        if 4 * sum(map(len, first)) >= len(first):
            return ()
        for seed in range(BATCHES):
            passed |= {repr(value): value for one in several(_tried(strategy), BATCH, seed) for value in one}
            if len(passed) >= ENOUGH:
                break
    except Unsatisfiable:
        return ()
    return tuple(passed[text] for text in sorted(passed, key=lambda text: (len(text), text)))


@st.composite
def _tried(draw: st.DrawFn, strategy: st.SearchStrategy[Any]) -> tuple[Any, ...]:
    """Draw a value in a tuple of one; an empty one if the class refuses it."""
    try:
        return (draw(strategy),)
    except ResolutionFailed:
        return ()
    except HypothesisException:
        raise
    except Exception:  # noqa: BLE001 - a class's own validators may raise anything
        return ()
