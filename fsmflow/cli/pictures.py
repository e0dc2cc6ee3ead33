"""Pictures of what differs between two versions, as files."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from fsmflow.analysis.comparing.difference import Difference
from fsmflow.backends import Artifact
from fsmflow.cli.files import write_all
from fsmflow.cli.output import CannotWrite

if TYPE_CHECKING:
    from fsmflow.backends.diagram import Diagram
    from fsmflow.backends.overlay import Overlay

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
        unions = [union(difference) for difference in told]
        drawn = [picture(diagram, form, overlay=overlay) for diagram, overlay in unions]
    except (NoEngine, DrawingFailed, NotDrawable) as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    if form == "png":
        tell_boxes(unions)
    if output == _STANDARD_OUTPUT:
        sys.stdout.buffer.write(drawn[0])
        return
    save([Artifact(path.absolute(), content) for path, content in zip(paths, drawn, strict=True)])
    for path in paths:
        click.echo(f"wrote {path}", err=True)


def tell_boxes(drawn: Sequence[tuple[Diagram, Overlay | None]]) -> None:
    """Say on the standard error that a PNG does not show some letters, if so."""
    from fsmflow.backends.engines import boxed
    from fsmflow.backends.graphviz import dot

    letter = next(filter(None, (boxed(dot(diagram, "light", overlay)) for diagram, overlay in drawn)), None)
    if letter is not None:
        click.echo(
            f"boxes stand for letters such as {letter}, which the font for a PNG has not: draw an SVG, "
            "or set FSMFLOW_DOT to the `dot` of a system's Graphviz",
            err=True,
        )


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
