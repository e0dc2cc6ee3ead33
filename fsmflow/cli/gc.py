"""`fsmflow gc`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from fsmflow.cli.durable import db_option, opened
from fsmflow.spec import Duration


@click.command("gc")
@click.option("--older-than", "age", default="30d", show_default=True, help="How long ago they ended.")
@db_option
def command(age: str, db: Path | None) -> None:
    """Forget durable runs that ended long ago, and what only they used."""
    try:
        duration = Duration.parse(age)
    except ValueError as error:
        raise click.UsageError(f"--older-than: {error}") from error
    with opened(db) as durable:
        count = durable.gc(before_ns=time.time_ns() - duration.microseconds * 1000)
    click.echo(f"forgot {count:,} run{'' if count == 1 else 's'}")
