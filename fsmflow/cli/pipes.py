"""Printing to where nobody may read any more."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click


@contextmanager
def whoever_reads() -> Iterator[None]:
    """Print what a run tells, whether or not anybody reads it: how the run ends does not hang on that."""
    try:
        yield
    except BrokenPipeError:
        give_up()


@contextmanager
def aside() -> Iterator[None]:
    """Print what is told beside the result: a terminal that is gone, or a disk that is full, is no matter."""
    try:
        yield
    except OSError:
        give_up()


def say(text: str, *, err: bool = False) -> None:
    """Print a text so."""
    with aside() if err else whoever_reads():
        click.echo(text, err=err, color=True)


def give_up() -> None:
    """Let all that is still to be printed where nothing can be printed go nowhere.

    Python would otherwise try once more at its end, and complain.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
