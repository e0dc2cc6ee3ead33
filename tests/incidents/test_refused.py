"""Documented overruns, each refused before it runs: by which name, and at which line.

A run that is taken up again after a crash, with its limits new, is shown by a cap that is set back on the
way.
"""

from __future__ import annotations

import pytest

from fsmflow.diagnostics import Severity
from tests.checks.marks import marked, said_of
from tests.incidents.clusters import CHILDREN, CLUSTERS, HERE, compilation
from tests.incidents.test_stopped import STOPPED

REFUSED = [
    ("retry loop", "query_again", 11, "unbounded-loop"),
    ("retry loop", "recursion_limit", 11, "budget-only-termination"),
    ("retry loop", "reask_for_ever", 12, "unbounded-loop"),
    ("retry loop", "tool_loop", 18, "unbounded-loop"),
    ("retry loop", "reflection", 14, "unbounded-loop"),
    ("retry loop", "missed_stop_word", 9, "unbounded-loop"),
    ("retry loop", "compaction", 15, "unbounded-loop"),
    ("retry loop", "fallback_cycle", 16, "unbounded-loop"),
    ("retry loop", "cap_set_back", 11, "unbounded-loop"),
    ("retry loop", "else_goes_back", 10, "unbounded-loop"),
    ("retry loop", "polling", 13, "unbounded-loop"),
    ("retry loop", "caps_multiply", 28, "policy-refuted"),
    ("delegation fan-out", "two_agents", 14, "unbounded-loop"),
    ("delegation fan-out", "fan_out", 9, "attempt-above-cap"),
    ("delegation fan-out", "branches_with_the_whole_budget", 7, "attempt-above-cap"),
    ("delegation fan-out", "agent_calls_itself", 12, "call-circle"),
    ("delegation fan-out", "agent_calls_itself", 13, "unbounded-loop"),
    ("delegation fan-out", "delegates_call_back", 7, "call-circle"),
    ("context amplification", "whole_history", 5, "budget-below-happy-path"),
    ("multimodal cost amplification", "image_of_a_page", 10, "attempt-above-cap"),
    ("budget primitive missing", "apology_by_model", 6, "exceeded-not-safe"),
    ("budget primitive missing", "dearer_fallback", 11, "unaffordable-fallback"),
    ("budget primitive missing", "reserve_too_dear", 5, "reserve-unaffordable"),
    ("budget primitive missing", "hung_call", 6, "missing-timeout"),
    ("budget primitive missing", "unchecked_draft", 17, "policy-refuted"),
]

WARNINGS = {"budget-only-termination", "unaffordable-fallback"}
"""What only `fsmflow check --strict` refuses: such a run ends, after all is spent."""


@pytest.mark.parametrize(("cluster", "name", "line", "check"), REFUSED)
def test_an_incident_is_refused(cluster, name, line, check):
    """A spec that repeats an incident is refused by name, at the line that is to blame, and by no others."""
    text = (HERE / f"{name}.fsm.yaml").read_text(encoding="utf-8")
    found = compilation(name)
    severity = Severity.WARNING if check in WARNINGS else Severity.ERROR

    assert cluster in CLUSTERS
    assert (line, severity.value, check) in said_of(found)
    assert marked(text) == said_of(found)


def test_every_cluster_has_an_incident():
    """Each spec of this folder is refused or stopped, and each cluster of overruns has one."""
    refused = {(cluster, name) for cluster, name, _, _ in REFUSED}
    stopped = {(cluster, name) for cluster, name, *_ in STOPPED}
    names = {path.name.removesuffix(".fsm.yaml") for path in HERE.glob("*.fsm.yaml")} - CHILDREN

    assert {cluster for cluster, _ in refused | stopped} == set(CLUSTERS)
    assert sorted(name for _, name in refused | stopped) == sorted(names)
