"""A value that is read although, on some path, nothing has set it.

Why is this bad?
    On that path the step can't be called, and fails; the path is often a fallback that is rarely
    taken, so it shows late.

What to do
    Set the value on that path, or read `$answer.or_null` and let the step take None. In a guard, ask
    first: `answer is not None and answer.ok`. A state's own value is cleared when the state is
    entered, after its `with` is read, and set when it succeeds; `$error` is set by every way out but
    plain success.

Example::

    fsmflow: 1
    workflow: sample
    states:
      draft: {run: m:f, gives: str, effect: none, success: check, fallback: quote}
      check: {run: m:f, with: {answer: $draft}, effect: none, success: done, fallback: quote}
      quote:
        run: m:f
        with: {nearest: $draft, why: $error.message}  # error: read-before-write
        effect: none
        success: done
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.analysis.paths import written
from fsmflow.analysis.reads import Read, givers, is_meant_or_null
from fsmflow.diagnostics import Diagnostic

MAX_PATHS = 100
"""For how many values and states a path is looked up; each costs a search of the machine."""


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find reads that may come before the value is set, each with a shortest path on which it is not."""
    values = {*givers(analysis.workflow), "error"}
    paths: dict[tuple[str, str], str] = {}
    for read in analysis.reads.reads:
        root = read.reference.root
        if root not in values or read.reference.or_null or read.tested:
            continue
        if analysis.assignment.may_be_unset(root, read.state):
            place = (root, read.state)
            if place not in paths:
                paths[place] = _path(analysis, read) if len(paths) < MAX_PATHS else "on some path"
            yield _diagnostic(read, paths[place])
        elif read.use == "key" and analysis.assignment.may_be_unset(root, read.state, cleared=True):
            yield _diagnostic(read, f"`{read.state}` clears it when entered, before `key` is read")


def _path(analysis: Analysis, read: Read) -> str:
    path = analysis.assignment.path_without(read.reference.root, read.state)
    if not path:
        return "the run starts here"
    return f"by `{written(path)}` nothing sets it"


def _diagnostic(read: Read, why: str) -> Diagnostic:
    if read.use == "when":
        name, hint = str(read.reference)[1:], f"ask first: `{read.reference.root} is not None and …`"
    elif read.use == "over":
        name, hint = str(read.reference), f"set it on that path, or lead past `{read.state}` there"
    elif is_meant_or_null(read.reference):
        name, hint = str(read.reference), f"did you mean `${read.reference.root}.or_null`?"
    else:
        name, hint = str(read.reference), f"set it on that path, or read `{read.reference}.or_null`"
    return Diagnostic("read-before-write", f"`{name}` may be unset here: {why}", read.route, hint=hint)
