"""A run as a tree in a terminal."""

from __future__ import annotations

import json
import re

import pytest
from attrs import evolve

from fsmflow.analysis.traces.recording import LateCharge, Recording, read
from fsmflow.reporting import trace_json
from fsmflow.reporting.trace_layout import document, wrapped
from fsmflow.reporting.trace_step import render as render_step
from fsmflow.reporting.trace_summary import Summary
from fsmflow.reporting.trace_text import render
from fsmflow.reporting.visible import width
from tests.analysis.traces.test_following import drawn
from tests.recorded import record, record_script
from tests.sample import machine

FLOW = machine(
    "draft: {run: m:f, timeout: 4s, cost: {tokens: 10, usd: 0.01}, success: check, fallback: lost,"
    " retry: {times: 2, jitter: none}, invalid: {times: 1}}\n"
    "a_state_with_a_name_that_is_as_long_as_a_name_of_a_state_may_be: {wait: 1s, success: done}\n"
    "check: {run: m:f, timeout: 4s, success: {good: done, bad: {to: draft, times: 2, else: lost},"
    " rest: a_state_with_a_name_that_is_as_long_as_a_name_of_a_state_may_be}, fallback: lost}\n"
    "done: {end: success}\nlost: {end: failed}"
)
HOSTILE = "\x1b[31mred\x1b[0m \u202eright to left\x07\x9b2J \u2028line\r\x00"


def ran(script: str) -> Recording:
    return record_script(FLOW, script).recording


def test_a_step_is_told_without_the_tags_of_its_trace():
    """What goes into an attempt and comes out is told as a person reads it."""
    recording = ran("s s:good")
    first = evolve(recording.stages[0], given={"on": {"$repr": "2026-01-01"}}, output={"$set": ["a"]})
    lines = render_step(evolve(recording, stages=(first, *recording.stages[1:])), "draft", color=False)

    assert "on: 2026-01-01" in lines
    assert "$" not in lines


def test_what_failed_lasted_and_cost_most_is_marked():
    """Each of the three marks stands once in the tree, below the visit that it is about."""
    lines = render(ran("s s:bad t s s:bad s s:bad"), color=False).splitlines()
    marked = {line.strip(): lines[at - 1].split()[:3] for at, line in enumerate(lines) if "    »" in line}

    assert marked == {
        "» failed here": ["×", "check", "#3"],
        "» slowest · costliest": ["»", "draft", "#2"],
    }
    assert lines[0].startswith("× lost  failed")


def test_what_was_charged_late_has_a_line():
    """What a cut-off attempt charged later stands where the run was by then, so that all adds up."""
    recording = ran("t s s:good")
    used = {"tool_calls": 0, "tokens": 7, "micro_usd": 0}
    late = evolve(recording, late=(LateCharge(3, "check", used),))
    lines = render(late, color=False).splitlines()
    at = next(number for number, line in enumerate(lines) if line.split()[:2] == ["check", "late"])

    assert lines[at].split() == ["check", "late", "7"]
    assert lines[at + 1].strip() == "charged by an attempt that had been cut off"
    assert lines[at + 2].split()[:2] == ["check", "good"]


def test_what_was_charged_late_is_in_the_json():
    """A program that adds up what a run's visits used finds what else was charged, and after which stage."""
    recording = ran("t s s:good")
    used = {"tool_calls": 0, "tokens": 7, "micro_usd": 0}
    late = evolve(recording, late=(LateCharge(3, "check", used),))

    assert json.loads(trace_json.render(late))["late"] == [{"after_stage": 3, "state": "check", "use": used}]
    assert "late" not in json.loads(trace_json.render(recording))


def test_the_slowest_and_the_costliest_are_the_maxima():
    """On random runs, no visit lasts longer or costs more than the one that is marked, but for people."""
    for seed in range(60):
        recording = drawn(seed)[1].recording
        summary = Summary.of(recording)
        assert sum(len(visit.stages) for visit in summary.visits) == len(recording.stages)
        if summary.slowest is not None:
            counted = [sum(stage.ledger_us for stage in visit.stages) for visit in summary.visits]
            assert summary.slowest.time_us == max(counted)
        if summary.costliest is not None:
            assert summary.costliest.use[summary.unit] == max(v.use[summary.unit] for v in summary.visits)


@pytest.mark.parametrize("columns", [40, 45, 60, 80, 100])
def test_no_line_is_wider_than_the_terminal(columns):
    """Whatever the run, a line has as many columns as there are, or fewer."""
    recordings = [ran("s s:rest"), ran("s t i s s:bad t s s:bad s s:bad"), ran("f"), drawn(3)[1].recording]
    for recording in recordings:
        for text in (
            render(recording, color=False, columns=columns),
            render(recording, color=False, columns=columns, machine=FLOW),
            render_step(recording, "draft", color=False, columns=columns),
        ):
            assert max(map(width, text.splitlines()), default=0) <= columns, text


def test_values_are_shown_in_full_and_never_obeyed():
    """Every character of inputs and outputs is there, over lines; escapes are shown, not sent."""
    long = "word " * 200 + "x" * 300
    recorded = record(FLOW, lambda _: ("s", "good", {"text": long, "odd": HOSTILE}), {"k\x1b[2J": [long, {}]})
    for columns in (45, 80):
        text = render(recorded.recording, color=False, columns=columns) + render_step(
            recorded.recording, "draft", color=False, columns=columns
        )
        assert "".join(long.split()) in "".join(text.split())
        assert all(c.isprintable() or c == "\n" for c in text)
        assert "\\x1b[31mred" in text


def test_colour_is_only_given_on_request():
    """Without colour there is no escape; with it the words are the same."""
    recording = ran("s s:bad t s s:bad s s:bad")
    plain, coloured = render(recording, color=False), render(recording, color=True)

    assert "\x1b" not in plain
    assert "\x1b[31m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_no_sign_is_outside_of_the_characters_that_terminals_have():
    """Beside ASCII, only signs of WGL4 are used for a run whose values are ASCII."""
    texts = [render(drawn(seed)[1].recording, color=False) for seed in range(40)]

    assert set("".join(texts)) - set(map(chr, range(128))) <= set("·×–≤≥→↑Δ●▲■»…µé\\")


def test_with_the_machine_caps_and_ways_are_told():
    """The spec adds the caps, and how each visit was left if not straight on."""
    text = render(ran("s s:bad s s:good"), color=False, machine=FLOW)

    assert "→ draft (bad)" in text
    assert "→ check" not in text


def test_one_run_of_ten_thousand_attempts_is_told():
    """A long run takes no stack."""
    recorded = record_script(FLOW, "s s:good")
    lines = [*recorded.lines[:1], *[recorded.lines[1]] * 10_000]
    recording = read("".join(f"{line}\n" for line in lines))

    assert len(render(recording, color=False).splitlines()) > 10_000


def test_deep_data_takes_no_stack():
    """Data as deep as a trace can hold is written."""
    deep: object = "end"
    for _ in range(5_000):
        deep = [{"k": deep}]

    assert "end" in "\n".join(document(deep, 45))


def test_wrapping_loses_nothing_but_spaces():
    """What is wrapped can be put together again."""
    text = "aa bb " * 30 + "漢字" * 40 + " é́" * 10
    for columns in (24, 31, 80):
        lines = list(wrapped(text, columns))
        assert "".join("".join(lines).split()) == "".join(text.split())
        assert max(map(width, lines)) <= columns


def test_a_word_that_just_fits_ends_its_line():
    """A line is as long as its room allows, and the space after it begins no other line."""
    word = "a" * 24
    assert list(wrapped(f"{word} failed", 24)) == [word, "failed"]
    assert list(wrapped(f"{'b' * 10} {'c' * 13} {word} d", 24)) == [f"{'b' * 10} {'c' * 13}", word, "d"]


def test_json_tells_the_same():
    """The JSON names the marked visits, the ledger and, for one step, its inputs and outputs."""
    recording = ran("s s:bad t s s:bad s s:bad")
    found = json.loads(trace_json.render(recording))
    step = json.loads(trace_json.render(recording, "check"))

    assert found["failing"] == {"state": "check", "visit": 3}
    assert found["spent"] == dict(recording.spent)
    assert [visit["state"] for visit in found["visits"]] == ["draft", "check"] * 3
    assert {visit["state"] for visit in step["visits"]} == {"check"}
    assert "input" in step["visits"][0]["stages"][0]
