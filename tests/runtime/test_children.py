"""Workflows that run workflows: their results, their failures, their ledger, their ids and their end."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from types import ModuleType
from typing import Any

import pytest

from fsmflow.runtime import (
    Breach,
    Inbox,
    Permanent,
    Result,
    Spent,
    StepContext,
    StepNotFound,
    Transient,
    clock,
)
from fsmflow.runtime.events import Late
from tests.runtime.families import READ, family, reading


async def upper(name: str) -> str:
    """Give a name in capitals; a bad one is refused."""
    if name.startswith("bad"):
        raise Permanent(f"no such source: {name}")
    return name.upper()


def run(runner: Any, names: list[Any], fetch: Any = upper, **options: Any) -> Result[Any]:
    """Run `runner` on names, and leave no task behind."""

    async def main() -> Result[Any]:
        result = await runner.run({"names": names}, steps={"read_all.fetch": fetch}, **options)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    return asyncio.run(main())


def test_results_stand_in_the_order_of_the_items() -> None:
    """A map gives the outputs of its children in the order of the items, whichever is done first."""

    async def slow_first(name: str) -> str:
        await asyncio.sleep(0.02 if name == "a" else 0)
        return name.upper()

    assert run(family(read=READ, all=reading()), ["a", "b", "c"], slow_first).output == ["A", "B", "C"]


def test_nothing_to_run_gives_nothing() -> None:
    """A map over no items succeeds with an empty list, and counts as one step."""
    result = run(family(read=READ, all=reading()), [])

    assert (result.output, result.spent.steps) == ([], 1)


@pytest.mark.parametrize("width", [1, 2, 3, 10])
def test_no_more_than_width_run_at_a_time(width: int) -> None:
    """So many children run side by side as `width` says, and never more."""
    running, most = 0, 0

    async def fetch(name: str) -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        return name

    run(family(read=READ, all=reading(width)), list("abcdefgh"), fetch)

    assert min(width, 8) == most


def test_a_failed_child_is_null_where_it_is_tolerated() -> None:
    """Up to `tolerate` children may fail; null stands for what they did not give."""
    result = run(family(read=READ, all=reading(tolerate=1)), ["a", "bad", "c"])

    assert (result.kind, result.output) == ("success", ["A", None, "C"])


@pytest.mark.parametrize("width", [1, 4])
def test_one_failure_too_many_is_a_failure_that_names_the_child(width: int) -> None:
    """More failures than are tolerated fail the state; the message says which children failed, and why."""
    result = run(family(read=READ, all=reading(width, tolerate=1)), ["a", "bad1", "bad2", "d"])

    assert result.kind == "failed"
    assert "2 of 4 children failed, and 1 may" in result.output
    assert "1: it ended in `failed` (failed): fetch: no such source: bad1" in result.output


def slow(begun: list[str]) -> Any:
    """Make a step that notes that it begins, and takes a minute; a bad name is refused at once."""

    async def fetch(name: str) -> str:
        begun.append(name)
        if name == "bad":
            raise Permanent("bad")
        await asyncio.sleep(60)
        return name

    return fetch


def test_what_others_still_do_is_cancelled_when_it_can_not_help() -> None:
    """Once too many have failed, the children that still run are cancelled and the others never start."""
    begun: list[str] = []
    result = run(family(read=READ, all=reading(width=2)), ["a", "bad", "c", "d"], slow(begun))

    assert (result.kind, begun) == ("failed", ["a", "bad"])


@pytest.mark.skipif(sys.version_info < (3, 12), reason="no loop begins tasks at once before Python 3.12")
@pytest.mark.parametrize("items", [["a", "bad", "c", "d"], ["bad", "a", "c", "d"]])
def test_where_tasks_begin_at_once_others_are_cancelled_too(items: list[str]) -> None:
    """Under an eager task factory, no child goes on, or starts, once too many have failed."""
    begun: list[str] = []

    async def main() -> Any:
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]
        runners = family(read=READ, all=reading(width=2))
        return await runners.run({"names": items}, steps={"read_all.fetch": slow(begun)})

    result = asyncio.run(main())

    assert (result.kind, begun) == ("failed", items[: items.index("bad") + 1])


def test_too_many_items_are_a_failure_before_anything_starts() -> None:
    """A list longer than `at_most` fails the state, and no child starts."""
    result = run(family(read=READ, all=reading(at_most=2)), ["a", "b", "c"])

    assert result.kind == "failed"
    assert "3 items, and may have 2 at most" in result.output
    assert Spent(steps=1) == result.spent._replace(time_us=0)


def test_what_is_no_list_is_a_failure() -> None:
    """To map over what is no list fails the state, and says so."""
    result = run(family(read=READ, all=reading()), "abc")  # type: ignore[arg-type]

    assert "what is mapped over is no list but str" in result.output


def test_the_ledger_holds_what_the_children_used() -> None:
    """The parent's ledger is its own step and what its children used, to the micro-dollar."""

    async def fetch(name: str, ctx: StepContext) -> str:
        ctx.charge(tokens=len(name), tool_calls=1, usd="0.000001")
        if name == "bbb" and ctx.attempt == 1:
            raise Transient("once")
        return name

    result = run(family(read=READ, all=reading()), ["a", "bbb"], fetch)

    assert Spent(1 + 1 + 2, 3, 1 + 3 + 3, 3) == result.spent._replace(time_us=0)


def test_what_the_children_may_use_is_reserved_whole_before_the_first_starts() -> None:
    """Where the budget has no room for all children at their worst, none starts, and it is exceeded."""
    begun = []

    async def fetch(name: str) -> str:
        begun.append(name)
        return name

    fits = family(read=READ, all=reading(at_most=3, budget="{tokens: 900}"))
    lacks = family(read=READ, all=reading(at_most=3, budget="{tokens: 899}"))

    assert run(fits, ["a"], fetch).end == "done"
    assert run(lacks, ["a"], fetch).end == "exceeded"
    assert begun == ["a"]


def test_a_breach_in_a_child_is_booked_and_fails_the_state() -> None:
    """A child whose steps use more than was set aside fails the state; what it used is on the ledger."""

    async def fetch(ctx: StepContext, name: str) -> str:
        with contextlib.suppress(Breach):
            ctx.charge(tokens=100_000)
        return name

    result = run(family(read=READ, all=reading()), ["a"], fetch)

    assert (result.kind, result.spent.tokens) == ("failed", 100_000)


def test_children_have_ids_of_their_own_that_a_crash_would_not_change() -> None:
    """Each child's run id follows from its parent's id, its state, its visit and its place."""
    seen: dict[str, tuple[str, str]] = {}

    async def fetch(name: str, ctx: StepContext) -> str:
        seen[name] = (ctx.run_id, ctx.idempotency_key)
        return name

    runner = family(read=READ, all=reading())
    run(runner, ["a", "b"], fetch, run_id="r")
    first = dict(seen)
    run(runner, ["a", "b"], fetch, run_id="r")

    assert first == seen
    assert len({part for pair in seen.values() for part in pair}) == 4


def test_children_are_spans_of_the_same_trace() -> None:
    """All events share one trace id, and each child's run names the attempt that ran it."""
    events: list[dict[str, Any]] = []
    run(family(read=READ, all=reading(width=1)), ["a", "b"], trace=events.append)
    (attempt,) = [event for event in events if event.get("state") == "read_all"]
    children = [event for event in events if event["event"] == "run" and event["workflow"] == "read"]

    assert {attempt["trace_id"]} == {event["trace_id"] for event in events}
    assert [(attempt["span_id"], 0), (attempt["span_id"], 1)] == [
        (event["parent_id"], event["child"]) for event in children
    ]
    assert attempt["steps"] == 3


def test_an_input_that_does_not_fit_fails_the_child() -> None:
    """A child whose input is not of its type fails, and is tolerated as one that failed."""
    child = "input: str\n" + READ.replace("$input.name", "$input")
    parent = reading(tolerate=1).replace("    with: {name: $item}\n", "")
    result = run(family(read=child, all=parent), ["a", 5])

    assert result.output == ["A", None]


BOTH = """
states:
  both:
    parallel:
      left: {call: read, with: {name: l}}
      right: {call: read, with: {name: r}}
    success: one
    fallback: failed
  one: {call: read, with: {name: $both.right}, success: done, fallback: failed}
  done: {end: success, output: [$both, $one]}
  failed: {end: failed, output: $error.message}
"""


def test_side_by_side_and_alone() -> None:
    """`parallel` gives outputs by key, `call` gives the one; steps of children are swapped by their way."""

    async def doubled(name: str) -> str:
        return name * 2

    steps = {"both.left.fetch": upper, "both.right.fetch": doubled, "one.fetch": upper}
    result = asyncio.run(family(read=READ, all=BOTH).run({}, steps=steps))

    assert result.output == [{"left": "L", "right": "rr"}, "RR"]


@pytest.mark.parametrize("name", ["nowhere", "both.fetch", "both.left.nowhere", "one.left.fetch"])
def test_a_step_that_no_child_has_is_refused(name: str) -> None:
    """A swapped step that leads to no step of a child is told before the run begins."""
    with pytest.raises(LookupError, match="has no step"):
        asyncio.run(family(read=READ, all=BOTH).run({}, steps={name: upper}))


@pytest.mark.parametrize(
    ("kind", "end"), [("degraded", "success"), ("handoff", "failed"), ("failed", "failed")]
)
def test_what_the_kind_of_a_childs_end_means(kind: str, end: str) -> None:
    """A child that ends in success or degraded has succeeded; any other end is a failure."""
    child = f"states:\n  over: {{end: {kind}, output: x}}\n"
    parent = (
        "states:\n  one: {call: child, success: done, fallback: failed}\n"
        "  done: {end: success}\n  failed: {end: failed}\n"
    )

    assert end == asyncio.run(family(child=child, parent=parent).run({})).kind


def test_cancellation_reaches_all_children() -> None:
    """A cancelled run leaves no child behind; each one's attempt is in the trace, counted in full."""
    events: list[dict[str, Any]] = []

    async def fetch(name: str) -> str:
        await asyncio.sleep(60)
        return name

    async def main() -> None:
        runner = family(read=READ, all=reading(width=3))
        steps = {"read_all.fetch": fetch}
        task = asyncio.create_task(
            runner.run({"names": ["a", "b", "c", "d"]}, steps=steps, trace=events.append)
        )
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    ended = [event for event in events if event["event"] == "end"]

    assert [event["kind"] for event in ended] == ["cancelled"] * 4
    assert (ended[-1]["spent"]["steps"], ended[-1]["spent"]["tokens"]) == (1 + 3, 300)


def test_the_runs_deadline_is_the_childrens_too() -> None:
    """Children that run into their parent's deadline are cut off, and the parent's budget is exceeded."""

    async def fetch(name: str) -> str:
        await asyncio.sleep(60)
        return name

    result = run(family(read=READ, all=reading(budget="{time: 100ms}")), ["a", "b"], fetch)

    assert (result.end, result.spent.steps) == ("exceeded", 3)


def test_a_child_of_another_version_is_refused() -> None:
    """A runner does not run a child that was made of another machine than the one it was compiled for."""
    parent = family(read=READ, all=reading())
    other = family(read=READ.replace("times: 1", "times: 2"))
    parent.know("read", other)

    with pytest.raises(StepNotFound, match="compiled for another version of `read`"):
        run(parent, ["a"])


ASKING = """
budget: {steps: 3, time: 30s}
states:
  approve:
    ask: May it be read?
    timeout: 7d
    success: {yes_: fetch, no_: failed}
    fallback: failed
  fetch:
    run: nowhere:fetch
    with: {name: $input.name}
    gives: str
    timeout: 5s
    effect: none
    success: done
    fallback: failed
  done: {end: success, output: $fetch}
  failed: {end: failed}
"""


def test_the_time_of_people_whom_children_ask_is_on_no_budget() -> None:
    """Three children ask at once, for longer than their caller may take, and no time of that counts."""

    async def main() -> Result[Any]:
        inbox = Inbox()
        parent = family(read=ASKING, all=reading(budget="{time: 200ms}"))
        steps = {"read_all.fetch": upper}
        running = asyncio.create_task(parent.run({"names": ["a", "b", "c"]}, steps=steps, desk=inbox))
        for _ in range(3):
            asked = await inbox.next()
            await asyncio.sleep(0.15)
            inbox.answer(asked.token, "yes_")
        return await running

    result = asyncio.run(main())

    assert (result.end, result.output) == ("done", ["A", "B", "C"])
    assert 0 <= result.spent.time_us < 100_000


ASKED_BEFORE = """
budget: {time: 1h}
states:
  read_one: {call: read, with: {name: $input.name}, success: next, fallback: next}
  next:
    run: nowhere:never
    with: {what: $input.missing}
    effect: none
    timeout: 5s
    success: done
    fallback: done
  done: {end: success, output: $read_one}
"""


def test_an_attempt_that_is_not_made_begins_when_the_one_before_has_ended() -> None:
    """The time in which a child's person was asked is no time of what comes after it."""

    async def main() -> Result[Any]:
        inbox = Inbox()
        running = asyncio.create_task(
            family(read=ASKING, one=ASKED_BEFORE).run(
                {"name": "a"}, steps={"read_one.fetch": upper, "next": upper}, desk=inbox
            )
        )
        asked = await inbox.next()
        await asyncio.sleep(0.05)
        inbox.answer(asked.token, "yes_")
        return await running

    before, after = asyncio.run(main()).trace

    assert (before.state, after.state, after.outcome) == ("read_one", "next", "failure")
    assert after.start_us == before.start_us + before.elapsed_us


@pytest.mark.parametrize("width", [1, 3])
def test_a_child_that_never_lets_go_holds_up_nobody(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller's deadline ends its children too, whatever their steps swallow."""
    monkeypatch.setattr(clock, "AGAIN_US", 10_000)

    async def stays(name: str) -> str:
        for _ in range(40):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        swallowed.append(name)
        return name

    swallowed: list[str] = []
    runner = family(read=READ, all=reading(width=width, budget="{time: 50ms}"))
    result = run(runner, ["a", "b", "c"], stays)

    assert (result.end, swallowed) == ("exceeded", [])


def test_a_profile_may_be_a_childs_alone(monkeypatch):
    """A profile that only a workflow has that is run swaps steps there; one that none has is refused."""
    steps = ModuleType("steps_of_profiles")
    steps.real, steps.fake = (lambda: "real"), (lambda: "fake")
    monkeypatch.setitem(sys.modules, "steps_of_profiles", steps)
    child = """
states:
  one: {run: 'steps_of_profiles:real', effect: none, success: done, fallback: done}
  done: {end: success, output: $one}
profiles: {offline: {one: 'steps_of_profiles:fake'}}
"""
    parent = """
states:
  one: {call: child, success: done, fallback: done}
  done: {end: success, output: $one}
"""
    made = family(child=child, parent=parent)

    assert [made.run_sync({}, profile=each).output for each in (None, "offline")] == ["real", "fake"]
    with pytest.raises(LookupError, match="parent has no profile 'online'; it has: offline"):
        made.run_sync({}, profile="online")


def test_a_child_that_cancels_itself_has_given_nothing() -> None:
    """Where what a child calls cancels the child's own task, no null stands for what it did not give."""

    async def fetch(name: str) -> str:
        if name == "b":
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(0)
        return name

    result = family(read=READ, all=reading(width=2)).run_sync(
        {"names": ["a", "b", "c"]}, steps={"read_all.fetch": fetch}
    )

    assert result.end == "failed"
    assert result.error is not None
    assert result.error.message == "CancelledError"


FETCHING = """
budget: {steps: 3, tokens: 300, time: 60s}
states:
  fetch:
    run: nowhere:fetch
    cost: {tokens: 100}
    timeout: 50ms
    effect: none
    success: done
    fallback: done
  done: {end: success}
"""
CALLING = """
states:
  call: {call: fetching, with: {}, success: wait, fallback: wait}
  wait:
    run: nowhere:wait
    effect: none
    success: done
    fallback: done
  done: {end: success}
"""


@pytest.mark.parametrize("depth", [1, 2])
def test_what_a_child_is_charged_after_its_end_is_booked_by_its_caller(depth: int) -> None:
    """A thread that outlives its child's run charges whoever ran that, or who ran it in turn."""
    stop, charged = threading.Event(), threading.Event()

    def fetch(ctx: StepContext) -> None:
        stop.wait(20)
        try:
            ctx.charge(tokens=150)
        finally:
            charged.set()

    def wait() -> None:
        stop.set()
        charged.wait(20)

    if depth == 1:
        runner = family(fetching=FETCHING, calling=CALLING)
        steps = {"call.fetch": fetch, "wait": wait}
    else:
        between = CALLING.replace("run: nowhere:wait", "run: nowhere:nothing")
        outer = CALLING.replace("call: fetching", "call: between")
        runner = family(fetching=FETCHING, between=between, calling=outer)
        steps = {"call.call.fetch": fetch, "call.wait": lambda: None, "wait": wait}
    result = runner.run_sync({}, steps=steps)

    assert result.end == "done"
    assert result.spent.tokens == 150
    assert [span.event.use for span in result.trace if isinstance(span.event, Late)] == [(0, 50, 0)]
