"""What changed in states that ask people or run workflows."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from fsmflow.analysis.comparing.changes import Change, Key, changes
from fsmflow.analysis.comparing.renames import renamed, renames
from fsmflow.machine import Ask, Machine, Work
from tests.told import REPORT, REPORT_MACHINE, SOURCE_CALLEE, named

OTHER = evolve(SOURCE_CALLEE, name="other", digest="0" * 64)
NEWER = evolve(SOURCE_CALLEE, digest="1" * 64)


def edited(*edits: tuple[str, str], callee: Any = SOURCE_CALLEE) -> Machine:
    """Give the report after some edits, each of which must find its place."""
    states = REPORT.replace(",\n ", ", ")
    for old, new in edits:
        assert old in states
        states = states.replace(old, new, 1)
    return named("report", states, [callee, OTHER])


def told(new: Machine) -> list[tuple[str, str, str, str, Any, Any]]:
    return [
        (c.key.state, c.key.kind, c.key.name, c.key.aspect, c.before, c.after)
        for c in changes(REPORT_MACHINE, new)
    ]


ASK = "Is this report fit to be sent?"
MAP = "map: source, over: $plan, with: {url: $item}, at_most: 20, width: 4, tolerate: 2"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (ASK, "Send it?", ("ask", "", ASK, "Send it?")),
        ("role: editor", "role: chief", ("role", "", "editor", "chief")),
        ("role: editor, ", "", ("role", "", "editor", None)),
        ("timeout: 2d", "timeout: 1d", ("timeout", "", 172_800_000_000, 86_400_000_000)),
        ("{notes: $read}", "{notes: $look}", ("show", "notes", "$read", "$look")),
        ("{notes: $read}", "{notes: $read, plan: $plan}", ("show", "plan", None, "$plan")),
        (ASK, f"{ASK}, gives: str", ("gives", "", None, "str")),
        (ASK, f"{ASK}, as: verdict", ("as", "", None, "verdict")),
        ("tolerate: 2", "tolerate: 3", ("tolerate", "", 2, 3)),
        ("over: $plan", "over: $look", ("over", "", "$plan", "$look")),
        ("{url: $item}", "{url: $item.href}", ("with", "url", "$item", "$item.href")),
        ("{url: $item}, at_most", "{url: $item, deep: true}, at_most", ("with", "deep", None, "true")),
    ],
)  # fmt: skip
def test_one_edit_is_one_change(old: str, new: str, expected: tuple[str, str, Any, Any]) -> None:
    """A question, its role, what it shows; how many items, and what each is given: each by its own name."""
    (found,) = told(edited((old, new)))

    assert found[2:] == expected


def test_items_that_are_inputs_as_they_are_have_no_with() -> None:
    """Without `with`, each item is the child's input; that is a change."""
    assert [change[2:] for change in told(edited((", with: {url: $item}", "")))] == [
        ("with", "url", "$item", None)
    ]


def test_how_many_items_there_may_be_changes_what_is_set_aside() -> None:
    """`at_most` is told with the cost that follows from it; `width` with the time."""
    more = {change[2:4]: change[4:] for change in told(edited(("at_most: 20", "at_most: 40")))}
    wider = {change[2:4]: change[4:] for change in told(edited(("width: 4", "width: 20")))}

    assert more[("at_most", "")] == (20, 40)
    assert more[("cost", "tokens")] == (14_000, 28_000)
    assert more[("cost", "steps")] == (60, 120)
    assert wider == {("width", ""): (4, 20), ("cost", "microseconds"): (400_000_000, 80_000_000)}


def test_a_child_that_changed_itself_is_told_by_its_name() -> None:
    """Where the same workflow is another version, that is a change of every state that runs it."""
    found = changes(REPORT_MACHINE, edited(callee=NEWER))

    assert [change.key.state for change in found] == ["look", "read", "publish"]
    assert {(change.key.name, change.key.aspect) for change in found} == {("workflow", "source")}
    assert found[0].before == SOURCE_CALLEE.digest


def test_a_child_that_costs_more_is_told_with_what_it_costs_now() -> None:
    """What is set aside follows from the child, and is told beside its change."""
    dearer = evolve(NEWER, most=evolve(SOURCE_CALLEE.most, tokens=800))
    found = [change for change in told(edited(callee=dearer)) if change[0] == "read"]

    assert [change[2:4] for change in found] == [("workflow", "source"), ("cost", "tokens")]
    assert found[1][4:] == (14_000, 16_000)


def test_another_child_is_told_by_its_name_alone() -> None:
    """Another workflow has another digest: that follows from its name, and is not told again."""
    (found,) = told(edited(("publish: {call: source", "publish: {call: other")))

    assert found == ("publish", "", "call", "", "source", "other")


def test_two_branches_that_swapped_their_workflows_are_two_changes() -> None:
    """Each branch is told by its key."""
    one = edited(("docs: {call: source", "docs: {call: other"))
    other = edited(("web: {call: source", "web: {call: other"))
    found = [(c.key.name, c.key.aspect, c.before, c.after) for c in changes(one, other)]

    assert sorted(found) == [("branch", "docs", "other", "source"), ("branch", "web", "source", "other")]


def test_a_branch_may_be_new_or_gone() -> None:
    """A branch more, or one less, is one with what it runs on, and with what is set aside for it."""
    wider = edited(("parallel: {web", "parallel: {more: {call: other, with: {url: $plan}}, web"))
    found = {change[2:4]: change[4:] for change in told(wider)}

    assert found[("branch", "more")] == (None, "other")
    assert found[("with", "more")] == (None, "{url: $plan}")
    assert found[("cost", "steps")] == (6, 9)
    assert not any(name == "workflow" for name, _ in found)


def test_a_map_that_becomes_a_call_is_another_kind() -> None:
    """The kind of the state is told, and what was of the other kind alone is gone."""
    found = {change[2:4]: change[4:] for change in told(edited((MAP, "call: source, with: {url: $plan}")))}

    assert found[("", "")] == ("map", "call")
    assert found[("map", "")] == ("source", None)
    assert found[("call", "")] == (None, "source")
    assert found[("at_most", "")] == (20, None)


def test_a_renamed_question_is_one_change() -> None:
    """A question by another name is the same, also where its value is read, and where it was edited too."""
    after = edited(
        ("approve: {ask", "consent: {ask"),
        ("success: approve", "success: consent"),
        ("done: {end: success, output: $publish", "done: {end: success, output: $consent"),
    )
    before = edited(("done: {end: success, output: $publish", "done: {end: success, output: $approve"))

    assert renames(before, after) == {"approve": "consent"}
    assert changes(renamed(before, {"approve": "consent"}), after) == ()
    longer = edited(
        ("approve: {ask", "consent: {ask"), ("success: approve", "success: consent"), ("2d", "3d")
    )
    assert renames(REPORT_MACHINE, longer) == {"approve": "consent"}


def test_a_renamed_state_that_runs_a_child_is_one_change() -> None:
    """It is known by the workflow that it runs, though that itself changed, or by how many items it takes."""
    after = edited(("read: {map", "take: {map"), ("success: read", "success: take"), ("$read", "$take"),
                   ("at_most: 20", "at_most: 30"), callee=NEWER)  # fmt: skip

    assert renames(REPORT_MACHINE, after) == {"read": "take"}


@pytest.mark.parametrize(
    "field", ["question", "role", "arguments", "value", "gives", "labels", "timeout_us", "reserve"]
)
def test_nothing_of_a_question_is_missed(field: str) -> None:
    """Whatever differs in what a question means is a change, or differs in where it leads."""
    state = REPORT_MACHINE.states["approve"]
    assert isinstance(state, Ask)
    other = {
        "question": "x", "role": "x", "arguments": (), "value": "x", "gives": "x", "labels": None,
        "timeout_us": 1, "reserve": True,
    }[field]  # fmt: skip
    machine = evolve(
        REPORT_MACHINE, states={**REPORT_MACHINE.states, "approve": evolve(state, **{field: other})}
    )

    assert machine.digest != REPORT_MACHINE.digest
    # Labels are told by the ways that they name.
    assert bool(changes(REPORT_MACHINE, machine)) == (field != "labels")


@pytest.mark.parametrize("field", ["kind", "callees", "at_most", "width", "tolerate"])
def test_nothing_of_children_is_missed(field: str) -> None:
    """Whatever differs in which children are run, and how, is a change."""
    state = REPORT_MACHINE.states["read"]
    assert isinstance(state, Work)
    assert state.children is not None
    other: Any = {"kind": "call", "callees": {"other": OTHER}, "at_most": 3, "width": 3, "tolerate": 3}[field]
    children = evolve(state.children, **{field: other})
    machine = evolve(
        REPORT_MACHINE, states={**REPORT_MACHINE.states, "read": evolve(state, children=children)}
    )

    assert changes(REPORT_MACHINE, machine)


def test_what_is_the_same_is_no_change() -> None:
    """A machine does not differ from itself."""
    assert changes(REPORT_MACHINE, edited()) == ()
    assert isinstance(changes(REPORT_MACHINE, edited(callee=NEWER))[0], Change)
    assert Key("contract").topic == "contract"
