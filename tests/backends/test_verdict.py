"""What a diagram's header says of the proof."""

from __future__ import annotations

import pytest

from fsmflow.analysis.proof import prove
from fsmflow.backends.verdict import verdict, worst_case
from tests.backends.drawn_machines import compiled

STATES = """
states:
  ask: {run: m:f, effect: none, timeout: 2s, cost: {tokens: 5}, success: {good: done, poor: %s}, fallback: no}
  done: {end: success}
  no: {end: failed}
"""
CAPPED = STATES % "{to: ask, times: 2, else: no}"
ENDLESS = STATES % "ask"


@pytest.mark.parametrize(
    ("budget", "states", "worst", "kind", "text"),
    [
        ("", CAPPED, "6 s · 3 steps · 15 tokens", "within", "every run ends"),
        ("budget: {tokens: 15}", CAPPED, "6 s · 3 steps · 15 tokens", "within", "within budget"),
        (
            "budget: {tokens: 14, time: 1min}",
            CAPPED,
            "6 s · 3 steps · 14 tokens",
            "stopped",
            "stopped by the budget; without it 15 tokens",
        ),
        (
            "budget: {tokens: 14, time: 6s}",
            CAPPED,
            "6 s · 3 steps · 14 tokens",
            "stopped",
            "stopped by the budget; without it 15 tokens",
        ),
        (
            "budget: {time: 6s}",
            CAPPED,
            "6 s · 3 steps · 15 tokens",
            "stopped",
            "may be stopped by the budget",
        ),
        ("budget: {steps: 7}", ENDLESS, "14 s · 7 steps · 35 tokens", "stopped", "ends by its budget only"),
        ("", ENDLESS, None, "endless", "does not end"),
    ],
)
def test_the_worst_case_is_judged(budget: str, states: str, worst: str, kind: str, text: str) -> None:
    """It says what a run can use, whether the budget is what stops it, and what it would use without."""
    proof = prove(compiled(f"fsmflow: 1\nworkflow: w\n{budget}\n{states}"))

    assert worst_case(proof) == worst
    assert (verdict(proof).kind, verdict(proof).text) == (kind, text)
