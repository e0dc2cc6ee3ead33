"""A policy of which it could not be told whether every run keeps it.

Why is this bad?
    The rule may be broken. Either there are more ways to look at than a check has time for; or there is
    a way that would break the rule, and no run was found for it, since no value opens all its choices.

What to do
    `fsmflow prove` looks longer. If it can't tell either, let the workflow keep the rule more plainly:
    cap a loop, or join two choices over the same value in one.

Example::

    fsmflow: 1
    workflow: sample
    states:
      pick:
        choose:
          - {when: input.long, to: split}
          - {to: rest}
      split: {run: m:f, effect: none, success: rest, fallback: failed}
      rest: {run: m:f, effect: none, success: again, fallback: failed}
      again:
        choose:
          - {when: input.long, to: done}
          - {to: failed}
      done: {end: success}
      failed: {end: failed}
    policies:
      - {before: split, visit: again.arm_1}  # warning: policy-unknown
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.diagnostics import Diagnostic, Severity


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find policies that a short search neither proves nor refutes."""
    if not analysis.machine.policies:
        return
    # Who has no policies does not pay for what judges them.
    from fsmflow.analysis.policies import Unknown, spoken

    for index, judgement in analysis.policies.judgements.items():
        if isinstance(judgement.verdict, Unknown):
            yield Diagnostic(
                "policy-unknown",
                f"it can't be told whether {spoken(judgement.policy)}: {judgement.verdict.why}",
                ("policies", index),
                Severity.WARNING,
                hint="`fsmflow prove` looks longer",
            )
