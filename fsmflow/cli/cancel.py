"""`fsmflow cancel`."""

from __future__ import annotations

from pathlib import Path

import click

from fsmflow.cli.durable import db_option, opened
from fsmflow.cli.temporal import Place, engine_options


@click.command("cancel")
@click.argument("run")
@db_option
@engine_options
def command(run: str, db: Path | None, place: Place) -> None:
    """End a durable run as cancelled, whoever carries it out.

    RUN is a run's id, or the beginning of it.
    """
    if place.is_temporal:
        from fsmflow.cli import temporal_runs

        temporal_runs.cancel(run, place)
    with opened(db) as durable:
        kept = durable.find(run)
        durable.cancel(kept.run_id)
    click.echo(f"cancelled {kept.run_id}")
