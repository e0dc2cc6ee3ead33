"""Check certificates of fsmflow, trusting nothing but this file: python verify.py FILE..."""

import json
import sys
from fractions import Fraction
from functools import cache
from math import inf
from pathlib import Path
from typing import Any

METRICS = ["transitions", "steps", "tool_calls", "tokens", "micro_usd", "microseconds"]


class Rejected(Exception):
    """It is no certificate, or it claims something that does not follow."""


def _need(holds: object, fault: str) -> None:
    if not holds:
        raise Rejected(fault)


def read(path: str) -> Any:
    """Read JSON of whole numbers that says nothing twice; raise `Rejected` or `ValueError` for other text."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        _need(len(dict(pairs)) == len(pairs), "a name stands twice in one object")
        return dict(pairs)

    return json.loads(Path(path).read_bytes(), object_pairs_hook=once, parse_float=int, parse_constant=int)


def verify(claims: dict[str, Any]) -> None:
    """Raise `Rejected` unless every claim about each counter machine follows from the evidence beside it."""
    try:
        _need(claims["schema"] == "fsmflow.certificate/1", "of another format than fsmflow.certificate/1")
        _need((claims["workflow"] + claims["digest"]).isidentifier(), "odd name or digest")
        part = claims["structural"]
        ways = ["by-budget-only"] if part is None else ["for-these-caps", "always"][: 1 + _check(part, set())]
        _check(claims["budgeted"], {*METRICS[1:]})
        _need(claims["terminates"] in ways, f"not proved that it terminates {claims['terminates']!r}")
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise Rejected(f"malformed: {error!r}") from error


@cache
def _worth(rows: tuple[Any, ...], v: int) -> Any:
    return sum(p * max(0, min(hi - lo + up, hi + 1 - v if up else v - lo)) for up, lo, hi, p in rows)


def _check(part: dict[str, Any], capped: set[str]) -> bool:
    machine, ranges, phis, budget = part["machine"], part["invariant"], part["potentials"], part["caps"]
    start, caps, states = machine["start"], machine["counters"], {*machine["states"]}
    _need(machine["metrics"] == METRICS and states >= {start, *machine["endless"]}, "odd metrics or states")
    _need(min(caps.values(), default=0) >= 0 and len(states) == len(machine["states"]), "odd caps or a twin")
    _need(all(lo <= 0 <= hi for lo, hi in ranges[start].values()), "the start is not entered")
    edges, left = list[Any](), {state: list[Any]() for state in ranges}  # left: what the invariant allows
    for number, (u, w, guards, ups, resets, weights, label) in enumerate(machine["edges"]):
        name = repr(f"edge {number} ({u} to {w}, {label})")[1:-1]
        _need(states >= {u, w} and caps.keys() >= {*guards, *resets}, f"{name}: unknown names")
        _need(len({*ups}) == len(ups) and len(weights) == 6 and min(weights) >= 0, f"{name}: odd amounts")
        _need(all(c in guards and guards[c][1] < caps[c] for c in ups), f"{name}: counts past a cap")
        one, other = guards | ranges.get(u, {}), ranges.get(u, {}) | guards
        box = {c: (max(lo, other[c][0]), min(hi, other[c][1])) for c, (lo, hi) in one.items()}
        steps = dict.fromkeys(ups, (1, 1)) | dict.fromkeys(resets, (0, 0))
        edges.append((name, u, w, box, steps, weights))  # steps: a counter is multiplied, then added to
        if u in ranges and all(lo <= hi for lo, hi in box.values()):
            left[u].append(edges[-1])
            for c, (least, most) in ranges[w].items():
                (lo, hi), (keep, add) = box.get(c, (0, caps[c])), steps.get(c, (1, 0))
                _need(least <= keep * lo + add and keep * hi + add <= most, f"{name}: breaks the invariant")

    def unrolled(split: list[str]) -> Any:  # all that can be come to, values of `split` in the names
        first = start + "".join(f"|{c}=0" for c in dict.fromkeys(split))
        pending, seen = [(first, start, dict.fromkeys(split, 0))], {first}
        for source, state, now in pending:
            for name, _, w, box, steps, weights in left[state]:
                if all(box[c][0] <= v <= box[c][1] for c, v in now.items() if c in box):
                    after = now | {c: keep * now[c] + add for c, (keep, add) in steps.items() if c in now}
                    target = w + "".join(f"|{c}={v}" for c, v in after.items())
                    pending += [(target, w, after)] * (target not in seen)
                    seen.add(target)
                    yield name, source, target, box | {c: (v, v) for c, v in now.items()}, steps, weights
            _need(len(seen) <= 1_000_000, "too large when unrolled")

    # The potential falls along each edge by its weight at least. Gives it at the start, rounded down.
    def weighed(metric: str, split: list[str], phi: dict[str, str], terms: list[Any]) -> Any:
        texts = {"0", *phi.values(), *(term["price"] for term in terms)}
        price = {text: Fraction(*map(int, text.split("/"))) if "/" in text else int(text) for text in texts}
        _need(min(price.values()) >= 0, "a price below 0")
        rows, inside = dict[Any, Any]({None: {}}), dict[str, set[Any]]()  # every state is in the region None
        for term in terms:
            row = (["behind", "ahead"].index(term["kind"]), term["lo"], term["hi"], price[term["price"]])
            rows.setdefault(term["region"], {}).setdefault(term["counter"], []).append(row)
        for region in rows.keys() - {None}:
            inside |= {state: inside.get(state, {None}) | {region} for state in part["regions"][region]}
        for name, u, w, box, steps, weights in unrolled(split):
            here, there = inside.get(u, {None}), inside.get(w, {None})
            fall = price[phi.get(u, "0")] - price[phi.get(w, "0")] - weights[METRICS.index(metric)]
            for c in steps.keys() | {c for region in here ^ there for c in rows[region]}:
                (lo, hi), (keep, add) = box.get(c, (0, caps[c])), steps.get(c, (1, 0))
                old, new = (tuple(x for r in at for x in rows[r].get(c, ())) for at in (here, there))
                # Between bends the worth changes evenly, so that it falls least at a bend or an end.
                ends = (x + d for r in old + new for x in r[1:3] for d in (-1, 0, 1) if lo < x + d < hi)
                fall += min(_worth(old, v) - _worth(new, keep * v + add) for v in {lo, hi, *ends})
            _need(fall >= 0, f"{name}: the potential of {metric} falls by less than the weight")
        first = start + "".join(f"|{c}=0" for c in dict.fromkeys(split))
        found = (tuple(each) for region in inside.get(first, {None}) for each in rows[region].values())
        return (price[phi.get(first, "0")] + sum(_worth(each, 0) for each in found)) // 1

    # The first change along each edge is a fall: of a place, or of what is left to a region's counters.
    rank, sets, split = (part["ranking"][key] for key in ("rank", "regions", "split"))
    every = [edge for edge in edges if edge[1] == start or edge[1] in rank]
    for name, u, w, _, steps, _ in every if part["ranking"]["any_caps"] else unrolled(split):
        falls: list[int] = []
        for at, (a, b) in enumerate(zip(rank[u], rank[w], strict=False)):
            falls += [a > b] * (a != b) + sorted(steps[c][1] for c in steps if at % 2 and c in sets[a])
        _need([*falls, 0][0], f"{name}: the rank does not fall")
    used, limits = list[list[int]](), [budget.get(metric, inf) for metric in METRICS]
    for path in part["witnesses"]:  # an attempt takes a step at least, and needs some time; a wait is exact
        at, now, total, spent = start, dict.fromkeys(caps, 0), [0] * 6, [0] * 6
        for name, u, w, box, steps, weights in (edges[e] for e, times in path for _ in range(times)):
            _need(u == at and all(lo <= now[c] <= hi for c, (lo, hi) in box.items()), f"{name}: disabled")
            now |= {c: keep * now[c] + add for c, (keep, add) in steps.items()}
            needs, takes = ([*weights[:5], 1], [0, 1, 0, 0, 0, 0]) if weights[1] else (weights, weights)
            _need(all(a + b <= c for a, b, c in zip(spent, needs, limits, strict=True)), f"{name}: no budget")
            at, total, spent = w, [*map(int.__add__, total, weights)], [*map(int.__add__, spent, takes)]
        used.append(total)
    _need(capped >= budget.keys() and min(limits) >= 0 == len(part["bounds"].keys() ^ METRICS), "odd bounds")
    _need("microseconds" not in phis or not ranges.keys() & {*machine["endless"]}, "may take any time")
    for metric, cap, *took in zip(METRICS, limits, *used, strict=True):
        claim, most = part["bounds"][metric], weighed(metric, **phis[metric]) if metric in phis else inf
        lower, upper = claim["lower"], inf if claim["upper"] is None else claim["upper"]
        _need(upper >= min(most, cap) and bool not in map(type, claim.values()), f"{metric} may pass {upper}")
        _need(lower is None or lower <= min(took[claim["witness"]], cap, upper), f"{metric}: not {lower}")
    return bool(part["ranking"]["any_caps"] and 0 not in caps.values())


if __name__ == "__main__":
    for argument in sys.argv[1:] or sys.exit(__doc__):
        try:
            verify(claims := read(argument))
            ends = "{workflow} ({digest:.12}) terminates {terminates}".format(**claims)
            for part in filter(claims.get, ("structural", "budgeted")):
                bounds = (f"{m} {b['lower']} to {b['upper']}" for m, b in claims[part]["bounds"].items())
                with open(1, "w", errors="surrogateescape", closefd=False) as out:
                    out.write(f"{argument}, {part}: {ends}; {', '.join(bounds)}\n")
        except (Rejected, OSError, RecursionError, ValueError) as fault:
            sys.exit(f"{argument} is not confirmed: {fault}")
