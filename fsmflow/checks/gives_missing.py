"""A value that is read and of which nothing says the type.

Why is this bad?
    Whatever the step returns is passed on, so that a wrong output is first noticed where it is used, by a
    step that is not at fault. The generated tests and `simulate` can't make such a value up, and have null
    in its place.

What to do
    Say `gives` with the type that the step returns, such as `gives: list[str]`. For one that is meant to
    be anything, `gives: Any` says so.

Example::

    fsmflow: 1
    workflow: sample
    states:
      count:  # warning: gives-missing
        run: m:count              # def count(text: str = "") -> int
        effect: none
        success: done
        fallback: failed
      done: {end: success, output: $count}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.analysis.kinds.annotations import ANY, NONE
from fsmflow.diagnostics import Diagnostic, Severity


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find steps without `gives` whose output is read."""
    readers: dict[str, str] = {}
    for read in analysis.reads.reads:
        readers.setdefault(read.reference.root, read.state)
    for name, state in analysis.workflow.states.items():
        # A step with labels and no `gives` gives its label.
        if not isinstance(state, spec.Run) or state.gives is not None or isinstance(state.success, dict):
            continue
        reader = readers.get(state.as_ or name)
        if reader is None:
            continue
        returned = analysis.values.output(state)
        hint = "say `gives` with its type"
        if returned not in (ANY, NONE):
            hint = f"say `gives`: `{state.run}` returns `{returned}`"
        message = f"`{reader}` reads what `{name}` gives, and nothing says its type"
        yield Diagnostic("gives-missing", message, ("states", name), Severity.WARNING, key=True, hint=hint)
