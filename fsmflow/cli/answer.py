"""`fsmflow answer`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import click

from fsmflow.cli.durable import db_option
from fsmflow.cli.temporal import Place, engine_options
from fsmflow.runtime import NotWaiting, Rejected
from fsmflow.runtime.folder_desk import answer_in, waiting_in


@click.command("answer")
@click.argument("question", nargs=-1, metavar="(TOKEN | RUN STATE) [LABEL]")
@click.option("--value", help="What is filled in: text where that is wanted, else JSON.")
@click.option("--desk", type=click.Path(path_type=Path), help="The folder of the questions.")
@db_option
@engine_options
def command(
    question: tuple[str, ...], value: str | None, desk: Path | None, db: Path | None, place: Place
) -> None:
    """Answer a question: the one that waits under TOKEN, or that STATE of the durable run RUN asks.

    `fsmflow waiting` lists tokens, `fsmflow runs RUN` what a durable run asks. An answer that is none of
    those that there are is refused, and so is a second one, or one that comes too late.
    """
    from fsmflow.cli.desks import desk_folder

    if place.is_temporal:
        from fsmflow.cli import temporal_runs

        if not 2 <= len(question) <= 3:
            raise click.UsageError("name the question by its run and state")
        label = question[2] if len(question) == 3 else None
        temporal_runs.answer(question[0], question[1], label, value, place)
    folder = desk or desk_folder()
    tokens = {waiting.token for waiting in waiting_in(folder)}
    if not 1 <= len(question) <= 3:
        raise click.UsageError("name the question by its token, or by its run and state")
    if len(question) == 3 or (len(question) == 2 and value is not None and question[0] not in tokens):
        _answer_run(question[0], question[1], question[2] if len(question) == 3 else None, value, db)
    else:
        _answer_token(folder, question[0], question[1] if len(question) == 2 else None, value)
    click.echo("answered")


def _answer_run(run: str, state: str, label: str | None, value: str | None, db: Path | None) -> None:
    from fsmflow.cli.desks import value_of
    from fsmflow.cli.durable import opened

    with opened(db) as durable:
        run_id = durable.find(run).run_id
        asking = next((each for each in durable.questions(run_id) if each.state == state), None)
        try:
            gives = "" if asking is None else durable.described(asking).gives
            durable.answer(run_id, state, label, None if value is None else value_of(value, gives))
        except (NotWaiting, Rejected) as refused:
            _refuse(refused)


def _refuse(refused: NotWaiting | Rejected) -> NoReturn:
    click.echo("\n".join(refused.complaints) if isinstance(refused, Rejected) else refused.args[0], err=True)
    sys.exit(1)


def _answer_token(folder: Path, token: str, label: str | None, value: str | None) -> None:
    from fsmflow.cli.desks import value_of

    found = next((each for each in waiting_in(folder) if each.token == token), None)
    try:
        filled = None if value is None else value_of(value, "" if found is None else found.gives)
        answer_in(folder, token, label, filled)
    except (NotWaiting, Rejected) as refused:
        _refuse(refused)
