"""`fsmflow simulate`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from fsmflow.cli.hypothesis_home import elsewhere
from fsmflow.cli.output import format_option, wants_color
from fsmflow.cli.patience import patience
from fsmflow.cli.strategies import tell_hypothesis


@click.command("simulate")
@click.argument("spec", type=click.Path(path_type=Path))
@click.option(
    "--runs",
    type=click.IntRange(1, 100_000_000),
    default=1_000,
    show_default=True,
    help="How many runs to make.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="What chance is drawn from."
)
@click.option(
    "--run",
    "number",
    type=click.IntRange(min=0),
    help="Make only the run of this number again, and show it as `fsmflow trace show` would.",
)
@format_option
def command(spec: Path, runs: int, seed: int, number: int | None, form: str) -> None:
    """Make up runs of SPEC with faults of every kind, and hold each to what must hold.

    The runner that SPEC compiles to is driven through outputs that fit and that do not, failures that pass
    and that stay, hostile Retry-After wishes, timeouts, lost connections, charges up to what is declared and
    beyond it, late charges and cancellations. No step is called, and no time passes. Half of the runs go
    where chance alone seldom comes.

    Each run must end in an end of the workflow, keep to the caps and the proved worst case, have a ledger
    that its attempts add up to, and end where the reference meaning of the workflow ends.

    Exit code 1 if something does not hold of a run; its seed and number make it again.
    """
    from fsmflow.cli import simulated
    from fsmflow.cli.load import compile_one, runner_from
    from fsmflow.diagnostics import FsmflowError
    from fsmflow.runtime import StepNotFound
    from fsmflow.testing.campaign import Campaign
    from fsmflow.testing.scouting import scouted
    from fsmflow.testing.simulator import Simulator
    from fsmflow.testing.subject import Subject

    click.get_current_context().with_resource(elsewhere())
    compilation = compile_one(spec)
    assert compilation.analysis is not None
    spec = Path(compilation.path)
    tell_hypothesis(spec.parent)
    subject = Subject(compilation.analysis.machine, runner_from(compilation, spec), spec.parent)
    with patience("this takes long: the proof, and ways to where chance seldom comes, go before the runs"):
        try:
            simulator = scouted(Simulator.of(subject, seed))
        except (FsmflowError, StepNotFound) as error:
            raise click.ClickException(str(error)) from error
        _ = subject.proof  # what it takes is no part of what a run takes
        began = time.perf_counter()
        campaign = Campaign.of(simulator, range(runs) if number is None else [number])
        elapsed = time.perf_counter() - began
    if number is not None:
        simulated.show_run(simulator, number, form)
    elif form == "json":
        click.echo(simulated.as_json(campaign))
    else:
        click.echo(simulated.as_text(campaign, spec, color=wants_color(sys.stdout)), color=True)
    if number is None:
        click.echo(f"{campaign.runs / elapsed:,.0f} runs/s", err=True)
    for violation in campaign.violations if number is not None else ():
        click.echo(f"run {violation.number}: {violation.message}", err=True)
    sys.exit(int(bool(campaign.violations)))
