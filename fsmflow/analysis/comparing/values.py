"""Which values of a machine go by another name in its next version.

A value that is gone and one that is new are one where the same states set both. What reads it follows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import evolve

from fsmflow.analysis.comparing.renames import reading
from fsmflow.analysis.terms import renamed_guard
from fsmflow.machine import Ask, Machine, State, Transition, Work


def followed(old: Machine, new: Machine) -> Machine:
    """Give `old` with the names that values have in `new` in what reads them.

    What sets a value still says the name that it had: that is the change to tell, once.

    Args:
        old: A machine, with its states named as in the new one where they were renamed.
        new: The machine to compare it with.
    """
    names = dict(_renames(_setters(old), _setters(new)))
    if not names:
        return old

    def value(name: str) -> str:
        return names.get(name, name)

    def state(was: State) -> State:
        now = reading(was, value)
        if isinstance(was, Work | Ask) and isinstance(now, Work | Ask):
            return evolve(now, value=was.value)
        return now

    def way(was: Transition) -> Transition:
        return was if was.when is None else evolve(was, when=renamed_guard(was.when, value))

    return evolve(
        old,
        states={name: state(was) for name, was in old.states.items()},
        transitions=tuple(map(way, old.transitions)),
    )


def _setters(machine: Machine) -> Mapping[str, frozenset[str]]:
    """Give the states that set each value."""
    found: dict[str, set[str]] = {}
    for name, state in machine.states.items():
        if isinstance(state, Work | Ask):
            found.setdefault(state.value, set()).add(name)
    return {value: frozenset(names) for value, names in found.items()}


def _renames(
    old: Mapping[str, frozenset[str]], new: Mapping[str, frozenset[str]]
) -> Iterator[tuple[str, str]]:
    by_setters = {states: value for value, states in new.items() if value not in old}
    for value, states in old.items():
        if value not in new and states in by_setters:
            yield value, by_setters[states]
