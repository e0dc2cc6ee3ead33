"""What a step is given belongs to it alone."""

import pytest

from fsmflow.runtime import Transient
from fsmflow.spec import End
from tests.runtime.workbench import outcomes, retry, run, step


def test_a_step_cannot_change_what_other_steps_read():
    """A list that one step appends to is, for the next step and in the trace, as it was given."""
    seen = []

    async def first():
        return [{"words": ["one"]}]

    async def second(items):
        items.append("poison")
        items[0]["words"].append("poison")

    async def third(items):
        seen.append(items)

    states = {
        "first": step(gives="list[dict[str, list[str]]]", success="second"),
        "second": step(with_={"items": "$first"}, success="third"),
        "third": step(with_={"items": "$first"}),
    }
    result = run(states, {"first": first, "second": second, "third": third})

    assert seen == [[{"words": ["one"]}]]
    assert result.trace[1].arguments == {"items": [{"words": ["one"]}]}


def test_a_retry_is_given_what_the_first_attempt_was():
    """A literal that an attempt changes is whole again for the next attempt, with a context or without."""
    seen = []

    async def work(items, ctx):
        seen.append(list(items))
        items.clear()
        if len(seen) < 3:
            raise Transient("again")

    states = {"work": step(with_={"items": ["a", "b"]}, retry=retry(3))}
    result = run(states, {"work": work})

    assert outcomes(result)[-1] == ("work", "success")
    assert seen == [["a", "b"]] * 3


@pytest.mark.parametrize("gives", [None, "list[Any]", "Any", "list[list[int]]"])
@pytest.mark.parametrize("takes_context", [False, True])
def test_a_step_cannot_change_what_it_gave(gives, takes_context):
    """What a step keeps of its output, and adds to later, is for other steps and in the trace as it was."""
    history, seen = [], []

    async def work():
        history.append([len(history)])
        return history

    async def work_in_context(ctx):
        return await work()

    async def other(given):
        history[0].append(7)
        history.append([8])
        seen.append(given)

    states = {
        "work": step(gives=gives, success="first"),
        "first": step(with_={"given": "$work"}, success="second"),
        "second": step(with_={"given": "$work"}),
    }
    steps = {"work": work_in_context if takes_context else work, "first": other, "second": other}
    result = run(states, steps)

    assert seen == [[[0]], [[0]]]
    assert [result.trace[0].value, result.trace[1].arguments] == [[[0]], {"given": [[0]]}]


def test_a_caller_cannot_change_what_it_gave():
    """An input of no type is as it was when the run began, whatever becomes of the caller's own."""
    given = {"items": [1]}

    async def first():
        given["items"].append(2)

    async def second(items):
        return items

    states = {
        "first": step(success="second"),
        "second": step(with_={"items": "$input.items"}, success="given"),
        "given": End(end="success", output="$second"),
    }

    assert run(states, {"first": first, "second": second}, given=given).output == [1]


def test_a_value_that_holds_itself_is_passed_on():
    """A list inside of itself can't be copied, and does not stop the run."""
    loop = []
    loop.append(loop)

    async def first():
        return loop

    async def second(items):
        return items is loop

    states = {"first": step(success="second"), "second": step(with_={"items": "$first"})}
    result = run(states, {"first": first, "second": second})

    assert result.trace[1].value is True
