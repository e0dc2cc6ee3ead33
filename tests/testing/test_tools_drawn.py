"""What a model that calls tools gives in made-up runs: a tool's arguments are of that tool's type."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import frozen
from hypothesis import given, settings

from fsmflow.runtime import Ended
from fsmflow.testing import Plan, Subject, plans, play
from fsmflow.testing.play import Played
from fsmflow.testing.simulator import Simulator
from fsmflow.testing.worst import worst_cases
from tests.generated import runner_of
from tests.sample import machine

HERE = "tests.testing.test_tools_drawn"

FLOW = machine(
    "think: {llm: {model: small, prompt: p.md, max_tokens: 9,"
    f" tools: {{look: '{HERE}:Look', add: int, say: '{HERE}:Say'}}}}, cost: {{tokens: 9}},"
    " success: {look: {to: think, times: 2, else: lost}, add: {to: choose, times: 2, else: lost},"
    " say: done}, invalid: {times: 1}, fallback: lost}\n"
    "choose: {choose: [{when: 'think > 3', to: think}, {to: lost}]}\n"
    "done: {end: success, output: $think}\nlost: {end: failed}",
    budget="{steps: 9, tokens: 50}",
)


@frozen
class Look:
    text: str


@frozen
class Say:
    text: str


KINDS = {"look": Look, "add": int, "say": Say}


@pytest.fixture(scope="module")
def subject() -> Subject:
    return Subject(FLOW, runner_of(FLOW))


def calls(trace: Any) -> set[tuple[str | None, type]]:
    """Give the tools that were called in a run, and what with."""
    return {
        (span.event.label, type(span.event.value))
        for span in trace
        if isinstance(span.event, Ended) and span.event.outcome == "success"
    }


def test_a_played_call_is_of_the_tools_type(subject: Subject):
    """Generated tests call each tool with what it takes, and no call is held to be invalid by that."""
    found: set[tuple[str | None, type]] = set()

    @settings(max_examples=300)
    @given(plans(subject))
    def collect(plan: Plan) -> None:
        run: Played = play(subject, plan)
        found.update(calls(run.result.trace))

    collect()

    assert found == set(KINDS.items())


def test_a_simulated_call_is_of_the_tools_type(subject: Subject):
    """`simulate` calls each tool with what it takes."""
    simulated = Simulator.of(subject, 0)

    assert set().union(*(calls(run.trace) for run in simulated.runs(300))) == set(KINDS.items())


def test_the_worst_run_of_tools_is_played(subject: Subject):
    """A witness is made whole by the type of the tool that it calls."""
    cases = list(worst_cases(subject))

    assert cases
    assert all(case.is_reached for case in cases), cases
