"""A workflow that is run by another, and that is not where it is looked for.

Why is this bad?
    Nothing could be run there, and nothing is known of what it would use.

What to do
    Put the spec of the workflow beside this one, in a file with the workflow's name: `summarise` is looked
    for in `summarise.fsm.yaml`, and that file says `workflow: summarise`.

Example::

    fsmflow: 1
    workflow: sample
    states:
      shorten:
        call: sumarise  # error: child-not-found
        success: both
        fallback: failed
      both:
        parallel:
          left: {call: misnamed}  # error: child-not-found
          right: {call: summarise, with: {text: some}}
        success: done
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.analysis.callees import calls, specs_in
from fsmflow.diagnostics import Diagnostic
from fsmflow.loading.names import workflow_flaw


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find workflows that are run and not there, or whose spec is another's."""
    beside = specs_in(analysis.folder) if analysis.callees else ()
    for call in calls(analysis.workflow):
        found = analysis.callees[call.name]
        if workflow_flaw(call.name) is not None:
            # What no workflow can be named was told when the spec was loaded.
            continue
        if found.trouble == "misnamed":
            message = f"{found.path.as_posix()} is the spec of another workflow than `{call.name}`"
            hint = f"say `workflow: {call.name}` there, or call the workflow by its own name"
            yield Diagnostic("child-not-found", message, call.route, hint=hint)
        elif found.trouble == "missing" and analysis.folder is None:
            message = f"`{call.name}` can't be looked for: this workflow stands in no folder"
            hint = "compile it with the folder in which the others are"
            yield Diagnostic("child-not-found", message, call.route, hint=hint)
        elif found.trouble == "missing":
            message = f"there is no workflow `{call.name}`; it was looked for in {found.path.as_posix()}"
            others = [name for name in beside if name != analysis.workflow.workflow]
            hint = analysis.hints.near(call.name, others)
            yield Diagnostic("child-not-found", message, call.route, hint=hint)
