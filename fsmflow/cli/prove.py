"""`fsmflow prove`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

from fsmflow.cli.output import exit_code, format_option, report, wants_color
from fsmflow.cli.specs import compile_all, places_of

BESIDE_THE_PROOF = frozenset(
    (
        "attempt-above-cap",
        "bad-reference",
        "bad-type",
        "budget-below-happy-path",
        "effect-unsaid",
        "end-unaffordable",
        "guard-never-reached",
        "missing-timeout",
        "no-way-to-end",
        "output-missing",
        "output-never-given",
        "policy-refuted",
        "read-before-write",
        "reask-on-effect",
        "repeated-effect-without-key",
        "reserve-unaffordable",
        "step-not-found",
        "type-mismatch",
        "unaffordable-fallback",
        "unbounded-loop",
        "unknown-profile-state",
    )
)
"""The checks whose errors leave it clear what the machine is, and so what is to be proved of it."""

MOST = 5_000_000
"""How many configurations are looked at for one bound, if there is time."""

LONGEST = 400_000
"""How many transitions of a run are played."""


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

    Exit code 1 if that is not proved, if a policy is broken, or if errors leave it unclear what the
    workflow is.
    """
    from fsmflow.analysis.bounds import Effort
    from fsmflow.analysis.proof import prove
    from fsmflow.reporting import proof_json, proof_text

    if spec.is_dir():
        raise click.UsageError(f"{spec} is a folder; name one of its specs")
    if not spec.is_file():
        raise click.UsageError(f"there is no file {spec}")
    (compilation,) = compile_all([spec])
    unclear = [d for d in compilation.errors if d.check not in BESIDE_THE_PROOF]
    if compilation.analysis is None or unclear:
        report([compilation], form)
        sys.exit(exit_code([compilation]))
    proof = prove(compilation.analysis.machine, Effort(MOST, LONGEST, _timer(limit)))
    if form == "json":
        certificate = places_of(spec).generated / f"{proof.machine.name}.certificate.json"
        click.echo(proof_json.render(proof, str(certificate) if certificate.is_file() else None))
    else:
        if compilation.errors:
            click.echo(
                f"The spec has errors; `fsmflow check {spec}` tells them. What is proved is of it as it is.\n"
            )
        click.echo(proof_text.render(proof, color=wants_color(sys.stdout)).rstrip("\n"), color=True)
    sys.exit(int(not proof.holds))


def _timer(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end
