"""The planner, the tools and the steps of `tool_loop`."""

from pathlib import Path

import pytest
import tool_loop
from tool_loop import (
    Answer,
    Arithmetic,
    Conversion,
    Fact,
    Note,
    plan_offline,
    report,
    rests_on_notes,
    says_something,
)
from tool_loop.planner import decompose, next_call
from tool_loop.tools import FACTS, calculate, convert, look_up, reckon

from fsmflow.cli.load import load
from fsmflow.runtime import Permanent
from tests.runtime.model_server import calls, serving

SPEC = Path(__file__).resolve().parents[2] / "specs" / "tool_loop.fsm.yaml"


def work_out(question, context):
    """Drive the steps as the machine does, and give the last label, what it says and the tools used."""
    notes = None
    used = []
    for _ in range(12):
        outcome = plan_offline(question, notes, context())
        if outcome.label in ("answer", "stuck"):
            return outcome.label, outcome.value.text, used
        used.append(outcome.label)
        notes = getattr(tool_loop, outcome.label)(outcome.value, notes)
    raise AssertionError("the plan goes on for ever")


@pytest.mark.parametrize(
    ("question", "answer", "used"),
    [
        ("How many minutes are there between 2024-02-27 and 2024-03-01?", "4320", ["calendar", "units"]),
        ("How many days are between 2023-02-27 and 2023-03-01?", "2", ["calendar"]),
        ("What day of the week is 100 days after 2024-02-27?", "Thursday", ["calendar", "calendar"]),
        ("What date is 3 months before 2024-05-31?", "2024-02-29", ["calendar"]),
        ("Which weekday was 2000-01-01?", "Saturday", ["calendar"]),
        ("What is 12 * (3 + 4) / 7?", "12", ["calculator"]),
        ("What is 15% of 240 plus 1,000?", "1036", ["calculator"]),
        ("What is 2 to the power of 10 minus 24?", "1000", ["calculator"]),
        ("How many seconds are there in 2.5 hours?", "9000", ["units"]),
        ("Convert 90 min to h.", "1.5", ["units"]),
        ("What is 3 km plus 500 m in miles?", "2.174799", ["units", "calculator", "units"]),
        (
            "How many hours does it take to drive 300 km at 60 mph?",
            "3.106856",
            ["units", "units", "calculator", "units"],
        ),
        (
            "How many minutes does light take for the distance to the sun?",
            "8.316746",
            ["lookup", "lookup", "calculator", "units"],
        ),
        ("How many feet is the height of Mount Everest?", "29032.152231", ["lookup", "units"]),
    ],
)
def test_questions_are_worked_out_step_by_step(question, answer, used, context):
    """Each question takes these tools, in this order, to this answer."""
    assert ("answer", answer, used) == work_out(question, context)


@pytest.mark.parametrize(
    ("question", "why"),
    [
        ("Who is the president?", "no rule"),
        ("", "no rule"),
        ("What is 1/0?", "division by zero"),
        ("How many fortnights are between 2024-02-27 and 2024-03-01?", "unknown unit"),
        ("How many hours are in 3 kg?", "kg is a mass"),
        ("How many days are between 2024-02-30 and 2024-03-01?", "range"),
        ("What is 9**9**9?", "power"),
    ],
)
def test_what_can_not_be_done_is_said(question, why, context):
    """The plan gives up, with the tool's own reason, rather than answer another question."""
    label, reason, _ = work_out(question, context)

    assert label == "stuck"
    assert why in reason


def test_a_plan_never_looks_past_its_calls():
    """More results than calls is a sign of a foreign note."""
    assert next_call("What is 1 + 1?", ["2", "3"]) is None


def test_a_question_in_any_case_and_spacing_is_one_question():
    """Case, line breaks and the question mark do not matter."""
    assert decompose("CONVERT  90 min\nto H?!") == [("units", "90 min to h")]


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("2 + 3 * 4", "14"),
        ("-(2 ** 3)", "-8"),
        ("1 / 3", "0.333333"),
        ("0.1 + 0.2", "0.3"),
        ("7 // 2 + 7 % 2", "4"),
        ("1 / 1000000", "0.000001"),
        ("2 / 3 / 1000000", "0.00000066667"),
        ("-1 / 8", "-0.125"),
    ],
)
def test_arithmetic_is_exact(expression, result):
    """Decimals are decimals, and only what is shown is rounded."""
    assert calculate(expression) == result


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "1 +",
        "a",
        "f(1)",
        "[1]",
        "True",
        "'a'",
        "1 if 1 else 2",
        "1j",
        "(" * 100 + ")" * 100,
        "2 ** 0.5",
        "2 ** 999",
        "9 ** 256 ** 256",
        "0 ** -1",
        "1 % 0",
        "1" * 201,
        "__import__('os')",
        "1e999999",
        "0x10 ** 3\0",
    ],
)
def test_what_is_no_arithmetic_is_refused(expression):
    """Nothing but bounded arithmetic is evaluated."""
    with pytest.raises(ValueError, match=r"\w"):
        calculate(expression)


@pytest.mark.parametrize(
    ("request_", "result"),
    [
        ("90 min to h", "1.5"),
        ("1 mile to km", "1.609344"),
        ("60 mph to m/s", "26.8224"),
        ("8 bits to bytes", "1"),
        ("-2 km to m", "-2000"),
        ("1 KM TO M", "1000"),
    ],
)
def test_units_are_converted(request_, result):
    """By their exact definitions."""
    assert convert(request_) == result


@pytest.mark.parametrize(
    "request_", ["", "h to min", "1 h", "1 parsec to m", "1 kg to m", "1.2.3 m to km", "1 m/s/s to m"]
)
def test_what_is_no_conversion_is_refused(request_):
    """Unknown units and unlike dimensions are named."""
    with pytest.raises(ValueError, match=r"\w"):
        convert(request_)


@pytest.mark.parametrize(
    ("request_", "result"),
    [
        ("days 2024-02-27 2024-03-01", "3"),
        ("days 2024-03-01 2024-02-27", "-3"),
        ("weekday 2024-02-29", "Thursday"),
        ("2024-01-31 plus 1 month", "2024-02-29"),
        ("2024-02-29 plus -1 years", "2023-02-28"),
        ("2024-01-31 plus 2 weeks", "2024-02-14"),
    ],
)
def test_the_calendar_knows_leap_years_and_short_months(request_, result):
    """A month after the 31st is the last of a shorter month."""
    assert reckon(request_) == result


@pytest.mark.parametrize(
    "request_",
    [
        "",
        "days 2024-02-30 2024-03-01",
        "weekday tomorrow",
        "2024-01-01 plus 9999999 years",
        "weekday ２０２４-01-01",
        "2024-01-01 plus 9999999 days",
        "2024-01-01 plus 1 fortnight",
        "0001-01-01 plus -1 months",
    ],
)
def test_what_no_calendar_says_is_refused(request_):
    """Dates that are none, and shifts out of the calendar."""
    with pytest.raises(ValueError, match=r"\w"):
        reckon(request_)


def test_an_unknown_fact_is_refused():
    """The table is closed."""
    with pytest.raises(ValueError, match="nothing is known"):
        look_up("meaning of life")


def test_notes_add_up():
    """A tool's note joins those before it, and a failure is a note too."""
    first = tool_loop.calculator(Arithmetic("1 + 1"), None)
    second = tool_loop.units(Conversion("1 x to y"), first)

    assert first == [Note("calculator", "1 + 1", "2")]
    assert second == [*first, Note("units", "1 x to y", "", "unknown unit 'x'")]


def test_rules_cost_nothing(context):
    """What plans in the place of a model charges nothing."""
    ctx = context()

    assert plan_offline("What is 1 + 1?", None, ctx).value == Arithmetic("1 + 1")
    assert ctx.charged == {"tokens": 0, "usd": 0}


def test_a_model_is_told_of_each_fact():
    """The tool that looks them up names them all."""
    assert all(name in " ".join(Fact.__doc__.split()) for name in FACTS)


def test_a_model_works_a_question_out(monkeypatch):
    """It calls one tool after another, hears what each says, and answers with what they gave."""
    with serving(
        calls("shell", {"text": "rm"}),
        calls("calculator", {"text": "3 * 30"}),
        calls("units", {"text": "90 min to h"}),
        calls("answer", {"text": "It takes 1.5 h."}),
    ) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        result = load(SPEC).run_sync({"text": "How many hours are 3 times 30 minutes?"})

    assert (result.kind, result.output.text) == ("success", "It takes 1.5 h.")
    assert [note.result for note in result.output.notes] == ["90", "1.5"]
    assert [tool["function"]["name"] for tool in server.asked[0]["tools"]] == list(tool_loop.CALLS)
    assert "none of the tools" in server.asked[1]["messages"][-1]["content"]
    assert '"1.5"' in server.asked[3]["messages"][-1]["content"]


def test_an_answer_out_of_thin_air_is_planned_again(monkeypatch):
    """A model that uses no tool is told so once, and then what little is known is reported."""
    with serving(calls("answer", {"text": "It is 1.5 h."})) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        result = load(SPEC).run_sync({"text": "How many hours are 3 times 30 minutes?"})

    assert (result.kind, len(server.asked)) == ("handoff", 2)
    assert "holds no result of a tool" in server.asked[1]["messages"][-1]["content"]


def test_calls_that_say_nothing_or_too_much_are_rejected():
    """Each with its complaint."""
    assert says_something(Arithmetic("1 + 1")) == []
    assert "empty" in says_something(Arithmetic("  "))[0]
    assert "longer than" in says_something(Arithmetic("1" * 300))[0]


def test_an_answer_rests_on_a_result():
    """An answer out of thin air is rejected."""
    note = Note("calculator", "1 + 1", "2")

    assert rests_on_notes(Answer("It is 2.", [note])) == []
    assert rests_on_notes(Answer("It is 3.", [note])) != []
    assert rests_on_notes(Answer("It is 2.", [])) != []


def test_a_report_says_how_far_it_came():
    """What was found stands in it; with nothing found there is no report."""
    assert "1 + 1 is 2" in report([Note("calculator", "1 + 1", "2"), Note("units", "x", "", "no")]).text
    with pytest.raises(Permanent):
        report(None)
    with pytest.raises(Permanent):
        report([Note("units", "x", "", "no")])
