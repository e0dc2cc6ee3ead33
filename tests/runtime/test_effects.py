"""Steps that act: what is unknown, and under which key an effect is known."""

import asyncio
import uuid
from pathlib import Path

import pytest

from fsmflow.runtime import StepContext, Transient
from fsmflow.spec import Budget, End, Target
from tests.runtime.workbench import compiled, outcomes, reask, retry, run, seconds, step


class Answered(Exception):
    """An error with an HTTP status."""

    def __init__(self, status):
        super().__init__(str(status))
        self.status_code = status


ONCE = {"effect": "once", "unknown": "reconcile"}
RECONCILE = End(end="handoff")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (TimeoutError(), "unknown"),
        (ConnectionResetError(), "unknown"),
        (EOFError(), "unknown"),
        (Answered(500), "unknown"),
        (Answered(503), "unknown"),
        (Answered(408), "unknown"),
        (Answered(429), "transient"),
        (Answered(409), "transient"),
        (Answered(400), "failure"),
        (Transient(), "transient"),
        (ValueError(), "failure"),
    ],
    ids=repr,
)
def test_what_may_have_happened_once_is_unknown(error, outcome):
    """After an ambiguous error of a step that acts once, nobody can tell if it happened."""

    async def work():
        raise error

    result = run({"work": step(**ONCE), "reconcile": RECONCILE}, {"work": work})

    assert outcomes(result) == [("work", outcome)]
    assert result.end == ("reconcile" if outcome == "unknown" else "failed")


def test_a_cut_off_once_is_unknown():
    """A step that acts once and is cut off, by its timeout or by the run's, is unknown."""

    async def work():
        await asyncio.Event().wait()

    for budget in (Budget(), Budget(time=seconds(0.03))):
        states = {"work": step(timeout=seconds(0.05), **ONCE), "reconcile": RECONCILE}
        result = run(states, {"work": work}, budget=budget)

        assert (outcomes(result), result.end) == ([("work", "unknown")], "reconcile")


async def act(ctx: StepContext):
    KEYS.append(ctx.idempotency_key)
    said = next(PLAN)
    if said == "fail":
        raise Transient
    return said


KEYS = []
PLAN = iter(())


def keys(plan, *, run_id="r", given=None, **state):
    """Give the idempotency keys of the attempts of a step that acts."""
    global PLAN
    KEYS.clear()
    PLAN = iter(plan)
    again = Target(to="work", times=5, else_="failed")
    work = step(effect="idempotent", retry=retry(5), success={"again": again, "stop": "done"}, **state)
    run({"work": work}, {"work": act}, given=given, options={"run_id": run_id})
    return list(KEYS)


def test_attempts_of_a_visit_share_their_key():
    """A retry asks for the same effect under the same key."""
    found = keys(["fail", "fail", "stop"])

    assert len(found) == 3
    assert len(set(found)) == 1
    assert len(found[0]) == 32


def test_reasks_of_a_visit_share_their_key():
    """So does a re-ask."""
    found = keys(["no label", "stop"], invalid=reask(1))

    assert len(found) == 2
    assert len(set(found)) == 1


def test_keys_differ_by_visit_and_run():
    """Another visit, or another run, is another effect."""
    first, second = keys(["again", "stop"])
    (other,) = keys(["stop"], run_id="s")

    assert len({first, second, other}) == 3
    assert [first] == keys(["stop"])


def test_a_key_of_its_own_is_the_same_in_every_run():
    """With `key` the same order is the same effect, in any visit and any run."""
    found = keys(["again", "stop"], given={"order": 7}, key="$input.order")
    found += keys(["stop"], run_id="s", given={"order": 7}, key="$input.order")

    assert len(set(found)) == 1
    assert set(found).isdisjoint(keys(["stop"], given={"order": 8}, key="$input.order"))
    assert set(found).isdisjoint(keys(["stop"], given={"order": "7"}, key="$input.order"))


def test_a_key_of_objects_says_what_they_hold():
    """A key made of a structured value depends on its content, not on where it lies in memory."""

    class Order:
        __attrs_attrs__ = ()

    first = keys(["stop"], given={"order": Order()}, key="$input.order")

    assert first == keys(["stop"], given={"order": Order()}, key="$input.order")


def test_keys_of_uuids_are_told_apart():
    """An order that is known by a UUID is another effect than the next one."""
    first, second, again = (
        keys(["stop"], given={"order": uuid.UUID(int=number)}, key="$input.order") for number in (1, 2, 1)
    )

    assert first == again
    assert first != second


@pytest.mark.parametrize(
    "order",
    [Path("orders/7"), {"of": [object()]}, "7" * 100_001, b"7" * 100_001, 1 << 1000, [0] * 50_001],
    ids=["path", "object", "text", "bytes", "number", "list"],
)
def test_a_key_that_may_stand_for_another_effect_too_is_refused(order):
    """What can't be written down whole is no key: two orders that begin alike would be taken for one."""
    state = step(effect="idempotent", key="$input.order", with_={"x": 1})

    async def work(x, ctx):
        raise AssertionError("called")

    result = run({"work": state}, {"work": work}, given={"order": order})

    assert outcomes(result) == [("work", "failure")]
    assert result.error.message.startswith("key: it can't be told apart from others: ")
    assert result.spent[1:4] == (0, 0, 0)


def test_a_key_that_leads_nowhere_fails_before_the_step_acts():
    """Without its key an effect is not asked for."""
    runner = compiled({"work": step(effect="idempotent", key="$input.order", with_={"x": 1})})

    async def work(x, ctx):
        raise AssertionError("called")

    result = asyncio.run(runner.run({}, steps={"work": work}))

    assert (result.error.outcome, result.error.message) == ("failure", "key: $input.order is not there")
