"""`fsmflow prove`: what it says, to people and to programs, and how it exits."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run, document, edit

METRICS = {"transitions", "steps", "tool_calls", "tokens", "micro_usd", "milliseconds"}
HEAD = "fsmflow: 1\nworkflow: sample\n"
ENDS = "  done: {end: success}\n  failed: {end: failed}\n"


def spec(folder: Path, states: str, more: str = "") -> str:
    """Write a spec, and give its name."""
    lines = "".join(f"  {line}\n" for line in states.splitlines())
    (folder / "sample.fsm.yaml").write_text(f"{HEAD}{more}states:\n{lines}{ENDS}", encoding="utf-8")
    return "sample.fsm.yaml"


LOOP = (
    "a: {run: m:f, effect: none, timeout: 2s, cost: {tokens: 5}, success: {x: %s, y: done}, fallback: failed}"
)
CAPPED = LOOP % "{to: a, times: 2, else: failed}"
ENDLESS = LOOP % "a"


def test_a_new_workflow_is_proved(run: Run, project: Path) -> None:
    """What `fsmflow new` makes ends, and its worst case is told with the run that comes up to it."""
    result = run("prove", "specs/hello.fsm.yaml")
    assert result.exit_code == 0
    assert result.stdout.startswith("hello: every run ends")
    assert "come about so:" in result.stdout


def test_json_has_every_metric(run: Run, tmp_path: Path) -> None:
    """Each metric has its bound with the budget and without, and the schema is named."""
    result = run("prove", spec(tmp_path, CAPPED, "budget: {tokens: 12}\n"), "--format", "json")
    found = document(result)

    assert result.exit_code == 0
    assert found["schema"] == "fsmflow.prove/1"
    assert found["terminates"] == "always"
    assert set(found["bounds"]) == set(found["structural"]) == METRICS
    assert found["structural"]["tokens"]["upper"] == 15
    tokens = found["bounds"]["tokens"]
    assert (tokens["upper"], tokens["lower"], tokens["exact"], tokens["budget"]) == (12, 12, True, 12)
    assert found["certificate"] is None


def test_a_witness_adds_up_and_hangs_together(run: Run, tmp_path: Path) -> None:
    """The entries of a witness are `[state, outcome, use]`, and sum up to what it is said to use."""
    found = document(run("prove", spec(tmp_path, CAPPED), "--format", "json"))

    for metric, bound in found["bounds"].items():
        entries = bound["witness"]
        total = len(entries) if metric == "transitions" else sum(e[2].get(metric, 0) for e in entries)
        assert total == bound["lower"] == bound["upper"]
    steps = found["bounds"]["steps"]["witness"]
    assert [entry[:2] for entry in steps][:2] == [["a", "x"], ["a", "x"]]
    assert steps[0][2] == {"steps": 1, "tokens": 5, "milliseconds": 2000}


def test_a_loop_without_a_cap_is_shown(run: Run, tmp_path: Path) -> None:
    """Where a run can go on for ever, the cycle is told, and the command fails."""
    result = run("prove", spec(tmp_path, ENDLESS))
    assert result.exit_code == 1
    assert "a run can go on for ever" in result.stdout
    assert "for ever  a → a" in result.stdout

    found = document(run("prove", "sample.fsm.yaml", "--format", "json"))
    assert found["terminates"] == "no"
    assert found["cycle"]["loop"] == [["a", "x", "a"]]
    assert {bound["upper"] for bound in found["bounds"].values()} == {None}


def test_a_loop_that_the_budget_ends_is_told_apart(run: Run, tmp_path: Path) -> None:
    """A loop that only a cap on steps ends is proved to end, and said to end for no better reason."""
    result = run("prove", spec(tmp_path, ENDLESS, "budget: {steps: 7}\n"))
    assert result.exit_code == 0
    assert "only because the budget stops it" in result.stdout


def test_a_broken_policy_fails(run: Run, tmp_path: Path) -> None:
    """A policy that some run breaks is told with that run, and the command fails."""
    name = spec(tmp_path, CAPPED)
    with (tmp_path / name).open("a", encoding="utf-8") as file:
        file.write("policies:\n  - {at_most: 2, visit: a}\n  - {at_most: 3, visit: a}\n")
    result = run("prove", name)
    assert result.exit_code == 1
    assert "broken   `a` is entered at most 2 times\n             a → a → a" in result.stdout
    assert "kept     `a` is entered at most 3 times" in result.stdout


@pytest.mark.parametrize("limit", ["nan", "-nan", "NaN", "-1", "-inf", "soon"])
def test_a_limit_is_a_number_of_seconds(run: Run, tmp_path: Path, limit: str) -> None:
    """What is no number, though it is written as one, is no limit."""
    result = run("prove", spec(tmp_path, CAPPED), "--limit", limit)

    assert result.exit_code == 2
    assert "Invalid value for '--limit'" in result.stderr


@pytest.mark.parametrize("limit", ["0", "0.01"])
def test_without_time_an_interval_is_told(run: Run, tmp_path: Path, limit: str) -> None:
    """When time is up, what is known by then is told, and is true."""
    found = document(run("prove", spec(tmp_path, CAPPED), "--limit", limit, "--format", "json"))
    for bound in found["bounds"].values():
        assert bound["lower"] <= bound["upper"]


def test_a_spec_whose_meaning_is_unclear_is_not_proved(run: Run, tmp_path: Path) -> None:
    """A target that is no state leaves nothing to prove: its fault is told instead."""
    result = run("prove", spec(tmp_path, LOOP % "nowhere"))
    assert result.exit_code == 1
    assert "unknown-target" in result.stdout


def test_missing_steps_do_not_matter(run: Run, tmp_path: Path) -> None:
    """The proof speaks of the machine: it is made before the first step is written, and says so."""
    result = run("prove", spec(tmp_path, CAPPED))
    assert result.exit_code == 0
    assert "`fsmflow check sample.fsm.yaml` tells them" in result.stdout


def test_there_must_be_a_file(run: Run) -> None:
    """A path without a file is wrong usage."""
    assert run("prove", "nowhere.fsm.yaml").exit_code == 2


def test_the_certificate_is_named_and_held_to(run: Run, project: Path) -> None:
    """A build writes the certificate, `prove` names it, and `build --check` sees that it was changed."""
    run("build")
    path = project / "generated" / "hello.certificate.json"
    assert document(run("prove", "specs/hello.fsm.yaml", "--format", "json"))["certificate"] == str(path)

    edit(path, '"terminates": "always"', '"terminates": "for-these-caps"')
    result = run("build", "--check")
    assert result.exit_code == 1
    assert "hello.certificate.json is not what the spec says" in result.stderr


def test_a_certificate_by_another_solver_is_as_good(run: Run, project: Path) -> None:
    """A certificate of other bytes that the checker accepts, and that claims the same, is current."""
    run("build")
    path = project / "generated" / "hello.certificate.json"
    text = path.read_text(encoding="ascii")
    path.write_text(text.replace('"phi":', '"phi" :', 1), encoding="ascii")
    assert path.read_text(encoding="ascii") != text
    assert run("build", "--check").exit_code == 0


def test_a_certificate_that_says_something_twice_is_not_current(run: Run, project: Path) -> None:
    """What the checker would refuse to read is no current certificate."""
    run("build")
    path = project / "generated" / "hello.certificate.json"
    edit(path, "{", '{"digest": "0",')
    assert run("build", "--check").exit_code == 1
    path.write_text("[" * 200_000, encoding="ascii")
    assert run("build", "--check").exit_code == 1


def test_an_edited_spec_runs_before_it_is_built(run: Run, project: Path) -> None:
    """`run` compiles the spec as it is now, and lets a certificate of the old one lie."""
    run("build")
    edit(project / "specs/hello.fsm.yaml", "steps: 12", "steps: 13")
    result = run("run", "specs/hello.fsm.yaml", "text=hello")
    assert "internal error" not in result.stderr
    assert result.exit_code == 0


def test_a_folder_is_no_spec(run: Run, project: Path) -> None:
    """Asked to prove a folder, it says what it takes."""
    result = run("prove", "specs")
    assert result.exit_code == 2
    assert "specs is a folder; name one of its specs" in result.stderr
