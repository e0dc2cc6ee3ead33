"""A policy that some run breaks.

Why is this bad?
    The rule is what the workflow promises, and here is a run that breaks the promise. It is a shortest
    one, and was played on the meaning of the workflow: it can happen.

What to do
    Follow the run and close the way at which it goes wrong; or, if it is in order, say the rule so that
    it allows for it.

Example::

    fsmflow: 1
    workflow: sample
    states:
      draft: {run: m:f, effect: none, success: check, fallback: done}
      check:
        run: m:verdict            # -> Literal["yes", "no"]
        effect: none
        success: {"yes": done, "no": failed}
        fallback: failed
      done: {end: success}
      failed: {end: failed}
    policies:
      - {never: done, between: [draft, check.yes]}  # error: policy-refuted
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.analysis.paths import written
from fsmflow.diagnostics import Diagnostic


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find policies that a run breaks."""
    if not analysis.machine.policies:
        return
    # Who has no policies does not pay for what judges them.
    from fsmflow.analysis.policies import Refuted, spoken

    edges = analysis.policies.counting.edges
    for index, judgement in analysis.policies.judgements.items():
        if isinstance(judgement.verdict, Refuted):
            ways = [way for number in judgement.verdict.path if (way := edges[number].way) is not None]
            yield Diagnostic(
                "policy-refuted",
                f"a run breaks the rule that {spoken(judgement.policy)}: "
                f"`{written(ways, analysis.machine.start)}`",
                ("policies", index),
                hint="close the way at which it goes wrong, or allow for it",
            )
