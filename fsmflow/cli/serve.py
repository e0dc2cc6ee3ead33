"""`fsmflow serve`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

import click

from fsmflow.cli.durable import db_option, how_to_serve, opened
from fsmflow.cli.pipes import give_up, whoever_reads
from fsmflow.cli.run_ids import beginning
from fsmflow.cli.signals import heed
from fsmflow.cli.watched_each import WatchingEach, watching_each_options


@click.command("serve")
@click.argument(
    "folders", nargs=-1, metavar="[FOLDER]...", type=click.Path(path_type=Path, exists=True, file_okay=False)
)
@click.option(
    "--width", default=10, show_default=True, type=click.IntRange(1, 10_000), help="Runs at a time."
)
@click.option(
    "--grace",
    default=30.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Seconds that runs may take to end on SIGTERM.",
)
@click.option("--until-idle", is_flag=True, help="Stop once there is nothing to do.")
@watching_each_options
@db_option
def command(
    folders: tuple[Path, ...],
    width: int,
    grace: float,
    until_idle: bool,
    trace: Path | None,
    bodies: str,
    record: Path | None,
    otel: bool,
    db: Path | None,
) -> None:
    """Carry out the runs of a database: submitted ones, ones left over, ones whose question is answered.

    With FOLDER, only runs of specs in that folder, or below it, are carried out. So two releases of an
    application share a database: each has workers of its own, as one process can't load step modules of the
    same name from both.

    A run that waits for a person takes no place. On SIGTERM or SIGINT no more are taken; those under way
    are brought to an end, or let go after the grace period, to be resumed.

    With --until-idle it exits with 1 if a run could not be carried out, and is left as it was.
    """
    from fsmflow.engines.serving import Worker

    def leave(folder: str) -> None:
        is_asked = "" if folders else f"; {how_to_serve(folder, durable.store.path)}"
        _complain(f"runs of {folder} are due, and left to other workers{is_asked}")

    async def serving() -> bool:
        worker = Worker(durable, width=width, told=_tell, watching=watching, within=folders, elsewhere=leave)

        def stop() -> None:
            _complain(f"taking no more runs; those under way have {grace:g} s to end")
            worker.stop()

        heed(stop, signal.SIGTERM, signal.SIGINT)
        await worker.serve(grace_s=grace, until_idle=until_idle)
        return worker.has_refused

    with ExitStack() as stack:
        watching = WatchingEach(trace, bodies, record, otel).begin(stack, _complain_of)
        durable = stack.enter_context(opened(db, must_exist=False, suspends=True, warn=_complain))
        has_refused = asyncio.run(serving())
    # What a full log has not taken by now is lost, and no fault of the runs'.
    give_up()
    sys.exit(int(until_idle and has_refused))


def _complain(said: str) -> None:
    with contextlib.suppress(OSError), whoever_reads():
        click.echo(said, err=True)


def _complain_of(run_id: str, said: str) -> None:
    _complain(f"{run_id}: {said}")


def _tell(run_id: str, what: str) -> None:
    """Tell what became of a run; that a log is full, or nobody reads it, changes nothing about the run."""
    from fsmflow.cli.results import clean

    with contextlib.suppress(OSError), whoever_reads():
        click.echo(f"{beginning(run_id)}  {clean(what)}")
