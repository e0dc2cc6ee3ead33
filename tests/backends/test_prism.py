"""Models for Storm and PRISM: readable, by legal names, and saying what the counter machine does."""

from __future__ import annotations

from attrs import evolve

from fsmflow.analysis.proving.counter_machine import METRICS, CounterMachine, Edge
from fsmflow.backends import Places, prism
from tests.analysis.counter_machines import chain, eight
from tests.analysis.specs import analysed
from tests.backends.test_promela import LOOP, NOTHING


def test_a_model_is_readable() -> None:
    """States are constants, counters are variables within their caps, and what happens stands above."""
    text = prism.model(LOOP, title="loop")
    body = text[text.index("mdp") : text.index("rewards")]

    assert body == (
        "mdp\n"
        "\n"
        "const int at_draft = 0;\n"
        "const int at_done = 1;\n"
        "\n"
        "module workflow\n"
        "  state : [0..1] init at_draft;\n"
        "  n_draft_again : [0..300] init 0;  // draft.again\n"
        "  n_done : [0..2] init 0;  // done\n"
        "\n"
        "  // on\n"
        "  [do_draft_on] state=at_draft & n_draft_again<=299 -> (state'=at_draft)"
        " & (n_draft_again'=n_draft_again+1);\n"
        "  // on\n"
        "  [do_draft_on_2] state=at_draft & n_draft_again=300 & n_done<=1 -> (state'=at_done)"
        " & (n_draft_again'=0)\n"
        "      & (n_done'=0);\n"
        "  // on\n"
        "  [do_draft_on_3] state=at_draft & n_draft_again>=3 & n_draft_again<=7 -> (state'=at_done)\n"
        "      & (n_draft_again'=0) & (n_done'=0);\n"
        "endmodule\n"
        "\n"
        'label "end" =\n'
        "    (state=at_draft & n_draft_again=300 & n_done=2)\n"
        "  | (state=at_done);\n"
        "\n"
    )


def test_each_metric_has_rewards() -> None:
    """There is one reward structure a metric, which gives each edge its weight."""
    text = prism.model(LOOP)

    assert [f'rewards "{metric}"' for metric in METRICS] == [
        line for line in text.splitlines() if line.startswith("rewards")
    ]
    assert "  [do_draft_on] true : 5000000000;" in text
    assert 'rewards "micro_usd"\n  true : 0;\nendrewards' in text


def test_the_header_says_how_to_check_it() -> None:
    """A model opens with what it asks and with the commands that answer it."""
    text = prism.model(LOOP, title="loop")

    assert text.startswith("// loop: does every run end, and what is the most that it uses?\n")
    assert 'storm --prism FILE --exact --prop \'Pmin=? [F "end"]; R{"steps"}max=? [F "end"]\'' in text


def test_a_machine_without_an_end_has_an_empty_label() -> None:
    """Where something can always happen, nothing is labelled an end."""
    forever = CounterMachine(("a",), 0, (), (), (Edge(0, 0, (), (), (), NOTHING),))

    assert 'label "end" = false;' in prism.model(forever)
    assert "state : [0..1] init at_a;" in prism.model(forever)


def test_only_ends_are_labelled_where_something_can_always_happen() -> None:
    """The workflow of eight steps stops in its two ends, and nowhere else."""
    text = prism.model(eight())

    assert 'label "end" =\n    (state=at_done)\n  | (state=at_failed);\n' in text


def test_names_are_legal_and_apart() -> None:
    """Whatever names states and counters have, those in the model are words, and each has its own."""
    text = prism.model(evolve(LOOP, states=("max", "a|c=1"), counters=("a_c_1", "module")))

    assert "const int at_max = 0;\nconst int at_a_c_1 = 1;" in text
    assert "n_module : [0..2]" in text


def test_lines_are_short_and_ascii() -> None:
    """A model of a chain of workflows fits the width of a page."""
    text = prism.model(chain(3))

    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 110


def test_a_build_makes_one_file(tmp_path) -> None:
    """As a target it makes one model, of whether every run ends and of all metrics."""
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

    (artifact,) = prism.emit(analysed(text), places)

    assert artifact.path == tmp_path / "generated" / "tiny.prism"
    assert artifact.content.startswith(b"// tiny: ")
