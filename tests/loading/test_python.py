"""Specs written in Python: they are written out, read back the same, and meet the same checks."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmflow import spec
from fsmflow.diagnostics import InvalidSpec
from fsmflow.loading.python import document_of
from fsmflow.loading.structure import structure

DONE = {"done": spec.End(end="success")}

names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
durations = st.integers(1, 10**12).map(spec.Duration)
data = st.recursive(
    texts
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.booleans()
    | st.none()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)
maybe = st.none() | names
targets = st.builds(spec.Target, to=names, times=st.none() | st.integers(1, 9), else_=maybe, per=maybe)
arms = names | targets
labels = names.filter(lambda name: name != "to")
retries = st.builds(
    spec.Retry,
    times=st.integers(1, 9),
    backoff=durations,
    factor=st.integers(1, 9) | st.just(1.5),
    cap=durations,
    jitter=st.sampled_from(["full", "none"]),
    retry_after=st.booleans(),
)
runs = st.builds(
    spec.Run,
    run=texts,
    title=st.none() | texts,
    with_=st.dictionaries(texts, data, max_size=3),
    as_=maybe,
    accept=st.lists(texts, max_size=3),
    cost=st.builds(spec.Cost, tokens=st.integers(0, 9), usd=st.integers(0, 10**15).map(spec.Money)),
    timeout=st.none() | durations,
    effect=st.sampled_from(["none", "once", None]),
    inline=st.booleans(),
    success=arms | st.dictionaries(labels, arms, max_size=3),
    retry=st.none() | retries,
    fallback=st.none() | arms,
)
choices = st.builds(
    spec.Choose, choose=st.lists(st.builds(spec.ChooseArm, when=st.none() | texts, to=names), max_size=3)
)
asks = st.builds(
    spec.Ask,
    ask=texts,
    show=st.dictionaries(texts, data, max_size=3),
    role=st.none() | texts,
    gives=st.none() | texts,
    timeout=st.none() | durations,
    success=arms | st.dictionaries(labels, arms, max_size=3),
)
maps = st.builds(
    spec.Map,
    map=texts,
    over=texts,
    at_most=st.integers(-9, 9),
    width=st.integers(0, 9),
    tolerate=st.integers(0, 9),
    with_=st.none() | st.dictionaries(texts, data, max_size=3),
    success=arms,
)
branches = st.builds(spec.Branch, call=texts, with_=st.dictionaries(texts, data, max_size=2))
parallels = st.builds(spec.Parallel, parallel=st.dictionaries(texts, branches, max_size=3), success=arms)
calls = st.builds(spec.Call, call=texts, with_=st.dictionaries(texts, data, max_size=3), success=arms)
ends = st.builds(spec.End, end=st.sampled_from(["success", "handoff"]), output=data)
workflows = st.builds(
    spec.Workflow,
    workflow=texts,
    budget=st.builds(spec.Budget, steps=st.none() | st.integers(1, 99), time=st.none() | durations),
    states=st.dictionaries(
        texts, runs | choices | asks | maps | parallels | calls | ends, min_size=1, max_size=4
    ),
    policies=st.lists(st.builds(spec.Policy, never=maybe, between=st.none() | st.lists(texts)), max_size=2),
    profiles=st.dictionaries(texts, st.dictionaries(texts, texts, max_size=2), max_size=2),
)


@given(workflows)
def test_a_model_survives_being_written(workflow: spec.Workflow):
    """What a model says is exactly what its document says, whatever its texts hold."""
    assert structure(document_of(workflow)).workflow == workflow


def test_how_a_model_is_written():
    """A model is written as an author would: keys in order, defaults left out, short things on one line."""
    workflow = spec.Workflow(
        workflow="ask",
        budget=spec.Budget(steps=3, usd=spec.Money(250_000), time=spec.Duration(120_000_000)),
        states={
            "a": spec.Run(
                run="ask:a",
                with_={"text": "$input.text", "note": "no"},
                as_="answer",
                timeout=spec.Duration(200_000),
                success={"ok": "done", "again": spec.Target(to="a", times=2, else_="done")},
                fallback="done",
            ),
            "done": spec.End(end="success", output="$answer"),
        },
    )
    document = document_of(workflow)

    assert document.path == "<python:ask>"
    assert document.text == (
        "fsmflow: 1\n"
        "workflow: ask\n"
        "budget: {steps: 3, usd: 0.25, time: 2min}\n"
        "states:\n"
        "  a:\n"
        "    run: ask:a\n"
        "    with: {text: $input.text, note: no}\n"
        "    as: answer\n"
        "    timeout: 200ms\n"
        "    success: {ok: done, again: {to: a, times: 2, else: done}}\n"
        "    fallback: done\n"
        "  done: {end: success, output: $answer}\n"
    )


def checks(**keys: Any) -> set[str]:
    workflow = attrs.evolve(spec.Workflow(workflow="w", states=DONE), **keys)
    try:
        return {d.check for d in structure(document_of(workflow)).diagnostics}
    except InvalidSpec as invalid:
        return {d.check for d in invalid.diagnostics}


def a_list_in_itself() -> list[Any]:
    made: list[Any] = []
    made.append(made)
    return made


def a_bomb() -> list[Any]:
    made: list[Any] = ["x"] * 9
    for _ in range(9):
        made = [made] * 9
    return made


@pytest.mark.parametrize(
    ("output", "check"),
    [
        (float("nan"), "bad-number"),
        (float("-inf"), "bad-number"),
        (10**5000, "bad-number"),
        ({1: 2}, "non-string-key"),
        ({1, 2}, "wrong-type"),
        (object(), "wrong-type"),
        (b"bytes", "wrong-type"),
        (a_list_in_itself(), "too-deep"),
        (a_bomb(), "too-large"),
        ("x" * 100_000, "too-large"),
        ("x" * 2_000_000, "too-large"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_no_spec_can_hold(output, check):
    """Objects that are no plain data are refused by name, not by a traceback."""
    assert checks(states={"done": spec.End(end="success", output=output)}) == {check}


@pytest.mark.parametrize(
    ("keys", "check"),
    [
        ({"workflow": None}, "wrong-type"),
        ({"workflow": "x" * 10_000}, "bad-name"),
        ({"states": 3}, "wrong-type"),
        ({"states": {}}, "bad-value"),
        ({"states": {"x" * 10_000: spec.End(end="success")}}, "bad-name"),
        ({"states": {"a": spec.End(end="succes")}}, "bad-value"),
        ({"states": {"a": None}}, "wrong-type"),
        ({"budget": spec.Budget(steps=True)}, "wrong-type"),
        ({"budget": spec.Budget(time=spec.Duration(-1))}, "bad-value"),
        ({"title": "\ud800"}, "yaml-syntax"),
    ],
    ids=str,
)
def test_wrong_models(keys, check):
    """Attrs takes any value for any attribute; loading does not."""
    assert checks(**keys) == {check}


def test_a_diagnostic_shows_its_line():
    """A fault of a model is located in the text that the model is written as."""
    document = document_of(spec.Workflow(workflow="w", states={"Bad": spec.End(end="success")}))
    (found,) = structure(document).diagnostics

    assert document.line(document.locate(found.route, key=found.key).line) == "  Bad: {end: success}"
