"""A model's tools and the labels of its state that do not match.

Why is this bad?
    The model calls one of its tools, and that call is the label of its success. A tool without an arm leads
    nowhere, and an arm without a tool is never taken.

What to do
    Give each tool an arm under `success`, and each arm a tool. What a tool takes is the state's value, so
    `gives` and `format` have no place beside `tools`.

Example::

    fsmflow: 1
    workflow: sample
    input: m:Question
    states:
      plan:
        llm:
          model: some-model
          prompt: prompts/hello.md
          max_tokens: 400
          tools:
            serch: str  # error: tool-mismatch
            answer: str
        cost: {tokens: 2000}
        success:
          search: done
          answer: done
          stop: failed  # error: tool-mismatch
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.diagnostics import Diagnostic, Related
from fsmflow.source import Route


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Hold the tools of each model to the arms of its success."""
    for name, state in analysis.workflow.states.items():
        if isinstance(state, spec.Llm) and state.llm.tools:
            yield from _state(analysis, state, ("states", name))


def _state(analysis: Analysis, state: spec.Llm, route: Route) -> Iterator[Diagnostic]:
    tools = state.llm.tools
    arms = state.success if isinstance(state.success, dict) else {}
    if not isinstance(state.success, dict):
        message = "`success` has no labels, and each tool is one"
        hint = "give each tool an arm: `success: {TOOL: STATE, …}`"
        yield Diagnostic("tool-mismatch", message, (*route, "success"), hint=hint)
    free = [label for label in arms if label not in tools]
    for tool in (tool for tool in tools if arms and tool not in arms):
        near = analysis.hints.nearest(tool, free)
        message = f"`success` has no arm for the tool `{tool}`"
        hint = f"add `{tool}: STATE` to `success`" if near is None else f"did you mean `{near}`?"
        place: Route = (*route, "llm", "tools", tool)
        related: tuple[Related, ...] = ()
        if near is not None:
            # One of the two is misspelt: one fault.
            free.remove(near)
            related = (Related(f"an arm for `{near}`, which is no tool", (*route, "success", near)),)
        yield Diagnostic("tool-mismatch", message, place, key=True, hint=hint, related=related)
    for label in free:
        message = f"there is no tool `{label}`, so that this arm is never taken"
        hint = analysis.hints.near(label, tools)
        yield Diagnostic("tool-mismatch", message, (*route, "success", label), key=True, hint=hint)
    for key, said in (("gives", state.gives), ("format", state.llm.format)):
        if said is not None:
            place = (*route, key) if key == "gives" else (*route, "llm", key)
            message = f"`{key}` says nothing beside `tools`: what a tool takes is the value"
            yield Diagnostic("tool-mismatch", message, place, key=True, hint=f"leave `{key}` out")
