"""What many runs tell while they go on: each in a file of its own, and all of them as spans."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

import click

from fsmflow.cli.output import CannotWrite
from fsmflow.cli.watched import BODIES, Lines, Told, are_one, bodies_option, exported, otel_option
from fsmflow.runtime import JsonLines
from fsmflow.runtime.trace import Sink

if TYPE_CHECKING:
    from fsmflow.engines.durable import Watched

Command = TypeVar("Command", bound=Any)

Tell = Callable[[str, str], None]
"""Is told what is wrong, and of which run."""


class WatchingEach(NamedTuple):
    """The options of runs that are watched, as they were given: a folder holds a file of each."""

    trace: Path | None = None
    bodies: str = BODIES[0]
    record: Path | None = None
    otel: bool = False

    def begin(self, stack: ExitStack, tell: Tell) -> Callable[[str], AbstractContextManager[Watched]]:
        """Make the folders, open until `stack` is closed what all export to, and give what watches a run.

        Raises:
            CannotWrite: A folder can't be made.
            click.UsageError: It is something else, or what exporting takes is not installed.
        """
        if are_one(self.trace, self.record):
            raise click.UsageError(f"--trace and --record can't be one folder, {self.trace}")
        for option, folder in (("--trace", self.trace), ("--record", self.record)):
            if folder is not None:
                _make(option, folder)
        spans = stack.enter_context(exported()) if self.otel else None

        @contextmanager
        def watching(run_id: str) -> Iterator[Watched]:
            with ExitStack() as own:
                sinks: list[Sink] = []
                if self.trace is not None:
                    sinks.append(own.enter_context(_file_of(run_id, self.trace, tell)))
                if spans is not None:
                    sinks.append(own.enter_context(_Spans(spans)))
                watched: Any = {"bodies": self.bodies, "trace": Told(sinks) if sinks else None}
                if self.record is not None:
                    watched["record"] = own.enter_context(
                        _file_of(run_id, self.record, tell, is_private=True)
                    )
                yield watched

        return watching


def watching_each_options(command: Command) -> Command:
    """Give a command the options --trace, --bodies, --record and --otel, for many runs."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = (
    click.option(
        "--trace",
        type=click.Path(path_type=Path),
        help="Write traces into this folder: a file for each time that a run is carried out.",
    ),
    bodies_option,
    click.option(
        "--record",
        type=click.Path(path_type=Path),
        help="Keep all that runs do in this folder, secrets included; nobody else may read it.",
    ),
    otel_option,
)


def _file_of(run_id: str, folder: Path, tell: Tell, *, is_private: bool = False) -> Lines:
    """Give what writes of a run that is carried out: its file is made once there is something to tell."""

    def opened() -> JsonLines:
        return JsonLines(_new(folder, run_id, is_private=is_private), is_private=is_private)

    def lost(error: OSError) -> None:
        tell(run_id, f"what it does can't be written into {folder}: {error.strerror}")

    return Lines(opened, lost)


class _Spans:
    """Hands on what a run tells to where all of them export.

    A run that is let go, for it waits for a person say, ends there as one that broke off: it may go on in
    another process.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._open: dict[str, str] = {}
        self._latest_ns = 0

    def __call__(self, event: dict[str, Any]) -> None:
        """Hand a trace event on."""
        if event["event"] == "run":
            self._open[event["span_id"]] = event["trace_id"]
        elif event["event"] == "end":
            self._open.pop(event["span_id"], None)
        self._latest_ns = max(self._latest_ns, event.get("end_ns") or event.get("start_ns") or 0)
        self._sink(event)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for span_id, trace_id in self._open.items():
            left = {"event": "end", "trace_id": trace_id, "span_id": span_id, "end_ns": self._latest_ns}
            self._sink(left)


def _make(option: str, folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise click.UsageError(
            f"{option} takes a folder, and {folder} is none: a file of each run goes there"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(folder, error) from error


def _new(folder: Path, run_id: str, *, is_private: bool) -> Path:
    """Make a file that is not there yet: a run that is let go and taken up again has one for each time.

    The first is called by the run's id, the next one `ID~2`; no id has a `~`, and what leads to another
    folder in one stands as `_`.
    """
    stem = run_id.replace("/", "_").replace(":", "_")
    for number in count(1):
        path = folder / f"{stem}{f'~{number}' if number > 1 else ''}.jsonl"
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600 if is_private else 0o666))
            return path
    raise AssertionError("there is always another number")
