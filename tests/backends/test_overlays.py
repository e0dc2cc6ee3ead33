"""What overlays say of runs, worst cases and coverage: plain data, before anything is drawn."""

from __future__ import annotations

import json
from functools import cache
from random import Random

import pytest
from attrs import evolve

from fsmflow.analysis.proof import prove
from fsmflow.analysis.traces.coverage import BadCoverage, Coverage, document, joined, read
from fsmflow.analysis.traces.recording import read as read_trace
from fsmflow.backends.diagram import extract
from fsmflow.backends.graphviz import dot
from fsmflow.backends.overlay import Overlay
from fsmflow.backends.overlays._words import first_line, pen, places
from fsmflow.backends.overlays.coverage import of_coverage
from fsmflow.backends.overlays.trace import of_recording
from fsmflow.backends.overlays.traces import of_recordings
from fsmflow.backends.overlays.witness import of_witness
from fsmflow.glance import percent, time
from fsmflow.machine import Choice, End, Machine
from tests.recorded import Recorded, at_random, record, record_script
from tests.sample import machine
from tests.strategies import ending_machine, plain

ENDS = "done: {end: success}\nplain: {end: degraded}\nlost: {end: failed}"
LOOP = (
    "draft: {run: m:f, cost: {tokens: 1000, usd: 0.018}, timeout: 4s, success: check,"
    " retry: {times: 2, jitter: none}, invalid: {times: 2}, fallback: quote}\n"
    "check: {run: m:f, timeout: 4s, success: {ok: done, again: {to: draft, times: 2, else: quote}},"
    " fallback: lost}\n"
    "quote: {run: m:f, cost: {tool_calls: 1}, timeout: 2s, reserve: true, success: plain, fallback: lost}\n"
    + ENDS
)
BUDGET = "{steps: 30, time: 10min, usd: 0.5, exceeded: quote}"
MACHINE = machine(LOOP, budget=BUDGET)
DIAGRAM = extract(MACHINE)


def words(overlay: Overlay) -> list[str]:
    """Give the header, a line a string."""
    return ["".join(part.text for part in line) for line in overlay.header]


@cache
def drawn_run(seed: int) -> tuple[Machine, Recorded]:
    """Run a random machine by random steps, once for all that is asked of the run."""
    random = Random(seed)
    lowered = ending_machine(random)
    return lowered, record(lowered, at_random(random), plain(random))


def script(text: str) -> Overlay:
    return of_recording(MACHINE, DIAGRAM, record_script(MACHINE, text).recording)


@pytest.mark.parametrize("seeds", [range(n, n + 40) for n in range(0, 160, 40)], ids=str)
def test_the_edges_marked_are_those_of_the_transitions_taken(seeds):
    """Of random runs, exactly the edges between the states of transitions taken are marked, and counted."""
    for seed in seeds:
        lowered, recorded = drawn_run(seed)
        diagram = extract(lowered)
        overlay = of_recording(lowered, diagram, recorded.recording)
        taken = [way for ways in (recorded.launch, *recorded.ways) for way in ways]
        moves = [way for way in taken if not way.same_visit]
        drawn = {(edge.source, edge.target, edge.look) for edge in diagram.edges}
        between = [way for way in moves if way.source != way.target]

        assert set(overlay.edges) <= drawn
        marked = sum(mark.count for mark in overlay.edges.values())
        budget = 0 if overlay.budget.emphasis == "ghost" else overlay.budget.count
        undrawn = sum(way.kind == "exceeded" and way.source == way.target for way in moves)
        assert marked + budget == len(between) + undrawn, seed
        pairs = {(way.source, way.target) for way in between}
        assert {way[:2] for way in overlay.edges} <= pairs
        forced = {way.target for way in between if way.kind == "exceeded"}
        assert pairs - {way[:2] for way in overlay.edges} <= {
            (way.source, way.target) for way in between if way.target in forced
        }


@pytest.mark.parametrize("seeds", [range(n, n + 40) for n in range(0, 160, 40)], ids=str)
def test_the_states_marked_are_those_entered(seeds):
    """Of random runs, exactly the states that were entered are marked, and `×n` says how often."""
    for seed in seeds:
        lowered, recorded = drawn_run(seed)
        overlay = of_recording(lowered, extract(lowered), recorded.recording)
        visits = recorded.result.configuration.visits

        assert set(overlay.nodes) == {name for name, count in visits.items() if count}, seed
        for name, mark in overlay.nodes.items():
            if mark.pill.startswith("×") and "FAILED" not in mark.pill:
                assert mark.pill == f"×{visits[name]:,}"
            elif not isinstance(lowered.states[name], End) and not mark.pill:
                assert visits[name] == 1


@pytest.mark.parametrize("seeds", [range(n, n + 40) for n in range(0, 160, 40)], ids=str)
def test_shares_add_up_to_the_whole_at_most(seeds):
    """The shares of time and of cost are each between 0 and 1, and so is their sum."""
    for seed in seeds:
        lowered, recorded = drawn_run(seed)
        recording = recorded.recording
        for overlay in (
            of_recording(lowered, extract(lowered), recording),
            of_recordings(lowered, extract(lowered), [recording, recording]),
        ):
            sums: dict[str, float] = {}
            for mark in overlay.nodes.values():
                for bar in mark.bars:
                    assert 0 <= bar.share <= 1
                    sums[bar.label] = sums.get(bar.label, 0) + bar.share
            assert all(total <= 1 + 1e-9 for total in sums.values()), seed


@pytest.mark.parametrize("seeds", [range(n, n + 20) for n in range(0, 60, 20)], ids=str)
def test_every_overlay_of_a_random_machine_can_be_drawn(seeds):
    """A run, many runs, coverage and worst cases of random machines all become a drawing."""
    for seed in seeds:
        lowered, recorded = drawn_run(seed)
        diagram, recording = extract(lowered), recorded.recording
        counts = tuple(n % 3 for n in range(len(lowered.transitions)))
        overlays = [
            of_recording(lowered, diagram, recording),
            of_recordings(lowered, diagram, [recording] * 3),
            of_coverage(lowered, diagram, Coverage("sample", lowered.digest, 7, counts)),
        ]
        for overlay in overlays:
            assert dot(diagram, "light", overlay).startswith("digraph")


def test_moves_are_numbered_in_order():
    """The start is #1; an edge that was taken twice has two numbers, and retries have none."""
    overlay = script("t s s:again i s s:ok")

    assert overlay.start.after == "#1"
    assert {way: mark.after for way, mark in overlay.edges.items()} == {
        ("draft", "check", "success"): "#2 #4",
        ("check", "draft", "loop"): "#3",
        ("check", "done", "success"): "#5",
    }
    assert words(overlay)[0] == "● done  success after 5 transitions"


def test_retries_and_re_asks_stay_in_their_state():
    """A band line counts them; other states have no band."""
    overlay = script("t t i s s:ok")

    assert overlay.nodes["draft"].policy is not None
    assert overlay.nodes["draft"].policy[0][0].text == "2 retries · 1 re-ask"
    assert overlay.nodes["check"].policy == ()


def test_a_run_that_failed_shows_where_and_why():
    """The failing state is red, with its error in one line; so are the last edge and the end."""
    overlay = script("s s:again s f")

    check = overlay.nodes["check"]
    assert (check.emphasis, check.pill, check.note) == ("failed", "× FAILED HERE", "<b>refused</b>")
    assert overlay.edges["check", "lost", "error"].emphasis == "failed"
    assert overlay.nodes["lost"].emphasis == "failed"
    assert [way for way, mark in overlay.edges.items() if mark.emphasis == "failed"] == [
        ("check", "lost", "error")
    ]
    assert words(overlay)[0] == "× lost  failed  in check after 5 transitions"
    assert ("failed", "failed here") in overlay.legend


def test_a_run_that_recovered_says_what_it_recovered_from():
    """A failure with a way out is a note, without the red of a run that failed."""
    overlay = script("f s")

    assert (overlay.nodes["draft"].emphasis, overlay.nodes["draft"].note) == ("visited", "<b>refused</b>")
    assert overlay.nodes["quote"].note == ""
    assert words(overlay)[0] == "▲ plain  degraded after 3 transitions"
    assert ("failed", "failed here") not in overlay.legend


def test_a_run_that_is_not_over_shows_where_it_stands():
    """Cut off after its first attempt, a run stands in the state that comes next."""
    lines = record_script(MACHINE, "s s:ok").lines
    overlay = of_recording(MACHINE, DIAGRAM, read_trace("\n".join(lines[:2]) + "\n"))

    assert words(overlay)[0] == "… not over  in check after 2 transitions"
    assert (overlay.nodes["check"].emphasis, overlay.nodes["check"].pill) == ("visited", "IS HERE")
    assert overlay.nodes["draft"].pill == ""


def test_a_cancelled_run_shows_where_it_was_broken_off():
    """The stage that was under way says so."""
    *lines, _ = record_script(MACHINE, "s s:ok").lines
    attempt = {**json.loads(lines[-1]), "outcome": "cancelled"}
    closing = {**json.loads(record_script(MACHINE, "s s:ok").lines[-1]), "trace_id": attempt["trace_id"]}
    closing |= {"end": "cancelled", "kind": "cancelled"}
    text = "\n".join([*lines[:-1], json.dumps(attempt), json.dumps(closing)]) + "\n"
    overlay = of_recording(MACHINE, DIAGRAM, read_trace(text))

    assert overlay.nodes["check"].pill == "CANCELLED HERE"
    assert words(overlay)[0].startswith("■ cancelled")


def test_a_budget_that_is_used_up_is_the_edge_from_any_step():
    """The way that the budget forces is marked where it is drawn, and the reason stands in the state."""
    tight = machine(LOOP, budget="{steps: 3, exceeded: quote}")
    overlay = of_recording(tight, extract(tight), record_script(tight, "s s:again s").recording)

    assert (overlay.budget.emphasis, overlay.budget.after) == ("visited", "#4")
    assert overlay.nodes["draft"].note == "steps: 2 of 3 used, 1 set aside"
    assert overlay.nodes["draft"].emphasis == "visited"
    assert "quote" in overlay.nodes


def test_a_budget_that_ends_a_run_is_red():
    """Where the budget leaves nothing but the built-in end, that way is the one by which the run failed."""
    tight = machine(LOOP.replace("reserve: true, ", ""), budget="{steps: 2}")
    overlay = of_recording(tight, extract(tight), record_script(tight, "s s:again s").recording)

    assert (overlay.budget.emphasis, overlay.budget.after) == ("failed", "#4")
    assert (overlay.nodes["draft"].emphasis, overlay.nodes["draft"].note) == ("failed", "steps: 2 of 2 used")
    assert overlay.nodes["exceeded"].emphasis == "failed"


def test_what_was_used_is_held_to_the_budget():
    """Each amount is told of its cap, and what was not capped only where it was used."""
    assert words(script("s s:ok"))[1] == "Used  $0.00 of $0.50 · 80 ms of 10 min · 2 of 30 steps · 500 tokens"


def test_a_run_of_another_version_is_said_to_be_one():
    """The digests are told where they differ, and where the run parts from this machine."""
    other = machine(LOOP.replace("times: 2, else", "times: 1, else"), budget=BUDGET)
    recording = record_script(MACHINE, "s s:again s s:again s s:ok").recording
    found = words(of_recording(other, extract(other), recording))

    assert any("another version of this workflow" in line for line in found)
    assert any("parts from this machine at step 4, check" in line for line in found)
    renamed = evolve(recording, workflow="else\x1b[31m")
    assert any(
        "another workflow, else" in line and "\x1b" not in line
        for line in words(of_recording(MACHINE, DIAGRAM, renamed))
    )


def test_many_runs_are_counted():
    """Edges tell how often they were taken, ends how many runs came there, and the header how they ended."""
    texts = ["s s:ok", "s s:ok", "s s:again s s:ok", "f s", "s f"]
    recordings = [record_script(MACHINE, text).recording for text in texts]
    overlay = of_recordings(MACHINE, DIAGRAM, recordings)

    assert words(overlay)[0] == "5 runs   ● 3 success   ▲ 1 degraded   × 1 failed"
    assert overlay.edges["draft", "check", "success"].after == "×5 · 83 %"
    assert overlay.edges["check", "draft", "loop"].after == "×1 · 20 %"
    assert overlay.start.after == "×5"
    assert overlay.nodes["draft"].pill == "×6"
    assert overlay.nodes["draft"].note == "1 of 6 attempts failed"
    assert overlay.nodes["done"].facts is not None
    assert overlay.nodes["done"].facts[0][0].text == "3 runs · 60 %"
    assert words(overlay)[1].startswith("Median  80 ms · 2 steps")
    assert words(overlay)[2].startswith("Most  160 ms · 4 steps")
    again = of_recordings(MACHINE, DIAGRAM, [evolve(recordings[0], digest="0"), *recordings])
    assert words(again)[-1] == "▲ 1 run of another version of this workflow"


def test_a_share_is_of_all_that_left_a_state():
    """What the budget forced out of a state, which no edge of its own shows, counts in the whole."""
    lowered = machine(LOOP, budget="{steps: 4, exceeded: quote}")
    recordings = [record_script(lowered, text).recording for text in ("s s:again s", "s s:again f")]
    overlay = of_recordings(lowered, extract(lowered), recordings)

    assert overlay.budget.after == "×1"
    assert overlay.nodes["check"].pill == "×3"
    assert overlay.edges["check", "draft", "loop"].after == "×2 · 67 %"


def test_a_worst_case_shows_how_it_adds_up():
    """Each state's sum stands in its band, the dearest state dominates, and the header tells the bound."""
    overlay = of_witness(prove(MACHINE), DIAGRAM, "micro_usd")

    assert overlay.nodes["draft"].emphasis == "dominant"
    assert overlay.nodes["draft"].pill == "×3"
    assert overlay.nodes["draft"].policy is not None
    assert overlay.nodes["draft"].policy[0][0].text == "3 visits × 5 calls × $0.018 = $0.27"
    assert words(overlay)[0] == "$0.27  at worst, of $0.50   ● within budget (54 %)"
    assert words(overlay)[1] == "100 % of it is draft:  3 visits × 5 calls × $0.018 = $0.27"
    assert overlay.edges["check", "draft", "loop"].after == "×2"
    assert overlay.start.emphasis == "witness"


@pytest.mark.parametrize(
    "metric", ["steps", "tool_calls", "tokens", "micro_usd", "microseconds", "transitions"]
)
@pytest.mark.parametrize("form", ["budgeted", "structural"])
def test_each_metric_has_its_worst_case(metric, form):
    """Whatever is measured, the bound is told first, and the run that is shown begins at the start."""
    overlay = of_witness(prove(MACHINE), DIAGRAM, metric, form)

    assert "at worst" in words(overlay)[0]
    assert overlay.nodes["draft"].emphasis in ("witness", "dominant")
    assert sum(mark.emphasis == "dominant" for mark in overlay.nodes.values()) == 1


def test_an_interval_is_said_to_be_one():
    """Where no run is known to come up to the bound, the best one is shown, and said to be that."""
    proof = prove(MACHINE)
    assert proof.budgeted is not None
    bound = proof.budgeted.bounds["tokens"]
    assert bound.upper is not None
    wider = {**proof.budgeted.bounds, "tokens": evolve(bound, upper=bound.upper + 1)}
    overlay = of_witness(evolve(proof, budgeted=evolve(proof.budgeted, bounds=wider)), DIAGRAM, "tokens")

    assert "at most" in words(overlay)[0]
    assert "a run is known with" in words(overlay)[0]
    assert overlay.legend[0] == ("witness", "the worst path that is known")


def test_without_a_proof_there_is_no_worst_case():
    """Of a machine that need not end, everything is a ghost, and the header says why."""
    endless = machine("a: {run: m:f, timeout: 1s, success: a, fallback: done}\ndone: {end: success}")
    overlay = of_witness(prove(endless), extract(endless), "steps")

    assert words(overlay) == ["No worst case: it is not proved that every run ends"]
    assert overlay.nodes == {}


def test_time_without_a_bound_names_what_nothing_cuts_off():
    """A step without a timeout is why time has no bound."""
    slow = machine("a: {run: m:f, success: done, fallback: done}\ndone: {end: success}")
    overlay = of_witness(prove(slow), extract(slow), "microseconds")

    assert words(overlay)[0] == "no bound: nothing cuts off an attempt of a"


def test_coverage_shows_what_no_test_took():
    """Edges that were taken are counted, others are ghosts, and a way without an edge is named."""
    counts = [1] * len(MACHINE.transitions)
    for number, way in enumerate(MACHINE.transitions):
        if way.kind in ("retry", "exceeded") or way.target == "lost":
            counts[number] = 0
    overlay = of_coverage(MACHINE, DIAGRAM, Coverage("sample", MACHINE.digest, 40, tuple(counts)))

    possible = len(counts) - 1  # `quote` is set aside: it never wants for its own cost
    assert words(overlay) == [f"▲ {sum(counts)} of {possible} transitions  were taken, by 40 runs"]
    assert ("check", "lost", "error") not in overlay.edges
    assert overlay.nodes["draft"].note.startswith("never: ")
    assert "budget" in overlay.nodes["draft"].note
    assert overlay.budget.emphasis == "ghost"
    assert "lost" not in overlay.nodes


def test_a_metric_that_no_run_uses_has_no_worst_case():
    """Where nothing declares a cost in tokens, no path is any worse than another, and none is shown."""
    free = machine("draft: {run: m:f, timeout: 1s, success: done, fallback: done}\ndone: {end: success}")
    overlay = of_witness(prove(free), extract(free), "tokens")

    assert words(overlay) == ["No worst case: no run uses any tokens, by what its states declare"]
    assert (overlay.nodes, overlay.edges, overlay.legend) == ({}, {}, ())


def test_coverage_of_another_version_is_not_shown():
    """Counts by number mean nothing on another machine."""
    overlay = of_coverage(MACHINE, DIAGRAM, Coverage("sample", "0", 40, (1,)))

    assert "another version of it" in words(overlay)[0]
    assert overlay.edges == {}


def test_coverage_of_another_workflow_is_said_to_be_that() -> None:
    """What tests of another workflow took is no other version of this one."""
    overlay = of_coverage(MACHINE, DIAGRAM, Coverage("hello", "0", 40, (1,)))

    assert words(overlay) == ["▲ the tests were those of another workflow, hello"]
    assert overlay.edges == {}


def test_coverage_is_read_as_it_was_written():
    """A document gives the coverage that it was made of, and what several processes counted is added up."""
    one = Coverage("sample", "d", 2, (1, 0))
    other = Coverage("other", "e", 1, (5,))

    assert read(json.dumps(document(one))) == one
    assert joined([one, other, evolve(one, runs=3, counts=(0, 4))]) == (
        other,
        Coverage("sample", "d", 5, (1, 4)),
    )


CHANGES = (
    {"runs": -1},
    {"runs": True},
    {"runs": 10**40},
    {"counts": [1.5]},
    {"counts": {}},
    {"workflow": None},
)


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{", "[" * 100_000, '{"schema": "fsmflow.trace/1"}', "9" * 5000),
        *(json.dumps({**document(Coverage("sample", "d", 2, (1, 0))), **change}) for change in CHANGES),
    ],
)
def test_what_is_no_coverage_is_refused(text):
    """Anything else is a `BadCoverage` that says what was expected."""
    with pytest.raises(BadCoverage, match="expected"):
        read(text)


@pytest.mark.parametrize(
    ("us", "said"),
    [
        (0, "0 s"),
        (7, "7 µs"),
        (3_370, "3.37 ms"),
        (140_000, "140 ms"),
        (38_234_567, "38.2 s"),
        (75_000_000, "75 s"),
        (120_000_000, "2 min"),
        (750_000_000, "12.5 min"),
        (7_200_000_000, "2 h"),
        (999_499, "999 ms"),
        (999_999, "1 s"),
    ],
)
def test_times_are_worded_to_three_digits(us, said):
    """A time is as short as a glance wants it."""
    assert time(us) == said


def test_percents_do_not_round_to_all_or_nothing():
    """Only nothing is 0 %, and only all of it 100 %."""
    assert [percent(part, 1_000) for part in (0, 1, 5, 500, 999, 1_000)] == [
        "0 %",
        "<1 %",
        "<1 %",
        "50 %",
        "99 %",
        "100 %",
    ]
    assert percent(1, 0) == "0 %"


def test_many_places_are_cut_short():
    """The first places of an edge that was taken often are told, and how many more there are."""
    assert places([3]) == "#3"
    assert places([2, 5, 8]) == "#2 #5 #8"
    assert places([2, 5, 8, 11]) == "#2 #5 +2"


def test_pens_tell_few_runs_apart_and_many_alike():
    """An edge is drawn with its own count while counts are small, and with its share of twelve when not."""
    assert [pen(n, 5) for n in (1, 5)] == [1, 5]
    assert [pen(n, 1_000) for n in (1, 500, 1_000)] == [1, 6, 12]


def test_an_error_is_cut_to_its_first_line():
    """The first line with something in it, safe and short, whatever the text is."""
    assert first_line("\n \x1b[31mno\r\nmore") == "[31mno"
    assert len(first_line("x" * 10_000_000)) == 42
    assert first_line("\n" * 10) == ""


def test_choices_are_marked_too():
    """A choice has no attempt, yet it was passed."""
    lowered = machine(
        "ask: {run: m:f, timeout: 4s, success: sort, fallback: lost}\n"
        "sort: {choose: [{when: ask == 'x', to: done}, {to: lost}]}\n" + ENDS
    )
    overlay = of_recording(lowered, extract(lowered), record_script(lowered, "s").recording)

    assert isinstance(lowered.states["sort"], Choice)
    assert overlay.nodes["sort"].emphasis == "visited"
    assert overlay.nodes["sort"].bars == ()
