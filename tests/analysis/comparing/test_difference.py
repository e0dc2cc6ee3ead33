"""What changed between two versions: all of it, by its own name, and what it does to the proof."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from fsmflow.analysis.comparing.changes import ANOTHER_ATTEMPT, Change, Key, changes
from fsmflow.analysis.comparing.difference import Difference, Needed, Version
from fsmflow.analysis.comparing.gates import Gates
from fsmflow.analysis.comparing.renames import renamed, renames
from fsmflow.compiler import compile_spec
from fsmflow.diagnostics import Diagnostic
from fsmflow.loading.yaml import read_document
from fsmflow.lowering import lower
from fsmflow.machine import Machine, Work
from tests.strategies import workflow, workflows

SPEC = """\
fsmflow: 1
workflow: sample
title: A sample.
budget: {steps: 30, tokens: 9000, exceeded: quote}
states:
  search: {run: m:search, cost: {tool_calls: 1}, timeout: 5s, effect: none, success: draft, fallback: quote}
  draft:
    run: m:draft
    with: {passages: $search}
    cost: {tokens: 500}
    timeout: 9s
    effect: none
    success: {good: done, poor: {to: search, times: 2, else: quote}}
    retry: {times: 2, backoff: 1s}
    fallback: quote
  quote: {run: m:quote, timeout: 1s, effect: none, reserve: true, success: plain, fallback: lost}
  done: {end: success, output: $draft}
  plain: {end: degraded}
  lost: {end: failed}
policies:
  - {at_most: 3, visit: draft}
  - {never: done, between: [search, draft.good]}
"""


def version(text: str = SPEC) -> Version:
    compilation = compile_spec(read_document(text, "sample.fsm.yaml"))
    return Version(compilation.analysis, compilation.diagnostics)


def edited(*edits: tuple[str, str]) -> Difference:
    """Compare the sample with what it is after some edits, each of which must find its place."""
    text = SPEC
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return Difference(version(), version(text))


def change(
    topic: str,
    state: str,
    kind: str,
    name: str,
    aspect: str,
    before: object,
    after: object,
    unit: str | None = None,
) -> Change:
    return Change(Key(topic, state, kind, name, aspect, unit), before, after)  # type: ignore[arg-type]


POOR, RETRY = ("draft", "success", "poor"), ("draft", "retry", "")
SECOND, TIME = 1_000_000, "microseconds"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("times: 2, else", "times: 4, else", change("cap", *POOR, "", 2, 4)),
        ("{times: 2, b", "{times: 5, b", change("cap", *RETRY, "", 2, 5)),
        ("else: quote", "else: plain", change("transition", *POOR, "at its cap", "quote", "plain")),
        ("good: done", "good: plain", change("transition", "draft", "success", "good", "", "done", "plain")),
        ("steps: 30", "steps: 40", change("budget", "", "", "steps", "", 30, 40, "steps")),
        (" tokens: 9000,", "", change("budget", "", "", "tokens", "", 9000, None, "tokens")),
        ("tokens: 500", "tokens: 700", change("contract", "draft", "", "cost", "tokens", 500, 700, "tokens")),
        ("9s", "8s", change("contract", "draft", "", "timeout", "", 9 * SECOND, 8 * SECOND, TIME)),
        ("run: m:draft", "run: m:write", change("contract", "draft", "", "run", "", "m:draft", "m:write")),
        ("$search}", "$search, limit: 4}", change("contract", "draft", "", "with", "limit", None, "4")),
        ("degraded}", "handoff}", change("state", "plain", "", "", "", "end: degraded", "end: handoff")),
        ("t: $draft", "t: $search", change("contract", "done", "", "output", "", "$draft", "$search")),
        ("backoff: 1s", "backoff: 2s", change("transition", *RETRY, "backoff", SECOND, 2 * SECOND, TIME)),
        ("1s}\n    f", "1s, factor: 3}\n    f", change("transition", *RETRY, "factor", "2", "3")),
        ("exceeded: quote", "exceeded: lost", change("budget", "", "", "exceeded", "", "quote", "lost")),
    ],
)  # fmt: skip
def test_one_edit_is_one_change(old: str, new: str, expected: Change) -> None:
    """An edit of one value is told as that, before and after, and as nothing else."""
    assert edited((old, new)).changes == (expected,)


def test_a_new_retry_is_a_way_with_its_cap() -> None:
    """A retry that was not there is a way to another attempt, with its cap and its pause."""
    found = edited(("9s\n", "9s\n    invalid: {times: 1}\n")).changes

    assert found == (
        change("transition", "draft", "invalid", "", "", None, ANOTHER_ATTEMPT),
        change("cap", "draft", "invalid", "", "", None, 1),
    )


def test_policies_change_by_their_limit() -> None:
    """A policy with another limit is one that changed; others are added or removed."""
    limit = edited(("at_most: 3", "at_most: 4")).changes
    other = edited(("never: done", "never: plain")).changes

    assert [(c.key.topic, c.sign) for c in limit] == [("policy", "changed")]
    assert [(c.key.topic, c.sign) for c in other] == [("policy", "added"), ("policy", "removed")]


def test_the_order_of_states_means_nothing() -> None:
    """States written in another order are the same workflow."""
    ends = "  done: {end: success, output: $draft}\n  plain: {end: degraded}\n"
    swapped = "  plain: {end: degraded}\n  done: {end: success, output: $draft}\n"

    assert not edited((ends, swapped)).is_of_meaning


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("title: A sample.", "title: Another.", ("titles",)),
        ("budget:", "# Why so much?\nbudget:", ("comments and layout",)),
        ("policies:", "profiles: {offline: {draft: m:plain}}\npolicies:", ("profiles",)),
    ],
)
def test_what_does_not_count_is_told_apart(old: str, new: str, what: tuple[str, ...]) -> None:
    """Titles, comments and profiles are no change in meaning, and are named."""
    difference = edited((old, new))

    assert (difference.is_of_meaning, difference.cosmetic) == (False, what)


def test_a_rename_is_one_change() -> None:
    """A state with another name, in references and policies too, is one change and breaks no policy."""
    difference = edited(
        ("  draft:", "  write:"), ("success: draft", "success: write"), ("$draft", "$write"),
        ("visit: draft", "visit: write"), ("draft.good", "write.good"),
    )  # fmt: skip

    assert difference.renamed == {"draft": "write"}
    assert difference.changes == (change("state", "write", "", "name", "", "draft", "write"),)
    assert difference.changes[0].sign == "renamed"
    assert (difference.broken, difference.kept) == ((), ())


def test_a_rename_with_an_edit_is_both() -> None:
    """A state that was renamed and also changed is told as one that was both."""
    difference = edited(
        ("  quote:", "  cite:"), ("else: quote", "else: cite"), ("fallback: quote", "fallback: cite"),
        ("exceeded: quote", "exceeded: cite"), ("timeout: 1s", "timeout: 2s"),
    )  # fmt: skip

    assert [(c.sign, c.key.name) for c in difference.changes] == [("renamed", "name"), ("changed", "timeout")]


def test_a_rename_with_a_way_elsewhere_is_both() -> None:
    """A state is recognised by most of its ways, and the way that now leads elsewhere is told."""
    difference = edited(
        ("  quote:", "  cite:"), ("else: quote", "else: cite"), ("fallback: quote", "fallback: cite"),
        ("exceeded: quote", "exceeded: cite"), ("success: plain", "success: done"),
    )  # fmt: skip

    assert difference.renamed == {"quote": "cite"}
    assert [(c.sign, c.key.kind) for c in difference.changes] == [("renamed", ""), ("changed", "success")]


def test_what_reads_a_value_follows_its_name() -> None:
    """Where a value has another name, that is told where it is set, and not of each state that reads it."""
    reads = ("with: {passages: $search}", "with: {passages: $found}")
    guarded = ("done: {end: success, output: $draft}", "done: {end: success, output: [$draft, $found]}")
    before = edited((guarded[0], guarded[1].replace("$found", "$search"))).new
    named = edited(("{run: m:search,", "{run: m:search, as: found,"), reads, guarded)

    assert Difference(before, named.new).changes == (
        change("contract", "search", "", "as", "", None, "found"),
    )


def test_a_value_that_another_state_sets_is_another_value() -> None:
    """Where a state reads what something else gives, or two names become one, that is told."""
    other = edited(("with: {passages: $search}", "with: {passages: $quote}"))
    merged = edited(
        ("{run: m:search,", "{run: m:search, as: both,"),
        ("{run: m:quote,", "{run: m:quote, as: both,"),
        ("with: {passages: $search}", "with: {passages: $both}"),
    )
    told = ("contract", "draft", "", "with", "passages", "$search")

    assert other.changes == (change(*told, "$quote"),)
    assert change(*told, "$both") in merged.changes


def test_another_step_in_the_place_is_no_rename() -> None:
    """A state that calls another function is another one, wherever it stands."""
    difference = edited(("  search: {run: m:search", "  find: {run: m:find"), ("to: search", "to: find"))

    assert difference.renamed == {}


def test_the_same_step_elsewhere_is_no_rename() -> None:
    """A state that does the same in another part of the graph is another one."""
    difference = edited(
        ("  plain: {end: degraded}", "  other: {end: degraded}"),
        ("success: plain", "success: done"), ("else: quote", "else: other"),
    )  # fmt: skip

    assert difference.renamed == {}


@settings(max_examples=40)
@given(workflows)
def test_what_renames_explain_is_not_told_again(flow: object) -> None:
    """No two states get one name, and where all renames are recognised nothing else is told."""
    machine = lower(flow)  # type: ignore[arg-type]
    names = {name: f"z{number}" for number, name in enumerate(machine.states) if name != "exceeded"}
    other = renamed(machine, names)
    found = renames(machine, other)

    assert len(set(found.values())) == len(found)
    if found == names:
        assert changes(renamed(machine, found), other) == ()


def test_most_renames_are_recognised() -> None:
    """Of random machines, most are recognised whole when one of their states is renamed."""
    whole = 0
    for seed in range(200):
        random = Random(seed)
        machine = lower(workflow(random))
        name = random.choice([name for name in machine.states if name != "exceeded"])
        whole += renames(machine, renamed(machine, {name: "zz"})) == {name: "zz"}

    assert whole == 200


EDITS: tuple[Callable[[Machine, Random], Machine], ...] = (
    lambda m, r: evolve(m, start=r.choice(list(m.states))),
    lambda m, r: evolve(m, caps=evolve(m.caps, tokens=r.choice((None, 7)))),
    lambda m, r: evolve(m, policies=m.policies[1:]),
    lambda m, r: evolve(m, prices={}),
    lambda m, r: _with_ways(m, r, lambda way: evolve(way, target=r.choice(list(m.states)))),
    lambda m, r: _with_ways(m, r, lambda way: evolve(way, pause=way.pause and evolve(way.pause, factor=9.0))),
    lambda m, r: evolve(
        m, counters={k: evolve(c, cap=c.cap + r.choice((0, 1))) for k, c in m.counters.items()}
    ),
    lambda m, r: evolve(m, counters={k: evolve(c, per=m.start) for k, c in m.counters.items()}),
    lambda m, r: _with_states(m, lambda s: evolve(s, timeout_us=1, effect="once")),
    lambda m, r: _with_states(m, lambda s: evolve(s, arguments=(), key=None, inline=True)),
)


def _with_ways(machine: Machine, random: Random, edit: Callable) -> Machine:  # type: ignore[type-arg]
    """Edit one transition, if there is one that leaves its state's visit and not because of the budget."""
    numbers = [
        number
        for number, way in enumerate(machine.transitions)
        if way.kind != "exceeded" and not way.same_visit
    ]
    chosen = random.choice(numbers or [len(machine.transitions)])
    ways = (edit(way) if number == chosen else way for number, way in enumerate(machine.transitions))
    return evolve(machine, transitions=tuple(ways))


def _with_states(machine: Machine, edit: Callable) -> Machine:  # type: ignore[type-arg]
    states = {name: edit(s) if isinstance(s, Work) else s for name, s in machine.states.items()}
    return evolve(machine, states=states)


@settings(max_examples=60)
@given(workflows, st.sampled_from(EDITS), st.randoms(use_true_random=False))
def test_nothing_that_bears_on_the_meaning_is_missed(
    flow: object, edit: Callable[[Machine, Random], Machine], random: Random
) -> None:
    """Two machines have another digest just if a change is told."""
    machine = lower(flow)  # type: ignore[arg-type]
    other = edit(machine, random)

    assert bool(changes(machine, other)) == (machine.digest != other.digest)


def test_worst_cases_are_those_of_the_proofs() -> None:
    """Each worst case is the bound that is proved of its version, with the rise in percent."""
    difference = edited(("times: 2, else", "times: 3, else"))
    old, new = difference.old, difference.new
    assert old is not None
    assert new is not None
    assert old.analysis is not None
    assert new.analysis is not None

    for case in difference.worst_cases:
        assert case.before == old.analysis.proof.bounds[case.metric]
        assert case.after == new.analysis.proof.bounds[case.metric]
    tokens = next(case for case in difference.worst_cases if case.metric == "tokens")
    assert tokens.before is not None
    assert tokens.after is not None
    assert (tokens.before.upper, tokens.after.upper) == (4_500, 6_000)
    assert tokens.percent == pytest.approx(33.333, abs=0.001)


def test_broken_and_kept_policies_are_told() -> None:
    """A policy that a run can break now is newly broken; with the edit undone, it is newly kept."""
    difference = edited(("times: 2, else", "times: 3, else"))
    undone = Difference(difference.new, difference.old)

    assert difference.broken == ("`draft` is entered at most 3 times",)
    assert undone.kept == difference.broken


def test_a_rename_breaks_no_policy_anew() -> None:
    """A policy that a run could break before is not newly broken by a rename of what it speaks of."""
    text = SPEC.replace("times: 2, else", "times: 3, else")
    renamed_text = text.replace("$draft", "$write").replace("draft.good", "write.good")
    for old in ("  draft:", "success: draft", "visit: draft"):
        renamed_text = renamed_text.replace(old, old.replace("draft", "write"))
    difference = Difference(version(text), version(renamed_text))

    assert difference.renamed == {"draft": "write"}
    assert difference.broken == ()


def test_of_two_equal_findings_one_may_pass() -> None:
    """Findings are paired one to one: of two that are the same, one that is left is told."""
    finding = Diagnostic("bad-name", "a name is bad", ("states", "draft"))
    old, new = evolve(version(), diagnostics=(finding, finding)), evolve(version(), diagnostics=(finding,))

    assert Difference(old, new).passing == (finding,)
    assert Difference(new, old).failing == (finding,)
    assert Difference(old, old).failing == ()


def test_nobody_stands_where_no_run_goes() -> None:
    """What a state calls that no run could enter is needed by nobody when it is gone."""
    spare = "  spare: {run: m:spare, timeout: 1s, effect: none, success: done, fallback: lost}\n"
    difference = Difference(version(SPEC.replace("  done: {", f"{spare}  done: {{")), version())

    assert [c.key.state for c in difference.changes if c.key.topic == "state"] == ["spare"]
    assert difference.needed == ()


def test_checks_fail_and_pass_newly() -> None:
    """What the checks say only after, or only before, is told, and what they say of both is not."""
    difference = edited(("success: plain, fallback: lost", "success: plain, fallback: plain"))
    undone = Difference(difference.new, difference.old)

    assert [d.check for d in difference.failing] == ["unreachable-state"]
    assert difference.passing == ()
    assert undone.passing == difference.failing


def test_runs_in_flight_still_need_what_is_called_no_more() -> None:
    """A run keeps its machine: a state may be renamed or go, but what only it called has to stay."""
    text = SPEC.replace("  search:", "  find:").replace("to: search", "to: find").replace("$search", "$find")
    moved = Difference(version(), version(text.replace("[search", "[find")))
    gone = edited(("success: draft, fallback: quote", "success: done, fallback: quote"))
    swapped = edited(("run: m:draft", "run: m:write"))

    assert moved.renamed == {"search": "find"}
    assert moved.needed == ()
    assert gone.needed == ()
    assert swapped.needed == (Needed("m:draft", "step", "draft"),)
    assert [each.what for each in Difference(version(), None).needed] == ["m:search", "m:draft", "m:quote"]


def test_prompts_and_checks_of_outputs_are_needed_too() -> None:
    """A run in flight asks by the prompts that its states name, and holds answers to their `accept`."""
    state = (
        "llm: {model: x, prompt: a.md, system: b.md, max_tokens: 9}\n    accept: [m:fits]\n"
        "    with: {passages: $search}\n    gives: str"
    )
    text = SPEC.replace("run: m:draft\n    with: {passages: $search}", state)
    assert text != SPEC
    text = text.replace("success: {good: done, poor: {to: search, times: 2, else: quote}}", "success: done")

    assert Difference(version(text), version(text)).needed == ()
    assert Difference(
        version(text), version(text.replace("a.md", "c.md").replace("fits", "is_short"))
    ).needed == (
        Needed("a.md", "prompt", "draft"),
        Needed("m:fits", "accept", "draft"),
    )


def test_an_unclear_version_has_no_worst_case() -> None:
    """Where errors leave unclear what a version means, nothing is said to be proved of it."""
    difference = Difference(version(), evolve(version(), is_clear=False))

    assert all(case.after is None for case in difference.worst_cases)
    assert [trip.why for trip in Gates(tokens=1, percent=0).tripped(difference)] == ["not known", "not known"]


@pytest.mark.parametrize("old", [evolve(version(), is_clear=False), Version(None)], ids=["unclear", "unread"])
def test_a_rise_from_what_is_not_known_trips(old: Version) -> None:
    """Where the old version has no worst case, a limit on the rise is not kept; other limits may be."""
    difference = Difference(old, version())

    assert [trip.why for trip in Gates(percent=1e9).tripped(difference)] == ["was not known"]
    assert not list(Gates(tokens=10**9).tripped(difference))


def test_errors_that_leave_a_version_unclear_bear_on_the_meaning() -> None:
    """Where a misspelt target was repaired to read on, the two versions are not said to mean the same."""
    text = SPEC.replace("success: draft,", "success: drafd,")
    broken = compile_spec(read_document(text, "sample.fsm.yaml"))
    unclear = Version(broken.analysis, broken.diagnostics, is_clear=False)
    difference = Difference(version(), unclear)

    assert difference.changes == ()
    assert difference.is_of_meaning
    assert difference.cosmetic == ()
    assert Difference(unclear, version()).is_of_meaning
    assert not Difference(unclear, unclear).is_of_meaning


@pytest.mark.parametrize(
    ("gates", "expected"),
    [
        (Gates(), []),
        (Gates(tokens=6_000, steps=100, percent=34), []),
        (Gates(tokens=5_999), [("--max-tokens 5999", "above")]),
        (Gates(steps=1), [("--max-steps 1", "above")]),
        (Gates(micro_usd=0), []),
        (Gates(percent=33), [("--fail-on-increase 33", "rises")] * 3),
    ],
)
def test_limits_trip_above_and_not_at(gates: Gates, expected: list[tuple[str, str]]) -> None:
    """A worst case may come up to a limit, and no more."""
    difference = edited(("times: 2, else", "times: 3, else"))

    tripped = [(trip.gate, trip.why) for trip in gates.tripped(difference)]

    assert tripped[: len(expected)] == expected
    assert bool(tripped) == bool(expected)


def test_what_nothing_bounds_trips() -> None:
    """A worst case that has no bound any more is above every limit, and rises by more than any percent."""
    difference = edited(
        ("steps: 30, tokens: 9000, ", ""), ("poor: {to: search, times: 2, else: quote}", "poor: search")
    )

    whys = {trip.why for trip in Gates(tokens=10**12, percent=10**6).tripped(difference)}

    assert whys == {"no bound", "rises"}
    assert difference.endings == ("always", "no")


def test_of_what_cannot_be_read_little_is_said() -> None:
    """A version that is no workflow passes no check newly, and nothing is said of what runs still need."""
    finding = Diagnostic("bad-name", "a name is bad")
    difference = Difference(evolve(version(), diagnostics=(finding,)), Version(None, is_clear=False))

    assert difference.is_of_meaning
    assert (difference.passing, difference.needed) == ((), ())
