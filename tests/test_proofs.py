"""What is proved of random workflows, against all that they can do, and against their runners."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest
from attrs import evolve

from fsmflow.analysis.proof import Proof, prove
from fsmflow.analysis.proving.bounds import Effort
from fsmflow.analysis.proving.counter_machine import METRICS
from fsmflow.backends.certificate import certified
from fsmflow.machine import Counter as Cap
from fsmflow.machine import Machine, Transition
from fsmflow.testing import Subject, play, worst_cases
from fsmflow.testing.drawing import simplest
from fsmflow.testing.plans import plan_of, samples
from tests.bounded import bounded_machine
from tests.generated import runner_of
from tests.oracle import TooLarge, worst
from tests.sample import machine

FEW = 16
SMALL = 1_000  # configurations: a hundred of the machines that have no more take as long as one large one
MANY = int(os.environ.get("FSMFLOW_PROOFS", "100"))
SAID = {"tried", "exact", "interval", "unknown"}
EFFORT = Effort(most=20_000, longest=5_000)


def disagreements(proved: Machine, *, most: int = 20_000) -> Iterator[str]:
    """Hold the proof of a machine against all that it can do; give `tried` if that could be told."""
    try:
        truth = worst(proved, most=most)
    except TooLarge:
        return
    yield "tried"
    proof = prove(proved, EFFORT)
    if proof.terminates == "unknown":
        yield "unknown"
    elif (truth is None) != (proof.budgeted is None):
        yield f"it is said to end {proof.terminates!r}, and the worst is {truth}"
    elif truth is not None:
        yield from _wrong(proof, truth)


def _wrong(proof: Proof, truth: tuple[int, ...]) -> Iterator[str]:
    assert proof.budgeted is not None
    for metric, most in zip(METRICS, truth, strict=True):
        bound = proof.budgeted.bounds[metric]
        drawn = bound.witness.drawn_pauses if metric == "microseconds" and bound.witness else 0
        if bound.upper is None or not bound.lower <= most <= bound.upper:
            yield f"{metric} is said to be from {bound.lower} to {bound.upper}, and is {most}"
        elif bound.is_exact and most + drawn < bound.upper:
            yield f"{metric} is said to be exactly {bound.upper}, and is {most}"
        yield "exact" if bound.is_exact else "interval"


def campaign(seeds: range, *, budget: bool, most: int = 20_000) -> Counter[str]:
    """Hold many machines against their proofs; give how often each thing was said."""
    said: Counter[str] = Counter()
    for seed in seeds:
        proved = bounded_machine(Random(seed), tiny=budget, budget=budget)
        for each in disagreements(proved, most=most):
            known = each in SAID
            said[each if known else f"seed {seed}: {each}"] += 1
    return said


@pytest.mark.parametrize("budget", [False, True], ids=["alone", "under its budget"])
def test_bounds_are_true(budget: bool) -> None:
    """No run of a random machine passes a bound, and each exact bound is what some run uses."""
    said = campaign(range(4 * FEW), budget=budget, most=SMALL)
    assert set(said) <= SAID, said
    assert said["unknown"] <= said["tried"] // 100
    assert said["tried"] > 3 * FEW


@pytest.mark.slow
@pytest.mark.parametrize("budget", [False, True], ids=["alone", "under its budget"])
def test_bounds_are_true_of_many(budget: bool) -> None:
    """The same, of many machines; without a budget, every bound is exact."""
    said = campaign(range(1_000, 1_000 + MANY), budget=budget)
    assert set(said) <= SAID, said
    assert said["unknown"] <= said["tried"] // 100
    assert said["interval"] <= (said["exact"] * 0.05 if budget else 0)


def terminating(seeds: range, **how: bool) -> Iterator[tuple[int, Machine, Proof]]:
    """Give random machines whose runs all end, with what is proved of them."""
    for seed in seeds:
        proved = bounded_machine(Random(seed), **how)
        proof = prove(proved, EFFORT)
        if proof.budgeted is not None:
            yield seed, proved, proof


def reached(seeds: range, **how: bool) -> int:
    """Play the witness of each exact bound on the runner; count the machines, and stop at a miss."""
    count = 0
    for seed, proved, proof in terminating(seeds, **how):
        subject = Subject(proved, runner_of(proved))
        for case in worst_cases(subject):
            assert case.is_reached, (seed, case)
        transitions = proof.bounds["transitions"]
        if transitions.is_exact and transitions.witness is not None:
            # The proof leaves open what maps go over, and what they give.
            plan = plan_of(subject, transitions.witness)
            plan = evolve(plan, given=["an item"], samples=simplest(samples(subject)))
            played = play(subject, plan)
            assert len(played.edges) == transitions.upper, seed
        count += 1
    return count


def test_the_runner_comes_up_to_its_bounds() -> None:
    """On the generated runner, the witness of each exact bound uses just that much."""
    assert reached(range(FEW)) > FEW // 2


@pytest.mark.slow
def test_many_runners_come_up_to_their_bounds() -> None:
    """The same, of two hundred machines and more."""
    assert reached(range(2_000, 2_000 + 2 * MANY)) >= min(MANY, 200)


def test_certificates_of_random_machines_are_accepted() -> None:
    """The checker accepts what the prover says, whatever the machine."""
    for _, _, proof in terminating(range(3_000, 3_000 + FEW)):
        certified(proof)


def mutants(random: Random, original: Machine) -> Iterator[Machine]:
    """Give machines that a slip of the pen would make of one: caps, targets, resets, ways out."""
    names = list(original.states)
    for counter in original.counters.values():
        for changed in (
            evolve(counter, cap=counter.cap + 1),
            evolve(counter, cap=max(0, counter.cap - 1)),
            evolve(counter, per=random.choice(names)),
            evolve(counter, per=None),
        ):
            yield _with_counter(original, changed)
    for number, way in enumerate(original.transitions):
        if way.kind == "exceeded" or way.same_visit:
            continue
        if way.below:
            yield _with_way(original, number, evolve(way, below=()))
        yield _with_way(original, number, evolve(way, target=random.choice(names)))
    for name in ("steps", "tokens"):
        cap = getattr(original.caps, name)
        if cap:
            yield evolve(original, caps=evolve(original.caps, **{name: cap - 1}))


def _with_counter(original: Machine, counter: Cap) -> Machine:
    return evolve(original, counters={**original.counters, counter.name: counter})


def _with_way(original: Machine, number: int, way: Transition) -> Machine:
    ways = list(original.transitions)
    ways[number] = way
    return evolve(original, transitions=tuple(ways))


def judged_mutants(seeds: range, few: int, *, most: int = 5_000) -> Counter[str]:
    """Hold the proofs of a few mutants of each machine against all that they can do."""
    said: Counter[str] = Counter()
    for seed in seeds:
        random = Random(seed)
        found = list(mutants(random, bounded_machine(random, tiny=True)))
        for mutant in random.sample(found, min(len(found), few)):
            for each in disagreements(mutant, most=most):
                known = each in SAID
                said[each if known else f"seed {seed}: {each}"] += 1
    return said


def test_mutants_are_judged_rightly() -> None:
    """A cap dropped, raised or set back elsewhere, an edge led elsewhere: each is judged by what it does."""
    said = judged_mutants(range(9), 6, most=SMALL // 2)
    assert set(said) <= SAID, said
    assert said["unknown"] <= said["tried"] // 100
    assert said["tried"] > 40


@pytest.mark.slow
def test_many_mutants_are_judged_rightly() -> None:
    """The same, of a thousand mutants."""
    said = judged_mutants(range(100, 100 + MANY), 6)
    assert set(said) <= SAID, said
    assert said["unknown"] <= said["tried"] // 100
    assert said["tried"] >= 4 * MANY


RESET = (
    "a: {run: m:f, success: b, fallback: done}\n"
    "b: {run: m:f, success: {x: {to: b, times: 1, per: a, else: a}}, fallback: done}"
)


@pytest.mark.parametrize(
    ("states", "budget", "terminates"),
    [
        ("a: {run: m:f, retry: {times: 2}, success: done, fallback: done}", "{}", "always"),
        ("a: {run: m:f, success: {x: {to: a, times: 3, else: done}}, fallback: done}", "{}", "always"),
        ("a: {run: m:f, success: a, fallback: done}", "{}", "no"),
        ("a: {run: m:f, success: a, fallback: done}", "{steps: 9}", "by-budget-only"),
        ("a: {run: m:f, success: a, fallback: done}", "{tokens: 9}", "no"),
        (RESET, "{}", "no"),
    ],
)
def test_how_it_ends(states: str, budget: str, terminates: str) -> None:
    """Caps end a loop, unless the loop sets them back; of budgets, that on steps ends one."""
    proof = prove(machine(f"{states}\ndone: {{end: success}}", budget=budget))
    assert proof.terminates == terminates
    assert proof.holds == (terminates != "no")


def test_a_reask_does_not_give_retries_back() -> None:
    """With R retries and V re-asks a visit makes R + V + 1 attempts at most, not (R + 1)(V + 1)."""
    states = "a: {run: m:f, retry: {times: 3}, invalid: {times: 2}, success: done, fallback: done}"
    proof = prove(machine(f"{states}\ndone: {{end: success}}"))
    assert proof.bounds["steps"].upper == 6
    assert proof.bounds["steps"].is_exact


def test_a_server_may_ask_for_the_longest_pause() -> None:
    """A pause is weighed at its cap if a server's Retry-After counts, and at its level if it does not."""
    states = (
        "a: {run: m:f, timeout: 1s, retry: {times: 2, backoff: 1s, cap: 60s, retry_after: %s},"
        " success: done, fallback: done}\ndone: {end: success}"
    )
    assert prove(machine(states % "true")).bounds["microseconds"].upper == 123_000_000
    bound = prove(machine(states % "false")).bounds["microseconds"]
    assert bound.upper == 6_000_000
    assert bound.is_exact


def test_time_without_timeouts_has_no_bound() -> None:
    """An attempt that nothing cuts off may take any time; a budget of time cuts it off."""
    states = "a: {run: m:f, success: done, fallback: done}\ndone: {end: success}"
    bound = prove(machine(states)).bounds["microseconds"]
    assert (bound.upper, bound.endless) == (None, ("a",))
    capped = prove(machine(states, budget="{time: 5s}")).bounds["microseconds"]
    assert (capped.upper, capped.is_exact) == (5_000_000, True)


def test_a_price_is_what_one_more_turn_adds() -> None:
    """The price of a cap is the difference that raising it by one makes."""
    states = (
        "a: {run: m:f, cost: {tokens: 10}, retry: {times: 1}, success: b, fallback: done}\n"
        "b: {run: m:f, cost: {tokens: 3}, success: {x: {to: a, times: %d, else: done}}, fallback: done}\n"
        "done: {end: success}"
    )
    proof = prove(machine(states % 2))
    prices = {price.counter: price.amount for price in proof.prices}
    more = prove(machine(states % 3)).bounds["tokens"].upper
    assert prices["b.x"] == (more or 0) - (proof.bounds["tokens"].upper or 0) == 23
    assert prices["a.retry"] == 30


@pytest.mark.parametrize(
    ("budget", "stops"),
    [
        ("{tokens: 19}", "some"),
        ("{tokens: 20}", "never"),
        ("{tokens: 9}", "all"),
        ("{tokens: 10}", "some"),
        ("{steps: 2}", "never"),
        ("{steps: 1}", "some"),
    ],
)
def test_which_caps_stop_runs(budget: str, stops: str) -> None:
    """A cap above the worst case never stops a run; one below the cheapest success lets none succeed."""
    states = "a: {run: m:f, cost: {tokens: 10}, retry: {times: 1}, success: done, fallback: lost}"
    proof = prove(machine(f"{states}\ndone: {{end: success}}\nlost: {{end: failed}}", budget=budget))
    assert [cap.stops for cap in proof.caps] == [stops]


def test_what_is_set_aside_counts_against_a_cap() -> None:
    """A cap stops runs as soon as the worst case does not fit beside the reserve."""
    states = (
        "a: {run: m:f, cost: {tokens: 10}, success: done, fallback: keep}\n"
        "keep: {run: m:f, reserve: true, cost: {tokens: 3}, timeout: 1s, success: done, fallback: lost}\n"
        "done: {end: success}\nlost: {end: failed}"
    )
    stops = {
        tokens: [cap.stops for cap in prove(machine(states, budget=f"{{tokens: {tokens}}}")).caps]
        for tokens in (12, 13, 16)
    }
    assert stops == {12: ["all"], 13: ["some"], 16: ["never"]}


def told(states: str, **more: str) -> Proof:
    """Prove a machine written by hand."""
    return prove(machine(states, **more), Effort(most=5_000, longest=5_000))


def test_a_timeout_that_just_fits_is_not_cut_off_by_the_run() -> None:
    """Where as much time is left as an attempt's own timeout, the run's deadline cuts nothing off."""
    proof = told(
        "nap: {wait: 2s, success: ask}\n"
        "ask: {run: m:f, timeout: 3s, success: done, fallback: done}\n"
        "keep: {run: m:f, timeout: 1s, cost: {tokens: 100}, reserve: true, success: done, fallback: done}\n"
        "done: {end: success}",
        budget="{time: 6s, exceeded: keep}",
    )
    assert proof.bounds["steps"].lower == 1
    assert proof.bounds["tokens"].lower == 0


def test_a_wait_heeds_the_whole_reserve() -> None:
    """A wait is refused if the reserve is above a cap of any resource, and so is not all that happens."""
    proof = told(
        "nap: {wait: 5s, success: done}\n"
        "dear: {run: m:f, timeout: 1s, cost: {usd: 0.02}, reserve: true, success: done, fallback: bad}\n"
        "cheap: {run: m:f, timeout: 1s, cost: {tokens: 500}, reserve: true, success: done, fallback: bad}\n"
        "done: {end: success}\nbad: {end: failed}",
        budget="{usd: 0.01, exceeded: cheap}",
    )
    assert (proof.bounds["steps"].upper or 0) >= 1
    assert (proof.bounds["tokens"].upper or 0) >= 500


@pytest.mark.parametrize("guard", ["False", "input == 1 and input == 2"])
def test_a_cycle_that_guards_forbid_is_not_said_to_happen(guard: str) -> None:
    """A run is said to go on for ever only if one was played that does."""
    proof = told(f'a: {{choose: [{{when: "{guard}", to: a}}, {{to: done}}]}}\ndone: {{end: success}}')
    assert proof.terminates == "unknown"


def test_choices_that_go_round_are_told() -> None:
    """Choices that lead back to themselves for ever hang neither the proof nor the policies."""
    states = 'a: {choose: [{when: "input == 1", to: done}, {to: a}]}\ndone: {end: success}'
    proof = told(states, policies="[{at_most: 1, visit: a}]")
    assert proof.budgeted is None
    assert not proof.holds


def test_an_attempt_that_no_step_is_left_for_is_not_cut_off() -> None:
    """Where a cap on steps refuses an attempt, no deadline of the run cuts it off."""
    proof = told(
        "a: {run: m:f, timeout: 3s, success: done, fallback: b}\n"
        "b: {run: m:f, success: done, fallback: done}\ndone: {end: success}",
        budget="{steps: 1, time: 5s}",
    )
    assert proof.bounds["steps"].upper == 1


def test_a_large_cap_is_bounded_in_no_time() -> None:
    """A cap of a million is bounded without telling its levels apart."""
    proof = told(
        "a: {run: m:f, retry: {times: 1000000}, success: done, fallback: done}\ndone: {end: success}"
    )
    assert proof.bounds["steps"].upper == 1_000_001
