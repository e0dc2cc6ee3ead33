"""What a reviewer wants to know first: does it end, and what does it cost at worst."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from fsmflow.analysis import Analysis
from fsmflow.analysis.paths import written
from fsmflow.analysis.policies import Proved, Refuted
from fsmflow.analysis.proof import Cycle, Ending, Proof
from fsmflow.analysis.proving.bounds import Bound
from fsmflow.analysis.proving.counter_machine import Metric
from fsmflow.reporting import proof_wording as words
from fsmflow.reporting.amounts import NAMES
from fsmflow.review._files import called

Tone = Literal["good", "fair", "bad"]

TONES: dict[Ending, Tone] = {
    "always": "good",
    "for-these-caps": "good",
    "by-budget-only": "fair",
    "no": "bad",
    "unknown": "bad",
}
_IN_SHORT: dict[Ending, str] = {
    "always": "Every run ends",
    "for-these-caps": "Every run ends",
    "by-budget-only": "Ends by budget only",
    "no": "May never end",
    "unknown": "Not known to end",
}
_UNCLEAR = "Errors leave unclear what the workflow means, so nothing is proved of it."


def overview(analysis: Analysis, proof: Proof | None) -> dict[str, Any]:
    """Tell of a workflow what it is, whether it ends, and how its worst case stands to its budget."""
    machine = analysis.machine
    return {
        "name": machine.name,
        "title": machine.title,
        "path": called(analysis.document.path),
        "digest": machine.digest,
        "verdict": _verdict(proof),
        "metrics": [] if proof is None else list(metrics(proof)),
        "policies": _policies(proof),
    }


def metrics(proof: Proof) -> Iterator[dict[str, Any]]:
    """Tell the worst case in each metric, against the budget."""
    alone = None if proof.structural is None else proof.structural.bounds
    for metric in NAMES:
        bound = proof.bounds.get(metric)
        if bound is not None and words.is_told(bound):
            yield _metric(metric, bound, None if alone is None else alone[metric])


def _metric(metric: Metric, bound: Bound, alone: Bound | None) -> dict[str, Any]:
    most, known = words.told(bound)
    budget, headroom = words.against(bound)
    return {
        "name": NAMES[metric],
        "most": most,
        "known": known,
        "budget": budget,
        "headroom": headroom,
        "free": words.without_the_budget(alone, bound),
        "share": None if not bound.budget or bound.upper is None else bound.upper / bound.budget,
        "endless": list(bound.endless),
    }


def _verdict(proof: Proof | None) -> dict[str, Any]:
    if proof is None:
        return {"tone": "bad", "short": "Not proved", "text": _UNCLEAR, "cycle": []}
    said = words.ENDINGS[proof.terminates]
    return {
        "tone": TONES[proof.terminates],
        "short": _IN_SHORT[proof.terminates],
        "text": f"{said[0].upper()}{said[1:]}.",
        "cycle": [] if proof.cycle is None else _cycle(proof.cycle),
    }


def _cycle(cycle: Cycle) -> list[list[str]]:
    """Write a run that does not end: what it does first, and what for ever."""
    stem = cycle.stem
    while stem and stem[-len(cycle.loop) :] == cycle.loop:
        stem = stem[: -len(cycle.loop)]
    first = [["first", written(stem)]] if stem else []
    return [*first, ["for ever", written(cycle.loop)]]


def _policies(proof: Proof | None) -> dict[str, int]:
    verdicts = [] if proof is None else [judgement.verdict for judgement in proof.policies]
    kept = sum(isinstance(verdict, Proved) for verdict in verdicts)
    broken = sum(isinstance(verdict, Refuted) for verdict in verdicts)
    return {"kept": kept, "broken": broken, "unknown": len(verdicts) - kept - broken}
