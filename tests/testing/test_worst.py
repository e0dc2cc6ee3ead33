"""What is asked of the worst runs that a proof knows: no more than values of the declared types allow."""

from __future__ import annotations

from typing import Literal

from fsmflow.testing import Subject
from fsmflow.testing.worst import worst_cases
from tests.generated import runner_of
from tests.sample import machine

HERE = "tests.testing.test_worst"

Sure = Literal["yes", "rather"]
Odd = Literal[1, 3]


def subject(guard: str, gives: str = "Sure", **more: str) -> Subject:
    """Give a workflow of which the longest way begins where `guard` does not hold."""
    lowered = machine(
        f"ask: {{run: a:ask, gives: '{HERE}:{gives}', success: judge, fallback: out}}\n"
        f'judge: {{choose: [{{when: "{guard}", to: done}}, {{to: more}}]}}\n'
        "more: {run: a:more, success: done, fallback: out}\n"
        "done: {end: success}\nout: {end: failed}",
        budget="{steps: 5, exceeded: out}",
        **more,
    )
    return Subject(lowered, runner_of(lowered))


def test_an_arm_that_no_value_of_a_type_takes_is_not_asked_for() -> None:
    """Choices are free in a proof: where types don't allow the worst run, no test fails over it."""
    assert list(worst_cases(subject("ask in ['yes', 'rather']"))) == []


def test_an_arm_that_values_take_is_asked_for() -> None:
    """Where some value takes the arm, the worst run is played, and comes up to its bound."""
    cases = list(worst_cases(subject("ask == 'yes'")))

    assert [(case.resource, case.is_reached) for case in cases] == [("steps", True)]


def test_a_value_that_its_type_refuses_is_not_asked_for() -> None:
    """Where the worst run is of a value that no step can give, or no caller, nothing is asked of it."""
    assert list(worst_cases(subject("ask != 2", "Odd"))) == []
    assert list(worst_cases(subject("input != 2", input=f"{HERE}:Odd"))) == []
