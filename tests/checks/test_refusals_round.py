"""A budget that leads back to what it refuses: the spec is faulty, and that is all that is said."""

from __future__ import annotations

SPEC = """\
workflow: sample
budget: {steps: 5, exceeded: work}
states:
  work: {run: m:f, effect: none, timeout: 1s, success: work, fallback: failed}
  failed: {end: failed}
policies: [{never: work.exceeded}]
"""


def test_policies_are_judged_where_refusals_lead_round(compiled):
    """A run that never gets past a refusal is no run that could be shown, and no crash."""
    found = {each.check for each in compiled(SPEC).diagnostics}

    assert {"exceeded-not-safe", "unbounded-loop"} <= found
