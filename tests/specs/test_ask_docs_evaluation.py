"""The evaluation of `ask_docs`: how questions are made, drawn and graded."""

from types import SimpleNamespace

import pytest
from ask_docs import Answer
from ask_docs.questions import MaskedQuestion, mask
from ask_docs_evaluation import Asked, choose, grade, table

ASKED = Asked("listing", "What gives the divisor?", frozenset({"math.gcd"}))
RIGHT, WRONG = Answer("", ["math.gcd"]), Answer("", ["math.lcm"])


def run(kind, output, *drafts):
    trace = [SimpleNamespace(state="draft", value=value) for value in drafts]
    return SimpleNamespace(kind=kind, output=output, trace=trace)


@pytest.mark.parametrize(
    ("result", "columns"),
    [
        (run("success", RIGHT, RIGHT), ["asked", "draft right", "answered right"]),
        (run("success", RIGHT, WRONG, RIGHT), ["asked", "answered right", "rescued"]),
        (run("success", WRONG, RIGHT, WRONG), ["asked", "draft right", "answered wrong"]),
        (run("degraded", RIGHT, RIGHT, WRONG), ["asked", "draft right", "degraded", "(right)"]),
        (run("degraded", WRONG, None), ["asked", "degraded"]),
        (run("handoff", None), ["asked", "handed off"]),
    ],
)
def test_a_run_counts_where_it_belongs(result, columns):
    """A rescue is a right answer after a wrong first draft, and nothing else is."""
    assert grade(ASKED, result) == columns


def test_the_table_adds_up_what_is_not_easy():
    """The last row leaves out questions whose sentence the index holds."""
    row = table([("listing", ["asked"]), ("twin", ["asked"]), ("detail", ["asked"])]).splitlines()[-1]

    assert row.split()[:4] == ["all", "but", "detail", "2"]


def test_questions_in_others_words_are_drawn_first():
    """The easy kind only fills up, and a seed draws the same again."""
    questions = [Asked("detail", str(n), frozenset()) for n in range(9)] + [ASKED]

    assert choose(questions, 3, 0)[0] == ASKED
    assert choose(questions, 3, 0) == choose(list(reversed(questions)), 3, 0)


def test_a_question_does_not_name_its_answer():
    """The object's name goes, in any case, and with it the call that opens the description."""
    text = "gcd(a, b) -- The GCD of two numbers, as gcd() does it. More."

    assert "gcd" not in mask(MaskedQuestion("listing", ["math.gcd"], text)).text.lower()
