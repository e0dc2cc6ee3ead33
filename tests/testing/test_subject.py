"""Loading a workflow to be tested, and what is said of its runner's tables."""

from __future__ import annotations

import pytest

from fsmflow.diagnostics import InvalidSpec
from fsmflow.runtime import Spent
from fsmflow.testing import Subject
from fsmflow.testing.subject import SUBJECTS, StaleRunner
from tests.generated import module_of, runner_of, source_of
from tests.sample import machine

SPEC = """\
fsmflow: 1
workflow: sample
states:
  a: {run: steps:f, effect: none, success: done, fallback: done}
  done: {end: success}
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with a sound spec and its step."""
    (tmp_path / "sample.fsm.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "steps.py").write_text("async def f() -> int:\n    return 1\n", encoding="utf-8")
    return tmp_path


@pytest.fixture(autouse=True)
def _forget():
    before = dict(SUBJECTS)
    yield
    SUBJECTS.clear()
    SUBJECTS.update(before)


def test_a_spec_with_errors_is_not_tested(folder):
    """Its errors are raised in place of anything else."""
    (folder / "sample.fsm.yaml").write_text(SPEC.replace("success: done", "success: dnoe"), encoding="utf-8")

    with pytest.raises(InvalidSpec, match="dnoe"):
        Subject.load(folder / "sample.fsm.yaml", folder / "sample_fsm.py")


def test_a_spec_that_is_not_there_is_an_error_of_the_spec(folder):
    """A missing file is told as every other fault of a spec is."""
    with pytest.raises(InvalidSpec, match="no such file"):
        Subject.load(folder / "gone.fsm.yaml", folder / "sample_fsm.py")


def test_a_runner_that_is_not_there_names_what_writes_it(folder):
    """Before the first build there is nothing to test."""
    with pytest.raises(FileNotFoundError, match="fsmflow build"):
        Subject.load(folder / "sample.fsm.yaml", folder / "sample_fsm.py")


def test_another_module_is_no_runner(folder):
    """A module without a runner in it is refused by name."""
    (folder / "sample_fsm.py").write_text("RUNNER = None\n", encoding="utf-8")

    with pytest.raises(ImportError, match="no runner"):
        Subject.load(folder / "sample.fsm.yaml", folder / "sample_fsm.py")


BUILT = "a: {run: steps:f, effect: none, success: done, fallback: done}\ndone: {end: success}"


def test_a_runner_of_an_older_spec_names_what_makes_it_new(folder):
    """Who edits a spec and forgets to build is told that, and not of the many tests that fail by it."""
    older = machine(BUILT.replace("effect: none", "effect: none, retry: {times: 1}"))
    (folder / "sample_fsm.py").write_text(source_of(older), encoding="utf-8")

    with pytest.raises(StaleRunner, match=r"another version of .*sample\.fsm\.yaml: run `fsmflow build`"):
        Subject.load(folder / "sample.fsm.yaml", folder / "sample_fsm.py")


def test_a_subject_is_known_to_the_report(folder):
    """Loading registers the subject, by its workflow's name."""
    (folder / "sample_fsm.py").write_text(source_of(machine(BUILT)), encoding="utf-8")
    loaded = Subject.load(folder / "sample.fsm.yaml", folder / "sample_fsm.py")

    assert SUBJECTS["sample"] is loaded
    assert loaded.folder == folder


WHOLE = (
    "a: {run: m:f, as: b, with: {x: $input}, gives: str, accept: [m:g], cost: {tokens: 5}, timeout: 2s,"
    " effect: idempotent, key: $input.id, inline: true, success: {yes: q, no: done}, fallback: done}\n"
    "q: {run: m:f, timeout: 1s, reserve: true, success: done, fallback: done}\ndone: {end: success}"
)
KEYS = {"budget": "{steps: 9, time: 9s}", "input": "str", "output": "str", "profiles": "{off: {a: m:h}}"}


def test_the_tables_of_a_runner_are_the_specs():
    """A generated runner holds just what its spec promises of it."""
    lowered = machine(WHOLE, **KEYS)
    subject = Subject(lowered, runner_of(lowered))

    assert subject.promised == subject.provided
    assert subject.promised["reserve"] == Spent(1, 0, 0, 0, 1_000_000)
    assert subject.promised["stages"]["a"]["keys"][0] == "old input.id"


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ('"m:f"', '"m:h"'),
        ('value="b"', 'value="c"'),
        ('gives="str"', 'gives="int"'),
        ('accept=("m:g",)', "accept=()"),
        ('labels=("yes", "no")', 'labels=("no", "yes")'),
        ("cost=(0, 5, 0)", "cost=(0, 6, 0)"),
        ("timeout_us=2_000_000", "timeout_us=2_000_001"),
        ("9_000_000 - 1_000_000", "9_000_000"),
        ('effect="idempotent"', 'effect="none"'),
        ('"input", "id"', '"input", "di"'),
        ("inline=True", "inline=False"),
        ("Limits(steps=9", "Limits(steps=8"),
        ("Spent(steps=1", "Spent(steps=2"),
        ('given="str"', 'given="int"'),
        ('"a": "m:h"', '"a": "m:i"'),
        ('name="sample"', 'name="other"'),
    ],
)
def test_a_difference_in_the_tables_is_seen(written, instead):
    """Whatever a table of the runner says otherwise is told apart."""
    lowered = machine(WHOLE, **KEYS)
    source = source_of(lowered)
    assert written in source
    subject = Subject(lowered, module_of(source.replace(written, instead)).RUNNER)

    assert subject.promised != subject.provided
