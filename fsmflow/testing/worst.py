"""The worst runs that the proof knows, played on the generated runner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from attrs import evolve, frozen
from hypothesis import example

from fsmflow import semantics
from fsmflow.analysis.proving.witness import Witness
from fsmflow.machine import Choice
from fsmflow.testing.drawing import simplest
from fsmflow.testing.plans import LONGEST_FOLLOWED, Plan, inputs, plan_of, samples, worst_plans
from fsmflow.testing.play import Played, play
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
    """Play the witness of each bound that is exact on `subject`'s runner.

    Choices are free in a proof, which knows no types: where values of the declared types take another arm,
    nothing is asked of the run.
    """
    form = subject.proof.budgeted
    for bound in () if form is None else form.bounds.values():
        if bound.metric == "transitions" or not bound.is_exact or not bound.upper:
            continue
        assert bound.witness is not None
        played = play(subject, _filled(subject, plan_of(subject, bound.witness)))
        if _turned_off(subject, bound.witness, played):
            continue
        spent = played.spent
        resource = _RESOURCES[bound.metric]
        drawn = bound.witness.drawn_pauses if bound.metric == "microseconds" else 0
        yield WorstCase(resource, bound.upper, getattr(spent, resource), drawn)


def _turned_off(subject: Subject, witness: Witness, played: Played) -> bool:
    """Tell whether a run left the way of the witness that it was to follow, and did so at a choice."""
    now, _, ways = semantics.launch(subject.machine, witness.given)
    for event in witness.events:
        now, _, taken = semantics.advance(subject.machine, now, event)
        ways += taken
    meant = [(way.source, way.name, way.target) for way in ways]
    apart = next((each for each, taken in zip(meant, played.edges, strict=False) if each != taken), None)
    return apart is not None and isinstance(subject.machine.states[apart[0]], Choice)


def _filled(subject: Subject, plan: Plan) -> Plan:
    """Give a plan the simplest input and sample values there are."""
    given = simplest(inputs(subject)) if plan.given is None else plan.given
    return evolve(plan, given=given, samples=simplest(samples(subject)))
