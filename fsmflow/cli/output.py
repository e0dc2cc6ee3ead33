"""Telling a person, or a program, what was found."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fsmflow.compiler import Compilation
from fsmflow.diagnostics import Severity

if TYPE_CHECKING:
    from rich.console import Console

Command = TypeVar("Command", bound=Any)


class CannotWrite(click.ClickException):
    """A file that was asked for can't be written."""

    exit_code = 2

    def __init__(self, path: object, error: OSError) -> None:
        is_lost = is_gone() and not Path(str(path)).is_absolute()
        super().__init__(GONE if is_lost else f"could not write {path}: {error.strerror}")


GONE = "the folder that this was started in is gone: start it in one that is there"


def is_gone() -> bool:
    """Tell whether the folder that is worked in is no longer there."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


_SOURCES = frozenset({".py", ".yaml", ".yml"})


def keep_sources(path: Path) -> None:
    """Refuse to write over a spec, or over steps.

    Raises:
        click.UsageError: What stands at `path` is one of these.
    """
    if path.suffix.lower() in _SOURCES and path.exists():
        raise click.UsageError(f"-o would overwrite {path}: name another file")


def format_option(command: Command) -> Command:
    """Give a command the option `--format`."""
    decorated: Command = click.option(
        "--format",
        "form",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="How to say it.",
    )(command)
    return decorated


def quiet_option(command: Command) -> Command:
    """Give a command the option `--quiet`."""
    decorated: Command = click.option("-q", "--quiet", is_flag=True, help="Say only what is wrong.")(command)
    return decorated


def is_terminal(*streams: Any) -> bool:
    """Tell whether each of `streams` is a terminal; one that is closed is none."""
    return all(stream is not None and stream.isatty() for stream in streams)


def wants_color(stream: Any) -> bool:
    """Tell whether to colour what goes to `stream`: to a terminal, unless NO_COLOR is set."""
    if stream is None or os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return is_terminal(stream) and os.environ.get("TERM") != "dumb"


@contextmanager
def printed(**options: Any) -> Iterator[Console]:
    """Give a console whose text is printed in the end; rich itself exits with 1 if nobody reads it."""
    from rich.console import Console

    console = Console(no_color=not wants_color(sys.stdout), highlight=False, **options)
    with console.capture() as told:
        yield console
    click.echo(told.get(), nl=False, color=True)


def report(compilations: Sequence[Compilation], form: str, *, quiet: bool = False) -> None:
    """Print everything that was found in `compilations`."""
    reports = [compilation.report for compilation in compilations]
    if form == "json":
        from fsmflow.reporting.json import render as render_json

        click.echo(render_json(reports))
        return
    if form == "github":
        from fsmflow.reporting.github import render as render_github

        click.echo(render_github(reports), nl=False)
        return
    if form == "sarif":
        from importlib.metadata import version

        from fsmflow.cli.explain import pages_of_checks
        from fsmflow.reporting.sarif import render as render_sarif

        click.echo(render_sarif(reports, version=version("fsmflow"), pages=pages_of_checks()), nl=False)
        return
    from fsmflow.reporting.text import render as render_text

    if quiet and not any(each.diagnostics for each in reports):
        return
    click.echo(render_text(reports, color=wants_color(sys.stdout)).rstrip("\n"), color=True)


def exit_code(compilations: Sequence[Compilation], *, strict: bool = False) -> int:
    """Give 1 if there is an error, or with `strict` a warning; else 0."""
    counted = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    return int(any(d.severity in counted for c in compilations for d in c.diagnostics))
