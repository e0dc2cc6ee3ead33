"""Whole runs made up from a seed, and what is held against them."""

from pathlib import Path

import pytest
from attrs import evolve

from fsmflow.cli.load import compile_one, runner_from
from fsmflow.lowering import lower
from fsmflow.machine import Caps
from fsmflow.runtime import Ended, Late, Spent
from fsmflow.runtime.steps import Bound
from fsmflow.runtime.verdict import Replayed
from fsmflow.testing.campaign import Campaign, Judge
from fsmflow.testing.clock import SimulatedClock
from fsmflow.testing.fates import MOODS, Busy
from fsmflow.testing.play import _finish
from fsmflow.testing.scouting import scouted
from fsmflow.testing.simulator import Guide, Simulator
from fsmflow.testing.subject import Subject

SPECS = Path(__file__).resolve().parents[2] / "specs"
NAMES = ("ask_docs", "extract_record", "find_sources", "read_source", "refund", "research", "tool_loop")
HITS = 1_000


def simulator(name="ask_docs", seed=0):
    spec = SPECS / f"{name}.fsm.yaml"
    compilation = compile_one(spec)
    return Simulator.of(Subject(compilation.analysis.machine, runner_from(compilation, spec), SPECS), seed)


@pytest.fixture(scope="module", params=NAMES)
def made(request):
    """A simulator, which knows the way to rare transitions where that is soon learnt; `slow` goes to all."""
    made = simulator(request.param)
    return made if request.param in ("extract_record", "refund", "research") else scouted(made)


def test_nothing_is_broken_by_a_run_of_the_committed_specs(made):
    """Hundreds of runs through faults end, keep to caps and proof, and agree with the reference."""
    campaign = Campaign.of(made, range(400))

    assert campaign.violations == []
    assert campaign.runs == sum(campaign.ends.values()) == len(campaign.used) == 400


def test_a_run_is_told_by_its_seed_and_number_alone(made):
    """A run made alone, by a simulator made anew, is the run of the campaign."""
    again = simulator(made.subject.machine.name).guided(made.guides)
    runs = list(made.runs(32))

    assert [again.run(number) for number in (31, 7)] == [runs[number] for number in (31, 7)]
    assert made.run(7).trace != made.run(8).trace


@pytest.mark.parametrize("name", ["ask_docs", "tool_loop"])
def test_what_is_learnt_follows_from_the_seed(name):
    """Two simulators of one seed learn the same ways to rare transitions."""
    first, again = (scouted(simulator(name)).guides for _ in range(2))

    assert first
    assert first == again


def test_another_seed_is_another_campaign():
    """Seeds part from the first run on."""
    first, second = simulator(seed=0), simulator(seed=1)

    assert [run.trace for run in first.runs(5)] != [run.trace for run in second.runs(5)]


class Paced(SimulatedClock):
    """Lets attempts take the time that they are said to have taken."""

    def skip(self, us):
        self._now += us


def worded(span):
    """Give a span as a tuple; that nobody answered is said in other words by who only makes it up."""
    said = isinstance(span.event, Ended) and span.event.message.partition(" within ")[0]
    return tuple(span._replace(event=span.event._replace(message=said)) if said else span)


def test_the_driver_makes_the_same_run(made):
    """What the simulator does on the pure core, the driver does on a clock: end, ledger, values, trace."""
    runner, compared = made.subject.runner, 0
    for run in made.runs(120):
        if run.end == "cancelled" or any(isinstance(span.event, Late) for span in run.trace):
            continue
        events = iter([span.event for span in run.trace if isinstance(span.event, Ended)])
        clock = Paced()

        async def step(ctx, events=events, clock=clock, **_):
            event = next(events)
            if event.message.startswith("$"):
                raise AssertionError("a driver calls no step without its arguments")
            clock.skip(event.elapsed_us)
            if runner.stages[ctx.state].children is not None:
                ctx.book([Spent(steps=event.steps - 1)])
            raise Replayed(event)

        class Desk:
            async def ask(self, asked, events=events, clock=clock):
                event = next(events)
                clock.skip(event.elapsed_us)
                if event.outcome != "success":
                    await clock.sleep(asked.timeout_us + 1)
                return asked.answer(event.label, event.value if asked.gives else None)

        steps = {name: Bound(step, "async", True, None, (), False) for name in runner.stages}
        result = _finish(runner.run(run.given, steps=steps, clock=clock, desk=Desk()))

        assert (result.end, result.spent) == (run.end, run.spent)
        assert [worded(span) for span in result.trace] == [worded(span) for span in run.trace]
        compared += 1
    assert compared > 50


def test_every_kind_of_fault_happens():
    """Among a thousand runs are all outcomes, breaches, late charges, cut-offs and hostile wishes."""
    runs = list(simulator().runs(1_000))
    events = [span.event for run in runs for span in run.trace]
    ended = [event for event in events if isinstance(event, Ended)]
    messages = {event.message for event in ended}

    assert {event.outcome for event in ended} >= {
        "success",
        "transient",
        "invalid",
        "failure",
        "exceeded",
        "cancelled",
    }
    assert any(isinstance(event, Late) for event in events)
    assert any(any(run.beyond) for run in runs)
    assert any("charged more than it declared" in message for message in messages)
    assert any("its timeout" in message for message in messages)
    assert any("is no label" in message for message in messages)
    assert {event.retry_after_us for event in ended} >= {None, 0, 366 * 86_400_000_000}
    assert {event.elapsed_us for event in ended} >= {0, 1, 15_000_000}


def test_a_lost_connection_leaves_an_effect_unknown():
    """A step that must not be repeated goes its `unknown` way."""
    from tests.runtime.workbench import compiled, seconds, step, workflow

    states = {"pay": step(effect="once", unknown="failed", timeout=seconds(1))}
    subject = Subject(lower(workflow(states)), compiled(states))
    events = [span.event for run in Simulator.of(subject, 0).runs(200) for span in run.trace]

    assert {event.outcome for event in events if isinstance(event, Ended)} >= {"success", "unknown"}
    assert "transient" in {event.outcome for event in events if isinstance(event, Ended)}


def judged(run, subject):
    return list(Judge(subject).judged(run)[0])


@pytest.fixture(scope="module")
def whole():
    """A simulator, and a run of it that breaches nothing."""
    made = simulator()
    return made, next(run for run in made.runs(50) if not any(run.beyond) and len(run.trace) > 3)


def test_a_ledger_that_does_not_add_up_is_named(whole):
    """A run whose attempts used more than its ledger says is a violation, and the sums are told."""
    made, run = whole
    configuration = run.configuration._replace(spent=run.spent._replace(steps=run.spent.steps - 1))

    assert any(
        "its attempts add up to" in said
        for said in judged(evolve(run, configuration=configuration), made.subject)
    )


def test_a_cap_that_was_passed_is_named(whole):
    """A runner that heeds no cap is found out, by cap and amount."""
    made, run = whole
    machine = evolve(made.subject.machine, caps=Caps(steps=run.spent.steps - 1))  # the runner's is higher

    assert any(
        f"it used {run.spent.steps} steps, and the cap is {run.spent.steps - 1}" in said
        for said in judged(run, evolve(made.subject, machine=machine))
    )


def test_what_was_proved_is_held_against_runs(whole):
    """A run above the proved worst case is a violation, even below the cap."""
    made, run = whole
    judge = Judge(made.subject)
    judge._bounds = (run.spent.steps - 1, *judge._bounds[1:])

    assert (
        f"it used {run.spent.steps} steps, and {run.spent.steps - 1} was proved to be the most"
        in (judge.judged(run)[0])
    )


def test_a_breach_is_no_violation_and_its_excess_is_kept_apart():
    """What is charged beyond what was declared is booked, named, and not held against the caps."""
    made = simulator()
    run = next(run for run in made.runs(500) if run.beyond.tokens > 12_000)

    assert run.spent.tokens > 12_000 >= run.kept.tokens
    assert judged(run, made.subject) == []


def test_another_meaning_is_named(whole):
    """A run that stands elsewhere than the reference is a violation that says in what."""
    made, run = whole
    configuration = run.configuration._replace(feedback=("never said",))

    assert judged(evolve(run, configuration=configuration), made.subject) == [
        "the reference meaning ends elsewhere: feedback"
    ]


@pytest.mark.parametrize("cap", [1, 3])
def test_a_runner_that_is_not_of_the_spec_is_found_out(cap):
    """A runner that allows one loop more, or less, is caught, with the number of a run that shows it."""
    made = simulator()
    machine = made.subject.machine
    counters = dict(machine.counters)
    counters["check.ungrounded"] = evolve(counters["check.ungrounded"], cap=cap)
    subject = evolve(made.subject, machine=evolve(machine, counters=counters))
    other = evolve(made, subject=subject).guided((way_round(made),))
    found = Campaign.of(other, range(300)).violations

    assert found
    assert judged(other.run(found[0].number), subject)


def way_round(made):
    """The shortest beginning of a run that goes back from `check` twice."""
    runs = [run for run in made.runs(1_500) if run.configuration.visits.get("retrieve", 0) >= 3]
    run = min(runs, key=lambda run: len(run.trace))
    return Guide(run.given, tuple(span.event for span in run.trace))


def test_an_end_that_is_none_and_no_end_at_all_are_named(whole):
    """A run must come to an end of the workflow."""
    made, run = whole

    assert "it ended in `nowhere`, which is no end" in judged(evolve(run, end="nowhere"), made.subject)
    assert any("still had not ended" in s for s in judged(evolve(run, end="endless"), made.subject))


def test_a_guide_is_gone_to_its_end():
    """Some runs begin just as their guide says, and go on from there by themselves."""
    made = simulator()
    long = max(made.runs(200), key=lambda run: len(run.trace) * (run.end != "cancelled"))
    events = tuple(span.event for span in long.trace[:4])
    found = [
        run
        for run in made.guided((Guide(long.given, events),)).runs(60)
        if tuple(span.event for span in run.trace[:4]) == events
    ]

    assert len(found) > 8
    assert len({len(run.trace) for run in found}) > 1


def test_a_busy_server_says_so_like_an_http_client():
    """The stand-in for an HTTP error has a status and headers, where the runtime looks for them."""
    from fsmflow.runtime.outcomes import classify

    assert classify(Busy(429, "5")).retry_after_us == 5_000_000
    assert classify(Busy(429, "٣")).retry_after_us is None
    assert all(set(mood) <= set("stbiuflndx") for mood in MOODS.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_transition_is_taken_a_thousand_times(name):
    """In a bounded campaign each transition that can be taken is, a thousand times and more."""
    from fsmflow.analysis.traces.coverage import can_be_taken

    made = scouted(simulator(name))
    campaign = Campaign(made)
    judge = Judge(made.subject)
    ways = [n for n, way in enumerate(campaign.machine.transitions) if can_be_taken(campaign.machine, way)]
    for number in range(150_000):
        campaign.note(made.run(number), judge)
        if number % 1_000 == 999 and all(campaign.taken[way] >= HITS for way in ways):
            break
    few = {
        campaign.machine.transitions[way]: campaign.taken[way] for way in ways if campaign.taken[way] < HITS
    }

    assert few == {}
    assert campaign.violations == []
