"""Retries: their pauses, their admission, and the ways out of them."""

import pytest

from fsmflow.runtime import Backoff, Transient
from fsmflow.spec import Budget, Cost, Duration, End, Target
from fsmflow.testing.clock import SimulatedClock
from tests.runtime.workbench import outcomes, reask, retry, run, seconds, step


class Half:
    """A source of jitter that always draws one half."""

    def random(self):
        return 0.5


def pauses(result):
    """Give the lengths of a run's pauses."""
    return [span.elapsed_us for span in result.trace if span.outcome == "elapsed"]


def failing(times, wish=None):
    """Make a step that fails in passing `times` times."""
    left = [times]

    async def work():
        left[0] -= 1
        if left[0] >= 0:
            raise Transient("not yet", retry_after=wish)
        return "done"

    return work


def simulated(states, steps, **parts):
    """Run on a simulated clock, with jitter that draws one half."""
    return run(states, steps, options={"clock": SimulatedClock(), "random": Half()}, **parts)


def test_pauses_grow_up_to_their_cap():
    """Before the k-th retry the run pauses min(cap, backoff · factor^(k−1))."""
    state = step(retry=retry(5, backoff=seconds(1), factor=2, cap=seconds(5)))
    result = simulated({"work": state}, {"work": failing(5)})

    assert pauses(result) == [1_000_000, 2_000_000, 4_000_000, 5_000_000, 5_000_000]
    assert result.spent.time_us == 17_000_000


def test_full_jitter_draws_below_the_pause():
    """With full jitter the pause is the draw's share of its length."""
    state = step(retry=retry(3, backoff=seconds(1), factor=2, cap=seconds(3), jitter="full"))
    result = simulated({"work": state}, {"work": failing(3)})

    assert pauses(result) == [500_000, 1_000_000, 1_500_000]


def test_retry_after_is_a_floor():
    """A server's wish lengthens a pause and never shortens it."""
    for wish, pause in ((0.1, 1_000_000), (2, 2_000_000), (None, 1_000_000)):
        state = step(retry=retry(1, backoff=seconds(1), cap=seconds(5)))
        result = simulated({"work": state}, {"work": failing(1, wish)})

        assert [pause] == pauses(result)


def test_retry_after_can_be_ignored():
    """With `retry_after: false` the pause is the formula's, whatever a server wishes."""
    state = step(retry=retry(1, backoff=seconds(1), retry_after=False))

    assert pauses(simulated({"work": state}, {"work": failing(1, 10**6)})) == [1_000_000]


def test_a_wish_beyond_the_cap_takes_the_way_out_at_once():
    """A server that asks for more than the cap is not waited for."""
    state = step(retry=retry(3, cap=seconds(5), else_="other"))
    states = {"work": state, "other": End(end="degraded")}
    result = simulated(states, {"work": failing(9, 5.000001)})

    assert (result.end, result.spent.steps, pauses(result)) == ("other", 1, [])
    assert simulated(states, {"work": failing(1, 5)}).configuration.counts["work.retry"] == 1


def test_a_pause_that_does_not_fit_in_the_time_left_takes_the_way_out_at_once():
    """A pause that would use up the run's time is not begun."""
    states = {
        "work": step(timeout=seconds(1), retry=retry(1, backoff=seconds(10), else_="other")),
        "other": End(end="degraded"),
    }
    for time_us, end in ((10_000_000, "other"), (10_000_001, "done")):
        result = simulated(states, {"work": failing(1)}, budget=Budget(time=Duration(time_us)))

        assert end == result.end


def test_a_retry_is_admitted_before_its_pause():
    """A retry whose cost does not fit is not waited for: the run exceeds at once, and counts no retry."""
    state = step(cost=Cost(tokens=6), retry=retry(3, backoff=seconds(10)))
    result = simulated({"work": state}, {"work": failing(9)}, budget=Budget(tokens=11))

    assert (result.end, pauses(result)) == ("exceeded", [])
    assert result.configuration.counts == {}
    assert "tokens: 6 of 11 used" in result.error.message


def test_when_retries_are_used_up_the_way_out_is_the_fallback():
    """Three retries are four attempts; then the fallback is taken, and says why."""
    result = simulated({"work": step(retry=retry(3))}, {"work": failing(9)})

    assert (result.end, result.spent.steps) == ("failed", 4)
    assert result.error[:3] == ("work", "transient", "not yet")


def test_retries_count_per_visit():
    """A new visit may retry as often as the first."""
    again = Target(to="work", times=2, else_="failed")
    state = step(retry=retry(1), success={"again": again, "stop": "done"})
    plan = iter(["fail", "again", "fail", "again", "fail", "stop"])

    async def work():
        if (said := next(plan)) == "fail":
            raise Transient
        return said

    result = simulated({"work": state}, {"work": work})

    assert (result.end, result.spent.steps, result.configuration.visits["work"]) == ("done", 6, 3)


def test_retries_can_count_per_run():
    """With `per: run` the retries of all visits are counted together."""
    again = Target(to="work", times=2, else_="failed")
    state = step(retry=retry(1, per="run"), success={"again": again, "stop": "done"})
    plan = iter(["fail", "again", "fail"])

    async def work():
        if (said := next(plan)) == "fail":
            raise Transient
        return said

    result = simulated({"work": state}, {"work": work})

    assert (result.end, result.spent.steps) == ("failed", 3)


def test_a_reask_does_not_reset_the_retry_count():
    """Retries and re-asks of one visit have counters of their own."""
    plan = iter([Transient(), "bad", Transient()])

    async def work():
        said = next(plan)
        if isinstance(said, Exception):
            raise said
        return said

    state = step(gives="int", retry=retry(1), invalid=reask(1))
    result = simulated({"work": state}, {"work": work})

    assert outcomes(result) == [
        ("work", "transient"),
        ("work", "elapsed"),
        ("work", "invalid"),
        ("work", "transient"),
    ]


@pytest.mark.parametrize("k", [1, 2, 63, 1000, 10**9])
def test_the_pause_is_never_beyond_its_cap_or_infinite(k):
    """The k-th pause is a finite number below the cap, however large k is."""
    assert 0 < Backoff(1, 10.0, 10**12).level(k) <= 10**12


def test_simulated_runs_are_all_alike():
    """On a simulated clock, with the same draws, two runs have the same spans."""
    state = step(retry=retry(3, backoff=seconds(1), jitter="full"))
    first, second = (simulated({"work": state}, {"work": failing(2)}) for _ in range(2))

    assert first.trace == second.trace
