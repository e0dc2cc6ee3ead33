"""What a machine means, a sentence at a time."""

from __future__ import annotations

import copy
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsmflow import semantics
from fsmflow.expressions import parse_guard
from fsmflow.lowering import lower
from fsmflow.runtime import Elapsed, Ended, Late, Spent, Unbound
from fsmflow.semantics import Attempt, Finish, Pause, begin, holds, step
from tests.events import draw_event
from tests.sample import Going, machine
from tests.strategies import plain, workflow

ENDS = "done: {end: success}\nlost: {end: failed}"
RETRIED = f"draft: {{run: m:f, success: done, retry: {{times: 2, jitter: none}}, fallback: lost}}\n{ENDS}"


def test_n_retries_are_n_and_one_attempts():
    """`retry: {times: 2}` is at most three attempts; then the way out is taken."""
    run = Going(machine(RETRIED))

    for attempt in (1, 2):
        assert run.command.attempt == attempt
        assert run.ends("transient").is_pausing
        assert run.passes().is_working
    assert run.ends("transient").at == "lost"
    assert run.now.spent.steps == 3
    assert run.taken == ["draft.retry", "draft.retry", "draft.fallback"]


@pytest.mark.parametrize("order", ["ttii", "iitt", "titi", "itti"])
def test_a_reask_does_not_reset_the_retry_count(order):
    """With R retries and V re-asks a visit makes at most R + V + 1 attempts, in whatever order."""
    run = Going(
        machine(
            "draft: {run: m:f, success: done, retry: {times: 2}, invalid: {times: 2}, fallback: lost}\n"
            + ENDS
        )
    )

    for letter in order:
        run.ends("transient" if letter == "t" else "invalid")
        if run.is_pausing:
            run.passes()
    assert (run.at, run.now.attempt, run.now.visit) == ("draft", 5, 1)
    assert copy.copy(run).ends("transient").at == "lost"
    assert run.ends("invalid").now.spent.steps == 5


def test_a_new_visit_may_retry_anew():
    """Retries count per visit: entering the state again, by an arm to itself too, starts from none."""
    run = Going(machine(f"draft: {{run: m:f, success: draft, retry: {{times: 1}}, fallback: lost}}\n{ENDS}"))

    run.ends("transient").passes().ends("success")

    assert (run.now.visit, run.now.attempt, run.now.counts) == (2, 1, {})
    assert run.ends("transient").is_pausing


def test_retries_per_run_are_used_up_once():
    """`per: run` counts over all visits."""
    run = Going(
        machine(f"draft: {{run: m:f, success: draft, retry: {{times: 1, per: run}}, fallback: lost}}\n{ENDS}")
    )

    run.ends("transient").passes().ends("success")

    assert run.ends("transient").at == "lost"


def test_a_capped_edge_is_taken_as_often_as_it_says_in_a_run():
    """`times: 2` lets an edge be taken twice in a run; the third time it is the `else`, which says so."""
    run = Going(
        machine(f"draft: {{run: m:f, success: {{to: draft, times: 2, else: done}}, fallback: lost}}\n{ENDS}")
    )

    assert run.ends().at == run.ends().at == "draft"
    assert run.ends().at == "done"
    assert run.error.message == "draft.success was taken as often as it may be"
    assert (run.error.state, run.error.outcome) == ("draft", "success")


def test_a_counter_per_state_counts_since_that_state_was_entered():
    """`per: outer` starts anew whenever `outer` is entered."""
    run = Going(
        machine(
            "outer: {run: m:f, success: inner, fallback: lost}\n"
            "inner: {run: m:f, success: {again: {to: inner, times: 1, else: lost, per: outer},"
            " back: outer}, fallback: lost}\n" + ENDS
        )
    )

    run.ends().ends("success", "again")
    assert run.now.counts == {"inner.again": 1}
    run.ends("success", "back")
    assert run.now.counts == {}
    assert run.ends().ends("success", "again").at == "inner"
    assert run.ends("success", "again").at == "lost"


def test_an_edge_is_counted_before_its_target_is_entered():
    """An edge whose target resets its counter leaves it at 0."""
    run = Going(
        machine(
            "draft: {run: m:f, success: {to: check, times: 1, else: lost, per: check}, fallback: lost}\n"
            f"check: {{run: m:f, success: draft, fallback: lost}}\n{ENDS}"
        )
    )

    assert run.ends().now.counts == {}
    assert run.ends().ends().at == "check"


def test_a_guard_that_holds_commits():
    """A used-up arm takes its `else`, never the next arm."""
    run = Going(
        machine(
            "draft: {run: m:f, success: pick, fallback: lost}\n"
            "pick: {choose: [{when: draft == 1, to: draft, times: 1, else: done}, {to: lost}]}\n" + ENDS
        )
    )

    assert run.ends(value=1).at == "draft"
    assert run.ends(value=1).at == "done"
    assert run.error.outcome == "arm_1"


def test_the_first_arm_that_holds_is_taken():
    """Arms are tried in order, and the last one, without a guard, takes the rest."""
    arms = "[{when: input > 2, to: a}, {when: input > 1, to: b}, {to: c}]"
    chosen = machine(
        f"pick: {{choose: {arms}}}\na: {{end: success}}\nb: {{end: success}}\nc: {{end: success}}"
    )

    assert [Going(chosen, given_).at for given_ in (3, 2, 1, "x", None)] == ["a", "b", "c", "c", "c"]


def test_a_choice_may_lead_to_a_choice():
    """A chain of two thousand choices is walked at once, and each of them is a visit."""
    chain = "\n".join(f"c{n}: {{choose: [{{to: c{n + 1}}}]}}" for n in range(2_000))
    run = Going(machine(f"{chain}\nc2000: {{end: success}}"))

    assert run.is_over
    assert len(run.now.visits) == 2_001


@pytest.mark.parametrize(
    ("budget", "cost"),
    [
        ("{steps: 3}", "{}"),
        ("{tool_calls: 3}", "{tool_calls: 1}"),
        ("{tokens: 30}", "{tokens: 10}"),
        ("{tokens: 39}", "{tokens: 10}"),
        ("{usd: 0.3}", "{usd: 0.1}"),
    ],
)
def test_a_cap_of_n_allows_exactly_n(budget, cost):
    """Three attempts fit a cap that is three times the cost, and the fourth goes to `exceeded`."""
    run = Going(
        machine(f"draft: {{run: m:f, cost: {cost}, success: draft, fallback: lost}}\n{ENDS}", budget=budget)
    )

    for _ in range(2):
        assert run.ends().at == "draft"
    assert run.ends().at == "exceeded"
    assert run.now.spent.steps == 3
    assert run.command.kind == "failed"
    assert run.error.outcome == "exceeded"
    assert run.error.message.startswith("no room for what comes next (")


def test_an_attempt_is_booked_as_charged_and_in_full_if_it_was_not():
    """Use that is not told is the whole cost; told, it is what it is, above the cost too."""
    tokens = machine(f"draft: {{run: m:f, cost: {{tokens: 10}}, success: draft, fallback: lost}}\n{ENDS}")

    assert Going(tokens).ends().now.spent == Spent(1, 0, 10, 0, 0)
    assert Going(tokens).ends(use=(0, 4, 0)).now.spent == Spent(1, 0, 4, 0, 0)
    assert Going(tokens).ends("failure", use=(2, 40, 7), elapsed_us=5).now.spent == Spent(1, 2, 40, 7, 5)


RESERVED = (
    "draft: {run: m:f, timeout: 9s, success: draft, fallback: quote}\n"
    f"quote: {{run: m:f, timeout: 2s, reserve: true, success: done, fallback: lost}}\n{ENDS}"
)


def test_the_reserve_is_set_aside_and_released_on_entering():
    """Outside the reserve its worst case can't be used; inside it can."""
    run = Going(machine(RESERVED, budget="{steps: 3, exceeded: quote}"))

    assert run.ends().at == "draft"
    assert run.ends().at == "quote"
    assert run.is_working
    assert "1 set aside" in run.error.message
    assert run.ends().at == "done"


def test_in_the_reserve_exceeded_is_the_built_in_end():
    """A reserve whose share was broken by a breach ends the run rather than going round."""
    run = Going(machine(RESERVED, budget="{steps: 3, tokens: 5, exceeded: quote}"))

    assert run.ends(use=(0, 6, 0)).at == "exceeded"
    assert run.taken == ["draft.success", "draft.exceeded", "quote.exceeded"]


def test_a_deadline_is_the_timeout_or_the_time_left_beside_the_reserve():
    """An attempt may take its timeout, and no more than the run's time less the reserve."""
    run = Going(machine(RESERVED, budget="{time: 12s, exceeded: quote}"))

    assert run.command.deadline_us == 9_000_000
    assert run.ends(elapsed_us=4_000_000).command.deadline_us == 6_000_000
    assert run.ends("failure", elapsed_us=6_000_000).command.deadline_us == 2_000_000


def test_an_attempt_needs_a_moment():
    """With no time left beside the reserve an attempt does not start; with a microsecond it does."""
    reserved = machine(RESERVED, budget="{time: 12s, exceeded: quote}")

    assert Going(reserved).ends(elapsed_us=9_999_999).at == "draft"
    assert Going(reserved).ends(elapsed_us=10_000_000).at == "quote"


def test_cut_off_by_the_runs_deadline_is_exceeded():
    """An attempt that the run's deadline cuts off is booked, and then the run has exceeded."""
    run = Going(machine(RESERVED, budget="{time: 12s, exceeded: quote}")).ends("exceeded", elapsed_us=9)

    assert (run.at, run.now.spent.time_us, run.error.outcome) == ("quote", 9, "exceeded")


def retried(**retry: object) -> Going:
    options = ", ".join(f"{key}: {value}" for key, value in {"times": 9, "jitter": "none", **retry}.items())
    states = f"draft: {{run: m:f, timeout: 9s, success: done, retry: {{{options}}}, fallback: lost}}\n{ENDS}"
    return Going(machine(states, budget="{time: 100s}"))


def test_pauses_grow_up_to_a_cap():
    """The k-th pause is min(cap, backoff · factor^(k-1))."""
    run, pauses = retried(backoff="100ms", factor=3, cap="2s"), []

    for _ in range(5):
        pauses.append(run.ends("transient").command.duration_us)
        run.passes()
    assert pauses == [100_000, 300_000, 900_000, 2_000_000, 2_000_000]


def test_full_jitter_draws_below_the_pause():
    """With full jitter the pause is the draw's share of it."""
    run = retried(backoff="1s", jitter="full")

    assert copy.copy(run).ends("transient", draw=0.25).command == Pause(250_000)
    assert copy.copy(run).ends("transient", draw=0.0).command == Pause(0)


@pytest.mark.parametrize(
    ("wish_us", "pause_us"),
    [(None, 1_000_000), (0, 1_000_000), (3_000_000, 3_000_000), (5_000_000, 5_000_000)],
)
def test_a_retry_after_is_a_floor(wish_us, pause_us):
    """A server's wish makes a pause longer, up to the cap itself."""
    run = retried(cap="5s").ends("transient", retry_after_us=wish_us)

    assert run.command == Pause(pause_us)


def test_a_retry_after_beyond_the_cap_is_not_waited_for():
    """The way out is taken at once, and the retry is not counted."""
    run = retried(cap="5s").ends("transient", retry_after_us=5_000_001)

    assert (run.at, run.now.counts, run.taken) == ("lost", {}, ["draft.fallback"])


def test_a_retry_after_can_be_ignored():
    """`retry_after: false` leaves the formula exact."""
    run = retried(cap="5s", retry_after="false").ends("transient", retry_after_us=10**9)

    assert run.command == Pause(1_000_000)


@pytest.mark.parametrize(("elapsed_us", "state"), [(98_999_999, "draft"), (99_000_000, "lost")])
def test_a_pause_that_does_not_fit_is_not_waited_for(elapsed_us, state):
    """A pause must leave time for the attempt after it; if not, the way out is taken."""
    run = retried().ends("transient", elapsed_us=elapsed_us)

    assert (run.at, run.now.pausing) == (state, state == "draft")


def test_a_retry_is_admitted_whole():
    """A retry whose cost does not fit is `exceeded` before the pause begins, and no retry."""
    draft = "draft: {run: m:f, cost: {tokens: 6}, success: done, retry: {times: 1}, fallback: lost}"
    states = f"{draft}\n{ENDS}"
    run = Going(machine(states, budget="{tokens: 11}")).ends("transient")

    assert (run.at, run.taken, run.now.counts) == ("exceeded", ["draft.exceeded"], {})


def test_a_pause_that_took_too_long_leaves_no_room():
    """After a pause the attempt is admitted anew, by the time that really passed."""
    run = retried().ends("transient").passes(100_000_000)

    assert (run.at, run.taken) == ("exceeded", ["draft.retry", "draft.exceeded"])


FED = (
    "plan: {run: m:f, success: draft, fallback: lost}\n"
    "draft: {run: m:f, success: check, retry: {times: 1}, invalid: {times: 2}, fallback: lost}\n"
    f"check: {{run: m:f, success: done, invalid: {{to: plan, times: 1, else: lost}}, fallback: lost}}\n{ENDS}"
)


def test_feedback_gathers_over_a_visit():
    """Each re-ask hears all that was wrong before, and a retry between them does not forget it."""
    run = Going(machine(FED)).ends().ends("invalid", complaints=("a", "b"))

    assert run.now.feedback == ("a", "b")
    run.ends("transient").passes()
    assert run.now.feedback == ("a", "b")
    assert run.ends("invalid", complaints=("c",)).now.feedback == ("a", "b", "c")
    assert run.ends().now.feedback == ()


def test_complaints_can_be_sent_to_another_state():
    """With `invalid: {to:}` the complaints are for the target's next visit, and for no later one."""
    run = Going(machine(FED)).ends().ends().ends("invalid", complaints=("thin",), value={"text": "x"})

    assert (run.at, run.now.visit, run.now.feedback) == ("plan", 2, ("thin",))
    assert (run.error.outcome, run.error.complaints, run.error.value) == ("invalid", ("thin",), {"text": "x"})
    assert run.ends().now.feedback == ()


def test_error_is_the_latest_way_out():
    """`$error` names the state, outcome and message; plain success and retries leave it as it was."""
    states = (
        "draft: {run: m:f, success: done, retry: {times: 1}, fallback: quote}\n"
        f"quote: {{run: m:f, success: done, with: {{why: $error.message}}, fallback: lost}}\n{ENDS}"
    )
    run = Going(machine(states)).ends("transient", message="busy")

    assert run.error is None
    run.passes().ends("failure", message="broken", value="secret")
    assert tuple(run.error) == ("draft", "failure", "broken", (), None)
    assert run.command.arguments == {"why": "broken"}
    assert run.ends().error.message == "broken"


def test_a_value_is_cleared_on_entry_once_with_was_read():
    """A state sees its own earlier value in `with`, and it is unset until it succeeds again."""
    states = "draft: {run: m:f, with: {earlier: $draft.or_null}, success: draft, fallback: lost}\n" + ENDS
    run = Going(machine(states))

    assert run.command.arguments == {"earlier": None}
    run.ends(value=7)
    assert run.command.arguments == {"earlier": 7}
    assert "draft" not in run.now.values
    assert "draft" not in run.ends("failure", value=8).now.values


def test_a_value_goes_by_the_name_that_as_gives():
    """Two states that share a name share the value."""
    states = (
        "a: {run: m:f, as: note, success: b, fallback: lost}\n"
        f"b: {{run: m:f, as: note, with: {{note: $note.text}}, success: done, fallback: lost}}\n{ENDS}"
    )

    assert Going(machine(states)).ends(value={"text": "x"}).command.arguments == {"note": "x"}


def test_a_reference_that_leads_nowhere_unbinds_the_arguments():
    """The attempt is still commanded, with the reason in place of its arguments."""
    run = Going(machine(f"draft: {{run: m:f, with: {{a: $input.b}}, success: done, fallback: lost}}\n{ENDS}"))

    assert run.command == Attempt("draft", 1, Unbound("$input.b is not there"), (0, 0, 0), None)


def test_templates_are_filled_all_the_way_down():
    """References are found in lists and mappings; `$$` is a dollar, and the rest is literal."""
    output = '{a: [$input.n, "$$n"], b: {c: $input.gone.or_null, d: 1.5}, e: $error.or_null}'
    run = Going(machine(f"done: {{end: success, output: {output}}}"), {"n": 3})

    expected = {"a": [3, "$n"], "b": {"c": None, "d": 1.5}, "e": None}
    assert run.command == Finish("done", "success", expected)


def test_a_wait_lets_time_pass_on_the_ledger():
    """A wait is over when its time has passed, however long it really took."""
    run = Going(machine(f"pause: {{wait: 2s, success: done}}\n{ENDS}", budget="{time: 3s}"))

    assert run.command == Pause(2_000_000)
    assert run.passes(2_500_000).now.spent == Spent(time_us=2_500_000)
    assert run.at == "done"


def test_a_wait_that_does_not_fit_is_exceeded():
    """A wait is admitted whole, to the microsecond."""
    states = f"pause: {{wait: 3s, success: done}}\n{ENDS}"
    run = Going(machine(states, budget="{time: 2999999us}"))

    assert Going(machine(states, budget="{time: 3s}")).at == "pause"
    assert (run.at, run.error.state) == ("exceeded", "pause")


def test_what_nobody_can_tell_has_a_way_of_its_own():
    """`unknown` leads where the state says, neither to a retry nor to the fallback."""
    states = "pay: {run: m:f, effect: once, success: done, unknown: look, fallback: lost}\n"
    run = Going(machine(f"{states}look: {{end: handoff}}\n{ENDS}")).ends("unknown", message="lost line")

    assert (run.at, run.error.outcome, run.error.message) == ("look", "unknown", "lost line")


def test_a_late_charge_moves_nothing_but_the_ledger():
    """What an abandoned attempt charges too late is booked; the attempt under way goes on."""
    run = Going(machine(RETRIED))
    following, commands = step(run.machine, run.now, Late((1, 2, 3)))

    assert commands == ()
    assert following == run.now._replace(spent=Spent(0, 1, 2, 3, 0))


@pytest.mark.parametrize(
    "event", [Elapsed(1), Ended("cancelled"), Ended("success", "no_label"), Ended("unknown")]
)
def test_what_cannot_happen_is_refused(event):
    """An event that the state has no way for is the caller's mistake."""
    run = Going(machine(RETRIED))

    with pytest.raises(ValueError, match=r"can't happen|no outcome|leads nowhere"):
        step(run.machine, run.now, event)


def test_an_attempt_cannot_end_while_its_retry_pauses():
    """During a pause nothing runs that could end."""
    run = Going(machine(RETRIED)).ends("transient")

    with pytest.raises(ValueError, match="can't happen"):
        step(run.machine, run.now, Ended("success"))


def test_nothing_happens_after_the_end():
    """An end takes no event."""
    run = Going(machine("done: {end: success}"))

    for event in (Ended("success"), Elapsed(1)):
        with pytest.raises(ValueError, match="can't happen in state 'done'"):
            step(run.machine, run.now, event)


@pytest.mark.parametrize("seed", range(40))
def test_a_step_changes_nothing_that_it_was_given(seed):
    """A configuration is a value: stepping from it twice gives the same, and leaves it as it was."""
    random = Random(seed)
    drawn = lower(workflow(random))
    now, commands = begin(drawn, plain(random))
    for _ in range(30):
        if isinstance(commands[0], Finish):
            return
        event = draw_event(random, drawn, now, commands[0])
        before = copy.deepcopy(now)
        following = step(drawn, now, event)
        assert now == before
        assert step(drawn, now, event) == following
        now, commands = following[0], following[1] or commands


@pytest.mark.parametrize(
    ("guard", "holding", "not_holding"),
    [
        ("a > 1", [2, 1.5], [1, True, "2", None, [2]]),
        ("a <= 'b'", ["a", "b"], ["c", 1, None]),
        ("a == 1", [1, 1.0], [True, "1", None]),
        ("a != 1", [True, "1", None, 2], [1, 1.0]),
        ("a is None", [None], [0, "", False]),
        ("a", [True], [1, "x", [1], None, False]),
        ("not a", [1, "x", None, False], [True]),
        ("len(a) >= 2", ["ab", [1, 2], {"x": 1, "y": 2}], ["a", 2, None]),
        ("len(a) == 0", ["", [], 7, None], ["a"]),
        ("a in [1, 'x', None]", [1, 1.0, "x", None], [True, "y", 2]),
        ("a not in [True]", [1, None], [True]),
        ("0 < a < 3", [1, 2.5], [0, 3, True, "1"]),
        ("a.b == 1 or a.c", [{"b": 1}, {"c": True}], [{"c": 1}, {}, None, "b"]),
    ],
)
def test_a_guard_is_total(guard, holding, not_holding):
    """A guard holds or not, whatever the value is: unlike things are in no order, a truth is no number."""
    parsed = parse_guard(guard)

    assert [value for value in holding if not holds(parsed, {"a": value})] == []
    assert [value for value in not_holding if holds(parsed, {"a": value})] == []


numbers = st.integers(-3, 3)


@settings(max_examples=200)
@given(numbers, numbers, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), st.sampled_from(["and", "or"]))
def test_a_guard_over_numbers_is_pythons_own(a, b, sign, word):
    """Where Python's comparison is total too, a guard means what it means in Python."""
    text = f"a {sign} b {word} not (a in [1, 2] {word} -1 {sign} b)"

    assert holds(parse_guard(text), {"a": a, "b": b}) is eval(text, {"a": a, "b": b})


def test_a_choice_without_an_arm_that_holds_is_a_bug():
    """Lowering always adds the last arm; a machine made without it is refused aloud."""
    whole = machine(f"pick: {{choose: [{{when: input == 1, to: done}}, {{to: lost}}]}}\n{ENDS}")
    (first, _) = whole.transitions
    broken = copy.copy(whole)
    object.__setattr__(broken, "transitions", (first,))

    with pytest.raises(ValueError, match="no arm of 'pick' holds"):
        semantics.begin(broken, 2)
