"""A real fault-injecting server, the real client, and the outcome that each fault must land in.

llmock (https://github.com/JulienRabault/LLMock) sees every attempt on the wire and judges the client.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import pytest

from fsmflow.spec import Budget, Cost, Duration, End, Llm, Model, Retry
from tests.runtime.workbench import compiled, reask, seconds

pytest.importorskip("llmock", reason="pip install 'fsmflow[test]' brings it")

from llmock.scenarios import (
    Behavior,
    Delay,
    Fail,
    Reply,
    SlowFirstToken,
    StreamFault,
    ToolCall,
    ToolFault,
)
from llmock.testing import LLMockServer
from llmock.verdict import judge

ME = "tests.runtime.test_llm_against_llmock"
RETRIES = 2
PATIENCE_S = 10


@attrs.frozen
class Search:
    """What the one tool takes."""

    query: str


@pytest.fixture(scope="module")
def server() -> Iterator[LLMockServer]:
    """One server for all, on loopback."""
    with LLMockServer() as running:
        yield running


@pytest.fixture
def run(server: LLMockServer, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a state that asks the server, through a script of faults; judge the client when it is over."""
    (tmp_path / "draft.md").write_text("Question: {{ question }}", encoding="utf-8")
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url("openai"))
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    server.state.reset()

    def running(faults: Sequence[Behavior], *, is_streamed: bool, tools: bool = False) -> list[str]:
        for fault in faults:
            server.state.scenarios.add(fault)
        asked: dict[str, Any] = {"model": "gpt-4o-mini", "prompt": "draft.md", "max_tokens": 400}
        if tools:
            asked["tools"] = {"search": f"{ME}:Search"}
        draft = Llm(
            llm=Model(**asked),
            with_={"question": "$input"},
            cost=Cost(tokens=4_000),
            timeout=seconds(1.6),
            success={"search": "given"} if tools else "given",
            retry=Retry(times=RETRIES, backoff=Duration(60_000), factor=2, cap=Duration(2_000_000)),
            invalid=reask(1),
            fallback="failed",
        )
        states = {"draft": draft, "given": End(end="success", output="$draft")}
        runner = compiled(states, budget=Budget(steps=9))
        runner.folder = tmp_path

        async def main() -> Any:
            sink = {"trace": lambda _: None, "live": True} if is_streamed else {}
            result = await runner.run("Why?", **sink)  # type: ignore[misc]
            assert asyncio.all_tasks() == {asyncio.current_task()}
            return result

        result = asyncio.run(main())
        said = [span.outcome for span in result.trace if span.outcome != "elapsed"]
        until = time.monotonic() + PATIENCE_S
        while len(server.state.journal.records()) < len(said) and time.monotonic() < until:
            # What the client gave up is on record when the server has noticed.
            time.sleep(0.01)
        on_the_wire = server.state.journal.records()
        assert len(on_the_wire) == len(said), "one attempt is one wire call"
        assert {record.sdk_retry_count for record in on_the_wire} <= {None, 0}, "the client retries nothing"
        judge(on_the_wire).assert_ok()
        return said

    return running


WHOLE: dict[str, tuple[list[Behavior], list[str]]] = {
    "nothing": ([], ["success"]),
    "429, with Retry-After": ([Fail(429, retry_after=0.5)], ["transient", "success"]),
    "429 twice": ([Fail(429, retry_after=0.2, times=2)], ["transient", "transient", "success"]),
    "500": ([Fail(500)], ["transient", "success"]),
    "503, again and again": ([Fail(503, times=None)], ["transient"] * (RETRIES + 1)),
    "529": ([Fail(529)], ["transient", "success"]),
    "a timeout": ([Delay(2.5)], ["transient", "success"]),
    "400": ([Fail(400)], ["failure"]),
    "401": ([Fail(401)], ["failure"]),
    "404": ([Fail(404)], ["failure"]),
    "422": ([Fail(422)], ["failure"]),
    "an answer cut short": ([Reply("The", finish_reason="length")], ["invalid", "success"]),
    "a content filter": ([Reply("The", finish_reason="content_filter")], ["failure"]),
    "a Retry-After past the cap": ([Fail(429, retry_after=60)], ["transient"]),
}

STREAMED: dict[str, tuple[list[Behavior], list[str]]] = {
    "nothing": ([], ["success"]),
    "429, with Retry-After": ([Fail(429, retry_after=0.3)], ["transient", "success"]),
    "a disconnect": ([StreamFault("disconnect", after_chunks=2)], ["transient", "success"]),
    "a truncated stream": ([StreamFault("truncate", after_chunks=2)], ["transient", "success"]),
    "a corrupt chunk": ([StreamFault("malformed", after_chunks=2)], ["transient", "success"]),
    "a stall": ([StreamFault("stall", after_chunks=2, stall_seconds=2.5)], ["transient", "success"]),
    "a slow first token": ([SlowFirstToken(0.2)], ["success"]),
    "a first token too late": ([SlowFirstToken(2.5)], ["transient", "success"]),
}

TOOLS: dict[str, tuple[list[Behavior], list[str]]] = {
    "a call": ([Reply(tool_calls=(ToolCall("search", {"query": "sum"}),))], ["success"]),
    "malformed arguments": ([ToolFault("malformed_arguments")], ["invalid", "success"]),
    "an unknown tool": ([ToolFault("unknown_tool")], ["invalid", "success"]),
    "arguments of another type": (
        [Reply(tool_calls=(ToolCall("search", {"query": 5}),))],
        ["invalid", "success"],
    ),
    "an answer in words": ([Reply("I'd rather not.")], ["invalid", "success"]),
}


@pytest.mark.parametrize("how", WHOLE)
def test_a_whole_answer(run: Any, how: str) -> None:
    """Every fault of a whole answer lands in its declared outcome, and the client behaves."""
    faults, outcomes = WHOLE[how]

    assert run(faults, is_streamed=False) == outcomes


@pytest.mark.parametrize("how", STREAMED)
def test_a_streamed_answer(run: Any, how: str) -> None:
    """Every fault of a stream lands in its declared outcome, and the client behaves."""
    faults, outcomes = STREAMED[how]

    assert run(faults, is_streamed=True) == outcomes


@pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("how", TOOLS)
def test_a_call_of_a_tool(run: Any, how: str, is_streamed: bool) -> None:
    """Every fault of a call of a tool lands in its declared outcome, and the client behaves."""
    faults, outcomes = TOOLS[how]

    assert run(faults, is_streamed=is_streamed, tools=True) == outcomes
