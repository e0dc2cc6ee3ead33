"""Answers that come in parts, and what becomes of those that never come to their end."""

from __future__ import annotations

import asyncio
import json

import pytest

from fsmflow.spec import Budget, Cost, End, Llm, Model
from tests.runtime.model_server import drips, fails, part, says, sends, serving, streams
from tests.runtime.workbench import compiled, outcomes, seconds

USAGE = {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}


@pytest.fixture
def stream(tmp_path, monkeypatch):
    """Stream a run of one state, `draft`, against a server with a script; give its events."""
    (tmp_path / "draft.md").write_text("Question: {{ question }}", encoding="utf-8")
    monkeypatch.setenv("OPENAI_API_KEY", "none")

    def run(server, **state):
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        draft = Llm(
            **{
                "llm": Model(model="small", prompt="draft.md", max_tokens=100),
                "with_": {"question": "$input"},
                "cost": Cost(tokens=1_000),
                "timeout": seconds(20),
                "success": "given",
                "fallback": "failed",
                **state,
            }
        )
        states = {"draft": draft, "given": End(end="success", output="$draft")}
        runner = compiled(states, budget=Budget(steps=9))
        runner.folder = tmp_path

        async def main():
            return [event async for event in runner.stream("Why?")]

        return asyncio.run(main())

    return run


def test_words_are_told_as_they_come(stream):
    """A stream has each part of an answer as an event, and the attempt's output is all of them together."""
    with serving(streams(part("It "), part("adds."), part(finish="stop", usage=USAGE))) as server:
        events = stream(server)

    assert [e["text"] for e in events if e["event"] == "chunk"] == ["It ", "adds."]
    assert [e["event"] for e in events] == ["run", "start", "chunk", "chunk", "attempt", "end"]
    (attempt,) = [e for e in events if e["event"] == "attempt"]
    assert (attempt["output"], attempt["use"]["tokens"]) == ("It adds.", 11)
    assert {e["span_id"] for e in events if e["event"] == "chunk"} == {attempt["span_id"]}


def test_an_endpoint_that_does_not_stream_is_heard_all_the_same(stream):
    """A reply that comes whole, though it was to come in parts, is an answer, and one part of it."""
    with serving(says("It adds.")) as server:
        events = stream(server)

    assert server.asked[0]["stream"] is True
    assert [e["text"] for e in events if e["event"] == "chunk"] == ["It adds."]
    (attempt,) = [e for e in events if e["event"] == "attempt"]
    assert (attempt["outcome"], attempt["output"], attempt["use"]["tokens"]) == ("success", "It adds.", 123)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_only_its_own_line_ends_end_the_lines_of_a_stream(stream, ending):
    """However the bytes of a stream come in, what is no line end of its standard is a part of the words."""
    words = "é\u2028\u2029\x85 😀"
    parts = [json.dumps(each, ensure_ascii=False) for each in (part(words), part(finish="stop"))]
    lines = [": hello", "", *(line for each in parts for line in ("event: part", f"data:{each}", ""))]
    with serving(drips(("\ufeff" + ending.join(lines) + ending).encode())) as server:
        events = stream(server)

    (attempt,) = [e for e in events if e["event"] == "attempt"]
    assert (attempt["outcome"], attempt["output"]) == ("success", words)


PARTS = [
    {"type": "thinking", "thinking": "Hm."},
    {"type": "text", "text": "It "},
    {"type": "text", "text": "adds."},
]


@pytest.mark.parametrize("reply", [streams(part(PARTS), part(finish="stop")), says(PARTS)])
def test_words_may_come_as_a_list(stream, reply):
    """Content that is a list of parts is read as the text in it, whether it is streamed or not."""
    with serving(reply) as server:
        events = stream(server)

    assert [e["text"] for e in events if e["event"] == "chunk"] == ["It adds."]
    (attempt,) = [e for e in events if e["event"] == "attempt"]
    assert (attempt["outcome"], attempt["output"]) == ("success", "It adds.")


def test_who_answered_is_told_of_a_stream_too(stream):
    """The trace says which model answered, by which id, and what it read and wrote, streamed or not."""
    filtered = {"id": "", "model": "", "choices": [], "prompt_filter_results": []}
    counted = {"id": "1", "model": "m", "choices": [], "usage": USAGE}
    with serving(streams(filtered, part("It adds."), part(finish="stop"), counted)) as server:
        events = stream(server)

    (attempt,) = [e for e in events if e["event"] == "attempt"]
    assert attempt["model"]["answered_by"] == "m"
    assert attempt["model"]["answer_id"] == "1"
    assert attempt["use"]["tokens"] == 11


BROKEN = {
    "it ends without an end": streams(part("It ")),
    "the connection is closed": streams(part("It "), done=False, cut=True),
    "a part is no JSON": streams(part("It "), "{nonsense"),
    "a part is an error": streams(part("It "), {"error": {"message": "overloaded"}}),
    "nothing comes": streams(),
    "a choice is no object": streams({"choices": ["It adds."]}),
    "a call has no number": streams(part(tool_calls=[{"index": "first"}])),
    "a choice that comes whole is no object": sends({"choices": ["It adds."]}),
    "the server refuses": fails(503),
    "what comes whole is no answer": sends({"error": {"message": "overloaded"}}),
    "what comes whole is no object": sends([1]),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_stream_is_transient_and_never_a_success(stream, how):
    """However a stream breaks off, the attempt is transient, and what it declared counts."""
    with serving(BROKEN[how]) as server:
        events = stream(server)

    (attempt,) = [e for e in events if e["event"] == "attempt"]
    assert (attempt["outcome"], len(server.asked)) == ("transient", 1)
    assert attempt["use"]["tokens"] == 1_000


def test_a_slow_stream_is_cut_off_by_its_timeout(stream):
    """A stream that drips on past the attempt's timeout is cut off."""
    slow = streams(*(part("x") for _ in range(100)), pause=0.05)
    with serving(slow) as server:
        events = stream(server, timeout=seconds(0.4))

    (attempt,) = [e for e in events if e["event"] == "attempt"]
    assert attempt["outcome"] == "transient"
    assert "its timeout" in attempt["message"]


def test_an_endless_stream_is_given_up(stream, monkeypatch):
    """An answer that goes on and on is given up, however fast it comes."""
    monkeypatch.setattr("fsmflow.runtime.models.streaming.MOST_TEXT", 10_000)
    with serving(streams(*(part("spam" * 100) for _ in range(1_000)))) as server:
        events = stream(server)

    (attempt,) = [e for e in events if e["event"] == "attempt"]
    assert (attempt["outcome"], attempt["message"]) == ("transient", "the answer goes on and on")


def test_nobody_watching_means_no_stream(stream, tmp_path, monkeypatch):
    """Without anyone who follows the run, the answer is asked for whole."""
    from tests.runtime.model_server import says

    with serving(says("It adds.")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        draft = Llm(
            llm=Model(model="small", prompt="draft.md", max_tokens=100),
            with_={"question": "$input"},
            cost=Cost(tokens=1_000),
            timeout=seconds(20),
            success="given",
            fallback="failed",
        )
        runner = compiled({"draft": draft, "given": End(end="success", output="$draft")})
        runner.folder = tmp_path
        result = runner.run_sync("Why?")

    assert outcomes(result) == [("draft", "success")]
    assert "stream" not in server.asked[0]
