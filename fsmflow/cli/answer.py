"""`fsmflow answer`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fsmflow.runtime import NotWaiting, Rejected
from fsmflow.runtime.folder_desk import answer_in, waiting_in


@click.command("answer")
@click.argument("token")
@click.argument("label", required=False)
@click.option("--value", help="What is filled in: text where that is wanted, else JSON.")
@click.option("--desk", type=click.Path(path_type=Path), help="The folder of the questions.")
def command(token: str, label: str | None, value: str | None, desk: Path | None) -> None:
    """Answer the question that waits under TOKEN, with one of its labels.

    `fsmflow waiting` lists the questions. An answer that is none of those that there are is refused, and
    so is a second one, or one that comes too late.
    """
    from fsmflow.cli.desks import desk_folder, value_of

    folder = desk or desk_folder()
    found = next((each for each in waiting_in(folder) if each.token == token), None)
    try:
        filled = None if value is None else value_of(value, "" if found is None else found.gives)
        answer_in(folder, token, label, filled)
    except NotWaiting as error:
        click.echo(error.args[0], err=True)
        sys.exit(1)
    except Rejected as rejected:
        click.echo("\n".join(rejected.complaints), err=True)
        sys.exit(1)
    click.echo("answered")
