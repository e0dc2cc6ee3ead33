"""What is set aside for the reserve region, so that its states can always be afforded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fsmflow import machine as ir
from fsmflow.machine import Backoff, Counter, Resources, Transition


def reserve(
    states: Mapping[str, ir.State], transitions: Iterable[Transition], counters: Mapping[str, Counter]
) -> Resources:
    """Give the worst-case use of the reserve region, from its dearest entry.

    The region is free of loops, so a state's worst case is that of its own visit and the greatest
    of its successors', resource by resource (longest path in a directed acyclic graph).
    """
    ways: dict[str, list[Transition]] = {n: [] for n, s in states.items() if getattr(s, "reserve", False)}
    for transition in transitions:
        if transition.source in ways:
            ways[transition.source].append(transition)
    worst: dict[str, Resources] = {}
    for name in _bottom_up(ways):
        after = Resources()
        for way in ways[name]:
            after = after.joined(worst.get(way.target, Resources()))
        worst[name] = _visit(states[name], ways[name], counters) + after
    total = Resources()
    for found in worst.values():
        total = total.joined(found)
    return total


def _visit(state: ir.State, ways: Iterable[Transition], counters: Mapping[str, Counter]) -> Resources:
    """Give the worst case of one visit to `state`: every retry and re-ask, every pause at its longest."""
    match state:
        case ir.Wait():
            return Resources(time_us=state.duration_us)
        case ir.Work():
            again = [way for way in ways if way.same_visit]
            attempts = 1 + sum(counters[way.below[0]].cap for way in again if way.below)
            # Children may take no time at all, and an attempt needs a microsecond to begin.
            time_us = 0 if state.timeout_us is None else max(1, state.timeout_us)
            once = state.cost + Resources(steps=1, time_us=time_us)
            pauses = sum(longest_pauses(w.pause, counters[w.below[0]].cap) for w in again if w.pause)
            return once.scaled(attempts) + Resources(time_us=pauses)
    return Resources()


def longest_pauses(backoff: Backoff, times: int) -> int:
    """Give the longest that `times` pauses can take together, in microseconds.

    A server's Retry-After may ask for the cap each time; otherwise each pause is at most its level.
    """
    if backoff.retry_after:
        return backoff.cap_us * times
    total, level = 0, float(backoff.first_us)
    for k in range(times):
        if level >= backoff.cap_us or backoff.factor == 1:
            return total + int(min(level, backoff.cap_us)) * (times - k)
        total += int(level)
        level *= backoff.factor
    return total


def _bottom_up(ways: Mapping[str, list[Transition]]) -> list[str]:
    """Order the region's states so that successors come first; a loop is cut where it closes."""
    order: list[str] = []
    seen: set[str] = set()
    for root in ways:
        stack = [(root, iter(ways[root]))] if root not in seen else []
        seen.add(root)
        while stack:
            name, rest = stack[-1]
            way = next(rest, None)
            if way is None:
                order.append(name)
                stack.pop()
            elif way.target in ways and way.target not in seen:
                seen.add(way.target)
                stack.append((way.target, iter(ways[way.target])))
    return order
