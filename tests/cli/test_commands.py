"""The smaller commands, and what all commands have in common."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from fsmflow.checks import all_checks
from fsmflow.cli import COMMANDS, main
from fsmflow.spec import KINDS
from tests.cli.conftest import Run, tree

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run: Run, command: str) -> None:
    """Each command has a help page that begins with a sentence."""
    result = run(command, "--help")

    assert result.exit_code == 0
    assert "Usage:" in result.stdout


def test_an_unknown_command_is_told_the_nearest(run: Run) -> None:
    """A misspelt command exits with 2 and is told the right one."""
    result = run("biuld")

    assert result.exit_code == 2
    assert "did you mean `build`?" in result.stderr


def test_an_internal_error_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bug of ours exits with 2 and says that it is one."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("fsmflow.cli.app", broken)
    with pytest.raises(SystemExit) as exit_:
        main(["check"])

    assert exit_.value.code == 2
    assert "internal error: RuntimeError: boom" in capsys.readouterr().err


def test_new_refuses_to_overwrite(run: Run, project: Path) -> None:
    """`new` leaves files that are there alone."""
    before = tree(project)

    assert run("new", "hello").exit_code == 2
    assert tree(project) == before


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Hello", "a name is a-z, 0-9 and _, and begins with a letter"),
        ("../x", "a name is a-z, 0-9 and _, and begins with a letter"),
        ("1a", "a name is a-z, 0-9 and _, and begins with a letter"),
        ("", "it is empty"),
        ("a__b", "two underscores in a row are kept for generated names"),
        ("class", "it is a keyword of Python"),
        ("nul", "it is a device on Windows"),
        ("a" * 64, "it has 64 characters; 63 are allowed"),
        ("json", "it is a module of Python's own, which the steps could not then import"),
    ],
)
def test_new_refuses_names_that_cannot_work(run: Run, tmp_path: Path, name: str, reason: str) -> None:
    """`new` refuses what is no name, and names of Python's own modules, for the reason that `check` gives."""
    result = run("new", name)

    assert result.exit_code == 2
    assert f"'{name[:39]}" in result.stderr
    assert result.stderr.partition("; did you mean ")[0].rstrip("\n").endswith(f": {reason}")
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("name", ["attrs", "fsmflow", "yaml", "click", "pytest"])
def test_new_refuses_the_names_of_modules_that_are_there(run: Run, tmp_path: Path, name: str) -> None:
    """A step module would hide what is installed, or not be loaded itself."""
    result = run("new", name)

    assert result.exit_code == 2
    assert f"{name!r} can't be the name of a workflow: it is the module " in result.stderr
    assert tree(tmp_path) == {}


def test_new_takes_the_names_of_folders_here(tmp_path: Path) -> None:
    """A folder beside `specs` is no module, though Python would import one of that name."""
    for folder in ("docs", "specs"):
        (tmp_path / folder).mkdir()
    (tmp_path / "helper.py").touch()
    for name in ("docs", "specs", "helper"):
        done = subprocess.run([sys.executable, "-m", "fsmflow", "new", name], cwd=tmp_path, check=False)
        assert done.returncode == 0


def test_new_says_what_is_there(run: Run, project: Path) -> None:
    """One file that is there already is one, and two are two."""
    spec, steps = Path("specs/hello.fsm.yaml"), Path("specs/hello.py")

    assert f"{spec} and {steps} are there already" in run("new", "hello").stderr

    (project / spec).unlink()

    assert f": {steps} is there already" in run("new", "hello").stderr


@pytest.mark.parametrize("form", ["svg", "png", "dot"])
def test_draw_writes_each_format(run: Run, project: Path, form: str) -> None:
    """`draw -o FILE` writes what the file's ending says."""
    signature = {"svg": b"<", "png": b"\x89PNG", "dot": b"digraph"}[form]

    assert run("draw", "specs/hello.fsm.yaml", "-o", f"out.{form}").exit_code == 0
    assert signature in (project / f"out.{form}").read_bytes()[:200]


def test_explore_steps_undoes_and_quits(run: Run, project: Path) -> None:
    """`explore` goes where the chosen outcome leads, and back."""
    shown = run("explore", "specs/hello.fsm.yaml", input="1\n1\nu\n2\nnonsense\nq\n").stdout

    assert "review  visit 1" in shown
    assert "done  an end: success" in shown
    assert "draft  visit 2" in shown
    assert "hello" not in shown.split("\n")[0]
    assert "expected a number" in shown


def test_explain_has_a_page_for_every_check(run: Run) -> None:
    """`explain` prints each check's page, and lists all of them."""
    listed = run("explain").stdout
    for name in all_checks():
        assert name in listed
        assert "Why is this bad?" in run("explain", name).stdout


def test_explain_says_where_all_names_are_listed(run: Run) -> None:
    """A word that is like no name is not answered with the first dozen of a hundred."""
    result = run("explain", "zebra")

    assert result.exit_code == 2
    assert result.stderr == "there is no page on 'zebra'; `fsmflow explain` lists them\n"


def test_explain_has_a_page_on_plans(run: Run) -> None:
    """What may stand in a fault plan is told, and listed beside the language."""
    assert "retry_after" in run("explain", "plan").stdout
    assert "  plan      What the attempts of a run come to" in run("explain").stdout


def test_explain_has_a_page_on_each_topic(run: Run) -> None:
    """What the README leads to is listed in a line, and told whole, in lines that fit a terminal."""
    for topic in ("ci", "durable", "models", "python", "secrets", "temporal"):
        page = run("explain", topic).stdout
        title = page.splitlines()[3]
        assert f"  {topic:8}  {title}\n" in run("explain").stdout
        assert len(page.splitlines()) > 20
        assert max(map(len, page.splitlines())) <= 100


def test_explain_has_a_page_for_each_kind_of_state(run: Run) -> None:
    """`explain` tells what may stand in a state, too, and lists those pages beside the checks'."""
    listed = run("explain").stdout
    for kind in KINDS:
        assert f"\n  {kind} " in listed
        assert f"\n  {kind}: " in run("explain", kind).stdout


def test_explain_tells_of_a_key_where_it_stands(run: Run) -> None:
    """A key without a page of its own is told as the pages on which it stands tell it."""
    timeout = run("explain", "timeout").stdout

    assert timeout.startswith(
        "timeout\n=======\n\nIn `run`, `llm`:\n\n  timeout: 20s\n      The longest that"
    )
    assert "\nIn `ask`:\n\n  timeout: 7d\n      How long to wait for an answer.\n" in timeout
    assert "In `llm` of `llm`:\n\n  max_tokens: 400   (needed)\n" in run("explain", "max_tokens").stdout
    assert run("explain", "retry").stdout.startswith("retry\n=====\n\nThe same step again")


def test_explain_minds_no_capitals(run: Run) -> None:
    """A page is found however its name is written."""
    assert run("explain", "LLM").stdout == run("explain", "llm").stdout
    assert run("explain", "Unknown-Target").stdout == run("explain", "unknown-target").stdout


def test_explain_tells_the_nearest_check(run: Run) -> None:
    """A misspelt check exits with 2 and is told the right one."""
    result = run("explain", "unknown-targt")

    assert result.exit_code == 2
    assert "did you mean `unknown-target`?" in result.stderr


@pytest.mark.parametrize("arguments", ["explain unbounded-loop", "schema"])
def test_what_is_made_of_docstrings_says_where_they_are(tmp_path: Path, arguments: str) -> None:
    """A Python that leaves docstrings out has no pages, and no words for an editor, which is told as that."""
    command = [sys.executable, "-OO", "-m", "fsmflow", *arguments.split()]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "-OO" in done.stderr


def test_schema_is_a_schema(run: Run, tmp_path: Path) -> None:
    """`schema` writes a valid JSON Schema, to the screen or to a file."""
    printed = json.loads(run("schema").stdout)
    run("schema", "-o", "schema.json")

    jsonschema.Draft202012Validator.check_schema(printed)
    assert json.loads((tmp_path / "schema.json").read_text(encoding="utf-8")) == printed


def test_schema_prints_what_is_to_go_to_a_dash(run: Run, tmp_path: Path) -> None:
    """`schema -o -` prints the schema, as `draw` and others do, and leaves no file of that name."""
    assert run("schema", "-o", "-").stdout == run("schema").stdout
    assert tree(tmp_path) == {}


FEW_EXAMPLES = """\
from hypothesis import settings

settings.register_profile("few", max_examples=10, database=None)
settings.load_profile("few")
"""


def test_test_runs_what_was_built(project: Path) -> None:
    """`fsmflow test` passes on a project as `new` makes it, be it that few examples are tried."""
    (project / "generated").mkdir()
    (project / "generated/conftest.py").write_text(FEW_EXAMPLES)
    # What Hypothesis has found out of Unicode, which takes seconds, is where these tests have it too.
    shared = {**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(ROOT / ".hypothesis")}
    for arguments in (["build"], ["test", "-q"]):
        done = subprocess.run(
            [sys.executable, "-m", "fsmflow", *arguments],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
            env=shared,
        )

        assert done.returncode == 0, done.stdout + done.stderr
    assert "10 passed" in done.stdout


@pytest.fixture
def plain_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pytest load no plugins by itself: that takes longer than all else where tests are empty."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


@pytest.mark.usefixtures("plain_pytest")
def test_steps_of_two_folders_may_have_one_name(run: Run, tmp_path: Path) -> None:
    """`fsmflow test` runs the tests of several folders, in each of which there is a `steps.py`, say."""
    for folder in ("one", "two"):
        run("new", "hello", "--in", f"{folder}/specs")
        run("build", f"{folder}/specs")
        (tmp_path / folder / "generated/test_hello.py").write_text(
            "from pathlib import Path\n"
            "from fsmflow.runtime import load_runner\n\n"
            "def test_steps_are_found():\n"
            "    assert load_runner(Path(__file__).parent / 'hello_fsm.py').bind()\n"
        )

    assert run("test", "one/specs", "two/specs").exit_code == 0

    (tmp_path / "one/generated/test_hello.py").write_text("def test_that_fails():\n    assert False\n")

    assert run("test", "one/specs", "two/specs").exit_code == 1


def test_coverage_is_written_where_pytest_loads_no_plugin_by_itself(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where PYTEST_DISABLE_PLUGIN_AUTOLOAD is set, as some who build packages do, coverage is written too."""
    run("build")
    (project / "generated/test_hello.py").write_text("def test_nothing():\n    pass\n")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    assert run("test", "--coverage", "taken").exit_code == 0


TESTS_OF_TWO = {
    "one": "def test_cap(): pass\ndef test_end(): assert False\n",
    "two": "def test_end(): pass\n",
}


@pytest.mark.usefixtures("plain_pytest")
@pytest.mark.parametrize(
    ("passed", "code"),
    [
        ([], 1),
        (["--", "-k", "cap"], 0),
        (["--", "-k", "end"], 1),
        (["--", "-k", "nothing"], 1),
        (["--", "-p", "cacheprovider", "--lf", "-k", "cap"], 0),
        (["--", "--no-such-option"], 2),
    ],
)
def test_what_follows_two_dashes_is_for_pytest(
    run: Run, tmp_path: Path, passed: list[str], code: int
) -> None:
    """Options of pytest choose among the tests of all folders; it is enough that one has some of these."""
    for folder, tests in TESTS_OF_TWO.items():
        run("new", "hello", "--in", f"{folder}/specs")
        run("build", f"{folder}/specs")
        (tmp_path / folder / "generated/test_hello.py").write_text(tests)

    assert run("test", "one/specs", "two/specs", *passed).exit_code == code


def test_an_option_of_pytest_is_told_its_place(run: Run, project: Path) -> None:
    """Who gives an option of pytest to `fsmflow test` hears of `--`."""
    result = run("test", "-k", "cap")

    assert result.exit_code == 2
    assert "goes after `--`" in result.stderr


def test_a_misspelt_option_of_test_is_told_the_nearest(run: Run, project: Path) -> None:
    """`fsmflow test` takes no option for the name of a spec."""
    result = run("test", "--covrage", "taken")

    assert result.exit_code == 2
    assert "--coverage" in result.stderr


def test_test_asks_for_pytest_alone(run: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where pytest is missing, it is all that is asked for: what fsmflow's own tests need is much more."""
    monkeypatch.setitem(sys.modules, "pytest", None)
    result = run("test")

    assert (result.exit_code, result.stderr) == (2, "fsmflow test needs pytest: pip install pytest\n")


def test_test_asks_for_a_build_first(run: Run, project: Path) -> None:
    """`fsmflow test` says what is missing when nothing was built."""
    result = run("test")

    assert result.exit_code == 1
    assert "fsmflow build" in result.stderr


@pytest.mark.parametrize("name", ["yaml-anchor", "unknown-key", "wrong-type", "absurd-cap", "bad-name"])
def test_explain_knows_what_loading_finds(run: Run, name: str) -> None:
    """Faults of the text have pages too."""
    assert "Why is this bad?" in run("explain", name).stdout


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(28, "No space left on device", "trace.jsonl"), " trace.jsonl: No space left on device"),
        (FileNotFoundError(2, "No usable temporary directory"), ": No usable temporary directory"),
    ],
    ids=["full", "no temporary folder"],
)
def test_a_full_disk_is_no_bug_of_ours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: OSError, told: str
) -> None:
    """An error of the operating system is told in its own words, with exit code 2."""

    def full(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("fsmflow.cli.app", full)
    with pytest.raises(SystemExit) as exit_:
        main(["check"])

    assert exit_.value.code == 2
    assert capsys.readouterr().err == f"fsmflow: could not read or write{told}\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a folder that is worked in can't be removed there")
@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("run ../specs/hello.fsm.yaml text=a", "fsmflow"),
        ("prove ../specs/hello.fsm.yaml", "fsmflow"),
        ("new other", "Error"),
        ("schema -o schema.json", "Error"),
    ],
)
def test_a_folder_that_is_gone_is_told(project: Path, tmp_path: Path, command: str, said: str) -> None:
    """Who works in a folder that was removed, as of a build that is over, is told so."""
    gone = tmp_path / "gone"
    gone.mkdir()
    script = ["sh", "-c", 'rmdir ../gone; exec "$@"', "sh", sys.executable, "-m", "fsmflow", *command.split()]
    done = subprocess.run(script, cwd=gone, capture_output=True, text=True, check=False)

    told = f"{said}: the folder that this was started in is gone: start it in one that is there\n"
    assert (done.returncode, done.stderr) == (2, told)


def test_explore_refuses_json_too_deep(run: Run, project: Path) -> None:
    """Input nested too deeply is wrong usage, not a crash."""
    assert run("explore", "specs/hello.fsm.yaml", "--input", "[" * 100_000).exit_code == 2


@pytest.mark.parametrize("name", ["specs/hello.fsm.yaml", "specs/hello.py"])
@pytest.mark.parametrize(
    "command", [("draw", "specs/hello.fsm.yaml", "--format", "svg"), ("schema",)], ids=lambda c: c[0]
)
def test_no_source_is_overwritten(run: Run, project: Path, command: tuple[str, ...], name: str) -> None:
    """What is drawn or written down takes the place of no spec and of no steps."""
    before = (project / name).read_bytes()
    result = run(*command, "-o", name)

    assert (result.exit_code, "would overwrite" in result.stderr) == (2, True)
    assert (project / name).read_bytes() == before


def test_a_schema_says_how_an_editor_finds_it(run: Run) -> None:
    """Who writes the schema to a file is told the line that a spec beside it begins with."""
    said = run("schema", "-o", "specs/words.json").stdout

    assert said.startswith("wrote specs/words.json\n")
    assert said.endswith("beside it:  # yaml-language-server: $schema=words.json\n")


def test_a_new_workflow_is_completed_where_the_schema_is(run: Run, tmp_path: Path) -> None:
    """`new` points editors at a schema that stands beside the spec, and says how to have one."""
    before = run("new", "first").stdout
    run("schema", "-o", "specs/fsmflow.schema.json")
    after = run("new", "second").stdout

    assert "fsmflow schema -o specs/fsmflow.schema.json" in before
    assert "fsmflow schema" not in after
    assert not (tmp_path / "specs/first.fsm.yaml").read_text().startswith("#")
    assert (
        (tmp_path / "specs/second.fsm.yaml")
        .read_text()
        .startswith("# yaml-language-server: $schema=fsmflow.schema.json\nfsmflow: 1\n")
    )
    assert run("check").exit_code == 0
