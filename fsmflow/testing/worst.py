"""The worst runs that the proof knows, played on the generated runner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from attrs import evolve, frozen
from hypothesis import example

from fsmflow.testing.drawing import simplest
from fsmflow.testing.plans import LONGEST_FOLLOWED, Plan, inputs, plan_of, samples, worst_plans
from fsmflow.testing.play import play
from fsmflow.testing.subject import Subject

Test = TypeVar("Test", bound=Callable[..., Any])

_RESOURCES = {
    "steps": "steps",
    "tool_calls": "tool_calls",
    "tokens": "tokens",
    "micro_usd": "micro_usd",
    "microseconds": "time_us",
}


@frozen
class WorstCase:
    """A bound, and the run that comes up to it.

    Attributes:
        resource: What is bounded.
        bound: The most that any run uses.
        used: What the runner used, played along the witness.
        drawn_us: By how many microseconds the run may fall short, since pauses are drawn below their level.
    """

    resource: str
    bound: int
    used: int
    drawn_us: int

    @property
    def is_reached(self) -> bool:
        """Tell whether the run came up to the bound, and did not pass it."""
        return self.bound - self.drawn_us <= self.used <= self.bound


def with_worst_runs(subject: Subject) -> Callable[[Test], Test]:
    """Give a test of plans the worst runs that are known as explicit examples."""

    def decorated(test: Test) -> Test:
        for plan in worst_plans(subject):
            if len(plan.acts) <= LONGEST_FOLLOWED:
                test = example(_filled(subject, plan))(test)
        return test

    return decorated


def worst_cases(subject: Subject) -> Iterator[WorstCase]:
    """Play the witness of each bound that is exact on `subject`'s runner."""
    form = subject.proof.budgeted
    for bound in () if form is None else form.bounds.values():
        if bound.metric == "transitions" or not bound.is_exact or not bound.upper:
            continue
        assert bound.witness is not None
        spent = play(subject, _filled(subject, plan_of(subject, bound.witness))).spent
        resource = _RESOURCES[bound.metric]
        drawn = bound.witness.drawn_pauses if bound.metric == "microseconds" else 0
        yield WorstCase(resource, bound.upper, getattr(spent, resource), drawn)


def _filled(subject: Subject, plan: Plan) -> Plan:
    """Give a plan the simplest input and sample values there are."""
    given = simplest(inputs(subject)) if plan.given is None else plan.given
    return evolve(plan, given=given, samples=simplest(samples(subject)))
