"""A prompt and the arguments of its state that do not match.

Why is this bad?
    A name in `{{ }}` without an argument leaves nothing to put there, and the state would fail on its
    first attempt. An argument that no prompt speaks of is kept from the model.

What to do
    Give each name that stands in `{{ }}` an argument in `with`, and use each argument. In a prompt only
    plain names are replaced: for a part of a value, pass that part. An argument that an `accept` function
    or a profile's function takes is used too.

Example::

    fsmflow: 1
    workflow: sample
    input: m:Question
    states:
      draft:
        llm:
          model: some-model
          prompt: prompts/draft.md  # error: prompt-mismatch
          max_tokens: 400
        with:
          text: $input.text  # warning: prompt-mismatch
        cost: {tokens: 2000}
        success: done
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.diagnostics import Diagnostic, Severity
from fsmflow.loading.names import shown
from fsmflow.runtime.prompts import odd_braces, places


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find names in prompts that are no arguments, and arguments that nothing takes."""
    used: dict[str, set[str]] = {}
    unread: set[str] = set()
    for prompt in analysis.prompts:
        state = analysis.workflow.states[prompt.state]
        assert isinstance(state, spec.Llm)
        if prompt.text is None:
            unread.add(prompt.state)
            continue
        for name, line in places(prompt.text):
            used.setdefault(prompt.state, set()).add(name)
            if name not in state.with_:
                yield Diagnostic(
                    "prompt-mismatch",
                    f"`{prompt.path}`, line {line}, speaks of `{shown(name)}`, and `with` does not give it",
                    prompt.route,
                    hint=analysis.hints.near(name, state.with_) or f"add `{shown(name)}` to `with`",
                )
        for text, line in odd_braces(prompt.text):
            yield Diagnostic(
                "prompt-mismatch",
                f"`{prompt.path}`, line {line}: `{shown(text)}` is no name, and stays as it is",
                prompt.route,
                Severity.WARNING,
                hint="give the value a name in `with`, and write that name here",
            )
    for name, state in analysis.workflow.states.items():
        if isinstance(state, spec.Llm) and name not in unread:
            yield from _unused(analysis, name, state, used.get(name, set()))


def _unused(analysis: Analysis, name: str, state: spec.Llm, used: set[str]) -> Iterator[Diagnostic]:
    swapped = [steps[name] for steps in analysis.workflow.profiles.values() if name in steps]
    for function in (*state.accept, *swapped):
        signature = analysis.values.signature(function)
        if signature is None or signature.open:
            return
        used |= {parameter.name for parameter in signature.parameters}
    for argument in state.with_:
        if argument not in used and argument not in analysis.misnamed.get(name, ()):
            yield Diagnostic(
                "prompt-mismatch",
                f"no prompt of `{name}` speaks of `{argument}`",
                ("states", name, "with", argument),
                Severity.WARNING,
                key=True,
                hint=f"write {{{{ {argument} }}}} where it belongs, or remove it",
            )
