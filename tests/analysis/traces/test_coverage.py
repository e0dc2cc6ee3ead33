"""Which transitions a run can take at all."""

import pytest

from fsmflow.analysis.traces.coverage import can_be_taken
from tests.sample import machine

ENDS = "done: {end: success}\nlost: {end: failed}"


def exceeding(first, budget="{steps: 9, time: 10s}", **more):
    """Give whether the first state's budget can be exceeded there."""
    lowered = machine(f"a: {first}\n{ENDS}", budget=budget, **more)
    (way,) = lowered.ways("a", "exceeded")
    return can_be_taken(lowered, way)


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("{run: m:f, timeout: 2s, success: done, fallback: lost}", False),
        ("{run: m:f, timeout: 10s, success: done, fallback: lost}", False),
        ("{run: m:f, timeout: 11s, success: done, fallback: lost}", True),
        ("{run: m:f, timeout: 2s, success: done, retry: {times: 1}, fallback: lost}", True),
        ("{run: m:f, timeout: 2s, success: done, invalid: {times: 1}, fallback: lost}", True),
        ("{run: m:f, timeout: 2s, success: {x: {to: a, times: 2, else: lost}}, fallback: lost}", True),
    ],
)
def test_the_only_first_attempt_of_a_run_wants_for_nothing(first, expected):
    """A state that begins the run, once, exceeds no budget unless the run's own time cuts it off."""
    assert exceeding(first) is expected


def test_a_first_attempt_above_its_cap_is_refused():
    """A budget with no room even for the first attempt is exceeded by it."""
    assert exceeding(
        "{run: m:f, timeout: 2s, cost: {tokens: 5}, success: done, fallback: lost}", "{tokens: 4}"
    )
