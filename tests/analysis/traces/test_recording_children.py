"""Traces of runs with children, read as trees."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsmflow.analysis.traces.following import follow
from fsmflow.analysis.traces.lines import BadTrace
from fsmflow.analysis.traces.recording import Recording, Stage, read
from fsmflow.runtime import Permanent
from tests.runtime.families import READ, family, reading
from tests.told import (
    BAD,
    DESK_MACHINE,
    GOOD,
    MACHINES,
    REPORT,
    REPORT_MACHINE,
    SOURCE_CALLEE,
    Ran,
    Told,
    answered,
    badly,
    lines,
    named,
    recording,
    report,
    source,
    sources,
    text,
    well,
    written,
)

DEEP = Told(DESK_MACHINE, (Ran("failure", (BAD,)),), {"text": "why?"})


def stage(found: Recording, state: str) -> Stage:
    """Give the first stage in a state."""
    return next(stage for stage in found.stages if stage.state == state)


def all_runs(found: Recording) -> list[Recording]:
    """Give a run and all below it."""
    below = [child for stage in found.stages for child in stage.children]
    below += [child for each in found.under_way for child in each.children]
    return [found, *(run for child in below for run in all_runs(child.recording))]


def is_sound(events: list[dict[str, Any]]) -> bool:
    """Tell whether a trace is refused by one of its lines, or read as a tree of no more runs than it has."""
    try:
        found = read(written(events))
    except BadTrace as refused:
        return str(refused).startswith("line ")
    return len(all_runs(found)) <= sum(event.get("event") == "run" for event in events)


def test_children_hang_at_the_stage_that_ran_them() -> None:
    """Each stage has the runs that it started, by their keys, and no other one has them."""
    found = recording(GOOD)

    assert [(each.state, [child.key for child in each.children]) for each in found.stages] == [
        ("plan", []),
        ("look", ["web", "docs"]),
        ("read", [0, 1, 2, 3]),
        ("approve", []),
        ("publish", [None]),
    ]
    ends = [child.recording.end for child in stage(found, "read").children]
    assert ends == ["noted", "lost", "noted", "noted"]
    assert stage(found, "read").steps == 1 + 2 + 1 + 2 + 2
    assert (found.end, found.strays, found.under_way) == ("done", 0, ())


def test_an_answer_is_a_stage_without_use() -> None:
    """What a person answered is a stage of the run; it is no step, and its time is on no ledger."""
    asked = stage(recording(GOOD), "approve")

    assert (asked.kind, asked.outcome, asked.label, asked.given) == (
        "question", "success", "send", {"notes": ["noted"] * 4},
    )  # fmt: skip
    assert (asked.counted, asked.ledger_us, asked.elapsed_us) == (0, 0, 7_200_000_000)


def test_children_of_children_are_deeper() -> None:
    """A run's children's children are in its children."""
    (child,) = stage(recording(DEEP), "work").children

    assert child.recording.workflow == "report"
    assert len(stage(child.recording, "read").children) == 20
    assert len(all_runs(recording(DEEP))) == 1 + 1 + 2 + 20


def test_the_ledgers_of_a_tree_add_up() -> None:
    """What a stage used is what its children used, and one step more."""
    for run in all_runs(recording(DEEP)):
        assert run.spent["steps"] == sum(each.counted for each in run.stages)
        for each in run.stages:
            below = [child.recording.spent for child in each.children]
            if below:
                assert each.steps == 1 + sum(spent["steps"] for spent in below)
                assert each.use["tokens"] == sum(spent["tokens"] for spent in below)


def test_each_run_is_followed_on_its_own_machine() -> None:
    """The parent is followed over answers and children, and each child on the machine of its workflow."""
    for run in (*all_runs(recording(DEEP)), *all_runs(recording(GOOD))):
        found = follow(MACHINES[run.workflow], run)
        assert found.stray is None
        assert all(found.ways)
        assert found.ways[-1][-1].target == run.end


def test_steps_of_children_count_for_the_budget_of_the_run() -> None:
    """Where the steps that children made leave no room for another attempt, the run is followed there."""
    tight = named("report", REPORT, [SOURCE_CALLEE], budget="{steps: 66, exceeded: lost}")
    found = follow(tight, recording(Told(tight, BAD.events[:2], BAD.given)))

    # One step for `plan` and five for `look` leave sixty, and `read` may need 61.
    assert [way.kind for way in found.ways[-1]] == ["success", "exceeded"]
    assert found.stray is None


def test_a_question_is_no_attempt() -> None:
    """An answer where the machine calls a step, or an attempt where it asks, is where a run goes astray."""
    asks, calls = report(Ran("success", sources(2)), answered("send")), report(well())
    events = lines(asks)
    at = next(number for number, event in enumerate(events) if event["event"] == "answer")
    use = {"tool_calls": 0, "tokens": 0, "micro_usd": 0}
    attempted = [*events[:at], {**events[at], "event": "attempt", "use": use}]
    first = next(number for number, event in enumerate(events) if event.get("state") == "plan")
    asked = [*lines(calls)[:first], {**events[first], "event": "answer"}]

    assert follow(REPORT_MACHINE, read(written(attempted))).stray == 3
    assert follow(REPORT_MACHINE, read(written(asked))).stray == 1
    assert follow(REPORT_MACHINE, recording(asks)).stray is None


@pytest.mark.parametrize("run", [GOOD, BAD, DEEP], ids=["good", "bad", "deep"])
def test_a_trace_that_breaks_off_is_read_up_to_there(run: Told) -> None:
    """Cut after any line, a trace has all the runs that had begun, each with the stages that it had."""
    events = lines(run)
    for cut in range(1, len(events)):
        kept = events[:cut]
        found = read(written(kept))
        assert found.end is None
        assert found.strays == 0
        runs = all_runs(found)
        assert len(runs) == sum(event["event"] == "run" for event in kept)
        assert sum(len(each.stages) for each in runs) == sum("visit" in event for event in kept)
        assert found.spent["tokens"] == sum(
            event["use"]["tokens"] for event in kept if event.get("use") and "steps" not in event
        )


def test_what_was_under_way_is_named_where_the_trace_tells_what_began() -> None:
    """A live trace says which attempt began, and so where the runs belong whose attempt is not over."""
    events = lines(BAD)
    third = [n for n, event in enumerate(events) if event["event"] == "run"][4]
    span = events[third]["parent_id"]
    began = {
        "event": "start",
        "of": "attempt",
        "span_id": span,
        "parent_id": events[0]["span_id"],
        "state": "read",
    }

    unnamed, named = (
        read(written(events[: third + 2])),
        read(written([events[0], began, *events[1 : third + 2]])),
    )

    assert [(each.state, len(each.children)) for each in unnamed.under_way] == [(None, 2)]
    assert [(each.state, len(each.children)) for each in named.under_way] == [("read", 2)]


def test_of_nested_runs_under_way_each_is_below_its_own() -> None:
    """Where a child is in an attempt that is not over, that attempt's runs are below the child."""
    events = lines(DEEP)
    cut = [number for number, event in enumerate(events) if event["event"] == "run"][6]
    (work,) = read(written(events[: cut + 1])).under_way
    (child,) = work.children

    assert child.recording.workflow == "report"
    assert [each.state for each in child.recording.stages] == ["plan", "look"]
    assert [len(each.children) for each in child.recording.under_way] == [3]


def test_runs_of_which_nobody_knows_where_they_belong_are_told_at_the_top() -> None:
    """If several runs that are not over could have started it, a run is not put below the wrong one."""
    opening, *_ = lines(Told(REPORT_MACHINE))

    def child(span: str, parent: str, key: int) -> dict[str, Any]:
        return {**opening, "span_id": span, "parent_id": parent, "child": key}

    found = read(written([opening, child("b", "x", 0), child("c", "x", 1), child("d", "y", 0)]))

    assert [(each.state, len(each.children)) for each in found.under_way] == [(None, 2), (None, 1)]


def test_what_began_tells_which_of_several_runs_it_was() -> None:
    """Where a live trace says which run's attempt began, a run that it started is below that one."""
    opening, *_ = lines(Told(REPORT_MACHINE))
    runs = [
        {**opening, "span_id": span, "parent_id": parent, "child": key}
        for span, parent, key in (("b", "x", 0), ("c", "x", 1), ("d", "y", 0))
    ]
    began = {"event": "start", "of": "attempt", "span_id": "y", "parent_id": "b", "state": "read"}
    ((first, second),) = (each.children for each in read(written([opening, *runs, began])).under_way)

    assert [(each.state, len(each.children)) for each in first.recording.under_way] == [("read", 1)]
    assert second.recording.under_way == ()


def test_lines_of_runs_that_never_began_are_counted() -> None:
    """Attempts of a run whose beginning is not in the trace are left out, and how many is said."""
    events = lines(GOOD)
    at = next(number for number, event in enumerate(events) if event.get("child") == "docs")
    kept = [event for number, event in enumerate(events) if number != at]

    found = read(written(kept))

    assert found.strays == 3
    assert [child.key for child in stage(found, "look").children] == ["web"]
    assert found.end == "done"


def test_runs_that_started_one_another_are_left_out() -> None:
    """A circle of runs that nobody started is no part of the tree."""
    opening, *events, closing = lines(Told(REPORT_MACHINE, (*report().events[:1], badly(), well())))
    first = {**opening, "span_id": "b", "parent_id": "s2", "child": 0}
    second = {**opening, "span_id": "c", "parent_id": "s1", "child": 0}
    inner = [{**events[0], "span_id": f"s{n}", "parent_id": run} for n, run in ((1, "b"), (2, "c"))]

    found = read(written([opening, first, second, *inner, *events, closing]))

    assert (found.strays, found.end) == (4, "partial")
    assert all_runs(found) == [found]


def test_runs_deeper_than_workflows_can_be_are_left_out() -> None:
    """A thousand runs within one another take no stack."""
    opening, first, *_ = lines(GOOD)
    nested: list[dict[str, Any]] = []
    for number in range(1_000):
        above = f"s{number - 1}" if number else "s"
        nested.append({**opening, "span_id": f"r{number}", "parent_id": above, "child": 0})
        nested.append({**first, "span_id": f"s{number}", "parent_id": f"r{number}"})
    found = read(written([opening, {**first, "span_id": "s"}, *nested]))

    assert 0 < len(all_runs(found)) < 100
    assert found.strays > 1_800


def test_an_id_that_two_runs_have_is_refused() -> None:
    """A run that begins twice is told by its line."""
    events = lines(GOOD)
    at = next(number for number, event in enumerate(events) if event["event"] == "run" and number)

    with pytest.raises(BadTrace, match=f"line {at + 2}: span_id: expected one that no other run has"):
        read(written([*events[: at + 1], events[at], *events[at + 1 :]]))


def test_nothing_comes_after_the_end_of_a_child() -> None:
    """An attempt of a run that is over is told by its line."""
    events = lines(GOOD)
    at = next(number for number, event in enumerate(events) if event["event"] == "end")

    with pytest.raises(BadTrace, match=f"line {at + 2}: event: expected nothing after the `end` of the run"):
        read(written([*events[: at + 1], events[at - 1]]))


def test_an_attempt_that_is_written_twice_has_its_children_once() -> None:
    """Children are told once, however often the id of their attempt comes."""
    events = lines(GOOD)
    at = next(number for number, event in enumerate(events) if event.get("state") == "look")
    found = read(written([*events[: at + 1], events[at], *events[at + 1 :]]))

    assert [len(each.children) for each in found.stages if each.state == "look"] == [2, 0]


@pytest.mark.parametrize("key", ["steps", "child", "parent_id", "span_id", "label", "output", "event"])
@pytest.mark.parametrize("value", [..., None, True, -1, 1.5, "x", [], {}, 10**30], ids=str)
def test_any_one_value_changed_is_refused_or_sound(key: str, value: Any) -> None:
    """With one key missing or wrong anywhere, a trace is refused by its line, or read as a tree."""
    events = lines(GOOD)
    for number, event in enumerate(events):
        if key not in event:
            continue
        changed = {**event, key: value}
        if value is ...:
            del changed[key]
        assert is_sound([*events[:number], changed, *events[number + 1 :]])


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_mangled_traces_are_refused_or_sound(data: st.DataObject) -> None:
    """A trace whose lines are left out, doubled or in another order gives a tree or a `BadTrace`."""
    events = lines(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        here, there = (data.draw(st.integers(0, len(events) - 1)) for _ in range(2))
        match data.draw(st.sampled_from(["out", "twice", "elsewhere", "parent"])):
            case "out":
                del events[here]
            case "twice":
                events.insert(there, events[here])
            case "elsewhere":
                events.insert(there, events.pop(here))
            case _:
                spans = [event["span_id"] for event in events]
                events[here] = {**events[here], "parent_id": spans[there]}
    assert is_sound(events)


def test_many_orphans_are_read_in_no_time() -> None:
    """Twenty thousand runs of which nobody knows who started them are read in seconds."""
    opening, *_ = lines(Told(REPORT_MACHINE))
    orphans = [
        {**opening, "span_id": f"r{number}", "parent_id": f"p{number}", "child": 0}
        for number in range(20_000)
    ]
    assert len(all_runs(read(written([opening, *orphans])))) > 1


def test_a_real_run_is_read_with_its_children() -> None:
    """What a runner writes of a run with children is read as the tree that it was."""
    events: list[dict[str, Any]] = []

    async def fetch(name: str) -> str:
        if name == "bad":
            raise Permanent("no such source")
        return name.upper()

    runner = family(read=READ, all=reading(width=2, tolerate=1))
    result = asyncio.run(
        runner.run({"names": ["a", "bad", "c"]}, steps={"read_all.fetch": fetch}, trace=events.append)
    )
    found = read(written(events))
    (mapped,) = found.stages

    assert [child.key for child in mapped.children] == [0, 1, 2]
    assert [child.recording.end for child in mapped.children] == ["done", "failed", "done"]
    assert [child.recording.given for child in mapped.children] == [{"name": n} for n in ("a", "bad", "c")]
    assert mapped.steps == 4
    assert found.spent == result.spent._asdict()
    assert (found.output, found.strays) == (["A", None, "C"], 0)


def test_trees_of_text_are_those_of_files(tmp_path: Any) -> None:
    """A file is read as its text is."""
    from fsmflow.analysis.traces.recording import read_file

    path = tmp_path / "trace.jsonl"
    path.write_text(text(DEEP), encoding="utf-8")

    assert read_file(path) == recording(DEEP)
    assert source("web").key == "web"
