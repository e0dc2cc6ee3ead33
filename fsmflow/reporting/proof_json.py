"""A proof for programs: the schema `fsmflow.prove/1`."""

from __future__ import annotations

import json
from typing import Any

from fsmflow.analysis.policies import Judgement, Proved, Refuted
from fsmflow.analysis.policies import spoken as in_words
from fsmflow.analysis.proof import Proof
from fsmflow.analysis.proving.bounds import Bound, Form
from fsmflow.analysis.proving.counter_machine import METRICS, Metric
from fsmflow.analysis.proving.witness import Entry

SCHEMA = "fsmflow.prove/1"
_RESOURCES = ("steps", "tool_calls", "tokens", "micro_usd", "milliseconds")


def render(proof: Proof, certificate: str | None) -> str:
    """Write a proof as JSON; `certificate` is the path of its certificate, if there is one."""
    return json.dumps(_plain(proof, certificate), ensure_ascii=True, indent=2, allow_nan=False)


def _plain(proof: Proof, certificate: str | None) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "workflow": proof.machine.name,
        "digest": proof.machine.digest,
        "terminates": proof.terminates,
        "proved": proof.holds,
        "bounds": _bounds(proof.budgeted),
        "structural": _bounds(proof.structural),
        "cycle": None
        if proof.cycle is None
        else {
            "stem": [[way.source, way.name, way.target] for way in proof.cycle.stem],
            "loop": [[way.source, way.name, way.target] for way in proof.cycle.loop],
        },
        "prices": [
            {
                "counter": price.counter,
                "metric": _named(price.metric),
                "adds": _amount(price.metric, price.amount),
            }
            for price in proof.prices
        ],
        "budget": [
            {
                "metric": _named(cap.metric),
                "cap": _amount(cap.metric, cap.cap),
                "success_takes": None if cap.least is None else _amount(cap.metric, cap.least),
                "stops": cap.stops,
            }
            for cap in proof.caps
        ],
        "policies": [_judgement(proof, judgement) for judgement in proof.policies],
        "certificate": certificate,
    }


def _bounds(form: Form | None) -> dict[str, Any]:
    """Give each metric's bound; where nothing is proved, that nothing bounds it."""
    if form is None:
        nothing: dict[str, Any] = {
            "upper": None,
            "lower": None,
            "exact": False,
            "budget": None,
            "witness": [],
        }
        return {_named(metric): dict(nothing) for metric in METRICS}
    return {_named(metric): _bound(bound) for metric, bound in form.bounds.items()}


def _bound(bound: Bound) -> dict[str, Any]:
    metric = bound.metric
    reached = bound.upper if bound.is_exact and bound.upper is not None else bound.lower
    return {
        "upper": None if bound.upper is None else _amount(metric, bound.upper),
        "lower": _amount(metric, reached),
        "exact": bound.is_exact,
        "budget": None if bound.budget is None else _amount(metric, bound.budget),
        "witness": [] if bound.witness is None else list(map(_entry, bound.witness.entries)),
    }


def _entry(entry: Entry) -> list[Any]:
    amounts = entry.use.amounts()
    use = dict(zip(_RESOURCES, (*amounts[:4], _amount("microseconds", amounts[4])), strict=True))
    return [entry.state, entry.outcome, {name: amount for name, amount in use.items() if amount}]


def _named(metric: Metric) -> str:
    return "milliseconds" if metric == "microseconds" else metric


def _amount(metric: Metric, amount: int) -> int | float:
    """Give an amount in the unit of its name: a whole number, but for parts of a millisecond."""
    if metric != "microseconds":
        return amount
    return amount // 1000 if amount % 1000 == 0 else amount / 1000


def _judgement(proof: Proof, judgement: Judgement) -> dict[str, Any]:
    verdict = judgement.verdict
    found: dict[str, Any] = {"policy": in_words(judgement.policy)}
    if isinstance(verdict, Proved):
        return {**found, "verdict": "proved", "rests_on": list(verdict.rests_on)}
    path = verdict.path or ()
    ways = [edge.way for edge in map(proof.judged.edges.__getitem__, path) if edge.way is not None]
    found |= {"verdict": "refuted" if isinstance(verdict, Refuted) else "unknown"}
    found |= {"path": [[way.source, way.name, way.target] for way in ways]}
    return found if isinstance(verdict, Refuted) else {**found, "why": verdict.why}
