"""What `fsmflow submit`, `runs`, `waiting`, `answer` and `cancel` do with runs on a Temporal server."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from fsmflow.cli.output import printed
from fsmflow.cli.run_ids import beginning
from fsmflow.cli.temporal import Place, how_to_answer, on_server

if TYPE_CHECKING:
    from fsmflow.engines.temporal.client import Seen, Temporal


def submit(
    spec: Path,
    given: Any,
    place: Place,
    *,
    inputs: tuple[str, ...],
    profile: str | None,
    run_id: str | None,
) -> NoReturn:
    """Submit a run, and print its id."""
    from fsmflow.cli.inputs import misfit_told
    from fsmflow.cli.load import compile_one
    from fsmflow.engines.temporal.bounds import longest
    from fsmflow.engines.workflows import Workflow
    from fsmflow.runtime import Rejected, StepNotFound

    compilation = compile_one(spec)
    assert compilation.analysis is not None
    workflow = Workflow.of_spec(Path(compilation.path))
    within = longest(compilation.analysis)

    async def work(temporal: Temporal) -> int:
        try:
            click.echo(await temporal.submit(workflow, given, run_id=run_id, profile=profile, longest=within))
        except Rejected as rejected:
            click.echo(misfit_told(rejected, inputs), err=True)
            return 2
        except (StepNotFound, LookupError, ValueError) as error:
            click.echo(str(error.args[0]), err=True)
            return 2
        return 0

    on_server(place, work)


def show_all(
    place: Place, *, status: str | None, workflow: str | None, last: int | None, form: str
) -> NoReturn:
    """List runs."""

    async def work(temporal: Temporal) -> None:
        found = (await temporal.runs(status=status, workflow=workflow))[:last]
        if form == "json":
            rows = [each._asdict() for each in found]
            click.echo(json.dumps({"schema": "fsmflow.runs/1", "runs": rows}, indent=2))
        elif found:
            _list(found)
        else:
            click.echo("no runs")

    on_server(place, work)


def _list(found: list[Seen]) -> None:
    from fsmflow.cli.results import fitted
    from fsmflow.cli.runs import ago
    from fsmflow.reporting.trace_amounts import money

    rows = []
    now = time.time_ns()
    for each in found:
        spent = "" if each.spent_usd is None else money(round(each.spent_usd * 1e6))
        since = ago(now - each.created_ns)
        rows.append((beginning(each.run_id), each.workflow, each.status, each.state, spent, since))
    columns = ("run", "workflow", "status", "at", "money", "since")
    with printed(soft_wrap=True) as console:
        console.print(fitted(console, columns, rows, left=4))


def show(run: str, place: Place, *, form: str, trace: Path | None) -> NoReturn:
    """Show one run: what it has done, and what it waits for; or write its trace."""
    from fsmflow.cli.runs import write

    async def work(temporal: Temporal) -> None:
        seen = await temporal.find(run)
        if trace is not None:
            write(trace, await temporal.trace(seen.run_id))
            return
        status = await temporal.status(seen.run_id) or {}
        # One that was terminated still tells of the question that it was terminated at.
        questions = [] if seen.ended_ns is not None else await temporal.questions(seen.run_id)
        if form == "json":
            waits_for = [
                {
                    "state": q.state,
                    "question": q.question,
                    "role": q.role,
                    "labels": q.labels,
                    "gives": q.gives,
                }
                for q in questions
            ]
            about = {**seen._asdict(), "spent": status.get("spent"), "waits_for": waits_for}
            click.echo(json.dumps({"schema": "fsmflow.kept/1", **about}, indent=2))
            return
        _tell(seen, status)
        for why in [] if seen.ended_ns is not None else await temporal.unmade(seen.run_id):
            click.echo(f"  waits for a worker that can make the attempt: {why}")
        for asked in questions:
            _ask(asked, how_to_answer(seen.run_id, asked, place))

    on_server(place, work)


def _tell(seen: Seen, status: Any) -> None:
    from fsmflow.cli.runs import ago

    click.echo(f"{click.style(seen.run_id, bold=True)}  {seen.workflow}  {seen.status}")
    ending, state = status.get("ending"), status.get("state")
    where = f"ended in {ending['end']}" if ending else f"at {state}" if state else "not begun"
    click.echo(f"  {where}, submitted {ago(time.time_ns() - seen.created_ns)} ago")
    if status.get("spent"):
        from fsmflow.reporting.trace_amounts import spent

        click.echo(f"  used {', '.join(spent(status['spent'])) or 'nothing'}")


def _ask(asked: Any, how: str) -> None:
    from fsmflow.cli.results import fields

    whom = f" {asked.role}" if asked.role else ""
    click.echo(f"\n  `{asked.state}` asks{whom}: {asked.question}")
    for name, value in fields(dict(asked.shown)):
        click.echo(f"    {name}  {value}")
    click.echo(f"  to answer: {how}")


def answer(run: str, state: str, label: str | None, value: str | None, place: Place) -> NoReturn:
    """Answer the question that a state of a run asks."""
    from fsmflow.cli.answer import filled, told_if_missing
    from fsmflow.engines.answering import asked_by
    from fsmflow.runtime import NotWaiting, Rejected

    async def work(temporal: Temporal) -> int:
        seen = await temporal.find(run)
        if seen.ended_ns is not None:
            click.echo(f"the run {seen.run_id} is {seen.status}", err=True)
            return 1
        try:
            asked = asked_by(state, await temporal.questions(seen.run_id), seen.run_id)
            with told_if_missing(asked, label, value):
                await temporal.answer(asked, label, filled(value, asked.gives))
        except Rejected as rejected:
            click.echo("\n".join(rejected.complaints), err=True)
            return 1
        except NotWaiting as refused:
            click.echo(refused.args[0], err=True)
            return 1
        click.echo("answered")
        return 0

    on_server(place, work)


def waiting(place: Place, *, form: str) -> NoReturn:
    """List the questions that wait in runs on the server."""
    from fsmflow.cli.waiting import Found, tell
    from fsmflow.engines.temporal.client import Stuck
    from fsmflow.runtime.folder_desk import Waiting

    async def work(temporal: Temporal) -> int:
        found, stuck = [], list[Stuck]()
        for root_id, (asked, since_ns) in await temporal.waiting(stuck=stuck.append):
            waits = Waiting.of(asked, since_ns)._replace(run_id=root_id)
            found.append(Found(waits, beginning(root_id), how_to_answer(root_id, asked, place)))
        for each in stuck:
            click.echo(str(each), err=True)
        tell(found, form, is_all=not stuck)
        return 1 if stuck else 0

    on_server(place, work)


def cancel(run: str, place: Place) -> NoReturn:
    """Ask a run to end as cancelled, which it does once a worker is at it."""

    async def work(temporal: Temporal) -> int:
        seen = await temporal.find(run)
        if seen.ended_ns is not None:
            click.echo(f"the run {seen.run_id} is {seen.status}", err=True)
            return 1
        await temporal.cancel(seen.run_id)
        click.echo(f"asked {seen.run_id} to cancel")
        return 0

    on_server(place, work)
