"""Which transitions a recorded run took."""

from __future__ import annotations

import json
from random import Random

import attrs
import pytest
from attrs import evolve

from fsmflow.analysis.traces.following import follow
from fsmflow.analysis.traces.recording import read
from fsmflow.machine import Machine
from tests.recorded import Recorded, at_random, record, record_script
from tests.sample import machine
from tests.strategies import ending_machine, plain

ENDS = "done: {end: success}\nlost: {end: failed}"
LOOP = (
    "draft: {run: m:f, cost: {tokens: 10}, timeout: 4s, success: rest,"
    " retry: {times: 2, jitter: none}, invalid: {times: 1}, fallback: lost}\n"
    "rest: {wait: 1s, success: check}\n"
    "check: {run: m:f, timeout: 4s, success: {ok: done, again: {to: draft, times: 2, else: lost}},"
    " fallback: lost}\n" + ENDS
)
CHOICE = (
    "ask: {run: m:f, timeout: 4s, success: sort, fallback: lost}\n"
    "sort: {choose: [{when: len(ask) > 0, to: more}, {to: done}]}\n"
    "more: {run: m:f, timeout: 4s, success: done, fallback: lost}\n" + ENDS
)


@attrs.frozen
class Passages:
    """An output that has no length, though the mapping that a trace holds of it has one."""

    found: tuple[str, ...] = ("a", "b")


def drawn(seed: int) -> tuple[Machine, Recorded]:
    """Run a random machine by random steps."""
    random = Random(seed)
    lowered = ending_machine(random)
    return lowered, record(lowered, at_random(random), plain(random))


SEEDS = [range(n, n + 50) for n in range(0, 300, 50)]


@pytest.mark.parametrize(
    "seeds", [*SEEDS[:4], *(pytest.param(each, marks=pytest.mark.slow) for each in SEEDS[4:])], ids=str
)
def test_the_transitions_found_are_those_that_random_runs_took(seeds):
    """Of hundreds of random machines' runs, every transition is found, choices included, and no other one."""
    often = 0
    for seed in seeds:
        lowered, recorded = drawn(seed)
        found = follow(lowered, recorded.recording)
        assert (found.launch, found.ways, found.stray) == (recorded.launch, recorded.ways, None), seed
        often += sum(len(ways) for ways in found.ways)
    assert often > 200


def test_every_beginning_of_a_run_is_followed():
    """A trace that breaks off anywhere gives the transitions up to there."""
    lowered = machine(LOOP)
    recorded = record_script(lowered, "t s s:again i s s:ok")
    for length in range(1, len(recorded.lines)):
        recording = read("".join(f"{line}\n" for line in recorded.lines[:length]))
        found = follow(lowered, recording)
        assert (recording.end, found.stray) == (None, None)
        assert found.ways == recorded.ways[: length - 1]


def test_a_choice_that_plain_data_decides_otherwise_is_found_by_where_it_led():
    """An instance has no length, the mapping written down for it has: the arm is told by the next stage."""
    lowered = machine(CHOICE)
    recorded = record(lowered, lambda _: ("s", None, Passages()), None)
    assert recorded.result.trace[-1].state == "ask"

    found = follow(lowered, recorded.recording)

    assert (found.ways, found.stray) == (recorded.ways, None)
    assert [way.label for way in found.ways[0]] == [None, "arm_2"]


def test_a_chain_of_choices_is_found_by_where_it_led():
    """Of a chain of choices, arms are found that lead to the end the run came to, or to its next stage."""
    chain = "".join(
        f"c{n}: {{choose: [{{when: len(ask) > {n}, to: lost}}, {{to: c{n + 1}}}]}}\n" for n in range(40)
    )
    lowered = machine(
        "ask: {run: m:f, timeout: 4s, success: c0, fallback: lost}\n"
        + chain
        + "c40: {wait: 1s, success: done}\n"
        + ENDS
    )
    recorded = record(lowered, lambda _: ("s", None, Passages(("a",) * 50)), None)
    assert len(recorded.ways[0]) == 41

    assert follow(lowered, recorded.recording).ways == recorded.ways


def test_a_run_of_another_version_goes_astray_where_they_part():
    """Followed on a machine whose `check` leads elsewhere, a run is known up to `check`, and no further."""
    recorded = record_script(machine(LOOP), "s s:again s s:ok")
    other = machine(LOOP.replace("again: {to: draft", "again: {to: rest"))

    found = follow(other, recorded.recording)

    assert [stage.state for stage in recorded.recording.stages][:3] == ["draft", "rest", "check"]
    assert found.stray == 3
    assert [len(ways) for ways in found.ways] == [1, 1, *[0] * (len(recorded.ways) - 2)]


@pytest.mark.parametrize(
    ("change", "stray"),
    [
        ({"state": "gone"}, 1),
        ({"state": "done"}, 1),
        ({"visit": 7}, 1),
        ({"attempt": 2}, 1),
        ({"outcome": "unknown"}, 1),
        ({"outcome": "sorted"}, 1),
        ({"label": "other"}, 1),
    ],
    ids=str,
)
def test_what_cannot_have_happened_is_astray(change, stray):
    """A stage in no state of the machine, or with an outcome it has not, is where the run goes astray."""
    lines = list(record_script(machine(LOOP), "s s").lines)
    lines[1] = json.dumps({**json.loads(lines[1]), **change})

    found = follow(machine(LOOP), read("\n".join(lines) + "\n"))

    assert found.stray == stray
    assert found.ways == ((),) * (len(lines) - 2)


def test_another_end_than_the_machines_is_astray():
    """A record that says it ended where its last stage does not lead is not followed there."""
    recorded = record_script(machine(LOOP), "s s")
    recording = evolve(recorded.recording, end="lost")

    assert follow(machine(LOOP), recording).stray == len(recording.stages)


def test_a_run_that_is_over_at_once_is_followed():
    """Of a run whose choices lead straight to an end, the choices are found."""
    lowered = machine("sort: {choose: [{when: input, to: done}, {to: lost}]}\n" + ENDS)
    recorded = record(lowered, lambda _: ("s", None, None), True)

    found = follow(lowered, recorded.recording)

    assert ([way.target for way in found.launch], found.ways, found.stray) == (["done"], (), None)


def test_a_cancelled_run_is_followed_to_where_it_was_broken_off():
    """The stage that was cancelled led nowhere."""
    lines = list(record_script(machine(LOOP), "s s").lines)
    cancelled = {**json.loads(lines[3]), "outcome": "cancelled"}
    closing = {**json.loads(lines[-1]), "end": "cancelled", "kind": "cancelled"}
    text = "\n".join([*lines[:3], json.dumps(cancelled), json.dumps(closing)]) + "\n"

    found = follow(machine(LOOP), read(text))

    assert found.stray is None
    assert [len(ways) for ways in found.ways] == [1, 1, 0]


def test_a_late_charge_counts_where_the_driver_booked_it():
    """A charge that came in during a stage, and left no room for what comes next, stopped the run."""
    lowered = machine(
        "a: {run: m:f, cost: {tokens: 5}, timeout: 4s, success: b, fallback: lost}\n"
        "b: {run: m:f, cost: {tokens: 5}, timeout: 4s, success: done, fallback: lost}\n" + ENDS,
        budget="{tokens: 10, exceeded: lost}",
    )
    opening, first, *_, closing = (json.loads(line) for line in record_script(lowered, "s s").lines)
    late = {**first, "event": "late", "use": {"tool_calls": 0, "tokens": 4, "micro_usd": 0}}
    text = "\n".join(map(json.dumps, (opening, late, first, {**closing, "end": "lost"}))) + "\n"

    found = follow(lowered, read(text))

    assert [way.kind for way in found.ways[0]] == ["success", "exceeded"]


def test_tagged_values_are_what_they_were():
    """What JSON has no word for is restored, so that guards over it decide as they did."""
    lowered = machine(
        "ask: {run: m:f, timeout: 4s, success: sort, fallback: lost}\n"
        "sort: {choose: [{when: ask.low < 0, to: done}, {when: len(ask.seen) == 2, to: done}, {to: lost}]}\n"
        + ENDS
    )
    for value, arm in (
        ({"low": float("-inf")}, "arm_1"),
        ({"seen": {1, 2}}, "arm_2"),
        ({"$map": []}, "arm_3"),
    ):
        recorded = record(lowered, lambda _, value=value: ("s", None, value), None)
        found = follow(lowered, recorded.recording)
        assert [way.label for way in found.ways[0]] == [None, arm]


def test_an_arm_whose_count_begins_anew_is_found_each_time():
    """An arm that may be taken once in each visit is found again in the next one."""
    lowered = machine(
        "ask: {run: m:f, timeout: 4s, success: sort, fallback: lost}\n"
        "sort: {choose: [{when: len(ask) > 0, to: done}, {to: rest, times: 1, per: sort, else: lost}]}\n"
        "rest: {wait: 1s, success: ask}\n" + ENDS,
        budget="{steps: 4, exceeded: done}",
    )
    recorded = record(lowered, lambda _: ("s", None, Passages()), None)
    assert [stage.state for stage in recorded.recording.stages].count("rest") > 1

    assert follow(lowered, recorded.recording).ways == recorded.ways
