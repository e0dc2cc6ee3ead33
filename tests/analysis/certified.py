"""Certificates of counter machines, made by the prover, and what is true of what a certificate claims."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import floor
from typing import Any

from fsmflow.analysis.proving.certificate import Part, certificate
from fsmflow.analysis.proving.counter_machine import METRICS, CounterMachine, Edge, Metric
from fsmflow.analysis.proving.deciding import Terminates, decide
from fsmflow.analysis.proving.flow import bound
from fsmflow.analysis.proving.intervals import Invariant
from fsmflow.analysis.proving.maximum import maximum
from fsmflow.analysis.proving.ranking import Ranking, Stuck, rank
from fsmflow.analysis.proving.unrolling import unroll
from tests.analysis.counter_machines import NOTHING_SPENT, explore, is_well_formed, spent_after


def part_of(
    machine: CounterMachine, caps: Mapping[Metric, int] | None = None, split: tuple[int, ...] = ()
) -> Part | None:
    """Prove what there is to prove of a machine; None if that every run ends can't be ranked.

    Args:
        machine: The machine.
        caps: What a budget allows.
        split: The counters to unroll for every potential.
    """
    caps = caps or {}
    general = rank(machine)
    ends = decide(machine, limit=20_000)
    if not isinstance(ends, Terminates):
        return None
    any_caps = isinstance(general, Ranking)
    invariant = Invariant.of(machine)
    unrolled = unroll(machine, split, limit=20_000) if split else ends.machine
    ranking = rank(unrolled) if split else ends.ranking
    assert unrolled is not None
    if isinstance(ranking, Stuck):
        return None
    edges = range(len(unrolled.edges)) if split else ends.edges
    endless = machine.endless & invariant.ranges.keys()
    potentials = {
        metric: bound(unrolled, metric, edges, ranking, split or ends.split)
        for metric in METRICS
        if metric != "microseconds" or not endless
    }
    bounds: dict[Metric, tuple[int | None, int | None]] = {}
    paths: dict[Metric, tuple[int, ...]] = {}
    for metric in METRICS:
        uppers = [caps[metric]] if metric in caps else []
        lower = None
        if metric in potentials:
            uppers.append(floor(potentials[metric].bound))
            if not potentials[metric].split:
                found = maximum(potentials[metric], most=20_000)
                paths[metric], used = _affordable(machine, found.path, caps)
                lower = min(used[METRICS.index(metric)], caps.get(metric, found.lower))
        bounds[metric] = (min(uppers, default=None), lower)
    return Part(
        machine=machine,
        caps=caps,
        invariant=invariant,
        ranking=general if any_caps and isinstance(general, Ranking) else ends.ranking,
        ranked=machine if any_caps else ends.machine,
        split=() if any_caps else ends.split,
        any_caps=any_caps,
        potentials=potentials,
        bounds=bounds,
        paths=paths,
    )


def _affordable(
    machine: CounterMachine, path: Iterable[int], caps: Mapping[Metric, int]
) -> tuple[tuple[int, ...], list[int]]:
    """Give the beginning of a path that a budget has room for, and what its edges weigh."""
    begun: list[int] = []
    total, spent = [0] * len(METRICS), NOTHING_SPENT
    for number in path:
        after = spent_after(machine.edges[number], spent, caps)
        if after is None:
            break
        begun.append(number)
        spent = after
        total = [a + b for a, b in zip(total, machine.edges[number].weights, strict=True)]
    return tuple(begun), total


def certified(
    machine: CounterMachine, caps: Mapping[Metric, int] | None = None, split: tuple[int, ...] = ()
) -> dict[str, Any] | None:
    """Give the certificate of a machine, the same with its budget as without; None if not every run ends."""
    alone, capped = part_of(machine, split=split), part_of(machine, caps, split)
    if alone is None or capped is None:
        return None
    ends = "always" if alone.any_caps and 0 not in machine.caps else "for-these-caps"
    return certificate("tried", "0123456789abcdef", ends, alone, capped)


def is_true(document: dict[str, Any], limit: int = 20_000) -> bool | None:
    """Tell whether all that a certificate claims is true of its machines; None if it's too much to tell."""
    verdicts = []
    for name in ("structural", "budgeted"):
        part = document[name]
        if part is not None:
            verdicts.append(
                _is_true(part, limit, any_caps=document["terminates"] == "always" and name[0] == "s")
            )
    return None if None in verdicts else all(verdicts)


def _is_true(part: dict[str, Any], limit: int, *, any_caps: bool) -> bool | None:
    machine = _machine(part["machine"])
    if not is_well_formed(machine):
        return False
    truth, affordable = explore(machine, limit), explore(machine, limit, part["caps"])
    if truth is None or affordable is None:
        return None
    if truth.maxima is None or affordable.maxima is None or (any_caps and isinstance(rank(machine), Stuck)):
        return False
    if min(part["caps"].values(), default=0) < 0 or (any_caps and min(machine.caps, default=1) < 1):
        return False
    entered = {state for state, _ in truth.configurations}
    for most, dearest, metric in zip(truth.maxima, affordable.maxima, METRICS, strict=True):
        cap = None if metric == "transitions" else part["caps"].get(metric)
        claim = part["bounds"][metric]
        least_upper = most if cap is None else min(most, cap)
        if metric == "microseconds" and entered & machine.endless:
            least_upper = float("inf") if cap is None else cap
        if claim["upper"] is not None and claim["upper"] < least_upper:
            return False
        least_most = dearest if cap is None else min(dearest, cap)
        if bool in map(type, claim.values()):
            return False
        if claim["lower"] is not None and claim["lower"] > least_most:
            return False
    return True


def _machine(data: dict[str, Any]) -> CounterMachine:
    """Read a machine back."""
    states = {name: number for number, name in enumerate(data["states"])}
    counters = {name: number for number, name in enumerate(data["counters"])}
    return CounterMachine(
        states=tuple(states),
        start=states[data["start"]],
        counters=tuple(counters),
        caps=tuple(data["counters"].values()),
        edges=tuple(
            Edge(
                states[source],
                states[target],
                tuple(sorted((counters[c], lo, hi) for c, (lo, hi) in guards.items())),
                tuple(counters[c] for c in increments),
                tuple(counters[c] for c in resets),
                tuple(weights),
            )
            for source, target, guards, increments, resets, weights, _ in data["edges"]
        ),
        endless=frozenset(states[name] for name in data["endless"]),
    )
