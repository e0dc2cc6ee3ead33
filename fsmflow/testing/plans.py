"""Strategies for whole runs: how every attempt ends, what it uses and how long it takes.

A run is drawn as one flat list of acts that know nothing of states: the n-th act is what happens at
the n-th attempt, read in the terms of whatever state that attempt is in. So Hypothesis can cut,
reorder and simplify runs freely, which a state machine of rules would not let it do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen
from hypothesis import strategies as st

from fsmflow.machine import End, Machine, Work
from fsmflow.runtime.steps import resolve_type
from fsmflow.testing.subject import Subject

LONGEST = 60


@frozen
class Act:
    """What happens at one attempt, in terms that any state can read.

    Attributes:
        outcome: Which of the state's outcomes, counted round.
        label: Which of its labels, counted round.
        value: Which of the sample values for its type, counted round.
        use: How much of its declared cost it charges, in quarters; 5 charges nothing.
        latency: How much of its deadline it takes, in quarters; more than 4 runs into it.
        retry_after_us: What a server asks for, if it fails in passing.
    """

    outcome: int = 0
    label: int = 0
    value: int = 0
    use: int = 5
    latency: int = 1
    retry_after_us: int | None = None


@frozen
class Plan:
    """A whole run: its input, its acts, sample values by state, and the draws for jitter."""

    given: Any = None
    acts: tuple[Act, ...] = ()
    samples: Mapping[str, tuple[Any, ...]] = field(factory=dict)
    draws: tuple[float, ...] = (0.5,)

    def act(self, number: int) -> Act:
        """Give what happens at attempt `number`, from 0; past the last act all goes well."""
        return self.acts[number] if number < len(self.acts) else Act()


_ACTS = st.builds(
    Act,
    outcome=st.integers(0, 7),
    label=st.integers(0, 3),
    value=st.integers(0, 2),
    use=st.integers(0, 5),
    latency=st.integers(0, 5),
    retry_after_us=st.none() | st.sampled_from([0, 1_000, 1_000_000, 60_000_000, 3_600_000_000]),
)


def plans(subject: Subject) -> st.SearchStrategy[Plan]:
    """Give plans of runs of `subject`: typed inputs and outputs, and up to sixty acts."""
    machine = subject.machine
    samples = {
        state.name: st.lists(values(subject, str(state.gives)), min_size=1, max_size=3).map(tuple)
        for state in machine.states.values()
        if isinstance(state, Work) and state.gives is not None
    }
    return st.builds(
        Plan,
        given=values(subject, "Any" if machine.input is None else str(machine.input)),
        acts=st.lists(_ACTS, max_size=LONGEST).map(tuple),
        samples=st.fixed_dictionaries(samples),
        draws=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=4).map(tuple),
    )


def values(subject: Subject, kind: str) -> st.SearchStrategy[Any]:
    """Give values of a type as specs write it: of a class, instances; of `Any`, plain data."""
    resolved = resolve_type(kind, subject.runner.folder)
    if resolved is Any:
        return st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5)
    return st.from_type(resolved)


def ends(machine: Machine) -> frozenset[str]:
    """Give the names of the ends."""
    return frozenset(name for name, state in machine.states.items() if isinstance(state, End))
