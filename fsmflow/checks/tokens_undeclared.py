"""A state that asks a model, and does not say what that may cost in tokens.

Why is this bad?
    Nothing would be reserved for the call, and what the workflow uses at worst could not be told. And
    where `cost.tokens` is no more than `max_tokens`, no prompt ever fits beside the answer.

What to do
    Say `cost: {tokens: …}`: what the longest prompt has, plus `max_tokens`, which has to hold the thoughts
    of a model that thinks first too. A prompt that does not fit is never sent. Unless tiktoken knows the
    model, each of its bytes counts as a token.

Example::

    fsmflow: 1
    workflow: sample
    states:
      draft:  # error: tokens-undeclared
        llm: {model: some-model, prompt: prompts/hello.md, max_tokens: 400}
        success: check
        fallback: failed
      check:
        llm: {model: some-model, prompt: prompts/hello.md, max_tokens: 400}
        cost:
          tokens: 400  # error: tokens-undeclared
        success: done
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.diagnostics import Diagnostic


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find states with a model whose cost leaves no room for a prompt."""
    for name, state in analysis.workflow.states.items():
        if not isinstance(state, spec.Llm):
            continue
        tokens, written = state.cost.tokens, state.llm.max_tokens
        if tokens == 0:
            yield Diagnostic(
                "tokens-undeclared",
                f"`{name}` asks a model, and does not say how many tokens that may take",
                ("states", name),
                key=True,
                hint=f"add `cost: {{tokens: …}}`: the prompt's, and {written:,} for the answer",
            )
        elif tokens <= written:
            yield Diagnostic(
                "tokens-undeclared",
                f"`{name}` may take {tokens:,} tokens, and its answer alone {written:,}",
                ("states", name, "cost", "tokens"),
                hint="leave room for the prompt, or lower `max_tokens`",
            )
