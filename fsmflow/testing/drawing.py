"""Values drawn from strategies outside of a test: the same ones each time, and nothing kept of it."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st


def simplest(strategy: st.SearchStrategy[Any]) -> Any:
    """Give the simplest value of a strategy."""
    quiet = settings(
        database=None,
        phases=[Phase.generate],
        max_examples=50,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    return find(strategy, lambda _: True, settings=quiet)


def several(strategy: st.SearchStrategy[Any], most: int, seed: int) -> tuple[Any, ...]:
    """Give up to `most` values of a strategy, the same ones for the same seed."""
    found: list[Any] = []
    quiet = settings(
        database=None,
        phases=[Phase.generate],
        max_examples=most,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )

    def collect(value: Any) -> None:
        found.append(value)

    seeded(seed)(quiet(given(strategy)(collect)))()
    return tuple(found)
