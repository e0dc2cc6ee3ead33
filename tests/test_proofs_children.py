"""What is proved of states that ask people, and of states that run children, by hand."""

from __future__ import annotations

from random import Random

import pytest

from fsmflow import semantics
from fsmflow.analysis.affordability import Approaches, unaffordable
from fsmflow.analysis.policies import Proved, Refuted
from fsmflow.analysis.proof import Proof, prove
from fsmflow.analysis.proving.bounds import Effort
from fsmflow.analysis.proving.certificate import written
from fsmflow.backends.certificate import certified
from fsmflow.machine import Caps
from fsmflow.runtime import Elapsed, Ended
from fsmflow.runtime.gauge import Gauge
from tests.bounded import bounded_machine
from tests.events import honest
from tests.generated import runner_of
from tests.oracle import worst
from tests.sample import machine

ENDS = "done: {end: success}\nlost: {end: failed}"
LOOK = Caps(steps=3, tool_calls=1, tokens=100, micro_usd=50, time_us=1_000_000)
CALL = "call: look, success: done, fallback: lost"


def told(states: str, **more: str) -> Proof:
    """Prove a machine that may run the workflow `look`."""
    proof = prove(machine(f"{states}\n{ENDS}", callees={"look": LOOK}, **more), Effort(most=5_000))
    if proof.budgeted is not None:
        certified(proof)
    return proof


def exact(proof: Proof) -> tuple[int, ...]:
    """Give the bounds of a proof, all of which are exact: transitions, and the five resources."""
    assert all(bound.is_exact for bound in proof.bounds.values())
    return tuple(bound.upper or 0 for bound in proof.bounds.values())


@pytest.mark.parametrize(
    ("state", "most"),
    [
        ("call: look", (1, 4, 1, 100, 50, 1_000_000)),
        ("map: look, over: $input, at_most: 5, width: 2", (1, 16, 5, 500, 250, 3_000_000)),
        ("parallel: {a: {call: look}, b: {call: look}}", (1, 7, 2, 200, 100, 1_000_000)),
    ],
)
def test_children_weigh_what_all_of_them_may_use(state, most):
    """A state with children is bounded by the sum of theirs and its own step, and a run comes up to that."""
    proof = told(f"go: {{{state}, success: done, fallback: lost}}")

    assert exact(proof) == most
    assert proof.terminates == "always"


def test_children_under_a_loop_weigh_as_often_as_it_turns():
    """A capped loop over children multiplies their steps like everything else of theirs."""
    proof = told("go: {call: look, success: {to: go, times: 2, else: done}, fallback: lost}")

    assert exact(proof) == (3, 12, 3, 300, 150, 3_000_000)
    (price,) = proof.prices
    assert (price.counter, price.metric, price.amount) == ("go.success", "micro_usd", 50)


def test_the_witness_is_played_with_its_childrens_steps():
    """In the run that uses the most, the attempt counts as all the steps that it may."""
    bound = told("go: {" + CALL + "}").bounds["steps"]

    assert bound.witness is not None
    (ended,) = bound.witness.events
    assert isinstance(ended, Ended)
    assert (ended.steps, ended.use, ended.elapsed_us) == (4, (1, 100, 50), 1_000_000)
    assert bound.witness.entries[0].use.amounts() == (4, 1, 100, 50, 1_000_000)


LOOP = "go: {call: look, success: go, fallback: lost}"


@pytest.mark.parametrize(("steps", "most"), [(4, 2), (5, 3), (9, 7)])
def test_children_that_use_little_are_run_more_often(steps, most):
    """Attempts need room for four steps and may use one; so under a cap the most attempts use one each."""
    proof = told(LOOP, budget=f"{{steps: {steps}, exceeded: done}}")

    assert proof.terminates == "by-budget-only"
    assert proof.bounds["transitions"].upper == most
    assert proof.bounds["transitions"].is_exact
    assert (proof.bounds["steps"].upper, proof.bounds["steps"].is_exact) == (steps, True)


def test_a_run_that_uses_less_may_come_up_to_a_cap():
    """Where all that attempts may use is above a cap, those that use less of it fill it all the same."""
    states = (
        "a: {run: m:f, retry: {times: 2, cap: 1us, backoff: 1us}, success: b, fallback: b}\n"
        "b: {call: look, success: lost, fallback: c}\nc: {run: m:f, success: done, fallback: lost}"
    )
    bound = told(states, budget="{steps: 5}").bounds["steps"]

    assert (bound.lower, bound.upper) == (5, 5)


def test_children_are_refused_only_once_enough_may_have_been_spent():
    """What two attempts can't use up leaves room for a third; a cap that they can fill may refuse it."""
    states = "a: {call: look, success: b, fallback: b}\nb: {call: look, success: c, fallback: c}\n"
    policies = "[{never: c.exceeded}]"
    verdicts = {}
    for steps in (8, 9, 10):
        proof = told(
            states + "c: {run: m:f, success: done, fallback: lost}",
            budget=f"{{steps: {steps}}}",
            policies=policies,
        )
        verdicts[steps] = proof.policies[0].verdict
        assert proof.bounds["steps"].upper == min(steps, 9)

    assert isinstance(verdicts[8], Refuted)
    assert isinstance(verdicts[9], Proved)
    assert isinstance(verdicts[10], Proved)


@pytest.mark.parametrize(("steps", "verdict"), [(9, Proved), (8, Refuted)])
def test_what_children_may_have_used_is_gauged(steps, verdict):
    """That a step is never refused may rest on how many steps were spent, not on how many attempts were."""
    states = (
        "go: {call: look, success: a, fallback: a}\na: {run: m:f, success: b, fallback: b}\n"
        "b: {run: m:f, success: c, fallback: c}\nc: {run: m:f, success: d, fallback: d}\n"
        "d: {run: m:f, success: e, fallback: e}\ne: {run: m:f, success: again, fallback: again}\n"
        f"again: {{{CALL}}}"
    )
    (judged,) = told(states, budget=f"{{steps: {steps}}}", policies="[{never: e.exceeded}]").policies

    assert isinstance(judged.verdict, verdict)
    if isinstance(judged.verdict, Proved):
        assert judged.verdict.rests_on == ("steps",)


def test_what_is_set_aside_and_never_come_to_is_used_by_nobody():
    """A cap is only reached as far as it is not set aside for states that no run enters."""
    states = (
        "go: {call: look, success: go, fallback: lost}\n"
        "keep: {call: look, reserve: true, success: done, fallback: lost}"
    )
    away, back = (told(states, budget=f"{{steps: 20, exceeded: {to}}}") for to in ("lost", "keep"))

    assert (away.bounds["steps"].upper, away.bounds["steps"].is_exact) == (16, True)
    assert (back.bounds["steps"].upper, back.bounds["steps"].is_exact) == (20, True)


def test_children_in_the_reserve_are_never_refused():
    """What was set aside for children is there for them, whatever others may have used."""
    states = (
        "go: {call: look, success: go, fallback: keep}\n"
        "keep: {map: look, over: $input, at_most: 2, reserve: true, success: done, fallback: lost}"
    )
    proof = told(
        states, budget="{steps: 20, exceeded: keep}", policies="[{never: keep.exceeded}, {always: keep}]"
    )

    assert all(isinstance(judged.verdict, Proved) for judged in proof.policies)


def test_a_reserve_that_goes_round_may_be_refused():
    """Where states set aside lead round, nobody knows what they need, and any of them may be refused."""
    states = (
        "a: {run: m:f, timeout: 1us, success: keep, fallback: lost}\n"
        "keep: {call: tiny, reserve: true, success: keep, fallback: lost}\n"
        f"{ENDS}"
    )
    found = machine(states, callees={"tiny": Caps(steps=2, time_us=1)}, budget="{steps: 9, exceeded: keep}")
    bounds = prove(found).bounds

    assert [bounds[metric].upper for metric in ("transitions", "steps")] == list((worst(found) or ())[:2])


@pytest.mark.parametrize("budget", ["{steps: 3}", "{tokens: 99}", "{usd: 0.00004, steps: 30}"])
def test_what_never_fits_is_used_by_nobody(budget):
    """Children of which one run is above a cap are always refused, so nothing that they use is in a bound."""
    proof = told("go: {" + CALL + "}", budget=budget)

    assert exact(proof) == (1, 0, 0, 0, 0, 0)


ASK = "ask: {ask: Pay?, timeout: 7d, success: {pay: sort, back: sort}, fallback: lost}"
SORT = 'sort: {choose: [{when: ask == "pay", to: done}, {to: lost}]}'


def test_a_question_weighs_a_transition_and_nothing_else():
    """What a person is asked is on no ledger, so its seven days are in no bound."""
    proof = told(f"{ASK}\n{SORT}")

    assert exact(proof) == (2, 0, 0, 0, 0, 0)


@pytest.mark.parametrize("budget", ["{}", "{steps: 9, time: 1h}"])
def test_asking_for_ever_does_not_end(budget):
    """A loop of questions goes on for as long as a person likes: no budget ends it, and a cap on it does."""
    states = "ask: {ask: Pay?, timeout: 7d, success: {pay: done, again: %s}, fallback: lost}"
    proof = told(states % "ask", budget=budget)

    assert (proof.terminates, proof.bounds) == ("no", {})
    assert proof.cycle is not None
    assert [way.name for way in proof.cycle.loop] == ["again"]
    assert told(states % "{to: ask, times: 3}", budget=budget).terminates == "always"


def test_a_run_hears_the_answer_that_its_choices_need():
    """A run that is shown has a person give the label or the value that the choices on its way ask for."""
    states = (
        "ask: {ask: How much?, gives: int, timeout: 7d, success: sort, fallback: lost}\n"
        'sort: {choose: [{when: "ask > 100", to: wait_on}, {to: done}]}\n'
        "wait_on: {wait: 1s, success: done}"
    )
    proof = told(states, policies="[{never: wait_on}, {never: lost}]")
    witness = proof.bounds["microseconds"].witness

    assert witness is not None
    answer, elapsed = witness.events
    assert isinstance(answer, Ended)
    assert (answer.outcome, elapsed) == ("success", Elapsed(1_000_000))
    assert answer.value > 100
    assert all(isinstance(judged.verdict, Refuted) for judged in proof.policies)
    assert [entry.outcome for entry in witness.entries] == ["success", "arm_1", "success"]


def test_who_picks_a_label_gives_that_label():
    """Where an answer is a label alone its value is that label, so no run is shown in which it is another."""
    policies = "[{never: done, between: [ask.back, lost]}, {never: lost, between: [ask.back, done]}]"
    kept, broken = (judged.verdict for judged in told(f"{ASK}\n{SORT}", policies=policies).policies)

    assert not isinstance(kept, Refuted)
    assert isinstance(broken, Refuted)


def test_who_picks_a_label_twice_gives_each_in_its_turn():
    """Asked again, the answer that counts is the latest; an earlier one decides nothing any more."""
    guard = 'ask == "pay" and input == 1'
    sort = f"sort: {{choose: [{{when: '{guard}', to: done}}, {{to: ask, times: 1, else: lost}}]}}"
    policies = "[{never: done, between: [ask.back, ask.pay]}, {never: done, between: [ask.back, lost]}]"
    kept, broken = (judged.verdict for judged in told(f"{ASK}\n{sort}", policies=policies).policies)

    assert not isinstance(kept, Refuted)
    assert isinstance(broken, Refuted)
    assert len(broken.path) == 4


def test_what_a_way_to_success_must_have_room_for():
    """The cheapest way to success takes all steps that its children may; a call above a cap is told alone."""
    found = machine(
        f"draft: {{run: m:f, success: go, fallback: lost}}\ngo: {{{CALL}}}\n{ENDS}",
        callees={"look": LOOK},
        budget="{steps: 3}",
    )

    assert Approaches.of(found, 0).amounts["done"] == 5
    assert list(unaffordable(found)) == [("go", 0, 4, 0)]


@pytest.mark.parametrize(("steps", "stops"), [(3, "all"), (4, "all"), (5, "never"), (6, "never")])
def test_a_cap_on_steps_stops_children_that_may_pass_it(steps, stops):
    """A cap on steps is never in the way only if all that children may use fits below it."""
    proof = told(
        f"draft: {{run: m:f, success: go, fallback: lost}}\ngo: {{{CALL}}}", budget=f"{{steps: {steps}}}"
    )

    assert [cap.stops for cap in proof.caps] == [stops]


@pytest.mark.parametrize("seed", [*range(3), 293, 695, 955, 1219])
def test_what_can_still_be_used_falls_by_what_is_used(seed, tmp_path):
    """The certificate is never overdrawn while a run goes on, however many steps its children take."""
    found = bounded_machine(Random(seed), tiny=True)
    path = tmp_path / "sample.certificate.json"
    path.write_bytes(written(certified(prove(found, Effort(most=20_000, longest=5_000)))))
    gauge, runner, random = Gauge(path), runner_of(found), Random(seed)
    for _ in range(20):
        advance = semantics.launch(found, ["an item"])
        run = runner.new_run(["an item"])
        runner.begin(run)
        while not isinstance(advance.commands[0], semantics.Finish):
            if not run.pausing:
                left, spent = gauge.proved_left(run), run.spent
            event = honest(random, found, advance)
            advance = semantics.advance(found, advance.configuration, event)
            runner.step(run, event)
            if not run.pausing:
                used = (now - was for now, was in zip(run.spent, spent, strict=True))
                still = gauge.proved_left(run)
                assert all(a is None or a >= u + (b or 0) for a, u, b in zip(left, used, still, strict=True))


def test_what_nothing_cuts_off_may_use_all_that_was_set_aside():
    """A state of the reserve whose children may take any time is bounded by the whole cap on time."""
    proof = prove(
        machine(
            "go: {run: m:f, timeout: 1s, success: keep, fallback: keep}\n"
            "keep: {call: slow, reserve: true, success: done, fallback: lost}\n"
            f"rest: {{wait: 2s, reserve: true, success: done}}\n{ENDS}",
            callees={"slow": Caps(steps=1, tool_calls=0, tokens=0, micro_usd=0)},
            budget="{time: 3s}",
        )
    )

    assert proof.bounds["microseconds"].upper == 3_000_000


def test_what_takes_no_time_is_set_aside_the_time_to_begin():
    """An attempt needs a microsecond to begin: children that take none can be afforded all the same."""
    proved = machine(
        "go: {run: m:f, timeout: 1s, success: keep, fallback: keep}\n"
        f"keep: {{call: glance, reserve: true, success: done, fallback: lost}}\n{ENDS}",
        callees={"glance": Caps(steps=1, tool_calls=0, tokens=0, micro_usd=0, time_us=0)},
        budget="{time: 1s}",
    )
    now, _ = semantics.begin(proved, None)
    now, _ = semantics.step(proved, now, Ended("success", elapsed_us=1_000_000 - proved.reserve.time_us))

    assert proved.reserve.time_us == 1
    assert now.state == "keep"
