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

from collections import Counter
from collections.abc import Iterator, Mapping

from fsmflow.analysis import Analysis
from fsmflow.analysis.kinds.annotations import ANY
from fsmflow.analysis.reads import givers
from fsmflow.diagnostics import Diagnostic, Related
from fsmflow.typeexpr import TypeExpr


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find values named as another state is, and values that are given as different types."""
    states = analysis.workflow.states
    for value, names in givers(analysis.workflow).items():
        for name in names:
            if value != name and value in states:
                yield Diagnostic(
                    "name-collision",
                    f"the value of `{name}` has the name of the state `{value}`",
                    ("states", name, "as"),
                    hint="choose another name for the value",
                    related=(Related(f"the state `{value}`", ("states", value)),),
                )
        if len(names) > 1:
            yield from _types(value, {name: analysis.values.declared_by(states[name]) for name in names})


def _types(value: str, given: Mapping[str, TypeExpr | None]) -> Iterator[Diagnostic]:
    """Find the states that give a value as another type than most; of types that can't be read, none."""
    counted = Counter(kind for kind in given.values() if kind is not None)
    if len(counted) < 2:
        return
    [(most, _)] = counted.most_common(1)
    other = next(name for name, kind in given.items() if kind == most)
    for name, kind in given.items():
        if kind not in (None, most):
            yield Diagnostic(
                "name-collision",
                f"`{name}` gives `{value}` as {_worded(kind)}, `{other}` as {_worded(most)}",
                ("states", name, "gives"),
                hint="states that share a value give one type",
                related=(Related(f"`{other}` gives it too", ("states", other)),),
            )


def _worded(gives: TypeExpr) -> str:
    return "something without a type" if gives == ANY else f"`{gives}`"
