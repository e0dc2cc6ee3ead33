"""Labels of `success` that are not those that the step returns.

Why is this bad?
    A label without an arm is a rejected output, every time. An arm without a label is a way that
    looks as if it were taken some day.

What to do
    Let `success` have one arm for each label of the step's return annotation. A step with labels and
    no `gives` returns its label, `-> Literal["yes", "no"]`, and null is none; with `gives`,
    `Outcome(label, value)`, of which those labels are known that stand in a `return`; one that only another
    state with the same step has an arm for is a warning, since what a step is given may rule it out.

Example::

    fsmflow: 1
    workflow: sample
    states:
      check:
        run: m:verdict            # -> Literal["yes", "no"]
        effect: none
        success:  # error: label-mismatch
          "yes": done
          maybe: failed  # error: label-mismatch
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache, partial

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.analysis.kinds.annotations import NONE, union
from fsmflow.analysis.kinds.fits import fits
from fsmflow.analysis.kinds.signatures import OUTCOME, Signature
from fsmflow.analysis.kinds.symbols import Symbol, resolve, spelled
from fsmflow.analysis.modules import Module
from fsmflow.diagnostics import Diagnostic, Severity
from fsmflow.source import Route
from fsmflow.typeexpr import TypeExpr, TypeName, Union


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Hold the labels of each step, and of what profiles put in its place, to what it says it returns."""
    # Many states may share a step, whose source is read once.
    outcomes = cache(partial(_in_outcomes, analysis))
    shared = _arms_by_step(analysis)
    for name, state in analysis.workflow.states.items():
        if isinstance(state, spec.Run):
            yield from _state(analysis, outcomes, shared, name, state, state.run, None)
    for profile, steps in analysis.workflow.profiles.items():
        for name, step in steps.items():
            state = analysis.workflow.states.get(name, spec.End(end="failed"))
            if isinstance(state, spec.Run | spec.Llm):
                place = ("profiles", profile, name)
                yield from _state(analysis, outcomes, shared, name, state, step, place)


def _state(
    analysis: Analysis,
    outcomes: Callable[[str], tuple[Sequence[str], bool]],
    shared: Mapping[str, Collection[str]],
    name: str,
    state: spec.Run | spec.Llm,
    step: str,
    place: Route | None,
) -> Iterator[Diagnostic]:
    signature = analysis.values.signature(step)
    if signature is None:
        return
    route: Route = place or ("states", name, "success")
    if not isinstance(state.success, dict):
        # What may be null may well be meant as a value.
        is_label = signature.outcome or (state.output is None and not signature.may_lack_label)
        labels = signature.labels if is_label else None
        if labels or signature.outcome:
            which = ", ".join(f"`{label}`" for label in labels or ())
            message = f"`{step}` returns a label{f' ({which})' if which else ''}, and `success` has none"
            hint = "give each label an arm: `success: {LABEL: STATE, …}`"
            yield Diagnostic("label-mismatch", message, route, hint=hint)
    elif state.output is None or (signature.outcome and signature.labels is not None):
        yield from _labels(analysis, signature, state.success, step, route, in_place=place is None)
    elif not signature.outcome and not _may_be_outcome(analysis, signature.gives):
        message = f"`{step}` returns `{signature.gives}`, and no label"
        hint = "with `gives`, a labelled step returns Outcome(label, value)"
        yield Diagnostic("label-mismatch", message, place or ("states", name, "run"), hint=hint)
    else:
        known, is_all = outcomes(step)
        # A body is no promise, as an annotation is: one that is still to be written may return the others.
        never = Severity.WARNING if place is None and is_all else None
        # Of states that share a step, each may give it what leads to some of its labels alone.
        doubtful = shared.get(step, ()) if set(known).issuperset(state.success) else ()
        yield from _arms(analysis, known, state.success, step, route, never=never, doubtful=doubtful)


def _arms_by_step(analysis: Analysis) -> Mapping[str, Collection[str]]:
    """Give the labels for which the states that run a step have arms, all together."""
    arms: dict[str, set[str]] = {}
    for state in analysis.workflow.states.values():
        if isinstance(state, spec.Run) and isinstance(state.success, dict):
            arms.setdefault(state.run, set()).update(state.success)
    return arms


def _may_be_outcome(analysis: Analysis, kind: TypeExpr) -> bool:
    return fits(analysis.modules, kind, OUTCOME) or fits(analysis.modules, OUTCOME, kind)


def _in_outcomes(analysis: Analysis, step: str) -> tuple[Sequence[str], bool]:
    """Give the labels of the outcomes that a step returns, where they stand there, and if they are all."""
    module, _, name = step.partition(":")
    found = resolve(analysis.modules, module, name)
    if not isinstance(found, Symbol) or not isinstance(found.node, ast.FunctionDef | ast.AsyncFunctionDef):
        return (), False
    labels: dict[str | None, None] = {}
    pending: list[ast.AST] = list(_reached(found.node))
    while pending:
        match pending.pop():
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda() | ast.ClassDef():
                pass
            case ast.Return(value=value):
                labels |= dict.fromkeys(_of_outcome(found.module, value))
            case part:
                pending.extend(_reached(part))
    known = sorted(label for label in labels if label is not None)
    return known, bool(known) and None not in labels


def _reached(part: ast.AST) -> Iterator[ast.AST]:
    """Give the statements in a statement, but those behind a `return` or `raise`, or an `if False`."""
    never = "body" if isinstance(part, ast.If) and _is_false(part.test) else None
    for name, block in ast.iter_fields(part):
        for inner in block if isinstance(block, list) and name != never else ():
            if isinstance(inner, ast.stmt | ast.ExceptHandler | ast.match_case):
                yield inner
            if isinstance(inner, ast.Return | ast.Raise):
                break


def _is_false(test: ast.expr) -> bool:
    match test:
        case ast.Constant(value=value):
            return not value
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name == "TYPE_CHECKING"
    return False


def _of_outcome(module: Module, value: ast.expr | None) -> Iterator[str | None]:
    """Give each label of the outcome that is made in an expression; None for what can't be told."""
    match value:
        case ast.IfExp(body=body, orelse=other):
            yield from _of_outcome(module, body)
            yield from _of_outcome(module, other)
        case (
            ast.Call(func=made, args=[label, *_])
            | ast.Call(func=made, args=[], keywords=[ast.keyword(arg="label", value=label), *_])
        ) if spelled(module, made).startswith("fsmflow.") and spelled(module, made).endswith(".Outcome"):
            for each in (label.body, label.orelse) if isinstance(label, ast.IfExp) else (label,):
                text = each.value if isinstance(each, ast.Constant) else None
                yield text if isinstance(text, str) else None
        case _:
            yield None


def _labels(
    analysis: Analysis,
    signature: Signature,
    arms: Mapping[str, spec.Arm],
    step: str,
    route: Route,
    *,
    in_place: bool,
) -> Iterator[Diagnostic]:
    if signature.may_lack_label:
        message = f"`{step}` may return null, which is no label: that output is rejected"
        hint = "let it return a label, or raise what says why there is none"
        yield Diagnostic("label-mismatch", message, route, Severity.WARNING, key=True, hint=hint)
    if signature.labels is None:
        said = _without_null(signature.gives)
        if not signature.outcome and not fits(analysis.modules, said, TypeName("", "str")):
            message = f"`{step}` returns `{signature.gives}`, which is no label"
            yield Diagnostic("label-mismatch", message, route, hint="return one of the labels")
        return
    never = Severity.ERROR if in_place else None
    yield from _arms(analysis, signature.labels, arms, step, route, never=never)


def _without_null(kind: TypeExpr) -> TypeExpr:
    members = kind.members if isinstance(kind, Union) else (kind,)
    return union([member for member in members if member != NONE] or [NONE])


def _arms(
    analysis: Analysis,
    labels: Sequence[str],
    arms: Mapping[str, spec.Arm],
    step: str,
    route: Route,
    *,
    never: Severity | None,
    doubtful: Collection[str] = (),
) -> Iterator[Diagnostic]:
    """Hold the arms to the labels of a step.

    `never` says how grave an arm is that has none of them, and `doubtful` which of them may not be meant.
    """
    free = [label for label in arms if label not in labels]
    for label in (label for label in labels if label not in arms):
        near = analysis.hints.nearest(label, free)
        severity = Severity.WARNING if label in doubtful else Severity.ERROR
        if near is not None and never is not None:
            free.remove(near)
            message = f"`{step}` never returns `{near}`, and may return `{label}`, for which there is no arm"
            place: Route = (*route, near)
            hint = f"did you mean `{label}`?"
        else:
            message = f"`{step}` may return `{label}`, and `success` has no arm for it"
            place = route
            hint = f"add `{label}: STATE` to `success`" if near is None else f"did you mean `{near}`?"
        yield Diagnostic("label-mismatch", message, place, severity, key=True, hint=hint)
    if never is None:
        return
    for label in free:
        message = f"`{step}` never returns `{label}`"
        hint = analysis.hints.near(label, labels)
        yield Diagnostic("label-mismatch", message, (*route, label), never, key=True, hint=hint)
