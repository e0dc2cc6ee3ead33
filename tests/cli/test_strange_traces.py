"""Traces of another workflow than the one that is asked about."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run, edit, tree

SPEC = "specs/hello.fsm.yaml"


@pytest.fixture
def strange(run: Run, project: Path) -> str:
    """The trace of a run of `odd`, a workflow with the states and steps of `hello`."""
    (project / "specs/odd.fsm.yaml").write_text((project / SPEC).read_text())
    edit(project / "specs/odd.fsm.yaml", "workflow: hello", "workflow: odd")
    assert run("run", "specs/odd.fsm.yaml", "text=hi", "--trace", "odd.jsonl").exit_code == 0
    return "odd.jsonl"


@pytest.mark.parametrize(
    "arguments",
    [["draw", SPEC, "--trace"], ["report", SPEC, "--trace"], ["run", SPEC, "--replay"]],
    ids=lambda arguments: arguments[0],
)
def test_a_run_of_another_workflow_is_refused(
    run: Run, project: Path, strange: str, arguments: list[str]
) -> None:
    """Nothing is drawn, reported or replayed of a run that another workflow made, though it might fit."""
    before = tree(project)
    result = run(*arguments, strange)

    assert result.exit_code == 2
    assert "odd.jsonl is a run of `odd`, not of `hello`" in result.stderr
    assert tree(project) == before


def test_one_of_several_is_refused_too(run: Run, project: Path, strange: str) -> None:
    """Of several runs, each has to be one of the workflow."""
    run("run", SPEC, "text=hi", "--trace", "hello.jsonl")

    assert run("draw", SPEC, "--trace", "hello.jsonl", "--trace", strange).exit_code == 2


def test_a_run_is_not_measured_by_the_caps_of_another_workflow(run: Run, project: Path, strange: str) -> None:
    """`trace show` shows the run all the same, as it does without a spec, and says why."""
    result = run("trace", "show", strange, "--spec", SPEC)

    assert result.exit_code == 0
    assert result.stderr == "odd.jsonl is a run of `odd`, not of `hello`\n"
    assert result.stdout == run("trace", "show", strange).stdout
