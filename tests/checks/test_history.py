"""Of which machines it is told that the journal of a run may get too long, and how long."""

from __future__ import annotations

import pytest

from fsmflow.checks import history_too_long

STATES = 600


def large(times: int) -> str:
    """Give a spec of many states and many loops."""
    return (
        "workflow: sample\nstates:\n"
        + "".join(
            f"  s{n}: {{run: m:f, effect: none, timeout: 1s, success: s{n + 1},"
            f" fallback: {{to: s0, times: {times}, else: done}}}}\n"
            for n in range(55)
        )
        + "".join(f"  s{n}: {{wait: 1s, success: s{n + 1}}}\n" for n in range(55, STATES))
        + f"  s{STATES}: {{wait: 1s, success: done}}\n  done: {{end: success}}\n"
    )


def told(compiled, text: str) -> list[str]:
    """Give what is said of the length of a run."""
    return [each.message for each in compiled(text).diagnostics if each.check == "history-too-long"]


@pytest.mark.parametrize(
    ("times", "said"),
    [
        (7, []),
        (
            90,
            ["a run may have 545,702 events by a rough count, and the journal of a durable one holds 50,000"],
        ),
    ],
)
def test_a_large_machine_with_many_counters_is_told_of_roughly(
    times: int, said: list[str], compiled, monkeypatch: pytest.MonkeyPatch
):
    """The bound is not worked out where that would take longer than all other checks together."""

    def never(*_: object) -> int:
        raise AssertionError("it was worked out")

    monkeypatch.setattr(history_too_long, "_most", never)

    assert told(compiled, large(times)) == said


def looping(step: str, *, budget: str = "{}") -> str:
    """Give a spec with a step that can't succeed at once."""
    return (
        f"workflow: sample\nbudget: {budget}\nstates:\n"
        f"  look: {{run: m:f, effect: none, timeout: 1s, {step}, fallback: failed}}\n"
        "  rest: {wait: 1s, success: confirm}\n"
        "  confirm: {ask: Again?, timeout: 1d, success: {again: look, stop: done}, fallback: done}\n"
        "  done: {end: success}\n  failed: {end: failed}\n"
    )


@pytest.mark.parametrize(
    ("text", "events"),
    [
        (looping("success: done, retry: {times: 12499, backoff: 1ms}"), None),
        (looping("success: done, retry: {times: 12500, backoff: 1ms}"), 50_002),
        (looping("success: rest", budget="{steps: 8000, exceeded: failed}"), None),
        (looping("success: rest", budget="{steps: 9000, exceeded: failed}"), 54_000),
        (looping("success: rest", budget="{time: 2h, exceeded: failed}"), None),
        (looping("success: rest", budget="{time: 3h, exceeded: failed}"), 64_802),
        (
            looping(
                "success: done, retry: {times: 20000, backoff: 1ms}", budget="{steps: 9, exceeded: failed}"
            ),
            None,
        ),
    ],
)
def test_pauses_and_questions_count_as_attempts_do(text: str, events: int | None, compiled):
    """Each has two events: that it begins, and what comes of it; what a budget stops has none."""
    assert told(compiled, text) == (
        []
        if events is None
        else [f"a run may have {events:,} events, and the journal of a durable one holds 50,000"]
    )
