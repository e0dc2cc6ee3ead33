"""What a machine means: edges, counters, choices, values and complaints, a sentence at a time."""

from __future__ import annotations

import copy
from random import Random

import pytest

from fsmflow import semantics
from fsmflow.runtime import Elapsed, Ended, Late, Lost, Spent, Unbound
from fsmflow.semantics import Attempt, Finish, begin, step
from tests.events import draw_event
from tests.sample import Going, machine
from tests.strategies import plain, wide_machine

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
    drawn = wide_machine(random)
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


def test_a_choice_without_an_arm_that_holds_is_a_bug():
    """Lowering always adds the last arm; a machine made without it is refused aloud."""
    whole = machine(f"pick: {{choose: [{{when: input == 1, to: done}}, {{to: lost}}]}}\n{ENDS}")
    (first, _) = whole.transitions
    broken = copy.copy(whole)
    object.__setattr__(broken, "transitions", (first,))

    with pytest.raises(ValueError, match="no arm of 'pick' holds"):
        semantics.begin(broken, 2)


def test_a_lost_attempt_counts_in_full_and_is_made_again():
    """An attempt that a crash cut off uses all that it declared, and is begun again if that leaves room."""
    states = """
        work: {run: m:f, cost: {tokens: 40}, timeout: 5s, effect: none, success: done, fallback: failed}
        done: {end: success}
        failed: {end: failed}
        """
    going = Going(machine(states, budget="{steps: 9, tokens: 100}"))
    again = going.now
    going._feed(Lost(7))

    assert going.now == again._replace(spent=Spent(1, 0, 40, 0, 7))
    assert going.command == Attempt("work", 1, {}, (0, 40, 0), 5_000_000)

    going._feed(Lost(7))

    assert (going.command.state, going.now.spent) == ("exceeded", Spent(2, 0, 80, 0, 14))


@pytest.mark.parametrize("exceeded", ["work", "pick"])
def test_refusals_that_lead_round_are_told(exceeded: str):
    """What has no room and leads back to itself, at once or through a choice, never comes to an end."""
    states = """
        work: {run: m:f, timeout: 5s, effect: none, success: work, fallback: work}
        pick: {choose: [{to: work}]}
        """
    going = Going(machine(states, budget=f"{{steps: 1, exceeded: {exceeded}}}"))

    with pytest.raises(semantics.Endless, match="lead from 'work' back to it for ever"):
        going.ends()
