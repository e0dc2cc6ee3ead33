"""Files in the place of others: a trace for a spec, a spec for a trace, a file for a desk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

SPEC = "specs/hello.fsm.yaml"
TRACE = "this is a trace, not a spec"
DATABASE = "this is a database, not a spec"


@pytest.fixture
def others(run: Run, project: Path) -> Path:
    """A trace, and a database, of runs of the project."""
    run("run", SPEC, "text=hello", "--trace", "t.jsonl")
    run("run", SPEC, "text=hello", "--durable", "runs.db")
    return project


@pytest.mark.parametrize(("file", "said"), [("t.jsonl", TRACE), ("runs.db", DATABASE)])
@pytest.mark.parametrize("command", [("check",), ("run",), ("prove",), ("draw",), ("build",)], ids=str)
def test_what_is_no_spec_is_told_for_what_it_is(
    run: Run, others: Path, command: tuple[str, ...], file: str, said: str
) -> None:
    """A trace or a database in the place of a spec is one fault, and its own command is named."""
    result = run(*command, file)

    assert result.exit_code == 1
    assert said in result.stdout
    assert "`fsmflow " in result.stdout
    assert "1 error in 1 spec" in result.stdout


def test_a_trace_that_is_larger_than_any_spec_is_told_as_a_trace(run: Run, others: Path) -> None:
    """What a file is counts before how long it is."""
    with (others / "t.jsonl").open("a") as file:
        file.write(json.dumps({"event": "x" * (2 << 20)}) + "\n")

    assert f"{TRACE}\n" in run("check", "t.jsonl").stdout


def test_a_trace_in_the_place_of_a_plan_is_told(run: Run, others: Path) -> None:
    """A plan that is a trace is told as that, and of plans."""
    result = run("run", SPEC, "text=hello", "--plan", "t.jsonl")

    assert result.exit_code == 1
    assert "this is a trace, not a plan" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [["trace", "show"], ["trace", "why"], ["draw", SPEC, "--trace"], ["run", SPEC, "--replay"]],
    ids=lambda arguments: arguments[0],
)
def test_a_spec_in_the_place_of_a_trace_is_told(run: Run, project: Path, arguments: list[str]) -> None:
    """A spec that is read as a trace is called a spec, and not JSON that went wrong in its first line."""
    result = run(*arguments, SPEC)

    assert result.exit_code == 2
    assert f"{SPEC} is a spec, and no trace" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [["waiting"], ["answer", "abc", "yes"], ["run", SPEC, "text=hello"]],
    ids=lambda arguments: arguments[0],
)
def test_a_desk_is_a_folder(run: Run, project: Path, arguments: list[str]) -> None:
    """At a file nothing waits, and nothing could: it is no desk."""
    result = run(*arguments, "--desk", SPEC)

    assert result.exit_code == 2
    assert "Invalid value for '--desk'" in result.stderr


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("my-flow", "; did you mean `my_flow`?"),
        ("Hello", "; did you mean `hello`?"),
        ("other.fsm.yaml", "; did you mean `other`?"),
        ("__", ""),
        ("größe", ""),
    ],
)
def test_new_is_told_the_likely_name(run: Run, tmp_path: Path, name: str, hint: str) -> None:
    """Who starts a workflow by a name that is none is told the nearest one that is."""
    result = run("new", name)

    assert result.exit_code == 2
    assert ("did you mean" in result.stderr) == bool(hint)
    assert hint in result.stderr


def test_a_command_called_help_is_an_option(run: Run) -> None:
    """`fsmflow help` leads to `fsmflow --help`."""
    assert "did you mean `--help`?" in run("help").stderr
