"""Corrupting certificates: one random change anywhere in the document."""

from __future__ import annotations

import contextlib
import copy
import random
from typing import Any

_SECTIONS = ("machine", "caps", "invariant", "ranking", "regions", "potentials", "bounds", "witnesses")

Place = tuple[Any, Any]
"""A list or an object, and an index or a key of it."""


def corrupted(document: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Give a copy of a certificate with a change in it; some leave what it claims as it was."""
    document = copy.deepcopy(document)
    _change(document, rng)
    if rng.random() < 0.25:
        # After the first change there may be nothing left where the second is to be.
        with contextlib.suppress(LookupError, TypeError, AttributeError):
            _change(document, rng)
    return document


def _change(document: dict[str, Any], rng: random.Random) -> None:
    if rng.random() < 0.03:
        document["terminates"] = rng.choice(["always", "for-these-caps", "by-budget-only"])
        return
    part = document[rng.choice([name for name in ("structural", "budgeted") if document[name]])]
    section = rng.choice(_SECTIONS)
    if section == "potentials" and rng.random() < 0.3 and part["potentials"]:
        _cheapen(part, rng)
        return
    if section == "bounds" and rng.random() < 0.5:
        _claim_more(part, rng)
        return
    container, key = _somewhere((part, section), rng)
    container[key] = _other(container[key], part, rng)
    if isinstance(container[key], _Gone):
        del container[key]


def _cheapen(part: dict[str, Any], rng: random.Random) -> None:
    """Lower a bound and, so that it might be believed, what the potential says at the start."""
    metric = rng.choice(list(part["potentials"]))
    potential, claim = part["potentials"][metric], part["bounds"][metric]
    start = part["machine"]["start"] + "".join(f"|{c}=0" for c in potential["split"])
    worth = potential["phi"].get(start, "0")
    if worth.isdecimal() and int(worth) and claim["upper"]:
        less = rng.randint(1, min(int(worth), claim["upper"]))
        potential["phi"][start] = str(int(worth) - less)
        claim.update(upper=claim["upper"] - less, lower=None)


def _claim_more(part: dict[str, Any], rng: random.Random) -> None:
    """Claim tighter bounds than are shown."""
    claim = part["bounds"][rng.choice(list(part["bounds"]))]
    if rng.random() < 0.5 and claim["upper"]:
        claim.update(upper=claim["upper"] - rng.choice([1, 1, claim["upper"]]), lower=None)
    elif claim["lower"] is not None:
        claim["lower"] += rng.choice([1, 7, 1_000])
        claim["upper"] = rng.choice([None, claim["lower"], claim["upper"]])


class _Gone:
    """What is put in the place of an entry that is to be left out."""


def _somewhere(place: Place, rng: random.Random) -> Place:
    """Go down into a document as far as chance will have it."""
    while True:
        inner = place[0][place[1]]
        keys = (
            list(inner)
            if isinstance(inner, dict)
            else list(range(len(inner)))
            if isinstance(inner, list)
            else []
        )
        if not keys or rng.random() < 0.08:
            return place
        place = (inner, rng.choice(keys))


def _other(value: Any, part: dict[str, Any], rng: random.Random) -> Any:
    """Give something to stand in the place of a value."""
    machine = part["machine"]
    if rng.random() < 0.1:
        return rng.choice([None, 0, -1, 10**9, "", "s0", [], {}, True, _Gone(), _Gone()])
    match value:
        case bool():
            return not value
        case int():
            return rng.choice([value + 1, value - 1, value + 2, 0, 1, 2 * value, value // 2])
        case None:
            return rng.choice([0, 1, 5])
        case str() if value.replace("/", "", 1).isdecimal():
            return rng.choice(["0", "1", "1/2", f"{value}/2", value[:-1] or "0", f"{value}0"])
        case str():
            return rng.choice(
                [*machine["states"], *machine["counters"], "ahead", "behind", *machine["metrics"]]
            )
        case list() if value:
            return _shuffled(value, rng)
        case dict() if value:
            return _rekeyed(value, part, rng)
    return _Gone()


def _shuffled(value: list[Any], rng: random.Random) -> list[Any]:
    one, other = rng.randrange(len(value)), rng.randrange(len(value))
    value = list(value)
    match rng.randrange(3):
        case 0:
            del value[one]
        case 1:
            value.insert(one, copy.deepcopy(value[other]))
        case 2:
            value[one], value[other] = value[other], value[one]
    return value


def _rekeyed(value: dict[str, Any], part: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    one, other = rng.choice(list(value)), rng.choice(list(value))
    value = dict(value)
    match rng.randrange(3):
        case 0:
            del value[one]
        case 1:
            value[one], value[other] = value[other], value[one]
        case 2:
            names = [*part["machine"]["states"], *part["machine"]["counters"], *part["machine"]["metrics"]]
            value[rng.choice(names)] = value.pop(one)
    return value
