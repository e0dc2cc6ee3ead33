"""What is secret, told by value: in which forms it is found, and what is left of a text without it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmflow.runtime import Answer, Asked, Invalid, Permanent, Rejected, StepContext
from fsmflow.runtime.hiding import Hiding, cut, is_hidden, ways_of
from fsmflow.runtime.secrets import MOST, SECRET, Secrets
from fsmflow.spec import Ask, End, Map
from tests.canaries import FORMS
from tests.runtime.families import family
from tests.runtime.workbench import compiled, reask, step

TEXTS = st.text(min_size=8, max_size=40).filter(lambda text: len("".join(text.split())) >= 8)


def knowing(*data: Any) -> Secrets:
    secrets = Secrets()
    for each in data:
        secrets.learn(each)
    return secrets


@given(secret=TEXTS, before=st.text(max_size=5), after=st.text(max_size=5))
def test_a_secret_is_found_in_each_of_its_forms(secret, before, after):
    """Whatever characters a text is made of, all of it is hidden, however it is written."""
    secrets = knowing(secret)
    for form, write in FORMS.items():
        if form == "cut off":
            continue
        written = write(secret)
        without = secrets.text(f"{before} {written} {after}")

        assert SECRET in without, form
        assert written not in without, form


@given(secrets=st.lists(TEXTS, min_size=1, max_size=3), text=st.text(max_size=30), sizes=st.data())
def test_a_text_in_parts_tells_what_it_tells_as_a_whole(secrets, text, sizes):
    """However a text is parted, none of its parts holds a part of a secret, and nothing else is lost."""
    known = knowing(*secrets)
    whole = f"{text}{secrets[0]} {text} {secrets[-1]}{text}"
    told, kept, rest = "", "", whole
    while rest:
        size = sizes.draw(st.integers(1, 12))
        part, kept = known.told(kept + rest[:size])
        told, rest = told + part, rest[size:]
    told += known.text(kept)

    assert secrets[0] not in told
    assert secrets[-1] not in told
    assert told.startswith(text) or SECRET in told
    plain = Secrets()
    plain.learn("another secret")
    assert "".join(plain.told(whole)) == whole


@pytest.mark.parametrize(
    ("data", "text", "expected"),
    [
        ("7391", "the pin 7391!", f"the pin {SECRET}!"),
        ("7391", "17391 and 73910", "17391 and 73910"),
        ("ab", "ab", "ab"),
        (1234567, "it is 1,234,567 or 1234567", f"it is {SECRET} or {SECRET}"),
        (12, "12 months", "12 months"),
        (True, "True", "True"),
        (None, "None", "None"),
        ({"note": {"deep": ["a deep one"]}}, "of a deep one here", f"of {SECRET} here"),
        ({"the key 12": 1}, "the key 12", SECRET),
        ({"holder": 1}, "the holder", "the holder"),
        ('{"inner": "within json"}', "so within json", f"so {SECRET}"),
        ("a line of the first\nanother line of it", "see another line of it.", f"see {SECRET}."),
        ("x" * 30, "y" + "x" * 17 + "y", f"y{SECRET}y"),
        ("abcdefghijklmnopqrstuvwxyz", "cut abcdefgh", f"cut {SECRET}"),
        ("abcdefghijklmnopqrstuvwxyz", "abcdefgh is short", "abcdefgh is short"),
    ],
)
def test_what_is_told_from_other_text(data, text, expected):
    """Long texts anywhere, short ones and numbers as words; beginnings that were cut off; names not."""
    assert knowing(data).text(text) == expected


def test_every_piece_of_a_long_text_is_secret():
    """Of a long document any long part is hidden, and not only all of it."""
    text = " ".join(f"sentence {n} says {n * 7919} things" for n in range(200))
    secrets = knowing(text)
    without = secrets.text(f"quoted: {text[400:1200]}")

    assert "says" not in without[300:-300]
    assert secrets.text(text).replace(SECRET, "") == ""


def test_too_many_secrets_leave_no_text():
    """A run that has met more secrets than can be remembered tells no text at all."""
    secrets = knowing([f"secret number {n}" for n in range(MOST + 5)])

    assert secrets.text("anything at all") == SECRET
    assert secrets.told("anything at all") == (SECRET, "")


def test_data_keeps_its_shape():
    """Keys, texts and numbers are hidden where they are secret; two hidden keys stay two."""
    secrets = knowing("the secret", "other secret", 98765)
    data = {"the secret": 1, "other secret": "the secret", "n": [98765, 98765.5, True], "$bytes": "b3RoZXI="}
    found = secrets.data(data)

    assert found[SECRET] == 1
    assert list(found) == [SECRET, f"{SECRET} 1", "n", "$bytes"]
    assert found["n"][0].keys() == {"$secret"}
    assert found["n"][1:] == [98765.5, True]


def test_tokens_tell_equal_data_apart_from_other_data_in_one_run_alone():
    """Equal data has equal tokens; nobody without the key can tell which data that is."""
    one, other = Secrets(), Secrets()

    assert one.token({"a": 1, "b": 2}) == one.token({"b": 2, "a": 1}) != one.token({"a": 1})
    assert one.token("x") != other.token("x")


@pytest.mark.parametrize(
    ("data", "ways", "expected"),
    [
        ({"a": 1, "b": 2}, [("a",)], {"a": "*", "b": 2}),
        ({"a": [{"b": 1, "c": 2}, {"b": 3}]}, [("a", "b")], {"a": [{"b": "*", "c": 2}, {"b": "*"}]}),
        ({"b": 2}, [("a",)], {"b": 2}),
        ({"a": None}, [("a",)], {"a": None}),
        ({"a": "text"}, [("a", "b")], {"a": "*"}),
        ({"$map": [[1, 2]]}, [("a",)], "*"),
        ({"$secret": "x"}, [("a",)], "*"),
        ([1, 2], [()], "*"),
        (5, [("a",)], "*"),
        (5, [], 5),
        (None, [()], None),
    ],
)
def test_what_a_way_leads_to_is_hidden(data, ways, expected):
    """A way goes through lists; what it can't be followed into is hidden whole."""
    assert cut(data, tuple(ways), lambda _: "*") == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"a": [{"$secret": "1f"}]}, True),
        ({"$secret": None}, True),
        (["x", f"a {SECRET} b"], True),
        ({SECRET: 1}, True),
        ({"$$secret": "x"}, False),
        ({"a": [1, None, "secret"]}, False),
    ],
)
def test_what_is_hidden_can_be_told(data, expected):
    """Who reads a trace can tell that something is left out of it; data that imitates it is none."""
    assert is_hidden(data) is expected


def traced(runner: Any, given: Any, **steps: Any) -> tuple[list[dict[str, Any]], Any]:
    events: list[dict[str, Any]] = []
    result = runner.run_sync(given, trace=events.append, steps=steps)
    return events, result


@pytest.mark.parametrize("others", [{}, {"SERVICE_TOKEN": "tok-123456789"}], ids=["alone", "with others"])
def test_marked_fields_are_hidden_however_short_they_are(monkeypatch, others):
    """What is too short to be told by value is hidden in each field made of what is marked, in no other."""
    for name, value in others.items():
        monkeypatch.setenv(name, value)
    states = {
        "a": step(with_={"cvv": "$input.card.cvv", "all": "$input"}, success="b"),
        "b": step(with_={"text": "$a"}, secret=["output.pin"], success="given"),
        "given": End(end="success", output={"cvv": "$input.card.cvv", "pin": "$b.pin", "name": "$b.name"}),
    }
    runner = compiled(states, secret=["card"])
    given = {"card": {"cvv": "12"}, "n": 12}
    events, result = traced(runner, given, a=lambda **_: "a", b=lambda **_: {"pin": 7, "name": "Ada"})
    opening, first, second, end = events

    assert result.output == {"cvv": "12", "pin": 7, "name": "Ada"}
    assert opening["input"] == {"card": opening["input"]["card"], "n": 12}
    assert first["input"]["all"] == opening["input"]
    for hidden in (
        opening["input"]["card"],
        first["input"]["cvv"],
        second["output"]["pin"],
        end["output"]["cvv"],
        end["output"]["pin"],
    ):
        assert hidden.keys() == {"$secret"}
    assert (second["output"]["name"], end["output"]["name"]) == ("Ada", "Ada")
    assert result.told["output"] == end["output"]


def test_a_child_hides_what_is_secret_to_the_state_that_runs_it():
    """A child that knows of no secret still hides the fields of its input that its parent marks."""
    child = """
states:
  a: {run: m:f, effect: none, success: done, fallback: done}
  done: {end: success}
"""
    parent = """
states:
  each: {map: child, over: $input, at_most: 3, width: 2, secret: [pin], success: both, fallback: both}
  both:
    parallel: {left: {call: child, with: {pin: 1}}, right: {call: child}}
    secret: [left.pin]
    success: done
    fallback: done
  done: {end: success}
"""
    runner = family(child=child, parent=parent)
    events: list[dict[str, Any]] = []
    runner.run_sync(
        [{"pin": "1", "x": 1}, {"pin": "2", "x": 2}],
        trace=events.append,
        steps=dict.fromkeys(("each.a", "both.left.a", "both.right.a"), lambda: None),
    )
    inputs = [event["input"] for event in events if event["event"] == "run" and "child" in event]

    assert [each.get("x") for each in inputs] == [1, 2, None, None]
    assert all(each["pin"].keys() == {"$secret"} for each in inputs[:3])
    assert inputs[0]["pin"] != inputs[1]["pin"]
    assert inputs[3] == {}


def test_the_reason_of_a_failure_is_hidden_where_the_output_is():
    """What a step with a secret output says of its failure may be that; which error it was is told."""
    states = {"a": step(secret=["output"], invalid=reask(1), success="done"), "b": step()}

    def work(calls: list[int] = []) -> Any:  # noqa: B006 - it counts
        calls.append(1)
        if len(calls) == 1:
            raise Invalid("the first one is wrong")
        raise ValueError("the second one is wrong")

    events, result = traced(compiled(states), None, a=work, b=work)
    first, second = (event for event in events if event["event"] == "attempt")

    assert (first["message"], first["complaints"]) == (SECRET, [SECRET])
    assert second["message"] == f"ValueError: {SECRET}"
    assert events[-1]["error"]["message"] == f"ValueError: {SECRET}"
    assert result.error.message == "ValueError: the second one is wrong"


def test_what_the_runtime_says_of_an_attempt_is_told():
    """That a secret step was cut off or cancelled, or what its arguments lack, is no secret."""
    hiding = Hiding(Secrets(), ways_of({"a": ("input", "output")}))
    event = {"event": "attempt", "state": "a", "outcome": "transient", "complaints": [], "output": None}
    message = "cut off at its timeout, after 2 s; its thread could not be stopped"
    unbound = {"$unbound": "$x is not set"}

    found = hiding.event({**event, "input": unbound, "message": message})
    assert (found["message"], found["input"]) == (message, unbound)
    message = "cut off after the card 4929 was declined"
    assert hiding.event({**event, "input": 1, "message": message})["message"] == SECRET


def test_a_later_state_hides_what_an_earlier_failure_said():
    """The reason of a failure that is secret is secret as an argument too."""
    states = {
        "a": step(secret=True, with_={"x": "$input"}, fallback="b"),
        "b": step(with_={"why": "$error.message", "all": "$error"}),
    }

    def work(x: Any) -> Any:
        raise Permanent("card 12345 declined")

    events, _ = traced(compiled(states), "the input", a=work, b=lambda **_: None)

    assert "declined" not in json.dumps(events)


def test_without_secrets_nothing_is_changed(monkeypatch):
    """A run of a workflow that marks nothing is told as it is: the very events."""
    for name in ("API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    event = {"event": "attempt", "state": "a", "input": "x"}

    assert Hiding(Secrets(), {}).event(event) is event


def test_keys_in_the_environment_are_secret(monkeypatch):
    """What stands in a variable named as a key, token or password is in no trace, marked or not."""
    monkeypatch.setenv("SERVICE_TOKEN", "tok-123456789")
    monkeypatch.setenv("SERVICE_URL", "https://service.example")

    def work() -> Any:
        raise Permanent("https://service.example?key=tok-123456789")

    events, _ = traced(compiled({"a": step()}), None, a=work)

    assert events[1]["message"] == f"https://service.example?key={SECRET}"


def test_what_is_secret_in_an_address_is_secret(monkeypatch):
    """A password in the address of an endpoint, or a key behind it, is in no trace; the rest of it may be."""
    address = "https://me:pass%2Dword-1@host.example/v1?api-version=2024-10-21&api-key=key-123456789"
    monkeypatch.setenv("OPENAI_BASE_URL", f" {address}\n")
    for said in ("pass-word-1", "pass%2Dword-1", "key-123456789"):

        def work(said: str = said) -> Any:
            raise Permanent(f"no such thing: 2024-10-21 {said}")

        events, _ = traced(compiled({"a": step()}), None, a=work)

        assert events[1]["message"] == f"no such thing: 2024-10-21 {SECRET}"
    for none in ("http://[", "", "x"):
        monkeypatch.setenv("OPENAI_BASE_URL", none)
        Secrets().learn_environment()


def test_a_record_holds_all_of_it():
    """What `record` is told is whole, while the trace of the same run is without its secrets."""
    runner = compiled({"a": step(with_={"x": "$input"}, secret=True)})
    told: list[dict[str, Any]] = []
    kept: list[dict[str, Any]] = []
    runner.run_sync("the secret", steps={"a": lambda x: x}, trace=told.append, record=kept.append, live=True)

    assert [event["event"] for event in kept] == ["run", "attempt", "end"]
    assert [event["event"] for event in told] == ["run", "start", "attempt", "end"]
    assert (kept[1]["input"], kept[1]["output"]) == ({"x": "the secret"}, "the secret")
    assert "the secret" not in json.dumps(told)


def test_a_map_over_secrets_marks_each(tmp_path):
    """The fields of a map are those of each of its items."""
    runner = compiled(
        {"each": Map(map="x", over="$input", at_most=3, secret=["pin"], success="done", fallback="failed")}
    )

    assert runner.secret["each"] == (("input", "items", "pin"),)


def test_an_output_that_is_rejected_is_hidden_whole():
    """Where a field of an output is secret, an output of another form is hidden whole."""
    states = {"a": step(gives="dict[str, int]", secret=["output.card"], success="given")}
    runner = compiled(states | {"given": End(end="success", output="$a")})
    events, _ = traced(runner, None, a=lambda: {"crad": "a number 4929", "n": ["another text"]})
    (attempt,) = (event for event in events if event["event"] == "attempt")

    assert attempt["outcome"] == "invalid"
    assert attempt["output"].keys() == {"$secret"}
    assert "a number" not in json.dumps(events)
    assert "another text" not in json.dumps(events)


def test_an_output_that_is_secret_is_not_told_in_parts():
    """Who follows a run is shown no part of an output of which any field is secret."""

    def speak(ctx: StepContext) -> str:
        ctx.emit("a part of it")
        return "all of it"

    events: list[dict[str, Any]] = []
    for secret in (["output"], ["output.card"], False):
        runner = compiled({"a": step(secret=secret)})
        runner.run_sync(None, steps={"a": speak}, trace=events.append, live=True)

    assert [event["text"] for event in events if event["event"] == "chunk"] == ["a part of it"]


def test_parts_of_an_output_do_not_tell_of_arguments():
    """What a model says of a secret argument is hidden from its first part on."""

    def speak(ctx: StepContext, x: str) -> str:
        ctx.emit("it is the lit")
        ctx.emit("eral one, I think")
        return "x"

    events: list[dict[str, Any]] = []
    runner = compiled({"a": step(with_={"x": "the literal one"}, secret=["x"])})
    runner.run_sync(None, steps={"a": speak}, trace=events.append, live=True)
    parts = [event["text"] for event in events if event["event"] == "chunk"]

    assert "".join(parts) == f"it is {SECRET}, I think"


@pytest.mark.parametrize("is_secret", [True, False])
def test_a_refused_answer_is_not_said_again_where_it_is_secret(is_secret):
    """What a person filled in, or picked, stands in no refusal where the answer is secret."""

    def refuse(value: Any) -> Any:
        raise Rejected((f"{value} is none",))

    asked = Asked(
        "t",
        "w",
        "r",
        "i",
        "sure",
        1,
        "Sure?",
        "",
        {},
        ("yes", "no"),
        "int",
        None,
        refuse,
        is_secret=is_secret,
    )
    for label, value in (("yes", "4929"), ("4929", None)):
        with pytest.raises(Rejected) as rejected:
            asked.answer(label, value)
        assert ("4929" in str(rejected.value)) is not is_secret
    with pytest.raises(Rejected) as rejected:
        asked._replace(labels=None).answer("4929")
    assert ("4929" in str(rejected.value)) is not is_secret


def test_people_are_not_shown_what_a_step_says_again():
    """Without a trace too, a question holds no secret that a step which marks nothing has passed on."""
    asked: list[Asked] = []

    class Person:
        async def ask(self, question: Asked) -> Answer:
            asked.append(question)
            return question.answer("yes")

    states = {
        "mint": step(secret=["output"], success="echo"),
        "echo": step(success="sure"),
        "sure": Ask(ask="Sure?", show={"said": "$echo"}, success={"yes": "done", "no": "failed"}),
    }
    steps = {"mint": lambda: "a minted secret", "echo": lambda: "there is a minted secret"}
    compiled(states).run_sync(None, steps=steps, desk=Person())

    assert asked[0].shown == {"said": f"there is {SECRET}"}
