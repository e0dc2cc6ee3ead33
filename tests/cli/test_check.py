"""`fsmflow check`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run, document, edit, tree


def test_a_sound_spec_has_nothing_to_report(run: Run, project: Path) -> None:
    """A spec without a fault exits with 0."""
    result = run("check")

    assert result.exit_code == 0
    assert "nothing to report" in result.stdout


def test_json_is_one_document_in_the_declared_shape(run: Run, project: Path) -> None:
    """`--format json` prints exactly the declared keys, for every file and every diagnostic."""
    edit(project / "specs/hello.fsm.yaml", "success: review", "success: reviw")
    result = run("check", "--format", "json")
    (file,) = document(result)["files"]
    (found,) = [d for d in file["diagnostics"] if d["check"] == "unknown-target"]

    assert document(result)["schema"] == "fsmflow.check/1"
    assert set(file) == {"path", "workflow", "diagnostics"}
    assert file["path"] == "specs/hello.fsm.yaml"
    assert file["workflow"] == "hello"
    assert set(found) == {
        "check", "severity", "message", "path", "line", "column", "end_line", "end_column", "hint", "related",
    }  # fmt: skip
    assert found["path"] == "states.draft.success"
    assert found["hint"] == "did you mean `review`?"
    line = (project / "specs/hello.fsm.yaml").read_text().splitlines()[found["line"] - 1]
    assert line[found["column"] - 1 : found["end_column"] - 1] == "reviw"


def test_findings_can_annotate_a_pull_request(run: Run, project: Path) -> None:
    """`--format github` prints a command of GitHub's for each finding, and fails as ever."""
    edit(project / "specs/hello.fsm.yaml", "success: review", "success: reviw")
    result = run("check", "--format", "github")

    assert result.exit_code == 1
    assert "::error title=fsmflow unknown-target,file=specs/hello.fsm.yaml,line=24,col=14," in result.stdout
    assert all(line.startswith("::") for line in result.stdout.splitlines())


def test_findings_go_to_code_scanning(run: Run, project: Path) -> None:
    """`--format sarif` gives a result for each finding, with the page of its check, and fails as ever."""
    edit(project / "specs/hello.fsm.yaml", "success: review", "success: reviw")
    result = run("check", "--format", "sarif")

    assert result.exit_code == 1
    (told,) = json.loads(result.stdout)["runs"]
    (rule,) = told["tool"]["driver"]["rules"]
    assert [each["ruleId"] for each in told["results"]] == [rule["id"]] == ["unknown-target"]
    assert rule["help"]["text"] + "\n" == run("explain", "unknown-target").stdout.split("\n", 3)[3]


def test_every_fault_of_a_file_is_told_at_once(run: Run, project: Path) -> None:
    """A misspelt key, a misspelt state and a bad value are all in one report."""
    spec = project / "specs/hello.fsm.yaml"
    edit(spec, "success: review", "success: reviw")
    edit(spec, "title: Make", "titel: Make")
    edit(spec, "timeout: 5s", "timeout: 5 parsecs")
    result = run("check", "--format", "json")
    checks = {d["check"] for d in document(result)["files"][0]["diagnostics"]}

    assert result.exit_code == 1
    assert {"unknown-target", "unknown-key", "bad-value"} <= checks


def test_text_shows_the_line_with_a_caret(run: Run, project: Path) -> None:
    """A person sees the place, the line itself, what is underlined in it, and the nearest right name."""
    edit(project / "specs/hello.fsm.yaml", "success: review", "success: reviw")
    shown = run("check").stdout

    assert "specs/hello.fsm.yaml:24:14" in shown
    assert "success: reviw" in shown
    assert "^^^^^" in shown
    assert "did you mean `review`?" in shown


def test_warnings_fail_only_when_strict(run: Run, project: Path) -> None:
    """A warning exits with 0, and with 1 under `--strict`."""
    edit(project / "specs/hello.fsm.yaml", "  give_up: {end", "  lonely: {end: failed}\n  give_up: {end")

    assert run("check").exit_code == 0
    assert run("check", "--strict").exit_code == 1


def test_checking_writes_and_imports_nothing(run: Run, project: Path) -> None:
    """`check` leaves the folder as it was, even where a step module would write a file when imported."""
    steps = project / "specs/hello.py"
    steps.write_text(steps.read_text() + "\nopen('imported', 'w').close()\n")
    before = tree(project)
    run("check")

    assert tree(project) == before


@pytest.mark.parametrize("path", ["nowhere.fsm.yaml", "empty"])
def test_a_path_without_a_spec_is_wrong_usage(run: Run, project: Path, path: str) -> None:
    """A missing file and a folder without specs exit with 2."""
    (project / "empty").mkdir()

    assert run("check", path).exit_code == 2


def test_two_workflows_of_one_name_are_refused(run: Run, project: Path) -> None:
    """Two specs whose generated files would overwrite each other are an error."""
    text = (project / "specs/hello.fsm.yaml").read_text()
    (project / "specs/twin.fsm.yaml").write_text(text)
    result = run("check")

    assert result.exit_code == 1
    assert "duplicate-workflow" in result.stdout


def test_two_workflows_that_would_make_one_file_are_refused(run: Run, project: Path) -> None:
    """The tests of one workflow may not be called as the runner of another is."""
    run("new", "x_fsm")
    run("new", "test_x")
    result = run("check")

    assert result.exit_code == 1
    assert "specs/x_fsm.fsm.yaml:2:11  error[duplicate-workflow]" in result.stdout


def test_a_command_of_its_own_process_says_no_traceback(project: Path) -> None:
    """`python -m fsmflow check` on a file of noise exits with 1 and tells a fault, not a traceback."""
    (project / "noise.fsm.yaml").write_bytes(bytes(range(256)))
    done = subprocess.run(
        [sys.executable, "-m", "fsmflow", "check", "noise.fsm.yaml"],
        cwd=project, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert "noise.fsm.yaml" in done.stdout
