"""From a spec file to a runner, in memory, so that what runs is what the spec says now."""

from __future__ import annotations

import linecache
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from fsmflow.analysis import Analysis
from fsmflow.backends import load_backend
from fsmflow.cli.output import exit_code, report
from fsmflow.cli.specs import compile_all, find, places_of
from fsmflow.compiler import Compilation
from fsmflow.diagnostics import InvalidSpec
from fsmflow.runtime import Runner, runner_of


def compile_one(path: Path) -> Compilation:
    """Compile the spec at `path`, or the only one in that folder; report it and exit if it has errors."""
    specs = find([path])
    if len(specs) != 1:
        raise click.UsageError(f"{path} holds {len(specs)} specs; name one")
    (compilation,) = compile_all(specs)
    if exit_code([compilation]):
        report([compilation], "text")
        sys.exit(1)
    return compilation


def load(path: Path) -> Runner[Any, Any]:
    """Compile the spec at `path` and load the runner that is made of it."""
    compilation = compile_one(path)
    return runner_from(compilation, Path(compilation.path))


def runner_from(compilation: Compilation, path: Path) -> Runner[Any, Any]:
    """Load the runner that is made of what the spec at `path` was compiled to.

    Raises:
        InvalidSpec: The workflow has errors.
    """
    if compilation.analysis is None or compilation.errors:
        raise InvalidSpec(compilation.errors)
    return _loaded(compilation.analysis, path)


def _loaded(analysis: Analysis, path: Path) -> Runner[Any, Any]:
    (artifact,) = load_backend("python").emit(analysis, places_of(path))
    module = ModuleType(artifact.path.stem)
    module.__file__ = str(artifact.path)
    code = artifact.content.decode("utf-8")
    # Tracebacks that pass through generated code then show its lines.
    linecache.cache[module.__file__] = (len(code), None, code.splitlines(keepends=True), module.__file__)
    exec(compile(code, module.__file__, "exec"), module.__dict__)  # noqa: S102 - our own output
    runner = runner_of(module)
    runner.drop_stale_certificate()
    # Workflows that it runs were compiled with it, so that what runs is what their specs say now.
    for name, found in analysis.callees.items():
        if found.analysis is not None:
            runner.know(name, _loaded(found.analysis, found.path))
    return runner
