"""`fsmflow draw`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args
from urllib.parse import urlsplit

import click

from fsmflow.backends import Artifact
from fsmflow.backends.engines import Format
from fsmflow.cli.patience import patience

if TYPE_CHECKING:
    from fsmflow.analysis import Analysis
    from fsmflow.analysis.proving.counter_machine import Metric
    from fsmflow.analysis.traces.coverage import Coverage
    from fsmflow.backends.diagram import Diagram
    from fsmflow.backends.overlay import Overlay
    from fsmflow.machine import Machine

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
    help="Lay over it what tests took, as `fsmflow test --coverage` wrote it: the folder, or a file.",
)
@click.option(
    "--link",
    "base",
    metavar="URL",
    help="Make each state of an SVG a link to its line in the spec, which is at this URL.",
)
def command(
    spec: Path,
    output: Path | None,
    form: str | None,
    theme: str,
    traces: tuple[Path, ...],
    witness: str | None,
    coverage: Path | None,
    base: str | None,
) -> None:
    """Draw the workflow SPEC, with a run, its worst case or its tests laid over it if you like.

    Without -o the file goes beside where you are, named after the workflow. An SVG is light or dark
    as the reader's system is; --theme is for the other formats. In an SVG, a state that runs a
    workflow is a link to the drawing of that, if it is there beside it.
    """
    from fsmflow.backends.diagram import extract
    from fsmflow.backends.engines import DrawingFailed, NoEngine
    from fsmflow.cli.files import write_all
    from fsmflow.cli.load import compile_one
    from fsmflow.cli.output import CannotWrite, keep_sources
    from fsmflow.cli.pictures import tell_boxes

    chosen = _format(form, output)
    if output is not None:
        keep_sources(output)
    if sum(map(bool, (traces, witness, coverage))) > 1:
        raise click.UsageError("--trace, --witness and --coverage exclude one another")
    if chosen == "mermaid" and (traces or witness or coverage):
        raise click.UsageError("a Mermaid flowchart shows no run: draw it as svg or png")
    if base is not None:
        _check_link(base, chosen)
    compilation = compile_one(spec)
    analysis, document = compilation.analysis, compilation.document
    assert analysis is not None
    assert document is not None
    with patience("this takes long: the workflow is proved, and then drawn"):
        diagram = extract(analysis.machine, analysis.proof)
        overlay = _overlay(analysis, diagram, traces, witness, coverage)
        links = _beside(diagram, output)
        if base is not None:
            links = {
                name: f"{base}#L{document.locate(('states', name), key=True).line}"
                for name in analysis.machine.states
                if ("states", name) in document.keys
            }
        try:
            content = _drawn(diagram, chosen, cast(Literal["light", "dark"], theme), overlay, links or None)
        except (NoEngine, DrawingFailed) as error:
            click.echo(str(error), err=True)
            sys.exit(2)
    if chosen == "png":
        tell_boxes([(diagram, overlay)])
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


def _beside(diagram: Diagram, output: Path | None) -> dict[str, str]:
    """Give the drawings of the workflows that states run, as far as there are any beside this one."""
    from fsmflow.backends.graphviz import to_children

    folder = Path() if output is None else output.parent
    return {name: drawing for name, drawing in to_children(diagram).items() if (folder / drawing).is_file()}


def _format(form: str | None, output: Path | None) -> str:
    """Tell what to write, by the option, or else by the ending of the file."""
    ending = output.suffix.lstrip(".").lower() if output is not None else ""
    chosen = form or ENDINGS.get(ending, ending) or "svg"
    if chosen not in FORMATS:
        raise click.UsageError(f"can't write {chosen!r}; expected one of {', '.join(FORMATS)}")
    return chosen


def _check_link(base: str, chosen: str) -> None:
    """Refuse what is no plain address of a page, or can't be in the format."""
    if chosen != "svg":
        raise click.UsageError("--link is for an SVG: no other format has links")
    try:
        address = urlsplit(base)
        fits = address.scheme in ("http", "https") and bool(address.hostname) and not address.fragment
    except ValueError:
        fits = False
    if not fits or not re.fullmatch(r"[!-~]+", base) or set(base) & set("\"'<>\\^`{|}#"):
        raise click.UsageError(
            f"--link takes the address of the spec, http or https, without #: not {base!r}"
        )


def _drawn(
    diagram: Diagram,
    chosen: str,
    theme: Literal["light", "dark"],
    overlay: Overlay | None,
    links: dict[str, str] | None,
) -> bytes:
    from fsmflow.backends.graphviz import dot, picture
    from fsmflow.backends.mermaid import flowchart

    match chosen:
        case "mermaid":
            return flowchart(diagram).encode()
        case "dot":
            return dot(diagram, theme, overlay).encode()
    return picture(diagram, cast(Format, chosen), theme, overlay, links)


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
            from fsmflow.cli.trace import read_for

            recordings = read_for(analysis.machine, traces)
            if len(recordings) == 1:
                return of_recording(analysis.machine, diagram, recordings[0])
            return of_recordings(analysis.machine, diagram, recordings)
        if witness is not None:
            return of_witness(analysis.proof, diagram, METRICS[witness])
        if coverage is not None:
            return of_coverage(analysis.machine, diagram, _covered(analysis.machine, coverage))
    except FsmflowError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.UsageError(f"could not read {error.filename}: {error.strerror}") from error
    return None


def _covered(machine: Machine, place: Path) -> Coverage:
    """Read what tests of `machine` took, from a file or the one in a folder.

    Raises:
        click.UsageError: The tests were those of another workflow, or of another version.
    """
    from fsmflow.analysis.traces.coverage import read_file
    from fsmflow.loading.names import shown

    path = place / f"{machine.name}.coverage.json" if place.is_dir() else place
    coverage = read_file(path)
    of = None
    if coverage.workflow != machine.name:
        of = f"`{shown(coverage.workflow)}`, not of `{machine.name}`"
    elif coverage.digest != machine.digest:
        of = f"another version of `{machine.name}`: run the tests again"
    if of is not None:
        raise click.UsageError(f"{path} is the coverage of {of}")
    return coverage
