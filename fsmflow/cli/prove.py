"""`fsmflow prove`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from math import isnan
from pathlib import Path
from typing import Any

import click

from fsmflow.cli.output import exit_code, format_option, report, wants_color
from fsmflow.cli.patience import patience
from fsmflow.cli.specs import compile_all, places_of

MOST = 5_000_000
"""How many configurations are looked at for one bound, if there is time."""

LONGEST = 400_000
"""How many transitions of a run are played."""


class _Seconds(click.FloatRange):
    """A number of seconds; what is no number lies in every range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it."""
        found = super().convert(value, param, ctx)
        if isnan(found):
            self.fail(f"{value!r} is not a number of seconds.", param, ctx)
        return found


@click.command("prove")
@click.argument("spec", type=click.Path(path_type=Path))
@click.option(
    "--limit",
    type=_Seconds(min=0),
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
    from fsmflow.analysis.proof import prove
    from fsmflow.analysis.proving.bounds import Effort
    from fsmflow.reporting import proof_json, proof_text

    if spec.is_dir():
        raise click.UsageError(f"{spec} is a folder; name one of its specs")
    if not spec.is_file():
        raise click.UsageError(f"there is no file {spec}")
    (compilation,) = compile_all([spec])
    if compilation.analysis is None or not compilation.is_clear:
        report([compilation], form)
        sys.exit(exit_code([compilation]))
    with patience(f"this takes long: bounds first, then at most {limit:g} s (--limit) for exact values"):
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
