"""What a case plans, as the events that a pure core is fed with."""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow.machine import Ask, Work
from fsmflow.runtime import Configuration, Elapsed, Ended, Late, Lost
from tests.conformance.case import Case, Happening


def happens(
    case: Case, now: Configuration, plan: Iterator[Happening], pause_us: int | None, deadline_us: int | None
) -> Iterator[Ended | Elapsed | Late | Lost]:
    """Give what happens next, as events: the whole of a pause, or what is planned."""
    if pause_us is not None:
        yield Elapsed(pause_us)
        return
    happening = next(plan)
    assert happening.state == now.state, f"`{happening.state}` is planned, not `{now.state}`"
    if happening.late is not None:
        yield Late(happening.late)
    state = case.machine.states[now.state]
    if happening.outcome == "lost" and isinstance(state, Work):
        yield _lost(state)
        return
    elapsed, use = happening.takes_us, happening.use
    if happening.cut:
        assert deadline_us is not None
        elapsed, use = deadline_us, None if isinstance(state, Work) and state.children is None else use
    if isinstance(state, Ask):
        answered = happening.outcome == "success"
        value = happening.value if state.gives is not None else happening.label
        if happening.outcome == "unanswered":
            elapsed = state.timeout_us or 0
        yield Ended(
            "success" if answered else "failure", happening.label, value, use=(0, 0, 0), elapsed_us=elapsed
        )
        return
    assert isinstance(state, Work)
    value = happening.value if state.gives is not None or state.labels is None else happening.label
    steps = happening.steps if happening.use is not None or happening.steps > 1 else state.steps
    yield Ended(
        happening.outcome,
        happening.label,
        value,
        happening.message,
        complaints=happening.complaints,
        use=use,
        elapsed_us=elapsed,
        retry_after_us=happening.retry_after_us,
        draw=happening.draw,
        steps=steps if state.children is not None else 1,
    )


def _lost(state: Work) -> Ended | Lost:
    """Say what must be made of an attempt whose process ended: it may have happened."""
    if state.effect == "once":
        return Ended("unknown", use=None, elapsed_us=state.timeout_us or 0)
    return Lost(state.timeout_us or 0)
