"""A model without a price in a workflow with a cap on money.

Why is this bad?
    What its calls cost would not be known, neither before they are made nor after, and the cap would
    hold back nothing.

What to do
    Say what the model charges for a million tokens: `prices: {MODEL: {input: 0.15, output: 0.6}}`. What an
    attempt costs at most follows from that, and what it did cost from the usage that the endpoint tells.
    A child says in its own spec what its models charge.

Example::

    fsmflow: 1
    workflow: sample
    budget: {usd: 0.5}
    prices:
      some-model: {input: 0.15, output: 0.6}
    states:
      draft:
        llm:
          model: some-modle  # error: model-unpriced
          prompt: prompts/hello.md
          max_tokens: 400
        cost: {tokens: 2000}
        success: ask
        fallback: failed
      ask:
        call: asks_a_model  # error: model-unpriced
        success: done
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.analysis.callees import calls
from fsmflow.diagnostics import MAX_RELATED, Diagnostic, Related
from fsmflow.loading.names import shown
from fsmflow.source import Route


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find models that are asked under a cap on money, here or by children, and have no price."""
    if analysis.workflow.budget.usd is None:
        return
    asked: dict[str, list[Route]] = {}
    for name, state in analysis.workflow.states.items():
        if isinstance(state, spec.Llm) and state.llm.model not in analysis.workflow.prices:
            asked.setdefault(state.llm.model, []).append(("states", name, "llm", "model"))
    for model, (first, *others) in asked.items():
        near = analysis.hints.near(model, analysis.workflow.prices)
        yield Diagnostic(
            "model-unpriced",
            f"money is capped, and `prices` does not say what `{shown(model)}` charges",
            first,
            hint=near or "add its price for a million tokens: `prices: {MODEL: {input: …, output: …}}`",
            related=tuple(Related("and here", route) for route in others[:MAX_RELATED]),
        )
    for call in calls(analysis.workflow):
        found = analysis.callees[call.name]
        if found.callee is not None and found.unpriced:
            yield Diagnostic(
                "model-unpriced",
                f"money is capped, and it is not said what `{shown(found.unpriced[0])}` charges, which "
                f"`{call.name}` asks",
                call.route,
                hint=f"add its price for a million tokens to {found.path.as_posix()}, or to a spec below it",
            )
