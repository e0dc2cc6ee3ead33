"""`fsmflow runs`."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fsmflow.cli.durable import Damages, database, db_option, how_to_answer, in_database, opened
from fsmflow.cli.output import CannotWrite, format_option, printed
from fsmflow.cli.run_ids import beginning
from fsmflow.cli.temporal import Place, engine_options
from fsmflow.cli.watched import Watching

if TYPE_CHECKING:
    from fsmflow.engines.durable import Durable, Kept

STATUSES = ("submitted", "running", "waiting", "done", "cancelled")
ENDS = ("success", "degraded", "handoff", "failed")
ON_TEMPORAL = ("broken", "terminated", "timed out")
"""How the server has ended a run, or a bug has; no run in a database is any of these."""


@click.command("runs")
@click.argument("run", required=False)
@click.option(
    "--status", type=click.Choice((*STATUSES, *ENDS, *ON_TEMPORAL)), help="Only runs of this status."
)
@click.option("--workflow", help="Only runs of this workflow.")
@click.option("--last", type=click.IntRange(min=1), help="Only so many, the latest.")
@click.option(
    "--trace",
    type=click.Path(path_type=Path),
    help="With RUN: write its trace here, as far as it has come; - prints it.",
)
@db_option
@engine_options
@format_option
def command(
    run: str | None,
    status: str | None,
    workflow: str | None,
    last: int | None,
    trace: Path | None,
    db: Path | None,
    place: Place,
    form: str,
) -> None:
    """List durable runs, the latest first; with RUN, show one: what it has done, gave and waits for.

    RUN is a run's id, or the beginning of it. What a run gave is shown as `fsmflow run` does, secrets
    included.

    Exits with 1 if a run is damaged; the others are listed.
    """
    if trace is not None and run is None:
        raise click.UsageError("--trace is for one run: name it")
    if trace is not None and trace != Path("-"):
        Watching(trace).check(*(() if place.is_temporal else (database(db),)))
    if place.is_temporal:
        from fsmflow.cli import temporal_runs

        if run is not None:
            temporal_runs.show(run, place, form=form, trace=trace)
        temporal_runs.show_all(place, status=status, workflow=workflow, last=last, form=form)
    with opened(db) as durable:
        if run is not None:
            kept = durable.find(run)
            if trace is not None:
                write(trace, asyncio.run(durable.trace(kept.run_id)))
                return
            _show(durable, kept, form)
            return
        damages = Damages()
        found = durable.runs(status=status, workflow=workflow, last=last, damaged=damages)
        if form == "json":
            rows = [each._asdict() for each in found]
            click.echo(json.dumps({"schema": "fsmflow.runs/1", "runs": rows}, indent=2))
        elif found:
            _list(found)
        elif not damages.code:
            click.echo("no runs")
        sys.exit(damages.code)


def lines(events: list[dict[str, Any]]) -> str:
    """Give a trace as text."""
    return "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events)


def write(path: Path, events: list[dict[str, Any]]) -> None:
    """Write a trace; `-` is standard output."""
    if str(path) == "-":
        click.echo(lines(events), nl=False)
        return
    try:
        path.write_text(lines(events), encoding="utf-8", errors="backslashreplace", newline="\n")
    except OSError as error:
        raise CannotWrite(path, error) from error


def _list(found: list[Kept]) -> None:
    from fsmflow.cli.results import fitted
    from fsmflow.reporting.trace_amounts import money

    now = time.time_ns()
    rows = [
        (
            beginning(each.run_id),
            each.workflow,
            _status(each),
            each.end or each.state,
            f"{each.spent.get('steps', 0):,}",
            f"{each.spent.get('tokens', 0):,}",
            money(each.spent.get("micro_usd", 0)),
            ago(now - each.created_ns),
        )
        for each in found
    ]
    columns = ("run", "workflow", "status", "at", "steps", "tokens", "money", "since")
    with printed(soft_wrap=True) as console:
        console.print(fitted(console, columns, rows, left=4))


def _show(durable: Durable, kept: Kept, form: str) -> None:
    from fsmflow.analysis.traces.recording import read
    from fsmflow.cli.results import clean, fields
    from fsmflow.engines.owners import is_alive
    from fsmflow.reporting.trace_summary import Summary

    waiting = durable.questions(kept.run_id)
    questions = [durable.described(each) for each in waiting if not each.is_answered]
    answered = [each.state for each in waiting if each.is_answered]
    output = _output(durable, kept)
    events = asyncio.run(durable.trace(kept.run_id))
    recording = read(lines(events))
    if kept.spent or recording.stages:
        # With what children have used so far.
        kept = kept._replace(spent=recording.spent)
    if form == "json":
        from fsmflow.runtime.trace import plain

        waits_for = [
            {"state": q.state, "question": q.question, "role": q.role, "labels": q.labels, "gives": q.gives}
            for q in questions
        ]
        about = {**kept._asdict(), "output": plain(output), "error": events[-1].get("error")}
        about |= {"waits_for": waits_for, "answered": answered}
        click.echo(json.dumps({"schema": "fsmflow.kept/1", **about}, indent=2))
        return
    status = "answered" if answered and not questions else _status(kept)
    click.echo(f"{click.style(kept.run_id, bold=True)}  {kept.workflow}  {status}")
    where = f"ended in {kept.end}" if kept.end else f"at {kept.state}" if kept.state else "not begun"
    click.echo(f"  {where}, submitted {ago(time.time_ns() - kept.created_ns)} ago")
    summary = Summary.of(recording)
    if summary.reason and kept.kind not in (None, "success"):
        click.echo(f"  why: {clean(summary.reason)}")
        if summary.culprit is not None and summary.culprit.last.where:
            click.echo(f"  at {clean(summary.culprit.last.where)}")
    silent_ns = time.time_ns() - kept.lease_ns
    is_held = kept.owner is not None and is_alive(kept.owner) and silent_ns < 0
    is_left = kept.status in ("submitted", "running") and not is_held
    if kept.owner is not None:
        silent = "" if is_held else f", of which nothing was heard for {ago(silent_ns)}"
        gone = silent if is_alive(kept.owner) else ", which is gone"
        click.echo(f"  carried out by {kept.owner}{gone}")
    elif is_left:
        click.echo("  carried out by nobody")
    if is_left:
        click.echo(f"  to go on: fsmflow resume {beginning(kept.run_id)}{in_database(durable.store.path)}")
    if kept.spent:
        from fsmflow.reporting.trace_amounts import spent

        click.echo(f"  used {', '.join(spent(kept.spent)) or 'nothing'}")
    if len(events) > 1:
        # That of a child's run is found by all of its id alone.
        name = kept.run_id if kept.parent_id else beginning(kept.run_id)
        told = f"fsmflow runs {name}{in_database(durable.store.path)} --trace -"
        click.echo(f"  to see all: {told} | fsmflow trace show -")
    if given := fields(output):
        click.echo("\n  gave")
        for name, value in given:
            click.echo(f"    {name}{'  ' if name else ''}{value}")
    for asked in questions:
        whom = f" {asked.role}" if asked.role else ""
        click.echo(f"\n  `{asked.state}` asks{whom}: {asked.question}")
        for name, value in fields(dict(asked.shown)):
            click.echo(f"    {name}  {value}")
        click.echo(f"  to answer: {how_to_answer(kept.run_id, asked, durable.store.path)}")
    for state in answered:
        click.echo(f"\n  `{state}` is answered")
    if answered and not kept.owner:
        click.echo(f"  to go on: fsmflow resume {beginning(kept.run_id)}{in_database(durable.store.path)}")


def _output(durable: Durable, kept: Kept) -> Any:
    """Give what a run that is done gave, as `fsmflow run` does: with what is secret in it.

    Raises:
        Corrupt: Its journal is damaged.
    """
    from fsmflow.engines.folding import said
    from fsmflow.engines.rows import Corrupt, rows_of

    if kept.status != "done":
        return None
    rows = durable.store.do_now(lambda connection: rows_of(connection, kept.run_id))
    if not rows:
        raise Corrupt(f"the journal of {kept.run_id} is gone")
    (output,) = said(rows[-1], "output", is_told=True)
    return output


def _status(kept: Kept) -> str:
    return kept.kind or kept.status if kept.status == "done" else kept.status


def ago(ns: int) -> str:
    """Word a length of time by its largest unit."""
    # By a clock that was set back, what has happened is yet to come.
    seconds = max(0, ns) // 1_000_000_000
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def left(ns: int) -> str:
    """Word a length of time that is yet to come, to the nearest hour, minute or second."""
    from fsmflow.reporting.amounts import worded

    # What was given a week just now has a week left, not six days.
    seconds = max(0, ns) / 1_000_000_000
    part = 3_600 if seconds >= 86_400 else 60 if seconds >= 3_600 else 1
    return worded("microseconds", round(seconds / part) * part * 1_000_000)
