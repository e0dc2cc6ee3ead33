"""A proof for programs: the schema `fsmflow.prove/1`."""

from __future__ import annotations

import json
from typing import Any

from fsmflow.analysis.policies import Judgement, Proved, Refuted
from fsmflow.analysis.policies import spoken as in_words
from fsmflow.analysis.proof import Proof
from fsmflow.analysis.proving.bounds import Bound, Form
from fsmflow.analysis.proving.counter_machine import METRICS
from fsmflow.analysis.proving.witness import Entry
from fsmflow.reporting.plain_amounts import named, plain

SCHEMA = "fsmflow.prove/1"


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
                "metric": named(price.metric),
                "adds": plain(price.metric, price.amount),
            }
            for price in proof.prices
        ],
        "budget": [
            {
                "metric": named(cap.metric),
                "cap": plain(cap.metric, cap.cap),
                "success_takes": plain(cap.metric, cap.least),
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
        return {named(metric): dict(nothing) for metric in METRICS}
    return {named(metric): _bound(bound) for metric, bound in form.bounds.items()}


def _bound(bound: Bound) -> dict[str, Any]:
    metric = bound.metric
    reached = bound.upper if bound.is_exact and bound.upper is not None else bound.lower
    return {
        "upper": plain(metric, bound.upper),
        "lower": plain(metric, reached),
        "exact": bound.is_exact,
        "budget": plain(metric, bound.budget),
        "witness": [] if bound.witness is None else list(map(_entry, bound.witness.entries)),
    }


def _entry(entry: Entry) -> list[Any]:
    used = zip(METRICS[1:], entry.use.amounts(), strict=True)
    return [entry.state, entry.outcome, {named(metric): plain(metric, use) for metric, use in used if use}]


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
