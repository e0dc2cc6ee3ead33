"""What a notebook shows of a workflow, a run and a change: a picture and words.

Jupyter asks an object for its MIME bundle (IPython, rich display: `_repr_mimebundle_`) and shows what it
likes best of it. Where nothing that draws is installed, a workflow is given as Mermaid text instead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from fsmflow.analysis.callees import spec_of
from fsmflow.analysis.comparing.difference import Difference
from fsmflow.analysis.traces.recording import read
from fsmflow.backends.diagram import Diagram, extract
from fsmflow.backends.engines import DrawingFailed, NoEngine
from fsmflow.backends.graphviz import picture
from fsmflow.backends.mermaid import flowchart
from fsmflow.backends.overlay import Overlay
from fsmflow.backends.overlays.diff import NotDrawable, union
from fsmflow.backends.overlays.trace import of_recording
from fsmflow.compiler import Compilation, compile_file
from fsmflow.reporting import diff_text, proof_text, text
from fsmflow.reporting.diff_wording import Comparison, unchanged
from fsmflow.runtime import Result

WIDEST = 640
"""How wide a picture may be, in points: as much as a cell has room for on most screens."""

SVG, MERMAID, PLAIN = "image/svg+xml", "text/vnd.mermaid", "text/plain"


def of_compilation(compilation: Compilation) -> Mapping[str, str]:
    """Show a workflow with what is proved of it; or its faults, if it has errors."""
    if compilation.analysis is None or compilation.errors:
        return {PLAIN: text.render([compilation.report], color=False)}
    proof = compilation.analysis.proof
    diagram = extract(proof.machine, proof)
    return _bundle(proof_text.render(proof, color=False), diagram)


def of_result(result: Result[object]) -> Mapping[str, str]:
    """Show a run, drawn on the workflow that it is of where that can be read."""
    recording = read("".join(f"{json.dumps(event)}\n" for event in result.events()))
    spec = spec_of(recording.workflow, Path(result.folder))
    analysis = compile_file(spec).analysis if spec.is_file() else None
    if analysis is None:
        return {PLAIN: repr(result)}
    diagram = extract(analysis.machine)
    return _bundle(repr(result), diagram, of_recording(analysis.machine, diagram, recording))


def of_difference(difference: Difference) -> Mapping[str, str]:
    """Show what a change does: both versions in one picture, and the change in words."""
    words = diff_text.render(Comparison("", "", (difference,), ()), color=False)
    if not difference.is_of_meaning:
        return {PLAIN: words.rstrip("\n") or f"{difference.name}: {unchanged(difference)}"}
    try:
        diagram, overlay = union(difference)
    except NotDrawable:
        return {PLAIN: words}
    return _bundle(words, diagram, overlay)


def _bundle(words: str, diagram: Diagram, overlay: Overlay | None = None) -> Mapping[str, str]:
    shown = {PLAIN: words.rstrip("\n")}
    try:
        shown[SVG] = _fitted(picture(diagram, overlay=overlay).decode())
    except (NoEngine, DrawingFailed):
        # Beside a picture, JupyterLab would show this in its place; and it shows no run and no change.
        if overlay is None:
            shown[MERMAID] = flowchart(diagram)
    return shown


def _fitted(svg: str) -> str:
    """Show a picture that is wider than a cell smaller; Jupyter would cut it, or let it be scrolled."""
    found = re.search(r'width="([0-9]+)pt" height="([0-9]+)pt"', svg)
    if found is None or int(found[1]) <= WIDEST:
        return svg
    size = f'width="{WIDEST}pt" height="{round(int(found[2]) * WIDEST / int(found[1]))}pt"'
    return svg.replace(found[0], size, 1)
