"""Recorded runs, run again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve, frozen

from fsmflow.analysis.traces.following import follow
from fsmflow.analysis.traces.recording import Recording, read
from fsmflow.machine import Machine
from fsmflow.reporting import trace_change
from fsmflow.runtime import Result, Runner
from fsmflow.testing.replaying import RecordingEnds, Replaying, without_lost
from tests.analysis.traces.test_following import drawn
from tests.generated import runner_of
from tests.recorded import record, record_script
from tests.sample import machine

FLOW = machine(
    "draft: {run: m:f, with: {seen: $check.or_null}, timeout: 4s, effect: none, cost: {tokens: 10},"
    " success: rest, retry: {times: 2, backoff: 10s}, fallback: lost}\n"
    "rest: {wait: 1s, success: check}\n"
    "check: {run: m:f, with: {text: $draft}, timeout: 4s, effect: none,"
    " success: {good: done, bad: {to: draft, times: 2, else: lost}}, fallback: lost}\n"
    "done: {end: success, output: $draft}\nlost: {end: failed}"
)


@frozen
class Passage:
    text: str


def again(
    runner: Runner[Any, Any], recording: Recording, **swapped: Any
) -> tuple[Recording, Replaying, Result[Any]]:
    lines: list[str] = []
    replaying = Replaying(runner, recording, swapped)
    result = runner.run_sync(
        replaying.given, **replaying.options, trace=lambda event: lines.append(json.dumps(event))
    )
    return read("".join(f"{line}\n" for line in lines)), replaying, result


@pytest.mark.parametrize(
    "seeds", [range(50), range(50, 100), pytest.param(range(100, 300), marks=pytest.mark.slow)], ids=str
)
def test_a_replay_is_the_run_that_was_recorded(seeds):
    """Of random runs, each replay has the same stages, end, output, error, ledger and transitions."""
    for seed in seeds:
        lowered, recorded = drawn(seed)
        before = recorded.recording
        after, replaying, result = again(recorded.runner, before)

        assert list(trace_change.differences(before, after)) == [], seed
        assert after.stages == before.stages, seed
        assert (after.end, after.kind, after.output) == (before.end, before.kind, before.output)
        assert (after.spent, after.error, after.total_us) == (before.spent, before.error, before.total_us)
        assert follow(lowered, after) == follow(lowered, before)
        assert result.spent == recorded.result.spent
        assert replaying.called == []


def test_a_difference_is_told():
    """A machine that goes elsewhere does not replay as recorded, and what differs is said."""
    before = record_script(FLOW, "s s:bad s s:good").recording
    other = machine(
        "draft: {run: m:f, with: {seen: $check.or_null}, timeout: 4s, effect: none, cost: {tokens: 10},"
        " success: check, fallback: lost}\n"
        "check: {run: m:f, with: {text: $draft}, timeout: 4s, effect: none,"
        " success: {good: done, bad: done}, fallback: lost}\n"
        "done: {end: success, output: $draft}\nlost: {end: failed}"
    )
    after, _, _ = again(runner_of(other), before)

    told = list(trace_change.differences(before, after))
    assert told[0] == "step 2, `rest` became `check`"
    assert "what was used" in told


def test_a_swapped_step_is_called_and_the_rest_repeated():
    """With one step swapped for one that gives the same, all others are answered from the recording."""
    before = record_script(FLOW, "s s:bad s s:good").recording

    async def draft(**_: Any) -> str:
        return "x"

    after, replaying, _ = again(runner_of(FLOW), before, draft=draft)

    assert replaying.called == ["draft", "draft"]
    assert replaying.repeated == 2
    assert (after.end, after.output) == (before.end, before.output)


def test_what_changes_with_a_swapped_step_is_called_or_stops():
    """Where inputs change, a step without an effect is called; one that may act is not, and that is said."""
    before = record_script(FLOW, "s s:good").recording
    runner = runner_of(FLOW)
    with pytest.raises(RecordingEnds, match="`check` is asked what the recording does not answer"):
        again(runner, before, draft=lambda **_: "other")

    after, replaying, _ = again(runner, before, draft=lambda **_: "other", check=lambda **_: "good")
    assert replaying.called == ["draft", "check"]
    assert after.output == "other"

    acting = machine(
        "draft: {run: m:f, timeout: 4s, effect: none, success: pay, fallback: lost}\n"
        "pay: {run: 'json:dumps', with: {obj: $draft}, timeout: 4s, effect: idempotent,"
        " success: done, fallback: lost}\n"
        "done: {end: success}\nlost: {end: failed}"
    )
    recorded = record_script(acting, "s s").recording
    with pytest.raises(RecordingEnds, match="it does not say `effect: none`: name it in --with pay="):
        again(runner_of(acting), recorded, draft=lambda **_: "other")
    harmless = evolve_effect(acting)
    after, replaying, _ = again(runner_of(harmless), recorded, draft=lambda **_: "other")
    assert (after.end, replaying.called) == ("done", ["draft", "pay"])


def test_what_is_called_is_of_the_profile_that_was_recorded():
    """Where a recorded run had a profile, a replay calls that one's steps and not the spec's own."""
    flow = machine(
        "draft: {run: m:f, timeout: 4s, effect: none, success: check, fallback: lost}\n"
        "check: {run: m:f, with: {obj: $draft}, timeout: 4s, effect: none, success: done, fallback: lost}\n"
        "done: {end: success, output: $check}\nlost: {end: failed}",
        profiles="{quick: {check: 'json:dumps'}}",
    )
    before = evolve(record_script(flow, "s s").recording, profile="quick")
    after, replaying, _ = again(runner_of(flow), before, draft=lambda **_: "other")

    assert replaying.called == ["draft", "check"]
    assert (after.output, after.profile) == ('"other"', "quick")

    gone = evolve(before, profile="slow")
    assert again(runner_of(flow), gone)[0].profile is None
    with pytest.raises(RecordingEnds, match="the profile `slow` that it was recorded with is gone: name it"):
        again(runner_of(flow), gone, draft=lambda **_: "other")


def evolve_effect(flow: Machine) -> Machine:
    states = {**flow.states, "pay": evolve(flow.states["pay"], effect="none")}
    return evolve(flow, states=states)


def test_a_run_that_was_cut_off_is_replayed_as_far_as_it_goes():
    """A recording that breaks off, or whose run was cancelled, ends in a word and not in a wrong outcome."""
    recorded = record_script(FLOW, "s s:bad s s:good")
    torn = read("".join(f"{line}\n" for line in recorded.lines[:4]))

    cancelled = evolve(
        torn, kind="cancelled", stages=(*torn.stages[:2], evolve(torn.stages[2], outcome="cancelled"))
    )

    with pytest.raises(RecordingEnds, match=r"`draft` is asked .* not answer: it breaks off there$"):
        again(runner_of(FLOW), torn)
    with pytest.raises(RecordingEnds, match="the run was cancelled in `check`"):
        again(runner_of(FLOW), cancelled)


def test_a_run_that_was_cancelled_in_a_pause_is_replayed_to_there():
    """Where a wait, or a pause before a retry, was cut off, the replay stops as the run did."""
    for script, state in (("s", "rest"), ("t", "draft")):
        recorded = record_script(FLOW, f"{script} s:good").recording
        cancelled = evolve(recorded, kind="cancelled", stages=recorded.stages[:2])
        with pytest.raises(RecordingEnds, match=f"^the run was cancelled in `{state}`, and is recorded no"):
            again(runner_of(FLOW), cancelled)


def test_why_a_recording_has_no_answer_is_said():
    """An argument that is another one now is named, and so is a step that the run came to too seldom."""
    before = record_script(FLOW, "s s:bad s s:good").recording
    runner = runner_of(FLOW)
    answer = "what the recording does not answer"
    with pytest.raises(
        RecordingEnds, match=f"`check` is asked {answer}: its `text` was another one then; its step"
    ):
        again(runner, before, draft=lambda **_: "other")

    other = evolve(before, stages=tuple(s for s in before.stages if s.state != "check"))
    with pytest.raises(RecordingEnds, match=f"`check` is asked {answer}: the run never came to it$"):
        again(runner, other)

    first, *later = before.stages
    changed = evolve(before, stages=(evolve(first, given={**first.given, "seen": "other"}), *later))
    with pytest.raises(RecordingEnds, match=f"`draft` is asked {answer}: its `seen` was another one then$"):
        again(runner, changed)

    again_and_again = machine(
        "draft: {run: m:f, timeout: 4s, effect: none, success: draft, retry: {times: 2}, fallback: lost}\n"
        "lost: {end: failed}",
        budget="{steps: 9}",
    )
    seldom = record_script(again_and_again, "s f").recording
    with pytest.raises(RecordingEnds, match=f"`draft` is asked {answer}: it was asked less often then$"):
        again(runner_of(again_and_again), evolve(seldom, stages=seldom.stages[:1]))


def test_of_the_recording_of_a_resume_is_said_where_the_whole_is():
    """The recording of a run that was taken up begins in the middle: it is said how to have all of it."""
    before = record_script(FLOW, "s s:bad s s:good").recording
    with pytest.raises(RecordingEnds) as ends:
        again(runner_of(FLOW), evolve(before, stages=before.stages[3:]))

    assert str(ends.value) == (
        "`draft` is asked what the recording does not answer: it does not hold the run from its beginning: "
        f"`fsmflow runs {before.run_id[:12]} --trace FILE` writes all that a durable run did"
    )


def test_an_end_of_another_kind_is_told():
    """Where an end has only become another kind of end, the kinds are told."""
    before = record_script(FLOW, "s s:good").recording
    degraded = evolve(before, kind="degraded")

    assert list(trace_change.differences(before, degraded)) == [
        "the end: `done` (success) became `done` (degraded)"
    ]


def test_attempts_that_were_lost_are_left_out():
    """What was lost with its process is not repeated, and the rest is as it was recorded."""
    before = record_script(FLOW, "s s:bad s s:good").recording
    lost = evolve(before.stages[2], outcome="lost", output=None, label=None, elapsed_us=4_000_000)
    stages = [*before.stages[:2], lost, *before.stages[2:]]
    spent = {
        **before.spent,
        "steps": before.spent["steps"] + 1,
        "time_us": before.spent["time_us"] + 4_000_000,
    }
    crashed = evolve(before, stages=tuple(evolve(s, number=n) for n, s in enumerate(stages, 1)), spent=spent)

    assert without_lost(crashed) == before
    assert list(trace_change.differences(without_lost(crashed), again(runner_of(FLOW), crashed)[0])) == []


def test_what_is_no_outcome_is_not_replayed():
    """A recording that was edited by hand can't bring a run to where no run comes."""
    before = record_script(FLOW, "s s:good").recording
    for changes in ({"outcome": "splendid"}, {"outcome": "unknown"}, {"label": "gone"}):
        odd = evolve(before, stages=(evolve(before.stages[0], **changes), *before.stages[1:]))
        with pytest.raises(RecordingEnds, match="`draft`"):
            again(runner_of(FLOW), odd)


def test_minutes_of_pauses_take_no_time():
    """What was waited for is on the ledger again, to the microsecond, and nobody waits."""
    before = record_script(FLOW, "t t s s:good").recording
    after, _, _ = again(runner_of(FLOW), before)

    assert before.spent["time_us"] > 2_000_000
    assert after.spent == before.spent


def test_values_that_json_has_no_word_for_are_replayed():
    """Infinities, bytes, sets, odd keys and what could not be written at all are the same input again."""
    odd = {
        "a": float("inf"),
        "b": b"\x00",
        "c": {3, 4},
        "$d": 1,
        "e": {5: [None]},
        "f": object(),
        "g": Passage("x"),
    }
    before = record(FLOW, lambda state: ("s", state.labels and "good", odd), {"input": odd}).recording
    after, replaying, _ = again(runner_of(FLOW), before)

    assert replaying.repeated == 2
    assert after.end == before.end
    assert [stage.outcome for stage in after.stages] == [stage.outcome for stage in before.stages]


def test_late_charges_of_abandoned_attempts_are_booked_again():
    """What an attempt charged after it was cut off is on the ledger of the replay at the same place."""
    recorded = record_script(FLOW, "t s s:good")
    late = {
        **json.loads(recorded.lines[1]),
        "event": "late", "use": {"tool_calls": 0, "tokens": 7, "micro_usd": 0},
    }  # fmt: skip
    end = json.loads(recorded.lines[-1])
    end["spent"]["tokens"] += 7
    lines = [*recorded.lines[:2], json.dumps(late), *recorded.lines[2:-1], json.dumps(end)]
    before = read("".join(f"{line}\n" for line in lines))
    after, _, _ = again(runner_of(FLOW), before)

    assert after.spent == before.spent
    assert [charge.use["tokens"] for charge in after.late] == [7]


def test_late_charges_count_where_a_step_is_swapped():
    """What came in while a step ran that is swapped now is on the ledger all the same: it was another's."""
    flow = machine(
        "draft: {run: m:f, timeout: 4s, effect: none, cost: {tokens: 10}, success: check, fallback: lost}\n"
        "check: {run: m:f, with: {text: $draft}, timeout: 4s, effect: none, success: done, fallback: lost}\n"
        "done: {end: success}\nlost: {end: failed}"
    )
    recorded = record_script(flow, "s s")
    late = {
        **json.loads(recorded.lines[1]),
        "event": "late", "use": {"tool_calls": 0, "tokens": 7, "micro_usd": 0},
    }  # fmt: skip
    lines = [*recorded.lines[:2], json.dumps(late), *recorded.lines[2:]]
    before = read("".join(f"{line}\n" for line in lines))
    after, replaying, _ = again(runner_of(flow), before, check=lambda **_: "other")

    assert replaying.called == ["check"]
    assert [charge.use["tokens"] for charge in after.late] == [7]


def test_a_step_that_is_not_there_is_refused():
    """A swap for a state that has no step is told by name."""
    with pytest.raises(LookupError, match="no step 'darft'"):
        Replaying(runner_of(FLOW), record_script(FLOW, "s s:good").recording, {"darft": "m:f"})


def test_a_recording_can_be_replayed_again():
    """Two replays of one recording do not share what they have used up."""
    before = record_script(FLOW, "s s:bad s s:good").recording
    runner = runner_of(FLOW)

    assert again(runner, before)[0].stages == again(runner, before)[0].stages


@frozen
class Sentence:
    text: str


def test_what_a_tool_was_called_with_is_of_its_type():
    """A recorded call is of the type of the tool that was called, though another one would fit as well."""
    here = "tests.testing.test_replaying"
    tools = machine(
        "think: {llm: {model: small, prompt: p.md, max_tokens: 9,"
        f" tools: {{look: '{here}:Passage', say: '{here}:Sentence'}}}},"
        " success: {look: done, say: done}, fallback: lost}\n"
        "done: {end: success, output: $think}\nlost: {end: failed}"
    )
    called = Sentence("that is all")
    before = record(tools, lambda _: ("s", "say", called), None).recording
    _, _, result = again(runner_of(tools), before)

    assert result.output == called


def test_what_used_more_than_it_may_is_no_replay():
    """A recorded success that used more than is declared now could not be one; a breach is told as it was."""
    recorded = record_script(FLOW, "s s:good")
    text = recorded.text.replace('"tokens": 5', '"tokens": 11', 1)
    assert text != recorded.text

    with pytest.raises(RecordingEnds, match="`draft` used 11 tokens, which is more than it may any more"):
        again(runner_of(FLOW), read(text))

    breached = read(text.replace('"outcome": "success"', '"outcome": "failure"', 1))
    after, _, _ = again(runner_of(FLOW), breached)
    assert (after.end, after.spent["tokens"]) == ("lost", 11)
