"""A failing example tells what happened in its run, in the words of a plan."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsmflow.loading.yaml import read_document
from fsmflow.testing import Act, Plan, Subject, play
from fsmflow.testing.plan_reading import read_plan
from fsmflow.testing.plans import MOODS
from fsmflow.testing.telling import as_plan
from tests.generated import runner_of
from tests.sample import machine

STATES = """
draft: {run: m:f, gives: str, cost: {tokens: 40, usd: 0.5}, timeout: 4s, success: pick, \
retry: {times: 2, jitter: none}, invalid: {times: 1}, fallback: lost}
pick: {run: m:f, gives: "dict[str, int]", timeout: 4s, \
success: {yes: ask, again: {to: draft, times: 2, else: lost}}, fallback: lost}
ask: {ask: Well?, timeout: 1h, success: {"true": pay, no: lost}, fallback: lost}
pay: {run: m:f, effect: once, timeout: 2s, success: done, unknown: lost, fallback: lost}
done: {end: success}
lost: {end: failed}
"""


def subject() -> Subject:
    lowered = machine(STATES, input="str")
    return Subject(lowered, runner_of(lowered))


def told_of(plan: Plan) -> str:
    under_test = subject()
    return as_plan(under_test.machine, plan.given, play(under_test, plan).result.trace)


def act(letter: str, **more: Any) -> Act:
    return Act(MOODS["fair"].replace(" ", "").index(letter), **more)


def test_a_run_is_told_as_a_plan():
    """Each attempt is a word, or a mapping with what it took, used, gave and asked for."""
    acts = (
        act("t", latency=0, retry_after_us=1_000_000),
        act("t", latency=5),
        act("s", use=2, value=0),
        act("s"),
    )
    plan = Plan("x", acts, {"str": ("a \U0001f600 \x80",), "dict[str, int]": ({"n": 1},)})

    given = '{outcome: ok, value: "a \\U0001f600 \\u0080", use: {tokens: 20, usd: "0.25"}, takes: 1s}]'

    assert told_of(plan).splitlines() == [
        'input: "x"',
        "draft: [{outcome: transient, retry_after: 1s}, {outcome: transient, takes: 4s}, " + given,
        'pick: [{label: yes, value: {"n": 1}, takes: 1s}]',
        "ask: [{outcome: failure}]",
    ]


@pytest.mark.parametrize("seed", range(20))
def test_what_is_told_is_a_plan(seed: int):
    """What is told of a run is read as a plan, and has its outcomes."""
    random = Random(seed)
    acts = tuple(
        Act(random.randrange(18), random.randrange(9), 0, random.randrange(6), random.randrange(6))
        for _ in range(9)
    )
    text = told_of(Plan("x", acts, {"str": ("é\n\x00",), "dict[str, int]": ({},)}))
    _, _, states = text.partition("\n")
    reading = read_plan(read_document(states, "plan.yaml").tree, subject().runner)

    assert (states != "", reading.diagnostics) == (True, ())


def test_a_failing_example_tells_its_run():
    """What Hypothesis shows of an example that fails ends with the run that it made."""
    under_test = subject()

    @settings(database=None, max_examples=5)
    @given(st.just(Plan("x", (act("f"),), {"str": ("",), "dict[str, int]": ({},)})))
    def check(plan: Plan) -> None:
        assert play(under_test, plan).result.end == "done"

    with pytest.raises(AssertionError) as failed:
        check()

    assert "draft: [{outcome: failure, takes: 1s}]" in "\n".join(failed.value.__notes__)
