"""A field that is said to be secret, and is not there.

Why is this bad?
    Nothing is hidden by it: what was meant to stay out of traces and logs would stand in all of them.

What to do
    Name an argument of the state, `output`, or a field in one of them: `card`, `output.email`. Of a
    `map`, the arguments are those of each child; of a `parallel`, the children: `web.text`. For the
    whole workflow, name fields of its input.

Example::

    fsmflow: 1
    workflow: sample
    input: m:Question
    secret: [txet]  # error: bad-secret
    states:
      draft:
        run: m:f
        with: {card: $input.text}
        effect: none
        secret: [crad, output]  # error: bad-secret
        success: done
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.analysis.kinds.annotations import union
from fsmflow.analysis.values import NoField, Values
from fsmflow.diagnostics import Diagnostic
from fsmflow.loading.names import parameter_flaw
from fsmflow.source import Route
from fsmflow.typeexpr import Generic, TypeExpr, Union


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find secret fields of the input, of arguments and of outputs that are not there."""
    workflow = analysis.workflow
    given = analysis.values.given("input")
    for route, parts in _named(workflow.secret, ("secret",)):
        yield from _told(analysis, _followed(analysis.values, given, parts), route)
    for name, state in workflow.states.items():
        for route, parts in _named(getattr(state, "secret", False), ("states", name, "secret")):
            yield from _told(analysis, _found(analysis.values.inside(name), state, parts), route)


def _named(secret: spec.Secret, route: Route) -> Iterator[tuple[Route, list[str]]]:
    """Give each field that is named, in parts, with its place."""
    for index, way in enumerate([] if isinstance(secret, bool) else secret):
        parts = way.split(".")
        # What is no name at all is told where it is read.
        if not any(map(parameter_flaw, parts)):
            yield (*route, index), parts


def _told(analysis: Analysis, found: TypeExpr | NoField, route: Route) -> Iterator[Diagnostic]:
    match found:
        case _NoArgument(name=name, known=known):
            message = f"`{name}` is neither an argument nor `output`"
        case NoField(type=type_, name=name, known=known):
            message = f"`{type_}` has no `{name}`"
        case _:
            return
    yield Diagnostic("bad-secret", message, route, hint=analysis.hints.near(name, known))


class _NoArgument(NoField):
    """No argument of that name."""


def _found(values: Values, state: spec.State, parts: Sequence[str]) -> TypeExpr | NoField:
    """Give the type of what is named in a state, or the field that is not there."""
    name, *path = parts
    arguments = _arguments(state)
    if name in arguments:
        return _in_data(values, arguments[name], path)
    if name == "output":
        return _followed(values, values.output(state), path)
    if isinstance(state, spec.Map) and state.with_ is None:
        return _followed(values, values.item_of(state), parts)
    return _NoArgument(values.output(state), name, (*arguments, "output"))


def _arguments(state: spec.State) -> Mapping[str, Any]:
    match state:
        case spec.Ask(show=shown):
            return shown
        case spec.Parallel(parallel=branches):
            return {key: branch.with_ for key, branch in branches.items()}
    return getattr(state, "with_", None) or {}


def _in_data(values: Values, data: Any, path: Sequence[str]) -> TypeExpr | NoField:
    """Follow a path in what an author wrote down, and from the reference in it on."""
    for number, name in enumerate(path):
        if not isinstance(data, dict):
            return _followed(values, values.of_data(data), path[number:])
        if name not in data:
            return NoField(values.of_data(data), name, tuple(data))
        data = data[name]
    return values.of_data(data)


def _followed(values: Values, type_: TypeExpr, path: Sequence[str]) -> TypeExpr | NoField:
    """Follow a path, through lists too."""
    found: TypeExpr | NoField = type_
    for name in path:
        assert not isinstance(found, NoField)
        found = values.follow(_item(found), [name])
        if isinstance(found, NoField):
            break
    return found


def _item(type_: TypeExpr) -> TypeExpr:
    """Give the type of the items, of a list; else the type itself."""
    match type_:
        case Generic(origin="list", arguments=(item,)):
            return _item(item)
        case Union(members=members):
            return union([_item(member) for member in members])
    return type_
