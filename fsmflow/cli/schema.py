"""`fsmflow schema`."""

from __future__ import annotations

import json
from pathlib import Path

import click

SCHEMA = "fsmflow.schema.json"
"""What the schema is called where `fsmflow new` looks for it."""


@click.command("schema")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file.")
def command(output: Path | None) -> None:
    """Write the JSON Schema of the language, for completion and checking in an editor.

    Point an editor at it with a first line such as
    `# yaml-language-server: $schema=fsmflow.schema.json`; `fsmflow new` writes
    that where a schema of this name stands in the folder of the specs.
    """
    from fsmflow.backends import Artifact
    from fsmflow.cli.files import write_all
    from fsmflow.cli.output import CannotWrite, keep_sources
    from fsmflow.loading.schema import json_schema

    found = json_schema()
    if not found["description"]:
        raise click.UsageError("the descriptions are docstrings, which -OO and PYTHONOPTIMIZE=2 leave out")
    text = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    if output in (None, Path("-")):
        click.echo(text, nl=False)
        return
    keep_sources(output)
    try:
        write_all([Artifact(output.absolute(), text.encode("utf-8"))])
    except OSError as error:
        raise CannotWrite(output, error) from error
    click.echo(f"wrote {output}\n\nFirst line of each spec beside it:  {pointing_at(output.name)}")


def pointing_at(schema: str) -> str:
    """Give the first line of a spec, by which an editor finds the schema of this name beside it."""
    return f"# yaml-language-server: $schema={schema}"
