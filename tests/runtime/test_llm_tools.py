"""Tools that a model chooses from: one call is a label with a value, and everything else is invalid."""

from __future__ import annotations

import asyncio
import dataclasses

import attrs
import pytest

from fsmflow.runtime import Invalid as InvalidOutput
from fsmflow.runtime.models import left_out
from fsmflow.runtime.models.answers import tool_of
from fsmflow.runtime.models.streamed_calls import StreamedCalls
from fsmflow.runtime.validation import validator
from fsmflow.spec import Budget, Cost, End, Invalid, Llm, Model
from tests.runtime.model_server import calls, part, says, sends, serving, streams
from tests.runtime.workbench import compiled, outcomes, retry, seconds

ME = "tests.runtime.test_llm_tools"


@attrs.frozen
class Search:
    """What is searched."""

    query: str


ANSWERS = {"prompt": "draft.md", "model": "small", "max_tokens": 100}


@pytest.fixture
def planner(tmp_path, monkeypatch):
    """Run a state `plan` that chooses between `search` and `answer`, against a server with a script."""
    (tmp_path / "draft.md").write_text("Question: {{ question }}", encoding="utf-8")
    monkeypatch.setenv("OPENAI_API_KEY", "none")

    def run(server, *, on_event=None, tools=None, **state):
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        asked = Model(**ANSWERS, tools=tools or {"search": f"{ME}:Search", "answer": "str"})
        plan = Llm(
            **{
                "llm": asked,
                "with_": {"question": "$input"},
                "cost": Cost(tokens=2_000),
                "timeout": seconds(20),
                "success": {"search": "searched", "answer": "answered"},
                "fallback": "failed",
                **state,
            }
        )
        states = {
            "plan": plan,
            "searched": End(end="success", output="$plan"),
            "answered": End(end="success", output="$plan"),
        }
        runner = compiled(states, budget=Budget(steps=9))
        runner.folder = tmp_path
        if on_event is None:
            return runner.run_sync("Why?")
        return asyncio.run(runner.run("Why?", trace=on_event, live=True))

    return run


def test_a_call_is_a_label_with_its_arguments_as_the_value(planner):
    """A call of a tool leads along the tool's arm, and its arguments, of the tool's type, are the value."""
    with serving(calls("search", {"query": "sum"})) as server:
        result = planner(server)

    assert (result.end, result.output) == ("searched", Search("sum"))
    (asked,) = server.asked
    assert asked["tool_choice"] == "required"
    assert [tool["function"]["name"] for tool in asked["tools"]] == ["search", "answer"]
    assert asked["tools"][0]["function"]["parameters"]["required"] == ["query"]


def test_what_is_no_object_stands_in_one(planner):
    """A tool that takes a text gets it as `value`, since arguments are an object on the wire."""
    with serving(calls("answer", {"value": "Because."}, finish="stop")) as server:
        result = planner(server)

    assert (result.end, result.output) == ("answered", "Because.")


WRONG = {
    "an unlisted tool": (
        calls("delete_all", {}),
        "'delete_all' is none of the tools: call one of search, answer",
    ),
    "no tool": (says("Because."), "the answer calls no tool: call one of search, answer"),
    "malformed arguments": (calls("search", '{"query": "su'), "the arguments of search are not JSON"),
    "arguments of another type": (calls("search", {"query": 5}), "search: .query: expected a string, found"),
    "unknown arguments": (calls("search", {"query": "a", "limit": 5}), "search: unexpected 'limit'"),
    "no name": (calls(None, {}), "None is none of the tools"),
    "a list of arguments": (calls("search", [1]), "the arguments of search are no JSON object"),
    "twice the same key": (calls("answer", '{"value": NaN}'), "the arguments of answer are not JSON"),
}


@pytest.mark.parametrize("how", WRONG)
def test_everything_else_is_invalid_and_asked_again_with_the_reason(planner, how):
    """A call that is none of those that were offered is invalid, and the model hears what was wrong."""
    reply, complaint = WRONG[how]
    with serving(reply, calls("answer", {"value": "Because."})) as server:
        result = planner(server, invalid=Invalid(times=1))

    assert outcomes(result) == [("plan", "invalid"), ("plan", "success")]
    assert complaint in result.trace[0].event.message
    assert complaint in server.asked[1]["messages"][-1]["content"]


def test_several_calls_at_once_are_invalid(planner):
    """Two calls in one answer are invalid: each tool is a state of its own."""
    one = {"id": "c", "type": "function", "function": {"name": "search", "arguments": "{}"}}
    with serving(says(None, finish="tool_calls", tool_calls=[one, one])) as server:
        result = planner(server)

    assert result.trace[0].event.complaints == ("the answer calls 2 tools: call one at a time",)


def test_a_call_that_comes_in_parts_is_put_together(planner):
    """A streamed call is the same call; usage comes with its last part."""
    first = [{"index": 0, "id": "c", "function": {"name": "search", "arguments": '{"que'}}]
    second = [{"index": 0, "function": {"arguments": 'ry": "sum"}'}}]
    usage = {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}
    with serving(
        streams(part(tool_calls=first), part(tool_calls=second), part(finish="tool_calls", usage=usage))
    ) as server:
        result = planner(server, on_event=[].append)

    assert (result.end, result.output, result.spent.tokens) == ("searched", Search("sum"), 11)
    assert server.asked[0]["stream"] is True


@attrs.frozen
class Sum:
    a: int


@dataclasses.dataclass(frozen=True)
class Plain:
    a: int


def test_a_tool_is_described_as_its_class_is(planner):
    """The model reads what an author says a tool's arguments are for, and nothing where nothing is said."""
    with serving(calls("answer", {"value": "So."})) as server:
        tools = {"search": f"{ME}:Search", "add": f"{ME}:Sum", "plain": f"{ME}:Plain", "answer": "str"}
        planner(server, tools=tools, success=dict.fromkeys(tools, "answered"))

    functions = [each["function"] for each in server.asked[0]["tools"]]
    told = {each["name"]: each.get("description") for each in functions}
    assert told == {"search": "What is searched.", "add": None, "plain": None, "answer": None}


@pytest.mark.parametrize("arguments", ["", " ", "{}"])
def test_a_call_without_arguments_has_none(arguments):
    """No arguments at all are those of a tool that needs none."""
    assert tool_of("list", dict[str, float], validator(dict[str, float])).read(arguments) == {}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ('{"a": 1e999}', "1e999 is too large a number"),
        ('{"a": NaN}', "NaN is no number"),
        ('{"a": 1, "a": 2}', "a key is there twice"),
        ('{"a": 1} so', "Extra data"),
    ],
)
def test_a_model_is_told_what_is_wrong_with_its_json(arguments, why):
    """What is no JSON, or holds what no JSON may, is sent back with the reason."""
    with pytest.raises(InvalidOutput, match=why):
        tool_of("add", dict[str, float], validator(dict[str, float])).read(arguments)


REFUSED = (
    "Thinking mode does not support this tool_choice",
    "tool_choice 'required' is incompatible with thinking enabled",
    "Thinking may not be enabled when tool_choice forces tool use.",
)


@pytest.mark.parametrize("why", REFUSED)
def test_an_endpoint_that_refuses_to_have_the_model_call_a_tool(planner, why, monkeypatch):
    """Models that think first can't always be made to call a tool: the next attempt leaves it to them."""
    monkeypatch.setattr(left_out, "_refused", set())
    refusal = sends({"error": {"message": why, "type": "invalid_request_error"}}, 400)
    with serving(refusal, says("Because."), calls("answer", {"value": "So."})) as server:
        result = planner(server, retry=retry(1), invalid=Invalid(times=1))

    assert [o for _, o in outcomes(result) if o != "elapsed"] == ["transient", "invalid", "success"]
    refused = "the endpoint refuses `tool_choice`, which the next attempt leaves out: "
    assert result.trace[0].event.message.startswith(refused)
    assert why in result.trace[0].event.message
    assert result.trace[0].event.use == (0, 0, 0)
    assert [asked.get("tool_choice") for asked in server.asked] == ["required", None, None]
    assert all(asked["tools"] for asked in server.asked)


def called(name=None, arguments=None, **call):
    """Make a part of a call of a tool."""
    function = {key: said for key, said in (("name", name), ("arguments", arguments)) if said is not None}
    return {"function": function, **call}


ARGUMENTS = '{"query": "sum"}'

PARTS = {
    "one call without a number": [called("search", ARGUMENTS, id="c")],
    "its arguments apart, without a number": [called("search", id="c"), called(arguments=ARGUMENTS)],
    "the name in each part": [
        called("search", ARGUMENTS[:5], index=0, id="c"),
        called("search", ARGUMENTS[5:], index=0, id="c"),
    ],
    "an empty name in each further part": [
        called("search", ARGUMENTS[:5], index=0, id="c"),
        called("", ARGUMENTS[5:], index=0, id=""),
    ],
    "arguments that are no text": [called("search", {"query": "sum"}, index=0)],
    "a call in no list": [called("search", ARGUMENTS, index=0)],
    "no type, no id": [called("search", ARGUMENTS[:5], index=0), called(arguments=ARGUMENTS[5:], index=0)],
}


@pytest.mark.parametrize("how", PARTS)
@pytest.mark.parametrize("finish", ["tool_calls", "stop"])
def test_a_call_is_put_together_however_its_parts_are_marked(planner, how, finish):
    """Each endpoint marks the parts of a call in its own way; they make up the same call."""
    wrapped = [each if how == "a call in no list" else [each] for each in PARTS[how]]
    with serving(streams(*(part(tool_calls=each) for each in wrapped), part(finish=finish))) as server:
        result = planner(server, on_event=[].append)

    assert (result.end, result.output) == ("searched", Search("sum"))


SEVERAL = {
    "all of one number": [
        called("search", ARGUMENTS, index=0, id="a"),
        called("answer", '{"value": "So."}', index=0, id="b"),
    ],
    "none numbered": [called("search", ARGUMENTS, id="a"), called("search", ARGUMENTS, id="b")],
    "without anything": [called("search", ARGUMENTS), called("search", ARGUMENTS)],
    "numbered": [called("search", ARGUMENTS, index=0), called("search", ARGUMENTS, index=1)],
}


@pytest.mark.parametrize("how", SEVERAL)
@pytest.mark.parametrize("together", [False, True], ids=["in parts", "together"])
def test_several_streamed_calls_are_not_taken_for_one(planner, how, together):
    """Two calls are two, however they are marked, and the model hears that they were."""
    parts = [SEVERAL[how]] if together else [[each] for each in SEVERAL[how]]
    with serving(streams(*(part(tool_calls=each) for each in parts), part(finish="tool_calls"))) as server:
        result = planner(server, on_event=[].append)

    assert result.trace[0].event.complaints == ("the answer calls 2 tools: call one at a time",)


def test_no_end_of_calls_is_put_together(planner):
    """An answer that calls tools without end is no answer, and is not gone through again for each of them."""
    many = [part(tool_calls=[called("search", index=number)]) for number in range(200)]
    with serving(streams(*many, part(finish="tool_calls"))) as server:
        result = planner(server, on_event=[].append)

    assert outcomes(result) == [("plan", "transient")]


def test_arguments_may_be_an_object(planner):
    """Some endpoints give arguments as they are, and not as text; they are held to the same type."""
    one = {"id": "0", "type": "function", "function": {"name": "search"}}
    for arguments, outcome in (({"query": "sum"}, "success"), ({"query": 5}, "invalid"), (None, "invalid")):
        call = {**one, "function": {"name": "search", "arguments": arguments}}
        with serving(says(None, finish="stop", tool_calls=[call])) as server:
            result = planner(server)

        assert outcomes(result) == [("plan", outcome)]
    assert result.trace[0].event.complaints == ("search: .query: missing",)


def test_the_parts_of_a_call_are_joined_once():
    """A part is not put behind all that came before it: what is long would be copied again with each."""
    added = []

    class Text(str):
        __slots__ = ()

        def __radd__(self, other):
            added.append(len(other))
            return other + str(self)

    calls_ = StreamedCalls()
    for said in ('{"query": ', '"sum"', "}"):
        calls_.add(called("search", Text(said), index=0))

    assert calls_.whole() == [{"function": {"name": "search", "arguments": ARGUMENTS}}]
    assert added == []


def test_a_call_of_no_number_is_no_part_of_an_answer(planner):
    """A number that is none, as one beyond all numbers, is the endpoint's fault, which may pass."""
    for number in ("1e999", '"first"', "[]"):
        call = f'{{"index": {number}, "function": {{"name": "search"}}}}'
        bad = f'{{"choices": [{{"delta": {{"tool_calls": [{call}]}}}}]}}'
        with serving(streams(bad, part(finish="tool_calls"))) as server:
            result = planner(server, on_event=[].append)

        assert outcomes(result) == [("plan", "transient")]


INTERLEAVED = {
    "a number, and then none": [
        called("search", ARGUMENTS[:5], index=0, id="a"),
        called(arguments=ARGUMENTS[5:]),
    ],
    "an id that comes late": [
        called("search", ARGUMENTS[:5], index=0),
        called(arguments=ARGUMENTS[5:], index=0, id="a"),
    ],
    "a name that comes late": [called(arguments=ARGUMENTS[:5], id="a"), called("search", ARGUMENTS[5:])],
}


@pytest.mark.parametrize("how", INTERLEAVED)
def test_what_marks_a_call_may_come_with_a_later_part(how):
    """A number, an id or a name that one part lacks does not make another call of it."""
    calls_ = StreamedCalls()
    for each in INTERLEAVED[how]:
        calls_.add(each)

    assert calls_.whole() == [{"function": {"name": "search", "arguments": ARGUMENTS}}]


def test_the_last_call_goes_on():
    """A part without marks belongs to the call that came last, and an id that came late tells two apart."""
    calls_ = StreamedCalls()
    for each in (
        called("search", "{", id="a"),
        called("answer", "[", id="b"),
        called(arguments="]"),
        called("search", "", index=3),
        called(arguments="1", index=3, id="c"),
        called("search", "2", index=3, id="d"),
    ):
        calls_.add(each)

    assert [each["function"]["arguments"] for each in calls_.whole()] == ["{", "[]", "1", "2"]
