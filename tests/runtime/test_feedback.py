"""Rejected outputs: asking again, and sending complaints elsewhere."""

from fsmflow.runtime import Invalid, StepContext
from fsmflow.spec import Target
from tests.runtime.workbench import outcomes, reask, run, step


def refusing(times, seen):
    """Make a step whose first `times` outputs are rejected, and which notes the feedback it gets."""

    async def work(ctx: StepContext):
        seen.append(ctx.feedback)
        if len(seen) <= times:
            raise Invalid(f"wrong {len(seen)}")
        return "right"

    return work


def test_feedback_accumulates_over_a_visit():
    """Each attempt hears all that was wrong before it, oldest first."""
    seen = []
    result = run({"work": step(invalid=reask(2))}, {"work": refusing(2, seen)})

    assert seen == [(), ("wrong 1",), ("wrong 1", "wrong 2")]
    assert result.end == "done"


def test_when_reasks_are_used_up_the_error_holds_the_rejected_value():
    """The way out of `invalid` tells `$error` what was rejected, and why."""

    async def work():
        return "text"

    result = run({"work": step(gives="int", invalid=reask(1))}, {"work": work})

    assert (result.end, result.spent.steps) == ("failed", 2)
    assert (result.error.state, result.error.outcome, result.error.value) == ("work", "invalid", "text")
    assert result.error.complaints == ("expected a whole number, found a string",)


def test_a_new_visit_starts_without_feedback():
    """What was wrong in one visit is not heard in the next."""
    plan = iter(["wrong", "again", "stop"])
    seen = []

    async def work(ctx):
        seen.append(ctx.feedback)
        if (said := next(plan)) == "wrong":
            raise Invalid("no")
        return said

    again = Target(to="work", times=1, else_="failed")
    state = step(invalid=reask(1), success={"again": again, "stop": "done"})
    run({"work": state}, {"work": work})

    assert seen == [(), ("no",), ()]


def test_complaints_can_be_sent_to_another_state():
    """With `invalid: {to}` the target's visit hears the complaints, and only that visit."""
    seen = []

    async def draft(ctx):
        seen.append(ctx.feedback)
        return "draft"

    async def check():
        raise Invalid("too long", "too dull")

    states = {
        "draft": step(success="check"),
        "check": step(invalid=reask(2, to="draft")),
    }
    result = run(states, {"draft": draft, "check": check})

    assert seen == [(), ("too long", "too dull"), ("too long", "too dull")]
    assert result.end == "failed"


def test_counters_can_be_reset_by_entering_another_state():
    """An edge counted `per` a state may be taken anew after that state was entered again."""
    plan = iter(["again", "again", "outer", "again", "again", "again"])

    async def outer():
        return None

    async def inner():
        return next(plan)

    states = {
        "outer": step(success="inner"),
        "inner": step(
            success={
                "again": Target(to="inner", times=2, else_="failed", per="outer"),
                "outer": Target(to="outer", times=1, else_="failed"),
            }
        ),
    }
    result = run(states, {"outer": outer, "inner": inner})

    assert list(result.path) == ["outer", "inner", "inner", "inner", "outer", "inner", "inner", "inner"]
    assert result.error.message == "inner.again was taken as often as it may be"


def test_a_step_that_raises_invalid_without_complaints_is_rejected():
    """`Invalid()` is a rejection, with nothing to say."""

    async def work():
        raise Invalid

    result = run({"work": step(invalid=reask(1))}, {"work": work})

    assert outcomes(result) == [("work", "invalid")] * 2


def test_complaints_may_be_anything():
    """A complaint that is no string becomes one."""

    async def work():
        raise Invalid(ValueError("odd"), 7)

    assert run({"work": step()}, {"work": work}).error.complaints == ("odd", "7")
