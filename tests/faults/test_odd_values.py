"""Outputs that JSON has no word for, or only one word for two of."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from fsmflow.analysis.traces.recording import read_file
from fsmflow.analysis.traces.restoring import restored
from fsmflow.runtime import JsonLines
from fsmflow.spec import End
from fsmflow.testing.replaying import Replaying
from tests.runtime.workbench import compiled, step

HUGE = 10**400

ODD: dict[str, tuple[Any, Any]] = {
    "a set": ({3, 1, 2}, frozenset({1, 2, 3})),
    "keys that JSON makes one": ({1: "a", "1": "b"}, {1: "a", "1": "b"}),
    "true, one and the word": ({True: "a", "true": "b", "True": "c"}, {True: "a", "true": "b", "True": "c"}),
    "null as a key": ({None: 1, "null": 2}, {None: 1, "null": 2}),
    "not a number": ({"x": math.nan}, None),
    "infinity": ([math.inf, -math.inf], [math.inf, -math.inf]),
    "a huge number": (HUGE, {"$repr": f"a number of {HUGE.bit_length()} bits"}),
    "a large number": (2**900, 2**900),
    "bytes": (b"\x00\xff", b"\x00\xff"),
    "half of a character": ("\ud800", "\\ud800"),
    "what looks like a tag": ({"$set": [1]}, {"$set": [1]}),
}


@pytest.mark.parametrize("what", ODD)
def test_a_result_that_json_has_no_word_for_is_kept_apart(what: str, tmp_path: Path):
    """A set, `{1: …, "1": …}`, NaN or a huge number is written as valid JSON, read back, and replayed."""
    value, expected = ODD[what]
    states = {
        "a": step(success="b"),
        "b": step(with_={"found": "$a"}, success="given"),
        "given": End(end="success", output="$b"),
    }
    runner = compiled(states)
    got: list[Any] = []
    with JsonLines(tmp_path / "t.jsonl") as sink:
        steps = {"a": lambda: value, "b": lambda found: got.append(found) or found}
        result = runner.run_sync(None, steps=steps, trace=sink)
    for line in (tmp_path / "t.jsonl").read_text(encoding="utf-8").splitlines():
        json.loads(line, parse_constant=lambda constant: pytest.fail(constant))
    recording = read_file(tmp_path / "t.jsonl")
    again = Replaying(runner, recording)
    repeated = runner.run_sync(again.given, **again.options)
    output = restored(recording.output)

    assert repr(result.output) == repr(value) == repr(got[0])
    if what == "not a number":
        assert math.isnan(output["x"])
    else:
        assert output == expected
    assert (repeated.end, again.repeated) == ("given", 2)
