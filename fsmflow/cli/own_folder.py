"""Where fsmflow keeps what is its user's, unless a command or a variable names another place."""

from __future__ import annotations

import os
from pathlib import Path

import click


class NoHome(click.ClickException):
    """The user has no home, as in a container that runs under a number alone."""

    exit_code = 2

    def __init__(self) -> None:
        super().__init__("you have no home folder to keep this in: set HOME, or XDG_STATE_HOME, to a folder")


def own_folder() -> Path:
    """Give the user's own folder.

    Raises:
        NoHome: There is no place for one.
    """
    try:
        return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "fsmflow"
    except RuntimeError:
        raise NoHome from None
