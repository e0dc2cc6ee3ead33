"""Two values under one name.

Why is this bad?
    `$answer` then means one thing or the other, as the run goes. A value may be shared on purpose,
    by several states with the same `as`, and then it must be of one type.

What to do
    Choose another name; or give the states that share a value the same `gives`.

Example::

    fsmflow: 1
    workflow: sample
    states:
      draft:
        run: m:f
        as: check  # error: name-collision
        effect: none
        success: check
        fallback: failed
      check: {run: m:f, as: verdict, gives: str, effect: none, success: again, fallback: failed}
      again:
        run: m:f
        as: verdict
        gives: int  # error: name-collision
        effect: none
        success: done
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.diagnostics import Diagnostic, Related


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find values named as another state is, and values that are given as different types."""
    states = analysis.workflow.states
    first: dict[str, tuple[str, str | None]] = {}
    for name, state in states.items():
        if isinstance(state, spec.Choose | spec.Wait | spec.End):
            continue
        value = state.as_ or name
        if value != name and value in states:
            yield Diagnostic(
                "name-collision",
                f"the value of `{name}` has the name of the state `{value}`",
                ("states", name, "as"),
                hint="choose another name for the value",
                related=(Related(f"the state `{value}`", ("states", value)),),
            )
        gives: str | None = state.output if isinstance(state, spec.Llm) else getattr(state, "gives", None)
        other, others = first.setdefault(value, (name, gives))
        if gives != others and analysis.values.declared(gives) != analysis.values.declared(others):
            yield Diagnostic(
                "name-collision",
                f"`{name}` gives `{value}` as {_worded(gives)}, `{other}` as {_worded(others)}",
                ("states", name, "gives"),
                hint="states that share a value give one type",
                related=(Related(f"`{other}` gives it first", ("states", other)),),
            )


def _worded(gives: str | None) -> str:
    return "something without a type" if gives is None else f"`{gives}`"
