"""A part of a value that may be null.

Why is this bad?
    Null has no parts: the state fails before it is carried out, and an end of which the output reads one
    ends the run as failed.

What to do
    Ask first, in a guard on the way there: `edit is not None`. Or read `$edit.text.or_null`, and let what
    takes it take null. Labels of success, and `accept`, are taken to tell such a value from none.

Example::

    fsmflow: 1
    workflow: sample
    states:
      edit: {run: m:f, gives: m:Answer | None, effect: none, success: save, fallback: failed}
      save:
        run: m:f
        with: {text: $edit.text}  # warning: part-of-null
        effect: none
        success: done
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.analysis.nulls import doubtful
from fsmflow.analysis.reads import givers
from fsmflow.diagnostics import Diagnostic, Severity


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find parts of values that may be null by their type, where no guard on the way says otherwise."""
    states = doubtful(analysis.workflow, analysis.values)
    values = {value for value, names in givers(analysis.workflow).items() if not states.isdisjoint(names)}
    for read in analysis.reads.reads:
        root, path = read.reference.root, read.reference.path
        if root not in values or not path or read.use == "when" or read.reference.or_null:
            continue
        if analysis.assignment.may_be_unset(root, read.state):
            # `read-before-write` tells it.
            continue
        if analysis.presence.may_be_unset(root, read.state):
            yield Diagnostic(
                "part-of-null",
                f"`{read.reference}`: `${root}` may be null, and null has no parts",
                read.route,
                Severity.WARNING,
                hint=f"ask first: `{root} is not None`"
                + ("" if read.use == "over" else f"; or read `{read.reference}.or_null`"),
            )
