"""`fsmflow waiting`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click
from click.core import ParameterSource

from fsmflow.cli.durable import Damages, database, db_option, how_to_answer, is_made, opened
from fsmflow.cli.output import format_option, wants_color
from fsmflow.cli.own_folder import NoHome
from fsmflow.cli.run_ids import beginning
from fsmflow.cli.runs import ago, left
from fsmflow.cli.temporal import Place, engine_options
from fsmflow.runtime.folder_desk import Waiting, waiting_in

if TYPE_CHECKING:
    from fsmflow.engines.durable import Durable, Question


class Found(NamedTuple):
    """A question that waits, what it goes by, and how it is answered: by which command, or at a desk."""

    waiting: Waiting
    name: str
    answer: str
    db: Path | None = None
    is_at_desk: bool = False


@click.command("waiting")
@click.option("--desk", type=click.Path(path_type=Path, file_okay=False), help="The folder of the questions.")
@db_option
@engine_options
@format_option
def command(desk: Path | None, db: Path | None, place: Place, form: str) -> None:
    """List the questions of runs that wait for a person: at a desk and in durable runs, or on Temporal.

    `fsmflow answer TOKEN LABEL` answers one at a desk, `fsmflow answer RUN STATE LABEL` one of a durable run.

    Exits with 1 if a question can't be read, since its run is damaged; the others are listed.
    """
    if place.is_temporal:
        from fsmflow.cli import temporal_runs

        temporal_runs.waiting(place, form=form)
    damages = Damages()
    found: list[Found] = []
    # Who has no home has nothing in there.
    with suppress(NoHome):
        found += _at_desk(desk)
    with suppress(NoHome):
        found += _kept(db, damages)
    tell(found, form, is_all=not damages.code)
    sys.exit(damages.code)


def tell(found: Sequence[Found], form: str, *, is_all: bool = True) -> None:
    """Tell what waits, in words or to a program."""
    if form == "json":
        questions = [
            {**each.waiting._asdict(), **({} if each.db is None else {"db": str(each.db)})} for each in found
        ]
        click.echo(json.dumps({"schema": "fsmflow.waiting/1", "questions": questions}, indent=2))
        return
    if not found and is_all:
        click.echo("nothing waits")
    for number, each in enumerate(found):
        click.echo(("\n" if number else "") + _told(each, time.time_ns()), color=wants_color(sys.stdout))


def _at_desk(desk: Path | None) -> list[Found]:
    """Give the questions of runs that wait where they were started."""
    from fsmflow.cli.desks import desk_folder

    waiting = waiting_in(desk or desk_folder())
    return [Found(each, each.token, _answers(each), is_at_desk=True) for each in waiting]


def _answers(waiting: Waiting) -> str:
    filled = f"--value {waiting.gives}" if waiting.gives else ""
    return " ".join(filter(None, (" | ".join(waiting.labels or ()), filled)))


def _kept(db: Path | None, damages: Damages) -> list[Found]:
    """Give the questions of durable runs; none where no database is, unless this command names it."""
    path = database(db)
    is_named = click.get_current_context().get_parameter_source("db") is ParameterSource.COMMANDLINE
    if not is_named and not is_made(path):
        return []
    with opened(path) as durable:
        waiting = [each for each in durable.questions(damaged=damages) if not each.is_answered]
        described = [_described(durable, each, path, damages) for each in waiting]
    return [each for each in described if each is not None]


def _described(durable: Durable, each: Question, path: Path, damages: Damages) -> Found | None:
    """Give a question of a durable run; None, told, if its machine is damaged."""
    from fsmflow.engines.durable import Corrupt

    try:
        asked = durable.described(each)
    except Corrupt as damage:
        damages(each.root_id, damage)
        return None
    waiting = Waiting.of(asked, each.asked_ns)._replace(run_id=each.root_id, until_ns=each.until_ns)
    return Found(waiting, beginning(each.root_id), how_to_answer(each.root_id, asked, path), path)


def _told(found: Found, now_ns: int) -> str:
    from fsmflow.cli.results import fields
    from fsmflow.reporting.readable import readable

    waiting = found.waiting
    whom = f" {waiting.role}" if waiting.role else ""
    lines = [
        f"{click.style(found.name, bold=True)}  {waiting.workflow} · {waiting.state}{whom}",
        f"  {waiting.question}",
        *(f"    {click.style(name, dim=True)}  {value}" for name, value in fields(readable(waiting.shown))),
        f"  {'answers' if found.is_at_desk else 'to answer'}: {found.answer}",
    ]
    times = [f"asked {ago(now_ns - waiting.asked_ns)} ago"]
    if waiting.until_ns is not None:
        times.append(f"waits {left(waiting.until_ns - now_ns)} more")
    lines.append(click.style(f"  {', '.join(times)}", dim=True))
    return "\n".join(lines)
