"""The README says nothing that is not so."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml
from click import Context

from fsmflow.cli import COMMANDS, app

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted((ROOT / "fsmflow/cli/pages").glob("*.md"))
CI = (ROOT / ".ci/run").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Give the code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_python_blocks_run(number: int) -> None:
    """Each block of Python runs as it stands, in the project's folder."""
    done = subprocess.run(
        [sys.executable, "-c", blocks("python")[number]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_python_in_pages_is_valid(page: Path) -> None:
    """What stands as Python in a page that `explain` prints is Python, and what it imports is there."""
    for block in re.findall(r"^    from .*(?:\n|    .*\n)*", page.read_text(encoding="utf-8"), re.MULTILINE):
        tree = ast.parse(textwrap.dedent(block))
        imports = ast.Module([node for node in tree.body if isinstance(node, ast.ImportFrom)], [])
        exec(compile(imports, str(page), "exec"), {})


def test_what_ci_is_to_run_is_there() -> None:
    """The configurations on the page on CI are YAML, and each command of fsmflow in them is one."""
    page = (ROOT / "fsmflow/cli/pages/ci.md").read_text(encoding="utf-8")
    actions, hooks = re.findall(r"^    (?:on|repos):.*\n(?:    .*\n)*", page, re.MULTILINE)
    steps = yaml.safe_load(textwrap.dedent(actions))["jobs"]["workflows"]["steps"]
    entries = [hook["entry"] for hook in yaml.safe_load(textwrap.dedent(hooks))["repos"][0]["hooks"]]
    run = [step["run"] for step in steps if step.get("run", "").startswith("fsmflow")]

    assert {command.split()[1] for command in (*run, *entries)} == {"check", "build", "test", "diff"}
    for line in (*run, *entries):
        arguments = line.partition(">>")[0].split()[1:]
        command = app.get_command(Context(app), arguments[0])
        assert command is not None
        command.make_context(arguments[0], arguments[1:])


def test_links_lead_somewhere() -> None:
    """Each link to a place in the project leads to a file that is there; to each page there is one."""
    linked = {target for target in re.findall(r"\]\(([^):]+)\)", README) if not target.startswith("#")}

    assert all((ROOT / target).is_file() for target in linked)
    assert linked >= {str(page.relative_to(ROOT).as_posix()) for page in PAGES}


@pytest.mark.parametrize("number", range(len(blocks("yaml"))))
def test_yaml_blocks_are_from_the_spec(number: int) -> None:
    """Each block of YAML stands in the spec of `ask_docs` or of `summary`, word for word."""
    specs = ("specs/ask_docs.fsm.yaml", "tests/models/summary.fsm.yaml")
    assert any(blocks("yaml")[number] in (ROOT / spec).read_text(encoding="utf-8") for spec in specs)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_listed(command: str) -> None:
    """Each command of the command line is in the README."""
    assert f"`fsmflow {command}" in README


@pytest.mark.parametrize("name", ["run", "test"])
def test_the_two_commands_are_what_ci_runs(name: str) -> None:
    """The two commands stand under the marks by which `.ci/run` finds them."""
    assert re.search(rf"^<!-- {name} -->\n```sh\n[^\n]+\n```$", README, re.MULTILINE)
    assert f"$(readme {name})" in CI
