"""The same spec gives the same drawing in every process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import fsmflow

ROOT = Path(fsmflow.__file__).parents[1]
SCRIPT = """\
import hashlib, sys
from pathlib import Path
from fsmflow.backends import engines, graphviz
from fsmflow.backends.diagram import extract
from fsmflow.backends.mermaid import flowchart
from fsmflow.compiler import compile_file
for path in sorted(Path(sys.argv[1]).glob("*.fsm.yaml")):
    analysis = compile_file(path).analysis
    diagram = extract(analysis.machine, analysis.proof)
    for drawn in (graphviz.dot(diagram), flowchart(diagram)):
        print(path.name, hashlib.sha256(drawn.encode()).hexdigest())
    print(path.name, hashlib.sha256(graphviz.picture(diagram)).hexdigest())
"""


def test_drawings_are_the_same_in_every_process(tmp_path: Path) -> None:
    """DOT, Mermaid and SVG of all specs do not depend on the hash seed, the locale or the working folder."""
    # No two have a seed, a folder or a locale in common; a locale that is missing is that of C.
    processes = (
        ("0", ROOT, "C"),
        ("17", tmp_path, "C.UTF-8"),
        ("4242", tmp_path.parent, "tr_TR.UTF-8"),  # Turkish has its own i
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(ROOT / "specs")],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed, "LC_ALL": locale},
            stdout=subprocess.PIPE,
        )
        for seed, folder, locale in processes
    ]
    said = {process.communicate(timeout=120)[0] for process in running}
    assert all(process.returncode == 0 for process in running)
    assert len(said) == 1
    assert len(said.pop().splitlines()) == 3 * len(list((ROOT / "specs").glob("*.fsm.yaml")))
