"""The digest of a machine: the same for the same meaning, another for any other."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from fsmflow.loading.structure import structure
from fsmflow.loading.yaml import load_file
from fsmflow.lowering import lower
from fsmflow.machine import canonical
from tests.sample import flow, machine

WHOLE = """
draft: {run: m:f, with: {a: $input.text}, gives: str, accept: [m:g], cost: {tokens: 5}, timeout: 2s, effect: none, success: {yes: pick, no: {to: lost, times: 2, else: done}}, retry: {times: 2}, invalid: {times: 2}, fallback: lost}
pick: {choose: [{when: draft == 1, to: pause}, {to: lost}]}
pause: {wait: 2s, success: done}
done: {end: success, output: $draft}
lost: {end: failed}
"""  # noqa: E501 - a state a line
KEYS = {"budget": "{steps: 9, exceeded: lost}", "input": "str", "output": "str"}


def test_the_digest_is_of_the_meaning_alone():
    """Titles and profiles are prose and choice of code; the digest ignores them."""
    titled = WHOLE.replace("{", "{title: Something else., ", 1).replace(
        "{end: failed", "{title: Lost., end: failed"
    )
    same = machine(titled, **KEYS, title="Another.", profiles="{offline: {draft: m:h}}")

    assert same.digest == machine(WHOLE, **KEYS).digest


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("run: m:f", "run: m:h"),
        ("a: $input.text", "a: $input.title"),
        ("a: $input.text", "b: $input.text"),
        ("a: $input.text", "a: $$input.text"),
        ("a: $input.text", "a: $input.text.or_null"),
        ("gives: str", "gives: int"),
        ("accept: [m:g]", "accept: []"),
        ("tokens: 5", "tokens: 6"),
        ("tokens: 5", "tool_calls: 5"),
        ("timeout: 2s", "timeout: 3s"),
        ("effect: none", "effect: idempotent"),
        ("effect: none", "effect: none, key: $input.text"),
        ("effect: none", "effect: none, inline: true"),
        ("effect: none", "effect: none, as: answer"),
        ("fallback: lost", "fallback: done"),
        ("yes: pick", "yes: pause"),
        ("yes: pick", "yeah: pick"),
        ("times: 2, else", "times: 3, else"),
        ("else: done", "else: lost"),
        ("else: done", "else: done, per: pick"),
        ("retry: {times: 2}", "retry: {times: 3}"),
        ("retry: {times: 2}", "retry: {times: 2, backoff: 2s}"),
        ("retry: {times: 2}", "retry: {times: 2, factor: 3}"),
        ("retry: {times: 2}", "retry: {times: 2, cap: 61s}"),
        ("retry: {times: 2}", "retry: {times: 2, jitter: none}"),
        ("retry: {times: 2}", "retry: {times: 2, retry_after: false}"),
        ("retry: {times: 2}", "retry: {times: 2, per: run}"),
        ("retry: {times: 2}", "retry: {times: 2, else: done}"),
        ("invalid: {times: 2}", "invalid: {times: 1}"),
        ("invalid: {times: 2}", "invalid: {to: pick, times: 2}"),
        ("when: draft == 1", "when: draft == 2"),
        ("when: draft == 1", "when: draft == True"),
        ("when: draft == 1", "when: draft == '1'"),
        ("when: draft == 1", "when: draft != 1"),
        ("wait: 2s", "wait: 3s"),
        ("wait: 2s", "reserve: true, wait: 2s"),
        ("end: success", "end: degraded"),
        ("output: $draft", "output: $input"),
        ("steps: 9", "steps: 8"),
        ("steps: 9", "steps: 9, tokens: 99"),
        ("exceeded: lost", "exceeded: done"),
        ("input=str", "input=int"),
        ("output=str", "output=int"),
    ],
)
def test_the_digest_changes_with_the_meaning(written, instead):
    """Two machines that may behave differently have different digests."""
    keys = "\n".join(f"{key}={value}" for key, value in KEYS.items())
    text = f"{WHOLE}---{keys}"
    assert text.count(written) >= 1
    states, _, changed = text.replace(written, instead, 1).partition("---")
    other = machine(states, **dict(line.split("=", 1) for line in changed.splitlines()))

    assert other.digest != machine(WHOLE, **KEYS).digest


@pytest.mark.parametrize(
    "more", [{"start": "pick"}, {"policies": "[{never: lost}]"}, {"prices": "{m: {input: 1, output: 2}}"}]
)
def test_the_digest_changes_with_the_workflow(more):
    """Start, policies and prices are part of what a machine is."""
    assert machine(WHOLE, **KEYS, **more).digest != machine(WHOLE, **KEYS).digest


def test_the_order_in_which_states_are_written_means_nothing_but_the_start():
    """With `start` said, states may stand in any order."""
    first = flow(WHOLE, **KEYS, start="draft")
    second = evolve(first, states=dict(reversed(first.states.items())))

    assert dict(lower(first).states) == dict(lower(second).states)
    assert lower(first).counters == lower(second).counters


ASKING = """
draft: {llm: {model: m, prompt: p.md, max_tokens: 100, temperature: 0.70}, with: {a: $input}, cost: {tokens: 1000}, success: done, fallback: lost}
done: {end: success, output: $draft}
lost: {end: failed}
"""  # noqa: E501 - a state a line


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("model: m", "model: n"),
        ("prompt: p.md", "prompt: q.md"),
        ("max_tokens: 100", "max_tokens: 101"),
        ("temperature: 0.70", "temperature: 0.71"),
        ("temperature: 0.70", "system: s.md"),
        ("temperature: 0.70", "format: object"),
        ("temperature: 0.70", "temperature: 0.70, options: {seed: 7}"),
    ],
)
def test_the_digest_changes_with_what_a_model_is_asked(written, instead):
    """Another model, prompt, limit or form is another machine."""
    assert machine(ASKING).digest != machine(ASKING.replace(written, instead)).digest


def test_the_digest_ignores_how_a_number_is_written():
    """A temperature is as high as it is, however many digits it has."""
    assert machine(ASKING).digest == machine(ASKING.replace("0.70", "0.7")).digest


def test_the_digest_ignores_the_order_of_options():
    """What an endpoint is told is the same in any order, and to tell it nothing is to have no options."""
    told = [
        machine(ASKING.replace("0.70", f"0.70, options: {options}")).digest
        for options in ("{}", "{seed: 7, top_p: 0.90}", "{top_p: 0.9, seed: 7}")
    ]

    assert told == [machine(ASKING).digest, told[1], told[1]]


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("find_sources", "4d6664e5587e64499eed6cb89dd9fb198de80b49183b1ed10973e51cc941f97c"),
        ("refund", "50a88777ca58b3268ab0ae4b81607deb2070d83e96a6b81ee0ad2d63663f9d15"),
    ],
)
def test_machines_without_models_are_what_they_were(name, digest):
    """That a state can ask a model changes nothing for machines in which none does."""
    folder = Path(__file__).parents[1] / "specs"
    found = structure(load_file(folder / f"{name}.fsm.yaml")).workflow
    assert found is not None

    assert '"model"' not in canonical(lower(found))
    assert lower(found).digest == digest
