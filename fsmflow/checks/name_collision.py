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
from fsmflow.analysis.kinds.annotations import ANY
from fsmflow.diagnostics import Diagnostic, Related
from fsmflow.typeexpr import TypeExpr


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find values named as another state is, and values that are given as different types."""
    states = analysis.workflow.states
    first: dict[str, tuple[str, TypeExpr]] = {}
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
        gives = _declared(analysis, state)
        other, others = first.setdefault(value, (name, gives))
        if gives != others:
            yield Diagnostic(
                "name-collision",
                f"`{name}` gives `{value}` as {_worded(gives)}, `{other}` as {_worded(others)}",
                ("states", name, "gives"),
                hint="states that share a value give one type",
                related=(Related(f"`{other}` gives it first", ("states", other)),),
            )


def _declared(analysis: Analysis, state: spec.State) -> TypeExpr:
    """Give the type that a spec declares for what a state gives: its own spec, or that of its children."""
    match state:
        case spec.Llm(output=gives) | spec.Run(gives=gives) | spec.Ask(gives=gives):
            return analysis.values.declared(gives)
    return analysis.values.output(state)


def _worded(gives: TypeExpr) -> str:
    return "something without a type" if gives == ANY else f"`{gives}`"
