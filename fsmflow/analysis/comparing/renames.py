"""Which states of a machine go by another name in its next version.

A state that is gone and one that is new are taken for one where they do the same and most of the ways
to and from them are the same. Those come first that are the same in all; then those that call the same
function, but of which something was changed too. A state is in one pair at most.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from functools import cached_property

from attrs import define, evolve

from fsmflow.analysis.terms import Renaming, renamed_guard, renamed_template
from fsmflow.machine import BUILTIN_END, Ask, Choice, End, Machine, Policy, State, Transition, Wait, Work

ALIKE = 0.5
"""The least share of the ways of two states that must be the same for them to be one."""

MOST_PAIRS = 250_000
"""How many pairs of states that do the same are compared; of more, only those with all ways the same."""

Place = frozenset[Hashable]


def renames(old: Machine, new: Machine) -> dict[str, str]:
    """Give the new name of each state of `old` that seems to have been renamed."""
    before, after = _Unmatched(old, new), _Unmatched(new, old)
    found: dict[str, str] = {}
    for likes, others in ((before.bodies, after.bodies), (before.calls, after.calls)):
        waiting = _by_body(others, set(found.values()))
        for body, names in _by_body(likes, found.keys()).items():
            found.update(_pairs(names, waiting.get(body, ()), before.places, after.places))
    return {name: found[name] for name in old.states if name in found}


def renamed(machine: Machine, names: Mapping[str, str]) -> Machine:
    """Give `machine` with other names for some of its states, and for their values if named after them."""
    if not names:
        return machine
    values = {
        old: new
        for old, new in names.items()
        if isinstance(state := machine.states[old], Work | Ask) and state.value == old
    }

    def name(old: str) -> str:
        return names.get(old, old)

    def value(old: str) -> str:
        return values.get(old, old)

    def event(said: str) -> str:
        state, dot, outcome = said.partition(".")
        return name(state) + dot + outcome

    def policy(old: Policy) -> Policy:
        between = None if old.between is None else (event(old.between[0]), event(old.between[1]))
        visit = None if old.visit is None else event(old.visit)
        return evolve(old, event=event(old.event), visit=visit, between=between)

    def way(old: Transition) -> Transition:
        when = None if old.when is None else renamed_guard(old.when, value)
        return evolve(old, source=name(old.source), target=name(old.target), when=when)

    counters = {
        key: evolve(counter, per=None if counter.per is None else name(counter.per))
        for key, counter in machine.counters.items()
    }
    return evolve(
        machine,
        start=name(machine.start),
        exceeded=name(machine.exceeded),
        states={
            name(old): reading(evolve(state, name=name(old)), value) for old, state in machine.states.items()
        },
        counters=counters,
        transitions=tuple(map(way, machine.transitions)),
        policies=tuple(map(policy, machine.policies)),
    )


def reading(state: State, value: Renaming) -> State:
    """Give a state with other names for the value that it sets and those that it reads."""
    match state:
        case Work(arguments=arguments, key=key):
            return evolve(
                state,
                value=value(state.value),
                arguments=tuple((name, renamed_template(term, value)) for name, term in arguments),
                key=None if key is None else renamed_template(key, value),
            )
        case Ask(arguments=arguments):
            return evolve(
                state,
                value=value(state.value),
                arguments=tuple((name, renamed_template(term, value)) for name, term in arguments),
            )
        case End(output=output):
            return evolve(state, output=renamed_template(output, value))
        case Choice() | Wait():
            return state


def _called(state: Work | Ask) -> str:
    if isinstance(state, Ask):
        return f"ask {state.question}"
    if state.children is not None:
        return " ".join((state.children.kind, *(callee.name for callee in state.children.callees.values())))
    return state.call if state.model is None else f"{state.model.model} {state.model.prompt}"


@define(slots=False)
class _Unmatched:
    """The states of a machine whose names the other one does not have."""

    machine: Machine
    other: Machine

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(self.machine.states.keys() - self.other.states.keys() - {BUILTIN_END})

    @cached_property
    def bodies(self) -> Mapping[str, str]:
        """What each of them does, whatever it and the values of the others are called."""
        return {
            name: repr(evolve(reading(state, self._blank), name="", title=""))
            for name, state in self.machine.states.items()
            if name in self.names
        }

    @cached_property
    def calls(self) -> Mapping[str, str]:
        """What each of them calls, asks or runs; of the others, what they do."""
        states = self.machine.states
        return {
            name: _called(state) if isinstance(state := states[name], Work | Ask) else body
            for name, body in self.bodies.items()
        }

    @cached_property
    def places(self) -> Mapping[str, Place]:
        """The ways to and from each of them; neighbours that are unmatched too go by what they do."""
        found: dict[str, set[Hashable]] = {name: set() for name in self.bodies}
        for way in self.machine.transitions:
            on = (way.kind, way.label, way.on, way.used_up is not None)
            if way.source in found:
                found[way.source].add(("to", on, self._neighbour(way.source, way.target)))
            if way.target in found:
                found[way.target].add(("from", on, self._neighbour(way.target, way.source)))
        if self.machine.start in found:
            found[self.machine.start].add("start")
        return {name: frozenset(ways) for name, ways in found.items()}

    def _neighbour(self, name: str, other: str) -> Hashable:
        if name == other:
            return ("itself",)
        return ("unmatched", self.calls[other]) if other in self.calls else other

    def _blank(self, value: str) -> str:
        return "" if value in self.names else value


def _by_body(bodies: Mapping[str, str], taken: Collection[str]) -> Mapping[str, Sequence[str]]:
    """Group the states that are not taken by what they do."""
    found: dict[str, list[str]] = {}
    for name, body in bodies.items():
        if name not in taken:
            found.setdefault(body, []).append(name)
    return found


def _pairs(
    before: Sequence[str], after: Sequence[str], old: Mapping[str, Place], new: Mapping[str, Place]
) -> Iterator[tuple[str, str]]:
    """Pair states that do the same: those in the same place first, then those in the likest."""
    waiting: dict[Place, list[str]] = {}
    for name in reversed(after):
        waiting.setdefault(new[name], []).append(name)
    paired: set[str] = set()
    left: list[str] = []
    for name in before:
        if waiting.get(old[name]):
            other = waiting[old[name]].pop()
            paired.add(other)
            yield name, other
        else:
            left.append(name)
    rest = [name for name in after if name not in paired]
    if len(left) * len(rest) > MOST_PAIRS:
        return
    likeness = {(a, b): _likeness(old[a], new[b]) for a in left for b in rest}
    taken: set[tuple[str, str]] = set()
    for (a, b), share in sorted(likeness.items(), key=lambda pair: -pair[1]):
        if share >= ALIKE and ("old", a) not in taken and ("new", b) not in taken:
            taken |= {("old", a), ("new", b)}
            yield a, b


def _likeness(one: Place, other: Place) -> float:
    """Give the share of ways that are the same (Jaccard's index); 0 of states with no ways at all."""
    return len(one & other) / len(one | other) if one or other else 0.0
