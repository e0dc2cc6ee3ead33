"""States that ask people: what is asked, which answers are taken, and what happens when none comes."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from fsmflow.runtime import Answer, Asked, Inbox, NoDesk, NotWaiting, Rejected, Result, clock
from fsmflow.runtime.folder_desk import FolderDesk, answer_in, waiting_in
from fsmflow.spec import Ask, Duration, End, Target
from tests.runtime.families import family
from tests.runtime.workbench import compiled, outcomes

APPROVE = {
    "approve": Ask(
        ask="Pay it?",
        role="finance",
        show={"amount": "$input.amount"},
        timeout=Duration.parse("7d"),
        success={"pay": "done", "refuse": "refused"},
        fallback="failed",
    ),
    "done": End(end="success", output="$approve"),
    "refused": End(end="degraded"),
    "failed": End(end="failed", output="$error.message"),
}
GIVEN = {"amount": 120}


def answered(
    states: Any, *how: Callable[[Inbox, Asked], None], given: Any = GIVEN, **options: Any
) -> Result[Any]:
    """Run a workflow, and do each of `how` with the inbox and the question that waits then."""

    async def main() -> Result[Any]:
        inbox = Inbox()
        run = asyncio.create_task(compiled(states).run(GIVEN, desk=inbox, **options))
        for act in how:
            act(inbox, await inbox.next())
            await asyncio.sleep(0)
        result = await run
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    return asyncio.run(main())


def picks(label: str | None, value: Any = None) -> Callable[[Inbox, Asked], None]:
    """Answer with a label and a value."""
    return lambda inbox, asked: inbox.answer(asked.token, label, value)


@pytest.mark.parametrize(("label", "end"), [("pay", "done"), ("refuse", "refused")])
def test_each_answer_leads_where_the_spec_says(label: str, end: str) -> None:
    """The label that a person picks leads to its state, and is the value where nothing is filled in."""
    result = answered(APPROVE, picks(label))

    assert end == result.end
    assert outcomes(result) == [("approve", "success")]


def test_what_is_asked() -> None:
    """A question says who asks what of whom, what the person sees, and what the answers are."""
    seen: list[Asked] = []
    answered(APPROVE, lambda inbox, asked: (seen.append(asked), picks("pay")(inbox, asked)), run_id="r")  # type: ignore[func-returns-value]
    (asked,) = seen

    assert (asked.workflow, asked.run_id, asked.state, asked.visit) == ("little", "r", "approve", 1)
    assert (asked.question, asked.role, asked.shown) == ("Pay it?", "finance", GIVEN)
    assert asked.labels == ("pay", "refuse")


def test_an_answer_that_is_none_is_refused_and_the_question_still_waits() -> None:
    """An answer from outside the closed list is refused to whoever gives it; the run goes on waiting."""

    def wrong(inbox: Inbox, asked: Asked) -> None:
        with pytest.raises(Rejected, match="expected pay, refuse"):
            inbox.answer(asked.token, "maybe")
        with pytest.raises(Rejected, match="nothing is to be filled in"):
            inbox.answer(asked.token, "pay", 5)

    assert answered(APPROVE, wrong, picks("pay")).end == "done"


def test_a_second_answer_is_refused() -> None:
    """Only the first of two answers to a question is taken."""

    def twice(inbox: Inbox, asked: Asked) -> None:
        inbox.answer(asked.token, "pay")
        with pytest.raises(NotWaiting):
            inbox.answer(asked.token, "refuse")

    assert answered(APPROVE, twice).end == "done"


def test_a_stale_answer_does_not_fit_a_later_visit() -> None:
    """Each visit has a token of its own, so that an answer to an earlier one is refused."""
    states = APPROVE | {
        "approve": Ask(
            ask="Again?",
            timeout=Duration.parse("1h"),
            success={"again": Target(to="approve", times=1, else_="done"), "stop": "done"},
            fallback="failed",
        )
    }
    tokens: list[str] = []

    def again(inbox: Inbox, asked: Asked) -> None:
        tokens.append(asked.token)
        inbox.answer(asked.token, "again")

    def stale(inbox: Inbox, asked: Asked) -> None:
        with pytest.raises(NotWaiting):
            inbox.answer(tokens[0], "stop")
        inbox.answer(asked.token, "stop")

    result = answered(states, again, stale)

    assert (result.end, len(result.trace)) == ("done", 2)


def test_when_nobody_answers_in_time_the_fallback_is_taken() -> None:
    """A question that is not answered within its timeout leads to the fallback, and waits no more."""

    class Silent:
        async def ask(self, asked: Asked) -> Answer:
            await asyncio.sleep(60)
            raise AssertionError("it was not taken back")

    states = APPROVE | {
        "approve": Ask(ask="?", timeout=Duration(30_000), success={"pay": "done"}, fallback="failed")
    }
    result = asyncio.run(compiled(states).run(GIVEN, desk=Silent()))

    assert (result.end, result.output) == ("failed", "nobody answered within 0.03 s")


class Hostile:
    """A value that can't be looked at."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise ValueError("compared")

    def __repr__(self) -> str:
        raise ValueError("shown")


class Says:
    """A desk that gives back what it is made with, or raises it."""

    def __init__(self, said: Any) -> None:
        self.said = said

    async def ask(self, asked: Asked) -> Answer:
        """Answer at once."""
        if isinstance(self.said, BaseException):
            raise self.said
        answer: Answer = self.said
        return answer


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize(
    ("said", "why"),
    [
        (Answer("perhaps"), "'perhaps' is no answer: expected pay, refuse"),
        (Answer("pay", 5), "nothing is to be filled in"),
        (Answer("pay", Hostile()), "nothing is to be filled in"),
        (Answer(Hostile()), "a value of type Hostile is no answer: expected pay, refuse"),  # type: ignore[arg-type]
        (None, "NoneType is no answer"),
        (asyncio.CancelledError(), "CancelledError"),
        (SystemExit(3), "SystemExit: 3"),
        (GeneratorExit("gone"), "GeneratorExit: gone"),
    ],
    ids=[
        "no label",
        "a value",
        "a hostile value",
        "a hostile label",
        "nothing",
        "cancelled",
        "exit",
        "closed",
    ],
)
def test_a_desk_that_answers_nonsense_has_not_answered(said: Any, why: str, watched: bool) -> None:
    """What a desk gives that is none of the answers, or raises, leaves the question unanswered."""
    options: dict[str, Any] = {"trace": lambda _: None} if watched else {}
    result = asyncio.run(compiled(APPROVE).run(GIVEN, desk=Says(said), **options))

    assert (result.end, outcomes(result)) == ("failed", [("approve", "failure")])
    assert why in result.output


def test_a_desk_gives_values_of_the_type_that_is_asked_for() -> None:
    """What a desk gives is held to its type, and structured into it."""
    assert asyncio.run(compiled(FORM).run({}, desk=Says(Answer(None, (1, 2))))).output == [1, 2]
    assert asyncio.run(compiled(FORM).run({}, desk=Says(Answer(None, ["a"])))).end == "failed"


def test_one_inbox_serves_one_event_loop_after_another() -> None:
    """An inbox that a program keeps is waited at in each of its event loops, also in two threads at once."""
    inbox, start = Inbox(), threading.Barrier(2)

    async def person(questions: int) -> None:
        for _ in range(questions):
            inbox.answer((await inbox.next()).token, "pay")

    async def main() -> str:
        _, result = await asyncio.gather(person(1), compiled(APPROVE).run(GIVEN, desk=inbox))
        return result.end

    assert [asyncio.run(main()) for _ in range(3)] == ["done"] * 3

    answering = threading.Thread(target=lambda: (start.wait(5), asyncio.run(person(3))), daemon=True)
    answering.start()
    start.wait(5)
    runner = compiled(APPROVE)
    assert [runner.run_sync(GIVEN, desk=inbox).end for _ in range(3)] == ["done"] * 3
    answering.join(20)
    assert not answering.is_alive()


def test_two_runs_of_one_id_do_not_ask_the_same_at_once() -> None:
    """The question of a run stays answerable; another run of its id that asks it too is told why it can't."""

    async def main() -> list[Result[Any]]:
        inbox = Inbox()
        runs = [asyncio.create_task(compiled(APPROVE).run(GIVEN, desk=inbox, run_id="r")) for _ in "ab"]
        asked = await inbox.next()
        await asyncio.wait(runs[1:], timeout=5)
        assert inbox.waiting() == (asked,)
        inbox.answer(asked.token, "pay")
        return await asyncio.gather(*runs)

    first, second = asyncio.run(main())

    assert (first.end, second.end) == ("done", "failed")
    assert second.output == "the question could not be asked: another run of the id 'r' asks it already"


class Holding:
    """A desk that nothing gets to let go."""

    async def ask(self, asked: Asked) -> Answer:
        """Wait on, however often it is cancelled."""
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(60)


def test_a_desk_that_never_lets_go_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A desk that waits on past the timeout, however often it is cancelled, does not hold up the run."""
    monkeypatch.setattr(clock, "AGAIN_US", 10_000)
    states = APPROVE | {"approve": evolve(APPROVE["approve"], timeout=Duration(20_000))}
    result = asyncio.run(asyncio.wait_for(compiled(states).run(GIVEN, desk=Holding()), 5))

    assert (result.end, result.output) == ("failed", "nobody answered within 0.02 s")


def test_a_desk_that_never_lets_go_holds_up_no_cancellation(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is cancelled again while such a desk is asked ends as cancelled."""
    monkeypatch.setattr(clock, "AGAIN_US", 10_000)
    events: list[dict[str, Any]] = []

    async def main() -> None:
        run = asyncio.create_task(compiled(APPROVE).run(GIVEN, desk=Holding(), trace=events.append))
        while not run.done():
            await asyncio.sleep(0.01)
            run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    asyncio.run(asyncio.wait_for(main(), 5))

    assert (events[1]["outcome"], events[2]["kind"]) == ("cancelled", "cancelled")


@pytest.mark.parametrize("early", [True, False], ids=["before", "at the same moment"])
def test_an_answer_that_was_taken_counts(early: bool) -> None:
    """Whoever answered in time was told so, and is heard, though the loop was busy past the deadline."""

    async def main() -> Result[Any]:
        inbox = Inbox()
        states = {**APPROVE, "approve": evolve(APPROVE["approve"], timeout=Duration.parse("50ms"))}
        run = asyncio.create_task(compiled(states).run(GIVEN, desk=inbox))
        asked = await inbox.next()
        if early:
            answering = threading.Thread(target=inbox.answer, args=(asked.token, "pay"))
            answering.start()
            answering.join()
            time.sleep(0.06)
        else:
            time.sleep(0.06)
            # What is due is called after what was handed over before.
            asyncio.get_running_loop().call_soon(inbox.answer, asked.token, "pay")
        result = await run
        assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]
        return result

    result = asyncio.run(main())

    assert (result.end, result.output) == ("done", "pay")


def test_the_time_of_an_answer_is_on_no_ledger() -> None:
    """However long a person takes, the run uses no step and no time."""

    def slowly(inbox: Inbox, asked: Asked) -> None:
        time.sleep(0.02)
        inbox.answer(asked.token, "pay")

    spent = answered(APPROVE, slowly).spent

    assert (spent.steps, spent.tokens) == (0, 0)
    assert spent.time_us < 20_000


FORM = {
    "fill": Ask(
        ask="Which?", gives="list[int]", timeout=Duration.parse("1h"), success="done", fallback="failed"
    ),
    "done": End(end="success", output="$fill"),
    "failed": End(end="failed"),
}


def test_what_is_filled_in_is_held_to_its_type() -> None:
    """A value that does not fit is refused to whoever gives it; one that fits is the state's value."""

    def wrong(inbox: Inbox, asked: Asked) -> None:
        with pytest.raises(Rejected, match="expected a whole number"):
            inbox.answer(asked.token, value=["a"])

    assert answered(FORM, wrong, picks(None, [1, 2])).output == [1, 2]


def test_a_label_where_there_are_none_is_refused() -> None:
    """Where the answer is a value alone, a label is refused."""

    def wrong(inbox: Inbox, asked: Asked) -> None:
        with pytest.raises(Rejected, match="is no label"):
            inbox.answer(asked.token, "yes")

    assert answered(FORM, wrong, picks(None, [])).output == []


def test_what_the_person_should_see_and_is_not_there_is_a_failure() -> None:
    """A question that refers to what is not set is not asked; the fallback is taken."""
    result = asyncio.run(compiled(APPROVE).run({}, desk=Inbox()))

    assert (result.end, result.output) == ("failed", "$input.amount is not there")


CHILD = """
states:
  q: {ask: Well?, timeout: 1h, success: {yes_: done}, fallback: done}
  done: {end: success, output: $q.or_null}
"""
PARENT = """
states:
  one: {call: child, success: done, fallback: done}
  done: {end: success, output: $one.or_null}
"""


def test_a_run_that_asks_needs_a_desk() -> None:
    """A workflow that asks people does not start without a desk, and neither does one that calls it."""
    with pytest.raises(NoDesk, match="give `run` a desk"):
        asyncio.run(compiled(APPROVE).run(GIVEN))
    with pytest.raises(NoDesk):
        asyncio.run(family(child=CHILD, parent=PARENT).run({}))


def test_a_called_workflow_asks_at_the_same_desk() -> None:
    """A question of a child waits on its parent's desk, under a token of the child's run."""

    async def main() -> Any:
        inbox = Inbox()
        run = asyncio.create_task(family(child=CHILD, parent=PARENT).run({}, desk=inbox))
        inbox.answer((await inbox.next()).token, "yes_")
        return (await run).output

    assert asyncio.run(main()) == "yes_"


def test_an_answer_is_in_the_trace_and_in_the_stream() -> None:
    """A trace holds the answer with what was shown; a stream also tells when the question was put."""
    events: list[dict[str, Any]] = []
    answered(APPROVE, picks("pay"), trace=events.append, live=True)
    _, start, answer, _ = events

    assert (start["event"], start["of"], start["state"]) == ("start", "question", "approve")
    assert tuple(answer[k] for k in ("event", "outcome", "label", "input")) == (
        "answer",
        "success",
        "pay",
        GIVEN,
    )
    assert start["span_id"] == answer["span_id"]


def test_a_run_that_is_cancelled_takes_its_question_back() -> None:
    """A question of a cancelled run waits no more, and the trace says that the run was cancelled there."""
    events: list[dict[str, Any]] = []

    async def main() -> tuple[Asked, ...]:
        inbox = Inbox()
        run = asyncio.create_task(compiled(APPROVE).run(GIVEN, desk=inbox, trace=events.append))
        await inbox.next()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        return inbox.waiting()

    assert asyncio.run(main()) == ()
    assert [event["event"] for event in events] == ["run", "answer", "end"]
    assert (events[1]["outcome"], events[2]["kind"]) == ("cancelled", "cancelled")


def test_questions_in_a_folder_are_answered_from_elsewhere(tmp_path: Any) -> None:
    """A run puts its question into a folder; another process lists it, answers, and it is gone."""
    found: list[Any] = []

    def person() -> None:
        while not waiting_in(tmp_path):
            time.sleep(0.01)
        (waiting,) = waiting_in(tmp_path)
        found.append(waiting)
        for label in ("maybe", "pay", "refuse"):
            try:
                answer_in(tmp_path, waiting.token, label)
            except (Rejected, NotWaiting) as error:
                found.append(type(error).__name__)

    thread = threading.Thread(target=person)
    thread.start()
    result = asyncio.run(compiled(APPROVE).run(GIVEN, desk=FolderDesk(tmp_path), run_id="r"))
    thread.join()
    waiting, *refused = found

    assert result.end == "done"
    assert (waiting.workflow, waiting.run_id, waiting.state, waiting.shown) == (
        "little",
        "r",
        "approve",
        GIVEN,
    )
    assert refused == ["Rejected", "NotWaiting"]
    assert [
        path.name for path in tmp_path.iterdir() if "question" in path.name or "answer" in path.name
    ] == []


def test_of_many_who_answer_at_once_one_is_heard_and_each_is_told(tmp_path: Any) -> None:
    """However many answer at the same moment, one answer is taken, and only who gave it hears so."""
    told: list[str] = []
    together = threading.Barrier(8)

    def answer(token: str, label: str) -> None:
        together.wait()
        try:
            answer_in(tmp_path, token, label)
            told.append(label)
        except (NotWaiting, Rejected) as error:
            told.append(type(error).__name__)

    def all_answer() -> None:
        while not waiting_in(tmp_path):
            time.sleep(0.001)
        (waiting,) = waiting_in(tmp_path)
        for label in ("pay", "refuse") * 4:
            threading.Thread(target=answer, args=(waiting.token, label)).start()

    first = threading.Thread(target=all_answer)
    first.start()
    result = asyncio.run(compiled(APPROVE).run(GIVEN, desk=FolderDesk(tmp_path)))
    first.join()
    until = time.monotonic() + 10
    while len(told) < 8 and time.monotonic() < until:
        time.sleep(0.01)

    assert len(told) == 8
    assert [label for label in told if label in ("pay", "refuse")] == [
        "pay" if result.end == "done" else "refuse"
    ]


def test_a_question_that_nobody_holds_is_swept_away(tmp_path: Any) -> None:
    """What a process left over that is gone does not wait, and can't be answered."""
    (tmp_path / "abc.question.json").write_text("{}")

    assert waiting_in(tmp_path) == []
    with pytest.raises(NotWaiting):
        answer_in(tmp_path, "abc", "pay")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("token", ["../x", "", "a/b", "nothing"])
def test_a_token_is_no_path(tmp_path: Any, token: str) -> None:
    """What is no token of a question is refused, and touches no file."""
    with pytest.raises(NotWaiting):
        answer_in(tmp_path, token, "pay")


def test_a_question_whose_event_loop_is_over_is_taken_back() -> None:
    """Who answers a run whose loop was closed under it is told so, as of any question that waits no more."""

    class Halfway(Inbox):
        async def ask(self, asked: Asked) -> Answer:
            waits.append(super().ask(asked))
            waits[0].send(None)
            return asked.answer("pay")

    waits: list[Any] = []
    inbox = Halfway()
    compiled(APPROVE).run_sync(GIVEN, desk=inbox)
    (asked,) = inbox.waiting()

    with pytest.raises(NotWaiting, match="event loop"):
        inbox.answer(asked.token, "pay")
    assert inbox.waiting() == ()
    waits[0].close()
