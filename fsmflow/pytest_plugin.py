"""The pytest plugin: tells, after generated tests, which transitions no run took.

Every pytest of an environment with fsmflow in it loads this, so it imports nothing of fsmflow: it
looks at what generated tests have loaded.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report, for each workflow that was played, the transitions that were never taken."""
    loaded = sys.modules.get("fsmflow.testing.subject")
    if loaded is None:
        return
    played = [subject for _, subject in sorted(loaded.SUBJECTS.items()) if subject.taken]
    if not played:
        return
    terminalreporter.section("transitions taken")
    for subject in played:
        missed = sorted(subject.edges - set(subject.taken))
        taken = len(subject.edges) - len(missed)
        terminalreporter.write_line(
            f"{subject.machine.name}: {taken} of {len(subject.edges)} transitions taken"
        )
        for source, what, target in missed:
            terminalreporter.write_line(f"  never: {source} → {target} ({what})")
