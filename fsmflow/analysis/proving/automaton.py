"""Policies as automata: each watches a run event by event, and tells when its rule is broken.

The patterns are those of Dwyer, Avrunin and Corbett, "Patterns in Property Specifications for
Finite-State Verification" (ICSE 1999): absence, existence, bounded existence, precedence and response,
each by itself or in the scope that they call after-until.

The events of a run are, in order: its start state is entered; then, for each transition, a state is
left, and unless it is another attempt in the same visit, the next one is entered. A state that is left
by a labelled success has two names for it, `check.grounded` and `check.success`: one event all the same.
"""

from __future__ import annotations

from collections.abc import Set

from attrs import frozen

from fsmflow.machine import Policy, Transition

BROKEN = -2
"""The state of an automaton whose rule is broken: nothing mends it."""

CLOSED = -1
"""The state of an automaton with a scope, outside of it."""

Event = frozenset[str]
"""One thing that happens, by all the names that it goes by."""


def entering(state: str) -> Event:
    """Give the event that `state` is entered."""
    return frozenset((state,))


def events(way: Transition) -> tuple[Event, ...]:
    """Give what happens, in order, when a transition is taken."""
    leaving = frozenset((f"{way.source}.{way.name}", f"{way.source}.{way.kind}"))
    return (leaving,) if way.same_visit else (leaving, entering(way.target))


@frozen
class Automaton:
    """The deterministic automaton of a policy; its states are `BROKEN`, `CLOSED`, and from 0 upward.

    Inside its scope, 0 is where each pattern begins. `always` is at 1 when its event has come, `before`
    at 1 when its first event has, `after` at 1 while it waits for its second; `at_most` counts.

    A scope opens after its first event and closes at its second, even if that never comes. Neither is
    inside. One that is open stays open when its first event comes again; an event that closes a scope
    and is also its first opens the next one. Each time it opens, the pattern begins anew.
    """

    policy: Policy

    @property
    def start(self) -> int:
        """Where it stands before the first event."""
        return 0 if self.policy.between is None else CLOSED

    @property
    def alphabet(self) -> frozenset[str]:
        """The names that it listens to; other events leave it where it stands."""
        policy = self.policy
        names = (policy.event, policy.visit, *(policy.between or ()))
        return frozenset(name for name in names if name is not None)

    def after(self, state: int, event: Set[str]) -> int:
        """Give the state after `event`."""
        if state == BROKEN:
            return BROKEN
        if self.policy.between is not None:
            opens, closes = self.policy.between
            if state == CLOSED or closes in event:
                if not self.may_end(state):
                    return BROKEN
                return 0 if opens in event else CLOSED
        return self._inside(state, event)

    def may_end(self, state: int) -> bool:
        """Tell whether the rule is kept if the run ends here, or the scope closes."""
        match self.policy.pattern:
            case "always":
                return state in (CLOSED, 1)
            case "after":
                return state in (CLOSED, 0)
        return state != BROKEN

    def is_settled(self, state: int) -> bool:
        """Tell whether nothing that may still come can break the rule."""
        return self.policy.between is None and self.policy.pattern in ("always", "before") and state == 1

    def _inside(self, state: int, event: Set[str]) -> int:
        policy = self.policy
        comes = policy.event in event
        match policy.pattern:
            case "never":
                return BROKEN if comes else state
            case "always":
                return 1 if comes else state
            case "at_most":
                assert policy.limit is not None
                if comes:
                    return state + 1 if state < policy.limit else BROKEN
                return state
            case "before":
                if policy.visit in event and state == 0:
                    return BROKEN
                return 1 if comes else state
            case "after":
                if comes:
                    return 1
                return 0 if policy.visit in event else state
