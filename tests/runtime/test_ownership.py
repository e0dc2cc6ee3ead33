"""What a step is given belongs to it alone."""

from fsmflow.runtime import Transient
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
