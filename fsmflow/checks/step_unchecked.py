"""A module whose source can't be read, so that its steps and types are not checked.

Why is this bad?
    It may be in order: it is built into Python, compiled, or stands where a spec without a place can't
    look. But what its functions take and give is not known before they run.

What to do
    Nothing, if you know it. To have it checked, wrap what it gives in a function of your own, with
    annotations, beside the spec.

Example::

    fsmflow: 1
    workflow: sample
    states:
      draft:
        run: math:sqrt  # note: step-unchecked
        effect: none
        success: done
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.analysis.mentions import classes, functions
from fsmflow.analysis.modules import Absent, Opaque
from fsmflow.diagnostics import Diagnostic, Severity


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find modules that have no source here, each where it is first named."""
    told: set[str] = set()
    for mention in (*functions(analysis.workflow), *classes(analysis.workflow)):
        found = analysis.modules.read(mention.module)
        if mention.module in told or not isinstance(found, Opaque | Absent):
            continue
        if isinstance(found, Absent) and analysis.folder is not None:
            continue
        told.add(mention.module)
        why = found.why if isinstance(found, Opaque) else "it is not in the environment"
        message = f"`{mention.module}` is unchecked: {why}"
        yield Diagnostic("step-unchecked", message, mention.route, Severity.NOTE)
