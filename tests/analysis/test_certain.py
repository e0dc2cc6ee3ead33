"""The machine as far as its author wrote it."""

from __future__ import annotations

import pytest

from tests.analysis.specs import analysed

STEP = "run: m:f, effect: none"


@pytest.mark.parametrize(
    ("state", "targets"),
    [
        (f"{STEP}, success: done, fallback: failed", {"done", "failed"}),
        (f"{STEP}, success: dnoe, fallback: failed", {"failed"}),
        (f"{STEP}, success: {{to: dnoe, times: 1, else: done}}, fallback: failed", {"done", "failed"}),
        (f"{STEP}, success: done", {"done"}),
        (f"{STEP}, retry: {{times: 1}}, success: done, fallback: faled", {"done", "a"}),
        (f"{STEP}, retry: {{times: 1, else: dnoe}}, success: done, fallback: done", {"done", "a"}),
        ("choose: [{when: input.ok, to: dnoe}, {to: failed}]", {"failed"}),
    ],
)
def test_a_way_that_nobody_wrote_is_none_of_it(state: str, targets: set[str]) -> None:
    """What is written as it should be stays, and nothing stands in the place of the rest."""
    found = analysed(
        f"workflow: sample\nstates:\n  a: {{{state}}}\n  done: {{end: success}}\n  failed: {{end: failed}}\n"
    ).certain

    assert {way.target for way in found.transitions} == targets
    assert found.states.keys() == {"a", "done", "failed"}
