"""A workflow that is run by another, and that has errors of its own.

Why is this bad?
    It can't be run, and what is proved of the workflow that runs it would rest on it.

What to do
    Mend its errors; `fsmflow check` shows them.

Example::

    fsmflow: 1
    workflow: sample
    states:
      shorten:
        call: faulty  # error: child-faulty
        success: done
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.analysis.callees import calls
from fsmflow.diagnostics import Diagnostic


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find workflows that are run and have errors."""
    for call in calls(analysis.workflow):
        found = analysis.callees[call.name]
        if found.trouble == "faulty":
            hint = f"`fsmflow check {found.path.as_posix()}` shows them"
            yield Diagnostic("child-faulty", f"`{call.name}` has errors", call.route, hint=hint)
