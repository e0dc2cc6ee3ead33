"""Certificates: what is proved of a machine and why, in a file that `verify.py` checks by itself."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from itertools import groupby
from math import floor
from typing import Any

from attrs import define, field, frozen

from fsmflow.analysis.proving.counter_machine import METRICS, CounterMachine, Metric
from fsmflow.analysis.proving.intervals import Invariant
from fsmflow.analysis.proving.potential import Potential
from fsmflow.analysis.proving.ranking import Ranking

SCHEMA = "fsmflow.certificate/1"


@frozen
class Part:
    """What is proved of one counter machine.

    Attributes:
        machine: The counter machine.
        caps: What the budget allows a run to use, whatever happens; empty without a budget.
        invariant: Which of its edges may fire.
        ranking: Why every run ends.
        ranked: The machine whose states the ranking speaks of: unrolled, if `split` is not empty.
        split: The counters that were unrolled for that, by number.
        any_caps: Whether the ranking holds of every edge, whatever the guards say.
        potentials: Why no run uses more.
        bounds: The most, and the least most, that a run uses; None where it is not known.
        paths: The edges of a run that uses the lower bound.
    """

    machine: CounterMachine
    caps: Mapping[Metric, int]
    invariant: Invariant
    ranking: Ranking
    ranked: CounterMachine
    split: tuple[int, ...]
    any_caps: bool
    potentials: Mapping[Metric, Potential]
    bounds: Mapping[Metric, tuple[int | None, int | None]]
    paths: Mapping[Metric, tuple[int, ...]]


def certificate(
    name: str, digest: str, terminates: str, structural: Part | None, budgeted: Part
) -> dict[str, Any]:
    """Make the certificate of a machine.

    A bound that the evidence does not come up to is given as the evidence has it: an upper one where a
    search found less, and a lower one where an attempt may take any time.

    Args:
        name: The workflow's name.
        digest: The digest of its machine.
        terminates: `always`, `for-these-caps` or `by-budget-only`.
        structural: What is proved without the budget; None if only the budget ends every run.
        budgeted: What is proved under the budget.
    """
    return {
        "schema": SCHEMA,
        "workflow": name,
        "digest": digest,
        "terminates": terminates,
        "structural": None if structural is None else _part(structural),
        "budgeted": _part(budgeted),
    }


def _part(part: Part) -> dict[str, Any]:
    tables = _Tables()
    bounds = {metric: _bound(part, metric, tables) for metric in METRICS}
    potentials = {metric: _potential(part.potentials[metric], tables) for metric in sorted(part.potentials)}
    return {
        "machine": _machine(part.machine),
        "caps": {metric: part.caps[metric] for metric in METRICS if metric in part.caps},
        "invariant": _invariant(part.machine, part.invariant),
        "ranking": _ranking(part),
        "regions": [sorted(region) for region in tables.regions],
        "potentials": potentials,
        "bounds": bounds,
        "witnesses": [[[edge, len(list(same))] for edge, same in groupby(path)] for path in tables.paths],
    }


@define
class _Tables:
    """What is written once and referred to by number."""

    regions: dict[frozenset[str], int] = field(factory=dict)
    paths: dict[tuple[int, ...], int] = field(factory=dict)


def _machine(machine: CounterMachine) -> dict[str, Any]:
    names, counters = machine.states, machine.counters
    return {
        "start": names[machine.start],
        "states": list(names),
        "counters": dict(zip(counters, machine.caps, strict=True)),
        "metrics": list(METRICS),
        "endless": [names[state] for state in sorted(machine.endless)],
        "edges": [
            [
                names[edge.source],
                names[edge.target],
                {counters[c]: [lo, hi] for c, lo, hi in edge.guards},
                [counters[c] for c in edge.increments],
                [counters[c] for c in edge.resets],
                list(edge.weights),
                edge.label,
            ]
            for edge in machine.edges
        ],
    }


def _bound(part: Part, metric: Metric, tables: _Tables) -> dict[str, Any]:
    upper, lower = part.bounds[metric]
    shown = [part.caps[metric]] if metric in part.caps else []
    if metric in part.potentials:
        shown.append(floor(part.potentials[metric].bound))
    if upper is not None:
        upper = max(upper, min(shown)) if shown else None
    path = part.paths.get(metric)
    if lower is None or path is None:
        return {"upper": upper, "lower": None, "witness": None}
    index = METRICS.index(metric)
    lower = min(lower, sum(part.machine.edges[number].weights[index] for number in path))
    return {"upper": upper, "lower": lower, "witness": tables.paths.setdefault(path, len(tables.paths))}


def _ranking(part: Part) -> dict[str, Any]:
    ranking, names, counters = part.ranking, part.ranked.states, part.machine.counters
    return {
        "split": [counters[c] for c in part.split],
        "any_caps": part.any_caps,
        "rank": {names[state]: list(rank) for state, rank in sorted(ranking.rank.items())},
        "regions": [sorted(counters[c] for c in region) for region in ranking.regions],
    }


def _potential(potential: Potential, tables: _Tables) -> dict[str, Any]:
    machine = potential.machine
    terms = [
        {
            "kind": term.kind,
            "counter": machine.counters[term.counter],
            "lo": term.lo,
            "hi": term.hi,
            "region": _region(term.region, machine, tables),
            "price": str(term.price),
        }
        for term in potential.terms
        if term.price
    ]
    return {
        "split": [machine.counters[c] for c in potential.split],
        "phi": {machine.states[s]: str(p) for s, p in sorted(potential.phi.items()) if p},
        "terms": terms,
    }


def _region(region: Collection[int] | None, machine: CounterMachine, tables: _Tables) -> int | None:
    if region is None:
        return None
    return tables.regions.setdefault(
        frozenset(machine.states[state] for state in region), len(tables.regions)
    )


def _invariant(machine: CounterMachine, invariant: Invariant) -> dict[str, Any]:
    """Give the states that are entered, each with the ranges that are needed to show which edges cannot fire.

    A range is needed where it excludes an edge, and where another that is needed rests on it.
    """
    arriving: dict[int, list[int]] = {}
    for number in invariant.edges:
        arriving.setdefault(machine.edges[number].target, []).append(number)
    needed: dict[int, set[int]] = {state: set() for state in invariant.ranges}
    pending = list(_exclusions(machine, invariant))
    while pending:
        state, counter = pending.pop()
        ranges = invariant.ranges[state]
        if counter in needed[state] or counter not in ranges:
            continue
        needed[state].add(counter)
        least, most = ranges[counter]
        for number in arriving.get(state, ()):
            edge = machine.edges[number]
            if counter in edge.resets:
                continue
            lo, hi = next(((a, b) for c, a, b in edge.guards if c == counter), (0, machine.caps[counter]))
            up = counter in edge.increments
            if lo + up < least or hi + up > most:
                pending.append((edge.source, counter))
    names = machine.counters
    return {
        machine.states[state]: {names[c]: list(invariant.ranges[state][c]) for c in sorted(needed[state])}
        for state in sorted(needed)
    }


def _exclusions(machine: CounterMachine, invariant: Invariant) -> Iterator[tuple[int, int]]:
    """Give, for each edge that cannot fire, a state and the counter whose range there excludes it."""
    firing = set(invariant.edges)
    for state, ranges in invariant.ranges.items():
        for number in machine.outgoing[state]:
            for counter, lo, hi in () if number in firing else machine.edges[number].guards:
                if counter in ranges and max(lo, ranges[counter][0]) > min(hi, ranges[counter][1]):
                    yield state, counter
                    break


# How many levels of each entry are laid out, an item a line; what lies deeper stands on its item's line.
_PART: Mapping[str, Any] = {
    "machine": 2,
    "caps": 1,
    "invariant": 1,
    "ranking": 2,
    "regions": 1,
    "potentials": 3,
    "bounds": 1,
    "witnesses": 1,
}
_WHOLE: Mapping[str, Any] = {"structural": _PART, "budgeted": _PART}


def written(certificate: Mapping[str, Any]) -> bytes:
    """Write a certificate as JSON in ASCII, with an edge, a state or a term a line."""
    return (_text(certificate, _WHOLE, "") + "\n").encode("ascii")


def _text(value: Any, levels: Mapping[str, Any] | int, indent: str) -> str:
    if not levels or not value or not isinstance(value, dict | list):
        return json.dumps(value)
    within = indent + " "
    if isinstance(value, list):
        assert isinstance(levels, int)
        items = [_text(item, levels - 1, within) for item in value]
    else:
        items = [
            f"{json.dumps(key)}: "
            + _text(item, levels - 1 if isinstance(levels, int) else levels.get(key, 0), within)
            for key, item in value.items()
        ]
    opening, closing = "[]" if isinstance(value, list) else "{}"
    return f"{opening}\n{within}" + f",\n{within}".join(items) + f"\n{indent}{closing}"
