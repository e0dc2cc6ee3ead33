"""Check certificates of fsmflow, trusting nothing but this file: python verify.py FILE...

A certificate holds counter machines and claims about their runs: that they end, and the least and most
that they use. A claim is accepted only if it follows from its machine by the evidence beside it.
"""

import gc
import json
import sys
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from math import lcm
from pathlib import Path
from typing import Any

METRICS = ["transitions", "steps", "tool_calls", "tokens", "micro_usd", "microseconds"]
ALL: frozenset[Any] = frozenset([None])  # the region that every state is in
MOST = 1_000_000  # states of an unrolled machine, and turns of a path: more would be meant to hang
WRONG = (ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError)
Edge = tuple[str, str, str, dict[str, Any], set[str], set[str], list[int]]


class Rejected(Exception):
    """It is no certificate, or it claims something that does not follow."""


def _need(holds: object, fault: str) -> None:
    if not holds:
        raise Rejected(fault)


def read(path: str) -> Any:
    """Read a file; raise `Rejected` if it is not JSON of whole numbers that says nothing twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        _need(len(dict(pairs)) == len(pairs), "a name stands twice in one object")
        return dict(pairs)

    def refused(number: str) -> None:
        _need(False, f"{number} is not a whole number")

    try:
        text = Path(path).read_text("utf-8")
        return json.loads(text, object_pairs_hook=once, parse_float=refused, parse_constant=refused)
    except WRONG as error:
        raise Rejected(f"cannot be read: {error}") from error


def verify(certificate: dict[str, Any]) -> None:
    """Raise `Rejected` unless every claim follows."""
    try:
        ends, structural = certificate["terminates"], certificate["structural"]
        _need(certificate["schema"] == "fsmflow.certificate/1", "another schema")
        _need(certificate["workflow"].isidentifier() and certificate["digest"].isalnum(), "an odd name")
        ways = ["by-budget-only"]
        if structural is not None:
            ways = ["for-these-caps", *["always"] * structural["ranking"]["any_caps"]]
            _need(structural["caps"] == {}, "caps without a budget")
            _Part(structural).check()
        _need(ends in ways, f"it is not shown to end {ends}")
        _Part(certificate["budgeted"]).check()
    except WRONG as error:
        raise Rejected(f"malformed: {error!r}") from error


class _Part:
    def __init__(self, part: dict[str, Any]) -> None:
        self.part, machine, ranges = part, part["machine"], part["invariant"]
        self.start, self.caps, states = machine["start"], machine["counters"], {*machine["states"]}
        _need(self.start in states and "|" not in "".join(states), "odd names of states")
        _need(len(states) == len(machine["states"]), "a state stands twice")
        _need(machine["metrics"] == METRICS and states >= {*machine["endless"]}, "odd metrics, or endless")
        _need(all(lo <= 0 <= hi for lo, hi in ranges[self.start].values()), "the start is not entered")
        self.edges: list[Edge] = []
        self.left: list[Edge] = []  # what the invariant leaves, with its ranges among the guards
        for number, (u, w, guards, more, resets, weights, label) in enumerate(machine["edges"]):
            name = f"edge {number} ({u} to {w}, {label})"
            known = {u, w} <= states and self.caps.keys() >= {*guards, *more, *resets}
            _need(known and len({*more}) == len(more), f"{name}: unknown names, or one twice")
            _need(
                all(lo >= 0 and hi <= self.caps[c] for c, (lo, hi) in guards.items()), f"{name}: an odd guard"
            )
            _need(
                all(c in guards and guards[c][1] < self.caps[c] for c in more), f"{name}: counts past a cap"
            )
            _need(len(weights) == 6 and min(weights) >= 0, f"{name}: odd weights")
            self.edges.append((name, u, w, guards, {*more}, {*resets}, weights))
            box = dict(ranges.get(u, {}))
            for c, (lo, hi) in guards.items():
                least, most = box.get(c, (lo, hi))
                box[c] = max(lo, least), min(hi, most)
            if u in ranges and all(box[c][0] <= box[c][1] for c in guards):
                _need(w in ranges, f"{name}: enters what the invariant excludes")
                for c, (least, most) in ranges.get(w, {}).items():
                    lo, hi = box.get(c, (0, self.caps[c]))
                    lo, hi = (0, 0) if c in resets else (lo + (c in more), hi + (c in more))
                    _need(least <= lo and hi <= most, f"{name}: breaks the invariant of {c}")
                self.left.append((name, u, w, box, {*more}, {*resets}, weights))

    def check(self) -> None:
        self._ranked(**self.part["ranking"])
        budget, totals = self.part["caps"], list(map(self._replayed, self.part["witnesses"]))
        _need({*METRICS[1:]} >= budget.keys(), "a cap that no budget has")
        endless = self.part["invariant"].keys() & {*self.part["machine"]["endless"]}
        for number, metric in enumerate(METRICS):
            claim, most = self.part["bounds"][metric], [budget[metric]] if metric in budget else []
            lower, upper = claim["lower"], claim["upper"]
            if metric in self.part["potentials"]:
                _need(number < 5 or not endless, "an attempt may take any time")
                most = [*most, self._weighed(number, **self.part["potentials"][metric])]
            _need(upper is None or (most and upper >= min(most)), f"{metric}: may pass {upper}")
            if lower is not None:
                reached = min(totals[claim["witness"]][number], budget.get(metric, lower))
                _need(lower <= reached and (upper is None or lower <= upper), f"{metric}: not {lower}")

    # Explore from the start, with the values of some counters in the names of the states.
    def _unrolled(self, edges: list[Edge], split: list[str]) -> Iterator[Edge]:
        leaving: dict[str, list[Edge]] = {}
        for edge in edges:
            leaving.setdefault(edge[1], []).append(edge)
        pending = [(self.start, self.start + "".join(f"|{c}=0" for c in split), dict.fromkeys(split, 0))]
        seen = {pending[0][1]}
        for state, source, now in pending:
            for name, _, w, box, more, resets, weights in leaving.get(state, ()):
                if all(box[c][0] <= v <= box[c][1] for c, v in now.items() if c in box):
                    after = {c: 0 if c in resets else v + (c in more) for c, v in now.items()}
                    target = w + "".join(f"|{c}={v}" for c, v in after.items())
                    if target not in seen:
                        seen.add(target)
                        pending.append((w, target, after))
                        _need(len(seen) <= MOST, "too large when unrolled")
                    yield (
                        name,
                        source,
                        target,
                        {**box, **{c: (v, v) for c, v in now.items()}},
                        more,
                        resets,
                        weights,
                    )

    # The first change along each edge is a fall: of a place, or of what is left to a region's counters.
    def _ranked(self, split: list[str], any_caps: bool, rank: dict[str, Any], regions: list[Any]) -> None:
        sets = [set(region) for region in regions]
        found = self._unrolled(self.edges, []) if any_caps else self._unrolled(self.left, split)
        for name, u, w, _, more, resets, _ in found:
            for at, (a, b) in enumerate(zip(rank[u], rank[w], strict=False)):
                region = sets[a] if at % 2 else set()
                _need(a == b and not region & resets if at % 2 else a >= b, f"{name}: the rank may rise")
                if a > b or region & more:
                    break
            else:
                raise Rejected(f"{name}: the rank does not fall")

    # The potential falls along each edge by its weight at least. Gives it at the start, rounded down.
    def _weighed(self, metric: int, split: list[str], phi: dict[str, str], terms: list[Any]) -> int:
        texts = {"0", *phi.values(), *(term["price"] for term in terms)}
        _need(all(text.replace("/", "", 1).isdecimal() for text in texts), "an odd price")
        scale = lcm(*(Fraction(text).denominator for text in texts))
        scaled = {text: int(Fraction(text) * scale) for text in texts}
        rows: dict[str, list[Any]] = {c: [] for c in self.caps}
        moved: dict[Any, set[str]] = {None: set()}
        inside: dict[str, frozenset[Any]] = {}
        for term in terms:
            c, lo, hi, region = (term[key] for key in ("counter", "lo", "hi", "region"))
            _need(lo <= hi, "a term of no levels")
            rows[c].append((region, {"behind": 0, "ahead": 1}[term["kind"]], lo, hi, scaled[term["price"]]))
            moved.setdefault(region, set()).add(c)
        for region in moved.keys() - ALL:
            inside |= {state: inside.get(state, ALL) | {region} for state in self.part["regions"][region]}
        areas = {c: frozenset(row[0] for row in priced) for c, priced in rows.items() if priced}

        @cache
        def worth(c: str, v: int, where: frozenset[Any]) -> int:
            there = [row[1:] for row in rows[c] if row[0] in where]
            return sum(p * max(0, min(hi - lo + up, hi + 1 - v if up else v - lo)) for up, lo, hi, p in there)

        @cache
        def least(c: str, here: Any, there: Any, lo: int, hi: int, up: int, reset: bool) -> int:
            bends = {x + d for row in rows[c] for x in row[2:4] for d in (-1, 0, 1) if lo < x + d < hi}
            return min(worth(c, v, here) - worth(c, 0 if reset else v + up, there) for v in {lo, hi, *bends})

        found = self._unrolled(self.left, split) if split else self.left
        for name, u, w, box, more, resets, weights in found:
            here, there = inside.get(u, ALL), inside.get(w, ALL)
            fall = scaled[phi.get(u, "0")] - scaled[phi.get(w, "0")] - scale * weights[metric]
            for c in areas.keys() & (more | resets).union(*(moved[region] for region in here ^ there)):
                lo, hi = box.get(c, (0, self.caps[c]))
                fall += least(c, here & areas[c], there & areas[c], lo, hi, c in more, c in resets)
            _need(fall >= 0, f"{name}: the potential of {METRICS[metric]} falls by less than the weight")
        first = self.start + "".join(f"|{c}=0" for c in dict.fromkeys(split))
        inner = inside.get(first, ALL)
        return (scaled[phi.get(first, "0")] + sum(worth(c, 0, inner) for c in areas)) // scale

    def _replayed(self, path: list[list[int]]) -> list[int]:
        state, values, total = self.start, dict.fromkeys(self.caps, 0), [0] * 6
        for number, times in path:
            name, u, w, guards, more, resets, weights = self.edges[number]
            _need(0 < times <= MOST, "an odd path")
            for _ in range(times):
                enabled = all(lo <= values[c] <= hi for c, (lo, hi) in guards.items())
                _need(u == state and enabled, f"{name}: a witness cannot take it")
                values |= {**{c: values[c] + 1 for c in more}, **dict.fromkeys(resets, 0)}
                state, total = w, [a + b for a, b in zip(total, weights, strict=True)]
        return total


if __name__ == "__main__":
    gc.disable()  # there are no cycles, and much to look through for them
    for argument in sys.argv[1:]:
        try:
            verify(claims := read(argument))
        except Rejected as fault:
            sys.exit(f"{argument}: {fault}")
        sys.stdout.write(f"{claims['workflow']}: terminates {claims['terminates']}\n")
        for part in filter(claims.get, ("structural", "budgeted")):
            for metric, claim in claims[part]["bounds"].items():
                within = f"{metric} from {claim['lower']} to {claim['upper']}"
                sys.stdout.write(f"{claims['workflow']}, {part}: {within}\n")
