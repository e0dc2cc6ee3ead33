"""How a spec may be named on the command line: by its folder, twice, or through links."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run, tree


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "specs", "text=hello"],
        ["run", "specs", "text=hello", "--durable", "runs.db"],
        ["submit", "specs", "text=hello", "--db", "runs.db"],
        ["simulate", "specs", "--runs", "10"],
    ],
    ids=" ".join,
)
def test_a_folder_with_one_spec_stands_for_it(run: Run, project: Path, arguments: list[str]) -> None:
    """Steps are looked for beside the spec, not beside the folder that was named."""
    result = run(*arguments)

    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("command", ["check", "build"])
@pytest.mark.parametrize("other", ["{project}/specs", "specs/../specs", "linked"])
def test_a_spec_that_is_named_twice_is_one_spec(run: Run, project: Path, command: str, other: str) -> None:
    """However a spec is named, no fault is made of its being named once more."""
    (project / "linked").symlink_to("specs")
    result = run(command, "specs", other.format(project=project))

    assert result.exit_code == 0, result.output


@pytest.fixture
def linked(project: Path) -> Path:
    """A project whose spec is a link to a file that stands elsewhere, without its steps."""
    common = project / "common"
    common.mkdir()
    (project / "specs/hello.fsm.yaml").rename(common / "hello.fsm.yaml")
    (project / "specs/hello.fsm.yaml").symlink_to("../common/hello.fsm.yaml")
    return project


@pytest.mark.parametrize("durable", [(), ("--durable", "runs.db")], ids=["", "durable"])
def test_the_steps_of_a_linked_spec_stand_beside_the_link(
    run: Run, linked: Path, durable: tuple[str, ...]
) -> None:
    """A run imports the steps that `check` read."""
    assert run("check").exit_code == 0
    result = run("run", "specs/hello.fsm.yaml", "text=hello", *durable)

    assert result.exit_code == 0, result.output


def test_the_files_of_a_linked_spec_go_where_the_link_is(run: Run, linked: Path) -> None:
    """Nothing is written into the folder that the link leads to, and what is written finds its steps."""
    run("build")
    made = set(tree(linked))

    assert {"generated/hello_fsm.py", "diagrams/hello.svg"} < made
    assert not any(name.startswith("common/") and name != "common/hello.fsm.yaml" for name in made)
    assert run("build", "--check").exit_code == 0


def test_specs_below_a_folder_are_not_passed_over_in_silence(run: Run, project: Path) -> None:
    """A folder stands for its own specs; that more stand below is said, so that no check leaves them out."""
    (project / "specs/more").mkdir()
    (project / "specs/more/hello.fsm.yaml").write_bytes((project / "specs/hello.fsm.yaml").read_bytes())
    result = run("check")

    assert result.exit_code == 0, result.output
    assert (
        result.stderr == "specs/more holds specs too, which are not among these: name that folder as well\n"
    )


@pytest.mark.parametrize("named", ["more/hello.fsm.yaml", "hello.yaml"])
def test_a_spec_that_is_nearly_where_it_is_looked_for_is_named(run: Run, project: Path, named: str) -> None:
    """Who has one spec, in a folder below or under another ending, is told that it is there."""
    (project / "specs/more").mkdir()
    (project / "specs/hello.fsm.yaml").rename(project / "specs" / named)
    result = run("check")

    assert result.exit_code == 2
    assert f"there is specs/{named}" in result.stderr
