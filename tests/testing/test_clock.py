"""A clock whose time passes only when something sleeps."""

from __future__ import annotations

import asyncio

import pytest

from fsmflow.testing import SimulatedClock


def run(coroutine):
    """Run a coroutine that waits for nothing real."""
    with pytest.raises(StopIteration):
        coroutine.send(None)


def test_time_passes_by_sleeping_alone():
    """The clock starts at 0 and moves by what was slept, to the microsecond."""
    clock = SimulatedClock()
    run(clock.sleep(1_500))
    run(clock.sleep(0))

    assert (clock.now(), clock.wall_ns()) == (1_500, 1_500_000)


def test_sleep_is_cut_off_at_the_deadline():
    """A sleep past the deadline stops there, cancels the sleeper, and says that it expired."""
    clock = SimulatedClock()
    deadline = clock.deadline()
    deadline.arm(10)

    with pytest.raises(asyncio.CancelledError):
        clock.sleep(11).send(None)
    assert (clock.now(), deadline.expired) == (10, True)
    assert deadline.acknowledge()


def test_sleep_up_to_the_deadline_is_in_time():
    """Ending exactly at the deadline is no delay."""
    clock = SimulatedClock()
    clock.deadline().arm(10)
    run(clock.sleep(10))

    assert (clock.now(), clock.deadline().expired) == (10, False)


@pytest.mark.parametrize("how", ["disarm", "close", "acknowledge"])
def test_a_deadline_that_is_lifted_cuts_nothing_off(how):
    """After a deadline was lifted, sleep lasts."""
    clock = SimulatedClock()
    clock.deadline().arm(10)
    getattr(clock.deadline(), how)()
    run(clock.sleep(50))

    assert clock.now() == 50


def test_an_expired_deadline_can_be_armed_anew():
    """The next attempt has a deadline of its own."""
    clock = SimulatedClock()
    clock.deadline().arm(10)
    with pytest.raises(asyncio.CancelledError):
        clock.sleep(99).send(None)
    clock.deadline().arm(20)
    run(clock.sleep(10))

    assert (clock.now(), clock.deadline().expired) == (20, False)
