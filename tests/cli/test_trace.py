"""`fsmflow trace`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run, document, edit

SPEC = "specs/hello.fsm.yaml"


@pytest.fixture
def traced(run: Run, project: Path) -> Path:
    """The trace of a run of a project with a bad step planted in it."""
    edit(project / "specs/hello.py", 'return Reply(text=f"You said: {text}")', 'return Reply(text="  ")')
    run("run", SPEC, "text=hello", "--trace", "t.jsonl")
    return project / "t.jsonl"


def test_a_planted_bad_step_is_found_by_show(run: Run, traced: Path) -> None:
    """The step that spoilt the run is marked, with what was wrong, in one command and without the spec."""
    (traced.parent / SPEC).unlink()
    result = run("trace", "show", "t.jsonl")
    lines = result.stdout.splitlines()

    assert result.exit_code == 0
    assert any(line.startswith("× draft") for line in lines)
    assert any("the reply is empty" in line for line in lines)


def test_a_planted_bad_step_is_found_by_why(run: Run, traced: Path) -> None:
    """The sentences name the step, the complaint and the way out; the spec is found by itself."""
    result = run("trace", "why", "t.jsonl")
    text = " ".join(result.stdout.split())

    assert result.exit_code == 0
    assert "The run ended in `give_up` (handoff)." in text
    assert "The output of `draft` was rejected (the reply is empty); asking again was used up (≤ 1)" in text


def test_the_rest_of_a_run_that_is_not_over_is_told_to_be_that(run: Run, traced: Path) -> None:
    """A trace that begins with a second attempt, and breaks off, is not taken for the whole of a run."""
    begun, *events = traced.read_text().splitlines(keepends=True)
    again = [event for event in events if '"attempt": 2' in event and '"event": "attempt"' in event]
    traced.write_text("".join([begun, *again]))

    said = run("trace", "show", "t.jsonl").stderr
    traced.write_text("".join([begun, *events[:-1]]))

    assert len(again) == 1
    assert said.startswith("this trace does not hold the run from its beginning: `fsmflow runs ")
    assert run("trace", "show", "t.jsonl").stderr == ""


def test_one_step_is_shown_in_full(run: Run, traced: Path) -> None:
    """`--step` shows what went in, what came out and why it was rejected."""
    result = run("trace", "show", "t.jsonl", "--step", "draft")

    for word in ("input", "text: hello", "rejected", "complaints", "the reply is empty"):
        assert word in result.stdout


def test_a_step_that_is_not_there_is_told_the_nearest(run: Run, traced: Path) -> None:
    """A misspelt step is wrong usage."""
    result = run("trace", "show", "t.jsonl", "--step", "darft")

    assert result.exit_code == 2
    assert "did you mean `draft`?" in result.stderr

    traced.write_text(traced.read_text().splitlines(keepends=True)[0])
    begun = run("trace", "show", "t.jsonl", "--step", "draft")
    assert "the run was never in a step 'draft'; the trace has none" in begun.stderr


def test_json_is_one_document(run: Run, traced: Path) -> None:
    """Both commands print one document with `--format json`."""
    show = document(run("trace", "show", "t.jsonl", "--format", "json"))
    why = document(run("trace", "why", "t.jsonl", "--format", "json"))

    assert show["failing"] == {"state": "draft", "visit": 1}
    assert why["transitions"][-1]["target"] == "give_up"


def test_another_version_is_said_to_be_one(run: Run, traced: Path) -> None:
    """A spec that has changed since is told apart, by both commands."""
    edit(traced.parent / SPEC, "invalid: {times: 1}", "invalid: {times: 2}")

    assert "The spec has changed since this run" in run("trace", "why", "t.jsonl").stdout
    assert "another version" in run("trace", "show", "t.jsonl", "--spec", SPEC).stderr


@pytest.mark.parametrize("command", ["show", "why"])
def test_the_spec_is_named_in_either_way(run: Run, traced: Path, command: str) -> None:
    """Both commands take the spec as a second argument and as `--spec`, though not as both."""
    edit(traced.parent / SPEC, "invalid: {times: 1}", "invalid: {times: 2}")
    beside = run("trace", command, "t.jsonl", SPEC)
    option = run("trace", command, "t.jsonl", "--spec", SPEC)
    both = run("trace", command, "t.jsonl", SPEC, "--spec", SPEC)

    assert beside.exit_code == option.exit_code == 0
    assert "version" in beside.output or "changed" in beside.output
    assert beside.output == option.output
    assert both.exit_code == 2
    assert "name the spec once: as SPEC or in --spec" in both.stderr


def test_a_spec_that_is_not_found_is_asked_for(run: Run, traced: Path) -> None:
    """Without a spec near by, `why` says which one it needs; a name is never a path."""
    (traced.parent / SPEC).rename(traced.parent / "elsewhere.yaml")
    assert run("trace", "why", "t.jsonl").exit_code == 2
    assert run("trace", "why", "t.jsonl", "elsewhere.yaml").exit_code == 0

    edit(traced, '"workflow": "hello"', '"workflow": "../elsewhere"')
    assert "no spec of" in run("trace", "why", "t.jsonl").stderr


@pytest.mark.parametrize("content", ["", "no trace\n", '{"event": "end"}\n', "\x00"])
@pytest.mark.parametrize("command", ["show", "why"])
def test_what_is_no_trace_is_no_traceback(run: Run, tmp_path: Path, command: str, content: str) -> None:
    """A file that is no trace, or not there, is told in a line."""
    (tmp_path / "t.jsonl").write_text(content)

    for name in ("t.jsonl", "gone.jsonl"):
        result = run("trace", command, name)
        assert result.exit_code in (1, 2)
        assert result.stderr.count("\n") <= 5
        assert "Traceback" not in result.output
