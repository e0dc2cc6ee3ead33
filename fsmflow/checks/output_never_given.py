"""A workflow that declares an output, and no end of success gives one.

Why is this bad?
    Whoever runs the workflow is promised something and always gets null.

What to do
    Add `output: $answer`, say, to the ends of kind `success`; or remove the workflow's `output`.

Example::

    fsmflow: 1
    workflow: sample
    output: str  # error: output-never-given
    states:
      draft: {run: m:f, gives: str, effect: none, success: done, fallback: failed}
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.diagnostics import Diagnostic


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find a declared output that no success gives."""
    if analysis.workflow.output is None:
        return
    if any(route[0] == "states" for route in analysis.damaged):
        # What lost its kind may be such an end.
        return
    ends = [s for s in analysis.workflow.states.values() if isinstance(s, spec.End) and s.end == "success"]
    if all(end.output is None for end in ends):
        message = (
            "no end of success gives the output" if ends else "there is no end of success to give the output"
        )
        yield Diagnostic(
            "output-never-given", message, ("output",), hint="add `output: $value` to such an end"
        )
