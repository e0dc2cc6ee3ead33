"""Runs with people and children, as a tree in a terminal, as JSON, and explained."""

from __future__ import annotations

import json
import re

import pytest
from attrs import evolve

from fsmflow.analysis.traces.recording import Recording, read
from fsmflow.reporting import trace_change, trace_json, trace_step
from fsmflow.reporting.trace_fold import MOST_KINDS, Folded, folded
from fsmflow.reporting.trace_summary import Run, Summary, tally
from fsmflow.reporting.trace_text import render
from fsmflow.reporting.trace_why import explain
from fsmflow.reporting.visible import width
from tests.told import (
    BAD,
    CHAIN,
    DESK_MACHINE,
    GOOD,
    REPORT_MACHINE,
    Ran,
    Told,
    answered,
    badly,
    lines,
    recording,
    report,
    source,
    sources,
    well,
    written,
)

DEEP = Told(
    DESK_MACHINE, (Ran("failure", (report(Ran("failure", sources(9, [2, 5, 6]), "3 of 9"), badly("no")),)),)
)
HOSTILE = "\x1b[31mred\x1b[0m \u202eright to left\x07\x9b2J \u2028line\r\x00"


def shown(run: Told, columns: int = 90) -> list[str]:
    return render(recording(run), color=False, columns=columns).splitlines()


def below(found: list[str], start: str) -> list[str]:
    """Give the lines that are set further in than the one that starts so, up to the next that is not."""
    at = next(number for number, line in enumerate(found) if line.strip("»× ").startswith(start))
    depth = len(found[at]) - len(found[at][1:].lstrip())
    end = at + 1
    while end < len(found) and len(found[end]) - len(found[end][1:].lstrip()) > depth:
        end += 1
    return [line.strip("»× ") for line in found[at + 1 : end]]


def test_children_stand_below_the_step_that_ran_them() -> None:
    """Each child's run is set in below its step, by its key, and its own steps below that."""
    found = [line.split()[:2] for line in below(shown(GOOD), "look ")]

    assert found[0] == ["2", "runs"]
    assert [words for words in found[1:] if "»" not in words and words[0] != "costliest"] == [
        ["web:", "source"], ["fetch", "success"], ["note", "success"],
        ["docs:", "source"], ["fetch", "success"], ["note", "success"],
    ]  # fmt: skip


def test_a_step_says_how_its_children_came_out() -> None:
    """The kinds of ends are counted; of a fan-out that was cut short, how many were meant."""
    assert "20 runs of source: 17 success, 3 failed" in "\n".join(shown(BAD))
    assert "1 run of source: 1 success" in "\n".join(shown(GOOD))
    short = report(Ran("failure", sources(5, [1, 2, 3]), "3 of 20 children failed"), well(), items=20)
    assert "5 of 20 runs of source: 2 success, 3 failed" in "\n".join(shown(short))


def test_what_failed_lasted_and_cost_most_is_found_in_all_of_the_tree() -> None:
    """The marks stand at steps of children, if it is those; each once."""
    runs = tuple(
        source(n, us=9_000_000 if n == 4 else 40_000, tokens=690 if n == 7 else 500) for n in range(20)
    )
    dear = evolve(runs[7], events=(runs[7].events[0], well("note", tokens=690, micro_usd=9_000)))
    failed = source(None, fails="HTTP 500")
    run = report(
        Ran("success", (*runs[:7], dear, *runs[8:])), answered("send"), Ran("failure", (failed,)), badly()
    )
    summary = Summary.of(recording(Told(REPORT_MACHINE, (*run.events,), run.given)))

    assert summary.slowest is not None
    assert summary.costliest is not None
    assert summary.culprit is not None
    assert summary.slowest.place == "read[4] / fetch"
    assert summary.costliest.place == "read[7] / note"
    assert summary.culprit.place == "short"
    text = "\n".join(shown(run))
    assert text.count("» slowest\n") == text.count("» costliest\n") == text.count("» failed here") == 1
    assert "slowest    read[4] / fetch: 9 s" in text


def test_the_culprit_is_the_step_of_a_child_of_a_child() -> None:
    """Where a child failed since a child of it did, the step that is marked is at the bottom of all."""
    summary = Summary.of(recording(CHAIN))
    assert summary.failing is not None
    assert summary.culprit is not None

    assert (summary.failing.place, summary.culprit.place) == ("go", "go / each[1] / fetch")
    text = "\n".join(shown(CHAIN))
    assert "why        go / each[1] / fetch: failure: HTTP 500" in text
    assert text.count("» failed here") == 1


def test_the_culprit_is_where_the_end_was_decided() -> None:
    """A child that failed and was made good for is not it: the way out that was taken last is."""
    summary = Summary.of(recording(DEEP))
    assert summary.culprit is not None

    assert summary.culprit.place == "work / short"


def test_the_slowest_and_the_costliest_are_the_maxima_of_all_steps() -> None:
    """No step of any run takes longer, or costs more, than the one that is marked."""
    for run in (GOOD, BAD, DEEP):
        summary = Summary.of(recording(run))
        steps = [visit for visit in summary.whole.walk() if not visit.runs and not visit.is_question]
        assert summary.slowest is not None
        assert summary.costliest is not None
        assert summary.slowest.time_us == max(visit.time_us for visit in steps)
        assert summary.costliest.use["micro_usd"] == max(visit.use["micro_usd"] for visit in steps)


def test_a_question_is_never_the_slowest() -> None:
    """A person may take two hours: that is shown, and held against no budget."""
    text = "\n".join(shown(GOOD))

    assert re.search(r"^  approve +send +2 h$", text, re.MULTILINE)
    assert "slowest    approve" not in text


def test_a_question_that_nobody_answers_is_told_as_that() -> None:
    """The outcome is `no answer`, with the reason below it."""
    text = "\n".join(shown(report(Ran("success", sources(2)), badly("nobody answered within 2 d"), well())))

    assert re.search(
        r"approve +× no answer.*\n    » way out taken here\n    nobody answered within 2 d", text
    )


def test_many_runs_alike_are_folded() -> None:
    """Of fifty runs that came out alike one is shown, and those that stand out; the rest is counted."""
    runs = tuple(source(n, us=40_000 + (500 if n == 30 else 0)) for n in range(50))
    text = shown(
        Told(
            REPORT_MACHINE,
            (well([0] * 20), Ran("success", (source("web"), source("docs"))), Ran("success", runs)),
        )
    )
    found = below(text, "read ")

    assert [line.split()[0] for line in found if line.startswith("[")] == ["[30]"]
    assert any(line.startswith("… 49 more alike") for line in found)
    assert "slowest of these" in found


def test_folding_shows_each_kind_and_loses_nothing() -> None:
    """Shown and folded runs are all of them, each once; of each kind one is shown, up to so many kinds."""
    for failing in ([], [1], [1, 5], list(range(20))):
        runs = Run(recording(report(Ran("success", sources(20, failing))))).visits[2].runs
        found = list(folded(runs, lambda _: False))
        told = [run for each in found for run in (each.runs if isinstance(each, Folded) else (each,))]
        assert sorted(run.key for run in told) == list(range(20))
        kinds = {run.recording.end for run in found if isinstance(run, Run)}
        assert kinds == {run.recording.end for run in runs}


def test_of_too_many_kinds_those_that_failed_are_shown_first() -> None:
    """Where every run is of its own kind, only some are shown: what failed before what went well."""
    machine = Run(recording(report(Ran("success", sources(20, [15])))))
    runs = [
        Run(evolve(run.recording, end=f"{run.recording.end}_{run.key}"), run.key, run.above)
        for run in machine.visits[2].runs
    ]
    found = list(folded(runs, lambda _: False))
    shown_runs = [run for run in found if isinstance(run, Run)]

    assert len(shown_runs) == MOST_KINDS
    assert 15 in [run.key for run in shown_runs]
    assert isinstance(found[-1], Folded)
    assert (len(found[-1].runs), found[-1].kinds) == (20 - MOST_KINDS, 20 - MOST_KINDS)


def test_what_is_marked_is_never_folded() -> None:
    """A run in which a step is marked is shown, however alike the others are."""
    runs = Run(recording(report(Ran("success", sources(20))))).visits[2].runs
    marked = runs[13].visits[0]

    assert runs[13] in list(folded(runs, lambda visit: visit is marked))


def test_few_runs_are_all_shown() -> None:
    """Two branches are told one by one, though they came out alike."""
    runs = Run(recording(GOOD)).visits[1].runs

    assert list(folded(runs, lambda _: False)) == list(runs)
    assert list(folded((), lambda _: False)) == []


@pytest.mark.parametrize("columns", [40, 45, 60, 80, 100])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    """Whatever is nested, a line has as many columns as there are, or fewer."""
    for run in (GOOD, BAD, DEEP):
        for text in (
            render(recording(run), color=False, columns=columns),
            trace_step.render(recording(run), "fetch", color=False, columns=columns),
        ):
            assert max(map(width, text.splitlines())) <= columns, text


@pytest.mark.parametrize("columns", [40, 80])
def test_runs_nested_as_deep_as_can_be_have_room(columns: int) -> None:
    """Sixty runs within one another do not run off the page."""
    opening, first, *_ = lines(GOOD)
    events = [
        {**opening, "span_id": f"r{n}", "parent_id": f"s{n - 1}" if n else "s", "child": 0} for n in range(60)
    ]
    events += [{**first, "span_id": f"s{n}", "parent_id": f"r{n}"} for n in reversed(range(60))]
    text = render(read(written([opening, *events, {**first, "span_id": "s"}])), color=False, columns=columns)

    assert max(map(width, text.splitlines())) <= columns
    assert text.count("plan") >= 61


def test_words_of_children_are_shown_and_never_obeyed() -> None:
    """Names, keys, ends and messages of children are as harmless as those of the run."""
    events = lines(report(Ran("failure", (source(HOSTILE, fails=HOSTILE),)), well()))
    for event in events:
        if event.get("child") == HOSTILE:
            event["workflow"] = HOSTILE
    found = read(written(events))
    texts = [
        render(found, color=False, columns=80),
        trace_step.render(found, "fetch", color=False, columns=80),
        explain(REPORT_MACHINE, found, {}).text,
    ]
    for text in texts:
        assert all(c.isprintable() or c == "\n" for c in text)


def test_colour_adds_nothing_but_colour() -> None:
    """With colour the words are the same."""
    for run in (GOOD, BAD, DEEP):
        plain, coloured = (render(recording(run), color=color) for color in (False, True))
        assert "\x1b" not in plain
        assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_a_run_that_was_killed_shows_what_was_under_way() -> None:
    """Where the trace breaks off within children, they are shown below a step that is not over."""
    events = lines(BAD)
    cut = [number for number, event in enumerate(events) if event["event"] == "run"][6]
    found = render(read(written(events[: cut + 1])), color=False, columns=90)

    assert re.search(r"^» a step +under way$", found, re.MULTILINE)
    assert "4 runs of source: 2 success, 1 failed, 1 not over" not in found
    assert re.search(r"    4 runs of source: 3 success, 1 not over", found)
    assert re.search(r"^    \[3\] +… not over", found, re.MULTILINE)
    assert found.count("last seen here") == 1


def test_a_killed_run_took_no_less_than_what_was_under_way() -> None:
    """Where the trace breaks off before `read` is over, the run took what its children took by then."""
    events = lines(GOOD)
    over = next(number for number, event in enumerate(events) if event.get("state") == "read")
    killed = read(written(events[:over]))
    last = max(event.get("end_ns", 0) for event in events[:over])

    assert killed.spent["time_us"] == (last - killed.start_ns) // 1000
    assert "slowest    plan: 40 ms, 20 % of the time\n" in render(killed, color=False)


def test_a_trace_with_lines_of_no_run_says_so() -> None:
    """What is left out of a tree is counted below it."""
    events = [event for event in lines(GOOD) if event.get("child") != "docs"]

    assert "3 lines of the trace left out" in render(read(written(events)), color=False)
    assert json.loads(trace_json.render(read(written(events))))["strays"] == 3
    assert "strays" not in json.loads(trace_json.render(recording(GOOD)))


@pytest.mark.parametrize(
    ("step", "places"),
    [
        ("fetch", 2 + 4 + 1),
        ("read/fetch", 4),
        ("look / note", 2),
        ("approve", 1),
        ("publish/fetch", 1),
        ("note/fetch", 0),
        ("fetch/", 0),
    ],
)
def test_a_step_is_found_by_its_name_or_its_way(step: str, places: int) -> None:
    """A name matches wherever it is; behind the states that ran it, only there."""
    assert len(trace_step.matching(Summary.of(recording(GOOD)), step)) == places


def test_a_step_of_a_child_is_shown_in_full() -> None:
    """Its inputs, outputs and messages are told, behind the run that it is in."""
    text = trace_step.render(recording(BAD), "read/fetch", color=False)

    assert "read[3] / fetch, attempt 1  × failure" in text
    assert "url: url 3" in text
    assert text.count("HTTP 404") == 3


def test_a_question_is_shown_in_full() -> None:
    """What a person saw, and what came of it."""
    text = trace_step.render(recording(GOOD), "approve", color=False)

    assert text.startswith("approve, question  send\n  2 h\n  shown\n    notes:\n      – noted")


def test_steps_can_be_listed() -> None:
    """Each step is named by itself, and by its way."""
    found = trace_step.steps(Summary.of(recording(GOOD)))

    assert {"plan", "fetch", "read/fetch", "publish/note"} <= set(found)
    assert len(found) == len(set(found))


def test_json_has_the_whole_tree() -> None:
    """Each run of a child is there with its visits, and the marked steps say in which runs they are."""
    found = json.loads(trace_json.render(recording(BAD)))
    mapped = next(visit for visit in found["visits"] if visit["state"] == "read")

    assert [child["child"] for child in mapped["children"]] == list(range(20))
    assert mapped["children"][3]["end"] == "lost"
    assert [visit["state"] for visit in mapped["children"][3]["visits"]] == ["fetch"]
    assert mapped["stages"][0]["steps"] == 38
    assert found["costliest"]["within"] == [
        {"state": "look", "visit": 1, "child": "web", "workflow": "source"}
    ]


def test_json_of_a_step_says_where_it_is() -> None:
    """Of one step, each visit is told with the runs that it is in, and what went in and out."""
    found = json.loads(trace_json.render(recording(DEEP), "read/fetch"))

    assert len(found["visits"]) == 9
    first = found["visits"][2]
    assert [(each["state"], each["child"]) for each in first["within"]] == [("work", None), ("read", 2)]
    assert first["stages"][0]["input"] == {"url": "url 2"}


def test_json_of_a_killed_run_has_what_was_under_way() -> None:
    """Children of an attempt that is not over are told apart."""
    events = lines(BAD)
    cut = [number for number, event in enumerate(events) if event["event"] == "run"][5]
    found = json.loads(trace_json.render(read(written(events[: cut + 1]))))

    assert [(each["state"], len(each["children"])) for each in found["under_way"]] == [(None, 3)]


def test_a_replayed_run_may_have_children_with_other_ids() -> None:
    """Two runs that did the same are alike, whatever their children are called."""
    before: Recording = recording(GOOD)
    events = [
        {**event, "run_id": f"other-{number}"} if "run_id" in event else event
        for number, event in enumerate(lines(GOOD))
    ]
    after = read(written(events))

    assert before != after
    assert list(trace_change.differences(before, after)) == []


def test_what_was_meant_is_counted_by_the_items() -> None:
    """Of a map the items say how many runs there were to be; of others, those that there were."""
    runs = Run(recording(BAD)).visits[2].runs

    assert tally(runs[:5], {"items": [1] * 9}).meant == 9
    assert tally(runs[:5], {"items": 3}).meant == tally(runs[:5], None).meant == 5
    assert tally(Run(recording(BAD)).visits[1].runs, {"items": [1] * 9}).meant == 2
