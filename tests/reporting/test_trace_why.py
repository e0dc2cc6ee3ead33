"""Why a run ended as it did."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache

import pytest
from attrs import evolve

from fsmflow.analysis.traces.following import follow
from fsmflow.analysis.traces.recording import Child, read
from fsmflow.machine import Machine, Work
from fsmflow.reporting.trace_moves import moves
from fsmflow.reporting.trace_sentences import failure
from fsmflow.reporting.trace_why import explain
from tests.analysis.traces import test_following
from tests.recorded import Recorded, record_script
from tests.sample import machine

ENDS = "done: {end: success}\nplain: {end: degraded}\nlost: {end: failed}"
WORK = "draft: {run: m:f, timeout: 4s, cost: {tokens: 10}, success: check, fallback: lost%s}\n"
CHECK = (
    "check: {run: m:f, timeout: 4s, success: {good: done, bad: {to: draft, times: 2, else: plain}},"
    " fallback: {to: draft, times: 1, else: plain}}\n"
)


drawn = cache(test_following.drawn)
"""The same random runs are asked about twice."""


def told(lowered: Machine, script: str) -> str:
    return " ".join(explain(lowered, record_script(lowered, script).recording).text.split())


@pytest.mark.parametrize("seeds", [range(n, n + 50) for n in range(0, 200, 50)], ids=str)
def test_every_explanation_names_the_last_transitions_of_its_run(seeds):
    """Of 200 random runs, each of the transitions out of the last stage is told, from where to where."""
    kinds: Counter[str] = Counter()
    for seed in seeds:
        lowered, recorded = drawn(seed)
        recording = recorded.recording
        why = explain(lowered, recording)
        last = next((taken for taken in reversed((recorded.launch, *recorded.ways)) if taken), ())
        told = [move.way for move in why.chain]
        assert told[-len(last) :] == list(last)[-len(told) :] or not last, seed
        for way, sentence in zip(reversed(told), reversed(why.sentences), strict=False):
            names = re.findall("`([^`]*)`", sentence)
            if not sentence.startswith("("):
                assert way.source in names, (seed, sentence)
                assert names[-1] == way.target, (seed, sentence)
            kinds[way.kind] += 1
        assert f"`{recording.end}`" in why.ending
    assert set(kinds) >= {"success", "fallback", "exceeded"}


@pytest.mark.parametrize("seeds", [range(n, n + 50) for n in range(0, 200, 50)], ids=str)
def test_what_a_budget_lacked_is_what_the_run_was_told(seeds):
    """The caps that are said to have left no room are those that the run itself named in `$error`."""
    seen = 0
    for seed in seeds:
        lowered, recorded = drawn(seed)
        found = list(moves(lowered, recorded.recording, follow(lowered, recorded.recording)))
        lacking = [move for move in found if move.lacks]
        error = recorded.result.error
        if not lacking or error is None or error.outcome != "exceeded" or found[-1] is not lacking[-1]:
            continue
        seen += 1
        words = {"tool_calls": "tool calls", "micro_usd": "money", "time_us": "time"}
        for lack in lacking[-1].lacks:
            assert f"{words.get(lack.resource, lack.resource)}: " in error.message, seed
            assert lack.short > 0
        assert len(lacking[-1].lacks) == error.message.count(" used"), seed
    assert seen > 2


def test_a_way_back_that_is_used_up_is_told_with_its_cap():
    """The label, the way that was shut, its cap and the way out are in one sentence."""
    text = told(machine(WORK % "" + CHECK + ENDS), "s s:bad s s:bad s s:bad")

    assert "`check` gave `bad`; its way to `draft` was used up (≤ 2), which led to `plain`." in text
    assert "`check` gave `bad`, which led to `draft` (2 times)" in text


def test_a_capped_fallback_that_is_used_up_is_told():
    """That the fallback was taken before, and how often it may be, is said."""
    text = told(machine(WORK % "" + CHECK + ENDS), "s f s f")

    assert (
        "`check` failed (<b>refused</b>); its way to `draft` was used up (≤ 1), which led to `plain`" in text
    )


def test_retries_that_are_used_up_are_told():
    """What failed in passing, how often it may be retried, and the fallback are told."""
    text = told(machine(WORK % ", retry: {times: 1, backoff: 1s}" + CHECK + ENDS), "t t")

    assert "its retries were used up (≤ 1), so its fallback was taken, to `lost`" in text
    assert "so `draft` was tried again, after a pause" in text


def test_a_pause_that_is_not_waited_for_is_no_used_up_retry():
    """A server that asks for longer than the cap is not said to have used the retries up."""
    text = told(machine(WORK % ", retry: {times: 3, backoff: 1ms, cap: 2ms}" + CHECK + ENDS), "t")

    assert "the pause before a retry was too long, or did not fit in the time left" in text
    assert "used up" not in text


def test_asking_again_is_told_with_what_was_wrong():
    """The complaint, the re-ask and its cap are told."""
    text = told(machine(WORK % ", invalid: {times: 1}" + CHECK + ENDS), "i i")

    assert "was rejected (no citation); asking again was used up (≤ 1)" in text
    assert "so `draft` was asked again" in text


def test_what_happened_before_is_one_sentence():
    """What is told of the way to the decision goes on in small letters; by itself it is a sentence."""
    lowered = machine(WORK % ", invalid: {times: 3}" + CHECK + ENDS)
    why = explain(lowered, record_script(lowered, "i s s:bad s s:good").recording)

    assert why.before[0].startswith("The output of `draft` was rejected")
    assert "Before that: the output of `draft` was rejected" in why.text
    assert not re.search(r"[:;] [A-Z]", why.text)


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (
            "{tokens: 15, exceeded: plain}",
            "10 of 15 tokens were used, and it may need 10 tokens, 5 tokens too much",
        ),
        ("{steps: 2, exceeded: plain}", "2 of 2 steps were used, and it may need 1 step, 1 step too much"),
    ],
)
def test_a_budget_is_told_with_which_cap_and_by_how_much(budget, said):
    """What was used, the cap, what was needed and the way out stand in the sentence."""
    lowered = machine(WORK % "" + CHECK + ENDS, budget=budget)
    text = told(lowered, "s s:bad s s:bad")

    assert f"The budget had no room for an attempt of `draft`: {said}, so the run went to `plain`." in text


def test_an_unknown_effect_is_told_as_that():
    """Where nobody can tell if a step happened, that is what is said."""
    lowered = machine(
        "pay: {run: m:f, timeout: 4s, effect: once, success: done, fallback: lost, unknown: plain}\n" + ENDS
    )

    assert "Nobody can tell whether `pay` happened" in told(lowered, "u")


def test_a_run_that_broke_off_or_was_cancelled_says_where():
    """Neither is said to have ended."""
    lowered = machine(WORK % "" + CHECK + ENDS)
    recorded = record_script(lowered, "s s:bad s s:good")
    lines = recorded.lines[:-2]
    unfinished = explain(lowered, read("".join(f"{line}\n" for line in lines)))
    cancelled = explain(lowered, read("".join(f"{line}\n" for line in [*lines, _cancelled(recorded)])))

    assert unfinished.ending.startswith("The run is not over, or its trace breaks off")
    assert cancelled.ending == "The run was cancelled in `draft`, visit 2, attempt 1."
    begun = explain(lowered, read(f"{recorded.lines[0]}\n"))
    assert begun.ending.endswith("breaks off; it was last seen before its first step.")
    assert "ended in" not in unfinished.text + cancelled.text


def test_a_run_of_another_version_is_said_to_be_one():
    """A digest that differs comes first; where the run parts from the spec is told, and no guess after it."""
    lowered = machine(WORK % "" + CHECK + ENDS)
    recording = record_script(lowered, "s s:bad s s:good").recording
    other = evolve(recording, digest="0" * 64, stages=(recording.stages[0], recording.stages[0]))
    why = explain(lowered, other)

    assert "The spec has changed since this run: it was of version 00000000…" in why.doubts[0]
    assert "From `draft`, step 1 on, this spec does not explain what the run did." in why.doubts


def test_of_the_trace_of_a_resume_is_said_where_the_whole_is():
    """The trace of a run that was taken up begins in the middle: it is said how to have all of it."""
    lowered = machine(WORK % "" + CHECK + ENDS)
    recording = record_script(lowered, "s s:bad s s:good").recording
    rest = evolve(recording, stages=tuple(evolve(s, number=n) for n, s in enumerate(recording.stages[1:], 1)))
    why = explain(lowered, rest)

    command = f"`fsmflow runs {recording.run_id[:12]} --trace FILE`"
    (doubt,) = why.doubts
    assert doubt == (
        f"This trace does not hold the run from its beginning: {command} writes all that a durable run did."
    )
    assert why.ending == "The run ended in `done` (success)."
    assert why.chain == ()


def test_of_a_child_that_was_taken_up_the_whole_is_that_of_the_run():
    """Where the run of a child begins in its middle, what is named is the run that started it."""
    child = machine(
        "fetch: {run: m:f, success: parse, fallback: lost}\n"
        "parse: {run: m:f, success: done, fallback: lost}\n" + ENDS
    )
    failed = record_script(child, "s f").recording
    rest = evolve(failed, stages=(evolve(failed.stages[1], number=1),))
    above = machine(WORK % "" + CHECK + ENDS)
    recording = record_script(above, "f").recording
    (stage,) = recording.stages
    whole = evolve(recording, stages=(evolve(stage, children=(Child(None, rest),)),))
    (below,) = explain(above, whole, {child.name: child}).below

    assert f"`fsmflow runs {recording.run_id[:12]} --trace FILE`" in below.text


def test_what_led_to_the_end_is_told_by_the_trace_where_the_spec_does_not_explain_it():
    """A step that was renamed since and failed is told to have; what came before it led nowhere."""
    lowered = machine(WORK % ", retry: {times: 1, backoff: 1s}" + CHECK + ENDS)
    recording = record_script(lowered, "t s f s f").recording
    renamed = machine(
        WORK.replace("check", "verify") % ", retry: {times: 1, backoff: 1s}"
        + CHECK.replace("check", "verify")
        + ENDS
    )
    why = explain(renamed, recording)

    assert why.sentences == ("`check` failed (<b>refused</b>).",)
    assert why.chain == ()
    assert [each.split(" (")[0] for each in why.before] == ["`draft` failed in a way that may pass"]


def _cancelled(recorded: Recorded) -> str:
    end = json.loads(recorded.lines[-1])
    return json.dumps({**end, "end": "cancelled", "kind": "cancelled"})


def test_a_stage_that_begins_in_a_choice_is_told_from_there():
    """A choice says which of its arms it took, also before the first attempt."""
    lowered = machine("sort: {choose: [{when: len(input) > 9, to: lost}, {to: done}]}\n" + ENDS)
    assert not any(isinstance(state, Work) for state in lowered.states.values())

    assert (
        told(lowered, "") == "The run ended in `done` (success). `sort` chose its arm 2, which led to `done`."
    )


def test_what_may_have_happened_is_said_of_a_run_that_was_cancelled():
    """A step that acts once, cut off by the cancellation of its run or its caller's, may have happened."""
    lowered = machine(WORK % "" + CHECK + ENDS)
    ended = record_script(lowered, "s s:good").recording
    last = evolve(ended.stages[-1], outcome="unknown")
    cut = evolve(ended, stages=(*ended.stages[:-1], last), kind="cancelled", end="cancelled")
    caller = evolve(last, outcome="cancelled", children=(Child(None, cut), Child(1, ended)))
    above = evolve(cut, stages=(*ended.stages[:-1], caller))

    for recording in (cut, above):
        assert explain(lowered, recording).ending == (
            "The run was cancelled in `check`, visit 1, attempt 1. Nobody can tell whether `check` happened."
        )


def test_what_nobody_can_tell_is_said_once():
    """The reason of an unknown outcome stands beside the sentence that says so, and does not repeat it."""
    lowered = machine(WORK % "" + CHECK + ENDS)
    stage = record_script(lowered, "s s:good").recording.stages[0]
    unknown = evolve(stage, outcome="unknown", error="its process ended: nobody can tell if it happened")

    assert failure("`draft`", unknown) == "Nobody can tell whether `draft` happened (its process ended)"
