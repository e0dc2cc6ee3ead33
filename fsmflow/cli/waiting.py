"""`fsmflow waiting`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import click

from fsmflow.cli.output import format_option, wants_color
from fsmflow.runtime.folder_desk import Waiting, waiting_in


@click.command("waiting")
@click.option("--desk", type=click.Path(path_type=Path), help="The folder of the questions.")
@format_option
def command(desk: Path | None, form: str) -> None:
    """List the questions of runs that wait for a person's answer.

    `fsmflow answer TOKEN LABEL` answers one.
    """
    from fsmflow.cli.desks import desk_folder

    found = waiting_in(desk or desk_folder())
    if form == "json":
        questions = [waiting._asdict() for waiting in found]
        click.echo(json.dumps({"schema": "fsmflow.waiting/1", "questions": questions}, indent=2))
        return
    if not found:
        click.echo("nothing waits")
    for number, waiting in enumerate(found):
        click.echo(("\n" if number else "") + _told(waiting, time.time_ns()), color=wants_color(sys.stdout))


def _told(waiting: Waiting, now_ns: int) -> str:
    from fsmflow.cli.run import fields

    whom = f" {waiting.role}" if waiting.role else ""
    lines = [
        f"{click.style(waiting.token, bold=True)}  {waiting.workflow} · {waiting.state}{whom}",
        f"  {waiting.question}",
        *(f"    {click.style(name, dim=True)}  {value}" for name, value in fields(waiting.shown)),
    ]
    answers = " | ".join(waiting.labels or ())
    filled = f"--value {waiting.gives}" if waiting.gives else ""
    lines.append(f"  answers: {' '.join(filter(None, (answers, filled)))}")
    times = [f"asked {_ago(now_ns - waiting.asked_ns)} ago"]
    if waiting.until_ns is not None:
        times.append(f"waits {_ago(max(0, waiting.until_ns - now_ns))} more")
    lines.append(click.style(f"  {', '.join(times)}", dim=True))
    return "\n".join(lines)


def _ago(ns: int) -> str:
    """Word a length of time by its largest unit."""
    seconds = ns // 1_000_000_000
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
