"""A drawn change: both versions in one picture, each part of them once, and what became of it."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings

from fsmflow.analysis import Analysis
from fsmflow.analysis.comparing.difference import Difference, Version
from fsmflow.analysis.comparing.renames import renamed
from fsmflow.backends import graphviz
from fsmflow.backends.diagram import Diagram, extract
from fsmflow.backends.overlay import Emphasis, Line, Overlay
from fsmflow.backends.overlays.diff import NotDrawable, union
from fsmflow.compiler import compile_spec
from fsmflow.loading.yaml import read_document
from fsmflow.machine import Machine
from tests.backends.drawn_machines import machines

SPEC = (Path(__file__).parents[2] / "specs/ask_docs.fsm.yaml").read_text(encoding="utf-8")
POLISH = """\
  polish:
    {run: "ask_docs:polish", cost: {tokens: 900}, timeout: 10s, effect: none, success: done, fallback: quote}
  quote:  """
EDITS = (
    ("times: 2, else: quote", "times: 4, else: quote"),
    ("grounded: done\n", "grounded: polish\n"),
    ("  quote:  ", POLISH),
    ("fallback: quote                    # the", "fallback: apologise # the"),
    ("timeout: 45s", "timeout: 30s"),
    ("gives: list[ask_docs:Passage]", "gives: list[ask_docs:Answer]"),
    ("hand_off", "colleague"),
)


def version(text: str = SPEC) -> Version:
    compilation = compile_spec(read_document(text, "ask_docs.fsm.yaml"))
    assert compilation.analysis is not None, compilation.diagnostics
    return Version(compilation.analysis, compilation.diagnostics)


def edited(*edits: tuple[str, str]) -> Difference:
    """Compare the spec with what it is after some edits, each of which must find its place."""
    text = SPEC
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new)
    return Difference(version(), version(text))


def unproved(machine: Machine) -> Version:
    """A version of which nothing is proved."""
    return Version(cast(Analysis, SimpleNamespace(machine=machine, prompts=())), (), is_clear=False)


@pytest.fixture(scope="module")
def change() -> tuple[Diagram, Overlay]:
    return union(edited(*EDITS))


def test_a_real_change_is_told_apart(change: tuple[Diagram, Overlay]) -> None:
    """A step that is new, a cap that was raised, ways that lead elsewhere and a new name each stand out."""
    _, overlay = change
    assert {name: mark.emphasis for name, mark in overlay.nodes.items()} == {
        "retrieve": "changed",
        "draft": "changed",
        "polish": "added",
        "colleague": "changed",
    }
    assert {way: mark.emphasis for way, mark in overlay.edges.items()} == {
        ("check", "retrieve", "loop"): "changed",
        ("check", "polish", "success"): "added",
        ("check", "done", "success"): "removed",
        ("polish", "done", "success"): "added",
        ("polish", "quote", "fallback"): "added",
        ("draft", "apologise", "fallback"): "added",
        ("draft", "quote", "fallback"): "removed",
    }
    assert (overlay.start.emphasis, overlay.budget.emphasis) == ("ghost", "ghost")


def test_what_was_stands_struck_before_what_is(change: tuple[Diagram, Overlay]) -> None:
    """A changed amount, cap and name have the old words struck through and the new ones bold."""
    _, overlay = change
    facts = overlay.nodes["draft"].facts
    assert facts is not None
    assert marked(facts[0]) == "gpt-4o-mini · ~45 s~ → *30 s* · 6,000 tokens"
    label = overlay.edges["check", "retrieve", "loop"].label
    assert label is not None
    assert marked(label) == "↑ *ungrounded *~≤2~ → *≤4*"
    name = overlay.nodes["colleague"]
    assert name.pill == "Δ RENAMED"
    assert name.facts is not None
    assert marked(name.facts[0]) == "was ~hand_off~"


def test_what_no_drawing_shows_is_noted(change: tuple[Diagram, Overlay]) -> None:
    """A changed contract that a step's drawing does not show is a note in it."""
    _, overlay = change
    assert overlay.nodes["retrieve"].note == "gives: list[ask_docs:Passage] → list[ask_docs:Answer]"


def test_header_sums_the_change_up(change: tuple[Diagram, Overlay]) -> None:
    """The head counts what differs, tells the worst case and names policies that broke, in bold names."""
    _, overlay = change
    told = ["".join(words.text for words in line) for line in overlay.header]
    assert told[0].split() == ["States", "+1", "Δ3", "Transitions", "+4", "−2", "Δ1"]
    assert told[1].startswith("Worst case  31 steps → 32 steps +3 %")
    assert told[2].startswith("■ every run ends")
    assert marked(overlay.header[-1]) == "*× breaks  **draft* is entered at most 3 times"


def test_the_verdict_is_told_once() -> None:
    """Where runs end by the budget alone now, the head says so once, and how it was before."""
    difference = edited(("ungrounded: {to: retrieve, times: 2, else: quote}", "ungrounded: retrieve"))
    told = ["".join(words.text for words in line) for line in union(difference)[1].header]

    assert "■ ends by its budget only" in told
    assert any(line.startswith("before  every run ends · stopped by the budget") for line in told)


def test_a_change_on_its_ways_alone_leaves_a_state_a_ghost() -> None:
    """A state from which a way leads elsewhere now is itself as it was."""
    _, overlay = union(edited(("fallback: quote                    # the", "fallback: apologise # the")))
    assert not overlay.nodes


def test_the_first_state_and_the_way_out_of_the_budget_are_told() -> None:
    """Where a run begins, and where it goes when its budget is used up, stand out if they differ."""
    text = SPEC.replace("exceeded: quote", "exceeded: apologise")
    _, overlay = union(Difference(version(), version(text)))
    assert overlay.budget.label is not None
    assert marked(overlay.budget.label) == "■ ~quote~ → *apologise*"


def test_a_changed_title_shows() -> None:
    """A short title is replaced in sight; of a long one it is noted that it differs."""
    _, overlay = union(
        edited(
            ("title: A person has to look.", "title: A colleague looks."),
            ("Nothing could be", "No place was"),
        )
    )
    assert [marked(line) for line in overlay.nodes["hand_off"].facts or ()] == [
        "~A person has to look~",
        "A colleague looks",
    ]
    assert overlay.nodes["apologise"].emphasis == "changed"


@pytest.mark.parametrize(("is_new", "emphasis"), [(True, "added"), (False, "removed")])
def test_a_whole_workflow_is_new_or_gone(is_new: bool, emphasis: Emphasis) -> None:
    """Of a workflow that is only on one side everything is added, or removed, and stands as ever."""
    diagram, overlay = union(Difference(None, version()) if is_new else Difference(version(), None))
    marks = [*overlay.nodes.values(), *overlay.edges.values(), overlay.start, overlay.budget]
    assert {mark.emphasis for mark in marks} == {emphasis}
    assert (len(overlay.nodes), len(overlay.edges)) == (len(diagram.nodes), len(diagram.edges))
    source = graphviz.dot(diagram, "light", overlay)
    assert source.count("group=spine") == graphviz.dot(diagram).count("group=spine")


def test_nothing_is_proved_of_what_is_unclear() -> None:
    """Where errors leave the new version unclear, its header says so, and not what was proved before."""
    difference = Difference(version(), evolve(version(), is_clear=False))
    told = ["".join(words.text for words in line) for line in union(difference)[1].header]

    assert "Worst case  not known: errors leave unclear what the workflow means" in told
    assert not any("every run ends" in line for line in told)


def test_nothing_can_be_drawn_of_what_cannot_be_read() -> None:
    """A version that is no workflow is refused, not drawn as if it were empty."""
    with pytest.raises(NotDrawable):
        union(Difference(version(), Version(None)))
    with pytest.raises(NotDrawable):
        union(Difference(None, None))


def test_the_same_twice_is_a_ghost() -> None:
    """Between two equal versions nothing stands out."""
    diagram, overlay = union(Difference(version(), version()))
    assert (overlay.nodes, overlay.edges) == ({}, {})
    assert diagram == extract(unwrapped(version()).machine)


@given(machines(most=7), machines(most=7))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_union_has_every_part_of_both_once(old: Machine, new: Machine) -> None:
    """Each state and each edge of both versions is in the drawing once, told apart; engines take it."""
    difference = Difference(unproved(old), unproved(new))
    diagram, overlay = union(difference)
    before, after = extract(renamed(old, difference.renamed)), extract(new)
    names = [node.name for node in diagram.nodes]
    assert len(names) == len(set(names))
    assert set(names) == {node.name for node in (*before.nodes, *after.nodes)}
    ways = [(edge.source, edge.target, edge.look) for edge in diagram.edges]
    assert len(ways) == len(set(ways))
    gone = {way for way, mark in overlay.edges.items() if mark.emphasis == "removed"}
    fresh = {way for way, mark in overlay.edges.items() if mark.emphasis == "added"}
    assert [way for way in ways if way not in gone] == [(e.source, e.target, e.look) for e in after.edges]
    pairs = sorted((source, target) for source, target, _ in ways if (source, target, _) not in fresh)
    assert pairs == sorted((edge.source, edge.target) for edge in before.edges)
    assert set(overlay.edges) <= set(ways)
    assert set(overlay.nodes) <= set(names)
    assert union(difference) == (diagram, overlay)
    assert graphviz.picture(diagram, "svg", "light", overlay).startswith(b"<svg")


def test_ways_that_are_gone_do_not_turn_the_page_round() -> None:
    """Where two steps changed places, the new order decides which stands above."""
    text = """\
fsmflow: 1
workflow: turned
states:
  a: {run: "m:a", timeout: 1s, effect: none, success: A}
  b: {run: "m:b", timeout: 1s, effect: none, success: B}
  c: {run: "m:c", timeout: 1s, effect: none, success: C}
  done: {end: success}
"""
    before = text.replace("A}", "b}").replace("B}", "c}").replace("C}", "done}")
    after = text.replace("A}", "c}").replace("B}", "done}").replace("C}", "b}")
    diagram, overlay = union(Difference(version(before), version(after)))
    svg = graphviz.picture(diagram, "svg", "light", overlay).decode()
    top = {node.name: height(svg, number) for number, node in enumerate(diagram.nodes)}
    assert top["a"] < top["c"] < top["b"] < top["done"]


def height(svg: str, number: int) -> float:
    """Find how far down a state stands."""
    group = re.search(rf'<g id="state_{number}".*?</g>', svg, re.DOTALL)
    assert group is not None
    found = re.search(r'<text[^>]* y="([-\d.]+)"', group[0])
    assert found is not None
    return float(found[1])


def unwrapped(side: Version) -> Analysis:
    assert side.analysis is not None
    return side.analysis


def marked(line: Line) -> str:
    """Write a line with `*` around bold words and `~` around struck ones."""
    return "".join(
        f"*{words.text}*" if words.bold else f"~{words.text}~" if words.struck else words.text
        for words in line
    )


def test_the_legend_tells_what_is_there() -> None:
    """Only what became of some state or edge is explained, beside what is unchanged."""
    _, overlay = union(edited(("times: 2, else: quote", "times: 3, else: quote")))

    assert overlay.legend == (("changed", "Δ changed"), ("ghost", "unchanged"))
