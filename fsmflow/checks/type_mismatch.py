"""A value of one type where another is declared.

Why is this bad?
    The step would fail on its first call, or its output be rejected every time.

What to do
    Pass what the step's parameters ask for: each parameter without a default, by its name, and
    nothing else. `$x.or_null` may be null, so its parameter must take None; what a model calls a tool
    with is what that tool takes, where only its label leads. `gives` and the return
    annotation say the same thing, an end's output is of the workflow's `output` type, and a `map` is run
    over a list.
    What has no annotation, or one that can't be followed, is not checked.

Example::

    fsmflow: 1
    workflow: sample
    output: str
    states:
      count:
        run: m:count              # def count(text: str = "") -> int
        with:
          text: 5  # error: type-mismatch
          speed: fast  # error: type-mismatch
        gives: int
        effect: none
        success: done
        fallback: failed
      done:
        end: success
        output: $count  # error: type-mismatch
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any

from attrs import evolve

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.analysis.kinds.fits import fits
from fsmflow.analysis.kinds.signatures import Parameter, Signature
from fsmflow.analysis.kinds.structuring import misfits, structures
from fsmflow.analysis.reads import givers, is_meant_or_null
from fsmflow.analysis.values import NoField, Values
from fsmflow.diagnostics import Diagnostic
from fsmflow.expressions import Reference
from fsmflow.source import Route
from fsmflow.typeexpr import TypeExpr, TypeName, Union


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Hold every value to the type that is declared where it goes."""
    workflow = analysis.workflow
    yield from _paths(analysis)
    for name, state in workflow.states.items():
        values = analysis.values.inside(name)
        match state:
            case spec.Run():
                route: Route = ("states", name)
                yield from _step(analysis, name, state.run, (*route, "run"), (*route, "with"))
                yield from _accepts(analysis, name, route)
            case spec.Llm():
                yield from _answer(analysis, state, ("states", name))
                yield from _accepts(analysis, name, ("states", name))
            case spec.Map():
                yield from _over(values, state, ("states", name, "over"))
            case spec.End() if state.output is not None:
                wanted = values.declared(workflow.output)
                for place, message, hint in misfits(values, state.output, wanted, ("states", name, "output")):
                    yield _diagnostic(message, place, hint)
    for profile, steps in workflow.profiles.items():
        for name, step in steps.items():
            if isinstance(workflow.states.get(name), spec.Run | spec.Llm):
                yield from _step(analysis, name, step, ("profiles", profile, name), None)


def _diagnostic(message: str, route: Route, hint: str = "", *, key: bool = False) -> Diagnostic:
    return Diagnostic("type-mismatch", message, route, key=key, hint=hint)


def _paths(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find dotted paths into values that have no such field."""
    for read in analysis.reads.reads:
        # What `error` holds is part of the language, and `bad-reference` knows it.
        if read.reference.root == "error" or not read.reference.path:
            continue
        if is_meant_or_null(read.reference) and analysis.assignment.may_be_unset(
            read.reference.root, read.state
        ):
            # `read-before-write` tells it.
            continue
        found = analysis.values.inside(read.state).read(read.reference)
        if isinstance(found, NoField):
            shown = str(read.reference)[1:] if read.use == "when" else str(read.reference)
            message = f"`{shown}`: `{found.type}` has no `{found.name}`"
            hint = _of_tool(analysis, read.reference, found) or analysis.hints.near(found.name, found.known)
            yield _diagnostic(message, read.route, hint)


def _of_tool(analysis: Analysis, reference: Reference, found: NoField) -> str:
    """Say what to read where what a tool takes is looked for in the call of it."""
    names = givers(analysis.workflow).get(reference.root, ())
    asks = [analysis.workflow.states[name] for name in names]
    tools = {tool for state in asks if isinstance(state, spec.Llm) for tool in state.llm.tools}
    if len(reference.path) == 1 and tools and (not found.known or found.name in tools):
        return f"what its tool takes is the value: read `${reference.root}`"
    return ""


def _over(values: Values, state: spec.Map, route: Route) -> Iterator[Diagnostic]:
    """Hold what a `map` is run over to being a list."""
    if not state.over.startswith("$") or state.over.startswith("$$") or state.over.endswith(".or_null"):
        # No reference to a list, whatever the types are, which `bad-reference` tells.
        return
    given = values.of_data(state.over)
    if not fits(values.modules, given, TypeName("", "list")):
        message = f"a `map` is run over a list, and `{state.over}` is `{given}`"
        yield _diagnostic(message, route, "name a list")


def _step(
    analysis: Analysis, name: str, step: str, place: Route, arguments: Route | None
) -> Iterator[Diagnostic]:
    """Hold the arguments of one step to its parameters, and what it returns to `gives`.

    `arguments` is where the arguments stand; None where all faults are told at `place`.
    """
    state, values = analysis.workflow.states[name], analysis.values.inside(name)
    signature = values.signature(step)
    if signature is None or not isinstance(state, spec.Run | spec.Llm):
        return
    parameters = {parameter.name: parameter for parameter in signature.parameters}
    meant: list[str] = []
    given = _as_meant(analysis, name, parameters)
    for argument, data in given.items():
        route = place if arguments is None else (*arguments, argument)
        if argument not in parameters:
            if not signature.open:
                free = [p for p in parameters if p != "ctx" and p not in given]
                hint = analysis.hints.near(argument, free)
                meant += [p for p in free if hint == f"did you mean `{p}`?"]
                yield _diagnostic(f"`{step}` has no parameter `{argument}`", route, hint, key=True)
        else:
            for found in _argument(values, step, parameters[argument], values.of_data(data), route):
                yield evolve(found, hint=found.hint or _reference(analysis, data))
    yield from _left_out(signature, {*given, *meant}, step, place)
    declared = values.declared(state.output)
    is_value = signature.outcome or not isinstance(state.success, dict)
    if is_value and not structures(values, signature.gives, declared):
        returned = f"an outcome of `{signature.gives}`" if signature.outcome else f"`{signature.gives}`"
        message = f"`{step}` returns {returned}, and `gives` says `{declared}`"
        yield _diagnostic(message, place if arguments is None else (*place[:-1], "gives"))


def _as_meant(analysis: Analysis, name: str, parameters: Container[str]) -> Mapping[str, Any]:
    """Give the arguments of a state by their names, or by those that its prompts know them by."""
    state, other = analysis.workflow.states[name], analysis.misnamed.get(name, {})
    assert isinstance(state, spec.Run | spec.Llm)
    return {key if key in parameters else other.get(key, key): data for key, data in state.with_.items()}


def _answer(analysis: Analysis, state: spec.Llm, route: Route) -> Iterator[Diagnostic]:
    """Hold what a model answers in words to what its state gives."""
    if state.form != "text" or state.gives is None:
        return
    declared = analysis.values.declared(state.gives)
    if isinstance(state.success, dict):
        message = f"an answer in words is a label, and can't hold `{declared}` too"
    elif not structures(analysis.values, TypeName("", "str"), declared):
        message = f"an answer in words is a `str`, and `gives` says `{declared}`"
    else:
        return
    yield _diagnostic(message, (*route, "llm", "format"), "say `format: schema`")


def _reference(analysis: Analysis, data: object) -> str:
    """Word a hint where the name of a value stands as a text."""
    name = data.strip("{} ") if isinstance(data, str) else ""
    return f"did you mean `${name}`?" if name in {*givers(analysis.workflow), "input"} else ""


def _left_out(signature: Signature, given: Container[str], step: str, place: Route) -> Iterator[Diagnostic]:
    lacking: list[str] = []
    for parameter in signature.parameters:
        if parameter.name == "ctx":
            continue
        if parameter.kind == "positional" and parameter.required:
            message = f"`{step}` takes `{parameter.name}` by position only; arguments are given by name"
            yield _diagnostic(message, place, "take away the `/`")
        elif parameter.required and parameter.name not in given:
            if str(parameter.type).endswith(":StepContext"):
                message = f"`{step}` needs `{parameter.name}`, and `with` does not give it"
                yield _diagnostic(message, place, "name it `ctx`: that is how a step is given its context")
            else:
                lacking.append(f"`{parameter.name}`")
    if lacking:
        *most, last = lacking
        names = f"{', '.join(most)} and {last}" if most else last
        them = "them" if most else "it"
        yield _diagnostic(
            f"`{step}` needs {names}, and `with` does not give {them}", place, f"add {names} to `with`"
        )


def _argument(
    values: Values, step: str, parameter: Parameter, given: TypeExpr, route: Route
) -> Iterator[Diagnostic]:
    if fits(values.modules, given, parameter.type):
        return
    message = f"`{step}` takes `{parameter.name}` as `{parameter.type}`, and gets `{given}`"
    members = given.members if isinstance(given, Union) else (given,)
    others = [each for each in members if not fits(values.modules, each, parameter.type)]
    told = " and ".join(f"`{each}`" for each in others)
    hint = f"let `{parameter.name}` take {told} too" if len(others) < len(members) else ""
    yield _diagnostic(message, route, hint)


def _accepts(analysis: Analysis, name: str, route: Route) -> Iterator[Diagnostic]:
    """Hold what `accept` functions are called with to their parameters: the output, and `with` by name."""
    state, values = analysis.workflow.states[name], analysis.values.inside(name)
    assert isinstance(state, spec.Run | spec.Llm)
    output = values.output(state)
    for index, function in enumerate(state.accept):
        place: Route = (*route, "accept", index)
        signature = values.signature(function)
        if signature is None:
            continue
        if not signature.parameters or signature.parameters[0].kind == "keyword":
            yield _diagnostic(
                f"`{function}` takes no output to accept", place, "its first parameter is the output"
            )
            continue
        first, *others = signature.parameters
        yield from _argument(values, function, first, output, place)
        arguments = _as_meant(analysis, name, {parameter.name for parameter in others})
        for parameter in others:
            if parameter.name in arguments:
                given = values.of_data(arguments[parameter.name])
                yield from _argument(values, function, parameter, given, place)
            elif parameter.required:
                message = f"`{function}` needs `{parameter.name}`, and `with` does not give it"
                yield _diagnostic(message, place, analysis.hints.near(parameter.name, arguments))
