"""Traces read back from a file."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsmflow.analysis.traces.lines import BadTrace
from fsmflow.analysis.traces.recording import Recording, read, read_file
from fsmflow.runtime.run import Error
from tests.recorded import record_script
from tests.sample import machine

MACHINE = machine(
    "draft: {run: m:f, cost: {tokens: 10, tool_calls: 1}, timeout: 4s, success: rest,"
    " retry: {times: 2, jitter: none}, fallback: lost}\n"
    "rest: {wait: 1s, success: check}\n"
    "check: {run: m:f, timeout: 4s, success: {ok: done, again: {to: draft, times: 2, else: lost}},"
    " fallback: lost}\ndone: {end: success, output: $draft}\nlost: {end: failed}"
)
RECORDED = record_script(MACHINE, "t s s:again s f", {"question": "é\u2028\x1b[31m"})
OPENING, *EVENTS, CLOSING = (json.loads(line) for line in RECORDED.lines)


def text_of(*events: Any) -> str:
    return "".join(f"{json.dumps(event)}\n" for event in events)


def test_a_trace_says_what_the_run_did():
    """Stages, ledger, end and input of the run are all there, each pause told from each wait."""
    found, result = RECORDED.recording, RECORDED.result

    assert [(s.state, s.visit, s.attempt, s.outcome, s.label) for s in found.stages] == [
        (s.state, s.visit, s.attempt, s.outcome, s.label) for s in result.trace
    ]
    assert [s.elapsed_us for s in found.stages] == [s.elapsed_us for s in result.trace]
    assert [s.kind for s in found.stages[:4]] == ["attempt", "pause", "attempt", "wait"]
    assert found.stages[0].error == "the service\x1b[31m did not answer"
    assert found.stages[2].use == {"tool_calls": 1, "tokens": 5, "micro_usd": 0}
    assert (found.end, found.kind, found.error) == ("lost", "failed", result.error)
    assert found.spent == result.spent._asdict()
    assert found.given == {"question": "é\u2028\x1b[31m"}
    assert (found.workflow, found.digest, found.trace_id) == ("sample", MACHINE.digest, result.trace_id)
    assert [s.number for s in found.stages] == list(range(1, len(result.trace) + 1))
    last = found.stages[-1]
    assert found.total_us == last.start_us + last.elapsed_us


def test_a_trace_that_breaks_off_is_of_a_run_that_is_not_over():
    """Cut at any character past its first line, a trace is read up to the last whole line."""
    whole = RECORDED.text
    first = len(RECORDED.lines[0]) + 1
    for cut in range(first, len(whole) - 2):
        found = read(whole[:cut])
        assert (found.end, found.output) == (None, None)
        assert len(found.stages) in {whole[first:cut].count("\n"), whole[first : cut + 1].count("\n")}
    assert read(whole[:-1]) == read(whole)


def test_a_run_that_is_not_over_has_used_what_its_stages_used():
    """Without its end, a trace's ledger is the sum of its stages and of late charges."""
    late = {**EVENTS[0], "event": "late", "use": {"tool_calls": 0, "tokens": 100, "micro_usd": 3}}

    found = read(text_of(OPENING, *EVENTS[:3], late))

    assert found.spent == {"steps": 2, "tool_calls": 2, "tokens": 110, "micro_usd": 3, "time_us": 1_080_000}
    assert [(charge.after, charge.use["tokens"]) for charge in found.late] == [(3, 100)]


def test_a_file_may_break_off_within_a_character(tmp_path):
    """Half of a character at the end of a file is a line that breaks off."""
    path = tmp_path / "trace.jsonl"
    line = json.dumps({**EVENTS[0], "message": "é"}, ensure_ascii=False).encode()
    path.write_bytes(f"{json.dumps(OPENING)}\n".encode() + line[: line.index("é".encode()) + 1])

    assert read_file(path).stages == ()


def test_a_mark_before_the_text_is_no_part_of_it():
    """A trace that an editor has put a byte order mark before is the same trace."""
    assert read("\ufeff" + text_of(OPENING, *EVENTS, CLOSING)) == read(text_of(OPENING, *EVENTS, CLOSING))


def test_events_of_a_later_version_are_passed_over():
    """An event of a kind that is not known, whatever it holds, changes nothing."""
    later = {"event": "checkpoint", "trace_id": 5}

    assert read(text_of(OPENING, later, *EVENTS, CLOSING, later)) == RECORDED.recording


def test_escapes_stay_data():
    """Control characters in a trace are kept as they are: whoever shows them makes them safe."""
    found = read(text_of({**OPENING, "workflow": "\x1b]0;x\x07", "input": "\x00"}))

    assert (found.workflow, found.given) == ("\x1b]0;x\x07", "\x00")


def attempt_to_read(text: str) -> Recording | str:
    """Give what is read of a trace, or why it is refused."""
    try:
        return read(text)
    except BadTrace as refused:
        return str(refused)


def opened(**changes: Any) -> str:
    return text_of({**OPENING, **changes})


def attempted(**changes: Any) -> str:
    return text_of(
        {**OPENING, "start_ns": 5_000}, {**EVENTS[0], "start_ns": 5_000, "end_ns": 6_000, **changes}
    )


def closed(**changes: Any) -> str:
    return text_of(OPENING, {**CLOSING, **changes})


BAD: dict[str, tuple[str, str]] = {
    "empty": ("", "line 1: expected the `run` event"),
    "no JSON": ("hello\n", "line 1: expected a JSON document"),
    "no JSON, no line": ("hello", "line 1: expected a JSON document"),
    "cut in the first line": (RECORDED.lines[0][:50], "line 1: expected the `run` event"),
    "a list": ("[]\n", "line 1: expected a JSON object, not a list"),
    "no schema": (text_of({"event": "run"}), "line 1: schema: expected fsmflow.trace/1, but it is missing"),
    "another schema": (opened(schema="fsmflow.trace/2"), "line 1: schema: expected fsmflow.trace/1, not"),
    "another document": (text_of({"schema": "fsmflow.run/1"}), "not 'fsmflow.run/1'"),
    "no run": (opened(event="attempt"), "line 1: event: expected `run`"),
    "garbage later": (opened() + "{oops}\n", "line 2: expected a JSON document"),
    "garbage at the end": (opened() + "oops", "line 2: expected a JSON document"),
    "two runs": (RECORDED.text + RECORDED.text, f"line {len(RECORDED.lines) + 1}: event: a second run"),
    "two runs at once": (attempted(trace_id="f" * 32), "line 2: trace_id: expected that of the run"),
    "more after the end": (text_of(OPENING, CLOSING, EVENTS[0]), "line 3: event: expected nothing after"),
    "a bool": (attempted(visit=True), "line 2: visit: expected a whole number from 1 on, not True"),
    "a float": (attempted(visit=1.0), "line 2: visit: expected a whole number from 1 on, not 1.0"),
    "none": (attempted(attempt=0), "line 2: attempt: expected a whole number from 1 on, not 0"),
    "huge": (opened(start_ns=10**30), "line 1: start_ns: expected a whole number from 0 on, not 1000"),
    "too huge": ('{"schema": ' + "9" * 5000 + "}\n", "line 1: "),
    "before the run": (attempted(start_ns=5), "line 2: start_ns: expected a time that is no sooner"),
    "backwards": (attempted(end_ns=5), "line 2: end_ns: expected a time that is no sooner"),
    "NaN": (attempted(output=float("nan")), "line 2: expected JSON, which has no number NaN"),
    "infinite": ('{"schema": 1e999}\n', "line 1: expected a number that fits, not '1e999'"),
    "twice": ('{"schema": 1, "schema": 2}\n', "line 1: expected each key once, but 'schema' is there again"),
    "deep": ("[" * 100_000 + "]" * 100_000 + "\n", "line 1: expected JSON that is not as deep"),
    "half a character": ('{"schema": "\\ud800"}\n', "line 1: expected text, not half of a character"),
    "half a character, plain": ("\ud800", "expected text, not half of a character"),
    "wrong use": (
        attempted(use={"tokens": 1}),
        "line 2: use: expected a whole number for each of tool_calls",
    ),
    "less than nothing": (attempted(use={"tool_calls": 0, "tokens": -1, "micro_usd": 0}), "line 2: use"),
    "wrong complaints": (attempted(complaints=[1]), "line 2: complaints: expected a list of texts"),
    "wrong draw": (attempted(draw=1), "line 2: draw: expected a number from 0 to below 1, not 1"),
    "wrong kind": (closed(kind="great"), "line 2: kind: expected one of success"),
    "wrong error": (closed(error="x"), "line 2: error: expected a mapping or null"),
    "wrong in an error": (closed(error={"state": 1}), "line 2: error.state: expected text, not 1"),
    "an escape": (closed(kind="\x1b[31m"), "not '\\x1b[31m'"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_trace_is_refused_in_words(name):
    """Each kind of bad trace is told with its line and what was expected there, in plain characters."""
    text, said = BAD[name]

    with pytest.raises(BadTrace) as refused:
        read(text)

    assert said in str(refused.value)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("key", sorted({*OPENING, *EVENTS[0], *CLOSING}))
@pytest.mark.parametrize("value", [..., None, True, -1, 1.5, "x", [], {}, 10**30], ids=str)
def test_any_one_value_changed_is_refused_or_sound(key, value):
    """With one key missing or wrong anywhere, a trace is refused by line and key, or read as a recording."""
    for number, event in enumerate((OPENING, EVENTS[0], CLOSING), 1):
        if key not in event:
            continue
        changed = {**event, key: value}
        if value is ...:
            del changed[key]
        events = [OPENING, EVENTS[0], CLOSING]
        events[number - 1] = changed
        found = attempt_to_read(text_of(*events))
        # Another id is told at the line that has the old one.
        where = (f"line {number}: {key}", "line 2: trace_id")
        assert isinstance(found, Recording) or found.startswith(where)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_mangled_traces_are_refused_or_sound(data):
    """A trace with bytes cut out or put in gives a recording or a `BadTrace`, and never anything else."""
    text = RECORDED.text
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 30)))
        text = text[:start] + data.draw(st.text(max_size=5)) + text[end:]
    found = attempt_to_read(text)
    assert isinstance(found, Recording) or found.startswith("line ")


def test_a_line_longer_than_any_run_writes_is_refused(tmp_path, monkeypatch):
    """A line past the longest is refused before all of it is read."""
    monkeypatch.setattr("fsmflow.analysis.traces.lines.LONGEST_LINE", 1_000)
    path = tmp_path / "trace.jsonl"
    path.write_text(text_of({**OPENING, "input": "x" * 2_000}), encoding="utf-8")

    with pytest.raises(BadTrace, match="line 1: expected at most 1,000 bytes"):
        read_file(path)


def test_a_folder_is_no_trace(tmp_path):
    """What is no file is refused by name."""
    with pytest.raises(BadTrace, match="expected a file"):
        read_file(tmp_path)


def test_an_error_is_read_as_the_run_knew_it():
    """The latest way out is an `Error` again."""
    found = read(text_of(OPENING, CLOSING)).error

    assert found == Error("check", "failure", "<b>refused</b>", (), None)


def test_a_long_trace_is_read_whole():
    """Of five thousand attempts, each is a stage."""
    assert len(read(text_of(OPENING, *[EVENTS[0]] * 5_000)).stages) == 5_000
