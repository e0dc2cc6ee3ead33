"""How the result of a run is shown."""

from __future__ import annotations

import threading
from datetime import date

import pytest

from fsmflow.cli.results import fields, show
from fsmflow.runtime import Breach, StepContext
from fsmflow.spec import Cost, Duration, Money, Wait
from fsmflow.testing.clock import SimulatedClock
from tests.runtime.workbench import run, step


def test_a_late_charge_is_no_pause(capsys: pytest.CaptureFixture[str]) -> None:
    """What an abandoned attempt charged too late stands in the table as such, with what it was."""
    go_on, done = threading.Event(), threading.Event()

    def slow(ctx: StepContext) -> None:
        ctx.charge(tokens=9)
        go_on.wait(20)
        try:
            ctx.charge(tokens=7)
        except Breach:
            done.set()

    def after() -> None:
        go_on.set()
        done.wait(20)

    states = {
        "slow": step(cost=Cost(tokens=10), timeout=Duration(20_000), success="after", fallback="after"),
        "after": step(),
    }
    result = run(states, {"slow": slow, "after": after})
    show(result, quiet=False)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]

    assert ["after", "late", "0", "6", "$0"] in rows
    assert not any("pause" in row for row in rows)


def test_times_are_told_as_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    """A pause of days is told in hours, as in a trace, and not in hundreds of thousands of seconds."""
    states = {"rest": Wait(wait=Duration(259_200_000_000), success="work"), "work": step()}
    clock = SimulatedClock()

    async def work() -> None:
        await clock.sleep(2_450)

    show(run(states, {"work": work}, options={"clock": clock}), quiet=False)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]

    assert ["rest", "pause", "72", "h"] in rows
    assert [row[4:6] for row in rows if row[:2] == ["in", "all"]] == [["72", "h"]]
    assert [row[2:4] for row in rows if row[:1] == ["work"]] == [["2.45", "ms"]]


def test_money_is_told_as_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    """Dollars are exact, with two decimals at least, as in a trace and in a proof."""

    def pay(ctx: StepContext) -> None:
        ctx.charge(usd=0.5)

    def ask(ctx: StepContext) -> None:
        ctx.charge(usd=0.000027)

    states = {
        "pay": step(cost=Cost(usd=Money(500_000)), success="ask"),
        "ask": step(cost=Cost(usd=Money(10_000))),
    }
    show(run(states, {"pay": pay, "ask": ask}), quiet=False)
    money = [line.split()[-1] for line in capsys.readouterr().out.splitlines() if "$" in line]

    assert money == ["$0.50", "$0.000027", "$0.500027"]


def test_a_date_is_shown_as_it_is_written() -> None:
    """What JSON has no word for is shown as a person reads it, without the tags of a trace."""
    assert fields({"day": date(2026, 1, 1), "of": {"a"}}) == [("day", "2026-01-01"), ("of ", '["a"]')]


def test_wide_names_are_aligned() -> None:
    """The values of an output stand below one another, also where a name takes two columns a character."""
    assert fields({"名前": "a", "id": "b"}) == [("名前", "a"), ("id  ", "b")]
