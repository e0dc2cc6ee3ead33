"""The pipeline, on one page: text, document, spec, machine, analysis; then checks, then files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field, frozen

from fsmflow import checks, spec
from fsmflow.analysis import Analysis
from fsmflow.analysis.callees import Found, callee_of, calls
from fsmflow.backends import BACKENDS, Artifact, Places, load_backend
from fsmflow.checks._beside_the_proof import BESIDE_THE_PROOF
from fsmflow.diagnostics import Diagnostic, InvalidSpec, Severity
from fsmflow.loading.files import Unreadable
from fsmflow.loading.names import name_flaw
from fsmflow.loading.python import document_of
from fsmflow.loading.structure import structure
from fsmflow.loading.suppression import apply
from fsmflow.loading.yaml import load_file
from fsmflow.lowering import lower
from fsmflow.reporting.report import Report
from fsmflow.source import Document, Route

if TYPE_CHECKING:
    from fsmflow.analysis.difference import Difference, Version


@frozen
class Compilation:
    """How far a spec came down the pipeline, and everything that was said on the way.

    `analysis` is None only if the text could not be read as a workflow at all. Files are made only
    of a workflow without errors.
    """

    path: str
    document: Document | None
    analysis: Analysis | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that stop a build."""
        return tuple(d for d in self.diagnostics if d.severity is Severity.ERROR)

    @property
    def is_clear(self) -> bool:
        """Whether the errors, if any, leave it clear what the machine is, and so what is proved of it."""
        return all(error.check in BESIDE_THE_PROOF for error in self.errors)

    @property
    def version(self) -> Version:
        """The workflow as one side of a comparison."""
        from fsmflow.analysis.difference import Version

        return Version(self.analysis, self.diagnostics, self.is_clear)

    @property
    def report(self) -> Report:
        """What there is to say, for `fsmflow.reporting`."""
        name = None if self.analysis is None else self.analysis.workflow.workflow
        return Report(self.path, name, self.document, self.diagnostics)

    def emit(self, places: Places, targets: Iterable[str] = BACKENDS) -> tuple[Artifact, ...]:
        """Make the files of each target.

        Raises:
            InvalidSpec: The workflow has errors.
        """
        if self.analysis is None or self.errors:
            raise InvalidSpec(self.errors)
        return tuple(
            artifact for target in targets for artifact in load_backend(target).emit(self.analysis, places)
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Mapping[str, str]:
        """Show the workflow in a notebook: drawn, or what is wrong with it."""
        # What a notebook shows stands above everything, and is loaded only when one asks.
        shown: Mapping[str, str] = import_module("fsmflow.notebook").of_compilation(self)
        return shown

    def _repr_svg_(self) -> str | None:
        return self._repr_mimebundle_().get("image/svg+xml")


def compare(old: Compilation, new: Compilation) -> Difference:
    """Tell what `new` changes: what it says differently, and what that does to its proof."""
    from fsmflow.analysis.difference import Difference

    return Difference(old.version, new.version)


def compile_spec(source: Document | spec.Workflow, *, folder: Path | None = None) -> Compilation:
    """Carry a spec as far down the pipeline as its errors allow. A bad spec raises nothing.

    Args:
        source: The text, read; or a workflow written in Python.
        folder: Where step modules, and the specs of workflows that it runs, are looked for first. Modules
            are read, never imported.
    """
    if isinstance(source, Document):
        return _Compiling(folder).compile(source)
    return _Compiling(folder).read(lambda: document_of(source), f"<python:{source.workflow}>")


def compile_file(path: str | os.PathLike[str]) -> Compilation:
    """Compile the spec file at `path`; one that can't be read is a diagnostic too."""
    return _Compiling(Path(path).parent).read(lambda: load_file(path), Path(path).as_posix())


SUFFIXES = (".fsm.yaml", ".fsm.yml")
"""What the name of a spec's file ends in, after the workflow's name."""


@define
class _Compiling:
    """The compilation of a spec, and of the workflows that it runs, each once.

    Attributes:
        folder: Where modules and other specs are looked for; None for a spec without a place.
        found: The workflows that were looked for already, by name.
        callers: The workflows that are being compiled, each run by the one before it.
    """

    folder: Path | None
    found: dict[str, Found] = field(factory=dict)
    callers: tuple[str, ...] = ()

    def read(self, load: Callable[[], Document], path: str) -> Compilation:
        """Read a document, and compile what can be read of it."""
        try:
            return self.compile(load())
        except Unreadable as unreadable:
            faults = tuple(unreadable.diagnostics)
            if unreadable.document.tree is None:
                return Compilation(path, unreadable.document, None, faults)
            return self.compile(unreadable.document, faults)

    def compile(self, document: Document, faults: tuple[Diagnostic, ...] = ()) -> Compilation:
        """Compile a document, of which `faults` are known already."""
        structured = structure(document)
        found = (*faults, *_apart(faults, structured.diagnostics, document))
        workflow = structured.workflow
        if workflow is None:
            return Compilation(document.path, document, None, found)
        callees = evolve(self, callers=(*self.callers, workflow.workflow)).callees(workflow)
        machine = lower(workflow, {name: at.callee for name, at in callees.items() if at.callee is not None})
        analysis = Analysis(document, workflow, machine, self.folder, structured.damaged, callees)
        news = (d for d in checks.run(analysis) if not _is_inside(d.route, structured.damaged))
        found = apply(document, (*found, *news))
        return Compilation(document.path, document, analysis, found)

    def callees(self, workflow: spec.Workflow) -> Mapping[str, Found]:
        """Find and compile the workflows that one runs."""
        names = dict.fromkeys(call.name for call in calls(workflow))
        return {name: self.callee(name) for name in names}

    def callee(self, name: str) -> Found:
        """Find and compile one workflow that is run."""
        path = self._place(name)
        if name in self.callers:
            circle = (*self.callers[self.callers.index(name) :], name)
            return Found(name, path, trouble="circle", circle=circle)
        if name not in self.found:
            self.found[name] = self._compiled(name, path)
        return self.found[name]

    def _place(self, name: str) -> Path:
        places = [(self.folder or Path()) / f"{name}{suffix}" for suffix in SUFFIXES]
        return next((place for place in places if place.is_file()), places[0])

    def _compiled(self, name: str, path: Path) -> Found:
        if self.folder is None or name_flaw(name) is not None or not path.is_file():
            return Found(name, path, trouble="missing")
        compilation = self.read(lambda: load_file(path), path.as_posix())
        analysis = compilation.analysis
        if analysis is None:
            return Found(name, path, trouble="faulty")
        circle = next((at.circle for at in analysis.callees.values() if at.circle), ())
        if circle:
            return Found(name, path, trouble="circle", circle=circle)
        if analysis.machine.name != name:
            return Found(name, path, trouble="misnamed")
        return (
            Found(name, path, trouble="faulty")
            if compilation.errors
            else Found(name, path, callee_of(analysis))
        )


def _apart(
    faults: Iterable[Diagnostic], later: Iterable[Diagnostic], document: Document
) -> Iterator[Diagnostic]:
    """Leave out what is said of a place of which a fault has spoken already."""
    spoken = {fault.span.line for fault in faults if fault.span is not None}
    for diagnostic in later:
        if document.locate(diagnostic.route, key=diagnostic.key).line not in spoken:
            yield diagnostic


def _is_inside(route: Route, pieces: frozenset[Route]) -> bool:
    """Tell whether `route` leads into a piece of which something was lost; it may be an echo of that."""
    return any(route[:end] in pieces for end in range(1, len(route) + 1))
