"""`fsmflow prove`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

from fsmflow.cli.output import exit_code, format_option, report, wants_color
from fsmflow.cli.specs import compile_all, find, places_of


@click.command("prove")
@click.argument("spec", type=click.Path(path_type=Path))
@click.option(
    "--limit",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to search for exact values; past it, an interval is told.",
)
@format_option
def command(spec: Path, limit: float, form: str) -> None:
    """Prove that every run of SPEC ends, and what it can cost at worst.

    Exit code 1 if that is not proved, if a policy is broken, or if the spec has errors that leave
    nothing to prove.
    """
    from fsmflow.analysis.bounds import Effort
    from fsmflow.analysis.proof import prove
    from fsmflow.reporting import proof_json, proof_text

    (path,) = find([spec]) if spec.is_file() else (spec,)
    if not path.is_file():
        raise click.UsageError(f"there is no file {spec}")
    (compilation,) = compile_all([path])
    refused = [d for d in compilation.errors if d.check not in OF_THE_PROOF]
    if compilation.analysis is None or refused:
        report([compilation], form)
        sys.exit(exit_code([compilation]))
    proof = prove(compilation.analysis.machine, Effort(MOST, LONGEST, _timer(limit)))
    if form == "json":
        certificate = places_of(path).generated / f"{proof.machine.name}.certificate.json"
        click.echo(proof_json.render(proof, str(certificate) if certificate.is_file() else None))
    else:
        click.echo(proof_text.render(proof, color=wants_color(sys.stdout)).rstrip("\n"), color=True)
    sys.exit(int(not proof.holds))


OF_THE_PROOF = frozenset({"unbounded-loop", "policy-refuted", "budget-below-happy-path"})
"""The checks whose findings a proof tells better than they do, so that it is made all the same."""

MOST = 5_000_000
"""How many configurations are looked at for one bound, if there is time."""

LONGEST = 400_000
"""How many transitions of a run are played."""


def _timer(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end
