"""`fsmflow check`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fsmflow.cli.output import exit_code, quiet_option, report
from fsmflow.cli.specs import compile_all, find, paths_argument


@click.command("check")
@paths_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    show_default=True,
    help="How to say it; `github` makes annotations of a pull request, `sarif` is for code scanning.",
)
@quiet_option
@click.option("--strict", is_flag=True, help="Let warnings fail too.")
def command(paths: tuple[Path, ...], form: str, quiet: bool, strict: bool) -> None:
    """Check specs and show every fault at once, with its place and what to do about it.

    PATHS are spec files or folders of them; `specs/` if none is given. Step modules are read, never
    imported. Exit code 1 if there is an error.
    """
    compilations = compile_all(find(paths))
    report(compilations, form, quiet=quiet)
    sys.exit(exit_code(compilations, strict=strict))
