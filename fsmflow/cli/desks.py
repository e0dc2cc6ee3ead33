"""Where `fsmflow run` asks people: at its terminal, or where other processes find the question."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any

import click

from fsmflow.cli.own_folder import NoHome, own_folder
from fsmflow.cli.pipes import aside
from fsmflow.runtime import Answer, Asked, Rejected
from fsmflow.runtime.folder_desk import FolderDesk


def desk_folder() -> Path:
    """Give the folder of the questions that wait on this machine for its user.

    Raises:
        NoHome: There is no place for it.
    """
    return Path(os.environ.get("FSMFLOW_DESK") or own_folder() / "desk")


class NoticedDesk:
    """A desk in a folder that says on standard error what waits there, and how to answer it."""

    def __init__(self, folder: Path) -> None:
        self._desk = FolderDesk(folder)
        self._where = f" --desk {shlex.quote(str(folder))}"
        with suppress(NoHome):
            if folder == desk_folder():
                self._where = ""

    async def ask(self, asked: Asked) -> Answer:
        """Ask, and wait until somebody has answered from elsewhere."""
        whom = f" {asked.role}" if asked.role else ""
        with aside():
            click.echo(
                f"`{asked.state}` asks{whom}: {asked.question}\n"
                f"  to answer: fsmflow answer{self._where} {asked.token} {answers_of(asked)}",
                err=True,
            )
        return await self._desk.ask(asked)


def answers_of(asked: Asked) -> str:
    """Give the answers that there are, as they are told on a command line."""
    labels, filled = " | ".join(asked.labels or ()), f"--value {asked.gives}" if asked.gives else ""
    # A value goes with whatever is picked.
    picked = f"({labels})" if filled and " | " in labels else labels
    return " ".join(filter(None, (picked, filled)))


class TerminalDesk:
    """Asks at the terminal that the run was started from."""

    def __init__(self) -> None:
        self.paused: Callable[[], AbstractContextManager[Any]] = nullcontext
        """What shows the run meanwhile, and makes way for a question."""

    async def ask(self, asked: Asked) -> Answer:
        """Ask until the answer is one of those that there are."""
        with self.paused():
            click.echo(_worded(asked), err=True)
            while True:
                try:
                    return await self._answer(asked)
                except Rejected as rejected:
                    click.echo("\n".join(f"  {each}" for each in rejected.complaints), err=True)

    async def _answer(self, asked: Asked) -> Answer:
        label = None
        if asked.labels is not None:
            label = await _line(f"  answer ({', '.join(asked.labels)}): ")
            if label not in asked.labels:
                return asked.answer(label)
        if not asked.gives:
            return asked.answer(label)
        text = await _line(f"  {asked.gives}: " if asked.gives == "str" else f"  {asked.gives}, as JSON: ")
        try:
            value = value_of(text, asked.gives)
        except Rejected:
            if asked.is_secret:
                raise Rejected(("that is no JSON",)) from None
            raise
        return asked.answer(label, value)


def value_of(text: str, gives: str) -> Any:
    """Read what a person filled in: text where that is wanted, else JSON.

    Raises:
        Rejected: It is no JSON.
    """
    if gives == "str":
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Rejected((f"{text!r:.60} is no JSON",)) from None


def _worded(asked: Asked) -> str:
    from fsmflow.cli.results import fields

    whom = f" {asked.role}" if asked.role else ""
    lines = [click.style(f"? {asked.workflow} asks{whom}: {asked.question}", bold=True)]
    lines += [f"    {click.style(name, dim=True)}  {value}" for name, value in fields(dict(asked.shown))]
    return "\n".join(lines)


async def _line(prompt: str) -> str:
    """Read a line from the terminal, in a way that can be cancelled.

    Raises:
        EOFError: There is no more input.
    """
    click.echo(prompt, err=True, nl=False)
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def read() -> None:
        if not ready.done():
            ready.set_result(None)

    try:
        loop.add_reader(sys.stdin.fileno(), read)
    except NotImplementedError:
        # On Windows no event loop watches a terminal: a line that nobody waits for any more is read there
        # all the same.
        from fsmflow.runtime.threads import in_thread

        line: str = await in_thread(sys.stdin.readline, {}, "terminal")
    else:
        try:
            await ready
        finally:
            loop.remove_reader(sys.stdin.fileno())
        line = sys.stdin.readline()
    if not line:
        raise EOFError("the terminal gives no more answers")
    return line.strip()
