"""Replies as different endpoints give them: what each does its own way has the same outcome as elsewhere."""

from __future__ import annotations

import json

import attrs
import pytest

from fsmflow.runtime.models import left_out
from tests.runtime.model_server import drips, part, says, sends, serving, streams
from tests.runtime.test_llm import ask_without
from tests.runtime.workbench import outcomes, reask, retry, seconds


@attrs.frozen
class Answer:
    """What the model is asked for."""

    text: str


GIVES = "tests.runtime.test_llm_endpoints:Answer"
GOOD = {"text": "It adds."}


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """Ask a server with a script by a state `draft`, in words or for an answer of a type."""
    monkeypatch.delenv("OPENAI_MODEL", raising=False)
    (tmp_path / "draft.md").write_text("{{ question }}", encoding="utf-8")

    def run(server, *, watched=False, place="", **how):
        monkeypatch.setenv("OPENAI_BASE_URL", place or server.url)
        return ask_without(tmp_path, options={"trace": [].append, "live": True} if watched else {}, **how)

    return run


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def ending(request):
    """Make a reply that ends so, whole or in parts."""

    def reply(words, finish):
        if request.param:
            return streams(part(words), part(finish=finish))
        return says(words, finish=finish)

    reply.watched = request.param
    return reply


ENDS = {
    "eos": "success",
    "eos_token": "success",
    "stop_sequence": "success",
    "STOP": "success",
    "end_turn": "success",
    "model_length": "invalid",
    "max_tokens": "invalid",
    "tool_calls": "invalid",
    "function_call_filter: MALFORMED_FUNCTION_CALL": "invalid",
    "insufficient_system_resource": "transient",
    "abort": "transient",
    "error": "transient",
    "content_filter: RECITATION": "failure",
    "SAFETY": "failure",
    "PROHIBITED_CONTENT": "failure",
    "refusal": "failure",
}


@pytest.mark.parametrize("finish", ENDS)
def test_why_an_answer_ended_by_whatever_name(ask, ending, finish):
    """Each endpoint has its own words for why an answer ended; they mean the same."""
    with serving(ending("It adds.", finish)) as server:
        result = ask(server, watched=ending.watched)

    assert outcomes(result) == [("draft", ENDS[finish])]


def test_an_answer_for_which_the_model_had_no_room(ask):
    """Where the model's own room ended, the message does not speak of `max_tokens`."""
    with serving(says("It", finish="model_length")) as server:
        result = ask(server)

    assert result.trace[0].event.message == (
        "the answer was cut short where the model had no more room; be briefer"
    )


def test_what_kind_of_filter_it_was_is_told(ask):
    """The message holds the endpoint's own word for what it did not let through."""
    with serving(says(None, finish="content_filter: RECITATION")) as server:
        result = ask(server)

    assert result.error.message == "a content filter stopped the answer: content_filter: RECITATION"


@pytest.mark.parametrize("choice", [{}, {"message": None}, {"message": {"role": "assistant"}}], ids=str)
def test_an_answer_that_ended_without_a_message(ask, choice):
    """Where nothing was said, why it ended still says how."""
    for finish, outcome in (("length", "invalid"), ("content_filter", "failure"), ("stop", None)):
        with serving(sends({"choices": [{"finish_reason": finish, **choice}]})) as server:
            result = ask(server)

        missing = "invalid" if choice.get("message") else "transient"
        assert outcomes(result) == [("draft", outcome or missing)]


def test_thoughts_that_leave_no_room_for_an_answer(ask, ending):
    """Where all tokens went into thoughts, the message says so, since to be briefer would be no help."""
    with serving(ending("", "length"), says("It adds.")) as server:
        result = ask(server, watched=ending.watched, invalid=reask(1))

    told = "all of the 100 tokens of `max_tokens` went into thoughts: think less, or raise it"
    assert result.trace[0].event.complaints == (told,)


def test_an_answer_that_broke_off_says_why(ask):
    """An error that stands beside what was said is told, and blames what it blames elsewhere."""
    for error, outcome in (({"code": 502, "message": "gone"}, "transient"), ({"code": 403}, "failure")):
        choice = {"finish_reason": "error", "message": {"content": "It"}, "error": error}
        last = {"choices": [{**choice, "delta": {}}]}
        for reply in (sends({"choices": [choice]}), streams(part("It"), last)):
            with serving(reply) as server:
                result = ask(server, watched=True)

            assert outcomes(result) == [("draft", outcome)]
            assert str(error["code"]) in result.trace[0].event.message


TOOL_USE_FAILED = {
    "message": "Failed to call a function. See 'failed_generation' for more details.",
    "type": "invalid_request_error",
    "code": "tool_use_failed",
    "failed_generation": '<function=search {"query": "sum"</function>',
}
JSON_FAILED = {
    "message": "Failed to generate JSON. Please adjust your prompt.",
    "type": "invalid_request_error",
    "code": "json_validate_failed",
    "failed_generation": "",
}


@pytest.mark.parametrize("error", [TOOL_USE_FAILED, JSON_FAILED], ids=lambda error: error["code"])
@pytest.mark.parametrize("how", ["refused", "whole", "streamed"])
def test_an_answer_that_the_endpoint_found_unfit_is_asked_again(ask, error, how):
    """Where the endpoint blames what the model wrote, the model hears of it, and what is declared counts."""
    replies = {"refused": sends({"error": error}, 400), "whole": sends({"error": error})}
    reply = replies.get(how) or streams(part("It"), {"error": {**error, "status_code": 400}})
    with serving(reply, says(GOOD)) as server:
        result = ask(server, watched=how == "streamed", gives=GIVES, invalid=reask(1))

    assert outcomes(result) == [("draft", "invalid"), ("draft", "success")]
    (complaint,) = result.trace[0].event.complaints
    assert error["code"] in complaint
    assert (error["failed_generation"] or error["message"]) in complaint
    assert complaint[:100] in server.asked[1]["messages"][-1]["content"]
    assert result.trace[0].event.use[1] == 1_000


def test_a_quota_that_is_used_up_is_no_limit_that_passes(ask):
    """No pause brings money: where the quota is used up, the same request is not sent again."""
    error = {"message": "You exceeded your current quota.", "type": "insufficient_quota", "code": None}
    for reply in (sends({"error": error}, 429), sends({"error": error})):
        with serving(reply) as server:
            result = ask(server, retry=retry(2))

        assert outcomes(result) == [("draft", "failure")]
        assert "You exceeded your current quota" in result.error.message


FINAL = (
    {"message": "The response was filtered.", "code": "content_filter", "param": "prompt"},
    {"message": "no", "code": None, "status": 400},
    {"message": "no", "status_code": 403},
    {"message": "no more", "type": "insufficient_quota", "code": 429},
)


@pytest.mark.parametrize("error", FINAL, ids=str)
@pytest.mark.parametrize("how", [sends, streams])
def test_an_error_that_can_not_pass_is_final_in_whatever_field_it_says_so(ask, error, how):
    """A filter, a status that blames the request, and a quota are final under `200 OK` too."""
    with serving(how({"error": error})) as server:
        result = ask(server, watched=how is streams, retry=retry(2))

    assert outcomes(result) == [("draft", "failure")]
    assert error["message"] in result.error.message


LATE = {"object": "error", "message": "The model is overloaded.", "type": "ServerError", "code": 503}


@pytest.mark.parametrize("reply", [sends(LATE), streams(part("It"), LATE)], ids=["whole", "streamed"])
def test_an_error_that_says_what_it_is(ask, reply):
    """An error that stands for itself, in no object of its own, is told as it is."""
    with serving(reply) as server:
        result = ask(server, watched=True)

    assert outcomes(result) == [("draft", "transient")]
    assert "The model is overloaded." in result.trace[0].event.message


def test_a_list_of_errors_is_told(ask):
    """An error whose body is a list keeps its message, and the outcome of its status."""
    for status, outcome in ((429, "transient"), (400, "failure")):
        with serving(sends([{"error": {"code": status, "message": "why so"}}], status)) as server:
            result = ask(server)

        assert outcomes(result) == [("draft", outcome)]
        assert "why so" in result.trace[0].event.message


DETAIL = {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs"}]}


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (DETAIL, 422, '"loc": ["body", "seed"]'),
        ({"object": "error", "message": DETAIL}, 422, '"loc": ["body", "seed"]'),
        ({"error": {"message": "Provider returned error", "metadata": {"raw": "too long"}}}, 400, "too long"),
        ({"error": {"message": "too long", "code": 400}}, 400, "too long"),
        (b"<html>upstream is gone</html>", 502, "upstream is gone"),
    ],
    ids=str,
)
def test_whatever_an_endpoint_refuses_with_is_told(ask, body, status, told):
    """A person can read why a request was refused, in whatever shape the endpoint says it."""
    with serving(sends(body, status)) as server:
        result = ask(server)

    assert told in result.trace[0].event.message


@pytest.mark.parametrize("body", [b"404 page not found", {"detail": "Not Found"}], ids=str)
def test_an_address_at_which_nothing_is_asked(ask, body):
    """Where an address leads to no endpoint, the message says what most addresses end in."""
    with serving(sends(body, 404)) as server:
        result = ask(server, place=f"{server.url}/v1")

    assert outcomes(result) == [("draft", "failure")]
    assert result.error.message == (
        "no model can be asked at this address (404): OPENAI_BASE_URL ends in /v1 at most endpoints"
    )


def test_a_model_that_is_not_there(ask):
    """A model that the endpoint does not have is said to be missing by its own words."""
    error = {"error": {"message": "model 'small' not found"}}
    for body in (error, [error]):
        with serving(sends(body, 404)) as server:
            result = ask(server)

        assert "model 'small' not found" in result.error.message


JSON = '{"text": "It adds."}'
FENCED = f"```json\n{JSON}\n```"
TAGGED = '{"text": "``` and <think> and </think>"}'

FOUND = {
    "prose around a fence": f"Here you are:\n\n{FENCED}\n\nAnything else?",
    "a fence that is set in": f"1. So:\n   ```JSON\n   {JSON}\n   ```\n",
    "thoughts": f"<think>\nHm, {{}}?\n</think>\n\n{JSON}",
    "empty thoughts": f"<think>\n\n</think>\n{JSON}",
    "thoughts that are never opened": f"Hm. {{}}?\n</think>\n{JSON}",
    "thoughts and a fence": f"<think>```json\n1\n```</think>So: \n{FENCED}",
    "empty lines": f"\n\n\n{JSON}\n",
    "a list of parts": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": JSON}],
}


@pytest.mark.parametrize("how", FOUND)
def test_json_is_found_where_nothing_else_can_be_meant(ask, how):
    """JSON may stand after thoughts, and in the one fence among prose: then it is the answer as it is."""
    with serving(says(FOUND[how])) as server:
        result = ask(server, gives=GIVES)

    assert result.output == Answer("It adds.")


def test_what_stands_in_json_is_not_looked_for_around_it(ask):
    """Marks of fences and of thoughts may stand in the answer's own words."""
    for content in (TAGGED, f"<think>So.</think>\n{TAGGED}", f"Here:\n```\n{TAGGED}\n```"):
        with serving(says(content)) as server:
            result = ask(server, gives=GIVES)

        assert result.output == Answer("``` and <think> and </think>")


UNFIT = {
    "prose around no fence": f"Here you are: {JSON}",
    "two fences": f"First:\n{FENCED}\nor\n{FENCED}",
    "a comma too many": '{"text": "It adds.",}',
    "a comma too many in a fence": '```json\n{"text": "It adds.",}\n```',
    "single quotes": "{'text': 'It adds.'}",
    "a fence that is not closed": f"```json\n{JSON}\n",
    "thoughts that never end": f"<think>Hm. {JSON}",
    "a text that is JSON": '"{\\"text\\": \\"It adds.\\"}"',
    "another type in a fence": 'So:\n```json\n{"text": 5}\n```',
}


@pytest.mark.parametrize("how", UNFIT)
def test_json_is_never_repaired_or_guessed(ask, how):
    """What is not JSON, or may be one thing or another, is invalid: nothing is made to fit."""
    with serving(says(UNFIT[how])) as server:
        result = ask(server, gives=GIVES)

    assert outcomes(result) == [("draft", "invalid")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("<think>\nHm.\n</think>\n\nIt adds.", "It adds."),
        ("A <think> is closed by </think>.", "A <think> is closed by </think>."),
        ("A </think> closes.", "A </think> closes."),
        ("<think>Hm.</think>", None),
        ("<think>Hm.", None),
    ],
)
def test_thoughts_are_no_part_of_an_answer_in_words(ask, content, words):
    """Thoughts before an answer are left out, and nothing else is."""
    with serving(says(content)) as server:
        result = ask(server)

    assert result.output == words


@pytest.mark.parametrize("content", ["<think>Or no?</think>\n\nyes", "Or no?\n</think>\n\nyes\n"])
def test_a_label_after_thoughts(ask, content):
    """A label is found after thoughts, whether they were opened or not."""
    with serving(says(content)) as server:
        result = ask(server, success={"yes": "given", "no": "failed"}, model={"format": "text"})

    assert result.output == "yes"


NO_OPTIONS = {"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options", "include_usage"]}]}


@pytest.mark.parametrize(
    "body",
    [NO_OPTIONS, {"error": {"message": "Unrecognized request argument supplied: stream_options"}}],
    ids=["a list", "a message"],
)
def test_an_endpoint_that_knows_no_options_of_streams(ask, body, monkeypatch):
    """It is asked without them from the next attempt on; the first cost nothing, and is told as it is."""
    monkeypatch.setattr(left_out, "_refused", set())
    answer = streams(part("It adds."), part(finish="stop", usage={"total_tokens": 11}))
    with serving(sends(body, 422), answer) as server:
        result = ask(server, watched=True, retry=retry(1))
        ask(server, watched=True)

    assert outcomes(result) == [("draft", "transient"), ("draft", "elapsed"), ("draft", "success")]
    assert result.trace[0].event.use == (0, 0, 0)
    assert "stream_options" in result.trace[0].event.message
    assert result.spent.tokens == 11
    assert ["stream_options" in asked for asked in server.asked] == [True, False, False]


def test_an_endpoint_that_refuses_to_stream_without_options(ask, monkeypatch):
    """It is believed once: the same refusal again is a failure."""
    monkeypatch.setattr(left_out, "_refused", set())
    with serving(sends(NO_OPTIONS, 422)) as server:
        result = ask(server, watched=True, retry=retry(3))

    assert [o for _, o in outcomes(result)] == ["transient", "elapsed", "failure"]


NO_FORMAT = (
    {"message": "This response_format type is unavailable now", "type": "invalid_request_error"},
    {"message": "This model does not support response format `json_schema`.", "param": "response_format"},
    {"message": "Invalid schema for response format: /text: maxLength is not supported"},
    {"message": "generation_config.response_schema.properties: should be non-empty for OBJECT type"},
    "'response_format.type' must be 'json_schema' or 'text'",
    "Response format is not supported",
)


@pytest.mark.parametrize("error", NO_FORMAT, ids=str)
def test_an_endpoint_that_knows_no_form_of_answers(ask, error, monkeypatch):
    """What it can't hold a model to the model is told in words, as always, and the answer is held to."""
    monkeypatch.setattr(left_out, "_refused", set())
    with serving(sends({"error": error}, 400), says({"text": 5}), says(FENCED)) as server:
        result = ask(server, gives=GIVES, retry=retry(1), invalid=reask(1))

    assert [o for _, o in outcomes(result)] == ["transient", "elapsed", "invalid", "success"]
    told = result.trace[0].event.message
    assert told.startswith("the endpoint refuses `response_format`, which the next attempt leaves out: ")
    assert (error if isinstance(error, str) else error["message"]) in told
    assert ["response_format" in asked for asked in server.asked] == [True, False, False]
    assert '"text"' in server.asked[2]["messages"][0]["content"]


def test_who_is_known_to_refuse_options_of_streams():
    """Mistral tells what was used by itself, and refuses to be asked for it."""
    request = {"model": "m", "stream_options": {}}
    assert left_out.without_refused(request, "https://api.mistral.ai/v1") == {"model": "m"}
    for place in ("https://api.openai.com/v1", "", "http://localhost/api.mistral.ai"):
        assert left_out.without_refused(request, place) == request


@pytest.mark.parametrize(
    ("behind", "query"),
    [("/v1?api-version=2024-10-21", "api-version=2024-10-21"), ("/v1/?a=1&b=2", "a=1&b=2")],
)
def test_what_stands_behind_an_address_goes_along(ask, behind, query):
    """A query in the address is a part of each request, and not of its path."""
    with serving(says("It adds.")) as server:
        result = ask(server, place=server.url.removesuffix("/v1") + behind)

    assert (result.output, server.queries) == ("It adds.", [query])


@pytest.mark.parametrize("end", ["/chat/completions", "/chat/completions/", "/chat/completions?a=1"])
def test_an_address_that_names_the_call(ask, end):
    """An address that goes too far is said to, before anything is sent."""
    with serving(says("It adds.")) as server:
        result = ask(server, place=server.url + end)

    assert result.error.message == "OPENAI_BASE_URL goes too far: leave out /chat/completions"
    assert (server.asked, result.spent.tokens) == ([], 0)


def test_an_error_in_a_field_of_its_own_is_told(ask):
    """A stream may break off in an `error` field, whose words are told, whether they are JSON or not."""
    for line, told in (
        ('error: {"code": 500, "message": "no"}', '"no"'),
        ("error: out of memory", "out of memory"),
    ):
        with serving(drips(f"data: {json.dumps(part('It'))}\n\n{line}\n\n".encode())) as server:
            result = ask(server, watched=True)

        assert outcomes(result) == [("draft", "transient")]
        assert told in result.trace[0].event.message


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_an_address_that_leads_elsewhere(ask, watched, status):
    """No redirect is followed, since a key would go along; the message says what to set."""
    with serving(sends(b"", status, location="https://elsewhere.test/v1")) as server:
        result = ask(server, watched=watched)

    assert outcomes(result) == [("draft", "failure")]
    assert result.error.message == (
        f"OPENAI_BASE_URL leads elsewhere ({status}), and nobody follows: name the address that it leads to"
    )


@pytest.mark.parametrize("watched", [False, True])
def test_a_page_in_the_place_of_a_reply(ask, watched):
    """A page for people is shown to be one: somebody may have named the address of one."""
    page = sends(b"<!doctype html>\n<html>Log in", content_type="text/html; charset=utf-8")
    with serving(page) as server:
        result = ask(server, watched=watched)

    assert outcomes(result) == [("draft", "transient")]
    assert result.trace[0].event.message == (
        "the endpoint's reply is no JSON object: <!doctype html> <html>Log in"
    )


def test_a_wish_to_wait_that_no_header_holds(ask):
    """Where an error's body says how long to wait, that is the wish, unless a header says otherwise."""
    hint = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.07s"}
    quota = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": ["x" * 1_000]}
    body = [{"error": {"code": 429, "message": "Please retry.", "details": [quota, hint]}}]
    for headers, wish in (({}, 34_070_000), ({"retry_after": "5"}, 5_000_000)):
        with serving(sends(body, 429, **headers)) as server:
            result = ask(server, retry=retry(2, cap=seconds(1)))

        assert outcomes(result) == [("draft", "transient")]
        assert result.trace[0].event.retry_after_us == wish
        assert "Please retry." in result.trace[0].event.message


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_an_answer_that_is_all_thoughts_is_said_to_be(ask, field):
    """Where an endpoint takes all that the model said for thoughts, an empty answer is told from silence."""
    thought = {field: JSON}
    for reply in (says(None, **thought), streams(part(**thought), part(finish="stop"))):
        with serving(reply) as server:
            result = ask(server, watched=True, gives=GIVES)

        assert result.trace[0].event.complaints == ("the answer is empty: there are thoughts alone",)


def test_half_a_character_that_was_written_can_be_told_of(ask):
    """What the model is told of its last answer can be sent, even where that broke off within a character."""
    error = {**JSON_FAILED, "failed_generation": '{"text": "\ud83d'}
    with serving(sends({"error": error}, 400), says(GOOD)) as server:
        result = ask(server, gives=GIVES, invalid=reask(1))

    assert outcomes(result) == [("draft", "invalid"), ("draft", "success")]
    assert '{"text": "\\ud83d' in server.asked[1]["messages"][-1]["content"]


@pytest.mark.parametrize("status", [401, 429, 500])
def test_what_a_failure_speaks_of_is_left_in(ask, status, monkeypatch):
    """An error that does not refuse the request takes nothing out of it, whatever it speaks of."""
    monkeypatch.setattr(left_out, "_refused", set())
    with serving(sends({"error": {"message": "no response_format"}}, status)) as server:
        ask(server, gives=GIVES)
        ask(server, gives=GIVES)

    assert ["response_format" in asked for asked in server.asked] == [True, True]


def test_what_is_refused_may_be_named_beside_the_message(ask, monkeypatch):
    """An error may name what it refuses in a field of its own alone."""
    monkeypatch.setattr(left_out, "_refused", set())
    error = {"message": "Not here.", "param": "response_format"}
    with serving(sends({"error": error}, 400), says(GOOD)) as server:
        result = ask(server, gives=GIVES, retry=retry(1))

    assert result.output == Answer("It adds.")


def test_what_one_model_refuses_at_one_address_is_told_to_others(monkeypatch):
    """Another model, or another address, is asked for the same as before."""
    monkeypatch.setattr(left_out, "_refused", {("http://a", "m", "tool_choice")})
    for model, place, kept in (("m", "http://a", False), ("n", "http://a", True), ("m", "http://b", True)):
        request = {"model": model, "tool_choice": "required"}
        assert ("tool_choice" in left_out.without_refused(request, place)) is kept


def test_what_an_endpoint_says_without_end_is_cut(ask):
    """A message holds the beginning of what came in the place of an answer."""
    long = "x" * 5_000
    for body in ({"error": {"message": long}}, long, [long]):
        with serving(sends(json.dumps(body).encode())) as server:
            result = ask(server)

        assert 100 < len(result.trace[0].event.message) < 300


def test_words_that_are_no_text_are_not_shown(ask):
    """Of a list of parts those are words that say so: thoughts may be called text too."""
    parts = [{"type": "thinking", "text": "Hm."}, {"type": "text", "text": "It adds."}]
    with serving(says(parts)) as server:
        result = ask(server)

    assert result.output == "It adds."


def test_a_scheme_in_capitals_is_an_address(ask):
    """How an address is written does not matter where no address minds it."""
    with serving(says("It adds.")) as server:
        result = ask(server, place=server.url.replace("http", "HTTP"))

    assert result.output == "It adds."


def test_an_error_without_a_word(ask):
    """Where nothing is said beside a status, nothing is made of it: the client's words are told."""
    with serving(sends(b"", 400)) as server:
        result = ask(server)

    assert result.error.message == "BadRequestError: Error code: 400"


@pytest.mark.parametrize(
    "usage",
    [
        {"total_tokens": -5},
        {"prompt_tokens": -5, "completion_tokens": -5, "total_tokens": -10},
        {"prompt_tokens": -900, "completion_tokens": 10},
        {"prompt_tokens": 10**13, "completion_tokens": 10},
    ],
    ids=str,
)
def test_an_endpoint_that_counts_what_can_not_be(ask, usage):
    """What an endpoint counts below nothing, or beyond all measure, is no count: what is declared counts."""
    with serving(says("It adds.", usage=usage)) as server:
        result = ask(server)

    assert (result.output, result.spent.tokens) == ("It adds.", 1_000)


def test_an_object_of_anything_is_asked_for_as_one(ask):
    """An endpoint is not held to a schema that says nothing: some take that for an object of nothing."""
    with serving(says({"a": 1})) as server:
        result = ask(server, gives="dict")

    assert result.output == {"a": 1}
    assert server.asked[0]["response_format"] == {"type": "json_object"}
