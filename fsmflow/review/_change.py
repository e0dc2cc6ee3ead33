"""What changed since the base: in words, and in the worst case."""

from __future__ import annotations

from typing import Any

from fsmflow.analysis.comparing.difference import Difference
from fsmflow.diagnostics import Diagnostic
from fsmflow.reporting import diff_wording as words
from fsmflow.reporting.amounts import NAMES
from fsmflow.reporting.diff_lines import SIGNS, Group, groups
from fsmflow.review._files import called


def told(difference: Difference | None, base: str) -> dict[str, Any] | None:
    """Tell a difference from the version that is called `base`; None where there is no base."""
    if difference is None:
        return None
    return {
        "base": called(base),
        "headline": words.headline(difference),
        "ending": words.ending(difference),
        "unclear": words.unclear(difference),
        "is_told": words.is_told(difference),
        "worst": [
            {
                "name": NAMES[case.metric],
                "before": words.amount(case.before),
                "after": words.amount(case.after),
                "change": words.rise(case),
                "rises": case.rises_by_more_than(0),
                "differs": case.differs,
                "free": words.free(free, case),
            }
            for case, free in words.cases_told(difference)
        ],
        "groups": [_group(group) for group in groups(difference.changes)],
        "broken": list(difference.broken),
        "kept": list(difference.kept),
        "failing": list(map(_finding, difference.failing)),
        "passing": list(map(_finding, difference.passing)),
        "needed": [f"{each.what}, {words.need(each)} {each.state}" for each in difference.needed],
        "cosmetic": list(difference.cosmetic) if difference.changes else [],
    }


def _group(group: Group) -> dict[str, Any]:
    return {
        "sign": SIGNS[group.sign],
        "kind": group.sign,
        "title": group.title,
        "state": group.title if group.is_state else "",
        "note": group.note,
        "lines": [
            {
                "sign": SIGNS[line.sign],
                "kind": line.sign,
                "what": line.what,
                "before": line.before,
                "after": line.after,
                "note": line.note,
            }
            for line in group.lines
        ],
    }


def _finding(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "severity": diagnostic.severity.value,
        "check": diagnostic.check,
        "message": diagnostic.message,
    }
