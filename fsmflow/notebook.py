"""What a notebook shows of a workflow, a run and a change: a picture, Mermaid text and words.

Jupyter asks an object for its MIME bundle (IPython, rich display: `_repr_mimebundle_`) and shows the
richest of what it can. Where nothing that draws is installed, the rest is still there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from fsmflow.analysis.difference import Difference
from fsmflow.analysis.recording import read
from fsmflow.backends.diagram import Diagram, extract
from fsmflow.backends.engines import DrawingFailed, NoEngine
from fsmflow.backends.graphviz import picture
from fsmflow.backends.mermaid import flowchart
from fsmflow.backends.overlay import Overlay
from fsmflow.backends.overlays.diff import NotDrawable, union
from fsmflow.backends.overlays.trace import of_recording
from fsmflow.compiler import Compilation, compile_file
from fsmflow.reporting import diff_text, proof_text, text
from fsmflow.reporting.diff_wording import Comparison
from fsmflow.runtime import Result

SVG, MERMAID, PLAIN = "image/svg+xml", "text/vnd.mermaid", "text/plain"


def of_compilation(compilation: Compilation) -> Mapping[str, str]:
    """Show a workflow with what is proved of it; or its faults, if it has errors."""
    if compilation.analysis is None or compilation.errors:
        return {PLAIN: text.render([compilation.report], color=False)}
    proof = compilation.analysis.proof
    diagram = extract(proof.machine, proof)
    return _bundle(proof_text.render(proof, color=False), diagram, diagram)


def of_result(result: Result[object]) -> Mapping[str, str]:
    """Show a run, drawn on the workflow that it is of where that can be read."""
    recording = read("".join(f"{json.dumps(event)}\n" for event in result.events()))
    spec = Path(result.folder) / f"{recording.workflow}.fsm.yaml"
    if not spec.is_file():
        return {PLAIN: repr(result)}
    analysis = compile_file(spec).analysis
    if analysis is None:
        return {PLAIN: repr(result)}
    diagram = extract(analysis.machine)
    return _bundle(repr(result), diagram, diagram, of_recording(analysis.machine, diagram, recording))


def of_difference(difference: Difference) -> Mapping[str, str]:
    """Show what a change does: both versions in one picture, and the change in words."""
    words = diff_text.render(Comparison("", "", (difference,), ()), color=False)
    if not difference.is_of_meaning:
        return {PLAIN: words}
    version = difference.new or difference.old
    try:
        diagram, overlay = union(difference)
    except NotDrawable:
        return {PLAIN: words}
    assert version is not None
    assert version.analysis is not None
    return _bundle(words, extract(version.analysis.machine), diagram, overlay)


def _bundle(words: str, flow: Diagram, diagram: Diagram, overlay: Overlay | None = None) -> Mapping[str, str]:
    shown = {PLAIN: words.rstrip("\n"), MERMAID: flowchart(flow)}
    with suppress(NoEngine, DrawingFailed):
        shown[SVG] = picture(diagram, overlay=overlay).decode()
    return shown
