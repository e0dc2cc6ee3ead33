"""Fault plans: runs that go as they are told to."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import click
import pytest

from fsmflow.cli.replayed import swaps
from fsmflow.machine import Machine
from fsmflow.runtime import Ended, Result, Runner
from fsmflow.runtime.run import Unbound
from fsmflow.testing import BadPlan, plan
from tests.generated import runner_of
from tests.runtime.families import READ, family, reading
from tests.sample import machine
from tests.strategies import CALLEES, ending_machine

STATES = (
    "draft: {run: m:f, timeout: 10s, cost: {tokens: 10}, success: check, fallback: lost,"
    " retry: {times: 3, backoff: 1min, cap: 10min}, invalid: {times: 2}}\n"
    "check: {run: m:f, timeout: 4s, success: {good: done, bad: {to: draft, times: 2, else: lost}},"
    " fallback: lost}\n"
    "pay: {run: m:f, timeout: 4s, effect: once, success: done, fallback: lost, unknown: lost}\n"
    "done: {end: success, output: $draft}\nlost: {end: failed}"
)
FLOW = machine(STATES)


def ran(states: dict[str, Any], flow: Machine = FLOW, **more: Any) -> Result[Any]:
    runner: Runner[Any, Any] = runner_of(flow)
    return runner.run_sync({}, **plan(runner, states, others="ok", **more))


def told(result: Result[Any]) -> list[str]:
    return [f"{s.state}.{s.label or s.outcome}" for s in result.trace if isinstance(s.event, Ended)]


def test_each_attempt_does_what_is_planned():
    """Outcomes come in the order of the list, and the last of it again and again."""
    result = ran({"draft": ["transient", "invalid", "ok"], "check": ["bad", "good"]})

    assert told(result) == [
        "draft.transient", "draft.invalid", "draft.success", "check.bad", "draft.success", "check.good",
    ]  # fmt: skip
    assert result.end == "done"


def test_minutes_of_waiting_take_no_time():
    """Pauses and latencies are on the ledger, and nobody waited for them."""
    began = time.monotonic()
    result = ran({"draft": [{"outcome": "transient", "retry_after": "5min", "takes": "9s"}] * 3 + ["ok"]})

    assert time.monotonic() - began < 2
    assert result.spent.time_us >= 15 * 60_000_000 + 27_000_000
    assert result.end == "done"


def test_a_timeout_is_the_runtimes_own():
    """A planned timeout lasts as long as the state's, and is cut off as a real one would be."""
    spans = ran({"draft": ["timeout", "ok"]}).trace

    assert spans[0].outcome == "transient"
    assert spans[0].elapsed_us == 10_000_000
    assert "its timeout" in spans[0].event.message


def test_values_uses_and_messages_are_as_planned():
    """What is charged, given and said is what the plan says."""
    result = ran(
        {
            "draft": [
                {"outcome": "invalid", "complaints": ["too short", "no source"], "use": {"tokens": 3}},
                {"value": {"a": [1]}, "use": {"tokens": 0}, "takes": "2s"},
            ],
        }
    )
    first, second = result.trace[:2]

    assert first.event.complaints == ("too short", "no source")
    assert (first.event.use, second.event.use) == ((0, 3, 0), (0, 0, 0))
    assert second.elapsed_us == 2_000_000
    assert result.output == {"a": [1]}


def test_a_use_above_the_declared_cost_is_a_breach():
    """A plan may break a promise of a step; the run then goes as it would."""
    result = ran({"draft": {"use": {"tokens": 11}}})

    assert result.trace[0].outcome == "failure"
    assert "charged more than it declared" in result.trace[0].event.message


TOOLS = machine(
    "think: {llm: {model: small, prompt: p.md, max_tokens: 9, tools: {add: int, say: str}},"
    " cost: {tokens: 99}, success: {add: done, say: done}, fallback: lost}\n"
    "done: {end: success, output: $think}\nlost: {end: failed}"
)


@pytest.mark.parametrize(("label", "value"), [("add", 0), ("say", ""), (None, 0)])
def test_a_tool_is_called_with_what_it_takes(label: str | None, value: Any):
    """What a planned call of a tool gives is of that tool's type; of the first one, unless said."""
    assert ran({"think": label or "ok"}, TOOLS).output == value
    assert type(ran({"think": label or "ok"}, TOOLS).output) is type(value)


def test_a_tool_is_not_called_with_what_another_takes():
    """A planned value is held to the type of the tool that it is for."""
    with pytest.raises(BadPlan, match="the value is no `str`: expected a string"):
        ran({"think": {"label": "say", "value": 5}}, TOOLS)


def test_real_steps_run_where_the_plan_says_so():
    """An entry `real`, and states that are not named, call the steps; deadlines cut them off in real time."""
    flow = machine(STATES.replace("m:f, timeout: 4s, success: {", "slow:check, timeout: 200ms, success: {"))
    runner = runner_of(flow)
    runner.folder = Path(__file__).parent
    calls = []

    async def check() -> str:
        calls.append("check")
        await asyncio.sleep(0 if len(calls) > 1 else 30)
        return "good"

    options = plan(runner, {"draft": [{"outcome": "transient", "retry_after": "5min"}, "ok"]})
    options["steps"] = {**options["steps"], "check": check, "pay": check}
    began = time.monotonic()
    result = runner.run_sync({}, **options)

    assert time.monotonic() - began < 5
    assert told(result) == ["draft.transient", "draft.success", "check.transient"]
    assert result.spent.time_us > 300_000_000


def test_real_steps_are_those_of_the_profile():
    """With a profile, `real` calls its step and not the spec's own, and states that are not named do too."""
    flow = machine(
        "draft: {run: m:f, with: {obj: $input}, timeout: 10s, effect: none, success: check, fallback: lost,"
        " retry: {times: 1, backoff: 1min}}\n"
        "check: {run: m:f, with: {s: $draft}, timeout: 4s, effect: none, success: done, fallback: lost}\n"
        "done: {end: success, output: $check}\nlost: {end: failed}",
        profiles="{quick: {draft: 'json:dumps', check: 'json:loads'}}",
    )
    runner: Runner[Any, Any] = runner_of(flow)
    result = runner.run_sync([1], **plan(runner, {"draft": ["transient", "real"]}, profile="quick"))

    assert told(result) == ["draft.transient", "draft.success", "check.success"]
    assert result.output == [1]


def test_a_run_under_plan_is_the_same_each_time():
    """On random machines with random plans, a run goes as planned, twice alike."""
    for seed in range(80):
        random = Random(seed)
        runner = runner_of(ending_machine(random))
        for name, callee in CALLEES.items():
            untyped = {"gives": "", "types": lambda: (None, None), "folder": runner.folder}
            runner.know(name, SimpleNamespace(digest=callee.digest, asks=False, **untyped))
        labels = {name: s.labels or () for name, s in (*runner.stages.items(), *runner.questions.items())}
        states: dict[str, Any] = {}
        for name in labels:
            words = [*_words(runner, name), *labels[name]]
            states[name] = [random.choice(words) for _ in range(random.randint(1, 4))]
        one, other = (runner.run_sync({}, **plan(runner, states, others="ok")) for _ in range(2))

        assert [s._replace(start_us=0) for s in one.trace] == [s._replace(start_us=0) for s in other.trace], (
            seed
        )
        numbers = dict.fromkeys(states, 0)
        for span in one.trace:
            if not isinstance(span.event, Ended) or isinstance(span.arguments, Unbound):
                continue
            words = states[span.state]
            word = words[min(numbers[span.state], len(words) - 1)]
            numbers[span.state] += 1
            expected = {"ok": "success", "timeout": "failure"} | dict.fromkeys(labels[span.state], "success")
            if span.outcome == "exceeded" or word == "unknown" or span.event.message.startswith("key: "):
                break
            assert span.outcome == expected.get(word, word), (seed, span)
            if labels[span.state] and span.outcome == "success":
                of_ok = word == "ok" and "ok" not in labels[span.state]
                assert span.label == (labels[span.state][0] if of_ok else word)


def _words(runner: Runner[Any, Any], state: str) -> tuple[str, ...]:
    """Give what may be planned for a state, whatever its labels."""
    if state in runner.questions:
        return "ok", "timeout"
    stage = runner.stages[state]
    if stage.children is not None:
        return "ok", "failure"
    return "ok", "transient", "invalid", "failure", *(["unknown"] if stage.effect == "once" else [])


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ({"darft": "ok"}, "did you mean `draft`?"),
        ({"draft": ["trasient"]}, "did you mean `transient`?"),
        ({"check": {"label": "goood"}}, "did you mean `good`?"),
        ({"draft": []}, "expected at least one attempt"),
        ({"draft": [5]}, "expected an outcome, such as ok, transient"),
        ({"draft": {"takes": "3"}}, "expected a duration"),
        ({"draft": {"takes": -3}}, "expected a duration"),
        ({"draft": {"use": {"tokens": 1.5}}}, "expected a whole number"),
        ({"draft": {"use": {"tokens": True}}}, "expected a whole number"),
        ({"draft": {"use": {"usd": "-1"}}}, "expected an amount"),
        ({"draft": {"use": 5}}, "expected amounts"),
        ({"draft": "unknown"}, "that takes `effect: once`"),
        ({"draft": {"outcome": "ok", "complaints": ["a"]}}, "`complaints` goes with invalid, not with ok"),
        ({"draft": {"outcome": "failure", "value": 1}}, "`value` goes with ok, not with failure"),
        ({"draft": {"outcome": "invalid", "complaints": [1]}}, "draft.complaints.0: expected text"),
        ({"draft": {"otucome": "ok"}}, "did you mean `outcome`?"),
        ({"draft": {"outcome": ["ok"]}}, "is no outcome of `draft`"),
        ({"check": {"value": 5}}, "gives no value beside its label"),
        ({"others": "all"}, "expected ok or real"),
        ({"others": ["ok"]}, "expected ok or real"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused(states: dict[str, Any], said: str):
    """What is wrong is said with its place and what was likely meant."""
    with pytest.raises(BadPlan) as refused:
        plan(runner_of(FLOW), states)

    assert said in str(refused.value)


def test_only_what_can_become_of_a_question_is_offered() -> None:
    """Who plans an answer that there is none of is told which there are, and of no outcome of steps."""
    flow = machine(
        "draft: {ask: 'Go on?', timeout: 1h, success: {go: done, stop: lost}, fallback: lost}\n"
        "done: {end: success}\nlost: {end: failed}"
    )
    with pytest.raises(BadPlan, match=r"expected one of `failure`, `go`, `ok`, `real`, `stop`, `timeout`$"):
        plan(runner_of(flow), {"draft": "yes"})


def test_a_state_that_runs_workflows_has_no_real_step() -> None:
    """What is not planned of children is really run, and a plan that asks for it by name is told so."""
    parent = family(read=READ, all=reading())

    with pytest.raises(BadPlan, match=r"`read_all` runs workflows.*; leave it out, and they are run"):
        plan(parent, {"read_all": ["real"]})


@pytest.mark.parametrize("name", ["read_all.fetch", "read_all/fetch"])
def test_a_step_of_a_child_is_not_planned(name: str) -> None:
    """A plan that names a step of a child is told how deep plans go, and of which workflow to plan a run."""
    parent = family(read=READ, all=reading())
    hint = "a plan goes no deeper than `read_all`; plan a run of `read`"

    with pytest.raises(BadPlan, match=f"there is no step `{name}`; {hint}"):
        plan(parent, {name: ["failure"]})


def test_a_step_of_a_child_is_not_swapped_in_a_replay() -> None:
    """So is `--with`, which swaps what is recorded, and that is no step of a child."""
    parent = family(read=READ, all=reading())
    hint = "a replay goes no deeper than `read_all`; replay a run of `read`"

    with pytest.raises(click.UsageError, match=f"all has no step 'read_all.fetch'; {hint}"):
        swaps(("read_all.fetch=m:f",), parent)
