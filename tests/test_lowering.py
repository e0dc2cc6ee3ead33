"""What each thing that an author writes becomes in the machine."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from fsmflow import spec
from fsmflow.expressions import Constant, Within
from fsmflow.lowering import longest_pauses, lower
from fsmflow.machine import BUILTIN_END, Backoff, Counter, End, Resources, Transition
from fsmflow.runtime.backoff import Backoff as RuntimeBackoff
from fsmflow.semantics import Finish, Lost, begin, step
from tests.events import draw_event
from tests.sample import flow, machine
from tests.strategies import CALLEES, plain, wide_workflows, workflow

ENDS = "done: {end: success}\nlost: {end: failed}"


def ways(states: str, source: str, **more: str) -> list[tuple[Any, ...]]:
    """Tell the transitions of one state: outcome, label, kind, target, counters, and the one used up."""
    return [
        (way.on, way.label, way.kind, way.target, way.below, way.used_up)
        for way in machine(states, **more).outgoing[source]
    ]


def test_a_plain_step_has_a_way_for_every_outcome():
    """Without `retry` a transient failure, and without `invalid` a rejected output, is a failure."""
    assert ways(f"draft: {{run: m:f, success: done, fallback: lost}}\n{ENDS}", "draft") == [
        ("success", None, "success", "done", (), None),
        ("transient", None, "fallback", "lost", (), None),
        ("invalid", None, "fallback", "lost", (), None),
        ("failure", None, "fallback", "lost", (), None),
    ]


def test_a_retry_is_a_counted_pause_and_a_way_out():
    """`retry` becomes an edge to the state itself, with a counter and a pause, before the fallback."""
    retry = "{times: 3, backoff: 200ms, factor: 3, cap: 5s, jitter: none, retry_after: false}"
    lowered = machine(f"draft: {{run: m:f, success: done, retry: {retry}, fallback: lost}}\n{ENDS}")
    first, last = lowered.ways("draft", "transient")

    pause = Backoff(first_us=200_000, factor=3.0, cap_us=5_000_000, jitter="none", retry_after=False)
    assert first == Transition(
        "draft", "transient", None, "retry", "draft", ("draft.retry",), pause=pause, same_visit=True
    )
    assert last == Transition("draft", "transient", None, "fallback", "lost")
    assert lowered.counters == {"draft.retry": Counter("draft.retry", 3, "draft")}


def test_the_else_of_a_retry_comes_before_its_fallback():
    """A retry's `else` is the way out of its counter; other failures still take the fallback."""
    states = f"draft: {{run: m:f, success: done, retry: {{times: 1, else: done}}, fallback: lost}}\n{ENDS}"

    assert ways(states, "draft")[2] == ("transient", None, "fallback", "done", (), "draft.retry")
    assert ways(states, "draft")[-1] == ("failure", None, "fallback", "lost", (), None)


def test_a_capped_fallback_is_capped_for_every_outcome_that_takes_it():
    """A used-up retry takes the fallback as that edge: its counter, and its way out."""
    fallback = "{to: draft, times: 2, else: lost}"
    states = f"draft: {{run: m:f, success: done, retry: {{times: 1}}, fallback: {fallback}}}\n{ENDS}"

    taken = [
        ("fallback", "draft", ("draft.fallback",), None),
        ("fallback", "lost", (), "draft.fallback"),
    ]
    found = ways(states, "draft")
    for outcome in ("transient", "invalid", "failure"):
        assert [way[2:] for way in found if way[0] == outcome and way[2] == "fallback"] == taken


def test_a_capped_success_without_else_ends_where_the_fallback_leads():
    """The way out of a capped arm is its `else`, or the state's fallback."""
    states = f"draft: {{run: m:f, success: {{again: {{to: draft, times: 2}}}}, fallback: lost}}\n{ENDS}"

    assert ways(states, "draft")[:2] == [
        ("success", "again", "success", "draft", ("draft.again",), None),
        ("success", "again", "success", "lost", (), "draft.again"),
    ]


def test_a_reask_stays_and_complaints_sent_elsewhere_leave():
    """`invalid` is the same visit, counted per visit; with `to` it leaves, with feedback, counted per run."""
    again = machine(f"a: {{run: m:f, success: done, invalid: {{times: 2}}, fallback: lost}}\n{ENDS}")
    away = machine(f"a: {{run: m:f, success: done, invalid: {{to: a, times: 2}}, fallback: lost}}\n{ENDS}")

    assert (again.ways("a", "invalid")[0].same_visit, again.ways("a", "invalid")[0].feedback) == (True, False)
    assert (away.ways("a", "invalid")[0].same_visit, away.ways("a", "invalid")[0].feedback) == (False, True)
    assert (again.counters["a.invalid"].per, away.counters["a.invalid"].per) == ("a", None)


def test_complaints_sent_elsewhere_without_times_have_no_way_out():
    """`invalid: {to:}` alone is taken always."""
    states = f"a: {{run: m:f, success: done, invalid: {{to: lost}}, fallback: done}}\n{ENDS}"

    assert [way[2:4] for way in ways(states, "a") if way[0] == "invalid"] == [("invalid", "lost")]


@pytest.mark.parametrize(("per", "scope"), [("run", None), ("lost", "lost")])
def test_per_says_what_times_counts_per(per, scope):
    """`per: run` is the whole run, any other name a state's entry."""
    retry = f"{{times: 1, per: {per}}}"
    lowered = machine(f"a: {{run: m:f, success: done, retry: {retry}, fallback: lost}}\n{ENDS}")

    assert lowered.counters["a.retry"].per == scope


def test_only_a_budget_can_be_exceeded():
    """Every working or waiting state leads to `exceeded` if there is any cap, and none does without."""
    states = f"a: {{run: m:f, success: b, fallback: lost}}\nb: {{wait: 1s, success: done}}\n{ENDS}"
    capped = machine(states, budget="{tokens: 5, exceeded: lost}")

    assert [way.source for way in capped.transitions if way.kind == "exceeded"] == ["a", "b"]
    assert {way.target for way in capped.transitions if way.kind == "exceeded"} == {"lost"}
    assert [way for way in machine(states).transitions if way.kind == "exceeded"] == []


def test_the_built_in_end_is_there_when_something_leads_to_it():
    """Without `exceeded` a budget needs the built-in end: failed, giving nothing, and last."""
    states = f"a: {{run: m:f, success: done, fallback: lost}}\n{ENDS}"
    lowered = machine(states, budget="{steps: 5}")

    assert list(lowered.states) == ["a", "done", "lost", BUILTIN_END]
    assert lowered.states[BUILTIN_END].kind == "failed"
    assert lowered.states[BUILTIN_END].output == Constant(None)
    assert BUILTIN_END not in machine(states).states
    assert BUILTIN_END not in machine(states, budget="{steps: 5, exceeded: lost}").states


def test_the_first_state_is_the_start_unless_another_is_named():
    """`start` names the first state; else it is the first one written."""
    states = f"a: {{run: m:f, success: done, fallback: lost}}\n{ENDS}"

    assert (machine(states).start, machine(states, start="lost").start) == ("a", "lost")


def test_the_arms_of_a_choice_are_numbered():
    """Arms are `arm_1`, `arm_2` and so on, in order."""
    lowered = machine(f"pick: {{choose: [{{when: input == 1, to: done}}, {{to: lost}}]}}\n{ENDS}")

    assert [(w.label, w.target, w.when is None) for w in lowered.transitions] == [
        ("arm_1", "done", False),
        ("arm_2", "lost", True),
    ]


REPAIRS = f"draft: {{run: m:f, success: done, fallback: lost}}\n{ENDS}"


@pytest.mark.parametrize(("written", "meant"), [("dnoe", "done"), ("drafts", "draft"), ("zzz", BUILTIN_END)])
def test_a_target_that_is_no_state_becomes_the_nearest(written, meant):
    """A misspelt target is taken for the state that it most resembles, or for the built-in end."""
    broken = flow(REPAIRS)
    broken.states["draft"] = evolve(broken.states["draft"], success=written)

    assert lower(broken).ways("draft", "success")[0].target == meant


def test_a_choice_that_may_fall_through_leads_to_the_built_in_end():
    """A last arm with a guard gets one more arm without."""
    lowered = machine(f"pick: {{choose: [{{when: input == 1, to: done}}]}}\n{ENDS}")

    assert [(way.label, way.target) for way in lowered.transitions] == [
        ("arm_1", "done"),
        ("arm_2", BUILTIN_END),
    ]


def test_what_cannot_be_read_becomes_what_does_no_harm():
    """An unreadable guard never holds; a bad reference is null, and a bad type is unknown."""
    lowered = machine(
        "pick: {choose: [{when: '1 +', to: done}, {to: draft}]}\n"
        "draft: {run: m:f, with: {a: [$9]}, gives: '][', success: done, fallback: lost}\n" + ENDS
    )

    guard = lowered.transitions[0].when
    assert isinstance(guard, Within)
    assert guard.items == ()
    assert lowered.states["draft"].arguments == (("a", Constant(None)),)
    assert lowered.states["draft"].gives is None


@settings(max_examples=60, deadline=None)
@given(wide_workflows, st.randoms(use_true_random=False))
def test_lowering_is_total(drawn, random):
    """Whatever states are missing, every target and every scope of the machine is one of its states."""
    gone = random.choice(list(drawn.states))
    states = {name: state for name, state in drawn.states.items() if name != gone} or drawn.states
    lowered = lower(evolve(drawn, states=states))

    assert {way.target for way in lowered.transitions} <= set(lowered.states)
    assert {c.per for c in lowered.counters.values()} - {None} <= set(lowered.states)
    assert lowered.start in lowered.states


@settings(max_examples=60, deadline=None)
@given(wide_workflows)
def test_every_outcome_leads_somewhere(drawn):
    """For each outcome of a step, the last way is guarded by no counter, nor by a pause."""
    lowered = lower(drawn, CALLEES)
    for name, found in lowered.outgoing.items():
        if isinstance(lowered.states[name], End):
            assert found == ()
            continue
        for on, label in {(way.on, way.label) for way in found}:
            last = lowered.ways(name, on, label)[-1]
            assert (last.below, last.pause) == ((), None)


def reserve_of(*regions: str, more: str = ENDS) -> Resources:
    return machine("\n".join(["draft: {run: m:f, success: done, fallback: lost}", *regions, more])).reserve


def test_a_reserve_of_one_state_is_its_worst_visit():
    """Each retry and re-ask counts in full, and each pause at the longest a server may ask for."""
    quote = (
        "quote: {run: m:f, reserve: true, cost: {tokens: 10, usd: 0.01}, timeout: 2s, success: done,"
        " retry: {times: 2, cap: 5s}, invalid: {times: 1}, fallback: lost}"
    )

    assert reserve_of(quote) == Resources(4, 0, 40, 40_000, 4 * 2_000_000 + 2 * 5_000_000)


def test_a_reserve_that_ignores_servers_weighs_pauses_by_the_formula():
    """With `retry_after: false` the pauses are exact: 1 s, 3 s, then the cap."""
    retry = "{times: 3, factor: 3, cap: 5s, retry_after: false}"
    quote = f"quote: {{run: m:f, reserve: true, timeout: 2s, success: done, retry: {retry}, fallback: lost}}"

    assert reserve_of(quote).time_us == 4 * 2_000_000 + 1_000_000 + 3_000_000 + 5_000_000


def test_a_reserve_is_the_worst_way_through_it_resource_by_resource():
    """Of two branches each resource takes the dearer, and what is on both ways counts once."""
    assert reserve_of(
        "q: {run: m:f, reserve: true, cost: {tokens: 1}, timeout: 1s, success: {x: a, y: b}, fallback: w}",
        "a: {run: m:f, reserve: true, cost: {tokens: 50}, timeout: 1s, success: last, fallback: lost}",
        "b: {run: m:f, reserve: true, cost: {tool_calls: 3}, timeout: 9s, success: last, fallback: lost}",
        "w: {wait: 20s, reserve: true, success: pick}",
        "pick: {choose: [{to: lost}], reserve: true}",
        "last: {run: m:f, reserve: true, cost: {tokens: 2}, timeout: 1s, success: done, fallback: lost}",
    ) == Resources(3, 3, 53, 0, 21_000_000)


def test_a_reserve_is_of_its_dearest_entry():
    """Parts of the region that are not connected are not added up."""
    assert reserve_of(
        "a: {run: m:f, reserve: true, cost: {tokens: 5}, success: done, fallback: lost}",
        "b: {run: m:f, reserve: true, cost: {tool_calls: 1}, success: done, fallback: lost}",
    ) == Resources(1, 1, 5, 0, 0)


def test_nothing_is_set_aside_without_a_reserve():
    """A workflow without `reserve: true` sets nothing aside."""
    assert reserve_of() == Resources()


@pytest.mark.parametrize("seed", range(150))
def test_no_run_uses_more_inside_the_reserve_than_was_set_aside(seed):
    """From entering the reserve to the end, steps that keep to their word use at most the reserve."""
    random = Random(seed)
    drawn = lower(evolve(workflow(random, wide=True), budget=spec.Budget()), CALLEES)
    reserved = [name for name, state in drawn.states.items() if getattr(state, "reserve", False)]
    for name in reserved:
        for _ in range(5):
            alone = evolve(drawn, start=name)
            now, commands = begin(alone, plain(random))
            while not isinstance(commands[0], Finish):
                event = draw_event(random, alone, now, commands[0])
                state = alone.states[now.state]
                if isinstance(event, Lost):
                    # A crash is no step's own doing, and what it costs is in no reserve.
                    continue
                if hasattr(event, "outcome"):
                    longest = state.timeout_us or 0
                    event = event._replace(use=None, elapsed_us=min(event.elapsed_us, longest))
                elif hasattr(event, "use"):
                    continue
                else:
                    event = event._replace(elapsed_us=commands[0].duration_us)
                now, commands = step(alone, now, event)
            assert all(a <= b for a, b in zip(now.spent, drawn.reserve.amounts(), strict=True))


@given(
    st.integers(1, 10**7), st.sampled_from([1.0, 1.5, 2.0, 1_000.0]), st.integers(1, 10**8), st.integers(1, 9)
)
def test_the_longest_pauses_are_those_of_the_runtime(first, factor, cap, times):
    """The longest that retries can pause is what the runtime would pause without jitter, added up."""
    pauses = RuntimeBackoff(first, factor, cap, jitter=False)

    total = sum(pauses.level(k) for k in range(1, times + 1))
    exact = longest_pauses(Backoff(first, factor, cap, "none", retry_after=False), times)
    assert total <= exact <= total + times
    assert longest_pauses(Backoff(first, factor, cap, "none", retry_after=True), times) == cap * times


def test_a_machine_as_large_as_may_be_is_lowered_without_recursion():
    """A reserve of five thousand states in a row is measured exactly."""
    row = "\n".join(
        f"r{n}: {{run: m:f, reserve: true, cost: {{tokens: 1}}, success: r{n + 1}, fallback: done}}"
        for n in range(5_000)
    )
    lowered = machine(f"{row}\nr5000: {{wait: 1s, reserve: true, success: done}}\ndone: {{end: success}}")

    assert lowered.reserve == Resources(5_000, 0, 5_000, 0, 1_000_000)
