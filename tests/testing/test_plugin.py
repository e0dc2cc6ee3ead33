"""The report, after generated tests, of the transitions that no run took."""

from __future__ import annotations

import pytest

from fsmflow.analysis.traces.coverage import read_file

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
        [
            "*= transitions taken =*",
            "sample: 1 of 4 transitions taken",
            "*never: a → lost (fallback on failure)",
            "*never: a → lost (fallback on invalid)",
            "*never: a → lost (fallback on transient)",
        ]
    )


@pytest.mark.slow
def test_the_report_adds_up_what_workers_took(run):
    """With xdist the report is of all processes together: what one of them took is no miss of another."""
    begin, _ = TESTS.split("def ")
    text = begin + (
        'SUBJECT = SUBJECTS["sample"] = Subject(LOWERED, runner_of(LOWERED))\n'
        "def test_one():\n    play(SUBJECT, Plan())\n"
        "def test_two():\n    play(SUBJECT, Plan(acts=(Act(14),)))\n"
    )
    result = run(text.replace("import Plan", "import Act, Plan"), "-n", "2")

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*= transitions taken =*", "sample: 2 of 4 transitions taken"])
    result.stdout.no_fnmatch_line("*fallback on failure*")


def test_a_long_report_is_cut_short(run):
    """Of many transitions that no run took twenty are named, and the rest is counted."""
    row = "".join(
        f"b{i}: {{run: m:f, success: {f'b{i + 1}' if i < 9 else 'done'}, fallback: lost}}\n"
        for i in range(10)
    )
    result = run(TESTS.replace("success: done", "success: b0").replace("done: {end", f"{row}done: {{end"))

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["sample: 11 of 44 transitions taken", "  … and 13 more"])
    assert sum(line.startswith("  never: ") for line in result.outlines) == 20


def test_the_report_counts_as_the_drawing_does(run):
    """What a first step and a state set aside never do is missed by no test, as in a drawing."""
    aside = TESTS.replace("success: done", "success: b").replace(
        "done: {end",
        "b: {run: m:f, success: c, fallback: lost}\n"
        "c: {run: m:f, reserve: true, success: done, fallback: lost}\ndone: {end",
    )
    result = run(aside.replace("''')", "''', budget='{steps: 9}')"))

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["sample: 3 of 13 transitions taken", "*never: b → exceeded (exceeded)"])
    result.stdout.no_fnmatch_line("*never: a → exceeded*")
    result.stdout.no_fnmatch_line("*never: c → exceeded*")


def test_nothing_is_said_where_nothing_was_played(run):
    """Other test suites see nothing of the plugin."""
    result = run("def test_nothing():\n    pass\n")

    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*transitions taken*")


def test_nothing_is_written_down_unless_asked_for(run, pytester):
    """Without a folder to write to, no file is made."""
    before = set(pytester.path.rglob("*.json"))

    run(TESTS).assert_outcomes(passed=1)
    assert set(pytester.path.rglob("*.json")) == before


@pytest.mark.parametrize("workers", ["0", pytest.param("2", marks=pytest.mark.slow)])
def test_what_was_taken_is_written_down(run, pytester, workers):
    """The counts of all processes are added up, by the number of each transition."""
    begin, _ = TESTS.split("def ")
    text = begin + (
        'SUBJECT = SUBJECTS["sample"] = Subject(LOWERED, runner_of(LOWERED))\n'
        "def test_one():\n    play(SUBJECT, Plan())\n"
        "def test_two():\n    play(SUBJECT, Plan())\n    play(SUBJECT, Plan())\n"
    )
    result = run(text, "-n", workers, "--fsmflow-coverage", "cov")

    result.assert_outcomes(passed=2)
    found = read_file(pytester.path / "cov" / "sample.coverage.json")
    assert (found.workflow, found.runs) == ("sample", 3)
    assert sorted(found.counts) == [*[0] * (len(found.counts) - 1), 3]


def test_a_file_is_no_folder_for_coverage(run, pytester):
    """Where a file stands nothing can be written into it; that is told before a test runs."""
    (pytester.path / "taken").touch()
    result = run(TESTS, "--fsmflow-coverage=taken")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--fsmflow-coverage takes a folder, and taken is none*"])


def test_coverage_that_cannot_be_written_is_no_traceback(run, pytester):
    """What the operating system refuses in the end is told in its own words, and no test is blamed."""
    (pytester.path / "taken/sample.coverage.json").mkdir(parents=True)
    result = run(TESTS, "--fsmflow-coverage=taken")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*could not write taken/sample.coverage.json: Is a directory"])
    assert "Traceback" not in result.stderr.str()
