"""An end of success, or a degraded one, without the output that the workflow declares.

Why is this bad?
    The run is called good and gives null, where its caller expects the declared type.

What to do
    Add `output`. If there is nothing to give, the end is rather `handoff` or `failed`.

Example::

    fsmflow: 1
    workflow: sample
    output: str
    states:
      draft: {run: m:f, gives: str, effect: none, success: done, fallback: plain}
      done: {end: success, output: $draft}
      plain: {end: degraded}  # warning: output-missing
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.diagnostics import Diagnostic, Severity


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find single ends that give nothing where others do."""
    if analysis.workflow.output is None:
        return
    ends = {name: state for name, state in analysis.workflow.states.items() if isinstance(state, spec.End)}
    given = any(end.end == "success" and end.output is not None for end in ends.values())
    for name, end in ends.items():
        if end.output is None and (end.end == "degraded" or (end.end == "success" and given)):
            yield Diagnostic(
                "output-missing",
                f"`{name}` is an end of kind {end.end} and gives no output",
                ("states", name),
                Severity.WARNING,
                key=True,
                hint="add `output`, or let the end be `handoff` or `failed`",
            )
