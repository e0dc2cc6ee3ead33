"""`fsmflow answer`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from fsmflow.cli.desks import desk_folder
from fsmflow.cli.durable import db_option
from fsmflow.cli.own_folder import NoHome
from fsmflow.cli.temporal import Place, engine_options
from fsmflow.runtime import Asked, NotWaiting, Rejected
from fsmflow.runtime.folder_desk import Waiting, answer_in, waiting_in


@click.command("answer")
@click.argument("question", nargs=-1, metavar="(TOKEN | RUN STATE) [LABEL]")
@click.option("--value", help="What is filled in: text where that is wanted, else JSON.")
@click.option("--desk", type=click.Path(path_type=Path, file_okay=False), help="The folder of the questions.")
@db_option
@engine_options
def command(
    question: tuple[str, ...], value: str | None, desk: Path | None, db: Path | None, place: Place
) -> None:
    """Answer a question: the one that waits under TOKEN, or that STATE of the durable run RUN asks.

    `fsmflow waiting` lists tokens, `fsmflow runs RUN` what a durable run asks. An answer that is none of
    those that there are is refused, and so is a second one, or one that comes too late.
    """
    if place.is_temporal:
        from fsmflow.cli import temporal_runs

        if not 2 <= len(question) <= 3:
            raise click.UsageError("name the question by its run and state")
        label = question[2] if len(question) == 3 else None
        temporal_runs.answer(question[0], question[1], label, value, place)
    if not 1 <= len(question) <= 3:
        raise click.UsageError("name the question by its token, or by its run and state")
    if len(question) == 3 or (len(question) == 2 and _is_of_run(question[0], desk, value, db)):
        _answer_run(question[0], question[1], question[2] if len(question) == 3 else None, value, db)
    else:
        folder = desk or desk_folder()
        _answer_token(folder, question[0], question[1] if len(question) == 2 else None, value)
    click.echo("answered")


def _is_of_run(name: str, desk: Path | None, value: str | None, db: Path | None) -> bool:
    """Tell whether RUN STATE is meant, and not TOKEN LABEL.

    Raises:
        NoHome: Neither a desk nor a database is named, and there is no place for the user's own.
    """
    from fsmflow.cli.durable import database, is_made, opened
    from fsmflow.engines.durable import NoSuchRun

    try:
        folder = desk or desk_folder()
    except NoHome:
        # Who has no home, and names no desk, has no token either.
        if db is None:
            raise
        return True
    if any(waiting.token == name for waiting in waiting_in(folder)):
        return False
    if value is not None:
        return True
    if not is_made(database(db)):
        return False
    with opened(db) as durable:
        try:
            durable.find(name)
        except NoSuchRun:
            return False
    return True


def _answer_run(run: str, state: str, label: str | None, value: str | None, db: Path | None) -> None:
    from fsmflow.cli.durable import opened

    with opened(db) as durable:
        run_id = durable.find(run).run_id
        try:
            asked = durable.asked(run_id, state)
            with told_if_missing(asked, label, value):
                durable.answer(run_id, state, label, filled(value, asked.gives))
        except (NotWaiting, Rejected) as refused:
            _refuse(refused)


def filled(value: str | None, gives: str) -> Any:
    """Read what is filled in; where nothing is to be, it is whatever it is, and refused as that.

    Raises:
        Rejected: It can't be read.
    """
    from fsmflow.cli.desks import value_of

    return value_of(value, gives) if value is not None and gives else value


@contextmanager
def told_if_missing(asked: Asked | Waiting, label: str | None, value: str | None) -> Iterator[None]:
    """Answer a question; if it is refused since it lacks --value, that is said.

    Raises:
        Rejected: It is refused.
    """
    try:
        yield
    except Rejected:
        is_picked = label is None if asked.labels is None else label in asked.labels
        if value is not None or not asked.gives or not is_picked:
            raise
        raise Rejected((f"`{asked.state}` is to be filled in: --value {asked.gives}",)) from None


def _refuse(refused: NotWaiting | Rejected) -> NoReturn:
    click.echo("\n".join(refused.complaints) if isinstance(refused, Rejected) else refused.args[0], err=True)
    sys.exit(1)


def _answer_token(folder: Path, token: str, label: str | None, value: str | None) -> None:
    asked = next((each for each in waiting_in(folder) if each.token == token), None)
    try:
        if asked is None:
            answer_in(folder, token, label)
        else:
            with told_if_missing(asked, label, value):
                answer_in(folder, token, label, filled(value, asked.gives))
    except (NotWaiting, Rejected) as refused:
        _refuse(refused)
