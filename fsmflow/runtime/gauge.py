"""The certificate of a workflow at run time: how much a run can still use at most, from where it stands.

The certificate holds, for each metric, a potential Φ(state, counters) that was proved to bound every run
from there on. Reading it off costs a look-up; nothing is searched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from fsmflow.runtime.run import Limits, Run

_HEAD = 4096
_DIGEST = re.compile(r'"digest": ?"([0-9a-f]{64})"')
_METRICS = {
    "steps": "steps",
    "tool_calls": "tool_calls",
    "tokens": "tokens",
    "micro_usd": "micro_usd",
    "time_us": "microseconds",
}


class StaleCertificate(RuntimeError):
    """A certificate speaks of another machine than the runner beside it was compiled from."""


class WorstCase(NamedTuple):
    """The most that a run can still use, the attempt under way included; None where nothing bounds it.

    Money is in micro-dollars, time in microseconds.
    """

    steps: int | None
    tool_calls: int | None
    tokens: int | None
    micro_usd: int | None
    time_us: int | None


class _Term(NamedTuple):
    counter: str
    lo: int
    hi: int
    states: frozenset[str] | None
    price: Fraction
    ahead: bool

    def worth(self, value: int | None) -> Fraction:
        """Give what the counter is worth; if its value is not known, the most that it can be."""
        if self.ahead:
            levels = self.hi - self.lo + 1
            return self.price * (levels if value is None else max(0, min(levels, self.hi + 1 - value)))
        levels = self.hi - self.lo
        return self.price * (levels if value is None else max(0, min(levels, value - self.lo)))


class _Potential(NamedTuple):
    split: tuple[str, ...]
    phi: Mapping[str, Fraction]
    terms: tuple[_Term, ...]

    @classmethod
    def of(cls, data: Mapping[str, Any], regions: Sequence[frozenset[str]]) -> _Potential:
        """Read a potential as a certificate has it, with the regions that its terms refer to."""
        return cls(
            tuple(data["split"]),
            {state: Fraction(worth) for state, worth in data["phi"].items()},
            tuple(
                _Term(
                    term["counter"],
                    term["lo"],
                    term["hi"],
                    None if term["region"] is None else regions[term["region"]],
                    Fraction(term["price"]),
                    term["kind"] == "ahead",
                )
                for term in data["terms"]
            ),
        )

    def at(self, state: str, counts: Mapping[str, int]) -> int | None:
        """Give the most that is used from `state` on; None if that can't be told."""
        if any(name not in counts for name in self.split):
            return None
        here = state + "".join(f"|{name}={counts[name]}" for name in self.split)
        worth = self.phi.get(here, Fraction(0))
        for term in self.terms:
            if term.states is None or here in term.states:
                worth += term.worth(counts.get(term.counter))
        return worth.numerator // worth.denominator


class Gauge:
    """What a certificate file says, read when it is first needed; nothing, if there is no such file."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    @property
    def digest(self) -> str | None:
        """The digest of the machine that the certificate speaks of; None if there is no certificate."""
        if self.path is None:
            return None
        try:
            with self.path.open(encoding="ascii", errors="replace") as file:
                found = _DIGEST.search(file.read(_HEAD))
        except (FileNotFoundError, NotADirectoryError):  # the latter in a zip archive
            return None
        return "" if found is None else found[1]

    @cached_property
    def _potentials(self) -> Mapping[str, _Potential]:
        if self.path is None or self.digest is None:
            return {}
        form = json.loads(self.path.read_text(encoding="ascii"))["budgeted"]
        regions = [frozenset(region) for region in form["regions"]]
        return {metric: _Potential.of(data, regions) for metric, data in form["potentials"].items()}

    def proved_left(self, run: Run) -> WorstCase:
        """Give what the potentials say of where `run` stands, whatever its budget has left."""
        # What was proved counts attempts, each as the one step that it is for certain.
        counts = {**run.counts, "budget.steps": run.steps - run.child_steps}
        found = {
            name: None if metric not in self._potentials else self._potentials[metric].at(run.state, counts)
            for name, metric in _METRICS.items()
        }
        return WorstCase(**found)

    def left(self, run: Run, limits: Limits) -> WorstCase:
        """Give the most that `run` can still use: what is proved, or what its budget has left."""
        proved, spent = self.proved_left(run), run.spent
        found: dict[str, int | None] = {}
        for name, amount in proved._asdict().items():
            cap = getattr(limits, name)
            room = None if cap is None else max(0, cap - getattr(spent, name))
            known = [each for each in (amount, room) if each is not None]
            found[name] = min(known) if known else None
        return WorstCase(**found)
