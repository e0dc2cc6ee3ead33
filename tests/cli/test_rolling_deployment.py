"""Two releases of one application on one database: each release's workers carry out its own runs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_durable_runs import SPEC, STEPS

NOTE = "from attrs import frozen\n@frozen\nclass Note:\n    text: str\n"


def fsmflow(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own: a module of a name is loaded once in each."""
    command = [sys.executable, "-m", "fsmflow", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def submitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two releases in a folder, and a database with two runs of each that were submitted in turn."""
    folder = tmp_path_factory.mktemp("releases")
    with pytest.MonkeyPatch.context() as patch:
        _at(folder, folder / "runs.db", patch)
        for release in ("v1", "v2"):
            specs = Path(release, "specs")
            specs.mkdir(parents=True)
            (specs / "asking_steps.py").write_text(
                NOTE + STEPS.replace("text.upper()", f"text + '{release}'")
            )
            asks = SPEC.replace("timeout: 7d", "timeout: 7d\n    gives: asking_steps:Note")
            (specs / "asking.fsm.yaml").write_text(asks.replace("Is it good?", f"Is {release} good?"))
        for number in range(2):
            for release in ("v1", "v2"):
                spec = f"{release}/specs/asking.fsm.yaml"
                assert fsmflow("submit", spec, "text=a", "--run-id", f"{release}-{number}").returncode == 0
    return folder


def _at(folder: Path, database: Path, patch: pytest.MonkeyPatch) -> None:
    patch.chdir(folder)
    patch.setenv("FSMFLOW_DB", str(database))
    patch.setenv("XDG_STATE_HOME", str(database.parent / "state"))


@pytest.fixture
def releases(submitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two releases, with a database of the test's own in which their runs are."""
    for part in submitted.glob("runs.db*"):
        shutil.copy(part, tmp_path)
    _at(submitted, tmp_path / "runs.db", monkeypatch)


@pytest.mark.usefixtures("releases")
def test_a_worker_of_a_release_carries_out_the_runs_of_that_release() -> None:
    """A worker takes the runs of the folder that it is given, leaves all others alone, and says so once."""
    first, second = (fsmflow("serve", release, "--until-idle") for release in ("v1", "v2/specs"))

    elsewhere = Path("v2/specs").resolve()
    assert (first.returncode, second.returncode, second.stderr) == (0, 0, "")
    assert sorted(first.stdout.splitlines()) == ["v1-0  waiting", "v1-1  waiting"]
    assert first.stderr == f"runs of {elsewhere} are due, and left to other workers\n"
    assert sorted(second.stdout.splitlines()) == ["v2-0  waiting", "v2-1  waiting"]


@pytest.mark.usefixtures("releases")
def test_what_is_no_folder_of_specs_is_served_by_nobody() -> None:
    """A folder that is not there is wrong usage, and nothing is carried out."""
    refused = fsmflow("serve", "v3", "--until-idle")

    assert (refused.returncode, "'v3' does not exist" in refused.stderr) == (2, True)


@pytest.mark.usefixtures("releases")
def test_the_questions_of_all_releases_are_listed_and_answered() -> None:
    """`waiting` shows what runs of both releases ask, though one process can load only one's modules."""
    for release in ("v1", "v2"):
        fsmflow("serve", release, "--until-idle")
    listed = fsmflow("waiting")
    asked = {
        each["run_id"]: each["question"]
        for each in json.loads(fsmflow("waiting", "--format", "json").stdout)["questions"]
    }

    assert (listed.returncode, listed.stderr) == (0, "")
    assert asked == {f"v{n}-{number}": f"Is v{n} good?" for n in (1, 2) for number in range(2)}
    assert fsmflow("answer", "v2-0", "ask", "yes_", "--value", '{"text": "it is"}').returncode == 0
    assert fsmflow("serve", "v2", "--until-idle").stdout == "v2-0  success\n"


@pytest.mark.usefixtures("releases")
@pytest.mark.parametrize("command", [("resume", "--all"), ("serve", "--until-idle")])
def test_who_takes_the_runs_of_both_releases_is_told_what_to_do(command: tuple[str, ...]) -> None:
    """Of the release whose modules it has not loaded it is said which command carries its runs out."""
    both = fsmflow(*command)

    # Many runs are begun at a time, so that either release may be the first.
    how = "fsmflow serve {} --until-idle carries out its runs"
    told = [each for each in ("v1", "v2") if how.format(Path(each, "specs").resolve()) in both.stderr]
    assert (both.returncode, len(told)) == (1, 1)
    left = told[0]
    second = fsmflow("serve", f"{left}/specs", "--until-idle")
    assert sorted(second.stdout.splitlines()) == [f"{left}-0  waiting", f"{left}-1  waiting"]
