"""A run that is cancelled, at each point at which it waits: nothing is lost, left behind or swallowed."""

import asyncio
import contextlib
import threading
import types
from functools import cache
from pathlib import Path

import pytest

from fsmflow.cli.load import load
from fsmflow.runtime import Invalid, Outcome, Permanent, StepContext, Transient
from fsmflow.runtime.steps import Bound
from fsmflow.spec import Budget, Cost, End, Wait
from fsmflow.testing.clock import SimulatedDeadline
from fsmflow.testing.drawing import simplest
from fsmflow.testing.plans import values_of
from tests.runtime.workbench import compiled, reask, retry, seconds, step

SPECS = Path(__file__).resolve().parents[2] / "specs"
NAMES = ("ask_docs", "extract_record", "find_sources", "read_source", "refund", "research", "tool_loop")
CHARGED = ("tool_calls", "tokens", "micro_usd")
MOST_POINTS = 400

INPUTS = {
    "ask_docs": {"text": "why?"},
    "extract_record": {"text": "Invoice 1", "received": "2026-01-31"},
    "find_sources": {"questions": ["why"], "place": "library"},
    "read_source": {"topic": "why", "source": {"name": "math.gcd", "place": "library"}},
    "refund": {"request_id": "r", "order_id": "A-1001", "cents": 9_000},
    "research": {"text": "why?"},
    "tool_loop": {"text": "1 + 1?"},
}


class Ticking:
    """A clock that ticks when it is read, and whose waits let others run but take no time."""

    def __init__(self):
        self.us = 0

    def now(self):
        self.us += 7
        return self.us

    def wall_ns(self):
        return self.us * 1_000

    def deadline(self):
        return SimulatedDeadline()

    async def sleep(self, us):
        await asyncio.sleep(0)
        self.us += us


@types.coroutine
def interrupted(coroutine, at, how):
    """Await `coroutine`, and cancel the task that does at its `at`-th point of waiting; count the points."""
    points, send, value = 0, coroutine.send, None
    while True:
        try:
            waited_for = send(value)
        except StopIteration as stop:
            return stop.value, points
        points += 1
        if points == at:
            task = asyncio.current_task()
            if how == "at once":
                task.cancel()
            else:
                asyncio.get_running_loop().call_soon(task.cancel)
        try:
            value, send = (yield waited_for), coroutine.send
        except BaseException as error:
            value, send = error, coroutine.throw


async def watched(make, at=0, how="at once"):
    """Start what `make` gives with a sink, cancel it at a point, and give its events and how it ended."""
    events = []

    async def main():
        return await interrupted(make(events.append), at, how)

    task = asyncio.create_task(main())
    await asyncio.wait([task])
    if not task.cancelled() and task.exception() is not None:
        raise task.exception()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert [timer for timer in asyncio.get_running_loop()._scheduled if not timer.cancelled()] == []
    return events, None if task.cancelled() else task.result()[1]


def whole(events):
    """Hold the trace of a run, and of each that it runs, to its ledger; give its end and its last attempt."""
    root, *children = [event["span_id"] for event in events if event["event"] == "run"]
    for child in children:
        whole_run(events, child)
    assert events[-1]["span_id"] == root
    return whole_run(events, root)


def whole_run(events, run):
    (last,) = [event for event in events if event["event"] == "end" and event["span_id"] == run]
    own = [event for event in events if event.get("parent_id") == run]
    spans = [event for event in own if event["event"] in ("attempt", "pause", "late")]
    attempts = [span for span in spans if span["event"] == "attempt"]
    sums = {name: sum(span["use"][name] for span in spans if "use" in span) for name in CHARGED}
    sums["steps"] = sum(span.get("steps", 1) for span in attempts)
    sums["time_us"] = sum(span["end_ns"] - span["start_ns"] for span in spans if "end_ns" in span) // 1_000

    assert last["spent"] == sums
    return last, attempts


def cancelled_everywhere(make):
    """Cancel a run at each of its points; give the events of each."""
    _, points = asyncio.run(watched(make))
    assert 0 < points < MOST_POINTS
    for at in range(1, points + 1):
        for how in ("at once", "a moment later"):
            events, finished = asyncio.run(watched(make, at, how))
            if finished is None:
                yield events
            else:
                # Only what was over by then can't be cancelled any more.
                assert (at, how) == (points, "a moment later")


def scripted(runner, plan, way=""):
    """Put in the place of each step one that waits, charges, waits, and ends as a plan says."""

    def one(stage):
        number = 0
        value = sample(stage, runner) if stage.gives else None

        async def act(ctx: StepContext, **_):
            nonlocal number
            outcome, number = plan[number % len(plan)], number + 1
            await asyncio.sleep(0)
            ctx.charge(tool_calls=stage.cost[0] // 2, tokens=stage.cost[1] // 2)
            await asyncio.sleep(0)
            if outcome == "transient":
                raise Transient
            if outcome == "invalid":
                raise Invalid("no")
            if outcome == "failure":
                raise Permanent
            if stage.labels is None:
                return value
            label = stage.labels[number % len(stage.labels)]
            return Outcome(label, value) if stage.gives else label

        return Bound(act, "async", True, None, (), False)

    steps = {}
    for name, stage in runner.stages.items():
        if stage.children is None:
            steps[f"{way}{name}"] = one(stage)
            continue
        for key, callee in stage.children.callees.items():
            below = f"{way}{name}.{key}." if stage.children.kind == "parallel" else f"{way}{name}."
            steps |= scripted(runner.callees[callee.name], plan, below)
    return steps


def sample(stage, runner):
    """Give an output of a step: of a list, one of three items; of an order, one that can be refunded."""
    if stage.gives == "refund:Order":
        return {"order_id": "A", "customer": "", "email": "", "status": "delivered", "left_cents": 10_000}
    if stage.gives.startswith("list["):
        return [made_up(stage.gives.removeprefix("list[")[:-1], runner.folder)] * 3
    return made_up(stage.gives, runner.folder)


@cache
def made_up(gives, folder):
    """Give the simplest value of a type, once for the many runs of a test."""
    return simplest(values_of(gives, folder))


class Slow:
    """A desk whose people take a moment, and pick one answer after another."""

    def __init__(self):
        self.number = 0

    async def ask(self, asked):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        label = asked.labels[self.number % len(asked.labels)]
        self.number += 1
        return asked.answer(label, "noted")


PLANS = [("ok",), ("transient", "ok", "invalid", "ok"), ("ok", "ok", "failure"), ("transient",)]


@pytest.mark.parametrize("plan", PLANS, ids="-".join)
@pytest.mark.parametrize("name", NAMES)
def test_a_run_of_a_spec_can_be_cancelled_wherever_it_waits(name, plan):
    """At each point the run ends cancelled, its ledger is the sum of its spans, and nothing is left."""
    runner = load(SPECS / f"{name}.fsm.yaml")

    def make(sink):
        steps = scripted(runner, plan)
        return runner.run(INPUTS[name], steps=steps, clock=Ticking(), trace=sink, desk=Slow())

    for events in cancelled_everywhere(make):
        end, attempts = whole(events)

        assert (end["end"], end["kind"]) == ("cancelled", "cancelled")
        if events[-2]["event"] == "attempt":
            stage = runner.stages[attempts[-1]["state"]]
            assert attempts[-1]["outcome"] == ("unknown" if stage.effect == "once" else "cancelled")
            if stage.children is None:
                assert attempts[-1]["use"]["tokens"] >= stage.cost[1] // 2


def in_thread(calls=[]):  # noqa: B006 - it counts over all runs
    calls.append(1)
    if len(calls) % 3 == 0:
        raise Transient
    return "x"


async def waiting():
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def failing():
    await asyncio.sleep(0)
    raise Transient


SMALL = {
    "threads": ({"a": step(success="b", retry=retry(2)), "b": step()}, {"a": in_thread, "b": in_thread}),
    "retries": ({"a": step(retry=retry(3)), "rest": Wait(wait=seconds(1), success="done")}, {"a": failing}),
    "waits": (
        {
            "a": step(success="rest"),
            "rest": Wait(wait=seconds(1), success="b"),
            "b": step(invalid=reask(1), cost=Cost(tokens=3)),
        },
        {"a": waiting, "b": waiting},
    ),
    "timeouts": ({"a": step(timeout=seconds(60), retry=retry(1), cost=Cost(tokens=5))}, {"a": waiting}),
}


@pytest.mark.parametrize("name", SMALL)
def test_a_small_machine_can_be_cancelled_wherever_it_waits(name):
    """So it is with threads, retries, waits and real timers."""
    states, steps = SMALL[name]
    runner = compiled(states, budget=Budget(time=seconds(600)))
    clock = {} if name in ("threads", "timeouts") else {"clock": Ticking()}

    def make(sink):
        in_thread.__defaults__[0].clear()
        return runner.run(None, steps=steps, trace=sink, **clock)

    ends = [whole(events)[0]["kind"] for events in cancelled_everywhere(make)]

    assert ends
    assert set(ends) == {"cancelled"}


async def swallowing():
    try:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    except asyncio.CancelledError:
        return "swallowed"


async def swallowing_in_context(ctx):
    return await swallowing()


async def turning():
    try:
        await waiting()
    except asyncio.CancelledError:
        raise ValueError("turned") from None


async def dawdling():
    try:
        await waiting()
    except asyncio.CancelledError:
        await waiting()
        return "late"


@pytest.mark.parametrize(
    ("function", "outcome"),
    [
        (swallowing, "success"),
        (swallowing_in_context, "success"),
        (dawdling, "success"),
        (turning, "cancelled"),
    ],
)
@pytest.mark.parametrize("effect", ["none", "once"])
def test_a_step_that_swallows_a_cancellation_does_not_keep_the_run_from_it(function, outcome, effect):
    """What the step still gave is on record, and no other step begins."""
    more = {"effect": "once", "unknown": "failed"} if effect == "once" else {}
    states = {"a": step(success="b", cost=Cost(tokens=4), **more), "b": step()}
    runner = compiled(states)

    def make(sink):
        return runner.run(None, steps={"a": function, "b": waiting}, trace=sink)

    first = next(cancelled_everywhere(make))
    end, attempts = whole(first)

    assert end["kind"] == "cancelled"
    expected = "unknown" if (outcome, effect) == ("cancelled", "once") else outcome
    assert [(each["state"], each["outcome"]) for each in attempts] == [("a", expected)]
    assert attempts[0]["use"]["tokens"] == 4
    assert {whole(events)[0]["kind"] for events in cancelled_everywhere(make)} == {"cancelled"}


def test_a_cancellation_in_the_instant_of_a_deadline_is_not_swallowed():
    """A step that swallows its deadline and a cancellation with it has not kept the run alive."""

    async def work(ctx):
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            asyncio.current_task().cancel()
            return 1

    runner = compiled({"a": step(timeout=seconds(0.01), retry=retry(3))})
    events, finished = asyncio.run(watched(lambda sink: runner.run(None, steps={"a": work}, trace=sink)))
    end, attempts = whole(events)

    assert finished is None
    assert (end["kind"], len(attempts)) == ("cancelled", 1)


@pytest.mark.parametrize("function", [waiting, lambda: threading.Event().wait(0.2)], ids=["async", "thread"])
def test_an_interrupted_effect_is_on_its_unknown_way(function):
    """Nobody can tell if it happened: the trace says so, and so does the error of the run."""
    states = {"pay": step(effect="once", unknown="ask", cost=Cost(tokens=2)), "ask": End(end="handoff")}
    runner = compiled(states)
    events, _ = asyncio.run(
        watched(lambda sink: runner.run(None, steps={"pay": function}, trace=sink), 1, "a moment later")
    )
    end, attempts = whole(events)

    assert (end["end"], end["kind"]) == ("cancelled", "cancelled")
    assert [each["outcome"] for each in attempts] == ["unknown"]
    assert attempts[0]["use"]["tokens"] == 2
    assert (end["error"]["state"], end["error"]["outcome"]) == ("pay", "unknown")
    assert "cancelled" in end["error"]["message"]


def test_a_late_charge_is_on_record_before_what_it_came_in():
    """What an abandoned thread charges while a later attempt runs is booked, and written, before that one."""
    go = threading.Event()
    held = []

    def work(ctx):
        held.append(ctx)
        if len(held) == 1:
            go.wait(5)
            try:
                ctx.charge(tokens=90)
            finally:
                go.clear()
        else:
            go.set()
            while go.is_set():
                pass
            raise Transient

    states = {"a": step(timeout=seconds(0.05), retry=retry(5), cost=Cost(tokens=10))}
    events = []
    runner = compiled(states, budget=Budget(tokens=100))
    result = asyncio.run(runner.run(None, steps={"a": work}, trace=events.append))

    assert [each["event"] for each in events] == ["run", "attempt", "pause", "late", "attempt", "end"]
    assert result.end == "exceeded"
    assert result.spent.tokens == 10 + 80 + 10


def test_a_late_charge_outlives_a_cancellation():
    """What an abandoned thread had charged by then is on the ledger of a cancelled run."""
    charged = threading.Event()

    def work(ctx):
        calls.append(1)
        if len(calls) == 1:
            stop.wait(5)
            try:
                ctx.charge(tokens=90)
            finally:
                charged.set()
        stop.set()
        charged.wait(5)
        hold.wait(5)

    async def main():
        task = asyncio.create_task(runner.run(None, steps={"a": work}, trace=events.append))
        await asyncio.to_thread(charged.wait, 5)
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        hold.set()

    calls, events, stop, hold = [], [], threading.Event(), threading.Event()
    runner = compiled({"a": step(timeout=seconds(0.3), retry=retry(5), cost=Cost(tokens=10))})
    asyncio.run(main())

    end, attempts = whole(events)
    assert end["kind"] == "cancelled"
    assert [each["outcome"] for each in attempts] == ["transient", "cancelled"]
    assert end["spent"]["tokens"] == 10 + 80 + 10


def test_leaving_a_stream_at_any_event_leaves_no_task():
    """Who is cancelled while listening takes the run along."""
    runner = compiled({"a": step(success="b"), "b": step()})

    async def listen(sink):
        stream = runner.stream(None, steps={"a": waiting, "b": waiting}, trace=sink)
        async with contextlib.aclosing(stream):
            async for _ in stream:
                await asyncio.sleep(0)

    for events in cancelled_everywhere(listen):
        kinds = [event["event"] for event in events]

        assert not kinds or kinds[-1] == "end"
