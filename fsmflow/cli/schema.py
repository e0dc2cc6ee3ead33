"""`fsmflow schema`."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command("schema")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file.")
def command(output: Path | None) -> None:
    """Write the JSON Schema of the language, for completion and checking in an editor.

    Point an editor at it with a first line such as
    `# yaml-language-server: $schema=fsmflow.schema.json`.
    """
    from fsmflow.backends import Artifact
    from fsmflow.cli.files import write_all
    from fsmflow.cli.output import CannotWrite, keep_sources
    from fsmflow.loading.schema import json_schema

    text = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    if output in (None, Path("-")):
        click.echo(text, nl=False)
        return
    keep_sources(output)
    try:
        write_all([Artifact(output.absolute(), text.encode("utf-8"))])
    except OSError as error:
        raise CannotWrite(output, error) from error
