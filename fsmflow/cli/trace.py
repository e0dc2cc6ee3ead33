"""`fsmflow trace`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fsmflow.cli.output import Command, format_option, wants_color

if TYPE_CHECKING:
    from fsmflow.analysis import Analysis
    from fsmflow.analysis.traces.recording import Recording
    from fsmflow.machine import Machine

WIDEST = 100
"""The most columns that are filled: longer lines are hard to read."""


@click.group("trace")
def command() -> None:
    """Show what a run did, and say why it ended as it did.

    FILE is a trace as `fsmflow run --trace FILE` and `fsmflow runs RUN --trace FILE` write it, also of a run
    that broke off or still goes on; - is standard input. SPEC is the spec of its workflow.
    """


def spec_option(command: Command) -> Command:
    """Let a command take its spec as a second argument, and as `--spec` too."""
    argument = click.argument("spec", type=click.Path(path_type=Path), required=False)
    option = click.option("--spec", "named", type=click.Path(path_type=Path), help="The same as SPEC.")
    decorated: Command = argument(option(command))
    return decorated


@command.command("show")
@click.argument("file", type=click.Path(path_type=Path))
@spec_option
@click.option(
    "--step",
    metavar="NAME",
    help="Show this step's inputs, outputs and complaints in full; `read/fetch` is a step of a child.",
)
@format_option
def show(file: Path, spec: Path | None, named: Path | None, step: str | None, form: str) -> None:
    """Show the run in FILE as a tree, with what each step took.

    No spec is needed; with SPEC, caps and ways are told too. The step that failed, the slowest and the
    costliest are marked. The runs of children are told below the step that started them; of many that
    came out alike, one is shown.
    """
    from fsmflow.analysis.traces.recording import rest_of
    from fsmflow.diagnostics import did_you_mean
    from fsmflow.reporting import trace_json, trace_step, trace_text
    from fsmflow.reporting.trace_summary import Summary

    spec = _once(spec, named)
    recording = read(file)
    summary = Summary.of(recording)
    # Where steps are swapped in, a step of a child is written with a dot.
    step = None if step is None else step.replace(".", "/")
    if step is not None and not trace_step.matching(summary, step):
        hint = did_you_mean(step, trace_step.steps(summary)) or "the trace has none"
        raise click.UsageError(f"the run was never in a step {step!r}; {hint}")
    machine = None if spec is None else _analysis(spec).machine
    if machine is not None and (strange := _strange(file, recording, machine.name)):
        click.echo(strange, err=True)
        machine = None
    elif machine is not None and machine.digest != recording.digest:
        click.echo(f"the run is of another version of this workflow than {spec}", err=True)
    if sum(stage.counted for stage in recording.stages) < recording.spent["steps"]:
        click.echo(f"this trace {rest_of(recording)}; what was used in all is of the whole run", err=True)
    elif _begins_later(recording, machine):
        click.echo(f"this trace {rest_of(recording)}", err=True)
    if form == "json":
        click.echo(trace_json.render(recording, step))
        return
    color = wants_color(sys.stdout)
    if step is not None:
        text = trace_step.render(recording, step, color=color, columns=columns())
    else:
        text = trace_text.render(recording, color=color, columns=columns(), machine=machine)
    click.echo(text.rstrip("\n"), color=True)


@command.command("why")
@click.argument("file", type=click.Path(path_type=Path))
@spec_option
@format_option
def why(file: Path, spec: Path | None, named: Path | None, form: str) -> None:
    """Say in sentences which outcomes led the run in FILE to its end.

    Where it was the run of a child that failed, that is told too, and so on, down to the step. SPEC is
    looked for by the name of the run's workflow: beside FILE, and in specs/ there and here.
    """
    from fsmflow.reporting import trace_json
    from fsmflow.reporting.trace_layout import wrapped
    from fsmflow.reporting.trace_why import explain

    spec = _once(spec, named)
    recording = read(file)
    machine, *others = _family(spec or _spec_of(recording, file))
    found = explain(machine, recording, {other.name: other for other in others})
    if form == "json":
        click.echo(trace_json.render_why(recording, found))
        return
    click.echo("\n".join(line for line in wrapped(found.text, columns())))


def read(file: Path) -> Recording:
    """Read a trace; tell what is wrong with it, and exit, if it is none."""
    from fsmflow.analysis.traces.lines import BadTrace
    from fsmflow.analysis.traces.recording import read as read_text
    from fsmflow.analysis.traces.recording import read_file
    from fsmflow.cli.specs import SUFFIXES

    try:
        return read_text(sys.stdin.read()) if file == Path("-") else read_file(file)
    except BadTrace as bad:
        if file.name.endswith(SUFFIXES):
            raise click.UsageError(f"{file} is a spec, and no trace") from bad
        raise click.ClickException(str(bad)) from bad
    except OSError as error:
        raise click.UsageError(f"could not read {file}: {error.strerror}") from error


def read_of(workflow: str, file: Path) -> Recording:
    """Read a trace of `workflow`, in whatever version; exit if it is none, or of another workflow."""
    recording = read(file)
    if strange := _strange(file, recording, workflow):
        raise click.UsageError(strange)
    return recording


def read_for(machine: Machine, files: Sequence[Path]) -> list[Recording]:
    """Read traces of the workflow of `machine`; say so if some are of another version."""
    recordings = [read_of(machine.name, file) for file in files]
    others = [
        file for file, recording in zip(files, recordings, strict=True) if recording.digest != machine.digest
    ]
    if others:
        are = f"and {len(others) - 1:,} more are runs" if len(others) > 1 else "is a run"
        click.echo(f"{others[0]} {are} of another version of `{machine.name}`", err=True)
    return recordings


def _strange(file: Path, recording: Recording, workflow: str) -> str | None:
    """Say that a run is of another workflow, if it is."""
    from fsmflow.loading.names import shown

    if recording.workflow == workflow:
        return None
    return f"{file} is a run of `{shown(recording.workflow)}`, not of `{workflow}`"


def _begins_later(recording: Recording, machine: Machine | None) -> bool:
    """Tell whether a run had done something before what its trace tells first."""
    from fsmflow.analysis.traces.following import follow

    first = recording.stages[0] if recording.stages else None
    if first is not None and (first.visit, first.attempt) != (1, 1):
        return True
    return (
        machine is not None and machine.digest == recording.digest and not follow(machine, recording).begins
    )


def columns() -> int:
    """Give how many columns to fill: the terminal's, or 80."""
    return max(40, min(WIDEST, shutil.get_terminal_size((80, 24)).columns))


def _once(spec: Path | None, named: Path | None) -> Path | None:
    if spec is not None and named is not None:
        raise click.UsageError("name the spec once: as SPEC or in --spec")
    return spec or named


def _analysis(spec: Path) -> Analysis:
    from fsmflow.cli.load import compile_one

    analysis = compile_one(spec).analysis
    assert analysis is not None
    return analysis


def _family(spec: Path) -> Iterator[Machine]:
    """Give the machine of a spec, and then those of the workflows that it runs, and so on."""
    pending, seen = [spec], {spec}
    for path in pending:
        analysis = _analysis(path)
        yield analysis.machine
        for found in analysis.callees.values():
            if found.callee is not None and found.path not in seen:
                seen.add(found.path)
                pending.append(found.path)


def _spec_of(recording: Recording, file: Path) -> Path:
    """Find the spec of a run's workflow.

    Raises:
        click.UsageError: There is none in any of the places.
    """
    from fsmflow.cli.specs import SUFFIXES
    from fsmflow.loading.names import name_flaw, shown

    name = recording.workflow
    if name_flaw(name) is None:
        here = file.absolute().parent
        for folder in (here, here / "specs", here.parent / "specs", Path("specs"), Path()):
            for suffix in SUFFIXES:
                if (folder / f"{name}{suffix}").is_file():
                    return folder / f"{name}{suffix}"
    raise click.UsageError(f"there is no spec of `{shown(name)}` near here: name it after the trace")
