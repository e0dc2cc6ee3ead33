"""`fsmflow report`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fsmflow.backends import Artifact
from fsmflow.cli.patience import patience

if TYPE_CHECKING:
    from fsmflow.analysis.comparing.difference import Difference, Version
    from fsmflow.machine import Machine
    from fsmflow.review.content import Run


@click.command("report")
@click.argument("spec", type=click.Path(path_type=Path))
@click.option(
    "--trace",
    "traces",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A run to replay, as `fsmflow run --trace` wrote it; may be given several times.",
)
@click.option("--base", help="The version before, to compare with: a spec, or one in git as REV:PATH.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The page, - for standard output; else NAME.review.html.",
)
def command(spec: Path, traces: tuple[Path, ...], base: str | None, output: Path | None) -> None:
    """Write all that a reviewer of SPEC needs as one page of HTML.

    The page shows whether every run ends and what it costs at worst, the diagram with all that each
    state promises, the proof, what changed since --base, and each --trace to be replayed. It needs no
    network and no server: it opens from disk.
    """
    from fsmflow.cli.files import write_all
    from fsmflow.cli.output import CannotWrite, report
    from fsmflow.cli.specs import compile_all, find
    from fsmflow.review.content import Review
    from fsmflow.review.page import render

    if output is not None and output.suffix.lower() not in ("", ".html", ".htm"):
        raise click.UsageError(
            f"can't write {output.suffix[1:]!r}: the page is HTML, such as {output.with_suffix('.html')}"
        )
    specs = find([spec])
    if len(specs) != 1:
        raise click.UsageError(f"{spec} holds {len(specs)} specs; name one")
    (compilation,) = compile_all(specs)
    if compilation.analysis is None:
        report([compilation], "text")
        sys.exit(1)
    now = compilation.version
    with patience("this takes long: the workflow is proved, and then drawn"):
        text = render(
            Review(
                analysis=compilation.analysis,
                report=compilation.report,
                proof=None if now.proved is None else now.proved.proof,
                runs=_runs(compilation.analysis.machine, traces),
                base=base or "",
                difference=None if base is None else _since(base, now),
            )
        )
    # A trace may be called what is no text.
    page = text.encode("utf-8", "backslashreplace")
    if output == Path("-"):
        sys.stdout.buffer.write(page)
        return
    path = output or Path(f"{compilation.analysis.machine.name}.review.html")
    try:
        write_all([Artifact(path.absolute(), page)])
    except OSError as error:
        raise CannotWrite(path, error) from error
    click.echo(f"wrote {path}")


def _runs(machine: Machine, traces: tuple[Path, ...]) -> tuple[Run, ...]:
    """Read the traces of the workflow of `machine`, each called by the name of its file.

    Where that does not tell them apart, the folder goes before it.
    """
    from fsmflow.cli.trace import read_for
    from fsmflow.review.content import Run

    recordings = read_for(machine, traces)
    names = [trace.name for trace in traces]
    if len(set(names)) < len(names):
        names = ["/".join(trace.parts[-2:]) for trace in traces]
    return tuple(Run(name, recording) for name, recording in zip(names, recordings, strict=True))


def _since(base: str, now: Version) -> Difference:
    """Compare with the workflow that `base` names; in a folder, with the one of the same name."""
    from fsmflow.analysis.comparing.difference import Difference
    from fsmflow.cli.revisions import compile_side

    assert now.analysis is not None
    versions = [compilation.version for compilation in compile_side(base)]
    if len(versions) == 1:
        return Difference(versions[0], now)
    name = now.analysis.machine.name
    same = (v for v in versions if v.analysis is not None and v.analysis.machine.name == name)
    return Difference(next(same, None), now)
