"""What a review page says of people and of the runs of children."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fsmflow.backends.diagram import extract
from fsmflow.compiler import compile_file
from fsmflow.review.content import Review, Run, content
from fsmflow.review.page import render
from tests.review.reviewed import data_of
from tests.told import BAD, GOOD, Ran, Told, badly, recording, report, source, sources, specs, well


@pytest.fixture
def reviewed(tmp_path: Path) -> Review:
    return review(tmp_path, GOOD, BAD)


def review(folder: Path, *runs: Told) -> Review:
    """Review the report, with runs of it."""
    found = compile_file(specs(folder))
    assert found.analysis is not None
    return Review(
        analysis=found.analysis,
        report=found.report,
        proof=found.analysis.proof,
        runs=tuple(Run(f"run-{number}.jsonl", recording(run)) for number, run in enumerate(runs, 1)),
    )


def told(reviewed: Review) -> dict[str, Any]:
    return content(reviewed, extract(reviewed.analysis.machine))


def state(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in found["states"] if each["name"] == name)


def stage(found: dict[str, Any], run: int, name: str) -> dict[str, Any]:
    number = [each["name"] for each in found["states"]].index(name)
    return next(each for each in found["runs"][run]["stages"] if each["state"] == number)


def test_a_state_says_which_workflows_it_runs_and_how(reviewed: Review) -> None:
    """The contract names children and what they run on; the limits say how many, and what they may use."""
    found = told(reviewed)
    read, look = state(found, "read"), state(found, "look")

    assert read["role"] == "map"
    assert read["contract"][:3] == [["map", "source"], ["over", "$plan"], ["with", "url = $item"]]
    assert look["contract"][:2] == [["parallel", "web: source"], ["parallel", "docs: source"]]
    assert state(found, "publish")["contract"][:1] == [["call", "source"]]
    assert ["items", "at most 20, 4 at a time"] in read["limits"]
    assert ["failures", "at most 2"] in read["limits"]
    assert ["steps", "61 an attempt"] in read["limits"]
    assert ["time", "400 s"] in read["limits"] or ["time", "6 min 40 s"] in read["limits"]
    assert not any(name == "timeout" for name, _ in read["limits"])


def test_a_state_says_where_its_workflow_is(reviewed: Review) -> None:
    """Beside its own place in the spec stands that of the workflow that it runs, each once."""
    (spec, workflow) = state(told(reviewed), "look")["places"]

    assert spec[0] == "spec"
    assert workflow[0] == "workflow"
    assert workflow[1].endswith("source.fsm.yaml")


def test_a_question_says_what_is_asked_of_whom(reviewed: Review) -> None:
    """The contract of a question is what is asked and shown, and how long an answer is waited for."""
    found = state(told(reviewed), "approve")

    assert found["role"] == "human"
    assert found["contract"] == [
        ["ask", "Is this report fit to be sent?"],
        ["show", "notes = $read"],
        ["role", "editor"],
    ]
    assert found["limits"] == [["waits", "at most 2 d for an answer; on no budget"]]
    assert [way["on"] for way in found["ways"]] == ["send", "again", "again, cap reached", "no answer"]


def test_a_stage_lists_the_runs_that_it_started(reviewed: Review) -> None:
    """Each is told by its key, with its end, its time, what it used, and why it failed."""
    runs = stage(told(reviewed), 1, "read")["children"]

    assert len(runs) == 20
    assert runs[0] == {
        "name": "[0]",
        "workflow": "source",
        "kind": "success",
        "end": "noted",
        "time": 80_000,
        "use": {"steps": 2, "tool_calls": 1, "tokens": 500, "micro_usd": 4_000},
    }
    assert (runs[3]["kind"], runs[3]["why"]) == ("failed", "fetch: HTTP 404")
    assert stage(told(reviewed), 1, "read")["steps"] == 38
    assert "children" not in stage(told(reviewed), 1, "plan")


def test_an_answer_is_told_with_what_was_shown(reviewed: Review) -> None:
    """What a person saw and gave are values of the page, as those of an attempt."""
    found = told(reviewed)
    asked = stage(found, 0, "approve")

    assert (asked["kind"], asked["label"]) == ("question", "send")
    assert found["values"][asked["given"]]["map"][0][0] == "notes"
    assert "use" not in asked


def test_a_question_that_nobody_answers_is_a_failure(tmp_path: Path) -> None:
    """It is what the run failed at, and counts as a failure of its state."""
    silent = report(Ran("success", sources(2)), badly("nobody answered"), badly("no"))
    found = told(review(tmp_path, silent))
    (run,) = found["runs"]

    assert run["failing"] == 5
    (table, _) = found["steps"]
    row = next(row for row in table["rows"] if row["state"] == "approve")
    assert dict(zip(table["columns"], (cell[0] for cell in row["cells"]), strict=True))["failures"] == 1


def test_waiting_for_people_is_no_time_of_a_step(reviewed: Review) -> None:
    """The table of a run has the time that is on its ledger."""
    table = told(reviewed)["steps"][0]
    time = table["columns"].index("time")

    assert sum(row["cells"][time][0] for row in table["rows"]) == recording(GOOD).spent["time_us"]


def test_attempts_are_counted_as_attempts(reviewed: Review) -> None:
    """An attempt that counts as many steps is one attempt, in runs and in the worst case."""
    *_, worst = told(reviewed)["steps"]
    column = worst["columns"].index("attempts")
    row = next(row for row in worst["rows"] if row["state"] == "read")

    assert row["cells"][column][0] == 2  # the person may send it back once


def test_the_page_is_written(tmp_path: Path) -> None:
    """All of it is in the page, as data that means nothing to HTML."""
    hostile = report(Ran("failure", (source("</script><b>", fails="<img src=x>"),)), well())
    page = render(review(tmp_path, hostile))

    assert "<img src=x>" not in page
    assert data_of(page)["runs"][0]["stages"][2]["children"][0]["name"] == "</script><b>"
