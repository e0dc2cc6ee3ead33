"""`fsmflow submit`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fsmflow.cli.durable import db_option, opened
from fsmflow.cli.run_ids import run_id_option
from fsmflow.cli.temporal import Place, engine_options


@click.command("submit")
@click.argument("spec", type=click.Path(path_type=Path))
@click.argument("inputs", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--input", "source", help="Read the input, as JSON, from this file; - is standard input.")
@click.option("--profile", help="Use the step implementations of this profile.")
@run_id_option
@db_option
@engine_options
def command(
    spec: Path,
    inputs: tuple[str, ...],
    source: str | None,
    profile: str | None,
    run_id: str | None,
    db: Path | None,
    place: Place,
) -> None:
    """Hand a run of SPEC over to whoever serves the database: `fsmflow serve`, or `fsmflow resume`.

    With `--engine temporal` it goes to a Temporal server, whose workers are `fsmflow worker`.

    Its id is printed. The input is made as for `fsmflow run`.
    """
    from fsmflow.cli.inputs import given_of, misfit_told
    from fsmflow.cli.load import compile_one
    from fsmflow.engines.keeping import Unkeepable
    from fsmflow.engines.workflows import Workflow
    from fsmflow.runtime import Rejected, StepNotFound

    given = given_of(inputs, source)
    if place.is_temporal:
        from fsmflow.cli import temporal_runs

        temporal_runs.submit(spec, given, place, inputs=inputs, profile=profile, run_id=run_id)
    workflow = Workflow.of_spec(Path(compile_one(spec).path))
    with opened(db, must_exist=False) as durable:
        try:
            click.echo(durable.submit(workflow, given, run_id=run_id, profile=profile))
        except Rejected as rejected:
            click.echo(misfit_told(rejected, inputs), err=True)
            sys.exit(2)
        except (StepNotFound, LookupError, Unkeepable, ValueError) as error:
            click.echo(str(error.args[0]), err=True)
            sys.exit(2)
