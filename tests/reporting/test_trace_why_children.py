"""Why runs with people and children ended as they did."""

from __future__ import annotations

import json

from attrs import evolve

from fsmflow.analysis.traces.recording import read
from fsmflow.reporting import trace_json
from fsmflow.reporting.trace_why import explain
from tests.told import (
    BAD,
    CHAIN,
    MACHINES,
    MIDDLE_MACHINE,
    REPORT,
    REPORT_MACHINE,
    SOURCE_CALLEE,
    SOURCE_MACHINE,
    TOP_MACHINE,
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
    well,
    written,
)


def told(run: Told, *known: str) -> str:
    """Explain a run, with these machines of children."""
    machines = {name: MACHINES[name] for name in known}
    return explain(run.machine, recording(run), machines).text


def test_why_goes_down_to_the_child_that_failed() -> None:
    """The step is said to have failed since children did, and then why the first of those did."""
    assert told(BAD, "source") == (
        "The run ended in `partial` (degraded). `read` failed, since 3 of 20 runs of `source` failed, and 2 "
        "may, so its fallback was taken, to `short`. `short` succeeded, which led to `partial`.\n\n"
        "In `read[3]`, the run of `source` ended in `lost` (failed). `fetch` failed (HTTP 404), so its "
        "fallback was taken, to `lost`. 2 other runs of `source` failed in the same way."
    )


def test_why_says_what_a_trace_alone_tells_of_a_child() -> None:
    """Without the child's machine, or with one of another version, its failing step is still named."""
    said = "In `read[3]`, the run of `source` ended in `lost` (failed). `fetch` failed (HTTP 404). 2 other"
    other = evolve(SOURCE_MACHINE, start="note")

    assert said in told(BAD)
    assert said in explain(REPORT_MACHINE, recording(BAD), {"source": other}).text


def test_why_goes_down_as_deep_as_it_must() -> None:
    """Children of children are told too, each in a paragraph of its own, from the outside in."""
    machines = {"middle": MIDDLE_MACHINE, "source": SOURCE_MACHINE}
    outer, middle, inner = explain(TOP_MACHINE, recording(CHAIN), machines).text.split("\n\n")

    assert outer.endswith(
        "`go` failed, since its run of `middle` failed, so its fallback was taken, to `bad`."
    )
    assert middle == (
        "In `go`, the run of `middle` ended in `bad` (failed). `each` failed, since 1 of 3 runs of `source` "
        "failed, so its fallback was taken, to `bad`."
    )
    assert inner == (
        "In `go / each[1]`, the run of `source` ended in `lost` (failed). `fetch` failed (HTTP 500), so its "
        "fallback was taken, to `lost`."
    )
    assert len(explain(TOP_MACHINE, recording(CHAIN)).text.split("\n\n")) == 3


def test_why_tells_of_those_that_failed_otherwise() -> None:
    """Runs that failed in another way than the first are counted apart."""
    runs = list(sources(6, [1, 4]))
    runs[5] = evolve(runs[5], events=(runs[5].events[0], badly("no words")))
    text = told(report(Ran("failure", tuple(runs), "3 of 6"), well(), items=6), "source")

    assert (
        "1 other run of `source` failed in the same way. 1 other run of `source` failed in another way."
        in text
    )


def test_why_tells_a_failure_that_is_not_the_childrens() -> None:
    """A map over too many items runs no child: its own message is told."""
    said = "what is mapped over has 30 items, and may have 20 at most"

    assert f"`read` failed ({said})" in told(report(badly(said), well()), "source")


def test_why_tells_of_people() -> None:
    """An answer and the lack of one are told as that."""
    silent = report(Ran("success", sources(2)), badly("nobody answered within 2 d"), well())
    heard = report(Ran("success", sources(2)), answered("again"), badly("no plan"), well())

    assert "`approve` got no answer (nobody answered within 2 d), so its fallback was taken" in told(silent)
    assert "`approve` was answered `again`, which led to `plan`" in told(heard)


def test_why_says_that_some_children_may_fail() -> None:
    """A step that succeeded though children failed is told with how many."""
    run = report(Ran("success", sources(4, [1])), answered("again"), badly("no plan"), well())
    text = explain(
        REPORT_MACHINE, evolve(recording(run), stages=recording(run).stages[:3], end=None, kind=None)
    ).text

    assert "`read` succeeded, though 1 of 4 runs of `source` failed, which led to `approve`" in text


def test_why_says_where_a_killed_run_was() -> None:
    """A run that breaks off within children was last seen in the step that had started them."""
    events = lines(BAD)
    runs = [number for number, event in enumerate(events) if event["event"] == "run"]

    for at, told in ((6, "4 runs, of which 3 were over"), (4, "2 runs, of which 1 was over")):
        text = explain(REPORT_MACHINE, read(written(events[: runs[at] + 1]))).text
        assert f"it was last seen in a step that had started {told}." in text


def test_why_in_json_has_the_children() -> None:
    """What is said of children stands below what is said of the run."""
    found = json.loads(
        trace_json.render_why(recording(BAD), explain(REPORT_MACHINE, recording(BAD), MACHINES))
    )
    (child,) = found["children"]

    assert (child["place"], child["child"], child["workflow"]) == ("read[3]", 3, "source")
    assert (child["alike"], child["otherwise"]) == (2, 0)
    assert [move["target"] for move in child["transitions"]] == ["lost"]
    good = recording(report(Ran("success", sources(2)), badly("x"), well()))
    assert "children" not in json.loads(trace_json.render_why(good, explain(REPORT_MACHINE, good)))


def test_why_counts_the_steps_of_children_and_no_waiting_for_people() -> None:
    """What was used when the budget left no room is what was on the ledger: children's steps, no answers."""
    steps = named("report", REPORT, [SOURCE_CALLEE], budget="{steps: 66, exceeded: lost}")
    early = Told(steps, BAD.events[:2], BAD.given)
    time = named("report", REPORT, [SOURCE_CALLEE], budget="{time: 401s, exceeded: lost}")
    slow = Ran("success", tuple(source(n, us=400_900_000) for n in range(2)))
    late = Told(time, (*BAD.events[:2], slow, answered("send")), BAD.given)

    assert "6 of 66 steps were used, and it may need 61 steps, 1 step too much" in told(early)
    assert ": 6 min 41.06 s of 6 min 41 s were used, and any attempt takes time" in told(late)
