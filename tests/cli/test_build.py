"""`fsmflow build`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import fsmflow.backends.python as python_backend
from fsmflow.backends import BACKENDS, EXPORTS, Artifact, Places
from fsmflow.cli.files import write_all
from fsmflow.compiler import compile_file
from fsmflow.runtime import load_runner
from tests.cli.conftest import Run, edit, tree

BUILT = {
    "generated/hello.certificate.json",
    "generated/hello_fsm.py",
    "generated/test_hello.py",
    "diagrams/hello.dot",
    "diagrams/hello.svg",
    "specs/hello.fsm.yaml",
    "specs/hello.py",
}


def test_a_build_makes_runner_tests_and_drawing(run: Run, project: Path) -> None:
    """A build writes the five files of a workflow and nothing else."""
    assert run("build").exit_code == 0
    assert set(tree(project)) == BUILT


def test_building_twice_changes_nothing(run: Run, project: Path) -> None:
    """The second build leaves every byte as the first left it."""
    run("build")
    first = tree(project)
    run("build")

    assert tree(project) == first


@pytest.mark.parametrize("seed", ["0", "1", "4711"])
def test_bytes_depend_on_the_spec_alone(project: Path, seed: str, tmp_path: Path) -> None:
    """Hash seed, locale, time zone and working folder leave no mark on what is built."""
    spec = project / "specs/hello.fsm.yaml"
    arguments = [sys.executable, "-m", "fsmflow", "build", str(spec)]
    subprocess.run(arguments, cwd=project, check=True, capture_output=True)
    first = tree(project)
    for path in ("generated", "diagrams"):
        for file in (project / path).iterdir():
            if file.is_file():
                file.unlink()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": "C", "TZ": "Asia/Tokyo"}
    subprocess.run(arguments, cwd=elsewhere, check=True, capture_output=True, env=environment)

    assert tree(project) == first


def test_check_passes_right_after_a_build(run: Run, project: Path) -> None:
    """`build --check` has nothing to say about files just built, and writes nothing."""
    run("build")
    before = tree(project)

    assert run("build", "--check").exit_code == 0
    assert tree(project) == before


def test_check_fails_when_the_spec_changed(run: Run, project: Path) -> None:
    """`build --check` fails once the spec says something new."""
    run("build")
    edit(project / "specs/hello.fsm.yaml", "steps: 12", "steps: 13")
    result = run("build", "--check")

    assert result.exit_code == 1
    assert "hello_fsm.py is not what the spec says" in result.stderr


def test_line_ends_are_no_edit(run: Run, project: Path) -> None:
    """Code whose lines end as on Windows is as it was built, and is built anew when its spec changes."""
    run("build")
    for path in [*(project / "generated").iterdir(), *(project / "diagrams").iterdir()]:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

    assert run("build", "--check").exit_code == 0

    edit(project / "specs/hello.fsm.yaml", "steps: 12", "steps: 13")

    assert run("build", "--check").exit_code == 1
    assert run("build").exit_code == 0


def test_check_fails_when_a_generated_file_changed(run: Run, project: Path) -> None:
    """`build --check` fails once a generated file was edited, or is gone."""
    run("build")
    edit(
        project / "generated/hello_fsm.py",
        "run.steps + 1",
        "run.steps + 0",
    )

    result = run("build", "--check")

    assert result.exit_code == 1
    assert "hello_fsm.py was edited by hand, or by a formatter" in result.stderr
    assert "`fsmflow build --force` writes it anew" in result.stderr

    run("build", "--force")
    (project / "diagrams/hello.dot").unlink()

    assert run("build", "--check").exit_code == 1


def test_check_fails_when_the_generator_changed(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`build --check` fails once the backend would write something else for the same spec."""
    run("build")
    monkeypatch.setattr(python_backend, "_entry_points", lambda machine: ["# another generator"])

    assert run("build", "--check").exit_code == 1


def test_an_edit_by_hand_is_not_overwritten(run: Run, project: Path) -> None:
    """A generated file that was edited stays as it is, with everything else, until `--force`."""
    run("build")
    edit(
        project / "generated/hello_fsm.py",
        "run.steps + 1",
        "run.steps + 0",
    )
    edit(project / "specs/hello.fsm.yaml", "steps: 12", "steps: 13")
    before = tree(project)
    result = run("build")

    assert result.exit_code == 1
    assert "hello_fsm.py was edited by hand, or by a formatter" in result.stderr
    assert tree(project) == before
    assert run("build", "--force").exit_code == 0
    assert run("build", "--check").exit_code == 0


def test_nothing_is_written_if_one_spec_has_an_error(run: Run, project: Path) -> None:
    """An error in one spec keeps the files of every other from being written."""
    run("new", "other")
    edit(project / "specs/other.fsm.yaml", "success: review", "success: reviw")
    before = tree(project)

    assert run("build").exit_code == 1
    assert tree(project) == before


def test_two_workflows_that_would_make_one_file_are_refused(run: Run, project: Path) -> None:
    """The tests of one workflow are never overwritten with the runner of another: both specs are named."""
    run("new", "x_fsm")
    run("new", "test_x")
    before = tree(project)
    result = run("build")

    assert result.exit_code == 1
    assert "specs/x_fsm.fsm.yaml:2:11  error[duplicate-workflow]" in result.stdout
    assert "`test_x_fsm.py` is made of the workflow `test_x` in specs/test_x.fsm.yaml too" in result.stdout
    assert tree(project) == before


def test_folders_that_share_what_is_generated_are_refused(run: Run, tmp_path: Path) -> None:
    """Workflows of one name in two folders may be built, but not into the same one."""
    for folder in ("one/specs", "two/specs"):
        assert run("new", "hello", "--in", folder).exit_code == 0
    before = tree(tmp_path)
    result = run("build", "one/specs", "two/specs", "--generated", "out")

    assert result.exit_code == 1
    assert "the workflow `hello` is in one/specs/hello.fsm.yaml too" in result.stdout
    assert tree(tmp_path) == before
    assert run("build", "one/specs", "two/specs").exit_code == 0


def test_what_another_spec_made_is_not_overwritten(run: Run, tmp_path: Path) -> None:
    """A file that says which spec it is made of stays as it is while that spec is there, until `--force`."""
    for folder in ("one/specs", "two/specs"):
        assert run("new", "hello", "--in", folder).exit_code == 0
    assert run("build", "one/specs", "--generated", "out").exit_code == 0
    before = tree(tmp_path)
    result = run("build", "two/specs", "--generated", "out")

    assert result.exit_code == 1
    assert "out/hello_fsm.py is made of one/specs/hello.fsm.yaml\n" in result.stderr
    assert "another name" in result.stderr
    assert tree(tmp_path) == before
    assert run("build", "two/specs", "--generated", "out", "--force").exit_code == 0


def test_what_a_spec_made_that_is_gone_is_overwritten(run: Run, project: Path) -> None:
    """A spec that was moved is built as before, and so is one whose name was another one's until now."""
    run("new", "other")
    run("build")
    (project / "specs").rename(project / "flows")

    assert run("build", "flows", "--generated", "generated").exit_code == 0

    edit(project / "flows/hello.fsm.yaml", "workflow: hello", "workflow: other")
    edit(project / "flows/other.fsm.yaml", "workflow: other", "workflow: hello")

    assert run("build", "flows", "--generated", "generated").exit_code == 0


def test_what_is_written_anew_and_what_is_of_another_spec_is_not_told_of(run: Run, project: Path) -> None:
    """Nobody is told to delete what this build makes of a spec that was moved, or what others are made of."""
    run("new", "other")
    run("build")
    (project / "specs/hello.fsm.yaml").rename(project / "specs/bye.fsm.yaml")
    result = run("build", "specs/bye.fsm.yaml")

    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize("option", [(), ("--check",), ("--quiet",)], ids=["", "check", "quiet"])
def test_what_is_left_of_a_spec_that_is_gone_is_told(
    run: Run, project: Path, option: tuple[str, ...]
) -> None:
    """Once a workflow has another name, who builds it is told of the runner and the tests of the old one."""
    run("build")
    (project / "specs/hello.fsm.yaml").rename(project / "specs/bye.fsm.yaml")
    edit(project / "specs/bye.fsm.yaml", "workflow: hello", "workflow: bye")
    run("build")
    result = run("build", *option)

    assert result.exit_code == 0
    gone = "is made of specs/hello.fsm.yaml, which is gone: delete it"
    assert result.stderr == f"generated/hello_fsm.py {gone}\ngenerated/test_hello.py {gone}\n"


@pytest.mark.parametrize("name", ["é", 'three""" quotes', "back\\slash", "\udcff"], ids=ascii)
def test_code_names_its_spec_whatever_its_folder_is_called(run: Run, project: Path, name: str) -> None:
    """What leads from generated code to its spec may hold any character, and is found again."""
    (project / name).mkdir()
    (project / "specs").rename(project / name / "specs")
    result = run("build", f"{name}/specs", "--generated", "out", "--quiet")

    assert result.exit_code == 0, result.output
    assert load_runner(project / "out/hello_fsm.py").run_sync({"text": "hello"}).kind == "success"
    assert compile((project / "out/test_hello.py").read_text(), "test_hello.py", "exec")
    (project / "hello.fsm.yaml").write_bytes((project / name / "specs/hello.fsm.yaml").read_bytes())
    (project / "hello.py").write_bytes((project / name / "specs/hello.py").read_bytes())
    assert "is made of" in run("build", "hello.fsm.yaml", "--generated", "out").stderr


@pytest.mark.parametrize("certificate", [True, False])
def test_a_runner_may_stand_in_an_archive(run: Run, project: Path, *, certificate: bool) -> None:
    """What is shipped as one zip, where no certificate can be opened, runs on steps that are in there too."""
    run("build")
    with zipfile.ZipFile(project / "app.zip", "w") as archive:
        archive.write(project / "specs/hello.py", "hello.py")
        archive.write(project / "generated/hello_fsm.py", "hello_fsm.py")
        if certificate:
            archive.write(project / "generated/hello.certificate.json", "hello.certificate.json")
    code = "from hello_fsm import run_sync; print(run_sync({'text': 'hello'}).kind)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(project / "app.zip"), *sys.path[1:]))},
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == "success\n", done.stderr


def test_the_files_of_a_workflow_are_known_before_they_are_made(run: Run, project: Path) -> None:
    """Each file that any target makes is one that two workflows are compared by."""
    spec = project / "specs/hello.fsm.yaml"
    places = Places(spec, project / "generated", project / "diagrams")
    made = {artifact.path for artifact in compile_file(spec).emit(places, (*BACKENDS, *EXPORTS))}

    assert made == set(places.files("hello"))


def test_a_folder_that_cannot_be_written_is_no_traceback(run: Run, project: Path) -> None:
    """A file where a folder must go exits with 2 and says which."""
    (project / "generated").write_text("in the way")
    result = run("build")

    assert result.exit_code == 2
    assert "could not write" in result.stderr


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that was to be written is told, not the temporary one that comes before it."""

    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path / ".fsmflow-x-1"))

    monkeypatch.setattr("fsmflow.cli.files.tempfile.mkstemp", refuse)
    with pytest.raises(PermissionError) as refused:
        write_all([Artifact(tmp_path / "wanted.py", b"new")])

    assert refused.value.filename == str(tmp_path / "wanted.py")


def test_the_workflow_name_cannot_leave_the_folder(run: Run, project: Path) -> None:
    """A workflow named like a path is refused, and nothing is written anywhere."""
    edit(project / "specs/hello.fsm.yaml", "workflow: hello", "workflow: ../../hello")
    before = tree(project.parent)

    assert run("build").exit_code == 1
    assert tree(project.parent) == before


def test_a_write_that_fails_leaves_every_target_as_it_was(tmp_path: Path) -> None:
    """If one of several files can't be staged, none is changed and no temporary file stays."""
    good, bad = tmp_path / "good.txt", tmp_path / "file" / "bad.txt"
    good.write_text("old")
    (tmp_path / "file").write_text("no folder")
    before = tree(tmp_path)

    with pytest.raises(OSError, match="file"):
        write_all([Artifact(good, b"new"), Artifact(bad, b"new")])
    assert tree(tmp_path) == before


def test_a_killed_write_leaves_whole_files(tmp_path: Path) -> None:
    """However early or late a writer is killed, its target holds all of the old or all of the new."""
    target = tmp_path / "target.bin"
    old, new = b"o" * 400_000, b"n" * 400_000
    program = (
        "import sys; from pathlib import Path; from fsmflow.backends import Artifact;"
        "from fsmflow.cli.files import write_all; p = Path(sys.argv[1]); print('ready', flush=True)\n"
        "while True:\n"
        "    write_all([Artifact(p, b'n' * 400_000)]); write_all([Artifact(p, b'o' * 400_000)])\n"
    )
    target.write_bytes(old)
    for delay in range(12):
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(target)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.003 * delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()

        assert target.read_bytes() in (old, new)

    write_all([Artifact(tmp_path / "sweeper", b"")])

    assert set(tree(tmp_path)) == {"target.bin", "sweeper"}


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir], ids=["pipe", "folder"])
@pytest.mark.parametrize("force", [(), ("--force",)], ids=["", "force"])
def test_what_is_no_file_is_never_replaced(
    run: Run, project: Path, make: Callable[[Path], None], force: tuple[str, ...]
) -> None:
    """A device, a pipe or a folder that stands where a file would go is left alone, and named."""
    target = project / "generated/hello_fsm.py"
    target.parent.mkdir()
    make(target)
    before = target.stat()
    result = run("build", *force)

    assert result.exit_code == 2
    assert f"could not write {target}: it is there, and is no file" in result.stderr
    assert target.stat().st_mode == before.st_mode
    assert not (project / "diagrams").exists()


def test_a_drawing_never_replaces_a_device(run: Run, project: Path) -> None:
    """`draw -o` leaves what is no file as it was, even for those who might replace it."""
    target = project / "pipe.svg"
    os.mkfifo(target)
    result = run("draw", "specs/hello.fsm.yaml", "-o", str(target))

    assert result.exit_code == 2
    assert target.is_fifo()
