"""How people who are asked are drawn, and the workflows that a state runs."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from attrs import evolve

from fsmflow.backends import _cards, engines, graphviz
from fsmflow.backends._cells import SMALL, width
from fsmflow.backends._labels import question_lines
from fsmflow.backends._palette import DARK, LIGHT
from fsmflow.backends.diagram import Card, Diagram, Edge, Node, Reason, extract
from fsmflow.backends.mermaid import flowchart
from fsmflow.machine import Machine, Work
from tests.backends.clearance import clearance
from tests.told import REPORT, REPORT_MACHINE, SOURCE_CALLEE, named

DIAGRAM = extract(REPORT_MACHINE)
HOSTILE = ["<b>bold</b>", r"\N \G", "a:b", '"quoted"', "]]> --> <!--", "x" * 5_000, "\u202eturned", " ", ""]


def node(name: str, diagram: Diagram = DIAGRAM) -> Node:
    return next(node for node in diagram.nodes if node.name == name)


def edge(source: str, target: str) -> Edge:
    (found,) = (edge for edge in DIAGRAM.edges if (edge.source, edge.target) == (source, target))
    return found


def changed(name: str, **children: object) -> Node:
    """Give a node of the report whose state runs other children."""
    state = REPORT_MACHINE.states[name]
    assert isinstance(state, Work)
    assert state.children is not None
    other = evolve(state, children=evolve(state.children, **children))
    machine: Machine = evolve(REPORT_MACHINE, states={**REPORT_MACHINE.states, name: other})
    return node(name, extract(machine))


def alone(node: Node) -> Diagram:
    return evolve(DIAGRAM, nodes=(node,), edges=(), start=node.name, exceeded=None)


def test_each_kind_of_state_has_its_own_role() -> None:
    """A question is a person's; a state that runs workflows is told by how it does."""
    roles = {name: node(name).role for name in ("plan", "look", "read", "approve", "publish")}

    assert roles == {
        "plan": "fn",
        "look": "parallel",
        "read": "map",
        "approve": "human",
        "publish": "call",
    }


def test_a_question_says_who_is_asked_what_and_for_how_long() -> None:
    """The question stands in the node, beside the role and the longest wait."""
    asked = node("approve")

    assert asked.question == "Is this report fit to be sent?"
    assert asked.facts == ("editor", "waits ≤2 d")


def test_nobody_answers_is_why_a_question_falls_back() -> None:
    """The fallback of a question is taken for want of an answer; that of a step for its failure."""
    assert edge("approve", "short").reasons == (Reason("cap reached"), Reason("no answer"))
    assert edge("publish", "short").reasons == (Reason("failed"),)
    assert edge("approve", "publish").reasons == (Reason("send"),)


def test_an_answer_and_none_that_lead_the_same_way_need_no_reason() -> None:
    """A question whose answer is a value alone, and that leads on in any case, has a bare arrow."""
    lowered = named(
        "asks", "ask_who: {ask: Who?, timeout: 1h, success: done, fallback: done}\ndone: {end: success}"
    )

    assert [edge.reasons for edge in extract(lowered).edges if edge.look == "success"] == [()]


def test_a_map_says_how_many_and_what_each_may_take() -> None:
    """Items at most, how many at a time, how many may fail; and the slice of one child, times so many."""
    assert node("read").facts == (
        "≤20 items",
        "4 at a time",
        "tolerates 2",
        "5 × 80 s",
        "20 × $0.01",
        "20 × 700 tokens",
        "20 × 2 tool calls",
        "20 × 3 steps",
    )


def test_the_slices_of_a_map_multiply_to_its_cost() -> None:
    """What is drawn of each child, as often as there may be one, is what is set aside."""
    state = REPORT_MACHINE.states["read"]
    assert isinstance(state, Work)
    facts = re.findall(r"(\d+) × ([\d,]+) (token|tool call|step)s", " ".join(node("read").facts))
    found = {what: int(times) * int(each.replace(",", "")) for times, each, what in facts}

    assert found == {"token": state.cost.tokens, "tool call": state.cost.tool_calls, "step": state.cost.steps}


def test_a_call_says_what_its_child_may_take() -> None:
    """One child's slice needs no factor."""
    assert node("publish").facts == ("80 s", "$0.01", "700 tokens", "2 tool calls", "3 steps")
    assert node("look").facts == ("80 s", "$0.02", "1,400 tokens", "4 tool calls", "6 steps")


def test_cards_name_the_workflows() -> None:
    """Branches by their keys; one child alone by its name."""
    assert node("look").cards == (Card("web", "source"), Card("docs", "source"))
    assert node("read").cards == node("publish").cards == (Card("", "source"),)
    assert node("plan").cards == ()


def test_cards_have_room_for_their_words() -> None:
    """Each card is as wide as its name in bold; cards abreast are as wide as all of them."""
    for cards in ([Card("", "s" * 28)], [Card("k", "w" * 28), Card("key", "w")], [Card("k", "k")] * 3):
        needed = max(width(card.key or card.workflow, SMALL, bold=True) for card in cards)
        assert _cards.least_width(cards) > needed
    assert _cards.least_width([Card("k", "k")] * 3) > 3 * _cards.least_width([Card("k", "k")])


def test_only_so_many_cards_are_shown() -> None:
    """Of ten branches six are shown, in rows of three at most, and four are counted."""
    callees = {f"branch_{number}": SOURCE_CALLEE for number in range(10)}
    text = graphviz.dot(alone(changed("look", callees=callees)))

    assert "branch_5" in text
    assert "branch_6" not in text
    assert "and 4 more" in text


def test_the_kinds_look_as_they_are() -> None:
    """A map is a stack, branches stand between two bars, and a call is one card."""
    text = graphviz.dot(DIAGRAM)
    label = {
        name: text.split(f"\t{name} [")[1].split("\n")[0] for name in ("look", "read", "publish", "approve")
    }
    stack, bar = 'SIDES="LBR"', f'HEIGHT="3" BGCOLOR="{LIGHT["control"]}"'

    assert {name: words.count(stack) for name, words in label.items()} == {
        "look": 0, "read": 2, "publish": 0, "approve": 0,
    }  # fmt: skip
    assert {name: words.count(bar) for name, words in label.items()} == {
        "look": 2, "read": 0, "publish": 0, "approve": 0,
    }  # fmt: skip
    assert 'peripheries="2"' in label["approve"] or "peripheries=2" in label["approve"]


def test_a_long_question_is_cut_to_three_lines() -> None:
    """What a person is asked is broken at spaces, and ends in `…` where there is more."""
    found = question_lines("word " * 60)

    assert len(found) == 3
    assert found[-1].endswith("…")
    assert question_lines("Pay?") == ("Pay?",)
    assert question_lines("") == ()


@pytest.mark.parametrize("words", HOSTILE, ids=lambda text: ascii(text[:12]))
def test_hostile_words_are_inert(words: str) -> None:
    """Whatever a child, a branch, a role or a question is called, it is text and draws."""
    parts = []
    for node_ in DIAGRAM.nodes:
        cards = tuple(Card(words if card.key else "", words) for card in node_.cards)
        parts.append(evolve(node_, cards=cards, question=words if node_.question else ""))
    drawn = evolve(DIAGRAM, nodes=tuple(parts))

    assert flowchart(drawn)
    svg = graphviz.picture(drawn).decode()
    ElementTree.fromstring(svg)
    assert "<b>bold" not in svg


def test_pointers_find_contracts() -> None:
    """Under the pointer a state says what it is, which workflow it runs, and what it gives."""
    svg = graphviz.picture(DIAGRAM).decode()

    assert "read. a workflow for each item: source · ≤20 items · 4 at a time" in svg
    assert "approve. Is this report fit to be sent?. a person is asked · editor" in svg
    assert "gives list[Any" in svg


def test_every_colour_turns_dark() -> None:
    """The dark picture is the light one with other colours."""
    light, dark = graphviz.dot(DIAGRAM, "light"), graphviz.dot(DIAGRAM, "dark")
    for ink, color in LIGHT.items():
        light = light.replace(color, f"<{ink}>")
        dark = dark.replace(DARK[ink], f"<{ink}>")

    assert light == dark


@pytest.mark.skipif(engines.find() is None, reason="nothing that draws is installed")
def test_nothing_is_in_the_way() -> None:
    """Cards stand within their states, and no line crosses them or any words."""
    assert clearance(graphviz.picture(DIAGRAM).decode()).count == 0


def test_mermaid_says_the_same() -> None:
    """A flowchart has the tag, the child or the question, and the facts of each kind."""
    text = flowchart(DIAGRAM)

    assert '[["MAP · read<br/>source<br/>≤20 items · 4 at a time · tolerates 2<br/>' in text
    assert '[["PARALLEL · look<br/>web#58; source · docs#58; source<br/>' in text
    assert '[["CALL · publish<br/>source<br/>' in text
    assert (
        '[\\"HUMAN · approve<br/>Is this report fit to be sent#63;<br/>editor · waits ≤2 d"/]:::human' in text
    )


def test_mermaid_counts_the_branches_that_it_leaves_out() -> None:
    """Of many branches the first are named, and the others counted."""
    callees = {f"branch_{number}": SOURCE_CALLEE for number in range(10)}

    assert "#43;4" in flowchart(alone(changed("look", callees=callees)))


def test_a_state_that_runs_one_workflow_links_to_its_drawing() -> None:
    """Where all children are of one workflow, its drawing is `NAME.svg`; of several there is no one link."""
    other = {"web": SOURCE_CALLEE, "docs": evolve(SOURCE_CALLEE, name="other")}
    mixed = evolve(DIAGRAM, nodes=(changed("look", callees=other), node("read"), node("plan")))

    assert graphviz.to_children(DIAGRAM) == dict.fromkeys(("look", "read", "publish"), "source.svg")
    assert graphviz.to_children(mixed) == {"read": "source.svg"}


@pytest.mark.skipif(engines.find() is None, reason="nothing that draws is installed")
def test_a_link_is_in_the_picture() -> None:
    """The states are links, and the picture is still well formed."""
    svg = graphviz.picture(DIAGRAM, links=graphviz.to_children(DIAGRAM)).decode()

    assert svg.count('<a href="source.svg">') == 3
    ElementTree.fromstring(svg)


@pytest.mark.skipif(engines.find() is None, reason="nothing that draws is installed")
def test_screen_readers_come_to_links() -> None:
    """A picture with links is a document, whose parts are read; as an image it would be one thing to them."""
    linked = graphviz.picture(DIAGRAM, links=graphviz.to_children(DIAGRAM)).decode()
    alone = graphviz.picture(DIAGRAM).decode()

    for svg, role in ((linked, "graphics-document document"), (alone, "img")):
        assert svg.startswith(f'<svg role="{role}" ')
        assert set(re.findall(r"\[role=[^]]*]", svg)) == {f'[role="{role}"]'}


def test_the_same_machine_gives_the_same_bytes() -> None:
    """Two extractions of one machine are drawn alike."""
    again = extract(named("report", REPORT, [SOURCE_CALLEE]))

    assert graphviz.dot(again) == graphviz.dot(DIAGRAM)
    assert flowchart(again) == flowchart(DIAGRAM)
