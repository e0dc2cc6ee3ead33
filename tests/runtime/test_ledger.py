"""The ledger: what counts, what is admitted, and what a breach is."""

from decimal import Decimal

import pytest

from fsmflow.runtime import Breach, StepContext
from fsmflow.runtime.outcomes import micro_usd
from fsmflow.spec import Budget, Cost, Duration, Money, Target, Wait
from fsmflow.testing.clock import SimulatedClock
from tests.runtime.workbench import outcomes, reask, retry, run, seconds, step

COST = Cost(tool_calls=2, tokens=100, usd=Money(5_000))


def charging(*charges):
    """Make a step that puts `charges` on the ledger."""

    async def work(ctx: StepContext):
        for charge in charges:
            ctx.charge(**charge)

    return work


@pytest.mark.parametrize(
    ("charges", "spent"),
    [
        ([], (2, 100, 5_000)),
        ([{"tokens": 0}], (2, 0, 5_000)),
        ([{"tokens": 0, "tool_calls": 0, "usd": 0}], (0, 0, 0)),
        ([{"tokens": 40}, {"tokens": 60}], (2, 100, 5_000)),
        ([{"tool_calls": 1}, {"usd": "0.004"}], (1, 100, 4_000)),
    ],
)
def test_what_was_charged_counts_and_what_never_was_counts_in_full(charges, spent):
    """A resource is on the ledger with its charges; one that was never charged with all that it declared."""
    result = run({"work": step(cost=COST)}, {"work": charging(*charges)})

    assert spent == result.spent[1:4]


def test_failed_and_rejected_attempts_count_like_any_other():
    """Every attempt counts, whatever came of it."""

    async def work(ctx: StepContext):
        ctx.charge(tokens=10)
        return "text"

    result = run({"work": step(gives="int", cost=COST, invalid=reask(2))}, {"work": work})

    assert result.spent[:4] == (3, 6, 30, 15_000)


@pytest.mark.parametrize(
    ("charge", "excess"),
    [
        ({"tokens": 101}, (2, 101, 5_000)),
        ({"tool_calls": 3}, (3, 100, 5_000)),
        ({"usd": Decimal("0.005001")}, (2, 100, 5_001)),
    ],
)
def test_a_breach_is_a_failure_that_is_booked_and_named(charge, excess):
    """Charging more than was declared cuts the attempt short, is booked in full, and never retried."""

    async def work(ctx: StepContext):
        ctx.charge(**charge)
        raise AssertionError("not cut short")

    result = run({"work": step(cost=COST, retry=retry(3), invalid=reask(3))}, {"work": work})

    assert outcomes(result) == [("work", "failure")]
    assert excess == result.spent[1:4]
    assert "charged more than it declared" in result.error.message
    if "usd" in charge:
        assert result.error.message.endswith(": money $0.005001 of $0.005")


def test_a_breach_is_seen_even_if_the_step_swallows_it():
    """A step can't hide that it used more than it declared."""

    async def work(ctx: StepContext):
        try:
            ctx.charge(tokens=1)
        except Breach:
            return "fine"

    def sync(ctx: StepContext):
        try:
            ctx.charge(tokens=1)
        except BaseException:
            raise ValueError from None

    for function in (work, sync):
        result = run({"work": step()}, {"work": function})

        assert outcomes(result) == [("work", "failure")]
        assert (
            result.spent.tokens,
            result.error.message,
        ) == (1, "charged more than it declared: tokens 1 of 0")


@pytest.mark.parametrize(
    "charge",
    [
        {"tokens": -1},
        {"tokens": 10**31},
        {"tool_calls": 10**5000},
        {"tokens": 1.5},
        {"tool_calls": True},
        {"usd": "-1"},
    ],
)
def test_charges_must_be_amounts(charge):
    """A charge that is no amount raises in the step, and puts nothing on the ledger."""
    result = run({"work": step(cost=Cost(tokens=5))}, {"work": charging(charge)})

    assert outcomes(result) == [("work", "failure")]
    assert result.spent.tokens == 5


@pytest.mark.parametrize(
    ("amount", "micro"),
    [
        ("0.1", 100_000),
        (0.1, 100_000),
        (Decimal("0.0000001"), 1),
        ("0." + "0" * 60 + "1", 1),
        ("1." + "0" * 40 + "1", 1_000_001),
        ("123456789012345678901234567890.1", 123456789012345678901234567890_100_000),
        (3, 3_000_000),
        (0.29, 290_000),
        (0, 0),
    ],
)
def test_money_is_exact_and_rounded_up(amount, micro):
    """Dollars become whole micro-dollars, never fewer than were meant."""
    assert micro == micro_usd(amount)


@pytest.mark.parametrize(
    "amount", ["nan", "inf", "-0.1", "ten", "", float("nan"), float("inf"), None, True, []]
)
def test_what_is_no_money_is_refused(amount):
    """Anything but an amount is a ValueError."""
    with pytest.raises(ValueError, match="charge"):
        micro_usd(amount)


@pytest.mark.parametrize(
    ("budget", "cost", "attempts"),
    [
        (Budget(steps=3), Cost(), 3),
        (Budget(tool_calls=3), Cost(tool_calls=1), 3),
        (Budget(tokens=300), Cost(tokens=100), 3),
        (Budget(tokens=299), Cost(tokens=100), 2),
        (Budget(usd=Money(3)), Cost(usd=Money(1)), 3),
        (Budget(time=Duration(3_000_000)), Cost(), 3),
    ],
)
def test_a_cap_of_n_allows_exactly_n(budget, cost, attempts):
    """Attempts start while what they may use fits under the cap, and not one more."""
    clock = SimulatedClock()

    async def work():
        await clock.sleep(1_000_000)
        return "again"

    state = step(
        cost=cost,
        timeout=seconds(1),
        success={"again": Target(to="work", times=99, else_="failed"), "stop": "done"},
    )
    result = run({"work": state}, {"work": work}, budget=budget, options={"clock": clock})

    assert ("exceeded", attempts) == (result.end, result.spent.steps)


def test_a_wait_needs_room_like_an_attempt():
    """A wait that fits exactly is waited for; one that is a microsecond too long is not."""
    for time_us, end in ((1_000_000, "done"), (999_999, "exceeded")):
        states = {"work": Wait(wait=seconds(1), success="done")}
        budget = Budget(time=Duration(time_us))
        result = run(states, {}, budget=budget, options={"clock": SimulatedClock()})

        assert end == result.end


def test_the_reserve_is_set_aside_until_it_is_entered():
    """Work stops where the reserve would be touched, and the reserve's own step still fits."""

    async def work():
        return "again"

    async def quote(ctx: StepContext):
        return "quoted"

    states = {
        "work": step(
            cost=Cost(tokens=10),
            success={"again": Target(to="work", times=99, else_="failed"), "stop": "done"},
        ),
        "quote": step(reserve=True, cost=Cost(tokens=25)),
    }
    budget = Budget(tokens=60, exceeded="quote")
    result = run(states, {"work": work, "quote": quote}, budget=budget)

    assert (result.end, result.spent.steps, result.spent.tokens) == ("done", 4, 55)
    assert "25 set aside" in result.error.message


def test_a_step_without_a_context_counts_as_declared():
    """A step that takes no context has used what it declared."""

    async def work():
        return 1

    result = run({"work": step(cost=COST)}, {"work": work})

    assert result.spent[:4] == (1, 2, 100, 5_000)
