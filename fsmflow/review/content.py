"""What a review page says, as plain data: one section of it a file."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from fsmflow.analysis import Analysis
from fsmflow.analysis.comparing.difference import Difference
from fsmflow.analysis.proof import Proof
from fsmflow.analysis.traces.recording import Recording
from fsmflow.backends.diagram import Diagram
from fsmflow.reporting.report import Report
from fsmflow.review import _change, _checks, _overview, _proof, _replay, _states, _steps
from fsmflow.review._values import Values
from fsmflow.review._ways import Ways

SCHEMA = "fsmflow.review/1"


@frozen
class Run:
    """A run to replay: what its trace is called, and what it holds."""

    name: str
    recording: Recording


@frozen
class Review:
    """What is reviewed.

    Attributes:
        analysis: The workflow.
        report: What the checks say of it.
        proof: What is proved of it; None where errors leave unclear what it means.
        runs: Runs to replay.
        base: What the version before is called; empty where there is none.
        difference: What changed since then.
    """

    analysis: Analysis
    report: Report
    proof: Proof | None
    runs: tuple[Run, ...] = ()
    base: str = ""
    difference: Difference | None = None


def content(review: Review, diagram: Diagram) -> dict[str, Any]:
    """Gather all that the page of `review` says, beside the drawing of `diagram`.

    The result is made of what JSON has. States are called by their numbers in `diagram.nodes`, edges
    by theirs in `diagram.edges`, and the values of runs by theirs in one table.
    """
    machine = review.analysis.machine
    ways = Ways.of(machine, diagram)
    values = Values()
    runs = [
        _replay.replayed(machine, run.recording, ways, values) | {"name": run.name} for run in review.runs
    ]
    recordings = [run.recording for run in review.runs]
    return {
        "schema": SCHEMA,
        "overview": _overview.overview(review.analysis, review.proof),
        "states": _states.states(review.analysis, review.proof, ways),
        "edges": ways.told(),
        "proof": _proof.told(review.proof, ways),
        "runs": runs,
        "values": values.table,
        "steps": _steps.tables(machine, review.proof, recordings, [run["name"] for run in runs]),
        "change": _change.told(review.difference, review.base),
        "checks": _checks.told(review.report),
    }
