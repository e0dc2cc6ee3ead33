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
