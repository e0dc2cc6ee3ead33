"""States and values that are misspelt where they are named first: everything else says another name.

Told at each place that says it, one slip would be many faults, each with a hint to repeat it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from attrs import frozen

from fsmflow import spec
from fsmflow.analysis.mentions import events, targets
from fsmflow.analysis.reads import Reads, givers
from fsmflow.source import Route

LEAST_PLACES = 2
"""From how many places on a name that is none is taken at its word; one alone is a slip of its own."""

MOST_UNREAD = 20_000
"""How many pairs of names are compared at most to find what a value that nothing reads is meant to be."""


@frozen
class Misspelt:
    """A name as it was given, which nothing mentions, and one near to it that is mentioned and is none.

    Attributes:
        given: The name as it was given.
        route: Where.
        meant: The name that is mentioned.
        places: Where that is.
        is_state: Whether states are meant, and not only the value of one.
    """

    given: str
    route: Route
    meant: str
    places: tuple[Route, ...]
    is_state: bool


def misspelt(
    workflow: spec.Workflow, reads: Reads, nearest: Callable[[str, Collection[str]], str | None]
) -> Mapping[str, Misspelt]:
    """Give what is misspelt where it is named first, by the name that is meant."""
    states, values = workflow.states, givers(workflow)
    named, read = _places(_of_states(workflow)), _places((r.reference.root, r.route) for r in reads.reads)
    mentioned = {*named, *read}
    states_free = [name for name in states if name not in mentioned]
    both_free = [name for name in states_free if name in values]
    aliases = {value: of[0] for value, of in values.items() if value not in states and value not in read}
    found: dict[str, Misspelt] = {}
    for meant in dict.fromkeys([*named, *read]):
        if meant in states or meant in values or meant in ("input", "error", "item"):
            continue
        places = (*named.get(meant, ()), *read.get(meant, ()))
        if len(places) < LEAST_PLACES:
            continue
        # Of what gives its value by another name, only a state can be meant.
        free = states_free if meant not in read else both_free if meant in named else [*both_free, *aliases]
        given = nearest(meant, free)
        if given is None:
            continue
        route: Route = ("states", aliases.pop(given), "as") if given in aliases else ("states", given)
        for names in (states_free, both_free):
            if given in names:
                names.remove(given)
        found[meant] = Misspelt(given, route, meant, places, meant in named)
    return found


def unread(
    workflow: spec.Workflow,
    reads: Reads,
    nearest: Callable[[str, Collection[str]], str | None],
    declared: Callable[[spec.State], object],
) -> Mapping[str, str]:
    """Give the states whose value nothing reads, by a name that is near to that of another, with that name.

    The other is one of the same type that is read, so that both may well be meant to be one.
    """
    read, values = {each.reference.root for each in reads.reads}, givers(workflow)
    kinds: dict[object, list[str]] = {}
    for value in (value for value in values if value in read):
        kinds.setdefault(declared(workflow.states[values[value][0]]), []).append(value)
    found = {}
    for value, (state, *others) in values.items():
        if value in read or value == state or others:
            continue
        meant = nearest(value, kinds.get(declared(workflow.states[state]), ()))
        # Who numbers names means each of them.
        if meant is not None and _unnumbered(meant) != _unnumbered(value):
            found[state] = meant
    return found


def _unnumbered(name: str) -> str:
    return "".join(c for c in name if not c.isdigit()).rstrip("_")


def _of_states(workflow: spec.Workflow) -> Iterator[tuple[str, Route]]:
    """Give each name of a state that edges, policies and profiles mention."""
    yield from targets(workflow)
    for index, policy in enumerate(workflow.policies):
        for event, route in events(policy, ("policies", index)):
            yield event.partition(".")[0], route
    for profile, steps in workflow.profiles.items():
        for name in steps:
            yield name, ("profiles", profile, name)


def _places(mentions: Iterator[tuple[str, Route]]) -> Mapping[str, list[Route]]:
    found: dict[str, list[Route]] = {}
    for name, route in mentions:
        found.setdefault(name, []).append(route)
    return found
