"""Of which machines it is worked out how long the journal of a run may get."""

from __future__ import annotations

import pytest

from fsmflow.checks import history_too_long

STATES = 600

SPEC = (
    "workflow: sample\nstates:\n"
    + "".join(
        f"  s{n}: {{run: m:f, effect: none, timeout: 1s, success: s{n + 1},"
        f" fallback: {{to: s0, times: 9, else: done}}}}\n"
        for n in range(55)
    )
    + "".join(f"  s{n}: {{wait: 1s, success: s{n + 1}}}\n" for n in range(55, STATES))
    + f"  s{STATES}: {{wait: 1s, success: done}}\n  done: {{end: success}}\n"
)


def test_a_large_machine_with_many_counters_is_left_alone(compiled, monkeypatch: pytest.MonkeyPatch):
    """The bound is not worked out where that would take longer than all other checks together."""

    def never(machine: object) -> int:
        raise AssertionError("it was worked out")

    monkeypatch.setattr(history_too_long, "_most", never)

    assert "history-too-long" not in {each.check for each in compiled(SPEC).diagnostics}
