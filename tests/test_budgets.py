"""What caps, the reserve, deadlines and pauses mean, a sentence at a time."""

from __future__ import annotations

import copy

import pytest

from fsmflow.runtime import Spent
from fsmflow.semantics import Pause
from tests.sample import Going, machine

ENDS = "done: {end: success}\nlost: {end: failed}"


@pytest.mark.parametrize(
    ("budget", "cost"),
    [
        ("{steps: 3}", "{}"),
        ("{tool_calls: 3}", "{tool_calls: 1}"),
        ("{tokens: 30}", "{tokens: 10}"),
        ("{tokens: 39}", "{tokens: 10}"),
        ("{usd: 0.3}", "{usd: 0.1}"),
    ],
)
def test_a_cap_of_n_allows_exactly_n(budget, cost):
    """Three attempts fit a cap that is three times the cost, and the fourth goes to `exceeded`."""
    run = Going(
        machine(f"draft: {{run: m:f, cost: {cost}, success: draft, fallback: lost}}\n{ENDS}", budget=budget)
    )

    for _ in range(2):
        assert run.ends().at == "draft"
    assert run.ends().at == "exceeded"
    assert run.now.spent.steps == 3
    assert run.command.kind == "failed"
    assert run.error.outcome == "exceeded"
    assert run.error.message.startswith("no room for what comes next (")


def test_an_attempt_is_booked_as_charged_and_in_full_if_it_was_not():
    """Use that is not told is the whole cost; told, it is what it is, above the cost too."""
    tokens = machine(f"draft: {{run: m:f, cost: {{tokens: 10}}, success: draft, fallback: lost}}\n{ENDS}")

    assert Going(tokens).ends().now.spent == Spent(1, 0, 10, 0, 0)
    assert Going(tokens).ends(use=(0, 4, 0)).now.spent == Spent(1, 0, 4, 0, 0)
    assert Going(tokens).ends("failure", use=(2, 40, 7), elapsed_us=5).now.spent == Spent(1, 2, 40, 7, 5)


RESERVED = (
    "draft: {run: m:f, timeout: 9s, success: draft, fallback: quote}\n"
    f"quote: {{run: m:f, timeout: 2s, reserve: true, success: done, fallback: lost}}\n{ENDS}"
)


def test_the_reserve_is_set_aside_and_released_on_entering():
    """Outside the reserve its worst case can't be used; inside it can."""
    run = Going(machine(RESERVED, budget="{steps: 3, exceeded: quote}"))

    assert run.ends().at == "draft"
    assert run.ends().at == "quote"
    assert run.is_working
    assert "1 set aside" in run.error.message
    assert run.ends().at == "done"


def test_in_the_reserve_exceeded_is_the_built_in_end():
    """A reserve whose share was broken by a breach ends the run rather than going round."""
    run = Going(machine(RESERVED, budget="{steps: 3, tokens: 5, exceeded: quote}"))

    assert run.ends(use=(0, 6, 0)).at == "exceeded"
    assert run.taken == ["draft.success", "draft.exceeded", "quote.exceeded"]


def test_a_deadline_is_the_timeout_or_the_time_left_beside_the_reserve():
    """An attempt may take its timeout, and no more than the run's time less the reserve."""
    run = Going(machine(RESERVED, budget="{time: 12s, exceeded: quote}"))

    assert run.command.deadline_us == 9_000_000
    assert run.ends(elapsed_us=4_000_000).command.deadline_us == 6_000_000
    assert run.ends("failure", elapsed_us=6_000_000).command.deadline_us == 2_000_000


def test_an_attempt_needs_a_moment():
    """With no time left beside the reserve an attempt does not start; with a microsecond it does."""
    reserved = machine(RESERVED, budget="{time: 12s, exceeded: quote}")

    assert Going(reserved).ends(elapsed_us=9_999_999).at == "draft"
    assert Going(reserved).ends(elapsed_us=10_000_000).at == "quote"


def test_cut_off_by_the_runs_deadline_is_exceeded():
    """An attempt that the run's deadline cuts off is booked, and then the run has exceeded."""
    run = Going(machine(RESERVED, budget="{time: 12s, exceeded: quote}")).ends("exceeded", elapsed_us=9)

    assert (run.at, run.now.spent.time_us, run.error.outcome) == ("quote", 9, "exceeded")


def retried(**retry: object) -> Going:
    options = ", ".join(f"{key}: {value}" for key, value in {"times": 9, "jitter": "none", **retry}.items())
    states = f"draft: {{run: m:f, timeout: 9s, success: done, retry: {{{options}}}, fallback: lost}}\n{ENDS}"
    return Going(machine(states, budget="{time: 100s}"))


def test_pauses_grow_up_to_a_cap():
    """The k-th pause is min(cap, backoff · factor^(k-1))."""
    run, pauses = retried(backoff="100ms", factor=3, cap="2s"), []

    for _ in range(5):
        pauses.append(run.ends("transient").command.duration_us)
        run.passes()
    assert pauses == [100_000, 300_000, 900_000, 2_000_000, 2_000_000]


def test_full_jitter_draws_below_the_pause():
    """With full jitter the pause is the draw's share of it."""
    run = retried(backoff="1s", jitter="full")

    assert copy.copy(run).ends("transient", draw=0.25).command == Pause(250_000)
    assert copy.copy(run).ends("transient", draw=0.0).command == Pause(0)


@pytest.mark.parametrize(
    ("wish_us", "pause_us"),
    [(None, 1_000_000), (0, 1_000_000), (3_000_000, 3_000_000), (5_000_000, 5_000_000)],
)
def test_a_retry_after_is_a_floor(wish_us, pause_us):
    """A server's wish makes a pause longer, up to the cap itself."""
    run = retried(cap="5s").ends("transient", retry_after_us=wish_us)

    assert run.command == Pause(pause_us)


def test_a_retry_after_beyond_the_cap_is_not_waited_for():
    """The way out is taken at once, and the retry is not counted."""
    run = retried(cap="5s").ends("transient", retry_after_us=5_000_001)

    assert (run.at, run.now.counts, run.taken) == ("lost", {}, ["draft.fallback"])


def test_a_retry_after_can_be_ignored():
    """`retry_after: false` leaves the formula exact."""
    run = retried(cap="5s", retry_after="false").ends("transient", retry_after_us=10**9)

    assert run.command == Pause(1_000_000)


@pytest.mark.parametrize(("elapsed_us", "state"), [(98_999_999, "draft"), (99_000_000, "lost")])
def test_a_pause_that_does_not_fit_is_not_waited_for(elapsed_us, state):
    """A pause must leave time for the attempt after it; if not, the way out is taken."""
    run = retried().ends("transient", elapsed_us=elapsed_us)

    assert (run.at, run.now.pausing) == (state, state == "draft")


def test_a_retry_is_admitted_whole():
    """A retry whose cost does not fit is `exceeded` before the pause begins, and no retry."""
    draft = "draft: {run: m:f, cost: {tokens: 6}, success: done, retry: {times: 1}, fallback: lost}"
    states = f"{draft}\n{ENDS}"
    run = Going(machine(states, budget="{tokens: 11}")).ends("transient")

    assert (run.at, run.taken, run.now.counts) == ("exceeded", ["draft.exceeded"], {})


def test_a_pause_that_took_too_long_leaves_no_room():
    """After a pause the attempt is admitted anew, by the time that really passed."""
    run = retried().ends("transient").passes(100_000_000)

    assert (run.at, run.taken) == ("exceeded", ["draft.retry", "draft.exceeded"])


def test_a_wait_lets_time_pass_on_the_ledger():
    """A wait is over when its time has passed, however long it really took."""
    run = Going(machine(f"pause: {{wait: 2s, success: done}}\n{ENDS}", budget="{time: 3s}"))

    assert run.command == Pause(2_000_000)
    assert run.passes(2_500_000).now.spent == Spent(time_us=2_500_000)
    assert run.at == "done"


def test_a_wait_that_does_not_fit_is_exceeded():
    """A wait is admitted whole, to the microsecond."""
    states = f"pause: {{wait: 3s, success: done}}\n{ENDS}"
    run = Going(machine(states, budget="{time: 2999999us}"))

    assert Going(machine(states, budget="{time: 3s}")).at == "pause"
    assert (run.at, run.error.state) == ("exceeded", "pause")
