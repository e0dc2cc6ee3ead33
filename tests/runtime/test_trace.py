"""The trace: spans, plain data, and the lines that hold them."""

import asyncio
import enum
import json
import math
import os
import re
from collections import OrderedDict
from datetime import date
from decimal import Decimal
from itertools import pairwise

import attrs
import pytest

from fsmflow.runtime import JsonLines, StepContext, Transient
from fsmflow.runtime.trace import plain
from fsmflow.spec import Cost
from tests.runtime.shapes import Model, Passage, Point
from tests.runtime.workbench import compiled, reask, retry, run, step


def itself():
    """Make a list that holds itself."""
    found = []
    found.append(found)
    return found


def doubling(depth):
    """Make lists that share their items, so that written out they double at each level."""
    found = []
    for _ in range(depth):
        found = [found, found]
    return found


class Trap:
    """An object whose own code must never run."""

    def __getattr__(self, name):
        raise AssertionError(name)

    def __repr__(self):
        raise AssertionError

    __str__ = __iter__ = __len__ = __hash__ = __repr__


class TrapDict(dict):
    """A mapping whose own code must never run."""

    def items(self):
        raise AssertionError

    __iter__ = keys = values = __len__ = __getitem__ = items


@attrs.define
class Broken:
    """An attrs class with a field that was never set."""

    a: int = attrs.field(init=False)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (5, 5),
        (1.5, 1.5),
        ("é", "é"),
        (math.nan, {"$float": "nan"}),
        (math.inf, {"$float": "inf"}),
        (-math.inf, {"$float": "-inf"}),
        (b"\x00\xff", {"$bytes": "AP8="}),
        ({3, 1, 2}, {"$set": [1, 2, 3]}),
        (frozenset({"b", "a"}), {"$set": ["a", "b"]}),
        ({1: "a", "1": "b"}, {"$map": [[1, "a"], ["1", "b"]]}),
        ({None: 1}, {"$map": [[None, 1]]}),
        ({"$ref": 1, "a": 2}, {"$$ref": 1, "a": 2}),
        (OrderedDict(a=1), {"a": 1}),
        ((1, 2), [1, 2]),
        (Passage("t"), {"text": "t", "score": 0.0}),
        (Point(1), {"x": 1, "y": None}),
        (Model(name="n", age=1), {"name": "n", "age": 1}),
        (Trap(), {"$repr": "<tests.runtime.test_trace.Trap>"}),
        ("\ud800", "\\ud800"),
        ({"\ud800": "\udfff"}, {"\\ud800": "\\udfff"}),
        (Broken(), {"a": None}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_value_becomes_plain_data(value, expected):
    """What JSON lacks is tagged, and nothing is told to write itself."""
    assert plain(value) == expected
    json.dumps(plain(value), allow_nan=False).encode("utf-8")


@pytest.mark.parametrize(
    "value",
    [
        10**5000,
        itself(),
        doubling(70),
        {"a": {"b": [itself()]}},
        list(range(10**6)),
        "x" * 10**7,
        ["x" * 10**5] * 10**4,
        bytes(10**7),
        TrapDict(a=1),
        {f"{'k' * 1000}{i}": i for i in range(10_000)},
        type("Odd", (), {"model_fields": {"x": 1}})(),
        Trap,
        plain,
        {"\ud800": 1, "\\ud800": 2},
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_value_becomes_little_data(value):
    """However large, deep or circular a value is, its plain data is bounded and can be written."""
    text = json.dumps(plain(value), allow_nan=False, ensure_ascii=False)

    assert len(text.encode("utf-8")) < 20_000_000


def test_keys_that_would_fall_together_stay_apart():
    """Two keys that read alike once written are kept as pairs."""
    assert plain({"\ud800": 1, "\\ud800": 2}) == {"$map": [["\\ud800", 1], ["\\ud800", 2]]}


def test_data_that_imitates_a_tag_stays_data():
    """A value that looks like one of our tags can't be taken for one."""
    assert plain({"$float": "nan"}) == {"$$float": "nan"}
    assert plain({"$$float": "nan"}) == {"$$$float": "nan"}


async def work(ctx: StepContext, **given):
    """Fail, be rejected, then succeed; note the span."""
    SPANS.append((ctx.trace_id, ctx.span_id))
    if len(SPANS) == 1:
        raise Transient("busy")
    return "text" if len(SPANS) == 2 else 7


SPANS = []


def traced(**parts):
    """Run a step thrice, and give the trace's events."""
    SPANS.clear()
    events = []
    state = step(gives="int", with_={"x": "$input"}, retry=retry(1), invalid=reask(1), cost=Cost(tokens=3))
    result = run({"work": state}, {"work": work}, options={"trace": events.append}, **parts)
    return result, events


def test_every_stage_of_a_run_is_traced():
    """The trace tells of the run, each attempt and pause in order, and the end."""
    _, events = traced(given=5)

    assert [event["event"] for event in events] == ["run", "attempt", "pause", "attempt", "attempt", "end"]
    assert [event.get("outcome") for event in events[1:-1]] == ["transient", None, "invalid", "success"]
    assert [event.get("attempt") for event in events[1:-1]] == [1, 1, 2, 3]
    assert events[1]["input"] == {"x": 5}
    assert events[3]["complaints"] == ["expected a whole number, found a string"]
    assert events[4]["output"] == 7
    assert events[4]["use"] == {"tool_calls": 0, "tokens": 3, "micro_usd": 0}
    assert events[-1]["spent"]["tokens"] == 9


def test_ids_are_those_of_w3c_trace_context():
    """One trace id of 32 hex digits, span ids of 16, each of its own; the step sees its own."""
    result, events = traced()
    spans = [event["span_id"] for event in events[:-1]]

    assert {event["trace_id"] for event in events} == {result.trace_id}
    assert re.fullmatch("[0-9a-f]{32}", result.trace_id)
    assert all(re.fullmatch("[0-9a-f]{16}", span) for span in spans)
    assert len(set(spans)) == len(spans)
    assert [(result.trace_id, span) for span in (spans[1], spans[3], spans[4])] == SPANS
    assert {event.get("parent_id") for event in events[1:-1]} == {spans[0]}
    assert events[-1]["span_id"] == spans[0]


def test_spans_follow_one_another():
    """Each span starts no earlier than the one before it ended."""
    _, events = traced()
    for before, after in pairwise(events[1:-1]):
        assert before["start_ns"] <= before["end_ns"] <= after["start_ns"]


def test_the_result_has_the_whole_trace_without_a_sink():
    """Every attempt and pause is in the result's trace, sink or not."""
    SPANS.clear()
    state = step(retry=retry(1), with_={"x": "$input"})
    result = run({"work": state}, {"work": work}, given=1)

    assert [(s.state, s.outcome, s.attempt, s.arguments) for s in result.trace] == [
        ("work", "transient", 1, {"x": 1}),
        ("work", "elapsed", 1, {"x": 1}),
        ("work", "success", 2, {"x": 1}),
    ]


def test_a_trace_is_one_document_a_line(tmp_path):
    """A file of JSON lines holds anything that a step may say, each event when it happens."""
    path = tmp_path / "trace.jsonl"

    async def hostile():
        lines.append(path.read_text(encoding="utf-8").count("\n"))
        raise ValueError("\ud800\n\u2028\x00")

    lines = []
    with JsonLines(path) as sink:
        asyncio.run(
            compiled({"work": step()}).run(
                {"\udfff": math.nan, "line": "a\nb\u2028c"},
                steps={"work": hostile},
                trace=sink,
            )
        )
    documents = [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]

    assert lines == [1]
    assert [document["event"] for document in documents] == ["run", "attempt", "end"]


def test_a_file_of_lines_is_named_by_a_path_or_a_string(tmp_path):
    """A type checker lets a file be named in either way, as that of a runner."""
    with JsonLines(str(tmp_path / "trace.jsonl")):
        assert JsonLines.__init__.__annotations__["path"] == "str | Path"


def test_what_is_no_file_stays_open_to_others(tmp_path):
    """A pipe or a device that a private trace is written to is not closed to others, as a file is."""
    pipe, file = tmp_path / "pipe", tmp_path / "file"
    os.mkfifo(pipe)
    pipe.chmod(0o666)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    for path in (pipe, file):
        with JsonLines(path, is_private=True) as sink:
            sink({"event": "run"})
    told = os.read(reader, 100)
    os.close(reader)

    assert told == b'{"event": "run"}\n'
    assert (pipe.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o666, 0o600)


def test_dates_and_decimals_are_told_in_text():
    """What says all of itself in text, and has no word in JSON, is told so; a class of it is not asked."""

    class Sly(Decimal):
        def __str__(self):
            raise AssertionError("its own code was run")

    assert plain([date(2026, 1, 31), Decimal("1.50")]) == [{"$repr": "2026-01-31"}, {"$repr": "1.50"}]
    assert plain(Sly(1))["$repr"].endswith("Sly>")


def test_a_member_of_an_enumeration_is_told_by_its_value():
    """An enumeration says what it is written as in data; its own code is not run for it."""

    class Mood(enum.Enum):
        SURE = "sure"
        PAIR = (1, 2)

        @property
        def value(self):
            raise ValueError

        def __str__(self):
            raise ValueError

    class Size(enum.IntEnum):
        LARGE = 2

    assert plain([Mood.SURE, Mood.PAIR, Size.LARGE]) == ["sure", [1, 2], 2]
