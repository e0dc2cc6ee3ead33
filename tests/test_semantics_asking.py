"""What asking a person means: answers, the lack of one, and that no ledger knows of either."""

from __future__ import annotations

import copy

import pytest

from fsmflow.runtime import Elapsed, Ended, Spent, Unbound
from fsmflow.semantics import Question, step
from tests.sample import Going, machine

ENDS = "done: {end: success}\nlost: {end: failed}"
ASKED = (
    "ask: {ask: Pay?, show: {sum: $input.sum}, timeout: 7d,"
    " success: {pay: done, later: {to: ask, times: 1, else: lost}}, fallback: tell}\n"
    "tell: {run: m:f, with: {why: $error.message, said: $ask.or_null}, success: done, fallback: lost}\n"
    f"{ENDS}"
)


def test_a_person_is_shown_what_the_spec_says():
    """A question carries what is shown, and how long an answer is waited for."""
    run = Going(machine(ASKED), {"sum": 7})

    assert run.command == Question("ask", {"sum": 7}, 7 * 86_400_000_000)


def test_a_person_picks_where_a_run_goes():
    """The label that is picked is the way that is taken, and its cap counts as any other."""
    run = Going(machine(ASKED), {"sum": 7})

    assert copy.copy(run).ends("success", "pay", value="pay").at == "done"
    assert run.ends("success", "later", value="later").at == "ask"
    assert (run.now.visit, run.now.values) == (2, {"input": {"sum": 7}})
    assert run.ends("success", "later").at == "lost"
    assert (run.error.state, run.error.outcome) == ("ask", "later")


def test_nobody_answers():
    """When nobody answers in time the fallback is taken, which hears why and has no answer."""
    run = Going(machine(ASKED), {"sum": 7}).ends("failure", message="nobody answered within 7 d")

    assert run.command.arguments == {"why": "nobody answered within 7 d", "said": None}
    assert tuple(run.error)[:3] == ("ask", "failure", "nobody answered within 7 d")


def test_an_answer_is_a_value():
    """What a person fills in goes by the name that `as` gives, until the state is entered again."""
    states = (
        "ask: {ask: How much?, as: sum, gives: int, timeout: 1h, success: pay, fallback: lost}\n"
        f"pay: {{run: m:f, with: {{sum: $sum}}, success: ask, fallback: lost}}\n{ENDS}"
    )
    run = Going(machine(states)).ends(value=12)

    assert run.command.arguments == {"sum": 12}
    assert "sum" not in run.ends().now.values


def test_a_question_is_on_no_ledger():
    """An answer is no step and takes no time, and a run whose caps are used up still asks."""
    states = (
        "draft: {run: m:f, timeout: 5s, success: ask, fallback: lost}\n"
        f"ask: {{ask: Well?, timeout: 7d, success: {{again: draft, stop: done}}, fallback: lost}}\n{ENDS}"
    )
    run = Going(machine(states, budget="{steps: 1, time: 10s}")).ends(elapsed_us=10_000_000)
    spent = Spent(steps=1, time_us=10_000_000)

    assert (run.is_asking, run.now.spent) == (True, spent)
    assert copy.copy(run).ends("success", "stop", elapsed_us=10**12).now.spent == spent
    assert copy.copy(run).ends("failure", elapsed_us=10**12).now.spent == spent
    assert run.ends("success", "again").at == "exceeded"


@pytest.mark.parametrize("event", [Elapsed(1), Ended("transient"), Ended("invalid"), Ended("exceeded")])
def test_a_question_is_answered_or_not(event):
    """A question ends in an answer or in none, and in nothing else."""
    run = Going(machine(ASKED), {"sum": 7})

    with pytest.raises(ValueError, match="can't happen in state 'ask'"):
        step(run.machine, run.now, event)


def test_what_is_to_be_shown_may_not_be_there():
    """The question is still commanded, with the reason in place of what is shown."""
    assert Going(machine(ASKED), {}).command.arguments == Unbound("$input.sum is not there")
