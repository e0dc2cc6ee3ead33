"""The JSON Schema: it takes what the loader takes, and refuses what an editor can see is wrong."""

from __future__ import annotations

import json

import attrs
import jsonschema
import pytest

from fsmflow import spec
from fsmflow.loading.schema import json_schema
from fsmflow.loading.structure import structure
from fsmflow.loading.yaml import read_document

STEP = "run: m:f, success: done, fallback: done"
VALID = {
    "a step": f"a: {{{STEP}}}",
    "labels": "a: {run: m:f, success: {yes: done, no: {to: a, times: 2}}, fallback: {to: done}}",
    "retries": f"a: {{{STEP}, retry: {{times: 3, backoff: 200ms, factor: 1.5}}, invalid: {{times: 1}}}}",
    "arguments": f"a: {{{STEP}, with: {{q: $input.text, Deep: [1, {{x: 2.5}}, ~]}}, timeout: 1.5h}}",
    "postconditions": f"a: {{{STEP}, accept: [m:g], effect: none, inline: true}}",
    "a call to a model": "a: {llm: {model: x, prompt: p/q.md, max_tokens: 9}, success: done, fallback: done}",
    "a choice": "a: {choose: [{when: x.ok, to: done}, {to: a, times: 2, else: done}]}",
    "a pause": "a: {wait: 10s, success: done}",
    "a person": "a: {ask: Pay?, success: {yes: done}, timeout: 7d, role: finance, fallback: done}",
    "children": "a: {map: child, over: $x, at_most: 3, width: 2, tolerate: 0, success: done, fallback: done}",
    "children of items": "a: {map: child, over: $x, at_most: 3, with: {q: $item.a}, success: done}",
    "parallel children": "a: {parallel: {x: {call: child}}, success: done, fallback: done}",
    "parallel children on something": "a: {parallel: {x: {call: child, with: {q: $y}}}, success: done}",
    "a child": "a: {call: child, with: {q: 1}, as: v, success: done, fallback: done}",
}
MANY = ", ".join(f"x{n}: {{call: child}}" for n in range(33))
INVALID = {
    "a misspelt key": "a: {run: m:f, sucess: done}",
    "a missing key": "a: {run: m:f}",
    "no kind": "a: {success: done}",
    "two kinds": f"a: {{{STEP}, wait: 5s}}",
    "a number as text": f"a: {{{STEP}, retry: {{times: '3'}}}}",
    "a duration without a unit": f"a: {{{STEP}, timeout: 5}}",
    "no such duration": f"a: {{{STEP}, timeout: 5 s}}",
    "an unknown effect": f"a: {{{STEP}, effect: twice}}",
    "no reference": "a: {run: f, success: done}",
    "no retries at all": f"a: {{{STEP}, retry: {{times: 0}}}}",
    "a bad name": "A: {end: success}",
    "a reserved name": "input: {end: success}",
    "a reserved label": "a: {run: m:f, success: {times: done}}",
    "a list of steps": "a: [m:f]",
    "a boolean as a number": f"a: {{{STEP}, retry: {{times: true}}}}",
    "no parameter": f"a: {{{STEP}, with: {{a-b: 1}}}}",
    "a path as a child": "a: {call: ../x, success: done}",
    "no label": "a: {run: m:f, success: {}, fallback: done}",
    "no children": "a: {parallel: {}, success: done, fallback: done}",
    "too many children": f"a: {{parallel: {{{MANY}}}, success: done, fallback: done}}",
    "a child that is a name": "a: {parallel: {x: child}, success: done, fallback: done}",
    "a path as one of several": "a: {parallel: {x: {call: ../x}}, success: done, fallback: done}",
    "a reserved branch": "a: {parallel: {or_null: {call: x}}, success: done, fallback: done}",
    "too many items": "a: {map: child, over: $x, at_most: 1001, success: done, fallback: done}",
    "items of nothing": "a: {map: child, over: $x, at_most: 3, with: null, success: done, fallback: done}",
    "a question of nothing": "a: {ask: '', gives: str, success: done, fallback: done}",
    "something to see without a name": "a: {ask: A?, show: {a b: 1}, gives: str, success: done}",
}


def document(state: str):
    return read_document(f"workflow: w\nstates:\n  {state}\n  done: {{end: success}}\n", "spec.yaml")


def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json_schema())


def test_it_is_a_schema():
    """The schema is itself valid, plain JSON, and the same each time."""
    jsonschema.Draft202012Validator.check_schema(json_schema())

    assert json.loads(json.dumps(json_schema())) == json_schema()


@pytest.mark.parametrize("name", VALID)
def test_what_is_valid(name):
    """What the loader takes, the schema takes."""
    given = document(VALID[name])

    assert structure(given).diagnostics == ()
    assert [error.message for error in validator().iter_errors(given.tree)] == []


@pytest.mark.parametrize("name", INVALID)
def test_what_is_invalid(name):
    """What the schema refuses, the loader refuses too."""
    given = document(INVALID[name])

    assert structure(given).diagnostics != ()
    assert not validator().is_valid(given.tree)


@pytest.mark.parametrize(
    "top",
    [
        "budget: {steps: 3, usd: 0.25, time: 2min}",
        'prices: {"gpt-x": {input: 0.15, output: "0.6"}}',
        "policies: [{never: done, between: [a, done]}, {at_most: 3, visit: a}]",
        "profiles: {offline: {a: m:fake}}",
        "fsmflow: 1",
        "start: done",
    ],
)
def test_the_top_of_a_spec(top):
    """Each top-level key is taken as the loader takes it."""
    given = read_document(f"workflow: w\nstates: {{done: {{end: success}}}}\n{top}\n", "spec.yaml")

    assert structure(given).diagnostics == ()
    assert [error.message for error in validator().iter_errors(given.tree)] == []


WHERE = {cls: ("$defs", f"{kind}_state") for kind, cls in spec.KINDS.items()} | {
    spec.Workflow: (),
    spec.Branch: ("$defs", "branch"),
    spec.Retry: ("$defs", "retry"),
    spec.Budget: ("$defs", "budget"),
}


@pytest.mark.parametrize("cls", WHERE, ids=lambda c: c.__name__)
def test_editors_show_help(cls):
    """Every key of the language is described, with the words of its attribute."""
    schema = json_schema()
    for step in WHERE[cls]:
        schema = schema[step]

    assert len(schema["properties"]) == len(attrs.fields(cls))
    for attribute in attrs.fields(cls):
        described = schema["properties"][attribute.name.removesuffix("_")]
        assert described["description"] == attribute.metadata["help"]


def test_code_in_help_is_shown_as_code():
    """Help with a name in backticks is offered as Markdown too, which editors would else escape."""
    properties = json_schema()["$defs"]["run_state"]["properties"]

    assert properties["run"]["markdownDescription"] == properties["run"]["description"]
    assert "markdownDescription" not in properties["title"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("duration", "expected a duration such as 200ms, 5s or 2min"),
        ("money", "expected an amount in dollars with at most six decimal places, such as 0.25"),
        ("name", "a name is a-z, 0-9 and _, and begins with a letter"),
    ],
)
def test_editors_say_what_is_expected(name, said):
    """Where a pattern is not met, an editor says in words what would, and not the pattern."""
    assert json_schema()["$defs"][name]["errorMessage"] == said


def test_editors_say_how_a_function_is_written():
    """Who names a function without its module is told how."""
    assert (
        json_schema()["$defs"]["run_state"]["properties"]["run"]["errorMessage"] == "expected `module:name`"
    )
