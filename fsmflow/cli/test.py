"""`fsmflow test`."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import click

from fsmflow.cli.output import exit_code, quiet_option, report
from fsmflow.cli.specs import compile_all, find, paths_argument, placed, places_of


@click.command("test")
@paths_argument
@click.option(
    "--coverage",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write to this folder how often each transition was taken, to be drawn: `fsmflow draw --coverage`.",
)
@quiet_option
def command(paths: tuple[Path, ...], coverage: Path | None, quiet: bool) -> None:
    """Run the property tests that were built from specs.

    Exit code 0 if all pass, 1 if one fails or a spec has errors.
    """
    if importlib.util.find_spec("pytest") is None:
        click.echo("fsmflow test needs pytest: pip install pytest", err=True)
        sys.exit(2)
    specs = find(paths)
    compilations = compile_all(specs)
    if exit_code(compilations):
        report(compilations, "text")
        sys.exit(1)
    files: dict[Path, list[str]] = {}
    for spec, compilation in zip(specs, compilations, strict=True):
        assert compilation.analysis is not None
        path = places_of(spec).generated / f"test_{compilation.analysis.machine.name}.py"
        if not path.is_file():
            click.echo(f"{path} is missing: run `fsmflow build` first", err=True)
            sys.exit(1)
        files.setdefault(placed(spec).parent, []).append(str(path))
    arguments = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--import-mode=importlib"]
    # Where pytest is told to load no plugins by itself, it is told to load this one.
    arguments += ["-p", "fsmflow"]
    if quiet:
        arguments.append("-q")
    if coverage is not None:
        arguments.append(f"--fsmflow-coverage={coverage}")
    # A process loads one module of a name, and steps of several folders may have the same.
    codes = [
        subprocess.run([*arguments, *beside], check=False).returncode  # noqa: S603 - our own
        for beside in files.values()
    ]
    sys.exit(int(any(codes)))
