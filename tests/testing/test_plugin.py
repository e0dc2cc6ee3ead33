"""The report, after generated tests, of the transitions that no run took."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

TESTS = """
from fsmflow.testing import Plan, Subject, play
from fsmflow.testing.subject import SUBJECTS
from tests.generated import runner_of
from tests.sample import machine

LOWERED = machine('''
a: {run: m:f, success: done, fallback: lost}
done: {end: success}
lost: {end: failed}
''')

def test_play():
    SUBJECTS.clear()
    subject = SUBJECTS["sample"] = Subject(LOWERED, runner_of(LOWERED))
    play(subject, Plan())
"""


@pytest.fixture
def run(pytester, request, monkeypatch):
    """Run a file of tests with the plugin, in a process of its own."""
    monkeypatch.syspath_prepend(request.config.rootpath)
    monkeypatch.setenv("PYTHONPATH", str(request.config.rootpath))

    def run(text: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(text)
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", *options)

    return run


def test_transitions_that_no_run_took_are_told(run):
    """For each workflow the report counts what was taken and names what was not."""
    result = run(TESTS)

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["*= transitions taken =*", "sample: 1 of 2 transitions taken", "*never: a → lost (fallback)"]
    )


def test_nothing_is_said_where_nothing_was_played(run):
    """Other test suites see nothing of the plugin."""
    result = run("def test_nothing():\n    pass\n")

    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*transitions taken*")
