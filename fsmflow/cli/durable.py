"""The database of durable runs, as commands open and name it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fsmflow.cli.own_folder import NoHome, own_folder
from fsmflow.cli.run_ids import beginning

if TYPE_CHECKING:
    from fsmflow.engines.durable import Corrupt, Durable
    from fsmflow.runtime import Asked

Command = TypeVar("Command", bound=Any)

FINDING = 1


def db_option(command: Command) -> Command:
    """Give a command the option --db: the database of durable runs."""
    decorated: Command = click.option(
        "--db",
        type=click.Path(path_type=Path),
        envvar="FSMFLOW_DB",
        help="The database of durable runs; also FSMFLOW_DB.",
    )(command)
    return decorated


def database(db: Path | None) -> Path:
    """Give the database that was named, or the user's own.

    Raises:
        NoHome: There is no place for the user's own.
    """
    return own_folder() / "runs.db" if db is None else db


def is_made(db: Path) -> bool:
    """Tell whether there is a database, or what may be one: an empty file is none yet.

    Raises:
        click.UsageError: It is a folder.
    """
    if db.is_dir():
        raise click.UsageError(f"{db} is a folder: name the file of a database in it")
    return db.is_file() and db.stat().st_size > 0


def how_to_answer(run_id: str, asked: Asked, db: Path) -> str:
    """Give the command that answers a question of a durable run, with its answers in the place of one."""
    from fsmflow.cli.desks import answers_of

    return f"fsmflow answer {beginning(run_id)} {asked.state} {answers_of(asked)}{in_database(db)}"


def in_database(db: Path) -> str:
    """Give the option that names a database, unless it is the one that is meant anyway."""
    with suppress(NoHome):
        if db == Path(os.environ.get("FSMFLOW_DB") or database(None)):
            return ""
    return f" --db {shlex.quote(str(db))}"


def how_to_serve(folder: str, db: Path) -> str:
    """Say what carries out runs whose modules this process can't load beside others of the same names."""
    command = f"fsmflow serve {shlex.quote(folder)} --until-idle{in_database(db)}"
    return f"a process loads the modules of one release: {command} carries out its runs"


class Damages:
    """Tells of the runs that can't be read, and says by an exit code that what is shown is not all."""

    def __init__(self) -> None:
        self.code = 0

    def __call__(self, run_id: str, damage: Corrupt) -> None:
        """Tell of one."""
        from fsmflow.cli.results import clean

        self.code = FINDING
        click.echo(clean(f"{run_id} can't be read: {damage.args[0]}"), err=True)


@contextmanager
def opened(db: Path | None, *, must_exist: bool = True, **options: Any) -> Iterator[Durable]:
    """Open the database while the block runs; tell what goes wrong, and exit."""
    from fsmflow.engines.durable import Corrupt, Durable, NoSuchRun, Over, Taken
    from fsmflow.engines.store import StoreError
    from fsmflow.runtime import StepNotFound

    path = database(db)
    if not is_made(path) and must_exist:
        raise click.UsageError(f"there is no database at {path}; `fsmflow submit` makes one")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        durable = Durable(path, **options)
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from error
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    try:
        yield durable
    except (Corrupt, NoSuchRun, Over, StepNotFound, Taken) as error:
        click.echo(str(error.args[0]), err=True)
        sys.exit(FINDING)
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    finally:
        durable.close()
