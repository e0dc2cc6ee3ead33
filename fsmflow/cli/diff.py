"""`fsmflow diff`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from math import isfinite
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import click

from fsmflow.cli.output import wants_color
from fsmflow.cli.patience import patience
from fsmflow.compiler import Compilation

if TYPE_CHECKING:
    from fsmflow.analysis.comparing.difference import Difference, Version
    from fsmflow.reporting.diff_markdown import Drawings
    from fsmflow.reporting.diff_wording import Comparison


PICTURES = ("svg", "png")
FORMATS = ("text", "json", "markdown", *PICTURES)


def _percent(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    """Refuse what is no percentage: nothing rises by more than NaN."""
    if value is not None and not isfinite(value):
        raise click.BadParameter(f"{value} is no percentage, such as 10", ctx, param)
    return value


def _micro_usd(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Read an amount of money in dollars exactly, as micro-dollars."""
    if value is None:
        return None
    try:
        amount = Decimal(value) * 1_000_000
    except ArithmeticError:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0 or amount != amount.to_integral_value():
        raise click.BadParameter(f"{value!r} is no amount of money, such as 0.25", ctx, param)
    return int(amount)


@click.command("diff")
@click.argument("old")
@click.argument("new")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="How to say it: text, if the file's ending doesn't tell. markdown is ready as a comment on a pull "
    "request; svg and png are a drawing of both versions.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write to this file; drawings of several workflows go into this folder.",
)
@click.option("--max-usd", callback=_micro_usd, metavar="USD", help="The most money that a run may use.")
@click.option("--max-tokens", type=click.IntRange(min=0), metavar="N", help="The most tokens.")
@click.option("--max-steps", type=click.IntRange(min=0), metavar="N", help="The most steps.")
@click.option(
    "--fail-on-increase",
    type=click.FloatRange(min=0),
    callback=_percent,
    metavar="PERCENT",
    help="By how much any worst case may rise.",
)
def command(
    old: str,
    new: str,
    form: str | None,
    output: Path | None,
    max_usd: int | None,
    max_tokens: int | None,
    max_steps: int | None,
    fail_on_increase: float | None,
) -> None:
    """Say what NEW changes, whether it still ends, and what it can cost at worst.

    Each side is a spec, a folder of specs, or one of them in a revision of git: HEAD~1:specs. Exit code 1
    if a limit that was asked for is not kept.
    """
    from fsmflow.analysis.comparing.gates import Gates
    from fsmflow.backends import Artifact
    from fsmflow.cli import pictures
    from fsmflow.cli.revisions import compile_side
    from fsmflow.reporting import diff_wording

    chosen = _format(form, output)
    gates = Gates(max_usd, max_tokens, max_steps, fail_on_increase)
    found = tuple(_paired(compile_side(old), compile_side(new)))
    with patience("this takes long: each workflow is proved as it was and as it is"):
        tripped = tuple(trip for difference in found for trip in gates.tripped(difference))
    comparison = diff_wording.Comparison(old, new, found, tripped)
    if chosen in PICTURES:
        pictures.write(found, "png" if chosen == "png" else "svg", output)
        for trip in tripped:
            click.echo(diff_wording.tripped(trip), err=True)
    elif output is None or output == Path("-"):
        written = _written(comparison, chosen, color=wants_color(sys.stdout))
        click.echo(written, color=True, nl=bool(written))
    else:
        pictures.save([Artifact(output.absolute(), f"{_written(comparison, chosen)}\n".encode())])
    sys.exit(int(bool(tripped)))


def _format(form: str | None, output: Path | None) -> str:
    """Choose how to say it: as asked for, else as the file's ending tells, else as text."""
    ending = output.suffix.lstrip(".").lower() if output is not None else ""
    chosen = form or {"": "text", "md": "markdown", "txt": "text"}.get(ending, ending)
    if chosen not in FORMATS:
        raise click.UsageError(f"can't write {chosen!r}; expected one of {', '.join(FORMATS)}")
    return chosen


def _written(comparison: Comparison, form: str, *, color: bool = False) -> str:
    from fsmflow.reporting import diff_json, diff_markdown, diff_text
    from fsmflow.reporting.diff_wording import is_told

    if form == "json":
        return diff_json.render(comparison)
    if form == "markdown":
        drawings = {d.name: _drawings(d) for d in comparison.differences if is_told(d)}
        return diff_markdown.render(comparison, drawings).rstrip("\n")
    return diff_text.render(comparison, color=color).rstrip("\n")


def _paired(old: Sequence[Compilation], new: Sequence[Compilation]) -> Iterator[Difference]:
    """Pair the workflows of two sides: two alone, else by name, else by the name of their file."""
    from fsmflow.analysis.comparing.difference import Difference

    if len(old) == len(new) == 1:
        yield Difference(old[0].version, new[0].version)
        return
    left = list(old)
    pairs: dict[int, Compilation] = {}
    for name in (_workflow, _file):
        for number, compilation in enumerate(new):
            other = next((c for c in left if name(c) == name(compilation)), None)
            if number not in pairs and other is not None:
                pairs[number] = other
                left.remove(other)
    for number, compilation in enumerate(new):
        before = pairs.get(number)
        yield Difference(None if before is None else before.version, compilation.version)
    yield from (Difference(compilation.version, None) for compilation in left)


def _workflow(compilation: Compilation) -> str:
    return _file(compilation) if compilation.analysis is None else compilation.analysis.machine.name


def _file(compilation: Compilation) -> str:
    return PurePath(compilation.path).name


def _drawings(difference: Difference) -> Drawings:
    from fsmflow.reporting.diff_markdown import Drawings

    return Drawings(_drawn(difference.old), _drawn(difference.new))


def _drawn(version: Version | None) -> str | None:
    """Draw a version as a flowchart: nothing if it is not there, None if it is larger than GitHub draws."""
    from fsmflow.backends.diagram import extract
    from fsmflow.backends.mermaid import flowchart, is_drawn_by_default

    if version is None or version.analysis is None:
        return ""
    proved = version.proved
    diagram = extract(version.analysis.machine, None if proved is None else proved.proof)
    return flowchart(diagram) if is_drawn_by_default(diagram) else None
