"""The pipeline, on one page: text, document, spec, machine, analysis; then checks, then files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from attrs import frozen

from fsmflow import checks, spec
from fsmflow.analysis import Analysis
from fsmflow.backends import BACKENDS, Artifact, Places, load_backend
from fsmflow.diagnostics import Diagnostic, InvalidSpec, Severity
from fsmflow.loading.python import document_of
from fsmflow.loading.structure import structure
from fsmflow.loading.suppression import apply
from fsmflow.loading.yaml import load_file
from fsmflow.lowering import lower
from fsmflow.reporting.report import Report
from fsmflow.source import Document


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
            artifact
            for target in targets
            for artifact in load_backend(target).emit(self.analysis, places)
        )


def compile_spec(source: Document | spec.Workflow, *, folder: Path | None = None) -> Compilation:
    """Carry a spec as far down the pipeline as its errors allow. A bad spec raises nothing.

    Args:
        source: The text, read; or a workflow written in Python.
        folder: Where step modules are looked for first. They are read, never imported.
    """
    try:
        document = document_of(source) if isinstance(source, spec.Workflow) else source
    except InvalidSpec as invalid:
        return Compilation("<python>", None, None, invalid.diagnostics)
    structured = structure(document)
    if structured.workflow is None or not structured.workflow.states:
        return Compilation(document.path, document, None, structured.diagnostics)
    analysis = Analysis(document, structured.workflow, lower(structured.workflow), folder)
    found = apply(document, (*structured.diagnostics, *checks.run(analysis)))
    return Compilation(document.path, document, analysis, found)


def compile_file(path: str | os.PathLike[str]) -> Compilation:
    """Compile the spec file at `path`; one that can't be read is a diagnostic too."""
    shown = PurePosixPath(Path(path)).as_posix()
    try:
        document = load_file(path)
    except InvalidSpec as invalid:
        text = getattr(invalid, "document", None)
        return Compilation(shown, text, None, invalid.diagnostics)
    return compile_spec(document, folder=Path(path).parent)
