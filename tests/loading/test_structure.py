"""Structuring: what a document means as a workflow, and that one fault never hides another."""

from __future__ import annotations

import re
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmflow import spec
from fsmflow.loading import suppression
from fsmflow.loading.structure import Structured, structure
from fsmflow.loading.yaml import read_document
from fsmflow.source import Document

HEAD = "workflow: w\nstates:\n"
TAIL = "  done: {end: success}\n"

FULL = """\
fsmflow: 1
workflow: w
budget: {steps: 3, usd: 0.25, time: 2min, exceeded: done}
prices: {"some-model": {input: 0.15, output: "0.6"}}
start: a
states:
  a:
    run: m.n:f
    with: {q: $input.text, n: [1, 2.5]}
    as: answer
    success: {yes: done, no: {to: a, times: 2, else: done, per: run}}
    retry: {times: 3, backoff: 200ms, factor: 1.5, jitter: none}
    invalid: {times: 1}
    fallback: {to: done, times: 2}
  b: {llm: {model: some-model, prompt: p.md, max_tokens: 9, temperature: 0.5}, success: done, fallback: done}
  c: {choose: [{when: answer.ok, to: done}, {to: a}]}
  d: {wait: 10s, success: done}
  e: {ask: Pay?, timeout: 7d, success: {yes: done}, fallback: done}
  f: {map: child, over: $answer, at_most: 3, success: done, fallback: done}
  g: {parallel: {x: {call: child}}, success: done, fallback: done}
  h: {call: child, success: done, fallback: done}
  done: {end: success, output: $answer}
policies: [{at_most: 3, visit: a, between: [a, done]}]
profiles: {offline: {a: m:fake}}
"""


def read(text: str) -> Structured:
    return structure(read_document(text, "spec.yaml"))


def said(text: str) -> list[tuple[str, str]]:
    return [(d.check, ".".join(map(str, d.route))) for d in read(text).diagnostics]


def test_every_kind_of_state():
    """Each kind of state is told by its key, and each value gets the type of the language."""
    workflow = read(FULL).workflow

    assert read(FULL).diagnostics == ()
    assert [type(state) for state in workflow.states.values()] == list(spec.KINDS.values())
    a = workflow.states["a"]
    assert a.success == {"yes": "done", "no": spec.Target(to="a", times=2, else_="done", per="run")}
    assert a.retry == spec.Retry(times=3, backoff=spec.Duration(200_000), factor=1.5, jitter="none")
    assert a.with_ == {"q": "$input.text", "n": [1, 2.5]}
    assert a.as_ == "answer"
    assert workflow.budget.usd == spec.Money(250_000)
    assert workflow.prices["some-model"].output == spec.Money(600_000)
    assert workflow.states["e"].timeout == spec.Duration(7 * 86_400_000_000)


def test_all_faults_at_once():
    """Faults of different states, kinds and depths are all told in one go."""
    text = (
        f"{HEAD}  a: {{run: os:system, sucess: dnoe, fallback: [1]}}\n  b: {{end: succes}}\n  c: 5\n{TAIL}"
        "budget: {steps: true, tokns: 3}\ntitel: x\n"
    )

    assert set(said(text)) == {
        ("unknown-key", "states.a.sucess"),
        ("wrong-type", "states.a.fallback"),
        ("forbidden-reference", "states.a.run"),
        ("bad-value", "states.b.end"),
        ("wrong-type", "states.c"),
        ("wrong-type", "budget.steps"),
        ("unknown-key", "budget.tokns"),
        ("unknown-key", "titel"),
    }


def test_a_misspelt_key_is_read_as_the_near_one():
    """A misspelt required key is one fault, not two, and its value is still checked."""
    result = read(f"{HEAD}  a: {{run: m:f, sucess: {{Bad: done, ok: 3}}, fallback: done}}\n{TAIL}")

    assert [(d.check, d.route) for d in result.diagnostics] == [
        ("unknown-key", ("states", "a", "sucess")),
        ("wrong-type", ("states", "a", "sucess", "ok")),
        ("bad-name", ("states", "a", "sucess", "Bad")),
    ]
    assert result.workflow.states["a"].success == {"Bad": "done", "ok": "done"}


def test_a_near_key_that_is_there_already():
    """A key that resembles one that is present is dropped, not read as it."""
    result = read(f"{HEAD}  a: {{end: success, ned: failed}}\n")

    assert result.workflow.states["a"].end == "success"
    assert [d.hint for d in result.diagnostics] == ["did you mean `end`?"]


def test_a_key_of_another_kind():
    """A key that belongs to other kinds of states says so."""
    (found,) = read(f"{HEAD}  a: {{end: success, retry: {{times: 2}}}}\n").diagnostics

    assert found.hint == "it belongs to `run` and `llm` states"


@pytest.mark.parametrize(
    ("state", "hint", "kind"),
    [
        ("{rnu: m:f, success: done, fallback: done}", "did you mean `run`?", spec.Run),
        ("{run: m:f, wait: 5s, success: done}", "make a state of each", spec.Run),
        ("{}", "", spec.End),
        ("{title: x}", "", spec.End),
    ],
)
def test_a_state_of_no_kind_or_of_two(state, hint, kind):
    """A state of no kind, or of two, is named, and something is put in its place."""
    result = read(f"{HEAD}  a: {state}\n{TAIL}")

    assert [(d.check, d.hint) for d in result.diagnostics] == [("unknown-kind", hint)]
    assert isinstance(result.workflow.states["a"], kind)


def test_what_was_lost_is_named():
    """States and policies of which something was lost are known by their routes."""
    result = read(f"{HEAD}  a: {{end: 3}}\n{TAIL}policies: [{{never: done}}, {{never: 3}}]\n")

    assert result.damaged == {("states", "a"), ("policies", 1)}
    assert result.workflow.policies[0] == spec.Policy(never="done")


@pytest.mark.parametrize("rest", ["", "states: {}\n", "states: [a]\n", "states:\n", "x: 1\n"])
def test_nothing_to_structure(rest):
    """Without states there is no workflow, and the reason is told."""
    result = read(f"workflow: w\n{rest}")

    assert result.workflow is None
    assert result.diagnostics != ()


def test_a_missing_key_shows_an_example():
    """A missing key is located at its state, with an example of it."""
    document = read_document(f"{HEAD}  a: {{run: m:f}}\n{TAIL}", "spec.yaml")
    (found,) = structure(document).diagnostics

    assert (found.check, found.hint) == ("missing-key", "for example `success: check`")
    assert document.locate(found.route).line == 3


def test_where_all_keys_are_told():
    """A hint that has no room for all keys says where they are; one that has says no more."""
    state = "{run: m:f, success: done, colour: red, retry: {times: 1, colour: red}}"
    hints = [found.hint for found in read(f"{HEAD}  a: {state}\n{TAIL}").diagnostics]

    assert [hint.endswith("…; `fsmflow explain run` tells them all") for hint in hints] == [True, False]


def test_many_unknown_keys():
    """Of very many unknown keys, the first are told one by one."""
    keys = ", ".join(f"k{n}: 1" for n in range(1000))
    found = read(f"{HEAD}  a: {{end: success, {keys}}}\n").diagnostics

    assert len(found) == 21
    assert found[-1].message == "980 more unknown keys"


def test_ten_thousand_states():
    """A chain of ten thousand states, closed to one circle, is structured."""
    names = [f"s{n}" for n in range(10_000)]
    text = HEAD + "".join(
        f"  {a}: {{wait: 1s, success: {b}}}\n" for a, b in zip(names, names[1:] + names[:1], strict=True)
    )
    result = read(text)

    assert result.diagnostics == ()
    assert len(result.workflow.states) == 10_000


def test_the_document_stays_as_it_was():
    """Repairs are done to a copy."""
    text = f"{HEAD}  a: {{end: 3, x: [1]}}\n{TAIL}"
    document = read_document(text, "spec.yaml")
    structure(document)

    assert document.tree == read_document(text, "spec.yaml").tree


MODELS = (*spec.KINDS.values(), spec.Workflow, spec.Retry, spec.Target)
KEYS = sorted({key.removesuffix("_") for cls in MODELS for key in attrs.fields_dict(cls)})
words = st.sampled_from(["a", "m:f", "5s", "$x", "success", ""])
trees = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | words,
    lambda t: st.lists(t, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), t),
    max_leaves=30,
)


@given(
    top=st.dictionaries(st.sampled_from(KEYS), trees),
    states=st.dictionaries(st.sampled_from("abc"), trees, min_size=1),
)
def test_any_tree_gives_a_workflow_or_diagnostics(top, states):
    """Whatever a mapping holds, structuring ends with a workflow, or says why not."""
    result = structure(Document("", "", top | {"states": states}))

    assert result.workflow is not None
    assert result.diagnostics or result.damaged == frozenset()
    for diagnostic in result.diagnostics:
        assert diagnostic.message
        assert diagnostic.message.isprintable()


def test_the_checks_of_loading_are_listed():
    """Every check that loading names is known to be one that no comment excuses."""
    files = sorted(Path(suppression.__file__).parent.glob("*.py"))
    source = "".join(path.read_text() for path in files if path.name != "suppression.py")
    calls = "Diagnostic|Misfit|report|refuse|refusal|_unreadable|_bad|__init__"
    named = set(re.findall(rf'(?:{calls})\(\s*"([a-z-]+)"', source))

    assert len(named) > 20
    assert named <= suppression.STRUCTURAL
