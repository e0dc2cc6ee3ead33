"""A value that is read although, on some path, nothing has set it.

Why is this bad?
    On that path the step can't be called, and fails; the path is often a fallback that is rarely
    taken, so it shows late.

What to do
    Set the value on that path, or read `$answer.or_null` and let the step take None. In a guard, ask
    first: `answer is not None and answer.ok`. A state's own value is cleared when the state is
    entered, after its `with` is read, and set when it succeeds: one that gives anew what another gave, by
    the same `as`, leaves nothing of it where it fails. `$error` is set by every way out but plain success.

Example::

    fsmflow: 1
    workflow: sample
    states:
      draft: {run: m:f, as: answer, gives: str, effect: none, success: shorten, fallback: quote}
      shorten: {run: m:f, as: answer, gives: str, effect: none, success: done, fallback: show}
      show:
        run: m:f
        with: {answer: $answer}  # error: read-before-write
        effect: none
        success: done
        fallback: quote
      quote:
        run: m:f
        with: {nearest: $answer, why: $error.message}  # error: read-before-write
        effect: none
        success: done
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fsmflow.analysis import Analysis
from fsmflow.analysis.paths import written
from fsmflow.analysis.reads import Read, givers, is_meant_or_null
from fsmflow.diagnostics import Diagnostic

MAX_PATHS = 100
"""For how many values and states a path is looked up; each costs a search of the machine."""


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find reads that may come before the value is set, each with a shortest path on which it is not."""
    given = givers(analysis.workflow)
    values = {*given, "error"}
    paths: dict[tuple[str, str], tuple[str, str]] = {}
    for read in analysis.reads.reads:
        root = read.reference.root
        if root not in values or read.tested:
            continue
        if read.use == "key" and read.state in given.get(root, ()):
            # Its own value, which is never there: null is no better, since all visits share it.
            yield _of_itself(read, given[root])
        elif not read.reference.or_null and analysis.assignment.may_be_unset(root, read.state):
            place = (root, read.state)
            if place not in paths:
                looked_up = len(paths) < MAX_PATHS
                by = given.get(root, ())
                paths[place] = _path(analysis, read, by) if looked_up else ("on some path", "")
            yield _diagnostic(read, *paths[place])


def _of_itself(read: Read, given: Sequence[str]) -> Diagnostic:
    """Tell of a `key` made of what the state itself gives."""
    why = f"`{read.state}` clears it when entered, before `key` is read"
    hint = f"let `{read.state}` give its value by another name, with `as`" if len(given) > 1 else ""
    return Diagnostic(
        "read-before-write", f"`{read.reference}` is never set here: {why}", read.route, hint=hint
    )


def _path(analysis: Analysis, read: Read, given: Sequence[str]) -> tuple[str, str]:
    """Say on which path a value is unset, and which state has cleared what another had set, if one has."""
    path = analysis.assignment.path_without(read.reference.root, read.state)
    if not path:
        return "the run starts here", ""
    through = [way for way in path if way.source in given]
    if any(way.on == "success" for way in through):
        last = through[-1].source
        return f"by `{written(path)}` `{last}` clears it and gives none", last
    return f"by `{written(path)}` nothing sets it", ""


def _diagnostic(read: Read, why: str, cleared: str) -> Diagnostic:
    if read.use == "when":
        name, hint = str(read.reference)[1:], f"ask first: `{read.reference.root} is not None and …`"
    elif read.use == "over":
        name, hint = str(read.reference), f"set it on that path, or lead past `{read.state}` there"
    elif is_meant_or_null(read.reference):
        name, hint = str(read.reference), f"did you mean `${read.reference.root}.or_null`?"
    elif cleared:
        name, hint = str(read.reference), f"let `{cleared}` give its value by another name, with `as`"
        hint += f", or read `{read.reference}.or_null`"
    else:
        name, hint = str(read.reference), f"set it on that path, or read `{read.reference}.or_null`"
    return Diagnostic("read-before-write", f"`{name}` may be unset here: {why}", read.route, hint=hint)
