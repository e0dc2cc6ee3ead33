"""Models for SPIN: readable, by legal names, and saying what the counter machine does."""

from __future__ import annotations

from attrs import evolve

from fsmflow.analysis.proving.counter_machine import CounterMachine, Edge
from fsmflow.analysis.proving.counting import structural
from fsmflow.backends import Places, promela
from tests.analysis.counter_machines import chain, eight
from tests.analysis.specs import analysed
from tests.sample import machine

NOTHING = (0, 0, 0, 0, 0, 0)

LOOP = CounterMachine(
    states=("draft", "done"),
    start=0,
    counters=("draft.again", "done"),
    caps=(300, 2),
    edges=(
        Edge(0, 0, ((0, 0, 299),), (0,), (), (1, 1, 0, 5_000_000_000, 0, 0)),
        Edge(0, 1, ((0, 300, 300), (1, 0, 1)), (1,), (0,), (1, 1, 0, 0, 0, 0)),
        Edge(0, 1, ((0, 3, 7),), (), (), NOTHING),
    ),
)


def test_a_model_is_readable() -> None:
    """States are labels, counters are variables of the size they need, and what happens stands beside."""
    text = promela.model(LOOP, title="loop")
    body = text[text.index("active") :]

    assert (
        body
        == """\
active proctype workflow()
{
    short n_draft_again = 0;   /* draft.again, at most 300 */
    byte n_done = 0;   /* done, at most 2 */

    goto at_draft;

at_draft:
    if
    /* on */
    :: atomic { n_draft_again <= 299 -> n_draft_again++; goto at_draft }
    /* on */
    :: atomic { n_draft_again == 300 && n_done <= 1 -> n_draft_again = 0; n_done = 0; goto at_done }
    /* on */
    :: atomic { n_draft_again >= 3 && n_draft_again <= 7 -> n_draft_again = 0; n_done = 0; goto at_done }
    :: else -> goto over   /* nothing can happen */
    fi;

at_done:
    goto over;

over:
    ended = true
}

ltl every_run_ends { <> ended }
"""
    )


def test_the_header_says_how_to_check_it() -> None:
    """A model opens with what it asks and with the commands that answer it."""
    ends, most = promela.model(LOOP, title="loop"), promela.model(LOOP, title="loop", measure="steps")

    assert ends.startswith("/*\n * loop: does every run end?\n")
    assert "spin -a FILE" in ends
    assert "./pan -a -m1000000" in ends
    assert most.startswith("/*\n * loop: what is the most that a run uses, in steps?\n")
    assert "-DSAFETY" in most


def test_a_total_is_kept_in_64_bits() -> None:
    """A measured model adds up weights of any size, and prints each maximum that it finds."""
    text = promela.model(LOOP, measure="tokens")

    assert 'c_state "long total" "Global" "0"' in text
    assert "now.total += 5000000000L;" in text
    assert "ltl" not in text


def test_dead_counters_are_zeroed() -> None:
    """A counter that is not read any more is set back, so that the search meets fewer states."""
    still = evolve(LOOP, edges=tuple(evolve(edge, resets=()) for edge in LOOP.edges))

    assert promela.model(still) == promela.model(LOOP)


def test_names_are_legal_and_apart() -> None:
    """Whatever names states and counters have, those in the model are words, and each has its own."""
    odd = evolve(LOOP, states=("a b|c=1", "a_b_c_1"), counters=("if", "a b|c=1"))
    text = promela.model(odd)

    assert "\nat_a_b_c_1:   /* a b|c=1 */\n" in text
    assert "\nat_a_b_c_1_2:" in text
    assert "n_if" in text


def test_where_something_can_always_happen_nothing_else_is_said() -> None:
    """A state whose edges leave no case out has no way for when nothing can happen."""
    assert "else" not in promela.model(eight())


def test_a_plain_loop_is_not_too_plain() -> None:
    """SPIN refuses to search loops without a test and an action, so they have a test that holds."""
    forever = CounterMachine(("a",), 0, (), (), (Edge(0, 0, (), (), (), NOTHING),))

    assert "{ !ended -> goto at_a }" in promela.model(forever)
    assert "{ c_expr { now.total >= 0 } -> goto at_a }" in promela.model(forever, measure="steps")


def test_lines_are_short_and_ascii() -> None:
    """A model of a chain of workflows fits the width of a page."""
    text = promela.model(chain(3))

    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 110


def test_what_happens_stands_beside_each_edge() -> None:
    """An edge of a workflow says whether it is a success, another try or a way out."""
    text = promela.model(
        structural(
            machine(
                """
                a: {run: m:f, effect: none, timeout: 1s, success: $S, retry: $R, invalid: $I, fallback: bad}
                done: {end: success}
                bad: {end: failed}
                """.replace("$S", "{again: {to: a, times: 2, else: done}, ok: done}")
                .replace("$R", "{times: 1, backoff: 1s}")
                .replace("$I", "{times: 2}")
            )
        )
    )

    for remark in (
        "success, again",
        "success, again; a.again is used up",
        "tried again; after a pause of at most",
        "asked again",
        "fallback, failure",
    ):
        assert f"/* {remark}" in text


def test_a_build_makes_one_file(tmp_path) -> None:
    """As a target it makes the model that asks whether every run ends."""
    text = """\
fsmflow: 1
workflow: tiny
budget: {steps: 3, time: 1m, exceeded: bad}
states:
  a: {run: m:f, effect: none, timeout: 1s, success: good, fallback: bad}
  good: {end: success}
  bad: {end: failed}
"""
    places = Places(tmp_path / "tiny.fsm.yaml", tmp_path / "generated", tmp_path / "diagrams")

    (artifact,) = promela.emit(analysed(text), places)

    assert artifact.path == tmp_path / "generated" / "tiny.pml"
    assert b"tiny: does every run end?" in artifact.content
