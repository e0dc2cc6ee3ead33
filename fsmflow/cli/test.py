"""`fsmflow test`."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import click

from fsmflow.cli.output import exit_code, quiet_option, report
from fsmflow.cli.specs import compile_all, find, paths_argument, placed, places_of

FAILED, WRONG_USAGE, NONE_CHOSEN = 1, 4, 5
"""What pytest says where a test failed, where it does not know an option, and where options chose no test."""


class PassingOn(click.Command):
    """A command that keeps what stands after `--` for another one."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read what stands before `--`."""
        own, passed = args, list[str]()
        if "--" in args:
            end = args.index("--")
            own, passed = args[:end], args[end + 1 :]
        ctx.obj = passed
        try:
            return super().parse_args(ctx, own)
        except click.NoSuchOption as unknown:
            if unknown.possibilities:
                raise
            said = f"{unknown.format_message()} What is for pytest goes after `--`."
            raise click.UsageError(said, ctx) from unknown

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Give the pieces of the line that shows how it is called."""
        return [*super().collect_usage_pieces(ctx), "[-- OPTIONS OF PYTEST]"]


@click.command("test", cls=PassingOn)
@paths_argument
@click.option(
    "--coverage",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write to this folder how often each transition was taken, to be drawn: `fsmflow draw --coverage`.",
)
@quiet_option
@click.pass_obj
def command(passed: list[str], paths: tuple[Path, ...], coverage: Path | None, quiet: bool) -> None:
    """Run the property tests that were built from specs.

    What follows `--` is passed on to pytest: `fsmflow test -- -k cap -x`.

    Exit code 0 if all pass, 1 if one fails or a spec has errors, 2 on wrong usage.
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
    codes = {
        subprocess.run([*arguments, *passed, *beside], check=False).returncode  # noqa: S603 - our own
        for beside in files.values()
    }
    if WRONG_USAGE in codes:
        sys.exit(2)
    # Of several folders, one may hold nothing of what was chosen.
    sys.exit(FAILED if codes - {0, NONE_CHOSEN} or codes == {NONE_CHOSEN} else 0)
