"""Verdicts on policies are those of a search of all runs."""

from __future__ import annotations

from random import Random

import pytest
from attrs import evolve

from fsmflow import semantics
from fsmflow.analysis.policies import Proved, Refuted, Unknown, judge, spoken
from fsmflow.analysis.proving.admission import RESOURCES
from fsmflow.analysis.proving.counter_machine import CounterMachine
from fsmflow.analysis.proving.counting import budgeted, structural
from fsmflow.lowering import lower
from fsmflow.machine import Machine, Policy, Transition, Work
from fsmflow.runtime.events import Elapsed, Ended
from fsmflow.spec import Budget, Cost, End, Invalid, Retry, Run, Target, Workflow
from tests.analysis.counter_machines import random_machine, replay
from tests.analysis.policy_oracle import PATTERNS, drawn, events_of, events_on, is_broken
from tests.analysis.specs import analysed

MOST_RUNS = 3_000
LONGEST = 12


def machine_of(policies) -> Machine:
    """Give a machine of which nothing but its policies matters."""
    states = {"work": Run(run="m:f", success="done", fallback="done"), "done": End(end="success")}
    return evolve(lower(Workflow(workflow="little", states=states)), policies=tuple(policies))


def judged(machine: Machine, counting: CounterMachine, **options):
    """Give each policy of `machine` with its verdict."""
    return [(found.policy, found.verdict) for found in judge(machine, counting, **options)]


def ways(counting: CounterMachine, path):
    """Give the transitions of a path."""
    return [counting.edges[number].way for number in path]


def with_ways(machine: CounterMachine, random: Random) -> CounterMachine:
    """Give each edge of a counter machine a transition."""
    edges = []
    for edge in machine.edges:
        source, target = machine.states[edge.source], machine.states[edge.target]
        kind = random.choice(("success", "success", "retry", "invalid", "fallback"))
        label = random.choice((None, "yes", "no")) if kind == "success" else None
        again = source == target and random.random() < 0.5
        way = Transition(source, "success", label, kind, target, same_visit=again)
        edges.append(evolve(edge, way=way))
    return evolve(machine, edges=tuple(edges))


def names_in(ways, states) -> list[str]:
    """Give the names of all that can happen, states more often than not."""
    outcomes = {f"{way.source}.{name}" for way in ways for name in (way.name, way.kind)}
    return [*states, *states, *sorted(outcomes)]


class Runs:
    """All runs of a counter machine, and their beginnings, by length; as many as there is room for."""

    def __init__(self, machine: CounterMachine) -> None:
        self.machine = machine
        self.levels = []
        on = [events_on(edge.way) for edge in machine.edges]
        fresh = [(events_of(machine.states[machine.start], ()), machine.start, (0,) * len(machine.caps))]
        count = 0
        while fresh and count < MOST_RUNS and len(self.levels) < LONGEST:
            count += len(fresh)
            self.levels.append([(happened, not machine.outgoing[state]) for happened, state, _ in fresh])
            fresh = [
                (happened + on[number], edge.target, machine.after(edge, values))
                for happened, state, values in fresh
                for number in machine.outgoing[state]
                if machine.is_enabled(edge := machine.edges[number], values)
            ]
        self.are_all = not fresh

    def shortest(self, policy: Policy) -> int | None:
        """Give the fewest edges that break `policy`."""
        for length, level in enumerate(self.levels):
            if any(is_broken(policy, happened, ended=ended) for happened, ended in level):
                return length
        return None


@pytest.mark.parametrize("scoped", [False, True], ids=["everywhere", "scoped"])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_verdicts_on_random_counter_machines(pattern, scoped):
    """A verdict is that of all runs; a path that refutes is a run, breaks the policy, and is shortest."""
    random = Random(f"{pattern} {scoped}")
    told = {Proved: 0, Refuted: 0}
    for seed in range(60):
        counting = with_ways(random_machine(seed, most_states=5, most_cap=2), random)
        runs = Runs(counting)
        names = names_in([edge.way for edge in counting.edges], counting.states)
        policies = [drawn(random, names, pattern, scoped=scoped) for _ in range(6)]
        for policy, verdict in judged(machine_of(policies), counting):
            length = runs.shortest(policy)
            told[type(verdict)] += 1
            if isinstance(verdict, Refuted):
                happened = events_of(counting.states[counting.start], ways(counting, verdict.path))
                (state, _), _ = replay(counting, verdict.path)

                assert verdict.shortest
                assert is_broken(policy, happened, ended=not counting.outgoing[state])
                assert len(verdict.path) == length if length is not None else not runs.are_all
            else:
                assert length is None, (seed, policy)
    assert min(told.values()) > 3


# Whole machines, under budgets: the truth is what the reference does.


def little(random: Random) -> Machine:
    """Draw a machine of few states under a small budget, whose every run is short."""
    names = [f"s{number}" for number in range(random.randint(1, 3))]
    reserve = random.random() < 0.5
    targets = [*names, "good", "bad", *(["keep"] if reserve else [])]

    def target():
        if random.random() < 0.7:
            return random.choice(targets)
        return Target(to=random.choice(targets), times=random.randint(1, 2), else_=random.choice(targets))

    def run(name: str, **options) -> Run:
        cost = Cost(tokens=random.choice((0, 1, 2)), tool_calls=random.choice((0, 0, 1)))
        retry = Retry(times=random.randint(1, 2)) if random.random() < 0.3 else None
        invalid = Invalid(times=1) if random.random() < 0.3 else None
        options = {"retry": retry, "invalid": invalid, "success": target(), "fallback": target()} | options
        return Run(run="m:f", effect="none", cost=cost, **options)

    states: dict = {name: run(name) for name in names}
    if reserve:
        states["keep"] = run("keep", success="good", fallback="bad", reserve=True, retry=None)
    states |= {"good": End(end="success"), "bad": End(end="failed")}
    budget = Budget(
        steps=random.randint(2, 5),
        tokens=random.choice((None, 2, 3, 4)),
        tool_calls=random.choice((None, None, 1, 2)),
        exceeded=random.choice(("bad", "keep" if reserve else "bad")),
    )
    machine = lower(Workflow(workflow="little", budget=budget, states=states))
    caps = zip(machine.caps.amounts(), machine.reserve.amounts(), strict=True)
    # A reserve above a cap is a fault of its own: no attempt ever begins.
    return machine if all(cap is None or kept <= cap for cap, kept in caps) else little(random)


class Reference:
    """All runs of a machine, by what the reference does when attempts use whatever they may."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.levels: dict[int, dict[tuple[Transition, ...], bool]] = {}
        self.are_all = True
        start = semantics.launch(machine, None)
        fresh = {key(start.configuration): (start, start.taken)}
        while fresh:
            following = {}
            for advance, taken in fresh.values():
                ended = isinstance(advance.commands[0], semantics.Finish)
                self.levels.setdefault(len(taken), {})[taken] = ended
                if ended:
                    continue
                for event in self._events(advance):
                    then = semantics.advance(machine, advance.configuration, event)
                    path = (*taken, *then.taken)
                    following[key(then.configuration), path] = (then, path)
                if sum(map(len, self.levels.values())) + len(following) > MOST_RUNS:
                    self.are_all = False
                    return
            fresh = following

    def _events(self, advance):
        state = self.machine.states[advance.configuration.state]
        assert isinstance(state, Work)
        if advance.configuration.pausing:
            yield Elapsed(0)
            return
        outcomes = dict.fromkeys(way.on for way in self.machine.outgoing[state.name] if way.on != "exceeded")
        for outcome in outcomes:
            for tool_calls in range(state.cost.tool_calls + 1):
                for tokens in range(state.cost.tokens + 1):
                    yield Ended(outcome, use=(tool_calls, tokens, 0))

    def shortest(self, policy: Policy) -> int | None:
        """Give the fewest transitions that break `policy`; whoever takes two at once may break it by one."""
        found = [
            next(
                n
                for n in range(len(path) + 1)
                if is_broken(policy, events_of(self.machine.start, path[:n]), ended=ended and n == len(path))
            )
            for level in self.levels.values()
            for path, ended in level.items()
            if is_broken(policy, events_of(self.machine.start, path), ended=ended)
        ]
        return min(found, default=None)


def key(configuration):
    spent = configuration.spent
    counts = tuple(sorted(configuration.counts.items()))
    return (configuration.state, configuration.attempt, configuration.pausing, counts, tuple(spent))


def under_budget(machine: Machine) -> CounterMachine:
    caps = zip(RESOURCES, machine.caps.amounts(), strict=True)
    return budgeted(machine, [name for name, cap in caps if cap is not None])


@pytest.mark.parametrize("seeds", [0, 1, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 3))])
def test_verdicts_under_budgets_are_those_of_the_reference(seeds):
    """Where attempts use what they like, a policy is proved or refuted exactly as the reference runs."""
    random = Random(seeds)
    told = {Proved: 0, Refuted: 0}
    for _ in range(40):
        machine = little(random)
        runs = Reference(machine)
        if not runs.are_all:
            continue
        names = names_in(machine.transitions, list(machine.states))
        policies = [
            drawn(random, names, pattern, scoped=scoped) for pattern in PATTERNS for scoped in (False, True)
        ]
        for policy, verdict in judged(evolve(machine, policies=tuple(policies)), under_budget(machine)):
            told[type(verdict)] += 1

            assert runs.shortest(policy) == (len(verdict.path) if isinstance(verdict, Refuted) else None)

    assert min(told.values()) > 20


# What is asked of whoever replays, and when it is given up.


def lines(text: str) -> Machine:
    """Lower a spec."""
    return analysed(text).machine


TWICE = """\
workflow: twice
states:
  first:
    choose:
      - {when: input.x, to: left}
      - {to: right}
  left: {wait: 1s, success: second}
  right: {wait: 1s, success: rest}
  rest: {wait: 1s, success: second}
  second:
    choose:
      - {when: input.x, to: good}
      - {to: bad}
  good: {end: success}
  bad: {end: failed}
policies:
  - {never: bad}
  - {never: bad, between: [left, good]}
"""


def test_a_path_that_is_not_real_is_passed_over():
    """Where the shortest path can't happen, a longer one through the same states is found."""
    machine = lines(TWICE)
    counting = structural(machine)
    asked = []

    def is_real(path):
        asked.append([way.target for way in ways(counting, path)])
        return "right" in asked[-1]

    found, other = judge(machine, counting, is_real=is_real)

    assert asked[0] == ["left", "second", "bad"]
    assert isinstance(found.verdict, Refuted)
    assert not found.verdict.shortest
    assert [way.target for way in ways(counting, found.verdict.path)] == ["right", "rest", "second", "bad"]
    assert isinstance(other.verdict, Unknown)
    assert [way.target for way in ways(counting, other.verdict.path)] == ["left", "second", "bad"]


def test_paths_are_not_tried_for_ever():
    """If no path is real, some are tried, and then it is said that nothing is known."""
    names = [f"s{n}" for n in range(12)]
    states: dict = {
        name: Run(run="m:f", retry=Retry(times=9), success=after, fallback=after)
        for name, after in zip(names, [*names[1:], "bad"], strict=True)
    }
    flow = Workflow(workflow="little", states=states | {"bad": End(end="failed")})
    machine = evolve(lower(flow), policies=(Policy(pattern="never", event="bad"),))
    asked = []
    ((_, verdict),) = judged(machine, structural(machine), is_real=asked.append)

    assert isinstance(verdict, Unknown)
    assert 1 < len(asked) == len(set(asked)) <= 64
    assert verdict.path == asked[0]


def test_a_search_ends_at_its_limit():
    """Past so many configurations a policy is unknown, and the verdict says how many were looked at."""
    again = Target(to="work", times=9, else_="bad")
    states: dict = {
        "work": Run(run="m:f", retry=Retry(times=9), success=again, fallback="bad"),
        "bad": End(end="failed"),
    }
    policy = Policy(pattern="at_most", event="work.retry", limit=90)
    machine = evolve(lower(Workflow(workflow="little", states=states)), policies=(policy,))
    ((_, few),) = judged(machine, structural(machine), limit=50)
    ((_, enough),) = judged(machine, structural(machine))

    assert few == Unknown("58 configurations were looked at, and there are more", None)
    assert isinstance(enough, Proved)
    assert enough.rests_on == ("work.success", "work.retry")


def test_what_needs_no_budget_happens_whatever_is_set_aside():
    """A reserve above a cap lets nothing begin, but people are still asked, and choices still made."""
    machine = lines(
        """\
workflow: little
budget: {tokens: 10}
states:
  ask: {ask: Well?, timeout: 1s, success: {"yes": sort, "no": sort}, fallback: sort}
  sort: {choose: [{when: input.ok, to: bad}, {to: keep}]}
  keep: {run: m:f, reserve: true, cost: {tokens: 20}, timeout: 1s, success: bad, fallback: bad}
  bad: {end: failed}
policies:
  - {never: sort.arm_1}
"""
    )
    ((_, verdict),) = judged(machine, under_budget(machine))

    assert isinstance(verdict, Refuted)


def test_a_proof_names_what_it_rests_on():
    """What the graph alone shows rests on no cap; a bounded count rests on the caps that bound it."""
    machine = lines(
        """\
workflow: little
budget: {tokens: 10}
states:
  draft:
    run: m:f
    cost: {tokens: 4}
    retry: {times: 3}
    success: check
    fallback: failed
  check: {run: m:f, success: {good: done, bad: {to: draft, times: 2, else: failed}}, fallback: failed}
  done: {end: success}
  failed: {end: failed}
policies:
  - {never: done, between: [draft, check]}
  - {at_most: 3, visit: draft}
  - {at_most: 3, visit: draft.retry, between: [draft, check]}
  - {before: draft, visit: draft.exceeded}
  - {before: draft.success, visit: draft.exceeded}
"""
    )
    verdicts = [verdict for _, verdict in judged(machine, under_budget(machine))]

    assert [verdict.rests_on for verdict in verdicts[:-1]] == [(), ("check.bad",), ("draft.retry",), ()]
    assert isinstance(verdicts[-1], Refuted)
    # Two attempts that used all that they might are needed, and the second asks for a third.
    assert [way.kind for way in ways(under_budget(machine), verdicts[-1].path)] == ["retry", "exceeded"]


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (Policy(pattern="never", event="a", between=("b", "c.ok")), "`a` never comes between `b` and `c.ok`"),
        (Policy(pattern="always", event="a.ok"), "`a.ok` always comes"),
        (Policy(pattern="at_most", event="a", limit=3), "`a` is entered at most 3 times"),
        (Policy(pattern="at_most", event="a.retry", limit=1), "`a.retry` comes at most once"),
        (Policy(pattern="before", event="a", visit="b"), "`b` never comes before `a`"),
        (Policy(pattern="after", event="a", visit="b"), "`b` always comes after `a`"),
    ],
)
def test_a_policy_in_words(policy, words):
    """Each pattern has a sentence."""
    assert spoken(policy) == words


@pytest.mark.parametrize("shape", ["row", "circle"])
def test_ten_thousand_states(shape):
    """A policy over ten thousand states is judged in a second or so, and its path may be as long."""
    rows = [f"  s{i}: {{wait: 1s, success: s{i + 1}}}" for i in range(9_998)]
    last = "done" if shape == "row" else "{to: s0, times: 2, else: done}"
    head = ["workflow: big", "states:", *rows, f"  s9998: {{wait: 1s, success: {last}}}"]
    tail = ["  done: {end: success}", "policies:", "  - {at_most: 2, visit: s9998}", ""]
    machine = lines("\n".join([*head, *tail]))
    ((_, verdict),) = judged(machine, structural(machine), limit=20_000)

    if shape == "row":
        assert verdict.rests_on == ()
    else:
        assert len(verdict.path) == 3 * 9_999 - 1
