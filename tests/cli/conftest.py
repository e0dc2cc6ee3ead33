"""A project in a temporary folder, and a way to run the command line in it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fsmflow.cli import app

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run `fsmflow` with arguments, in the temporary folder, without colours."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")

    def invoke(*arguments: str, input: str | None = None) -> Result:
        return CliRunner().invoke(app, list(arguments), input=input)

    return invoke


@pytest.fixture
def project(run: Run, tmp_path: Path) -> Iterator[Path]:
    """A folder in which `fsmflow new hello` has been run."""
    assert run("new", "hello").exit_code == 0
    path = list(sys.path)
    yield tmp_path
    sys.path[:] = path
    sys.modules.pop("hello", None)


def tree(folder: Path) -> dict[str, bytes]:
    """Give every file below `folder`, and what it holds."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def edit(path: Path, old: str, new: str) -> None:
    """Replace `old`, which must be there, by `new`."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def document(result: Result) -> Any:
    """Read what a command printed as one JSON document."""
    return json.loads(result.stdout)
