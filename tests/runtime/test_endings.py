"""How an answer came to its end, as endpoints say it, each in words of its own."""

from __future__ import annotations

from typing import Any

import pytest

from fsmflow.runtime import Invalid, Permanent, Transient
from fsmflow.runtime.model import Model
from fsmflow.runtime.models.endings import content_of, message_of
from fsmflow.runtime.models.json_answers import json_object
from fsmflow.runtime.models.streamed_calls import StreamedCalls

ASKED = Model("small", "draft.md", max_tokens=100)
TOOLS = ASKED._replace(tools=(("search", "str"),))


def ended(finish: Any, message: Any, model: Model = ASKED) -> Any:
    """Read a reply of one answer."""
    return message_of({"choices": [{"finish_reason": finish, "message": message}]}, model)


@pytest.mark.parametrize("finish", ["BLOCKLIST", "SPII", "sensitive", "recitation: x"])
def test_every_filter_is_final(finish: str) -> None:
    """What a filter stopped it would stop again, by whatever name it goes."""
    with pytest.raises(Permanent, match="filter"):
        ended(finish, {"content": "It"})


@pytest.mark.parametrize("finish", ["tool_calls", "function_call", "tool_use", " stop\n"])
def test_every_call_is_an_end(finish: str) -> None:
    """Where tools are offered, an answer may end in a call of one, by whatever name that goes."""
    assert ended(finish, {"content": "It"}, TOOLS) == {"content": "It"}


def test_what_was_cut_short() -> None:
    """A call that is cut short is one; thoughts that never end leave no room for an answer."""
    with pytest.raises(Invalid, match="was cut short at 100 tokens"):
        ended("length", {"content": None, "tool_calls": [{}]}, TOOLS)
    with pytest.raises(Invalid, match="went into thoughts"):
        ended("length", {"content": "<think>Hm."})


def test_a_reason_is_told_where_it_says_more() -> None:
    """The endpoint's own word is told where it is another one than ours, and no further than it is short."""
    for finish, error, said in (
        ("content_filter", Permanent, "a content filter stopped the answer"),
        ("error", Transient, "the endpoint failed in the middle of the answer"),
    ):
        with pytest.raises(error) as told:
            ended(finish, {"content": "It"})
        assert str(told.value) == said
    for finish, kind in (("abort:" + "x" * 500, Transient), ("x" * 500, Invalid)):
        with pytest.raises(kind) as told:
            ended(finish, {"content": "It"})
        assert len(str(told.value)) < 200


@pytest.mark.parametrize("message", ["It adds.", ["It"], 5])
def test_a_message_of_no_shape_is_none(message: Any) -> None:
    """What stands in the place of a message, and is none, is no answer."""
    with pytest.raises(Transient):
        ended("stop", message)


def test_blanks_are_no_answer() -> None:
    """An answer of blanks is empty."""
    with pytest.raises(Invalid, match="empty"):
        content_of({"content": " \n"})


def test_json_may_speak_of_the_end_of_thoughts() -> None:
    """A mark of thoughts within JSON is a part of it."""
    assert json_object('{"text": "So </think> {}"}') == {"text": "So </think> {}"}


def test_an_id_that_comes_late_tells_two_calls_apart() -> None:
    """Of one number, what has another id is another call, also where the first said its id late."""
    calls = StreamedCalls()
    for id_ in ("", "a", "b"):
        calls.add({"index": 0, "id": id_, "function": {"name": "search", "arguments": id_}})

    assert [each["function"]["arguments"] for each in calls.whole()] == ["a", "b"]


@pytest.mark.parametrize(
    "text",
    ['So:\n\t```json\n{"a": "x"}\n\t```\t', '\r\n```\r\n{"a": "x"}\r\n```'],
)
def test_a_fence_may_be_set_in_by_any_blanks(text: str) -> None:
    """How a fence is set in, and how its lines end, does not matter."""
    assert json_object(text) == {"a": "x"}


def test_a_line_in_json_ends_where_json_says() -> None:
    """What ends a line elsewhere may stand in the JSON within a fence, be there marks behind it or not."""
    assert json_object('So:\n```\n{"a": "x\u2028```\u2028"}\n```') == {"a": "x\u2028```\u2028"}


@pytest.mark.parametrize(
    "text", ['```{"a": 1}\n{"a": 2}\n```', '```json\n{"a": 1}\n```json', "```js on\n{}\n```"]
)
def test_what_is_no_fence_is_not_read_as_one(text: str) -> None:
    """What stands beside the marks of a fence may be a part of the answer, so that nothing is chosen."""
    with pytest.raises(Invalid, match="not JSON"):
        json_object(text)


def test_a_number_without_end_is_not_told_whole() -> None:
    """A complaint about a number holds its beginning."""
    with pytest.raises(Invalid) as told:
        json_object('{"a": ' + "9" * 4_000 + ".0e9}")
    assert len(str(told.value)) < 200


def test_thoughts_may_begin_after_blanks() -> None:
    """Blanks before thoughts are no words of an answer."""
    assert content_of({"content": "\n <think>Hm.</think>It adds."}) == "It adds."


def test_an_empty_part_is_of_no_call() -> None:
    """A part that says nothing of a call begins none; of the others it is told how long they are."""
    calls = StreamedCalls()
    assert calls.add({"index": 0, "id": "a", "function": {}}) == 0
    assert calls.add({"index": 0, "id": "b", "function": {"name": "add", "arguments": "{}"}}) == 5
    assert len(calls.whole()) == 1
