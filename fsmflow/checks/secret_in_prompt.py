"""A secret that a model is given.

Why is this bad?
    It stands in no trace and no log, and all the same in the request: who runs the model sees it, and may
    keep it.

What to do
    Leave it out of the prompt, or pass a part that is not secret. Where the model is to have it, say so in
    the state that asks: `secret: [card]`, the name of the argument.

Example::

    fsmflow: 1
    workflow: sample
    input: m:Question
    secret: [text]
    states:
      draft:
        llm: {model: some-model, prompt: prompts/draft.md, max_tokens: 400}
        with:
          question: $input.text  # warning: secret-in-prompt
        cost: {tokens: 2000}
        success: check
        fallback: failed
      check:
        llm: {model: some-model, prompt: prompts/draft.md, max_tokens: 400}
        with: {question: $input.text}
        secret: [question]
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
from fsmflow.lowering.secrets import INPUT, declared
from fsmflow.machine import Work
from fsmflow.runtime.prompts import places


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find secrets that a prompt speaks of, where the state that asks does not say so."""
    spoken: dict[str, set[str]] = {}
    for prompt in analysis.prompts:
        names = (name for name, _ in places(prompt.text or ""))
        spoken.setdefault(prompt.state, set()).update(names)
    for name, state in analysis.workflow.states.items():
        made = analysis.machine.states.get(name)
        if not isinstance(state, spec.Llm) or not isinstance(made, Work):
            continue
        known = _arguments(declared(state))
        secret = _arguments(made.secret)
        for argument in state.with_:
            if argument in secret - known and argument in spoken.get(name, ()) and not known & {""}:
                yield Diagnostic(
                    "secret-in-prompt",
                    f"what goes into `{argument}` is secret, and the model of `{name}` is given it",
                    ("states", name, "with", argument),
                    Severity.WARNING,
                    hint=f"leave it out, or say `secret: [{argument}]` in `{name}` if that is meant",
                )


def _arguments(ways: tuple[str, ...]) -> set[str]:
    """Give the arguments of which something is secret; an empty name stands for all of them."""
    return {way.partition(".")[2].partition(".")[0] for way in ways if way.split(".")[0] == INPUT}
