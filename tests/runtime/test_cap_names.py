"""What the cap on an answer is called on the wire: by where a model is asked, or by what that says of it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from fsmflow.runtime.models import cap_names
from fsmflow.runtime.models.cap_names import NEW, OLD, cap_name
from tests.runtime.model_server import part, says, sends, serving, streams
from tests.runtime.test_llm import ask_without
from tests.runtime.workbench import outcomes, retry

REFUSED = {
    "message": "Unsupported parameter: 'max_tokens' is not supported with this model. "
    "Use 'max_completion_tokens' instead.",
    "type": "invalid_request_error",
    "param": "max_tokens",
    "code": "unsupported_parameter",
}
"""What OpenAI answers of its newer models."""

UNKNOWN = {"message": "Unrecognized request argument supplied: max_completion_tokens", "code": None}
EXTRA = {
    "detail": [{"type": "extra_forbidden", "loc": ["body", NEW], "msg": "Extra inputs are not permitted"}]
}
"""What those say of the new name that check a request against a model of it, in the place of an error."""
TRIED_AGAIN = [("draft", "transient"), ("draft", "elapsed"), ("draft", "success")]
TOO_LARGE = {"message": "max_completion_tokens is too large: 900000. This model supports at most 16384."}


def refuses(error: object, status: int = 400):
    """Refuse a request as an endpoint does."""
    return sends({"error": error}, status)


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """Ask a server with a script by a state `draft`; what one test learns is not known to the next."""
    monkeypatch.setattr(cap_names, "_learned", {})
    monkeypatch.delenv("OPENAI_MODEL", raising=False)
    (tmp_path / "draft.md").write_text("{{ question }}", encoding="utf-8")

    def run(server, **how):
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        return ask_without(tmp_path, **how)

    return run


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("", NEW),
        ("https://api.openai.com/v1", NEW),
        ("https://eu.API.openai.com/v1/", NEW),
        ("https://mine.openai.azure.com/openai/v1/", NEW),
        ("http://127.0.0.1:8080/v1", OLD),
        ("https://api.mistral.ai/v1", OLD),
        ("https://notapi.openai.com.example/v1", OLD),
        ("https://fakeapi.openai.com.test/api.openai.com", OLD),
        ("https://fakeapi.openai.com/v1", OLD),
        ("https://api.openai.com@127.0.0.1/v1", OLD),
    ],
)
def test_the_name_by_the_address(place, name):
    """OpenAI's own endpoints, and Azure's of its models, are told the new name, all others the old one."""
    assert cap_name(place, "gpt-5-mini") == name


@pytest.mark.parametrize("watched", [False, True], ids=["whole", "streamed"])
def test_a_model_that_refuses_the_old_name(ask, watched):
    """The attempt is transient and costs nothing; the next one, and every later run, goes by the new name."""
    answer = streams(part("yes"), part(finish="stop")) if watched else says("yes")
    options = {"trace": [].append, "live": True} if watched else {}
    with serving(refuses(REFUSED), answer) as server:
        result = ask(server, retry=retry(1), options=options)
        again = ask(server, options=options)

    assert outcomes(result) == TRIED_AGAIN
    assert result.trace[0].event.use == (0, 0, 0)
    assert "max_completion_tokens" in result.trace[0].event.message
    assert outcomes(again) == [("draft", "success")]
    assert [{OLD, NEW} & asked.keys() for asked in server.asked] == [{OLD}, {NEW}, {NEW}]
    assert server.asked[1][NEW] == 100


def test_two_attempts_that_are_refused_at_once(ask):
    """What one has learned while the other was under way is no second refusal: both go by the new name."""
    both = threading.Barrier(2, timeout=20)

    def refuses_two(to):
        both.wait()
        refuses(REFUSED)(to)

    with serving(refuses_two, refuses_two, says("yes")) as server, ThreadPoolExecutor(2) as threads:
        results = list(threads.map(lambda _: ask(server, retry=retry(1)), range(2)))

    assert [outcomes(result) for result in results] == [TRIED_AGAIN, TRIED_AGAIN]


def test_what_is_learned_is_of_one_model(ask, monkeypatch):
    """Another model at the same address is asked by the old name."""
    with serving(refuses(REFUSED), says("yes")) as server:
        ask(server, retry=retry(1))
        monkeypatch.setenv("OPENAI_MODEL", "another")
        ask(server)

    assert OLD in server.asked[2]


@pytest.mark.parametrize(
    "refusal", [{"error": UNKNOWN}, EXTRA, {"object": "error", "message": EXTRA}], ids=str
)
def test_an_endpoint_that_knows_the_old_name_alone(ask, monkeypatch, refusal):
    """Where the new name is told and refused, the old one is told from then on."""
    monkeypatch.setattr(cap_names, "_NEW_AT", ("127.0.0.1",))
    with serving(sends(refusal, 422), says("yes")) as server:
        result = ask(server, retry=retry(1))

    assert outcomes(result) == TRIED_AGAIN
    assert [{OLD, NEW} & asked.keys() for asked in server.asked] == [{NEW}, {OLD}]


@pytest.mark.parametrize(
    "why",
    [
        "Unexpected field max_completion_tokens",
        "unknown field `max_completion_tokens`",
        "max_completion_tokens: Extra field",
        "max_completion_tokens is not permitted",
        "max_completion_tokens is not allowed",
    ],
)
def test_a_refusal_of_the_new_name_in_any_words(ask, monkeypatch, why):
    """Each library that checks requests says in its own words that it knows no such field."""
    monkeypatch.setattr(cap_names, "_NEW_AT", ("127.0.0.1",))
    with serving(refuses({"message": why}, 422), says("yes")) as server:
        result = ask(server, retry=retry(1))

    assert outcomes(result) == TRIED_AGAIN
    assert OLD in server.asked[1]


def test_an_endpoint_that_refuses_both_names(ask):
    """It is believed once: what it says next is a failure, and is not tried again."""
    with serving(refuses(REFUSED), refuses(UNKNOWN)) as server:
        result = ask(server, retry=retry(3))

    assert outcomes(result) == [*TRIED_AGAIN[:2], ("draft", "failure")]


@pytest.mark.parametrize(
    ("error", "status"), [(TOO_LARGE, 400), (REFUSED, 401), ({"message": "unsupported model"}, 400)]
)
def test_other_refusals(ask, error, status):
    """A refusal for another reason is a failure, and nothing is learned from it."""
    with serving(refuses(error, status)) as server:
        result = ask(server, retry=retry(3))
        ask(server)

    assert outcomes(result) == [("draft", "failure")]
    assert OLD in server.asked[1]
