"""`fsmflow simulate`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fsmflow.cli.hypothesis_home import elsewhere
from fsmflow.testing.campaign import Judge
from tests.cli.conftest import Run, document, edit

SPEC = "specs/hello.fsm.yaml"


def test_a_campaign_says_how_runs_ended_what_they_used_and_what_was_never_taken(
    run: Run, project: Path
) -> None:
    """The report has ends with shares, a table of what was used beside the proof, and the transitions."""
    result = run("simulate", SPEC, "--runs", "300")

    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("hello  300 runs, seed 0\n")
    assert "● done" in result.stdout
    assert "median" in result.stdout
    assert "transitions that can be taken were taken" in result.stdout
    assert result.stdout.endswith(
        "● every run ended, kept to its caps and to the proof, and agrees with the reference\n"
    )
    assert "runs/s" in result.stderr


def test_of_many_ways_that_were_never_taken_a_few_are_named(run: Run, project: Path) -> None:
    """The report of a large workflow names twenty of them, and counts the rest."""
    row = "".join(
        f"  s{i}: {{run: row:step, effect: none, success: s{i + 1}, fallback: failed}}\n" for i in range(30)
    )
    ends = "  s30: {end: success}\n  failed: {end: failed}\n"
    (project / "specs/row.py").write_text("def step() -> None:\n    pass\n")
    (project / "specs/row.fsm.yaml").write_text(f"workflow: row\nstates:\n{row}{ends}")
    lines = run("simulate", "specs/row.fsm.yaml", "--runs", "1").stdout.splitlines()

    assert sum(line.startswith("    never: ") for line in lines) == 20
    assert any(line.startswith("    … and ") for line in lines)


def test_a_program_is_told_the_same(run: Run, project: Path) -> None:
    """The JSON document counts every run once, and every transition."""
    found = document(run("simulate", SPEC, "--runs", "200", "--seed", "5", "--format", "json"))

    assert (found["schema"], found["seed"], found["runs"]) == ("fsmflow.simulation/1", 5, 200)
    assert sum(end["runs"] for end in found["ends"]) == 200
    assert found["used"]["steps"]["worst"] <= found["used"]["steps"]["proved"]
    assert all(way["taken"] for way in found["transitions"] if way["possible"])
    assert found["violations"] == []


def test_one_run_is_made_again_and_shown_as_a_trace(run: Run, project: Path) -> None:
    """`--run` prints that run as `trace show` would, the same each time."""
    first, again = (run("simulate", SPEC, "--seed", "2", "--run", "17") for _ in range(2))

    assert first.exit_code == 0
    assert first.stdout == again.stdout
    assert "in all" in first.stdout
    assert "trace " in first.stdout
    assert "runs/s" not in first.stderr


def test_a_violation_is_told_with_what_makes_it_again(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not hold is told with the run's number, the command that repeats it, and exit code 1."""
    monkeypatch.setattr(Judge, "_ended", lambda self, run: ["it was planted"] if run.number % 40 == 7 else [])
    result = run("simulate", SPEC, "--runs", "100")

    assert result.exit_code == 1
    assert (
        "× run 7: it was planted\n    fsmflow simulate specs/hello.fsm.yaml --seed 0 --run 7\n"
        in result.stdout
    )
    assert "× run 47: it was planted" in result.stdout

    alone = run("simulate", SPEC, "--seed", "0", "--run", "7")

    assert (alone.exit_code, alone.stderr) == (1, "run 7: it was planted\n")


def test_the_command_that_makes_a_violation_again_can_be_pasted(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A spec in a folder with a space in its name is quoted."""
    (project / "specs").rename(project / "my specs")
    monkeypatch.setattr(Judge, "_ended", lambda self, run: ["it was planted"])
    result = run("simulate", "my specs/hello.fsm.yaml", "--runs", "1")

    assert "    fsmflow simulate 'my specs/hello.fsm.yaml' --seed 0 --run 0\n" in result.stdout


def test_output_is_the_same_whatever_the_hash_seed(run: Run, project: Path) -> None:
    """Two hundred runs print the same bytes in processes that hash otherwise."""
    program = (
        "from fsmflow.cli import app\n"
        "for more in (['--format', 'json'], ['--run', '3']):\n"
        "    try:\n"
        f"        app(['simulate', {SPEC!r}, '--runs', '200', *more])\n"
        "    except SystemExit as ended:\n"
        "        assert ended.code == 0\n"
    )
    first, second = (
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "COLUMNS": "100"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    )

    assert first == second
    assert b'"runs": 200' in first
    assert b"in all" in first


def test_a_value_that_cannot_be_made_up_is_no_traceback(run: Run, project: Path) -> None:
    """A type that refuses all values names itself."""
    steps = project / "specs/hello.py"
    edit(
        steps,
        "    text: str\n",
        "    text: str\n\n    def __attrs_post_init__(self) -> None:\n        raise ValueError\n",
    )
    result = run("simulate", SPEC)

    assert result.exit_code == 1
    assert "can't make a value" in result.stderr


@pytest.mark.parametrize(
    "command", [["simulate", SPEC, "--runs", "5"], ["run", SPEC, "text=a", "--plan", "plan.yaml"]]
)
def test_nothing_is_left_behind_of_what_values_are_drawn_with(project: Path, command: list[str]) -> None:
    """A command that makes values up leaves nothing in the folder in which it is run."""
    (project / "plan.yaml").write_text("draft: [ok]\n")
    before = set(project.iterdir())
    made = [sys.executable, "-m", "fsmflow", *command]
    done = subprocess.run(made, cwd=project, capture_output=True, text=True, check=False)

    assert done.returncode in (0, 3, 4), done.stderr
    assert set(project.iterdir()) == before


def test_what_hypothesis_learns_is_kept_in_the_users_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is found there again by the next command; where there can be no cache, it is gone afterwards."""
    from hypothesis.configuration import storage_directory

    monkeypatch.delenv("HYPOTHESIS_STORAGE_DIRECTORY", raising=False)
    homes = []
    for name in ("cache", "a file/cache"):
        (tmp_path / "a file").touch()
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name))
        with elsewhere():
            homes.append(storage_directory("x").path.parent)
            assert homes[-1].is_dir()

    assert homes[0] == tmp_path / "cache/fsmflow/hypothesis"
    assert [home.exists() for home in homes] == [True, False]


ODD = """\
from attrs import field, frozen


@frozen
class Reply:
    text: str = field()

    @text.validator
    def _is_odd(self, _: object, value: str) -> None:
        if value != "a very odd text":
            raise ValueError("not odd enough")
"""

CONFTEST = """\
import sys
from pathlib import Path

from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent.parent / "specs"))

import odd

st.register_type_strategy(odd.Reply, st.builds(odd.Reply, st.just("a very odd text")))
"""

ODD_SPEC = """\
workflow: odd
states:
  ask: {run: odd:ask, gives: odd:Reply, effect: none, success: done, fallback: failed}
  done: {end: success, output: $ask}
  failed: {end: failed}
"""


@pytest.fixture
def odd(project: Path) -> Iterator[Path]:
    """A spec whose step gives what Hypothesis can't make up by itself."""
    (project / "specs/odd.py").write_text(f"{ODD}\n\ndef ask() -> Reply:\n    return Reply('')\n")
    (project / "plan.yaml").write_text("ask: [ok]\n")
    spec = project / "specs/odd.fsm.yaml"
    spec.write_text(ODD_SPEC)
    yield spec
    sys.modules.pop("odd", None)


def _fresh(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process that knows no strategies."""
    made = [sys.executable, "-m", "fsmflow", *command]
    return subprocess.run(made, capture_output=True, text=True, check=False)


def test_values_are_made_as_the_conftest_of_the_tests_says(run: Run, odd: Path) -> None:
    """What a conftest.py beside the generated tests tells Hypothesis holds for `simulate` and `--plan`."""
    commands = (("simulate", "specs/odd.fsm.yaml"), ("run", "specs/odd.fsm.yaml", "--plan", "plan.yaml"))
    before = [run(*command) for command in commands]
    conftest = odd.parent.parent / "generated/conftest.py"
    conftest.parent.mkdir(exist_ok=True)
    conftest.write_text(CONFTEST)
    after = [_fresh(*command) for command in commands]

    assert [result.exit_code for result in before] == [1, 1]
    assert all("in a conftest.py beside the generated tests" in result.stderr for result in before)
    assert [result.returncode for result in after] == [0, 0], after


def test_a_conftest_that_fails_is_told(odd: Path) -> None:
    """A conftest.py that raises is named, with what it says."""
    conftest = odd.parent.parent / "generated/conftest.py"
    conftest.parent.mkdir(exist_ok=True)
    conftest.write_text("import no_such_module\n")
    result = _fresh("simulate", "specs/odd.fsm.yaml")

    assert result.returncode == 1
    assert result.stderr.endswith(
        "conftest.py can't be run: ModuleNotFoundError: No module named 'no_such_module'\n"
    )
