"""A child that is run on something else than the input that it declares.

Why is this bad?
    A run refuses an input that does not fit its type, so each of these children would fail at once.

What to do
    Give in `with` each field of the child's input that has no default, by its name, and nothing else. What
    `map` without `with` gives is the item itself. What the child's source does not tell is not checked.

Example::

    fsmflow: 1
    workflow: sample
    input: m:Question
    states:
      shorten:
        call: summarise            # input: m:Question, which has `text`, `limit` and `tags`
        with:
          txet: $input.text  # error: child-input-mismatch
          text: $input.words  # error: child-input-mismatch
        success: each
        fallback: failed
      each:
        map: summarise  # error: child-input-mismatch
        over: $input.tags
        at_most: 3
        success: done
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.analysis.kinds.annotations import ANY
from fsmflow.analysis.kinds.structuring import misfits, structures
from fsmflow.analysis.values import Values
from fsmflow.diagnostics import Diagnostic
from fsmflow.source import Route
from fsmflow.typeexpr import TypeExpr, TypeName


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Hold what children are run on to the types of their inputs."""
    for name, state in analysis.workflow.states.items():
        values = analysis.values.inside(name)
        route: Route = ("states", name)
        match state:
            case spec.Call(call=child, with_=given):
                yield from _given(values, child, given, (*route, "with"))
            case spec.Map(map=child, with_=None):
                item, wanted = values.item_of(state), values.taken_by_child(child)
                if not structures(values, item, wanted):
                    message = f"`{child}` takes `{wanted}`, and each item is `{item}`"
                    hint = "" if _is_plain(wanted) else "make its input of the item: `with: {NAME: $item}`"
                    yield Diagnostic("child-input-mismatch", message, (*route, "map"), hint=hint)
            case spec.Map(map=child, with_=given):
                item, wanted = values.item_of(state), values.taken_by_child(child)
                whole = (*route, "with") if item != ANY and structures(values, item, wanted) else None
                for found in _given(values, child, given, (*route, "with")):
                    hint = "leave `with` out: each item is the input then" if found.route == whole else ""
                    yield evolve(found, hint=found.hint or hint)
            case spec.Parallel(parallel=branches):
                for key, branch in branches.items():
                    yield from _given(values, branch.call, branch.with_, (*route, "parallel", key, "with"))


def _given(values: Values, child: str, given: object, route: Route) -> Iterator[Diagnostic]:
    wanted = values.taken_by_child(child)
    for place, message, hint in misfits(values, given, wanted, route):
        if place == route and _is_plain(wanted):
            hint = f"`with` is a mapping; let `{child}` take one, or run it by a `map` without `with`"
        yield Diagnostic("child-input-mismatch", f"the input of `{child}`: {message}", place, hint=hint)


def _is_plain(type_: TypeExpr) -> bool:
    """Tell whether no mapping can be of a type."""
    return isinstance(type_, TypeName) and not type_.module and type_.name != "dict"
