"""`fsmflow draw`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal, cast

import click

from fsmflow.backends import Artifact

FORMATS = ("svg", "png", "dot")


@click.command("draw")
@click.argument("spec", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Write to this file; - is standard output."
)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="What to write; told by the file's ending."
)
@click.option("--theme", type=click.Choice(["light", "dark"]), default="light", show_default=True)
def command(spec: Path, output: Path | None, form: str | None, theme: str) -> None:
    """Draw the workflow SPEC, as SVG, PNG or Graphviz text.

    Without -o the file goes beside where you are, named after the workflow. An SVG is light or dark
    as the reader's system is; --theme is for PNG and for Graphviz text.
    """
    from fsmflow.backends.diagram import extract
    from fsmflow.backends.engines import DrawingFailed, NoEngine
    from fsmflow.backends.graphviz import dot, picture
    from fsmflow.cli.files import write_all
    from fsmflow.cli.load import compile_one
    from fsmflow.cli.output import CannotWrite

    chosen = form or (output.suffix.lstrip(".") if output and output.suffix else "svg")
    if chosen not in FORMATS:
        raise click.UsageError(f"can't write {chosen!r}; expected one of {', '.join(FORMATS)}")
    compilation = compile_one(spec)
    assert compilation.analysis is not None
    diagram = extract(compilation.analysis.machine)
    shade = cast(Literal["light", "dark"], theme)
    try:
        if chosen == "dot":
            content = dot(diagram, shade).encode()
        else:
            content = picture(diagram, "png" if chosen == "png" else "svg", shade)
    except (NoEngine, DrawingFailed) as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    if output == Path("-"):
        sys.stdout.buffer.write(content)
        return
    path = output or Path(f"{compilation.analysis.machine.name}.{chosen}")
    try:
        write_all([Artifact(path.absolute(), content)])
    except OSError as error:
        raise CannotWrite(path, error) from error
    click.echo(f"wrote {path}")
