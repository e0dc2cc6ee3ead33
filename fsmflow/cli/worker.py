"""`fsmflow worker`."""

from __future__ import annotations

import asyncio
import signal
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fsmflow.cli.signals import heed
from fsmflow.cli.specs import paths_argument
from fsmflow.cli.temporal import Place, engine_options, leave, with_client

if TYPE_CHECKING:
    from temporalio.client import Client

INLINE = 1_500_000
"""How large a value may be that is kept in a history, in bytes: Temporal refuses 2 MiB."""


@click.command("worker")
@paths_argument
@click.option(
    "--width", default=100, show_default=True, type=click.IntRange(1, 10_000), help="Attempts at a time."
)
@click.option(
    "--grace", default=30.0, show_default=True, help="Seconds that attempts may take to end on SIGTERM."
)
@engine_options
def command(paths: tuple[Path, ...], width: int, grace: float, place: Place) -> None:
    """Carry out runs on a Temporal server, with the steps that stand beside the specs in PATHS.

    Any number of workers share the runs; when one is gone, others take over. Machines travel with their
    runs: the specs say which steps this worker has. On SIGTERM or SIGINT no more attempts are begun, and
    those under way may end within the grace period; what is cut off then is made again elsewhere.
    """
    from fsmflow.cli.specs import compile_all, find

    if not place.is_temporal:
        raise click.UsageError("workers are for --engine temporal; `fsmflow serve` serves a database")
    specs = find(paths)
    broken = [each.path for each in compile_all(specs) if each.errors]
    if broken:
        raise click.UsageError(f"fsmflow check {' '.join(broken)} says what is wrong there")
    folders = {path.parent.resolve() for path in specs}
    if len(folders) > 1:
        raise click.UsageError(
            "a worker's specs stand in one folder; start a worker for each, on its own queue"
        )

    async def working(client: Client) -> int:
        await _work(client, specs, folders.pop(), place, width, timedelta(seconds=grace))
        return 0

    with_client(place, working)


async def _work(
    client: Client, specs: list[Path], folder: Path, place: Place, width: int, grace: timedelta
) -> None:
    """Work until this process is told to stop."""
    from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest

    from fsmflow.engines.temporal.activities import Activities
    from fsmflow.engines.temporal.catalogue import Catalogue
    from fsmflow.engines.temporal.client import Temporal
    from fsmflow.engines.temporal.worker import worker
    from fsmflow.engines.workflows import Workflow
    from fsmflow.runtime import StepNotFound

    catalogue = Catalogue(folder, most_bytes=0 if place.payloads else INLINE)
    workflows = [Workflow.of_spec(path) for path in specs]
    try:
        for workflow in workflows:
            workflow.runner.bind()
    except StepNotFound as error:
        click.echo(str(error), err=True)
        leave(2)
    catalogue.add(workflows)
    # It is refused where there is no such namespace, as a worker itself is, which would not say so in a line.
    await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    if not await Temporal(client).register():
        click.echo("the namespace has no search attributes of fsmflow: lists show less of runs", err=True)
    stopping = asyncio.Event()
    heed(stopping.set, signal.SIGTERM, signal.SIGINT)
    async with worker(client, Activities(catalogue), task_queue=place.task_queue, width=width, grace=grace):
        names = ", ".join(sorted(each.machine.name for each in workflows))
        click.echo(f"working on {place.task_queue} at {client.service_client.config.target_host}: {names}")
        await stopping.wait()
        click.echo("stopping")
