"""What policies mean, said directly of a finite list of events, without any automaton."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from random import Random

from fsmflow.machine import Policy, Transition

Events = Sequence[frozenset[str]]

PATTERNS = ("never", "always", "at_most", "before", "after")


def events_of(start: str, ways: Iterable[Transition]) -> list[frozenset[str]]:
    """Give what happens in a run, or in a beginning of one."""
    return [frozenset({start}), *(events for way in ways for events in events_on(way))]


def events_on(way: Transition) -> list[frozenset[str]]:
    """Give what happens on one transition."""
    left = {f"{way.source}.{way.kind}"}
    if way.kind == "success" and way.label is not None:
        left.add(f"{way.source}.{way.label}")
    return [frozenset(left), *([] if way.same_visit else [frozenset({way.target})])]


def is_broken(policy: Policy, events: Events, *, ended: bool) -> bool:
    """Tell whether a run breaks `policy`, or has broken it already if it has not ended."""
    return any(not _keeps(policy, part, whole=whole) for part, whole in _parts(policy, events, ended=ended))


def _parts(policy: Policy, events: Events, *, ended: bool) -> Iterator[tuple[Events, bool]]:
    """Give the stretches in which the policy holds, and whether each is over."""
    if policy.between is None:
        yield events, ended
        return
    opens, closes = policy.between
    at = 0
    while True:
        first = next((i for i in range(at, len(events)) if opens in events[i]), None)
        if first is None:
            return
        last = next((i for i in range(first + 1, len(events)) if closes in events[i]), None)
        if last is None:
            yield events[first + 1 :], ended
            return
        yield events[first + 1 : last], True
        at = last


def _keeps(policy: Policy, events: Events, *, whole: bool) -> bool:
    places = [i for i, names in enumerate(events) if policy.event in names]
    visits = [i for i, names in enumerate(events) if policy.visit in names]
    match policy.pattern:
        case "never":
            return not places
        case "always":
            return bool(places) or not whole
        case "at_most":
            return len(places) <= (policy.limit or 0)
        case "before":
            return all(any(place < visit for place in places) for visit in visits)
        case "after":
            return not whole or all(any(visit > place for visit in visits) for place in places)


def drawn(random: Random, names: Sequence[str], pattern: str, *, scoped: bool) -> Policy:
    """Draw a policy over events."""
    between = (random.choice(names), random.choice(names)) if scoped else None
    event, visit = random.choice(names), random.choice(names)
    match pattern:
        case "at_most":
            return Policy(pattern="at_most", event=event, limit=random.randint(1, 3), between=between)
        case "before":
            return Policy(pattern="before", event=event, visit=visit, between=between)
        case "after":
            return Policy(pattern="after", event=event, visit=visit, between=between)
        case "never":
            return Policy(pattern="never", event=event, between=between)
    return Policy(pattern="always", event=event, between=between)
