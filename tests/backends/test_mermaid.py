"""Mermaid flowcharts: every state and way is there, and no word of a spec means anything to a parser.

`LINES` is the whole of the grammar that is ever written: a part of Mermaid's own.
"""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from fsmflow.backends.diagram import Diagram, Edge, Node, Reason, extract
from fsmflow.backends.mermaid import MOST_EDGES, edges_drawn, escaped, flowchart, is_drawn_by_default
from fsmflow.machine import Machine
from tests.backends.drawn_machines import ASK_DOCS, compiled, machines

HOSTILE = (
    "aA",
    'say "hi"',
    "[x](y) {z}",
    "end",
    "#35;",
    "# Title",
    "1. list",
    "- item",
    "<script>alert(1)</script>",
    "`code`",
    "%%{init: {}}%%",
    "www.example.com",
    "https://example.com",
    "a|b",
    "A --> B",
    "style x:#35;",
    "\\n",
    "$$x$$",
    "fa:fa-car",
    "ﬂ°°60¶ß",
    "日本語 🎉",
    "x" * 300,
    "*a* **b** _c_",
    "&nbsp;",
    "~~~",
    "\u202eabc",
    "a\nb\x1b[31m",
)

ID = r"(?:s_[a-z][a-z0-9_]*|s\d+|start|any_step)"
LABEL = r'"((?:<br/>|#\d+;|[^\W_]|(?<=\w)[-_.](?=\w)|[ ,·×−–—…≤≥→↑Δ●▲■»\'])*)"'
NODE = re.compile(rf"  ({ID})(?:\(|\(\(|\[\[|\[|\{{|\[/|\(\[|\{{\{{|\[\\){LABEL}[^\w\"]+:::[a-z]+")
EDGE = re.compile(rf"  ({ID}) (?:==>|-->|-\.->|-\.-o|-\.-x)(?:\|{LABEL}\|)? ({ID})")
STYLE = re.compile(r"  (?:classDef [a-z]+|linkStyle \d+(?:,\d+)*) [a-z-]+:[#\w.]+(?:,[a-z-]+:[#\w.]+)*")
LINES = (NODE, EDGE, STYLE)


def as_shown(words: str) -> str:
    """Give words as a reader sees them: with like signs for some, and without what shows nothing."""
    return re.sub("¶ ?ß", "¶ß", words.replace("ﬂ", "fl").replace("*", "∗").replace("\u2060", ""))


@pytest.fixture(scope="module")
def ask_docs() -> Diagram:
    return extract(compiled(ASK_DOCS))


def body(diagram: Diagram) -> list[str]:
    """Give the lines of the flowchart below its title, each of which must be of the grammar."""
    opened, title, closed, kind, *lines = flowchart(diagram).rstrip("\n").split("\n")
    assert (opened, title[:8], closed, kind) == ("---", 'title: "', "---", "flowchart TB")
    for line in lines:
        assert any(form.fullmatch(line) for form in LINES), line
    return lines


def matches(form: re.Pattern[str], diagram: Diagram) -> list[tuple[str, ...]]:
    return [found.groups() for line in body(diagram) if (found := form.fullmatch(line))]


def with_words(words: str) -> Diagram:
    """Give a diagram that says `words` wherever it says anything."""
    reason = (Reason(words, "≤2"),)
    return Diagram(
        name=words,
        title=words,
        budget=(words,),
        worst_case=words,
        verdict=None,
        start=words,
        exceeded="end",
        nodes=(
            Node(words, "llm", title=words[:28], facts=(words,), policy=(words,)),
            Node("end", "success", title=words[:28]),
        ),
        edges=(Edge(words, "end", "success", reason), Edge("end", words, "loop", reason)),
    )


def test_states_say_what_they_are(ask_docs: Diagram) -> None:
    """A state has the shape of its kind, and its tag, cost, time and retries in words."""
    lines = body(ask_docs)

    said = '"LLM · draft<br/>write · 20 s · $0.018 · 1,500 tokens<br/>retry ≤2 · 1–2 s · re-ask ≤2"'
    assert f"  s_draft({said.replace('$', '#36;')}):::llm" in lines
    assert '  s_done(["● done"]):::success' in lines


def test_ways_say_why_they_are_taken(ask_docs: Diagram) -> None:
    """Success is thick, a fallback dotted, a loop has its cap, and the budget one way from any step."""
    lines = body(ask_docs)

    assert '  s_check ==>|"grounded"| s_done' in lines
    assert '  s_draft -.->|"» failed"| s_quote' in lines
    assert '  s_check -->|"↑ ungrounded ≤2"| s_retrieve' in lines
    assert '  any_step -.-o|"■ budget"| s_quote' in lines


def test_loops_come_last(ask_docs: Diagram) -> None:
    """Only the budget's way follows the loops, so that they do not decide what is above what."""
    *_, loop, budget = matches(EDGE, ask_docs)

    assert (loop[0], loop[2]) == ("s_check", "s_retrieve")
    assert budget[0] == "any_step"


def test_each_look_has_its_own_colour(ask_docs: Diagram) -> None:
    """Every edge is coloured, and by the look that it has."""
    styled = [re.findall(r"\d+", line.split()[1]) for line in body(ask_docs) if "linkStyle" in line]

    assert sorted(int(number) for line in styled for number in line) == list(range(edges_drawn(ask_docs)))
    (loop,) = (line for line in body(ask_docs) if line.endswith("stroke:#8270E0,stroke-width:2px"))
    assert loop.split()[1] == "9"


@given(machines())
def test_all_is_drawn(machine: Machine) -> None:
    """The edges of the flowchart are just those of the diagram, with the start's and the budget's."""
    diagram = extract(machine)
    names = {f"s_{node.name}": node.name for node in diagram.nodes}

    drawn = [(names.get(source, source), names[target]) for source, _, target in matches(EDGE, diagram)]

    expected = [("start", diagram.start), *((edge.source, edge.target) for edge in diagram.edges)]
    expected += [("any_step", diagram.exceeded)] if diagram.exceeded else []
    assert sorted(drawn) == sorted(expected)
    assert len(drawn) == edges_drawn(diagram)


@given(st.sampled_from(HOSTILE) | st.text())
def test_words_are_only_words(words: str) -> None:
    """Whatever a spec says, each line stays of the grammar, and each state and way is still there."""
    diagram = with_words(words)
    nodes = () if words == "end" else diagram.nodes

    assert len(matches(EDGE, diagram)) == 4
    assert len(matches(NODE, diagram)) == 2 + len(nodes or diagram.nodes)


@given(st.text())
def test_escaping_loses_nothing(words: str) -> None:
    """Character codes stand for what was written, but for marks that Mermaid keeps to itself."""
    read = re.sub(r"#(\d+);", lambda code: chr(int(code[1])), escaped(words))

    assert as_shown(read) == as_shown(words)


@pytest.mark.parametrize("words", ["1. list", "- item", "**bold**", "a.b", "`x`", "_x_", 'a"b'])
def test_markdown_is_not_read(words: str) -> None:
    """What would begin a list, emphasis, code or a link is written as a code."""
    assert re.search(r"#\d+;", escaped(words))


def test_common_words_stay_legible() -> None:
    """A name, an amount and a hyphen are written as they are."""
    assert escaped("hand_off · 1.5 s · re-ask ≤2") == "hand_off · 1.5 s · re-ask ≤2"


def test_long_titles_are_cut(ask_docs: Diagram) -> None:
    """No line of a flowchart is longer than a screen or two, however long the words are."""
    assert max(map(len, flowchart(with_words("y" * 5_000)).split("\n"))) < 600
    assert max(map(len, flowchart(evolve(ask_docs, name="y" * 5_000)).split("\n"))) < 600


def test_github_draws_up_to_500_edges() -> None:
    """A flowchart of 500 edges is drawn by default, one of 501 is not."""
    nodes = (Node("a", "fn"), Node("b", "success"))
    few = Diagram(
        name="d", title="", budget=(), worst_case=None, verdict=None, start="a", exceeded=None, nodes=nodes,
        edges=(Edge("a", "b", "branch"),) * (MOST_EDGES - 1),
    )  # fmt: skip

    assert edges_drawn(few) == MOST_EDGES
    assert is_drawn_by_default(few)
    assert not is_drawn_by_default(evolve(few, exceeded="b"))


def test_a_text_too_long_is_not_drawn() -> None:
    """A flowchart of more characters than Mermaid reads is not drawn by default."""
    facts = tuple(f"{n:040}" for n in range(1_300))

    assert not is_drawn_by_default(
        evolve(with_words("a"), nodes=(Node("a", "fn", facts=facts), Node("end", "fn")))
    )


def test_bytes_are_the_same_everywhere(ask_docs: Diagram) -> None:
    """The flowchart does not depend on the hash seed."""
    code = (
        "from tests.backends.drawn_machines import *\n"
        "from fsmflow.backends.diagram import extract\n"
        "from fsmflow.backends.mermaid import flowchart\n"
        "print(flowchart(extract(compiled(ASK_DOCS))).encode().hex())"
    )
    drawn = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONHASHSEED": "1", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert drawn.stdout.strip() == flowchart(ask_docs).encode().hex()
