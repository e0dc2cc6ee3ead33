"""Labels, and functions that may reject an output."""

import sys
from types import ModuleType

import pytest

from fsmflow.runtime import Invalid, Outcome
from tests.runtime.workbench import outcomes, reask, run, step


@pytest.fixture
def accept(monkeypatch):
    """Give a function that makes `judge:accept` what it is given."""
    module = ModuleType("judge")
    monkeypatch.setitem(sys.modules, "judge", module)

    def put(function):
        module.accept = function

    return put


def judged(value="value", **state):
    """Run a step that gives `value` and whose outputs `judge:accept` judges."""

    async def work(**given):
        return value

    return run({"work": step(accept=["judge:accept"], **state)}, {"work": work}, given={"limit": 3})


@pytest.mark.parametrize(
    ("said", "complaints"),
    [
        (None, ()),
        (True, ()),
        ([], ()),
        ((), ()),
        ("", ()),
        (False, ("rejected",)),
        ("too long", ("too long",)),
        (["too long", "too dull"], ("too long", "too dull")),
        ([ValueError("odd")], ("odd",)),
        pytest.param((c for c in "ab"), ("a", "b"), id="a generator"),
    ],
    ids=repr,
)
def test_what_an_accept_function_says(accept, said, complaints):
    """None, true or nothing accepts; false, a sentence or a list of them rejects."""
    accept(lambda value: said)
    result = judged()

    assert outcomes(result) == [("work", "invalid" if complaints else "success")]
    assert (result.error.complaints if result.error else ()) == complaints


def test_an_accept_function_may_raise_invalid(accept):
    """`Invalid` raised in an accept function rejects, with or without complaints."""
    for raised, complaints in ((Invalid("a", "b"), ("a", "b")), (Invalid(), ("rejected",))):

        def refuse(value, raised=raised):
            raise raised

        accept(refuse)

        assert judged().error.complaints == complaints


@pytest.mark.parametrize("said", [5, pytest.param(object(), id="an object"), 1.5])
def test_an_accept_function_that_says_nonsense_fails(accept, said):
    """What is no verdict is a bug, and a bug is never a re-ask."""
    accept(lambda value: said)

    assert outcomes(judged(invalid=reask(3))) == [("work", "failure")]


def test_a_bug_in_an_accept_function_is_a_failure(accept):
    """An exception in an accept function is never retried, and says where it was."""

    def broken(value):
        raise KeyError("oops")

    accept(broken)
    result = judged(invalid=reask(3))

    assert outcomes(result) == [("work", "failure")]
    assert result.error.message == "accept: KeyError: 'oops'"


def test_an_accept_function_gets_the_steps_arguments_by_name(accept):
    """It takes the output and any of the step's arguments that it names."""
    seen = []
    accept(lambda value, limit, other=9: seen.append((value, limit, other)))
    judged(with_={"limit": "$input.limit", "unused": 1})

    assert seen == [("value", 3, 9)]


def test_all_complaints_reach_the_step(accept):
    """Every accept function is heard, and complaints become feedback."""
    accept(lambda value: ["x"] if value == 1 else None)
    seen = []

    async def work(ctx):
        seen.append(ctx.feedback)
        return len(seen)

    state = step(accept=["judge:accept", "judge:accept"], invalid=reask(1))
    run({"work": state}, {"work": work})

    assert seen == [(), ("x", "x")]


LABELS = {"yes": "done", "no": "failed"}


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        ("yes", "success"),
        ("no", "success"),
        ("maybe", "invalid"),
        ("", "invalid"),
        (None, "invalid"),
        (1, "invalid"),
        (["yes"], "invalid"),
        (Outcome("yes", 1), "success"),
        (Outcome("maybe", 1), "invalid"),
        (Outcome(None, 1), "invalid"),
    ],
    ids=repr,
)
def test_a_label_must_be_one_that_was_declared(value, outcome):
    """An undeclared label is a rejected output."""

    async def work():
        return value

    assert outcomes(run({"work": step(success=LABELS)}, {"work": work})) == [("work", outcome)]


class Unshown:
    """A value that can't be shown."""

    def __repr__(self):
        raise ValueError("shown")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(Unshown(), "a value of type Unshown"), (10**5000, "a whole number"), (None, "null")],
    ids=["object", "number", "null"],
)
def test_a_label_that_is_no_text_is_named(value, shown):
    """What can't be shown, in the place of a label, is a rejected output like any other."""

    async def work():
        return value

    result = run({"work": step(success=LABELS)}, {"work": work})

    assert outcomes(result) == [("work", "invalid")]
    assert result.trace[0].event.message == f"{shown} is no label of work: expected yes, no"


def test_labels_lead_where_they_say():
    """Each label takes its own edge, and is the state's value if no other is given."""

    async def work():
        return "no"

    result = run({"work": step(success=LABELS)}, {"work": work})

    assert (result.end, result.configuration.values["work"]) == ("failed", "no")


@pytest.mark.parametrize(
    ("value", "outcome", "message"),
    [
        (Outcome("yes", 5), "success", ""),
        (Outcome("yes", "five"), "invalid", "expected a whole number, found a string"),
        (Outcome("maybe", 5), "invalid", "'maybe' is no label of work: expected yes, no"),
        ("yes", "invalid", "expected Outcome(label, value), found str"),
        (5, "invalid", "expected Outcome(label, value), found int"),
    ],
    ids=repr,
)
def test_a_label_with_a_typed_value_is_an_outcome(value, outcome, message):
    """With labels and `gives` a step returns `Outcome(label, value)`, and the value is what is typed."""

    async def work():
        return value

    result = run({"work": step(success=LABELS, gives="int")}, {"work": work})

    assert outcomes(result) == [("work", outcome)]
    assert result.trace[0].event.message == message
