"""Which specs a command is about, and where their files go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import click

from fsmflow.analysis.callees import SUFFIXES as SUFFIXES
from fsmflow.backends import Places
from fsmflow.compiler import Compilation, compile_file
from fsmflow.diagnostics import Diagnostic

Command = TypeVar("Command", bound=Any)


def paths_argument(command: Command) -> Command:
    """Give a command the argument PATHS: spec files, or folders of them."""
    decorated: Command = click.argument("paths", nargs=-1, type=click.Path(path_type=Path))(command)
    return decorated


def find(paths: Sequence[Path]) -> list[Path]:
    """Give the spec files that `paths` name, each once; without any, those in `specs/` or else here.

    Raises:
        click.UsageError: A path is not there, or a folder holds no spec.
    """
    if not paths:
        paths = [Path("specs")] if Path("specs").is_dir() else [Path()]
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside, below = _inside(path), list(_below(path))
            if not inside:
                raise click.UsageError(
                    f"no spec (*.fsm.yaml) in {path}{_but([*path.glob('*.y*ml'), *below])}"
                )
            for folder in dict.fromkeys(spec.parent for spec in below):
                if folder not in paths:
                    said = "holds specs too, which are not among these: name that folder as well"
                    click.echo(f"{folder} {said}", err=True)
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise click.UsageError(f"there is no file {path}")
    once: dict[Path, Path] = {}
    for path in found:
        once.setdefault(placed(path), path)
    return list(once.values())


def _inside(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.name.endswith(SUFFIXES))


def _below(folder: Path) -> Iterator[Path]:
    """Give the specs in the folders of a folder, as far as these may be looked into."""
    for inner in sorted(p for p in folder.iterdir() if p.is_dir()):
        with suppress(OSError):
            yield from _inside(inner)


def _but(near: Sequence[Path]) -> str:
    return f", but there is {min(near)}" if near else ""


def placed(spec: Path) -> Path:
    """Give where a spec stands; one that is a link stands where the link is, and so do its steps."""
    return spec.parent.resolve() / spec.name


def compile_all(
    paths: Iterable[Path], generated: Path | None = None, diagrams: Path | None = None
) -> list[Compilation]:
    """Compile every spec, and report two whose files would collide, where these go as `places_of` says."""
    compilations: list[Compilation] = []
    makers: dict[Path, Compilation] = {}
    for path in paths:
        compilation = compile_file(path)
        if compilation.analysis is not None:
            files = places_of(path, generated, diagrams).files(compilation.analysis.workflow.workflow)
            made = [(file, makers.setdefault(file, compilation)) for file in files]
            clash = next(((file, other) for file, other in made if other.path != compilation.path), None)
            if clash is not None:
                said = _collision(compilation.analysis.workflow.workflow, *clash)
                compilation = Compilation(
                    compilation.path,
                    compilation.document,
                    compilation.analysis,
                    (*compilation.diagnostics, said),
                )
        compilations.append(compilation)
    return compilations


def _collision(name: str, file: Path, other: Compilation) -> Diagnostic:
    """Say of a workflow that a file of it would be one of the workflow `other` too."""
    assert other.analysis is not None
    maker = other.analysis.workflow.workflow
    message = f"the workflow `{name}` is in {other.path} too"
    if maker != name:
        message = f"`{file.name}` is made of the workflow `{maker}` in {other.path} too"
    hint = "give one of them another name: generated files are named after it"
    return Diagnostic("duplicate-workflow", message, ("workflow",), hint=hint)


def root_of(spec: Path) -> Path:
    """Give the project's folder: the one that holds `specs/`, or else the spec's own."""
    folder = placed(spec).parent
    return folder.parent if folder.name == "specs" else folder


def places_of(spec: Path, generated: Path | None = None, diagrams: Path | None = None) -> Places:
    """Give where the files of `spec` go, unless said otherwise."""
    root = root_of(spec)
    return Places(
        placed(spec),
        (generated or root / "generated").resolve(),
        (diagrams or root / "diagrams").resolve(),
    )
