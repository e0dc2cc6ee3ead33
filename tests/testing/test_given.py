"""What states that run workflows give in plans and replays: as much, and of the types, as children do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import frozen

from fsmflow.analysis.traces.recording import Recording, read
from fsmflow.runtime import Runner
from fsmflow.testing import BadPlan, plan
from fsmflow.testing.replaying import RecordingEnds, Replaying
from tests.runtime.families import family

HERE = "tests.testing.test_given"


@frozen
class Word:
    text: str


def said(text: str) -> Word:
    return Word(text)


def joined(left: Word, right: Word) -> str:
    return left.text + right.text


def counted(items: list[str], words: list[Word]) -> list[str]:
    return [item + word.text for item, word in zip(items, words, strict=True)]


SAY = f"""
output: {HERE}:Word
budget: {{steps: 1, time: 5s}}
states:
  say:
    run: {HERE}:said
    with: {{text: $input.text}}
    gives: {HERE}:Word
    timeout: 5s
    effect: none
    success: done
    fallback: failed
  done: {{end: success, output: $say}}
  failed: {{end: failed}}
"""

ALL = f"""
states:
  both:
    parallel:
      left: {{call: say, with: {{text: $input.one}}}}
      right: {{call: say, with: {{text: $input.other}}}}
    success: join
    fallback: failed
  join:
    run: {HERE}:joined
    with: {{left: $both.left, right: $both.right}}
    gives: str
    timeout: 5s
    effect: none
    success: each
    fallback: failed
  each:
    map: say
    over: $input.items
    with: {{text: $item}}
    at_most: 4
    success: count
    fallback: failed
  count:
    run: {HERE}:counted
    with: {{items: $input.items, words: $each}}
    gives: list[str]
    timeout: 5s
    effect: none
    success: done
    fallback: failed
  done: {{end: success, output: {{joined: $join, counted: $count}}}}
  failed: {{end: failed, output: $error.message}}
"""

GIVEN = {"one": "a", "other": "b", "items": ["x", "y", "z"]}


def parent() -> Runner[Any, Any]:
    return family(say=SAY, all=ALL)


def recorded() -> Recording:
    lines: list[str] = []
    parent().run_sync(GIVEN, record=lambda event: lines.append(json.dumps(event)))
    return read("".join(f"{line}\n" for line in lines))


def replayed(**swapped: Any) -> Any:
    runner = parent()
    replaying = Replaying(runner, recorded(), swapped)
    return runner.run_sync(replaying.given, **replaying.options)


def test_a_plan_in_which_all_goes_well_gives_what_children_would() -> None:
    """An `ok` of children side by side gives an output of each, and that of a map one for each item."""
    runner = parent()
    result = runner.run_sync(GIVEN, **plan(runner, {"both": "ok", "each": "ok"}))

    assert result.end == "done", result.error
    assert result.output == {"joined": "", "counted": ["x", "y", "z"]}


def test_a_planned_value_is_of_the_childrens_types() -> None:
    """What a plan says that children give reaches later steps as what children really give."""
    runner = parent()
    planned = {"both": {"value": {"left": {"text": "L"}, "right": {"text": "R"}}}}

    assert runner.run_sync(GIVEN, **plan(runner, planned)).output["joined"] == "LR"


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ({"left": {"text": "L"}}, "right: missing"),
        ({"left": {"text": "L"}, "right": {"text": "R"}, "rihgt": {}}, "unexpected 'rihgt'"),
        (
            {"left": {"text": "L"}, "right": {"text": 5}},
            ".right.text: expected a string, found a whole number",
        ),
        ("L", "expected a mapping, found a string"),
    ],
)
def test_a_planned_value_that_no_child_gives_is_refused(value: Any, wrong: str) -> None:
    """A child that a planned value leaves out, makes up or gets wrong is named."""
    with pytest.raises(BadPlan) as refused:
        plan(parent(), {"both": {"value": value}})

    assert wrong in str(refused.value)


def test_a_swapped_step_is_given_what_children_really_gave() -> None:
    """In a replay, a step that is called takes recorded outputs of children in their own types."""
    assert replayed(join=lambda left, right: f"{left.text}/{right.text}").output["joined"] == "a/b"


def test_what_stands_in_for_children_is_held_to_their_types() -> None:
    """A function in the place of children side by side has to give an output of each."""
    swapped = replayed(both=lambda **_: {"left": {"text": "L"}, "right": {"text": "R"}})
    assert swapped.output["joined"] == "LR"

    failed = replayed(both=lambda **_: {"left": {"text": "L"}})
    assert failed.output == ".right: missing"


def test_a_recorded_output_that_is_no_childs_any_more_ends_a_replay() -> None:
    """Where a child gives another type by now, the replay says so."""
    runner = family(say=SAY.replace(f"output: {HERE}:Word", "output: str"), all=ALL)

    replaying = Replaying(runner, recorded())

    with pytest.raises(RecordingEnds, match=r"what `both` gave then is no .*: \.left: expected a string"):
        runner.run_sync(replaying.given, **replaying.options)
