"""`fsmflow draw`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args

import click

from fsmflow.backends import Artifact
from fsmflow.backends.engines import Format

if TYPE_CHECKING:
    from fsmflow.analysis import Analysis
    from fsmflow.analysis.counter_machine import Metric
    from fsmflow.backends.diagram import Diagram
    from fsmflow.backends.overlay import Overlay

FORMATS = (*get_args(Format), "dot", "mermaid")
ENDINGS = {"mmd": "mermaid"}

METRICS: dict[str, Metric] = {
    "steps": "steps",
    "tool_calls": "tool_calls",
    "tokens": "tokens",
    "money": "micro_usd",
    "time": "microseconds",
    "transitions": "transitions",
}


@click.command("draw")
@click.argument("spec", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Write to this file; - is standard output."
)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="What to write; told by the file's ending."
)
@click.option("--theme", type=click.Choice(["light", "dark"]), default="light", show_default=True)
@click.option(
    "--trace",
    "traces",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Lay this run over it, as `fsmflow run --trace` wrote it; of several, how often each way was taken.",
)
@click.option("--witness", type=click.Choice(list(METRICS)), help="Lay over it the run that uses the most.")
@click.option(
    "--coverage",
    type=click.Path(path_type=Path),
    help="Lay over it what tests took, as `fsmflow test --coverage` wrote it.",
)
def command(
    spec: Path,
    output: Path | None,
    form: str | None,
    theme: str,
    traces: tuple[Path, ...],
    witness: str | None,
    coverage: Path | None,
) -> None:
    """Draw the workflow SPEC, with a run, its worst case or its tests laid over it if you like.

    Without -o the file goes beside where you are, named after the workflow. An SVG is light or dark
    as the reader's system is; --theme is for the other formats.
    """
    from fsmflow.backends.diagram import extract
    from fsmflow.backends.engines import DrawingFailed, NoEngine
    from fsmflow.cli.files import write_all
    from fsmflow.cli.load import compile_one
    from fsmflow.cli.output import CannotWrite

    chosen = _format(form, output)
    if sum(map(bool, (traces, witness, coverage))) > 1:
        raise click.UsageError("--trace, --witness and --coverage exclude one another")
    if chosen == "mermaid" and (traces or witness or coverage):
        raise click.UsageError("a Mermaid flowchart shows no run: draw it as svg or png")
    analysis = compile_one(spec).analysis
    assert analysis is not None
    diagram = extract(analysis.machine, analysis.proof)
    overlay = _overlay(analysis, diagram, traces, witness, coverage)
    try:
        content = _drawn(diagram, chosen, cast(Literal["light", "dark"], theme), overlay)
    except (NoEngine, DrawingFailed) as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    if output == Path("-"):
        sys.stdout.buffer.write(content)
        return
    ending = next((short for short, name in ENDINGS.items() if name == chosen), chosen)
    path = output or Path(f"{analysis.machine.name}.{ending}")
    try:
        write_all([Artifact(path.absolute(), content)])
    except OSError as error:
        raise CannotWrite(path, error) from error
    click.echo(f"wrote {path}")


def _format(form: str | None, output: Path | None) -> str:
    """Tell what to write, by the option, or else by the ending of the file."""
    ending = output.suffix.lstrip(".") if output is not None else ""
    chosen = form or ENDINGS.get(ending, ending) or "svg"
    if chosen not in FORMATS:
        raise click.UsageError(f"can't write {chosen!r}; expected one of {', '.join(FORMATS)}")
    return chosen


def _drawn(diagram: Diagram, chosen: str, theme: Literal["light", "dark"], overlay: Overlay | None) -> bytes:
    from fsmflow.backends.graphviz import dot, picture
    from fsmflow.backends.mermaid import flowchart

    match chosen:
        case "mermaid":
            return flowchart(diagram).encode()
        case "dot":
            return dot(diagram, theme, overlay).encode()
    return picture(diagram, cast(Format, chosen), theme, overlay)


def _overlay(
    analysis: Analysis,
    diagram: Diagram,
    traces: tuple[Path, ...],
    witness: str | None,
    coverage: Path | None,
) -> Overlay | None:
    from fsmflow.backends.overlays.coverage import of_coverage
    from fsmflow.backends.overlays.trace import of_recording
    from fsmflow.backends.overlays.traces import of_recordings
    from fsmflow.backends.overlays.witness import of_witness
    from fsmflow.diagnostics import FsmflowError

    try:
        if traces:
            from fsmflow.analysis.recording import read_file

            recordings = [read_file(path) for path in traces]
            if len(recordings) == 1:
                return of_recording(analysis.machine, diagram, recordings[0])
            return of_recordings(analysis.machine, diagram, recordings)
        if witness is not None:
            return of_witness(analysis.proof, diagram, METRICS[witness])
        if coverage is not None:
            from fsmflow.analysis.coverage import read_file as read_coverage

            return of_coverage(analysis.machine, diagram, read_coverage(coverage))
    except FsmflowError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.UsageError(f"could not read {error.filename}: {error.strerror}") from error
    return None
