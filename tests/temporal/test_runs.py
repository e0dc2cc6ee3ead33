"""Runs on a server that skips time: select with `-m temporal`."""

from __future__ import annotations

import asyncio
import sys
import time

import pytest

pytest.importorskip("temporalio")

from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.exceptions import CancelledError as Cancelled

from fsmflow.engines.temporal.claims import LARGE
from fsmflow.engines.temporal.payloads import Folder
from fsmflow.runtime import Inbox, NotWaiting, Outcome, Permanent, Rejected, Transient
from fsmflow.runtime.outcomes import Breach
from tests.temporal.served import needs_server, served, specs_in

pytestmark = [pytest.mark.temporal, needs_server]

DAY_S = 86_400


def journey(places=("a", "b"), *, fails=()):
    """Give steps that tell what they were given."""
    from temporal_steps import Note

    async def look(trip):
        return [f"{trip.place} {place}" for place in places]

    async def visit(place, ctx):
        ctx.charge(tool_calls=1)
        if place in fails:
            raise Permanent(f"{place} is closed")
        return Note(f"seen {place}")

    async def sum_up(notes, word):
        return f"{[note and note.text for note in notes]} {word.text} {word.stars}"

    return {"journey": {"look": look, "sum_up": sum_up}, "stop": {"visit": visit}}


@pytest.fixture(autouse=True)
def _module(specs, monkeypatch):
    monkeypatch.syspath_prepend(str(specs))


class TestRuns:
    def test_a_run_comes_to_its_end(self, specs):
        """Steps are given values in their types, children run, a person is asked, and the output is typed."""

        async def main():
            async with served(specs, journey()) as here:
                run_id = await here.temporal.submit(here.workflow("journey"), {"place": "Rome"})
                asked = await here.asked(run_id)
                await here.temporal.answer(asked, "good", {"text": "fine"})
                return asked, await here.outcome(run_id)

        asked, outcome = asyncio.run(main())

        assert (asked.question, asked.role, asked.labels) == ("How was it?", "guide", ("good", "bad"))
        assert asked.shown["notes"][0] == {"text": "seen Rome a", "stars": 3}
        assert (outcome["kind"], outcome["output"]) == ("success", "['seen Rome a', 'seen Rome b'] fine 3")
        assert outcome["spent"]["steps"] == 5
        assert outcome["spent"]["tool_calls"] == 3

    def test_the_trace_is_that_of_a_local_run(self, specs):
        """What is told of a run is what the local engine tells of it, but for times and ids."""
        steps = journey(("a", "b", "c"), fails=("Rome b",))

        async def main():
            async with served(specs, steps) as here:
                workflow = here.workflow("journey")
                run_id = await here.temporal.submit(workflow, {"place": "Rome"})
                await here.temporal.answer(await here.asked(run_id), "good", {"text": "fine"})
                await here.outcome(run_id)
                return workflow, await here.temporal.trace(run_id)

        async def local(workflow):
            told, inbox = [], Inbox()
            swapped = {**steps["journey"], "visit_all.visit": steps["stop"]["visit"]}
            given = {"place": "Rome"}
            async with workflow.runner.start(given, steps=swapped, trace=told.append, desk=inbox) as run:
                inbox.answer((await inbox.next()).token, "good", {"text": "fine"})
                await run
            return told

        workflow, trace = asyncio.run(main())

        assert _timeless(trace) == _timeless(asyncio.run(local(workflow)))
        assert len({event["trace_id"] for event in trace}) == 1

    def test_of_a_bug_the_line_is_told(self, specs):
        """A trace says where in a step's code a bug was met."""

        async def visit(place):
            return {}[place]

        async def main():
            async with served(specs, {"stop": {"visit": visit}}) as here:
                run_id = await here.temporal.submit(here.workflow("stop"), {"place": "Rome"})
                await here.outcome(run_id)
                return await here.temporal.trace(run_id)

        attempt = asyncio.run(main())[1]

        line = visit.__code__.co_firstlineno + 1
        assert (attempt["message"], attempt["where"]) == ("KeyError: 'Rome'", f"test_runs.py:{line}")
        assert "model" not in attempt

    def test_a_week_is_skipped(self, specs):
        """Nobody answers for seven days, which the test does not wait for."""

        async def main():
            async with served(specs, journey()) as here:
                run_id = await here.temporal.submit(here.workflow("journey"), {"place": "Rome"})
                await here.asked(run_id)
                before, asked = await here.env.get_current_time(), time.monotonic()
                await here.env.sleep(7 * DAY_S)
                outcome = await here.outcome(run_id)
                waited = time.monotonic() - asked
                return outcome, (await here.env.get_current_time() - before).total_seconds(), waited

        outcome, passed_s, waited = asyncio.run(main())

        assert (outcome["kind"], outcome["end"]) == ("handoff", "silent")
        assert outcome["error"]["message"] == "nobody answered within 7 d"
        assert passed_s >= 7 * DAY_S
        assert outcome["spent"]["time_us"] < 60_000_000
        sys.stderr.write(f"\n7 days were skipped in {waited:.2f} s\n")

    def test_pauses_last(self, specs):
        """A pause between attempts is a timer of the server, and the ledger holds all of it, exactly."""

        async def visit(place):
            raise Transient("not now")

        async def main():
            async with served(specs, {"stop": {"visit": visit}}) as here:
                run_id = await here.temporal.submit(here.workflow("stop"), {"place": "Rome"})
                await here.outcome(run_id)
                return await here.temporal.trace(run_id)

        trace = asyncio.run(main())

        pauses = [event for event in trace if event["event"] == "pause"]
        lasted = [event["end_ns"] - event["start_ns"] for event in pauses]
        attempts = [e["end_ns"] - e["start_ns"] for e in trace if e["event"] == "attempt"]
        assert lasted == [100_000_000, 200_000_000, 400_000_000]
        assert trace[-1]["spent"]["time_us"] * 1000 == sum(lasted) + sum(attempts)


class TestAnswers:
    async def _refused(self, here, asked, *answer):
        with pytest.raises((NotWaiting, Rejected)) as refused:
            await here.temporal.answer(asked, *answer)
        return str(refused.value)

    def test_an_answer_that_is_none_is_refused(self, specs):
        """An unlisted label, a value of another type and a stale token are refused, and leave no trace."""

        async def main():
            async with served(specs, journey()) as here:
                run_id = await here.temporal.submit(here.workflow("journey"), {"place": "Rome"})
                asked = await here.asked(run_id)
                said = [
                    await self._refused(here, asked, "perhaps", {"text": "?"}),
                    await self._refused(here, asked, "good", {"text": 7}),
                    await self._refused(here, asked._replace(token="stale"), "good", {"text": "fine"}),
                ]
                await here.temporal.answer(asked, "good", {"text": "fine"})
                said.append(await self._refused(here, asked, "good", {"text": "again"}))
                outcome = await here.outcome(run_id)
                said.append(await self._refused(here, asked, "bad", {"text": "too late"}))
                return said, outcome, await here.temporal.trace(run_id)

        said, outcome, trace = asyncio.run(main())

        assert said[0] == "'perhaps' is no answer: expected good, bad"
        assert said[1].startswith(".text: ")
        assert "no question waits under 'stale'" in said[2]
        assert "no question waits" in said[3]
        assert outcome["output"].endswith("fine 3")
        assert [event["label"] for event in trace if event["event"] == "answer"] == ["good"]


class TestCancelling:
    def test_a_cancelled_run_is_whole(self, specs):
        """Its trace and its ledger are, with the attempt that was under way, whose step was cancelled."""
        reached, seen = asyncio.Event(), []

        async def look(trip, ctx):
            ctx.charge(tool_calls=0)
            reached.set()
            try:
                await asyncio.sleep(60)
            finally:
                seen.append("cancelled")

        async def main():
            async with served(specs, {"journey": {"look": look}}) as here:
                options = {"heartbeat_s": 5.0}
                run_id = await here.temporal.submit(here.workflow("journey"), {"place": "Rome"}, **options)
                await reached.wait()
                await here.temporal.cancel(run_id)
                with pytest.raises(WorkflowFailureError) as failure:
                    await here.outcome(run_id)
                return failure.value.cause, await here.temporal.trace(run_id)

        cause, trace = asyncio.run(main())

        assert isinstance(cause, Cancelled)
        assert seen == ["cancelled"]
        assert [(event["event"], event.get("outcome")) for event in trace] == [
            ("run", None),
            ("attempt", "cancelled"),
            ("end", None),
        ]
        assert trace[-1]["kind"] == "cancelled"
        # All that it declared counts: nobody knows what it did.
        assert (trace[-1]["spent"]["steps"], trace[-1]["spent"]["tool_calls"]) == (1, 1)

    def test_children_are_cancelled_too(self, specs):
        """What they have used by then is on the ledger of the run that runs them."""
        reached, seen = asyncio.Event(), []

        async def visit(place, ctx):
            seen.append(place)
            if place == "Rome b":
                while len(seen) < 3:
                    await asyncio.sleep(0.01)
                reached.set()
            if place != "Rome a":
                await asyncio.sleep(60)
            return {"text": "seen", "stars": 1}

        steps = journey(("a", "b", "c"))
        steps["stop"] = {"visit": visit}

        async def main():
            async with served(specs, steps) as here:
                options = {"heartbeat_s": 5.0}
                run_id = await here.temporal.submit(here.workflow("journey"), {"place": "Rome"}, **options)
                await reached.wait()
                await here.temporal.cancel(run_id)
                with pytest.raises(WorkflowFailureError):
                    await here.outcome(run_id)
                return await here.temporal.trace(run_id)

        trace = asyncio.run(main())

        kinds = sorted(event["kind"] for event in trace if event["event"] == "end")
        assert kinds == ["cancelled", "cancelled", "cancelled", "success"]
        assert trace[-1]["spent"]["steps"] == 5
        assert trace[-1]["spent"]["tool_calls"] == 4

    def test_what_children_used_is_known_though_others_fail(self, specs):
        """A child that is cut short, since more of them have failed than may, counts with what it used."""
        steps = journey(("a", "b", "c"), fails=("Rome a", "Rome b"))
        visit, lingers = steps["stop"]["visit"], asyncio.Event()

        async def lingering(place, ctx):
            if place == "Rome c":
                lingers.set()
                await asyncio.sleep(60)
            if place == "Rome b":
                # Or there might be nothing to cut short.
                await lingers.wait()
            return await visit(place, ctx)

        steps["stop"] = {"visit": lingering}

        async def main():
            async with served(specs, steps) as here:
                options = {"heartbeat_s": 5.0}
                run_id = await here.temporal.submit(here.workflow("journey"), {"place": "Rome"}, **options)
                return await here.outcome(run_id), await here.temporal.trace(run_id)

        outcome, trace = asyncio.run(main())

        assert outcome["end"] == "failed"
        attempts = [event for event in trace if event["event"] == "attempt" and "steps" not in event]
        assert [event["outcome"] for event in attempts[1:]] == ["failure", "failure", "cancelled"]
        assert outcome["spent"]["steps"] == len(attempts) + 1
        assert outcome["spent"]["tool_calls"] == len(attempts)


class TestHistories:
    def test_a_long_run_goes_on_in_a_new_history(self, specs):
        """It carries where it stands along, and its trace is whole: that of all its histories."""

        async def turn(seen):
            return [*(seen or []), len(seen or [])]

        async def main():
            async with served(specs, {"turns": {"turn": turn}}) as here:
                run_id = await here.temporal.submit(here.workflow("turns"), None, longest_history=40)
                outcome = await here.outcome(run_id)
                history = await here.env.client.get_workflow_handle(run_id).fetch_history()
                return outcome, await here.temporal.trace(run_id), history

        outcome, trace, history = asyncio.run(main())

        assert outcome["output"] == list(range(20))
        assert outcome["spent"]["steps"] == 20
        assert [event["event"] for event in trace] == ["run", *["attempt"] * 20, "end"]
        assert [event["visit"] for event in trace[1:-1]] == list(range(1, 21))
        assert len({event["span_id"] for event in trace}) == 21
        assert len(history.events) < 60

    def test_large_values_are_no_part_of_a_history(self, specs, tmp_path):
        """A history holds a reference to each; the values themselves stand in a folder."""
        large = "x" * 3 * LARGE

        async def visit(place):
            return {"text": large, "stars": 1}

        async def main():
            async with served(specs, {"stop": {"visit": visit}}, payloads=Folder(tmp_path)) as here:
                run_id = await here.temporal.submit(here.workflow("stop"), {"place": "Rome"})
                outcome = await here.outcome(run_id)
                history = await here.env.client.get_workflow_handle(run_id).fetch_history()
                return outcome, history

        outcome, history = asyncio.run(main())

        assert outcome["output"]["text"] == large
        assert large not in history.to_json()
        assert any(large.encode() in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())

    def test_a_value_that_is_too_large_is_a_failure(self, specs):
        """Where there is no folder for large values, one that no history can hold fails the attempt."""

        async def visit(place):
            return {"text": "x" * 2000, "stars": 1}

        async def main():
            async with served(specs, {"stop": {"visit": visit}}, most_bytes=1000) as here:
                run_id = await here.temporal.submit(here.workflow("stop"), {"place": "Rome"})
                return await here.outcome(run_id)

        outcome = asyncio.run(main())

        assert outcome["end"] == "failed"
        assert outcome["error"]["message"].startswith("what it gave is too large for a history")

    def test_the_machine_travels_with_the_run(self, specs):
        """A worker that knows no spec reads it off the history, whatever the spec says by then."""

        async def visit(place):
            return {"text": place, "stars": 1}

        async def main():
            async with served(specs, {"stop": {"visit": visit}}) as here:
                workflow = here.workflow("stop")
                (specs / "stop.fsm.yaml").write_text("nonsense", encoding="utf-8")
                return await here.outcome(await here.temporal.submit(workflow, {"place": "Rome"}))

        try:
            outcome = asyncio.run(main())
        finally:
            specs_in(specs)

        assert outcome["output"] == {"text": "Rome", "stars": 1}

    def test_what_is_charged_too_late_for_any_ledger_is_told(self, specs, caplog):
        """Its attempt's activity is over, and so it is the worker that says what no ledger holds."""
        over, charging = asyncio.Event(), []

        async def visit(place, ctx):
            async def on():
                await over.wait()
                ctx.charge(tool_calls=3)

            charging.append(asyncio.create_task(on()))
            return {"text": place, "stars": 1}

        async def main():
            async with served(specs, {"stop": {"visit": visit}}) as here:
                run_id = await here.temporal.submit(here.workflow("stop"), {"place": "Rome"})
                outcome = await here.outcome(run_id)
                over.set()
                await asyncio.wait(charging)
                return run_id, outcome

        run_id, outcome = asyncio.run(main())

        assert isinstance(charging[0].exception(), Breach)
        assert outcome["spent"]["tool_calls"] == 1
        what = "2 tool calls, 0 tokens, 0 micro-dollars"
        said = f"what `visit` of {run_id} charged after its attempt is on no ledger: {what}"
        told = [each.message for each in caplog.records if "ledger" in each.message]
        assert [each.partition(" (")[0] for each in told] == [said]

    def test_a_bug_fails_the_run(self, specs):
        """What should never be raised in a workflow fails it at once: it does not hang, tried for ever."""

        async def main():
            async with served(specs, {}) as here:
                workflow = here.workflow("stop")
                run_id = await here.temporal.submit(workflow, {"place": "Rome"}, digest="another")
                with pytest.raises(WorkflowFailureError) as failure:
                    await here.outcome(run_id)
                return failure.value.cause

        cause = asyncio.run(main())

        assert isinstance(cause, ApplicationError)
        assert cause.type == "Bug"

    def test_a_worker_that_is_too_old_leaves_a_run_alone(self, specs):
        """A run that needs a later kernel is not failed by a worker without it: it waits for another."""

        async def main():
            async with served(specs, {}) as here:
                run_id = await here.temporal.submit(here.workflow("stop"), {"place": "Rome"}, kernel=99)
                handle = here.env.client.get_workflow_handle(run_id)
                while "workflowTaskFailed" not in (history := (await handle.fetch_history()).to_json()):
                    pass
                about = await handle.describe()
                await handle.terminate()
                return about.status, history

        status, history = asyncio.run(main())

        assert status == WorkflowExecutionStatus.RUNNING
        assert "this run needs version 99 of the kernel, not 1" in history

    def test_the_same_id_is_refused(self, specs):
        """There is one run of an id."""

        async def main():
            async with served(specs, journey()) as here:
                workflow = here.workflow("journey")
                await here.temporal.submit(workflow, {"place": "Rome"}, run_id="mine")
                with pytest.raises(ValueError, match="there is a run mine already"):
                    await here.temporal.submit(workflow, {"place": "Rome"}, run_id="mine")

        asyncio.run(main())


def _timeless(trace):
    """Give the events of a trace, by run, without times and ids."""
    found, names = {}, {}
    for event in trace:
        if event["event"] == "run":
            names[event["span_id"]] = f"{event['workflow']} {event.get('child')}"
        run = names[event["span_id"] if event["event"] in ("run", "end") else event["parent_id"]]
        left = ("trace_id", "span_id", "parent_id", "run_id", "start_ns", "end_ns")
        kept = {key: value for key, value in event.items() if key not in left}
        if "spent" in kept:
            kept["spent"] = {**kept["spent"], "time_us": None}
        found.setdefault(run, []).append(kept)
    return found


SECRETIVE = {
    "asks": """
fsmflow: 1
workflow: asks
input: temporal_steps:Trip
budget: {steps: 4, time: 1min}
states:
  ask:
    ask: Where to?
    show: {place: $input.place}
    timeout: 1h
    success: {here: done, there: done}
    fallback: done
  done: {end: success}
""",
    "repeats": """
fsmflow: 1
workflow: repeats
input: temporal_steps:Trip
secret: [place]
budget: {steps: 9, time: 2h}
states:
  look:
    run: temporal_steps:look
    with: {trip: $input}
    gives: list[str]
    timeout: 10s
    effect: none
    success: own
    fallback: failed
  own:
    ask: Is that right?
    show: {seen: $look}
    timeout: 1h
    success: {yes: below, no: below}
    fallback: failed
  below:
    call: asks
    with: {place: $input.place, days: 2}
    success: done
    fallback: failed
  done: {end: success}
  failed: {end: failed}
""",
}


class TestQuestions:
    def test_a_question_tells_no_secret_that_a_step_repeats(self, specs):
        """What is marked as secret is in no question: not where a step repeats it, nor in one of a child."""
        for name, text in SECRETIVE.items():
            (specs / f"{name}.fsm.yaml").write_text(text, encoding="utf-8")

        async def look(trip):
            return [f"somewhere in {trip.place}"]

        async def main():
            async with served(specs, {"repeats": {"look": look}}) as here:
                run_id = await here.temporal.submit(here.workflow("repeats"), {"place": "Petersburg"})
                own = await here.asked(run_id)
                await here.temporal.answer(own, "yes")
                while (below := await here.asked(run_id)).state != "ask":
                    pass
                await here.temporal.answer(below, "here")
                return own, below, await here.outcome(run_id)

        own, below, outcome = asyncio.run(main())

        assert own.shown == {"seen": ["somewhere in [secret]"]}
        assert below.shown == {"place": "[secret]"}
        assert outcome["kind"] == "success"


TOOLS = """
fsmflow: 1
workflow: tools
budget: {steps: 9, time: 1h}
states:
  plan:
    llm:
      model: small
      prompt: plan.md
      max_tokens: 9
      tools: {note: 'tool_steps:Note', mark: 'tool_steps:Mark'}
    cost: {tokens: 900}
    timeout: 5s
    success: {note: note, mark: mark}
    fallback: failed
  note: {run: tool_steps:name, with: {what: $plan}, gives: str, timeout: 5s, success: done, fallback: failed}
  mark: {run: tool_steps:name, with: {what: $plan}, gives: str, timeout: 5s, success: done, fallback: failed}
  done: {end: success, output: {note: $note.or_null, mark: $mark.or_null}}
  failed: {end: failed}
"""
TOOL_STEPS = """
from attrs import frozen

@frozen
class Note:
    text: str

@frozen
class Mark:
    text: str

def name(what) -> str:
    return type(what).__name__
"""


@pytest.mark.parametrize(("label", "kind"), [("note", "Note"), ("mark", "Mark")])
def test_a_tool_gets_what_it_takes(tmp_path, monkeypatch, label, kind):
    """What a model has called a tool with is of that tool's type, also where another one takes the same."""
    (tmp_path / "tool_steps.py").write_text(TOOL_STEPS, encoding="utf-8")
    (tmp_path / "plan.md").write_text("Plan.", encoding="utf-8")
    (tmp_path / "tools.fsm.yaml").write_text(TOOLS, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "tool_steps", raising=False)

    async def plan():
        return Outcome(label, {"text": "x"})

    async def main():
        async with served(tmp_path, {"tools": {"plan": plan}}) as here:
            run_id = await here.temporal.submit(here.workflow("tools"), None)
            return await here.outcome(run_id)

    outcome = asyncio.run(main())

    assert (outcome["kind"], outcome["output"]) == ("success", {"note": None, "mark": None, label: kind})
