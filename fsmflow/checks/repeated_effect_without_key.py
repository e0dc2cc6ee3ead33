"""A step that acts, may be visited twice in a run, and has no key of its own.

Why is this bad?
    The idempotency key is made of run, state and visit: retries share it, but a second visit has
    another. So the effect happens once for every visit: two payments for one order. A child that acts is
    another run each time, with other keys.

What to do
    Say `key: $input.order_id`, or whatever names the one thing that must happen once; or lead the
    loop past the state. For a child, say it in the child's spec. Where each visit is to act anew, as in
    a reminder, the key of the visit is right: excuse it with a comment that says so.

Example::

    fsmflow: 1
    workflow: sample
    states:
      pay:  # error: repeated-effect-without-key
        run: m:f
        effect: idempotent
        success: check
        fallback: failed
      check:
        run: m:verdict            # -> Literal["yes", "no"]
        effect: none
        success:
          "yes": done
          "no": {to: pay, times: 1, else: failed}
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.analysis.callees import calls_of
from fsmflow.analysis.paths import written
from fsmflow.diagnostics import Diagnostic

MAX_PATHS = 50
"""For how many states the way back is shown; each costs a search of the machine."""


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find acting states, and states that run what acts, on a cycle without `key`."""
    if analysis.guesses.any:
        return
    shown = 0
    for name, state in analysis.workflow.states.items():
        actor, where = _acting(analysis, name, state)
        if actor and name in analysis.cycles.revisited:
            shown += 1
            path = f": `{written(analysis.cycles.way_back(name))}`" if shown <= MAX_PATHS else ""
            yield Diagnostic(
                "repeated-effect-without-key",
                f"{actor} acts, and may be visited twice in a run{path}",
                ("states", name),
                key=True,
                hint=f"add a `key` that names what must happen once, such as `key: $input.id`{where}",
            )


def _acting(analysis: Analysis, name: str, state: spec.State) -> tuple[str, str]:
    """Say what acts in a state without a key of its own, and where its key belongs; empty if nothing does."""
    if isinstance(state, spec.Run | spec.Llm):
        acts = state.effect in ("idempotent", "once") and state.key is None
        return (f"`{name}`" if acts else "", "")
    for call in calls_of(name, state):
        callee = analysis.callees[call.name].callee
        if callee is not None and callee.acts:
            return f"`{call.name}`, which `{name}` runs,", f", to the state of `{call.name}` that acts"
    return "", ""
