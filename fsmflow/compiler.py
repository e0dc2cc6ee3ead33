"""The pipeline, on one page: text, document, spec, machine, analysis; then checks, then files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from fsmflow import checks, spec
from fsmflow.analysis import Analysis
from fsmflow.analysis.callees import Found, callee_of, calls, spec_of, unpriced
from fsmflow.analysis.graph import components
from fsmflow.backends import BACKENDS, Artifact, Places, load_backend
from fsmflow.checks._beside_the_proof import BESIDE_THE_PROOF
from fsmflow.diagnostics import Diagnostic, InvalidSpec, Severity
from fsmflow.loading.files import Unreadable
from fsmflow.loading.names import workflow_flaw
from fsmflow.loading.python import document_of
from fsmflow.loading.structure import structure
from fsmflow.loading.suppression import apply
from fsmflow.loading.yaml import load_file
from fsmflow.lowering import lower
from fsmflow.reporting.report import Report
from fsmflow.source import Document, Route

if TYPE_CHECKING:
    from fsmflow.analysis.comparing.difference import Difference, Version


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
        from fsmflow.analysis.comparing.difference import Version

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
    from fsmflow.analysis.comparing.difference import Difference

    return Difference(old.version, new.version)


def compile_spec(source: Document | spec.Workflow, *, folder: Path | None = None) -> Compilation:
    """Carry a spec as far down the pipeline as its errors allow. A bad spec raises nothing.

    Args:
        source: The text, read; or a workflow written in Python.
        folder: Where step modules, and the specs of workflows that it runs, are looked for first. Modules
            are read, never imported.
    """
    if isinstance(source, Document):
        return _compile(_Spec.read(lambda: source), folder)
    return _compile(_Spec.read(lambda: document_of(source)), folder)


def compile_file(path: str | os.PathLike[str]) -> Compilation:
    """Compile the spec file at `path`; one that can't be read is a diagnostic too."""
    return _compile(_Spec.read(lambda: load_file(path)), Path(path).parent)


@frozen
class _Spec:
    """A spec as far as it could be read, and what was said of its text and shape."""

    document: Document
    diagnostics: tuple[Diagnostic, ...]
    workflow: spec.Workflow | None = None
    damaged: frozenset[Route] = frozenset()

    @classmethod
    def read(cls, load: Callable[[], Document]) -> _Spec:
        """Read a document, and structure what can be read of it."""
        faults: tuple[Diagnostic, ...] = ()
        try:
            document = load()
        except Unreadable as unreadable:
            document, faults = unreadable.document, tuple(unreadable.diagnostics)
            if document.tree is None:
                return cls(document, faults)
        found = structure(document)
        told = (*faults, *_apart(faults, found.diagnostics, document))
        return cls(document, told, found.workflow, found.damaged)

    @property
    def name(self) -> str:
        """The name of the workflow; empty if none could be made of the text."""
        return "" if self.workflow is None else self.workflow.workflow

    @property
    def runs(self) -> tuple[str, ...]:
        """The names of the workflows that it runs, each once."""
        return () if self.workflow is None else tuple(dict.fromkeys(c.name for c in calls(self.workflow)))

    def compile(self, folder: Path | None, callees: Mapping[str, Found]) -> Compilation:
        """Go on from here, with all that is known of the workflows that it runs."""
        path, found = self.document.path, self.diagnostics
        if self.workflow is None:
            return Compilation(path, self.document, None, found)
        known = {name: at.callee for name, at in callees.items() if at.callee is not None}
        machine = lower(self.workflow, known)
        analysis = Analysis(self.document, self.workflow, machine, folder, self.damaged, callees)
        news = (d for d in checks.run(analysis) if not _is_inside(d.route, self.damaged))
        return Compilation(path, self.document, analysis, apply(self.document, (*found, *news)))


def _compile(root: _Spec, folder: Path | None) -> Compilation:
    """Compile a spec, and before it those of the workflows that it runs, and that these run, each once."""
    family = _family(root, folder)
    runs = {name: member.runs for name, member in family.items() if member.name == name}
    found: dict[str, Found] = {}

    def callees(caller: str) -> Mapping[str, Found]:
        # All that are in no circle were compiled before their caller.
        return {
            name: found.get(name)
            or Found(name, spec_of(name, folder), trouble="circle", circle=_circle(name, caller, runs))
            for name in runs.get(caller, ())
        }

    for group in components([root.name], runs):
        name = group[0]
        if len(group) == 1 and name != root.name and name not in runs.get(name, ()):
            found[name] = _found(name, family.get(name), folder, callees(name))
    return root.compile(folder, callees(root.name))


def _family(root: _Spec, folder: Path | None) -> Mapping[str, _Spec]:
    """Read the specs of all workflows that a run of `root` may come to, as far as there are any."""
    family = {root.name: root}
    names = list(root.runs)
    for name in names:
        if name in family or folder is None or workflow_flaw(name) is not None:
            continue
        path = spec_of(name, folder)
        if not os.path.lexists(path):
            continue
        family[name] = _Spec.read(partial(load_file, path))
        names += family[name].runs
    return family


def _found(name: str, member: _Spec | None, folder: Path | None, callees: Mapping[str, Found]) -> Found:
    """Say what was found where the workflow `name` is looked for."""
    path = spec_of(name, folder)
    if member is None:
        return Found(name, path, trouble="missing")
    if member.workflow is not None and member.name != name:
        return Found(name, path, trouble="misnamed")
    compilation = member.compile(folder, callees)
    analysis = compilation.analysis
    if analysis is None or compilation.errors:
        return Found(name, path, trouble="faulty")
    return Found(name, path, callee_of(analysis), unpriced=unpriced(analysis), analysis=analysis)


def _circle(name: str, caller: str, runs: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Give a shortest circle in which `caller` runs `name`; if there is none, one in which `name` is run."""
    came: dict[str, str] = {}
    queue = [name]
    for each in queue:
        for callee in runs.get(each, ()):
            if callee not in came:
                came[callee] = each
                queue.append(callee)
    back = [caller if caller in came else name]
    while len(back) == 1 or back[-1] != name:
        back.append(came[back[-1]])
    return (*([] if back[0] == name else [caller]), *reversed(back))


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
