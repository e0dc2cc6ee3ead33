"""`fsmflow gc`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from fsmflow.cli.durable import Damages, db_option, opened
from fsmflow.spec import Duration

_DEFAULT = "30d"


@click.command("gc")
@click.option("--older-than", "age", help=f"How long ago they ended.  [default: {_DEFAULT}]")
@click.option(
    "--payloads",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Forget large values of runs on Temporal instead, which no run has passed on since.",
)
@db_option
def command(age: str | None, payloads: Path | None, db: Path | None) -> None:
    """Forget durable runs that ended long ago, and what only they used.

    Exits with 1 if a run is damaged: it is kept, as nobody knows when it ended.
    """
    if payloads is not None and age is None:
        raise click.UsageError(
            "--payloads needs --older-than: longer than any run lasts, and than the server keeps its history"
        )
    try:
        duration = Duration.parse(age or _DEFAULT)
    except ValueError as error:
        raise click.UsageError(f"--older-than: {error}") from error
    # Nothing ended before 1970, however long ago that was meant to be.
    before_ns = max(0, time.time_ns() - duration.microseconds * 1000)
    if payloads is not None:
        _forget_payloads(payloads, before_ns)
        return
    with opened(db) as durable:
        damages = Damages()
        count = durable.gc(before_ns=before_ns, damaged=damages)
    click.echo(f"forgot {count:,} run{'' if count == 1 else 's'}")
    sys.exit(damages.code)


def _forget_payloads(folder: Path, before_ns: int) -> None:
    from fsmflow.engines.temporal.payloads import Folder

    try:
        count = Folder(folder).forget(before_ns / 1e9)
    except OSError as error:
        raise click.UsageError(f"{folder}: {error.strerror}") from error
    click.echo(f"forgot {count:,} value{'' if count == 1 else 's'}")
