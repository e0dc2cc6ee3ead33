"""Check certificates of fsmflow, trusting nothing but this file: python verify.py FILE...

A certificate holds counter machines and claims about their runs: that they end, and the least and most
that they use. A claim is accepted only if it follows from its machine by the evidence beside it.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cache
from math import lcm
from pathlib import Path
from typing import Any

METRICS = ["transitions", "steps", "tool_calls", "tokens", "micro_usd", "microseconds"]
LARGEST = 1_000_000  # states unrolled, and turns of a path: whoever asks for more wants this to hang
ALL: frozenset[Any] = frozenset([None])  # the region that every state is in
Edge = tuple[str, str, str, dict[str, Any], set[str], set[str], list[int]]
WRONG = (ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError)


class Rejected(Exception):
    """It is no certificate, or it claims something that does not follow."""


def _need(holds: object, fault: str) -> bool:
    if not holds:
        raise Rejected(fault)
    return True


def _named(state: str, values: dict[str, int]) -> str:
    return state + "".join(f"|{c}={v}" for c, v in values.items())


def read(path: str) -> Any:
    """Read a file; raise `Rejected` if it is not JSON of whole numbers that says nothing twice."""
    names = ("parse_float", "parse_constant")
    hooks: dict[str, Any] = dict.fromkeys(names, lambda text: _need(False, f"{text} is not a whole number"))
    hooks["object_pairs_hook"] = lambda them: (
        _need(len(dict(them)) == len(them), "a name twice") and dict(them)
    )
    try:
        return json.loads(Path(path).read_text("utf-8"), **hooks)
    except WRONG as error:
        raise Rejected(f"cannot be read: {error}") from error


def verify(certificate: dict[str, Any]) -> None:
    """Raise `Rejected` unless every claim follows."""
    try:
        ends, structural = certificate["terminates"], certificate["structural"]
        _need(certificate["schema"] == "fsmflow.certificate/1", "another schema")
        _need(certificate["workflow"].isidentifier() and certificate["digest"].isalnum(), "an odd name")
        if ends == "by-budget-only":
            _need(structural is None, "it ends without its budget, too")
        else:
            ways = ("for-these-caps", *["always"] * (structural["ranking"]["any_caps"] is True))
            _need(ends in ways, f"it is not shown to end {ends}")
            _need(structural["caps"] == {}, "caps without a budget")
            _Part(structural).check()
        _Part(certificate["budgeted"]).check()
    except WRONG as error:
        raise Rejected(f"malformed: {error!r}") from error


class _Part:
    def __init__(self, part: dict[str, Any]) -> None:
        self.part, machine, self.ranges = part, part["machine"], part["invariant"]
        self.start, self.caps, states = machine["start"], machine["counters"], {*machine["states"]}
        _need(self.start in states and not any("|" in state for state in states), "odd names of states")
        _need(machine["metrics"] == METRICS and states >= {*machine["endless"]}, "odd metrics, or endless")
        self.edges: list[Edge] = []
        self.known: dict[str, list[Edge]] = {}
        for number, (u, w, guards, more, resets, weights, label) in enumerate(machine["edges"]):
            name = f"edge {number} ({u} to {w}, {label})"
            known = {u, w} <= states and self.caps.keys() >= {*guards, *more, *resets}
            _need(known and len({*more}) == len(more), f"{name}: unknown names, or one twice")
            _need(
                all(lo >= 0 and hi <= self.caps[c] for c, (lo, hi) in guards.items()), f"{name}: odd guards"
            )
            _need(all(c in guards and guards[c][1] < self.caps[c] for c in more), f"{name}: passes a cap")
            _need(len(weights) == 6 and min(weights) >= 0, f"{name}: odd weights")
            self.edges.append((name, u, w, guards, {*more}, {*resets}, weights))

    def check(self) -> None:
        self._reached([])
        self._ranked(**self.part["ranking"])
        most, totals = self.part["caps"], list(map(self._replayed, self.part["witnesses"]))
        for number, metric in enumerate(METRICS):
            claim, proved = self.part["bounds"][metric], [most[metric]] if metric in most else []
            if metric in self.part["potentials"]:
                endless = self.ranges.keys() & {*self.part["machine"]["endless"]}
                _need(number < 5 or not endless, "an attempt may take any time")
                proved.append(self._weighed(number, **self.part["potentials"][metric]))
            lower, upper = claim["lower"], claim["upper"]
            _need(upper is None or (proved and upper >= min(proved)), f"{metric}: may pass {upper}")
            if lower is not None:
                _need(0 <= lower <= (lower if upper is None else upper), f"{metric}: the bounds cross")
                reached = min(totals[claim["witness"]][number], most.get(metric, lower))
                _need(lower <= reached, f"{metric}: no witness reaches {lower}")

    def _unrolled(self, split: list[str]) -> Iterator[Edge]:
        """Explore from the start, with the exact values of some counters in the names of the states."""
        leaving: dict[str, list[Edge]] = {}
        for edge in self.edges:
            leaving.setdefault(edge[1], []).append(edge)
        pending = [(self.start, dict.fromkeys(split, 0))]
        seen = {_named(*pending[0])}
        for u, values in pending:
            exact = {c: (v, v) for c, v in values.items()}
            for name, _, w, box, more, resets, weights in leaving.get(u, ()):
                if all(box[c][0] <= v <= box[c][1] for c, v in values.items() if c in box):
                    after = {c: 0 if c in resets else v + (c in more) for c, v in values.items()}
                    if _named(w, after) not in seen:
                        pending.append((w, after))
                        seen.add(_named(w, after))
                        _need(len(seen) <= LARGEST, "too large when unrolled")
                    yield name, _named(u, values), _named(w, after), {**box, **exact}, more, resets, weights

    def _reached(self, split: list[str]) -> list[Edge]:
        """Check that all edges keep the invariant; give those that it leaves, with its ranges as guards."""
        first = _named(self.start, dict.fromkeys(split, 0))
        if first not in self.known:
            self.known[first] = list(self._kept(self._unrolled(split)))
            _need(all(lo <= 0 <= hi for lo, hi in self.ranges[first].values()), "the start is not entered")
        return self.known[first]

    def _kept(self, edges: Iterable[Edge]) -> Iterator[Edge]:
        for name, u, w, guards, more, resets, weights in edges:
            box = dict(self.ranges.get(u, {}))
            for c, (lo, hi) in guards.items():
                least, most = box.get(c, (lo, hi))
                box[c] = max(lo, least), min(hi, most)
            if u in self.ranges and all(box[c][0] <= box[c][1] for c in guards):
                _need(w in self.ranges, f"{name}: enters what the invariant excludes")
                for c, (least, most) in self.ranges[w].items():
                    lo, hi = (0, 0) if c in resets else box.get(c, (0, self.caps[c]))
                    up = c in more and c not in resets
                    _need(least <= lo + up and hi + up <= most, f"{name}: breaks the invariant of {c}")
                yield name, u, w, box, more, resets, weights

    def _ranked(self, split: list[str], any_caps: bool, rank: dict[str, Any], regions: list[Any]) -> None:
        sets = [set(region) for region in regions]
        for name, u, w, _, more, resets, _ in self._unrolled([]) if any_caps else self._reached(split):
            for at, (a, b) in enumerate(zip(rank[u], rank[w], strict=False)):
                counted = sets[a] if at % 2 else set()
                _need(a == b and not counted & resets if at % 2 else a >= b, f"{name}: the rank may rise")
                if a > b or counted & more:
                    break
            else:
                raise Rejected(f"{name}: the rank does not fall")

    def _weighed(self, metric: int, split: list[str], phi: dict[str, str], terms: list[Any]) -> int:
        texts = {"0", *phi.values(), *(term["price"] for term in terms)}
        _need(all(text.replace("/", "", 1).isdecimal() for text in texts), "not a price n/d")
        scale = lcm(*(Fraction(text).denominator for text in texts))
        scaled = {text: int(Fraction(text) * scale) for text in texts}
        inside: dict[str, frozenset[Any]] = {}
        crossed: dict[Any, set[str]] = {}
        priced: dict[str, list[Any]] = {}
        for term in terms:
            c, region, lo, hi = (term[key] for key in ("counter", "region", "lo", "hi"))
            _need(lo <= hi and c in self.caps and term["kind"] in ("ahead", "behind"), "an odd term")
            priced.setdefault(c, []).append((region, term["kind"] == "ahead", lo, hi, scaled[term["price"]]))
            crossed.setdefault(region, set()).add(c)
        areas = {c: frozenset(row[0] for row in rows) for c, rows in priced.items()}
        for region in crossed.keys() - ALL:
            inside.update({s: inside.get(s, ALL) | {region} for s in self.part["regions"][region]})

        @cache
        def worth(c: str, regions: frozenset[Any], v: int) -> int:
            rows = [row[1:] for row in priced[c] if row[0] in regions]
            return sum(p * max(0, min(hi - lo + up, hi + 1 - v if up else v - lo)) for up, lo, hi, p in rows)

        @cache
        def least(c: str, here: Any, there: Any, lo: int, hi: int, up: int, reset: bool) -> int:
            bends = {x + d for row in priced[c] for x in row[2:4] for d in (-1, 0, 1)}
            values = {lo, hi, *(v for v in bends if lo < v < hi)}
            return min(worth(c, here, v) - worth(c, there, 0 if reset else v + up) for v in values)

        for name, u, w, box, more, resets, weights in self._reached(split):
            here, there = inside.get(u, ALL), inside.get(w, ALL)
            fall = scaled[phi.get(u, "0")] - scaled[phi.get(w, "0")] - scale * weights[metric]
            for c in priced.keys() & (more | resets).union(*(crossed[region] for region in here ^ there)):
                regions, (lo, hi) = areas[c], box.get(c, (0, self.caps[c]))
                fall += least(c, here & regions, there & regions, lo, hi, c in more, c in resets)
            _need(fall >= 0, f"{name}: the potential of {METRICS[metric]} falls by less than the weight")
        first = _named(self.start, dict.fromkeys(split, 0))
        terms_there = sum(worth(c, inside.get(first, ALL), 0) for c in priced)
        return (scaled[phi.get(first, "0")] + terms_there) // scale

    def _replayed(self, path: list[list[int]]) -> list[int]:
        state, values, total = self.start, dict.fromkeys(self.caps, 0), [0] * 6
        for number, times in path:
            _need(0 < times <= LARGEST, "a path that turns too often")
            name, u, w, guards, more, resets, weights = self.edges[number]
            for _ in range(times):
                enabled = all(lo <= values[c] <= hi for c, (lo, hi) in guards.items())
                _need(u == state and enabled, f"{name}: a witness cannot take it")
                values.update({**{c: values[c] + 1 for c in more}, **dict.fromkeys(resets, 0)})
                state, total = w, [a + b for a, b in zip(total, weights, strict=True)]
        return total


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        try:
            verify(claims := read(argument))
        except Rejected as fault:
            sys.exit(f"{argument}: {fault}")
        sys.stdout.write(f"{claims['workflow']}: terminates {claims['terminates']}\n")
        for part in filter(claims.get, ("structural", "budgeted")):
            for metric, claim in claims[part]["bounds"].items():
                within = f"from {claim['lower']} to {claim['upper']}"
                sys.stdout.write(f"{claims['workflow']}, {part}: {metric} {within}\n")
