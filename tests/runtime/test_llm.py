"""States that ask a model, against a real server: every way in which a call can end has its outcome."""

from __future__ import annotations

import json
import ssl
import sys
from decimal import Context, Inexact, localcontext

import attrs
import pytest

from fsmflow.runtime import StepNotFound
from fsmflow.spec import Budget, Cost, Duration, End, Llm, Model, Money, Price
from tests.runtime.model_server import breaks_off, fails, hangs, hangs_up, says, sends, serving, streams
from tests.runtime.workbench import compiled, outcomes, reask, retry, seconds

PRICES = {"small": Price(input=Money(150_000), output=Money(600_000))}


@attrs.frozen
class Answer:
    """What the model is asked for."""

    text: str
    citations: list[str]


GOOD = {"text": "It adds.", "citations": ["sum"]}


@pytest.fixture
def prompts(tmp_path, monkeypatch):
    """Prompts beside a spec, and no endpoint but the test's own."""
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_MODEL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "draft.md").write_text("Question: {{ question }}", encoding="utf-8")
    (tmp_path / "system.md").write_text("Be brief.", encoding="utf-8")
    return tmp_path


@pytest.fixture
def ask(prompts, monkeypatch):
    """Run a workflow of one state, `draft`, against a server with a script."""

    def run(server, *, model=None, given="What is sum?", **state):
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        return ask_without(prompts, model=model, given=given, **state)

    return run


def ask_without(
    folder, *, model=None, given="What is sum?", prices=PRICES, budget=None, options=None, **state
):
    asked = {"model": "small", "prompt": "draft.md", "max_tokens": 100, **(model or {})}
    draft = Llm(
        **{
            "llm": Model(**asked),
            "with_": {"question": "$input"},
            "cost": Cost(tokens=1_000),
            "timeout": seconds(20),
            "success": "given",
            "fallback": "failed",
            **state,
        }
    )
    states = {"draft": draft, "given": End(end="success", output="$draft")}
    runner = compiled(states, prices=prices, budget=budget or Budget(steps=9, tokens=50_000))
    runner.folder = folder
    return runner.run_sync(given, **(options or {}))


def structured(**state):
    return {"gives": "tests.runtime.test_llm:Answer", **state}


def test_an_answer_in_words(ask):
    """Without `gives`, the value is what the model says, and its usage and its price are charged."""
    with serving(says(" It adds. \n")) as server:
        result = ask(server)

    assert (result.end, result.output) == ("given", "It adds.")
    # 90 tokens read at $0.15 and 33 written at $0.60 for a million: 33.3 micro-dollars.
    assert result.spent[:4] == (1, 0, 123, 34)
    (asked,) = server.asked
    assert asked == {
        "model": "small",
        "messages": [{"role": "user", "content": "Question: What is sum?"}],
        "max_tokens": 100,
    }


def test_an_answer_of_a_type(ask):
    """With `gives`, the model is told the shape in words and on the wire, and the value is of the type."""
    with serving(says(GOOD)) as server:
        result = ask(server, **structured(model={"system": "system.md", "temperature": 0}))

    assert result.output == Answer("It adds.", ["sum"])
    (asked,) = server.asked
    told = asked["response_format"]["json_schema"]
    assert told["name"] == "draft"
    assert told["strict"] is True
    assert told["schema"]["required"] == ["text", "citations"]
    system = asked["messages"][0]["content"]
    assert system.startswith("Be brief.\n\n")
    assert json.loads(system.partition("\n\n")[2].partition("\n")[2]) == told["schema"]
    assert asked["temperature"] == 0


def test_what_else_the_endpoint_is_told(ask):
    """Options are on the wire as they are, whether the client knows them or not."""
    options = {"reasoning_effort": "low", "seed": 7, "top_k": 40, "chat_template_kwargs": {"thinking": False}}
    with serving(says("It adds.")) as server:
        ask(server, model={"options": options})

    (asked,) = server.asked
    assert {name: asked[name] for name in options} == options
    assert asked.keys() == {"model", "messages", "max_tokens", *options}


@pytest.mark.parametrize(
    ("gives", "content", "value"),
    [
        ("list[str]", {"value": ["a"]}, ["a"]),
        ("int | None", {"value": None}, None),
        ('Literal["a", "b"]', '```json\n{"value": "b"}\n```', "b"),
        ("dict[str, int]", {"a": 1}, {"a": 1}),
    ],
)
def test_an_answer_that_is_no_object(ask, gives, content, value):
    """What is no object stands in one, under `value`; a fence around an answer does no harm."""
    with serving(says(content)) as server:
        result = ask(server, gives=gives)

    assert result.output == value


def test_a_json_object(ask):
    """With `format: object` the endpoint is told only that much, and the model the rest in words."""
    with serving(says(GOOD)) as server:
        result = ask(server, **structured(model={"format": "object"}))

    assert result.output == Answer("It adds.", ["sum"])
    assert server.asked[0]["response_format"] == {"type": "json_object"}
    assert '"citations"' in server.asked[0]["messages"][0]["content"]


def test_a_label(ask):
    """With labels, the model chooses one of them in a JSON object."""
    with serving(says({"label": "yes"})) as server:
        result = ask(server, success={"yes": "given", "no": "failed"})

    assert (result.end, result.output) == ("given", "yes")
    schema = server.asked[0]["response_format"]["json_schema"]["schema"]
    assert schema["properties"] == {"label": {"type": "string", "enum": ["yes", "no"]}}


def test_a_label_in_words(ask):
    """With labels and `format: text`, the whole answer is the label."""
    with serving(says("yes\n")) as server:
        result = ask(server, success={"yes": "given", "no": "failed"}, model={"format": "text"})

    assert (result.end, result.output) == ("given", "yes")


def test_a_label_with_a_value(ask):
    """With labels and `gives`, the answer holds both."""
    with serving(says({"label": "yes", "value": GOOD})) as server:
        result = ask(server, **structured(success={"yes": "given", "no": "failed"}))

    assert result.output == Answer("It adds.", ["sum"])


ENDINGS = {
    "a rate limit": (fails(429, retry_after="1"), "transient", 0),
    "a conflict": (fails(409), "transient", None),
    "a server's error": (fails(500), "transient", None),
    "an overload": (fails(503), "transient", None),
    "a lost connection": (hangs_up, "transient", None),
    "a body that breaks off": (breaks_off, "transient", None),
    "a body cut short": (sends(b'{"choices": [{"message": {"cont'), "transient", None),
    "a body that is no JSON": (sends(b"<html>busy</html>", content_type="text/html"), "transient", None),
    "a body that is no object": (sends([]), "transient", None),
    "no choice": (sends({"choices": [], "usage": None}), "transient", None),
    "an error instead of a choice": (sends({"error": {"message": "busy"}}), "transient", None),
    "a choice that is no object": (sends({"choices": ["It adds."]}), "transient", None),
    "a bad request": (fails(400), "failure", None),
    "a wrong key": (fails(401), "failure", None),
    "no such model": (fails(404), "failure", None),
    "another address": (fails(307, location="/v1/elsewhere"), "failure", None),
    "a stop at the length": (says("{", finish="length"), "invalid", 123),
    "a call of a tool": (says(None, finish="tool_calls"), "invalid", 123),
    "no end": (says(GOOD, finish=None), "invalid", 123),
    "nothing": (says(""), "invalid", 123),
    "no content": (says(None), "invalid", 123),
    "blanks": (says("  \n"), "invalid", 123),
    "no JSON": (says("It adds."), "invalid", 123),
    "half of some JSON": (says('{"text": "It'), "invalid", 123),
    "a number that is none": (says('{"text": NaN, "citations": []}'), "invalid", 123),
    "a list": (says([GOOD]), "invalid", 123),
    "a wrong shape": (says({"text": 5, "citations": []}), "invalid", 123),
    "a key too many": (says({**GOOD, "more": 1}), "invalid", 123),
    "nesting without end": (says("[" * 100_000), "invalid", 123),
    "a refusal": (says(None, refusal="I can't."), "failure", 123),
    "a content filter": (says(None, finish="content_filter"), "failure", 123),
    "no usage": (says(GOOD, usage=None), "success", None),
    "usage that is none": (says(GOOD, usage={"total_tokens": "many"}), "success", None),
    "usage beyond all sense": (
        says(GOOD, usage={"prompt_tokens": 10**40, "completion_tokens": 3}),
        "success",
        None,
    ),
    "usage of nothing": (
        says(GOOD, usage={"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}),
        "success",
        None,
    ),
    "more tokens than declared": (says(GOOD, usage={"total_tokens": 1_001}), "failure", 1_001),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_ending_has_its_outcome(ask, ending):
    """However a call ends, the attempt has the outcome that is declared for it, in one wire call.

    The ledger holds what the endpoint says was used; where it says nothing, all that was declared.
    """
    script, outcome, tokens = ENDINGS[ending]
    with serving(script) as server:
        result = ask(server, **structured())

    assert outcomes(result) == [("draft", outcome)]
    assert len(server.asked) == 1
    assert result.spent.tokens == (1_000 if tokens is None else tokens)


@pytest.mark.parametrize(
    "error",
    [
        {"message": "too long", "code": 400},
        {"message": "no", "code": "401"},
        {"message": "too long", "code": "context_length_exceeded"},
        {"message": "no", "type": "invalid_request_error", "code": None},
        "context_length_exceeded",
    ],
    ids=str,
)
@pytest.mark.parametrize("how", [sends, streams])
def test_a_request_that_is_at_fault_is_not_resent(ask, how, error):
    """An error that blames the request is final under `200 OK` too, whole or in a stream, and is told."""
    events = []
    with serving(how({"error": error})) as server:
        result = ask(server, retry=retry(2), options={"trace": events.append, "live": how is streams})

    assert outcomes(result) == [("draft", "failure")]
    assert len(server.asked) == 1
    assert json.dumps(error) in result.error.message


@pytest.mark.parametrize(
    "error", [{"message": "busy", "code": 429}, {"code": 502}, {"code": True}, "busy"], ids=str
)
def test_an_error_that_may_pass_is_told(ask, error):
    """Under `200 OK` any other error is transient, and its message is that of the endpoint."""
    with serving(sends({"error": error}), says("It adds.")) as server:
        result = ask(server, retry=retry(1))

    assert [o for _, o in outcomes(result)] == ["transient", "elapsed", "success"]
    assert json.dumps(error) in result.trace[0].event.message


def test_an_answer_that_ends_in_an_error_is_transient(ask):
    """Where the endpoint fails in the middle of an answer, the model did nothing wrong and hears nothing."""
    with serving(says("It", finish="error"), says("It adds.")) as server:
        result = ask(server, retry=retry(1))

    assert [o for _, o in outcomes(result)] == ["transient", "elapsed", "success"]
    assert server.asked[0] == server.asked[1]


def test_a_timeout(ask):
    """A call that takes too long is cut off, and counts in full."""
    with serving(hangs()) as server:
        result = ask(server, timeout=seconds(0.4))

    assert outcomes(result) == [("draft", "transient")]
    assert result.spent.tokens == 1_000
    assert result.spent.micro_usd == 195
    assert len(server.asked) == 1


def test_retries_are_the_runtimes(ask):
    """The client retries nothing, whatever the server asks for: the wire sees each attempt once."""
    with serving(fails(429, retry_after_ms="5"), fails(500), says("It adds.")) as server:
        result = ask(server, retry=retry(2, cap=Duration(50_000)))

    assert result.output == "It adds."
    assert [o for _, o in outcomes(result) if o != "elapsed"] == ["transient", "transient", "success"]
    assert len(server.asked) == 3
    # What was turned away used nothing; of what failed nobody knows.
    assert result.spent[:4] == (3, 0, 1_123, 195 + 34)


def test_a_wish_to_wait(ask):
    """A Retry-After beyond the longest pause is not waited for."""
    with serving(fails(429, retry_after="30")) as server:
        result = ask(server, retry=retry(2, cap=seconds(1)))

    assert result.end == "failed"
    assert len(server.asked) == 1


def test_complaints_go_along(ask):
    """The model hears what was wrong with its last answer, and its next one may be good."""
    with serving(says({"text": 5, "citations": []}), says(GOOD)) as server:
        result = ask(server, **structured(invalid=reask(2)))

    assert result.output == Answer("It adds.", ["sum"])
    first, second = (asked["messages"][-1]["content"] for asked in server.asked)
    assert second.startswith(first)
    assert ".text: expected a string, found a whole number" in second


def test_complaints_for_which_there_is_no_room(ask):
    """Complaints never make a prompt too long: what does not fit is left out."""
    with serving(says(""), says("yes")) as server:
        result = ask(server, invalid=reask(2), cost=Cost(tokens=100 + 8 + len("Question: What is sum?")))

    assert outcomes(result) == [("draft", "invalid"), ("draft", "success")]
    assert server.asked[0] == server.asked[1]


def test_a_label_that_is_none(ask):
    """A label that the state does not have is a rejected answer, and the model is told which there are."""
    with serving(says({"label": "perhaps"}), says({"label": "no"})) as server:
        result = ask(server, success={"yes": "given", "no": "failed"}, invalid=reask(1))

    assert outcomes(result) == [("draft", "invalid"), ("draft", "success")]
    assert result.end == "failed"
    assert "'perhaps' is none of the labels: expected yes, no" in server.asked[1]["messages"][-1]["content"]


def test_a_prompt_that_does_not_fit(ask):
    """A prompt that may have more tokens than are left beside the answer is not sent, and costs nothing."""
    with serving(says("never")) as server:
        result = ask(server, given="x" * 2_000)

    assert outcomes(result) == [("draft", "failure")]
    assert server.asked == []
    assert result.spent[:4] == (1, 0, 0, 0)
    assert "2,018 tokens, and 900 of the 1,000 declared are left" in result.error.message


def test_a_prompt_that_just_fits(ask):
    """A prompt may have as many tokens as are left, and none more."""
    room = 900 - 8 - len("Question: ")
    with serving(says("yes")) as server:
        assert ask(server, given="x" * room).end == "given"
        assert ask(server, given="x" * (room + 1)).end == "failed"

    assert len(server.asked) == 1


def test_arguments_are_put_in_once(ask):
    """What an argument contains is not looked at again; what is no string is written as JSON."""
    with serving(says("yes")) as server:
        ask(server, given="{{ question }} {{question}} $input")
        ask(server, given={"b": ["é", None]})

    said = [asked["messages"][0]["content"] for asked in server.asked]
    assert said == ["Question: {{ question }} {{question}} $input", 'Question: {"b": ["é", null]}']


def test_another_model(ask, monkeypatch):
    """OPENAI_MODEL takes the place of the spec's model on the wire."""
    monkeypatch.setenv("OPENAI_MODEL", "local")
    with serving(says("yes")) as server:
        ask(server)

    assert server.asked[0]["model"] == "local"


def test_no_endpoint(prompts):
    """With no endpoint set up, nothing is sent, nothing is charged, and the message says what to set."""
    result = ask_without(prompts)

    assert outcomes(result) == [("draft", "failure")]
    assert "OPENAI_BASE_URL" in result.error.message
    assert result.spent[:4] == (1, 0, 0, 0)


@pytest.mark.parametrize("key", ["sk-hunter22\n", " sk-hunter22\r\n"])
def test_blanks_around_a_key_are_no_part_of_it(ask, monkeypatch, key):
    """A key that was read from a file ends in a line feed, and an address may; neither is sent."""
    with serving(says("yes")) as server:
        monkeypatch.setenv("OPENAI_API_KEY", key)
        monkeypatch.setenv("OPENAI_MODEL", "local\n")
        result = ask(server)

    assert outcomes(result) == [("draft", "success")]
    assert server.asked[0]["model"] == "local"


@pytest.mark.parametrize("key", ["sk-hunter22\nx", "sk-hünter22", "sk-hunter22\x7f"])
def test_a_key_that_is_none(ask, monkeypatch, key):
    """A key that no header can hold is said to be none, before anything is sent; it is not shown."""
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with serving(says("yes")) as server:
        result = ask(server, retry=retry(2))

    assert outcomes(result) == [("draft", "failure")]
    assert result.error.message == "OPENAI_API_KEY is no key: no request can carry what stands in it"
    assert (server.asked, result.spent[:4]) == ([], (1, 0, 0, 0))


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("HTTP_PROXY", "gopher://user:hunter2@localhost", "Unknown scheme for proxy URL"),
        ("SSL_CERT_FILE", "/nowhere", "No such file"),
        ("OPENAI_BASE_URL", "http://localhost:port/v1", "Invalid port"),
        ("OPENAI_BASE_URL", "http://[::1/v1", "Invalid"),
    ],
)
def test_a_client_that_cannot_be_made(prompts, monkeypatch, name, value, why):
    """What keeps a client from being made is said before anything is sent, and costs nothing."""
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv(name, value)
    result = ask_without(prompts, retry=retry(2))

    assert outcomes(result) == [("draft", "failure")]
    assert result.error.message.startswith("no client can be made: ")
    assert why in result.error.message
    assert "hunter2" not in result.error.message
    assert result.spent[:4] == (1, 0, 0, 0)


def test_whom_the_client_trusts_is_read_once(ask, monkeypatch):
    """What takes longer than all else that is done for a call, and holds up the loop, is done once."""
    made = []
    create = ssl.create_default_context

    def counted(*arguments, **named):
        made.append(True)
        return create(*arguments, **named)

    with serving(fails(500)) as server:
        ask(server)
        monkeypatch.setattr(ssl, "create_default_context", counted)
        ask(server, retry=retry(3))

    assert (len(server.asked), made) == (5, [])


def test_an_address_that_is_none(prompts, monkeypatch):
    """An address without `http://` is said to be none, before anything is sent; it may hold a password."""
    monkeypatch.setenv("OPENAI_BASE_URL", "user:hunter2@localhost:8080/v1")
    result = ask_without(prompts)

    assert outcomes(result) == [("draft", "failure")]
    assert result.error.message == "OPENAI_BASE_URL is no address: it has to begin with http:// or https://"
    assert result.spent[:4] == (1, 0, 0, 0)


def test_why_there_is_no_connection(prompts, monkeypatch):
    """Where nobody can be reached, the message holds the reason, and not only that of the client."""
    with serving(says("yes")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    result = ask_without(prompts)

    assert outcomes(result) == [("draft", "transient")]
    assert "ConnectError" in result.error.message


@pytest.mark.parametrize("wrapped", ["```json\r\n{}\r\n```", "\ufeff{}", "\ufeff```\n{}\n```\n"])
def test_an_answer_in_a_fence(ask, wrapped):
    """JSON in a fence, with line ends of any kind, or after a byte order mark, is JSON."""
    with serving(says(wrapped.replace("{}", json.dumps(GOOD)))) as server:
        result = ask(server, **structured())

    assert result.output == Answer("It adds.", ["sum"])


def test_no_client(ask, monkeypatch):
    """Without the openai client the state fails, and the message says how to install it."""
    monkeypatch.setitem(sys.modules, "openai", None)
    with serving(says("yes")) as server:
        result = ask(server)

    assert server.asked == []
    assert "pip install 'fsmflow[llm]'" in result.error.message
    assert result.spent.tokens == 0


def test_a_prompt_that_is_not_there(prompts):
    """A run does not begin without its prompts."""
    with pytest.raises(StepNotFound, match=r"the prompt missing\.md of state `draft`"):
        ask_without(prompts, model={"prompt": "missing.md"})


def test_no_cap_on_money_is_passed(ask):
    """Under a cap on money, an attempt is made only if the dearest answer fits."""
    attempts = 4
    budget = Budget(usd=Money(attempts * 195 - 1))
    with serving(fails(500)) as server:
        result = ask(server, budget=budget, retry=retry(9))

    assert result.end == "exceeded"
    assert len(server.asked) == attempts - 1
    assert result.spent.micro_usd == (attempts - 1) * 195


def test_money_is_exact_whatever_decimals_are_set_to(ask):
    """How exact a program's own decimals are is nothing to the ledger."""
    usage = {"prompt_tokens": 123_456, "completion_tokens": 7}
    with serving(says("yes", usage=usage)) as server, localcontext(Context(prec=3, traps=[Inexact])):
        result = ask(server, cost=Cost(tokens=200_000), budget=Budget(tokens=500_000))

    # 18,518.4 and 4.2 micro-dollars.
    assert result.spent.micro_usd == 18_523


def test_thoughts_are_paid_for(ask):
    """Tokens that are neither read nor shown count, and are paid for as written."""
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 160}
    with serving(says("yes", usage=usage)) as server:
        result = ask(server)

    assert result.spent.tokens == 160
    assert result.spent.micro_usd == 15 + 36
