"""What a run tells while it goes on: where its trace, its record and its spans go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

import click

from fsmflow.cli.output import CannotWrite
from fsmflow.cli.pipes import say
from fsmflow.runtime import JsonLines
from fsmflow.runtime.trace import Sink

if TYPE_CHECKING:
    from fsmflow.runtime.otel import OtelSink

Command = TypeVar("Command", bound=Any)

BODIES = ("full", "hash", "none")


class Watching(NamedTuple):
    """The options of a run that is watched, as they were given."""

    trace: Path | None = None
    bodies: str = BODIES[0]
    record: Path | None = None
    otel: bool = False

    def check(self, *read: Path | None) -> None:
        """Refuse what would be lost: files that the run reads, what is no trace, and two outputs in one file.

        Raises:
            click.UsageError: Something would.
        """
        written = {"--trace": self.trace, "--record": self.record}
        for option, path in written.items():
            if path == Path("-"):
                raise click.UsageError(f"{option} takes a file: standard output is for the result")
            if any(are_one(path, other) for other in read):
                raise click.UsageError(f"{option} would overwrite {path}, which the run reads")
            if path is not None and _is_something_else(path):
                raise click.UsageError(
                    f"{option} would overwrite {path}, which is no trace: name another file"
                )
        if self.record is not None and self.record.exists() and not self.record.is_file():
            # It would be closed to others, as a record is, even if it were a device that all use.
            raise click.UsageError(f"--record takes a file, and {self.record} is none")
        if are_one(self.trace, self.record):
            raise click.UsageError(f"--trace and --record can't be one file, {self.trace}")

    def begin(self, stack: ExitStack) -> dict[str, Any]:
        """Open what is to be written until `stack` is closed, and give the options of the run.

        Raises:
            CannotWrite: A file can't be written.
            click.UsageError: What exporting takes is not installed, or something would be lost.
        """
        self.check()
        sinks: list[Sink] = []
        if self.trace is not None:
            sinks.append(_lines_in(self.trace, stack))
        if self.otel:
            sinks.append(stack.enter_context(exported()))
        options: dict[str, Any] = {"bodies": self.bodies, "trace": Told(sinks) if sinks else None}
        if self.record is not None:
            options["record"] = _lines_in(self.record, stack, is_private=True)
        return options


def watching_options(command: Command) -> Command:
    """Give a command the options --trace, --bodies, --record and --otel."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


bodies_option = click.option(
    "--bodies",
    type=click.Choice(BODIES),
    default=BODIES[0],
    show_default=True,
    help="How the trace holds inputs and outputs: without what is secret, as hashes, or not at all.",
)

otel_option = click.option(
    "--otel", is_flag=True, help="Export the trace by OpenTelemetry, as OTEL_… variables say."
)

_OPTIONS = (
    click.option(
        "--trace",
        type=click.Path(path_type=Path),
        help="Write the trace to this file, for `fsmflow trace`, `draw` and --replay.",
    ),
    bodies_option,
    click.option(
        "--record",
        type=click.Path(path_type=Path),
        help="Keep the whole run in this file, secrets included, for --replay; nobody else may read it.",
    ),
    otel_option,
)


class Told:
    """Tells several sinks of each trace event."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = sinks

    def __call__(self, event: dict[str, Any]) -> None:
        """Tell each of them."""
        for sink in self._sinks:
            sink(event)


class Lines:
    """Writes trace events into a file, which is opened for the first one if it was not before.

    If it can't be written, that is told, and the run goes on without it.
    """

    def __init__(self, opened: Callable[[], JsonLines], tell: Callable[[OSError], object]) -> None:
        self._opened = opened
        self._tell = tell
        self._lines: JsonLines | None = None
        self._is_lost = False

    def open(self) -> JsonLines:
        """Open the file.

        Raises:
            OSError: It can't be opened.
        """
        self._lines = self._lines or self._opened()
        return self._lines

    def __call__(self, event: dict[str, Any]) -> None:
        """Write a trace event."""
        if self._is_lost:
            return
        try:
            self.open()(event)
        except OSError as error:
            self._is_lost = True
            self._tell(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._lines is not None:
            # What could not be written is tried again, in vain.
            with suppress(OSError):
                self._lines.__exit__(None, None, None)


def _is_something_else(path: Path) -> bool:
    """Tell whether there is a file in which something stands, and no trace."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        beginning = file.read(100)
    return bool(beginning) and b'"fsmflow.trace/' not in beginning


def are_one(path: Path | None, other: Path | None) -> bool:
    """Tell whether two paths are of one file."""
    if path is None or other is None:
        return False
    return path.resolve() == other.resolve() or (path.exists() and other.exists() and path.samefile(other))


def _lines_in(path: Path, stack: ExitStack, *, is_private: bool = False) -> Lines:
    """Open a file until `stack` is closed; a run that never began leaves none behind."""
    if not path.exists():
        stack.callback(_drop_if_empty, path)

    def lost(error: OSError) -> None:
        say(f"what the run does can't be written into {path}: {error.strerror}", err=True)

    lines = stack.enter_context(Lines(lambda: JsonLines(path, is_private=is_private), lost))
    try:
        lines.open()
    except OSError as error:
        raise CannotWrite(path, error) from error
    return lines


def _drop_if_empty(path: Path) -> None:
    if path.is_file() and not path.stat().st_size:
        path.unlink()


def exported() -> OtelSink:
    """Give the sink that exports, as the environment says.

    Raises:
        click.UsageError: What it takes is not installed, or the environment names what is not there.
    """
    from fsmflow.runtime.otel import MissingExtra, otel_sink

    try:
        return otel_sink()
    except (MissingExtra, ValueError) as refused:
        raise click.UsageError(str(refused)) from refused
