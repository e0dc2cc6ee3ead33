"""A module of steps that has the name of one of Python's own.

Why is this bad?
    Of two modules of one name a process has only one. Where Python's own is loaded already, the steps are
    refused when a run begins; and where it is not, whatever imports it later gets the steps instead.

What to do
    Rename the module beside the spec.

Example::

    fsmflow: 1
    workflow: sample
    states:
      draft:
        run: turtle:draw  # warning: module-shadows
        effect: none
        success: done
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.analysis.mentions import classes, functions
from fsmflow.analysis.modules import Module
from fsmflow.diagnostics import Diagnostic, Severity


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find modules beside the spec that are named like one of Python's own, each where it is first named."""
    told: set[str] = set()
    for mention in (*functions(analysis.workflow), *classes(analysis.workflow)):
        top = mention.module.partition(".")[0]
        if top in told or top not in sys.stdlib_module_names or not _is_own(analysis, top):
            continue
        told.add(top)
        message = f"the module `{top}` beside the spec has the name of one of Python's own"
        hint = "rename it: a process has only one of them"
        yield Diagnostic("module-shadows", message, mention.route, Severity.WARNING, hint=hint)


def _is_own(analysis: Analysis, top: str) -> bool:
    """Tell whether a module stands beside the spec."""
    found, folder = analysis.modules.read(top), analysis.folder
    return isinstance(found, Module) and folder in (found.path.parent, found.path.parent.parent)
