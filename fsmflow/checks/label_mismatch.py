"""Labels of `success` that are not those that the step returns.

Why is this bad?
    A label without an arm is a rejected output, every time. An arm without a label is a way that
    looks as if it were taken some day.

What to do
    Let `success` have one arm for each label of the step's return annotation. A step with labels and
    no `gives` returns its label, `-> Literal["yes", "no"]`; with `gives`, `Outcome(label, value)`.

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

from collections.abc import Iterator, Mapping

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.analysis.kinds.annotations import ANY
from fsmflow.analysis.kinds.fits import fits
from fsmflow.analysis.kinds.signatures import Signature
from fsmflow.diagnostics import Diagnostic
from fsmflow.source import Route
from fsmflow.typeexpr import TypeName


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Hold the labels of each step, and of what profiles put in its place, to the annotation."""
    for name, state in analysis.workflow.states.items():
        if isinstance(state, spec.Run):
            yield from _state(analysis, name, state, state.run, None)
    for profile, steps in analysis.workflow.profiles.items():
        for name, step in steps.items():
            state = analysis.workflow.states.get(name, spec.End(end="failed"))
            if isinstance(state, spec.Run | spec.Llm):
                yield from _state(analysis, name, state, step, ("profiles", profile, name))


def _state(
    analysis: Analysis, name: str, state: spec.Run | spec.Llm, step: str, place: Route | None
) -> Iterator[Diagnostic]:
    signature = analysis.values.signature(step)
    if signature is None:
        return
    route: Route = place or ("states", name, "success")
    if not isinstance(state.success, dict):
        labels = signature.labels if state.output is None else None
        if labels or signature.outcome:
            which = ", ".join(f"`{label}`" for label in labels or ())
            message = f"`{step}` returns a label{f' ({which})' if which else ''}, and `success` has none"
            hint = "give each label an arm: `success: {LABEL: STATE, …}`"
            yield Diagnostic("label-mismatch", message, route, hint=hint)
    elif state.output is not None:
        if not signature.outcome and signature.gives != ANY:
            message = f"`{step}` returns `{signature.gives}`, and no label"
            hint = "with `gives`, a labelled step returns Outcome(label, value)"
            yield Diagnostic("label-mismatch", message, place or ("states", name, "run"), hint=hint)
    else:
        yield from _labels(analysis, signature, state.success, step, route, in_place=place is None)


def _labels(
    analysis: Analysis,
    signature: Signature,
    arms: Mapping[str, spec.Arm],
    step: str,
    route: Route,
    *,
    in_place: bool,
) -> Iterator[Diagnostic]:
    if signature.labels is None:
        if not fits(analysis.modules, signature.gives, TypeName("", "str")):
            message = f"`{step}` returns `{signature.gives}`, which is no label"
            yield Diagnostic("label-mismatch", message, route, hint="return one of the labels")
        return
    for label in signature.labels:
        if label not in arms:
            message = f"`{step}` may return `{label}`, and `success` has no arm for it"
            yield Diagnostic(
                "label-mismatch", message, route, key=True, hint=analysis.hints.near(label, arms)
            )
    for label in arms if in_place else ():
        if label not in signature.labels:
            message = f"`{step}` never returns `{label}`"
            hint = analysis.hints.near(label, signature.labels)
            yield Diagnostic("label-mismatch", message, (*route, label), key=True, hint=hint)
