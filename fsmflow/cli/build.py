"""`fsmflow build`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fsmflow.backends import BACKENDS, EXPORTS, Artifact
from fsmflow.cli.files import hand_edited, made_of_nothing, made_of_others, stale, write_all
from fsmflow.cli.output import exit_code, format_option, quiet_option, report
from fsmflow.cli.patience import patience
from fsmflow.cli.specs import compile_all, find, paths_argument, places_of

_EDITED = "was edited by hand, or by a formatter"


@click.command("build")
@paths_argument
@click.option("--check", "checking", is_flag=True, help="Write nothing; fail if anything would change.")
@click.option(
    "--force", is_flag=True, help="Overwrite files that were edited by hand, or made of another spec."
)
@click.option("--strict", is_flag=True, help="Let warnings fail too.")
@click.option(
    "--target",
    "targets",
    multiple=True,
    type=click.Choice((*BACKENDS, *EXPORTS)),
    help="Make only this target; may be given more than once.",
)
@click.option(
    "--generated", type=click.Path(path_type=Path), help="Where code goes; `generated/` unless given."
)
@click.option(
    "--diagrams", type=click.Path(path_type=Path), help="Where drawings go; `diagrams/` unless given."
)
@format_option
@quiet_option
def command(
    paths: tuple[Path, ...],
    checking: bool,
    force: bool,
    strict: bool,
    targets: tuple[str, ...],
    generated: Path | None,
    diagrams: Path | None,
    form: str,
    quiet: bool,
) -> None:
    """Compile specs into runners, diagrams, property tests and certificates of what is proved.

    The targets `promela` and `prism` are made only if named: they are for SPIN, PRISM and Storm.
    Files are written only if every spec is free of errors, and each all at once.
    """
    specs = find(paths)
    compilations = compile_all(specs, generated, diagrams)
    code = exit_code(compilations, strict=strict)
    report(compilations, form, quiet=quiet or (form == "text" and not code))
    if code:
        sys.exit(code)
    with patience("this takes long: each workflow is proved"):
        artifacts = [
            artifact
            for spec, compilation in zip(specs, compilations, strict=True)
            for artifact in _emit(spec, compilation, targets or BACKENDS, generated, diagrams)
        ]
    for path, gone in made_of_nothing(artifacts):
        said = f"is made of {_shown(gone.resolve())}, which is gone: delete it"
        click.echo(f"{_shown(path)} {said}", err=True)
    if checking:
        sys.exit(_tell_stale(artifacts))
    others = [] if force else made_of_others(artifacts, specs)
    if others:
        for path, spec in others:
            click.echo(f"{_shown(path)} is made of {_shown(spec.resolve())}", err=True)
        said = (
            "Give one of the workflows another name, or its files another place, or overwrite with --force."
        )
        click.echo(f"Nothing was written. {said}", err=True)
        sys.exit(1)
    edited = [] if force else hand_edited(artifacts)
    if edited:
        for path in edited:
            click.echo(f"{_shown(path)} {_EDITED}", err=True)
        click.echo("Nothing was written. Change the spec instead, or overwrite with --force.", err=True)
        sys.exit(1)
    try:
        written = write_all(artifacts)
    except OSError as error:
        click.echo(f"could not write {error.filename}: {error.strerror}", err=True)
        sys.exit(2)
    if not quiet and form == "text":
        for path in written:
            click.echo(f"wrote {_shown(path)}")
        same = len(artifacts) - len(written)
        files = f"{len(written)} file{'s' * (len(written) != 1)}"
        click.echo(f"{len(specs)} built; {files} written, {same} already as they should be")


def _emit(
    spec: Path, compilation: object, targets: tuple[str, ...], generated: Path | None, diagrams: Path | None
) -> tuple[Artifact, ...]:
    from fsmflow.compiler import Compilation
    from fsmflow.diagnostics import FsmflowError

    assert isinstance(compilation, Compilation)
    try:
        return compilation.emit(places_of(spec, generated, diagrams), targets)
    except FsmflowError as error:
        raise click.ClickException(str(error)) from error


def _tell_stale(artifacts: list[Artifact]) -> int:
    found, edited = stale(artifacts), hand_edited(artifacts)
    for path in found:
        state = "is not what the spec says" if path.is_file() else "is missing"
        click.echo(f"{_shown(path)} {_EDITED if path in edited else state}", err=True)
    if found:
        click.echo(f"`fsmflow build{' --force' * bool(edited)}` writes it anew.", err=True)
    return int(bool(found))


def _shown(path: Path) -> str:
    """Give `path` from here, if it is below here."""
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else str(path)
