"""A comparison for programs: the schema `fsmflow.diff/1`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from fsmflow.analysis.comparing.changes import Change
from fsmflow.analysis.comparing.difference import Difference, WorstCase
from fsmflow.analysis.proving.bounds import Bound
from fsmflow.diagnostics import Diagnostic
from fsmflow.reporting.diff_wording import Comparison, tripped
from fsmflow.reporting.plain_amounts import named, plain

SCHEMA = "fsmflow.diff/1"


def render(comparison: Comparison) -> str:
    """Write a comparison as JSON. Money is in micro-dollars and time in milliseconds."""
    plain = {
        "schema": SCHEMA,
        "old": comparison.old,
        "new": comparison.new,
        "workflows": [_difference(difference) for difference in comparison.differences],
        "tripped": [
            {
                "gate": trip.gate,
                "workflow": trip.workflow,
                "why": trip.why,
                "metric": None if trip.case is None else named(trip.case.metric),
                "message": tripped(trip),
            }
            for trip in comparison.tripped
        ],
    }
    return json.dumps(plain, ensure_ascii=True, indent=2, allow_nan=False)


def _difference(difference: Difference) -> dict[str, Any]:
    before, after = difference.endings
    return {
        "workflow": difference.name,
        "status": _status(difference),
        "cosmetic": list(difference.cosmetic),
        "changes": [_change(change) for change in difference.changes],
        "renamed": dict(difference.renamed),
        "terminates": {"before": before, "after": after},
        "worst_case": _cases(difference.worst_cases),
        "without_the_budget": _cases(difference.without_the_budget),
        "checks": {
            "newly_failing": list(map(_finding, difference.failing)),
            "newly_passing": list(map(_finding, difference.passing)),
        },
        "policies": {"newly_broken": list(difference.broken), "newly_kept": list(difference.kept)},
        "needed_in_flight": [
            {"what": each.what, "kind": each.kind, "state": each.state} for each in difference.needed
        ],
    }


def _status(difference: Difference) -> str:
    if difference.old is None:
        return "added"
    if difference.new is None:
        return "removed"
    if difference.old.analysis is None or difference.new.analysis is None:
        return "unreadable"
    return "changed" if difference.is_of_meaning else "unchanged"


def _change(change: Change) -> dict[str, Any]:
    key = change.key
    return {
        "sign": change.sign,
        "topic": key.topic,
        "state": key.state or None,
        "kind": key.kind or None,
        "name": (named(key.metric) if key.metric and key.topic == "budget" else key.name) or None,
        "aspect": key.aspect or None,
        "unit": None if key.metric is None else named(key.metric),
        "before": plain(key.metric, change.before),
        "after": plain(key.metric, change.after),
    }


def _cases(cases: Iterable[WorstCase]) -> dict[str, Any]:
    return {
        named(case.metric): {
            "before": _bound(case.before),
            "after": _bound(case.after),
            "percent": None if case.percent is None else round(case.percent, 3),
        }
        for case in cases
    }


def _bound(bound: Bound | None) -> dict[str, Any] | None:
    """Give a bound; null where it is not known, and an `upper` of null where there is none."""
    if bound is None:
        return None
    return {"upper": plain(bound.metric, bound.upper), "exact": bound.is_exact}


def _finding(diagnostic: Diagnostic) -> dict[str, str]:
    return {
        "check": diagnostic.check,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "path": ".".join(map(str, diagnostic.route)),
    }
