"""What a state that asks a model means: its form, the type of its output, and what it costs at most."""

from __future__ import annotations

import pytest

from fsmflow.machine import Work
from tests.sample import machine

PRICES = "{m: {input: 0.15, output: 0.6}, odd: {input: 3, output: 0.000001}}"


def asking(llm: str = "", more: str = "", success: str = "done", model: str = "m") -> Work:
    asked = f"{{model: {model}, prompt: p.md, max_tokens: 100{llm}}}"
    draft = machine(
        f"""
        draft: {{llm: {asked}, success: {success}, fallback: lost{more}}}
        done: {{end: success}}
        lost: {{end: failed}}
        """,
        prices=PRICES,
    ).states["draft"]
    assert isinstance(draft, Work)
    return draft


def test_a_call_is_of_any_of_the_tools_types_however_many():
    """What a state gives whose model calls tools is what any of them takes, however long that is to say."""
    tools = {f"tool{number}": f"of_a_module_with_a_long_name:Tool{number % 30}" for number in range(40)}
    said = ", ".join(f"{label}: '{kind}'" for label, kind in tools.items())
    labels = ", ".join(f"{label}: done" for label in tools)

    draft = asking(f", tools: {{{said}}}", success=f"{{{labels}}}")

    assert str(draft.gives) == " | ".join(dict.fromkeys(tools.values()))


@pytest.mark.parametrize(
    ("llm", "more", "success", "form", "gives"),
    [
        ("", "", "done", "text", "str"),
        ("", ", gives: str", "done", "text", "str"),
        ("", ", gives: int", "done", "schema", "int"),
        (", format: object", "", "done", "object", "dict[str, Any]"),
        (", format: object", ", gives: int", "done", "object", "int"),
        ("", "", "{yes: done}", "schema", "None"),
        ("", ", gives: str", "{yes: done}", "schema", "str"),
        (", format: text", "", "{yes: done}", "text", "None"),
    ],
)
def test_form_and_output(llm, more, success, form, gives):
    """A model answers in words where a string is wanted, and otherwise in JSON; each form has its type."""
    draft = asking(llm, more, success)

    assert draft.model is not None
    assert (draft.model.format, str(draft.gives)) == (form, gives)
    assert (draft.call, draft.effect) == ("", "none")


@pytest.mark.parametrize(
    ("model", "cost", "micro_usd"),
    [
        # 900 tokens read at $0.15, and 100 written at $0.60.
        ("m", "{tokens: 1000}", 195),
        # 901 read, rounded up.
        ("m", "{tokens: 1001}", 196),
        # No more can be written than there are tokens.
        ("m", "{tokens: 10}", 6),
        # Where reading is dearer, nothing is written at worst.
        ("odd", "{tokens: 1000}", 3_000),
        ("m", "{tokens: 1000, usd: 0.5}", 500_000),
        ("unpriced", "{tokens: 1000}", 0),
    ],
)
def test_money_follows_from_tokens(model, cost, micro_usd):
    """What an attempt costs at most is what its dearest answer would, unless the spec says it."""
    assert asking(more=f", cost: {cost}", model=model).cost.micro_usd == micro_usd


@pytest.mark.parametrize(("written", "text"), [("0.70", "0.7"), ("0", "0"), ("1e-1", "0.1"), ("2.0", "2")])
def test_a_temperature_is_exact(written, text):
    """A temperature is the shortest decimal text that is just as high."""
    draft = asking(f", temperature: {written}")

    assert draft.model is not None
    assert draft.model.temperature == text
