"""The drawing itself: DOT that is safe, the same everywhere, and accepted by what draws."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fsmflow.analysis.proof import prove
from fsmflow.backends import Places, engines, graphviz
from fsmflow.backends._palette import DARK, LIGHT
from fsmflow.backends.diagram import Diagram, extract
from fsmflow.backends.verdict import Verdict
from fsmflow.machine import Machine, Transition
from tests.backends.drawn_machines import ASK_DOCS, compiled, end, machine, machines, work

HOSTILE = [
    "<b>bold</b>",
    "<IMG SRC='/etc/passwd'/>",
    "javascript:alert(1)",
    "a\0b",
    "backslash\\",
    r"\N \G \E \T",
    "a:b",
    "\"quoted\" 'too'",
    "&lt;&#0;&amp;",
    "x" * 20_000,
    "\u202eturned\u2066",
    "\ud800\ufffe",
    "   ",
    "",
    "]]> --> <!--",
    "</title><script>alert(1)</script>",
    "日本語の題名",
]


@pytest.fixture(scope="module")
def ask_docs() -> Diagram:
    analysis = _analysis()
    return extract(analysis.machine, analysis.proof)


def everywhere(text: str) -> Diagram:
    """Put `text` wherever a spec's words can go, names too."""
    states = [work(text, title=text), end("done", title=text), end("no", "failed", title=text)]
    ways = [
        Transition(text, "success", text, "success", "done"),
        Transition(text, "failure", None, "fallback", "no"),
        Transition(text, "success", text, "success", text, ("c",)),
    ]
    drawn = machine(states, ways, {"c": 2})
    diagram = extract(attrs.evolve(drawn, name=text, title=text))
    return attrs.evolve(diagram, worst_case=text, verdict=Verdict("endless", text))


def _analysis() -> SimpleNamespace:
    machine = compiled(ASK_DOCS)
    return SimpleNamespace(machine=machine, proof=prove(machine))


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:16]))
def test_hostile_words_are_inert(text: str) -> None:
    """No word of a spec becomes markup, an attribute, a link or a cut in the text; every engine takes it."""
    source = graphviz.dot(everywhere(text))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u2066\ud800-\udfff]", source)
    assert not re.search(r"<(?!/?(TABLE|TR|TD|FONT|B|BR/)\b|<TABLE|<FONT)[A-Za-z!]", source)
    assert "URL" not in source
    assert len(source) < 20_000
    drawn = graphviz.picture(everywhere(text)).decode()
    assert "<script" not in drawn
    assert "<image" not in drawn
    assert not re.search(r"\bhref=", drawn)


def test_backslash_is_shown_as_written() -> None:
    """A backslash in a title is drawn as itself: Graphviz puts no node's or edge's id in its place."""
    drawn = graphviz.picture(everywhere(r"a\N\E b")).decode()
    assert r">a\N\E b<" in drawn
    assert "__state" not in drawn


def test_names_that_dot_knows_are_quoted() -> None:
    """States called like DOT's own words are drawn like any other."""
    drawn = extract(
        machine(
            [work("node"), work("graph"), end("edge")],
            [
                Transition("node", "success", None, "success", "graph"),
                Transition("graph", "success", None, "success", "edge"),
            ],
        )
    )
    svg = graphviz.picture(drawn).decode()
    assert all(f">{name}<" in svg for name in ("node", "graph"))


def test_long_names_are_cut() -> None:
    """A name over 28 characters ends in an ellipsis."""
    assert f">{'x' * 27}…<" in graphviz.dot(everywhere("x" * 63))


def test_bytes_do_not_depend_on_the_hash_seed(tmp_path: Path) -> None:
    """The text of a drawing is the same in every process and whatever the hash seed."""
    script = tmp_path / "draw.py"
    script.write_text(
        "import sys\n"
        "from fsmflow.backends import graphviz\n"
        "from fsmflow.backends.diagram import extract\n"
        "from tests.backends.drawn_machines import ASK_DOCS, compiled\n"
        "sys.stdout.buffer.write(graphviz.dot(extract(compiled(ASK_DOCS))).encode())\n",
        encoding="utf-8",
    )
    root = Path(graphviz.__file__).parents[2]
    drawn = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONHASHSEED": "4242", "PYTHONPATH": str(root), "LC_ALL": "POSIX"},
        capture_output=True,
        check=True,
    )
    assert drawn.stdout == graphviz.dot(extract(compiled(ASK_DOCS))).encode()


def test_themes_differ_in_colour_alone(ask_docs: Diagram) -> None:
    """The dark drawing is the light one, colour for colour."""
    turned = graphviz.dot(ask_docs, "light")
    for ink, light in LIGHT.items():
        turned = turned.replace(light, f"({ink})")
    for ink, dark in DARK.items():
        turned = turned.replace(f"({ink})", dark)
    assert turned == graphviz.dot(ask_docs, "dark")


def test_every_edge_is_in_the_text(ask_docs: Diagram) -> None:
    """Each edge of the diagram is drawn once, loops from their target; the budget has its pill."""
    source = graphviz.dot(ask_docs)
    drawn = re.findall(r"^\t(\w+) -> (\w+) .*id=\"?way_", source, re.MULTILINE)
    expected = [(e.target, e.source) if e.look == "loop" else (e.source, e.target) for e in ask_docs.edges]
    assert drawn == [("__start", "retrieve"), *expected, ("__any_step", "quote")]


def test_loops_run_up_the_left(ask_docs: Diagram) -> None:
    """A loop along the spine is a double line between the left-hand sides of its states."""
    (loop,) = re.findall(r"^\tretrieve -> check (.*)$", graphviz.dot(ask_docs), re.MULTILINE)
    assert f'color="{LIGHT["loop"]}:{LIGHT["loop"]}"' in loop
    assert all(word in loop for word in ("dir=back", "headport=w", "tailport=w", "weight=0"))


def test_spine_is_straight_and_ways_out_are_right_of_it(ask_docs: Diagram) -> None:
    """The states of the spine stand below one another, and what a fallback leads to right of them."""
    svg = graphviz.picture(ask_docs).decode()
    centre = {node.name: middle(svg, number) for number, node in enumerate(ask_docs.nodes)}
    spine = [centre[node.name] for node in ask_docs.nodes if node.lane == "spine"]
    assert max(spine) - min(spine) < 3  # the tabs of a tool move its outline by two points
    assert min(centre[name] for name in ("quote", "plain", "apologise", "hand_off")) > max(spine)


def test_crowded_targets_get_stand_ins() -> None:
    """Where more than four states fail to one end, each gets a stand-in for it at its side."""
    names = [f"s{number}" for number in range(6)]
    ways = [
        Transition(a, "success", None, "success", b) for a, b in zip(names, [*names[1:], "done"], strict=True)
    ]
    ways += [Transition(name, "failure", None, "fallback", "poor") for name in names]
    drawn = extract(machine([*(work(name) for name in names), end("done"), end("poor", "degraded")], ways))
    source = graphviz.dot(drawn)
    assert len(re.findall(r"-> __poor_of_s\d ", source)) == len(names)
    assert not re.search(r"^\ts\d -> poor ", source, re.MULTILINE)


@given(machines(most=8))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_machine_can_be_drawn(drawn: Machine) -> None:
    """What draws takes the text of any machine, and each way and each state of it is in the picture."""
    diagram = extract(drawn)
    svg = graphviz.picture(diagram).decode()
    assert sorted(re.findall(r'<g id="(way_\d+)" class="edge">', svg)) == sorted(
        f"way_{number}" for number in range(len(diagram.edges))
    )
    assert svg.count('<g id="state_') == len(drawn.states)


@given(st.text(max_size=40))
@settings(max_examples=25, deadline=None)
def test_any_words_can_be_drawn(text: str) -> None:
    """What draws takes any words."""
    assert graphviz.picture(everywhere(text)).startswith(b"<svg")


def test_png_is_drawn_in_both_themes(ask_docs: Diagram) -> None:
    """A PNG is made in the theme that is asked for."""
    light, dark = (graphviz.picture(ask_docs, "png", theme) for theme in ("light", "dark"))
    assert light.startswith(b"\x89PNG")
    assert light != dark


def test_text_needs_no_engine(ask_docs: Diagram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing that draws, a build still writes the text; a picture says what to install."""
    monkeypatch.setattr(engines, "find", lambda: None)
    places = Places(tmp_path / "a.fsm.yaml", tmp_path, tmp_path)
    analysis = _analysis()
    made = list(graphviz.emit(analysis, places))  # type: ignore[arg-type]
    assert [(a.path.name, a.content) for a in made] == [("ask_docs.dot", graphviz.dot(ask_docs).encode())]
    with pytest.raises(engines.NoEngine, match="pip install graphviz-pure"):
        graphviz.picture(ask_docs)


def test_build_draws_a_picture_where_it_can(ask_docs: Diagram, tmp_path: Path) -> None:
    """A build writes the text and the picture of a workflow."""
    places = Places(tmp_path / "a.fsm.yaml", tmp_path, tmp_path)
    made = list(graphviz.emit(_analysis(), places))  # type: ignore[arg-type]
    assert [a.path.name for a in made] == ["ask_docs.dot", "ask_docs.svg"]
    assert made[1].content == graphviz.picture(ask_docs)


def middle(svg: str, number: int) -> float:
    """Find the middle of a node's outline, in points."""
    group = re.search(rf'<g id="state_{number}".*?</g>', svg, re.DOTALL)
    assert group is not None
    outline = re.search(r' (?:d|points)="([^"]*)"', group[0])
    assert outline is not None
    across = [float(x) for x, _ in re.findall(r"(-?[\d.]+),(-?[\d.]+)", outline[1])]
    return (min(across) + max(across)) / 2
