"""The proof: the runs that come up to the worst case, the dearest caps, and the policies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fsmflow.analysis.paths import written
from fsmflow.analysis.policies import Judgement, Proved, Refuted, spoken
from fsmflow.analysis.proof import Proof
from fsmflow.analysis.proving.bounds import Form
from fsmflow.analysis.proving.counter_machine import CounterMachine
from fsmflow.machine import Machine, Transition
from fsmflow.reporting import proof_wording as words
from fsmflow.reporting.amounts import NAMES
from fsmflow.review._ways import Ways


def told(proof: Proof | None, ways: Ways) -> dict[str, Any] | None:
    """Tell a proof, each path of it as words and as what to light up in the drawing."""
    if proof is None:
        return None
    return {
        "worst": [] if proof.budgeted is None else _worst(proof.machine, proof.budgeted, ways),
        "stops": list(words.stops(proof)),
        "unpriced": proof.structural is not None,
        "prices": [
            {
                "turn": words.turn(proof, price),
                "adds": words.added(price),
                "path": ways.path(way for way in proof.machine.transitions if price.counter in way.below),
            }
            for price in words.dearest(proof)
        ],
        "policies": [_policy(proof, judgement, ways) for judgement in proof.policies],
    }


def _worst(machine: Machine, form: Form, ways: Ways) -> list[dict[str, Any]]:
    return [
        {
            "heading": words.heading(worst, form.bounds),
            "run": words.path(worst.witness.entries),
            "sums": [
                [
                    NAMES[metric],
                    words.sum_up(metric, worst.witness, machine) + words.rest(form.bounds[metric]),
                ]
                for metric in worst.metrics
            ],
            "path": ways.path(_taken(form.counting, worst.witness.path)),
        }
        for worst in words.worst_runs(form.bounds)
    ]


def _policy(proof: Proof, judgement: Judgement, ways: Ways) -> dict[str, Any]:
    verdict = judgement.verdict
    said = {"policy": spoken(judgement.policy)}
    if isinstance(verdict, Proved):
        return {**said, "verdict": "kept", "rests_on": list(verdict.rests_on)}
    taken = _taken(proof.judged, verdict.path or ())
    return {
        **said,
        "verdict": "broken" if isinstance(verdict, Refuted) else "unknown",
        "why": "" if isinstance(verdict, Refuted) else verdict.why,
        "run": "" if verdict.path is None else written(taken, proof.machine.start),
        "path": ways.path(taken),
    }


def _taken(counting: CounterMachine, path: Iterable[int]) -> list[Transition]:
    """Give the transitions of a path of a counter machine."""
    taken = (counting.edges[number].way for number in path)
    return [way for way in taken if way is not None]
