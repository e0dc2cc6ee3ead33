"""`fsmflow cancel`."""

from __future__ import annotations

from pathlib import Path

import click

from fsmflow.cli.durable import db_option, opened


@click.command("cancel")
@click.argument("run")
@db_option
def command(run: str, db: Path | None) -> None:
    """End a durable run as cancelled, whoever carries it out.

    RUN is a run's id, or the beginning of it.
    """
    with opened(db) as durable:
        kept = durable.find(run)
        durable.cancel(kept.run_id)
    click.echo(f"cancelled {kept.run_id}")
