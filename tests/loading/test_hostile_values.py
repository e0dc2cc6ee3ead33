"""Values of the wrong type or size: none is coerced, each is named where it stands."""

from __future__ import annotations

import pytest

HEAD = "workflow: w\nstates:\n"
TAIL = "  done: {end: success}\n"


def step(keys: str) -> str:
    return f"{HEAD}  a: {{run: m:f, success: done, fallback: done, {keys}}}\n{TAIL}"


@pytest.mark.parametrize("value", ["true", "'5'", "1.9", "'٣'", "٣", "null", "[5]", "{}", "5.0"])
def test_what_is_no_whole_number(told, value):
    """A boolean, a string, a fraction or another script's digit is no whole number."""
    (said,) = told(step(f"retry: {{times: {value}}}"))

    assert ("wrong-type", value) == (said.check, said.at)
    assert said.message.startswith("expected a whole number, found ")


@pytest.mark.parametrize("value", ['"false"', "no", "0", "1", "null"])
def test_what_is_no_boolean(told, value):
    """Only true and false are booleans, and "false" is not true."""
    (said,) = told(step(f"inline: {value}"))

    assert ("wrong-type", value) == (said.check, said.at)
    assert said.message.startswith("expected true or false, found ")


@pytest.mark.parametrize("value", ["null", "~", "5", "true", "[a]", "{a: b}"])
def test_what_is_no_string(told, value):
    """Null is not the string None."""
    (said,) = told(step(f"gives: {value}"))

    assert ("wrong-type", value) == (said.check, said.at)


@pytest.mark.parametrize("value", ["abc", "5", "{a: b}"])
def test_what_is_no_list(told, value):
    """A string is not a list of its characters."""
    (said,) = told(step(f"accept: {value}"))

    assert ("wrong-type", value) == (said.check, said.at)
    assert said.message.startswith("expected a list, found ")


def test_a_misspelt_key(told):
    """A misspelt key is never ignored, and the near one is offered."""
    said = told(step("retry: {tims: 3}, max_vists: 2"))

    assert {("tims", "did you mean `times`?")} == {(s.at, s.hint) for s in said if s.at == "tims"}
    assert {"unknown-key"} == {s.check for s in said}
    assert {"tims", "max_vists"} == {s.at for s in said}


@pytest.mark.parametrize("key", ["retry", "cost", "with"])
def test_a_list_where_a_mapping_is_expected(told, key):
    """A list is told from a mapping, in words."""
    (said,) = told(step(f"{key}: [1]"))

    assert (said.check, said.at) == ("wrong-type", "[1]")
    assert "a mapping" in said.message
    assert "found a list" in said.message


@pytest.mark.parametrize("text", [f"{HEAD}  - a\n", "workflow: w\nstates: 3\n", "workflow: w\nbudget: []\n"])
def test_the_wrong_container_at_the_top(told, text):
    """The top of a spec is checked like any other part."""
    assert "wrong-type" in {s.check for s in told(text)}


def test_a_missing_cap(told):
    """`retry` without `times` is refused: there is no default number of retries."""
    (said,) = told(step("retry: {backoff: 1s}"))

    assert said.check == "missing-key"
    assert "`times`" in said.message


@pytest.mark.parametrize(
    ("value", "check"),
    [
        ("0", "absurd-cap"),
        ("-1", "absurd-cap"),
        ("1000001", "absurd-cap"),
        ("1000000000000000000", "absurd-cap"),
        ("1e18", "wrong-type"),
        ("1" + "0" * 30, "bad-number"),
        (".inf", "bad-number"),
    ],
)
@pytest.mark.parametrize(
    "place", ["retry: {{times: {}}}", "invalid: {{times: {}}}", "unknown: {{to: done, times: {}}}"]
)
def test_an_absurd_number_of_times(told, place, value, check):
    """How often an edge may be taken is from one to a million, wherever it is said."""
    (said,) = told(step(place.format(value)))

    assert (check, value) == (said.check, said.at)


@pytest.mark.parametrize("key", ["steps", "tool_calls", "tokens", "usd"])
@pytest.mark.parametrize("value", ["0", "-1", "9223372036854775807"])
def test_an_absurd_budget(told, key, value):
    """A cap of zero, a negative and an astronomic one are refused."""
    (said,) = told(f"workflow: w\nbudget: {{{key}: {value}}}\nstates:\n{TAIL}")

    assert said.check in ("absurd-cap", "bad-value")
    assert value == said.at


def test_a_cost_of_zero(told):
    """A cost may be nothing."""
    assert told(step("cost: {tokens: 0, tool_calls: 0, usd: 0}")) == []


@pytest.mark.parametrize(
    ("value", "check"),
    [
        ("1e18", "wrong-type"),
        ("5", "wrong-type"),
        ("999999999999d", "absurd-cap"),
        ("367d", "absurd-cap"),
        ("0s", "absurd-cap"),
        ("-5s", "bad-value"),
        ("5 s", "bad-value"),
        ("٣s", "bad-value"),
        ("1e3s", "bad-value"),
        ("0.1us", "bad-value"),
    ],
)
def test_an_absurd_timeout(told, value, check):
    """A duration has a unit, is more than nothing, and at most a leap year."""
    (said,) = told(step(f"timeout: {value}"))

    assert (check, value) == (said.check, said.at)


def mapping(keys: str) -> str:
    return f"{HEAD}  a: {{map: x, over: $input, success: done, fallback: done, {keys}}}\n{TAIL}"


@pytest.mark.parametrize(
    ("keys", "at"),
    [
        ("at_most: 0", "0"),
        ("at_most: -1", "-1"),
        ("at_most: 1001", "1001"),
        ("at_most: 1000000000000000000", "1000000000000000000"),
        ("at_most: 3, width: 0", "0"),
        ("at_most: 3, width: 4", "4"),
        ("at_most: 3, width: 2000", "2000"),
        ("at_most: 3, tolerate: -1", "-1"),
        ("at_most: 3, tolerate: 4", "4"),
        ("at_most: 3, tolerate: 2000", "2000"),
    ],
)
def test_an_absurd_fan_out(told, keys, at):
    """There are from one to a thousand children; no more run at a time, or may fail, than there are."""
    (said,) = told(mapping(keys))

    assert (said.check, said.at) == ("absurd-cap", at)


@pytest.mark.parametrize(
    "keys", ["at_most: 1", "at_most: 1000", "at_most: 3, width: 3", "at_most: 3, tolerate: 3, width: 1"]
)
def test_a_sensible_fan_out(told, keys):
    """All children may run at a time, and all of them may fail."""
    assert told(mapping(keys)) == []


@pytest.mark.parametrize(
    ("keys", "check"),
    [
        ("at_most: 1" + "0" * 30, "bad-number"),
        ("at_most: true", "wrong-type"),
        ("at_most: '3'", "wrong-type"),
        ("at_most: 3, with: null", "wrong-type"),
        ("at_most: 3, with: $item", "wrong-type"),
        ("at_most: 3, over: [1, 2]", "duplicate-key"),
        ("width: 3", "missing-key"),
    ],
)
def test_a_wrong_fan_out(told, keys, check):
    """The keys of a `map` take what they say and nothing else."""
    assert [said.check for said in told(mapping(keys))][:1] == [check]


def parallel(branches: str) -> str:
    return f"{HEAD}  a:\n    parallel: {branches}\n    success: done\n    fallback: done\n{TAIL}"


@pytest.mark.parametrize("count", [1, 32])
def test_as_many_branches_as_there_may_be(told, count):
    """From one to 32 children run side by side."""
    assert told(parallel(f"{{{', '.join(f'b{n}: {{call: x}}' for n in range(count))}}}")) == []


@pytest.mark.parametrize("count", [33, 10_000])
def test_too_many_branches(told, count):
    """A parallel of more children is refused as such, once."""
    (said,) = told(parallel(f"{{{', '.join(f'b{n}: {{call: x}}' for n in range(count))}}}"))

    assert (said.check, said.at) == ("too-large", "parallel")
    assert f"this one has {count:,}" in said.message


@pytest.mark.parametrize(
    ("branches", "check"),
    [
        ("{}", "bad-value"),
        ("[x]", "wrong-type"),
        ("x", "wrong-type"),
        ("{a: x}", "wrong-type"),
        ("{a: x, b: {call: y}}", "wrong-type"),
        ("{a: {}}", "missing-key"),
        ("{a: {call: x, gives: str}}", "unknown-key"),
        ("{a: {call: x, with: [1]}}", "wrong-type"),
        ("{a: {call: [x]}}", "wrong-type"),
        ("{1: {call: x}}", "non-string-key"),
        ("{a: {call: x}, a: {call: y}}", "duplicate-key"),
    ],
)
def test_wrong_branches(told, branches, check):
    """Each child that runs side by side is a mapping with `call`."""
    assert [said.check for said in told(parallel(branches))] == [check]


def test_only_wrong_branches(told):
    """Children that are all written wrong are told one by one, and nothing besides."""
    assert [(s.check, s.at) for s in told(parallel("{a: x, b: y}"))] == [
        ("wrong-type", "x"),
        ("wrong-type", "y"),
    ]


def test_only_wrong_labels(told):
    """Labels that all lead to no state are told one by one, and nothing besides."""
    said = told(f"{HEAD}  a: {{run: m:f, success: {{x: 1, z: 2}}, fallback: done}}\n{TAIL}")

    assert [(s.check, s.at) for s in said] == [("wrong-type", "1"), ("wrong-type", "2")]


def test_no_labels(told):
    """A success by label has a label."""
    (said,) = told(f"{HEAD}  a: {{run: m:f, success: {{}}, fallback: done}}\n{TAIL}")

    assert (said.check, said.at) == ("bad-value", "{}")


def test_too_many_states(told):
    """The ten thousand and first state is refused, and so is a million, sooner."""
    many = "".join(f" s{n}: {{end: success}}\n" for n in range(10_001))

    assert [s.check for s in told(HEAD + many)] == ["too-many-states"]
    assert [s.check for s in told(HEAD + "".join(f" s{n}: {{}}\n" for n in range(100_000)))] == ["too-large"]


def test_ten_thousand_errors(told):
    """The errors that are told are bounded too, and it is said that there are more."""
    said = told(HEAD + "".join(f" s{n}: [1]\n" for n in range(10_000)))

    assert len(said) == 1001
    assert said[-1].check == "too-many-errors"
