"""Runs with people and children, laid over their diagrams."""

from __future__ import annotations

from attrs import evolve

from fsmflow.analysis.proof import prove
from fsmflow.backends import graphviz
from fsmflow.backends.diagram import extract
from fsmflow.backends.overlay import NodeMark, Overlay
from fsmflow.backends.overlays.trace import of_recording
from fsmflow.backends.overlays.traces import of_recordings
from fsmflow.backends.overlays.witness import of_witness
from tests.told import (
    BAD,
    GOOD,
    REPORT,
    REPORT_MACHINE,
    SOURCE_CALLEE,
    Ran,
    Told,
    answered,
    badly,
    named,
    recording,
    report,
    source,
    sources,
    well,
)

DIAGRAM = extract(REPORT_MACHINE)


def over(run: Told) -> Overlay:
    return of_recording(REPORT_MACHINE, DIAGRAM, recording(run))


def band(mark: NodeMark) -> str:
    return " ".join(words.text for line in mark.policy or () for words in line)


def test_a_state_tells_how_many_children_ran_and_failed() -> None:
    """The band counts the runs, and those that failed if any did."""
    good, bad = over(GOOD).nodes, over(BAD).nodes

    assert band(good["look"]) == "2 ran"
    assert band(good["read"]) == "4 ran · 1 failed"
    assert band(bad["read"]) == "20 ran · 3 failed"
    assert bad["read"].note == "3 of 20 children failed, and 2 may"
    assert band(good["plan"]) == ""


def test_children_that_were_cancelled_are_no_failures() -> None:
    """When too many fail, those that still run are cancelled, and that is said."""
    found = recording(BAD)
    cut = [
        evolve(child, recording=evolve(child.recording, kind="cancelled", end="cancelled"))
        for child in found.stages[2].children[10:]
    ]
    mapped = evolve(found.stages[2], children=(*found.stages[2].children[:10], *cut))
    other = evolve(found, stages=(*found.stages[:2], mapped, *found.stages[3:]))

    assert (
        band(of_recording(REPORT_MACHINE, DIAGRAM, other).nodes["read"]) == "20 ran · 3 failed · 10 cancelled"
    )


def test_a_question_tells_when_it_was_answered() -> None:
    """The wait for a person stands in the band, and takes no part of the time of the run."""
    asked = over(GOOD).nodes["approve"]

    assert band(asked) == "answered after 2 h"
    assert asked.bars == ()


def test_a_question_without_an_answer_says_so() -> None:
    """Where nobody answers, the reason stands in the node."""
    asked = over(report(Ran("success", sources(2)), badly("nobody answered within 2 d"), well())).nodes[
        "approve"
    ]

    assert asked.note == "nobody answered within 2 d"
    assert band(asked) == ""


def test_the_bars_are_shares_of_the_ledger() -> None:
    """Two hours of waiting make no other bar shorter: the shares of steps add up to all of the time."""
    marks = over(GOOD).nodes.values()
    times = [bar.share for mark in marks for bar in mark.bars if bar.label == "time"]

    assert abs(sum(times) - 1) < 1e-9


def test_of_several_runs_failures_are_counted_by_kind() -> None:
    """Attempts, questions and children that failed are told, each of how many."""
    asked = report(Ran("success", sources(2, [1])), badly("nobody answered"), well())
    marks = of_recordings(REPORT_MACHINE, DIAGRAM, [recording(run) for run in (GOOD, BAD, asked)]).nodes

    assert marks["read"].note == "1 of 3 attempts failed · 5 of 26 children failed"
    assert marks["approve"].note == "1 of 2 questions not answered"
    assert marks["look"].note == ""


def test_the_worst_case_counts_the_steps_of_children() -> None:
    """A state whose attempt makes many steps says how many attempts and steps those are."""
    lowered = named("report", REPORT, [SOURCE_CALLEE], budget="{steps: 400, exceeded: lost}")
    proof = prove(lowered)
    marks = of_witness(proof, extract(lowered, proof), "steps").nodes

    assert band(marks["read"]) == "2 attempts: 122 steps"
    assert band(marks["plan"]) == "2 attempts"


def test_every_overlay_can_be_drawn() -> None:
    """With people and children in it, each is accepted by what draws."""
    runs = [GOOD, BAD, report(Ran("success", sources(2)), answered("again"), well(["u"]))]
    for run in (*runs, report(Ran("failure", (source(0, fails="x"),)))):
        assert graphviz.picture(DIAGRAM, "svg", overlay=over(run))
    assert graphviz.picture(
        DIAGRAM, overlay=of_recordings(REPORT_MACHINE, DIAGRAM, list(map(recording, runs)))
    )
