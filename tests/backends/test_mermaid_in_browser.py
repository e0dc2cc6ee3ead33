"""Flowcharts in the hands of the real Mermaid, in a real browser.

`FSMFLOW_MERMAID` names its `mermaid.min.js`, as `npm pack mermaid` brings it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings

from fsmflow.backends._wording import plain
from fsmflow.backends.diagram import LONGEST_NAME, Diagram, extract
from fsmflow.backends.mermaid import edges_drawn, flowchart
from fsmflow.cli import app
from fsmflow.compiler import compile_file
from fsmflow.machine import Machine
from tests.backends.drawn_machines import machines
from tests.backends.test_mermaid import HOSTILE, as_shown, with_words
from tests.browser import Record, browser

pytestmark = pytest.mark.browser

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.fsm.yaml"))

PAGE = """<!doctype html><meta charset="utf-8"><title>Mermaid</title><script src="{script}"></script>
<div id="drawing"></div>
<script>
mermaid.initialize({{ startOnLoad: false, securityLevel: "strict" }});
async function draw(text) {{
  const {{ svg }} = await mermaid.render("flowchart", text);
  const drawing = document.getElementById("drawing");
  drawing.innerHTML = svg;
  const texts = (selector) => [...drawing.querySelectorAll(selector)].map((found) => found.textContent);
  return {{
    nodes: texts("g.node"),
    labels: texts("g.edgeLabel"),
    edges: drawing.querySelectorAll("path.flowchart-link").length,
    live: drawing.querySelectorAll("script, img, iframe, a, [onerror], [onclick]").length,
  }};
}}
</script>"""


@frozen
class Mermaid:
    """Mermaid in a page, and all that the page asked for and said."""

    page: Any
    record: Record

    def draw(self, text: str) -> dict[str, Any]:
        """Draw a flowchart, and tell what is in the picture. A text that can't be parsed is an error."""
        drawn: dict[str, Any] = self.page.evaluate("(text) => draw(text)", text)
        return drawn


@pytest.fixture(scope="module")
def mermaid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mermaid]:
    script = os.environ.get("FSMFLOW_MERMAID", "")
    if not Path(script).is_file():
        pytest.skip("FSMFLOW_MERMAID names no mermaid.min.js")
    path = tmp_path_factory.mktemp("mermaid") / "page.html"
    path.write_text(PAGE.format(script=Path(script).resolve().as_uri()), encoding="utf-8")
    with browser() as chromium, chromium.open(path) as (page, record):
        yield Mermaid(page, record)


def is_whole(drawn: dict[str, Any], diagram: Diagram) -> bool:
    """Tell whether each state and each edge is in the picture, and nothing that could act."""
    nodes = len(diagram.nodes) + 1 + (diagram.exceeded is not None)
    return (len(drawn["nodes"]), drawn["edges"], drawn["live"]) == (nodes, edges_drawn(diagram), 0)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name.removesuffix(".fsm.yaml"))
def test_specs_are_drawn(path: Path, mermaid: Mermaid) -> None:
    """Mermaid draws every state and every edge of each spec, with its words."""
    analysis = compile_file(path).analysis
    assert analysis is not None
    diagram = extract(analysis.machine)

    drawn = mermaid.draw(flowchart(diagram))

    assert is_whole(drawn, diagram)
    for node in diagram.nodes:
        assert any(node.name in text for text in drawn["nodes"])
    bounds = [reason.bound for edge in diagram.edges for reason in edge.reasons if reason.bound]
    for bound in bounds:
        assert any(bound in text for text in drawn["labels"])


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name.removesuffix(".fsm.yaml"))
def test_both_sides_of_a_change_are_drawn(path: Path, tmp_path: Path, mermaid: Mermaid) -> None:
    """Each flowchart in a comment on a pull request is drawn by Mermaid, before and after."""
    analysis = compile_file(path).analysis
    assert analysis is not None
    states = len(analysis.workflow.states)
    edited = tmp_path / path.name
    text = path.read_text(encoding="utf-8")
    edited.write_text(re.sub(r"times: (\d+)", lambda found: f"times: {int(found[1]) + 1}", text), "utf-8")

    said = CliRunner().invoke(app, ["diff", str(path), str(edited), "--format", "markdown"]).output
    blocks = re.findall(r"```mermaid\n(.*?)```", said, re.DOTALL)

    assert len(blocks) == 2
    for block in blocks:
        drawn = mermaid.draw(block)
        assert len(drawn["nodes"]) > states
        assert drawn["edges"] == len(re.findall(r"^  \w+ (?:==>|-->|-\.->|-\.-o|-\.-x)", block, re.MULTILINE))


def test_any_machine_is_drawn(mermaid: Mermaid) -> None:
    """Mermaid draws every state and every edge of a hundred random machines."""

    @settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(machines())
    def each(machine: Machine) -> None:
        diagram = extract(machine)
        assert is_whole(mermaid.draw(flowchart(diagram)), diagram)

    each()


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_are_shown(words: str, mermaid: Mermaid) -> None:
    """Whatever words a spec has, they are text in the picture: nothing runs and nothing is asked for."""
    diagram = with_words(words)

    drawn = mermaid.draw(flowchart(diagram))

    if words != "end":
        assert is_whole(drawn, diagram)
    if len(words) <= LONGEST_NAME:
        said = " ".join(as_shown("".join(drawn["nodes"])).split())
        assert " ".join(as_shown(plain(words, LONGEST_NAME)).split()) in said
    assert (mermaid.record.errors, mermaid.record.dialogs) == ([], [])
    assert len(mermaid.record.requests) == 2
