"""What the page says is what is proved, what a run did, and what changed."""

from __future__ import annotations

import json
from typing import Any

from attrs import evolve

from fsmflow.analysis.traces.recording import UnderWay
from fsmflow.backends.diagram import extract
from fsmflow.review._values import Values
from fsmflow.review._ways import BUDGET, Ways
from fsmflow.review.content import Review
from tests.review.reviewed import SPEC, attempt, compiled, review, run_of, told

FAILING = run_of(
    attempt("search", output=["a", "b"]),
    attempt("draft", label="poor", input={"passages": ["a", "b"]}),
    attempt("search", "failure", message="the index is gone", where="answers.py:7"),
    end="give_up",
    kind="degraded",
)


def restored(values: list[Any], number: int) -> Any:
    """Build a value from the table."""
    value = values[number]
    if isinstance(value, dict):
        if "list" in value:
            return [restored(values, each) for each in value["list"]]
        if "map" in value:
            return {key: restored(values, each) for key, each in value["map"]}
        return int(value["number"])
    return value


def state(found: dict[str, Any], name: str) -> dict[str, Any]:
    """Find a state by its name."""
    return next(each for each in found["states"] if each["name"] == name)


def test_every_number_is_of_a_state_an_edge_or_a_value() -> None:
    """Every reference in the data leads somewhere."""
    found = told(review(SPEC, FAILING, base=SPEC.replace("times: 2", "times: 1")))
    states, edges = range(len(found["states"])), {*range(len(found["edges"])), BUDGET}
    for each in found["states"]:
        assert all(way["target"] in states for way in each["ways"])
    (run,) = found["runs"]
    for stage in run["stages"]:
        assert stage["state"] in states
        assert set(stage.get("by", [])) <= edges
        assert {stage["given"], stage["output"]} <= set(range(len(found["values"])))
    for worst in found["proof"]["worst"]:
        assert {number for number, _ in worst["path"]["states"]} <= set(states)
        assert {number for number, _ in worst["path"]["edges"]} <= edges


def test_the_worst_case_is_that_of_the_proof() -> None:
    """Each metric stands with its bound, its budget and what is left."""
    reviewed = review()
    steps = next(m for m in told(reviewed)["overview"]["metrics"] if m["name"] == "steps")
    assert reviewed.proof is not None
    assert steps["most"] == str(reviewed.proof.bounds["steps"].upper)
    assert (steps["budget"], steps["known"]) == ("9", "exact")


def test_shares_of_the_worst_case_add_up() -> None:
    """The shares of all states in one metric are the whole of it."""
    found = told(review())
    shares = [w["share"] for each in found["states"] for w in each["worst"] if w["name"] == "steps"]
    assert abs(sum(shares) - 1) < 1e-9


def test_a_state_tells_its_contract_in_the_words_of_the_spec() -> None:
    """Call, arguments, limits and ways out are there, with the lines of the spec."""
    found = state(told(review()), "draft")
    assert ["call", "answers:draft"] in found["contract"]
    assert ["timeout", "5 s"] in found["limits"]
    assert ["retry", "at most 1, after 1 s, drawn at random below"] in found["limits"]
    loop = next(way for way in found["ways"] if way["on"] == "poor")
    assert loop["caps"] == "≤2 per run"
    assert SPEC.splitlines()[loop["line"] - 1].strip().startswith("poor:")
    assert found["places"] == [["spec", "specs/answers.fsm.yaml:15"]]
    assert ["with", "question = $input.text"] in state(told(review()), "search")["contract"]


def test_a_run_is_told_with_the_edges_it_took() -> None:
    """Each stage says by which edges the run came to it."""
    reviewed = review(SPEC, FAILING)
    found = told(reviewed)
    (run,) = found["runs"]
    edges = [
        [(found["edges"][n]["source"], found["edges"][n]["target"]) for n in each]
        for each in [*(stage.get("by", []) for stage in run["stages"]), run["last"]]
    ]
    names = [each["name"] for each in found["states"]]
    assert [[(names[a], names[b]) for a, b in each] for each in edges] == [
        [],
        [("search", "draft")],
        [("draft", "search")],
        [("search", "give_up")],
    ]
    assert run["failing"] == 3
    assert restored(found["values"], run["stages"][2]["error"]) == "the index is gone"
    assert [stage.get("where") for stage in run["stages"]] == [None, None, "answers.py:7"]


def test_a_run_of_another_version_is_said_to_be_one() -> None:
    """What this version can't have done is no path in the drawing."""
    (run,) = told(review(SPEC, run_of(attempt("draft", label="good"))))["runs"]
    assert run["note"] == "This version of the workflow can't do what the run did from stage 1 on."
    assert not any(stage.get("by") for stage in run["stages"])


def test_what_a_run_was_at_is_said_of_one_that_is_not_over() -> None:
    """Where a trace tells what had begun, the page does; where it does not, that it breaks off."""
    analysis = compiled().analysis
    assert analysis is not None
    run = evolve(run_of(attempt("search"), end=None), digest=analysis.machine.digest)
    at = evolve(run, under_way=(UnderWay("draft", "attempt", ()),))
    assert [told(review(SPEC, each))["runs"][0]["note"] for each in (run, at)] == [
        "The trace breaks off: the run was not over.",
        "The run was not over: draft was under way.",
    ]


def test_a_run_of_another_workflow_is_said_to_be_one() -> None:
    """Its name may be of any length, and is cut."""
    run = evolve(run_of(attempt("draft", label="good")), workflow="x" * 5_000)
    (found,) = told(review(SPEC, run))["runs"]
    assert found["note"].startswith("This is a run of another workflow, xxx")
    assert len(found["note"]) < 100


def test_a_trace_of_an_unknown_state_is_told_by_its_name() -> None:
    """A state that this version lacks has no number."""
    found = told(review(SPEC, run_of(attempt("gone"))))
    assert found["runs"][0]["stages"][0]["state"] == "gone"
    assert [row["state"] for row in found["steps"][0]["rows"]] == ["gone"]


def test_each_distinct_value_is_stored_once() -> None:
    """What a step gave and the next one took is one entry of the table, and comes back whole."""
    values = Values()
    given = {"passages": ["a", "b"], "deep": {"passages": ["a", "b"]}, "true": True, "one": 1, "float": 1.0}
    number = values.number(given)
    length = len(values.table)
    assert values.number(["a", "b"]) < length
    assert values.number(given) == number
    assert len(values.table) == length
    back = restored(json.loads(json.dumps(values.table)), number)
    assert back == given
    assert [type(back[key]) for key in ("true", "one", "float")] == [bool, int, float]


def test_large_numbers_stay_exact() -> None:
    """A number beyond what JavaScript holds is kept as its digits."""
    values = Values()
    assert restored(values.table, values.number(2**53 + 1)) == 2**53 + 1
    assert values.table == [{"number": "9007199254740993"}]


def test_values_are_told_without_their_tags() -> None:
    """A page shows a date as it is written, not what a trace has in its place."""
    found = told(review(SPEC, evolve(run_of(attempt("draft", label="good")), output={"$repr": "2026-01-01"})))

    assert restored(found["values"], found["runs"][0]["output"]) == "2026-01-01"


def test_values_deeper_than_any_trace_are_cut() -> None:
    """However deep a value is, it is told in bounded depth."""
    deep: Any = "end"
    for _ in range(900):
        deep = [deep]
    values = Values()
    values.number(deep)
    assert len(values.table) < 100


def test_the_table_of_a_run_counts_what_it_did() -> None:
    """Visits, attempts and failures are those of the stages."""
    table = told(review(SPEC, FAILING))["steps"][0]
    search = next(row for row in table["rows"] if row["state"] == "search")
    cells = dict(zip(table["columns"], search["cells"], strict=True))
    assert [cells[name][0] for name in ("visits", "attempts", "failures")] == [2, 2, 1]
    assert cells["time"] == [2000, "2 ms"]


def test_the_table_of_a_run_tells_times_at_a_glance() -> None:
    """What steps took is told to three digits, as everywhere of runs; what is proved is exact."""
    run = run_of(attempt("search", end_ns=897_341_000), attempt("draft", start_ns=0, end_ns=237_000))
    measured, proved = (
        {row["state"]: row["cells"] for row in t["rows"]} for t in told(review(SPEC, run))["steps"]
    )
    assert [897_341, "897 ms"] in measured["search"]
    assert [237, "237 µs"] in measured["draft"]
    assert [210_000_000, "3 min 30 s"] in proved["draft"]


def test_several_runs_are_added_up() -> None:
    """The table of all runs is their sum; the worst case comes last."""
    tables = told(review(SPEC, FAILING, FAILING))["steps"]
    assert [table["name"] for table in tables] == [
        "run-1.jsonl",
        "run-2.jsonl",
        "all 2 runs",
        "worst case",
    ]
    at = tables[0]["columns"].index("attempts")
    assert tables[2]["rows"][0]["cells"][at][0] == 2 * tables[0]["rows"][0]["cells"][at][0]


def test_a_broken_policy_comes_with_its_path() -> None:
    """The run that breaks a policy can be lit up in the drawing."""
    (kept, broken) = told(review())["proof"]["policies"]
    assert kept["verdict"] == "kept"
    assert broken["verdict"] == "broken"
    assert broken["run"] == "search → draft → search → draft"
    assert broken["path"]["edges"]


def test_the_change_is_worded_as_by_diff() -> None:
    """The worst case before and after comes with its percentage."""
    change = told(review(SPEC, base=SPEC.replace("steps: 9", "steps: 8")))["change"]
    steps = next(worst for worst in change["worst"] if worst["name"] == "steps")
    assert (steps["before"], steps["after"], steps["change"]) == ("8", "9", "+12.5 %")
    assert change["groups"][0]["title"] == "budget"


def test_without_a_proof_the_page_says_so() -> None:
    """Where errors leave unclear what a workflow means, nothing is claimed of it."""
    found = compiled(SPEC.replace("success: draft", "success: darft"))
    assert found.analysis is not None
    gathered = told(Review(found.analysis, found.report, None))
    assert gathered["overview"]["verdict"]["short"] == "Not proved"
    assert gathered["proof"] is None
    places = {said["check"]: said["place"] for said in gathered["checks"]}
    assert places["unknown-target"].startswith("specs/answers.fsm.yaml:13:")


def test_every_transition_has_its_edge() -> None:
    """Each way of the machine out of its state is an edge of the drawing, or the one of the budget."""
    found = compiled().analysis
    assert found is not None
    diagram = extract(found.machine)
    ways = Ways.of(found.machine, diagram)
    for way in found.machine.transitions:
        number = ways.number(way)
        if way.source == way.target:
            assert number is None
        elif number == BUDGET:
            assert (way.kind, way.target) == ("exceeded", diagram.exceeded)
        else:
            assert number is not None
            edge = diagram.edges[number]
            assert (edge.source, edge.target) == (way.source, way.target)


def test_a_model_that_calls_tools_is_told_with_them() -> None:
    """How a model answers is told of every way there is, and of tools what each takes."""
    text = SPEC.replace(
        "    run: answers:draft\n",
        "    llm: {model: m, prompt: p.md, max_tokens: 9, tools: {good: str, poor: 'answers:Poor'}}\n",
    )
    contract = state(told(review(text)), "draft")["contract"]
    assert ["answer", "a call of one of its tools, at most 9 tokens"] in contract
    assert ["tool", "good: str"] in contract
    assert ["tool", "poor: answers:Poor"] in contract
