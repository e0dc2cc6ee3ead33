"""Pictures of what differs between two versions, as files."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import click

from fsmflow.analysis.difference import Difference
from fsmflow.backends import Artifact
from fsmflow.cli.files import write_all
from fsmflow.cli.output import CannotWrite

_STANDARD_OUTPUT = Path("-")


def write(differences: Sequence[Difference], form: Literal["svg", "png"], output: Path | None) -> None:
    """Draw each workflow that differs, and tell on the standard error what was written.

    One goes to `output`, or into it if it is a folder; several need a folder. Without `output` each goes
    beside where you are, named after its workflow. Where nothing can be drawn the command ends with 2.

    Raises:
        click.UsageError: There are several, and `output` is no folder.
        CannotWrite: A file can't be written.
    """
    from fsmflow.backends.engines import DrawingFailed, NoEngine
    from fsmflow.backends.graphviz import picture
    from fsmflow.backends.overlays.diff import NotDrawable, union

    told = [difference for difference in differences if _differs(difference)]
    if not told:
        click.echo("nothing to draw: no workflow differs in meaning", err=True)
        return
    paths = _paths(told, form, output)
    try:
        drawn = []
        for difference in told:
            diagram, overlay = union(difference)
            drawn.append(picture(diagram, form, overlay=overlay))
    except (NoEngine, DrawingFailed, NotDrawable) as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    if output == _STANDARD_OUTPUT:
        sys.stdout.buffer.write(drawn[0])
        return
    save([Artifact(path.absolute(), content) for path, content in zip(paths, drawn, strict=True)])
    for path in paths:
        click.echo(f"wrote {path}", err=True)


def save(artifacts: Sequence[Artifact]) -> None:
    """Write files, all or none.

    Raises:
        CannotWrite: One of them can't be written.
    """
    try:
        write_all(artifacts)
    except OSError as error:
        raise CannotWrite(error.filename or artifacts[0].path, error) from error


def _differs(difference: Difference) -> bool:
    return difference.is_of_meaning or "titles" in difference.cosmetic


def _paths(differences: Sequence[Difference], form: str, output: Path | None) -> list[Path]:
    """Choose a file for each picture."""
    names = [f"{difference.name}.{form}" for difference in differences]
    if output is None:
        return [Path(name) for name in names]
    if output.is_dir() or (len(names) > 1 and not output.suffix and output != _STANDARD_OUTPUT):
        return [output / name for name in names]
    if len(names) > 1:
        several = ", ".join(difference.name for difference in differences)
        raise click.UsageError(f"several workflows differ: {several}; give -o a folder")
    return [output]
