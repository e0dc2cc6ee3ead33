"""What authors get wrong at first: each is told once, with what was meant."""

from __future__ import annotations

import pytest

from fsmflow.compiler import compile_file

STEPS = """
from typing import Literal, TypedDict

from fsmflow.runtime import StepContext


class Order(TypedDict):
    number: str
    total: int


def ask(text: str) -> Order: ...


def many() -> list[Order]: ...


def both(first: str, second: str, third: str = "") -> Order: ...


def send(order: Order) -> None: ...


def note(order: Order, context: StepContext) -> None: ...


def stream(order: Order):
    yield order


class Shop:
    def send(self, order: Order) -> None: ...
"""

SPEC = """\
fsmflow: 1
workflow: sample
input: str
output: shop.orders:Order
states:
  ask:
    run: shop.orders:ask
    with: {text: $input}
    as: order
    gives: shop.orders:Order
    effect: none
    success: judge
    fallback: failed
  judge:
    choose:
      - {when: order.total > 5, to: send}
      - {to: done}
  send:
    run: shop.orders:send
    with: {order: $order}
    effect: idempotent
    success: done
    retry: {times: 1}
    fallback: failed
  done: {end: success, output: {number: a, total: 1}}
  failed: {end: failed}
"""


@pytest.fixture
def told(compiled, tmp_path):
    """Give what is said of a spec in which something is written otherwise."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop" / "orders.py").write_text(STEPS)

    def compile_with(old, new):
        assert old in SPEC
        return compiled(SPEC.replace(old, new, 1), tmp_path).diagnostics

    return compile_with


def test_nothing_is_wrong_at_first(told):
    """The spec that the slips are made in has none."""
    assert told("", "") == ()


@pytest.mark.parametrize(
    ("old", "new", "check", "hint"),
    [
        ("with: {order: $order}", "with: {order: order}", "type-mismatch", "did you mean `$order`?"),
        ("with: {order: $order}", "with: {order: '{{ order }}'}", "type-mismatch", "did you mean `$order`?"),
        ("with: {text: $input}", "with: {text: '{{input}}'}", "reference-as-text", "did you mean `$input`?"),
        ("{number: a,", "{number: order.number,", "reference-as-text", "did you mean `$order.number`?"),
        ("{number: a,", "{number: No. $order.number,", "reference-as-text", "pass `$order.number` alone"),
        ("idempotent\n", "idempotent\n    key: order.number\n", "reference-as-text", "mean `$order.number`?"),
        ("with: {order: $order}", "with: {ordr: $order}", "type-mismatch", "did you mean `order`?"),
        ("total: 1}", "totl: 1}", "type-mismatch", "did you mean `total`?"),
        ("text: $input}", "text: $order.or_nul}", "read-before-write", "did you mean `$order.or_null`?"),
        ("order.total > 5", '"order.total = 5"', "bad-guard", "`==` compares"),
        (
            "order.total > 5",
            '"order.total > 5 && order.total < 9"',
            "bad-guard",
            "`and`, `or` and `not` join",
        ),
        ("order.total > 5", "order.total == null", "bad-guard", "write `None`"),
        ("order.total > 5", "order.total == true", "bad-guard", "write `True`"),
        ("input: str", "input: string", "bad-type", "did you mean `str`?"),
        ("input: str", "input: List[str]", "bad-type", "did you mean `list`?"),
        ("input: str", "input: Optional[str]", "bad-type", "write `TYPE | None`"),
        ("input: str", "input: str[]", "bad-type", "write `list[TYPE]`"),
        ("run: shop.orders:send", "run: shop.oders:send", "step-not-found", "did you mean `shop.orders`?"),
        ("run: shop.orders:send", "run: shp:send", "step-not-found", "did you mean `shop`?"),
        ("run: shop.orders:send", "run: flows.shop.orders:send", "step-not-found", "mean `shop.orders`?"),
        ("run: shop.orders:send", "run: flows/shop/orders.py:send", "bad-reference", "mean `orders:send`?"),
        ("run: shop.orders:send", "run: shop.orders.py:send", "step-not-found", "mean `shop.orders`?"),
        ("run: shop.orders:send", "run: shop.orders:note", "type-mismatch", "name it `ctx`"),
        ("run: shop.orders:send", "run: shop.orders:stream", "step-not-found", "let it return its value"),
        (
            "run: shop.orders:send",
            "run: shop.orders:Shop.send",
            "bad-reference",
            "write a function that calls it",
        ),
        (
            "gives: shop.orders:Order",
            "gives: 'shop.orders:P[str]'",
            "bad-type",
            "say `NAME = P[…]` in its module",
        ),
        ("gives: shop.orders:Order", "gives: Order", "bad-type", "did you mean `shop.orders:Order`?"),
    ],
)
def test_a_mistake_is_told_once_with_what_was_meant(told, old, new, check, hint):
    """One mistake is one fault, and its hint says what to write."""
    (diagnostic,) = told(old, new)

    assert diagnostic.check == check
    assert hint in diagnostic.hint


@pytest.mark.parametrize("text", ["order", "e.g. 5", "$$order.number", "other.number", "{{ other }}", "5 $"])
def test_a_text_that_names_no_value_is_a_text(told, text):
    """A word, a price and a deliberate dollar are what they are."""
    assert told("with: {text: $input}", f"with: {{text: '{text}'}}") == ()


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("from .orders import ask", "from orders import ask"),
        ("from . import a, b", "import a, b"),
    ],
)
def test_a_relative_import_without_a_package_is_told(compiled, tmp_path, line, meant):
    """A module beside the spec is in no package, and says so before a run does."""
    (tmp_path / "steps.py").write_text(f"import json\n{line}\ndef ask(text): ...\n")
    text = SPEC.replace("shop.orders:ask", "steps:ask").replace("shop.orders:", "typing:")
    found = [d for d in compiled(text, tmp_path).diagnostics if "`steps`" in d.message]

    assert [d.check for d in found] == ["step-not-found"]
    assert f"steps.py, line 2: a relative import needs a package around the module; write `{meant}`" in (
        found[0].message
    )


def test_a_relative_import_within_a_package_is_one(told, tmp_path):
    """A module of a package imports its neighbours as it likes."""
    (tmp_path / "shop" / "more.py").touch()
    with (tmp_path / "shop" / "orders.py").open("a") as module:
        module.write("\nfrom . import more\nfrom .more import __name__ as name\n")

    assert told("", "") == ()


def test_a_comment_on_the_wrong_line_is_sent_to_the_right_one(told):
    """Who excuses what stands two lines below is told where that is."""
    comment = "# fsmflow: ignore[effect-unsaid] the shop sorts out doubles"
    found = told("    effect: idempotent\n", f"    {comment}\n")
    (unused,) = (each for each in found if each.check == "unused-suppression")

    assert unused.hint == "it is on line 23: put the comment there, or above it"


def test_a_misspelt_check_in_a_comment_is_told_with_the_right_name(told):
    """Who excuses a check that is not there is told the one that is."""
    found = told(
        "    effect: idempotent\n    success: done\n    retry: {times: 1}",
        "    success: done\n    retry: {times: 1}  # fsmflow: ignore[effect-unsayd] no harm",
    )

    (unused,) = (each for each in found if each.check == "unused-suppression")

    assert unused.hint == "did you mean `effect-unsaid`?"


def test_a_tool_without_an_arm_is_told_what_to_add(compiled):
    """A tool that leads nowhere, and is like no arm, has to be given one."""
    spec = """\
workflow: sample
states:
  think:
    llm: {model: m, prompt: p.md, max_tokens: 9, tools: {look: str, answer: str}}
    cost: {tokens: 90}
    success: {look: done}
    fallback: failed
  done: {end: success}
  failed: {end: failed}
"""
    (found,) = (d for d in compiled(spec).diagnostics if d.check == "tool-mismatch")

    assert found.hint == "add `answer: STATE` to `success`"


def test_a_prompt_in_the_place_of_its_file_is_told_where_to_go(compiled):
    """Who writes the words of a prompt where the name of its file stands is told to put them into one."""
    spec = """\
workflow: sample
states:
  think:
    llm: {model: m, prompt: "Sum up:\\n{{ text }}", max_tokens: 9}
    cost: {tokens: 90}
    success: done
    fallback: failed
  done: {end: success}
  failed: {end: failed}
"""
    (found,) = (d for d in compiled(spec).diagnostics if d.check == "prompt-not-found")

    assert found.hint == "write it into a file beside the spec, and name that"


AGAIN = """\
fsmflow: 1
workflow: sample
states:
  first: {run: m:f, as: text, gives: str, effect: none, success: again, fallback: failed}
  again:
    run: m:f
    as: text
    gives: str
    effect: idempotent
    key: KEY
    success: done
    fallback: show
  show: {run: m:f, with: {text: TEXT}, effect: none, success: done, fallback: failed}
  done: {end: success}
  failed: {end: failed}
"""


def test_a_value_that_a_state_has_cleared_is_told_with_that_state(compiled):
    """What was set before, and is gone because it was to be given anew, is not told as never set."""
    (told,) = compiled(AGAIN.replace("KEY", "a").replace("TEXT", "$text")).diagnostics

    assert "`first → again → (fallback) → show` `again` clears it and gives none" in told.message
    assert told.hint == "let `again` give its value by another name, with `as`, or read `$text.or_null`"


@pytest.mark.parametrize("key", ["$text", "$text.or_null"])
def test_a_key_made_of_what_the_state_itself_gives_is_never_set(compiled, key):
    """Null is no way out there: every visit would have one key."""
    (told,) = compiled(AGAIN.replace("KEY", key).replace("TEXT", "a")).diagnostics

    assert (told.check, told.hint) == (
        "read-before-write",
        "let `again` give its value by another name, with `as`",
    )


@pytest.mark.parametrize(
    ("literal", "hint"),
    [
        ("'small'", "compare `input.size.value`, or let `m:Size` be a `StrEnum`"),
        ("5", "compare `input.size.value`, or let `m:Size` be an `IntEnum`"),
        ("True", "compare `input.size.value`"),
    ],
)
def test_a_member_of_an_enum_is_compared_by_its_value(compiled, literal, hint):
    """The hint says how, and which enum would do without."""
    spec = (
        "fsmflow: 1\nworkflow: sample\ninput: m:Parcel\nstates:\n"
        f'  pick: {{choose: [{{when: "input.size == {literal}", to: done}}, {{to: failed}}]}}\n'
        "  done: {end: success}\n  failed: {end: failed}\n"
    )
    (told,) = compiled(spec).diagnostics

    assert (told.check, told.hint) == ("bad-guard", hint)


@pytest.mark.parametrize("read", ["$error.or_null.message", "$input.or_null.a.or_null", "$text.or_null.a"])
def test_or_null_before_the_end_is_told_once_with_what_was_meant(compiled, read):
    """A reference that asks too soon whether there is anything says where that stands."""
    (told,) = compiled(AGAIN.replace("KEY", "a").replace("TEXT", read)).diagnostics

    assert told.check == "bad-reference"
    assert f"did you mean `{read.replace('.or_null', '')}.or_null`?" in told.message


def test_what_only_an_unreachable_state_leads_to_is_told_with_it(compiled):
    """One way that is missing is one finding, in a circle too; what two of them lead to is told once."""
    found = compiled("""\
fsmflow: 1
workflow: apart
states:
  start: {wait: 1s, success: done}
  late: {wait: 1s, success: later}
  first: {wait: 1s, success: second}
  second: {run: m:f, effect: none, success: done, retry: {times: 1}, fallback: third}
  third: {choose: [{when: len(input) > 1, to: second}, {to: later}]}
  later: {end: success}
  turn: {choose: [{when: len(input) > 1, to: again}, {to: done}]}
  again: {run: m:f, effect: none, success: {to: turn, times: 2, else: done}, fallback: done}
  done: {end: success}
""")

    assert [(d.route, d.message) for d in found.diagnostics if d.check == "unreachable-state"] == [
        (
            ("states", "late"),
            "no run can enter `late`, or `later` beyond it: nothing leads to it from `start`",
        ),
        (
            ("states", "first"),
            "no run can enter `first`, or `second`, `third` beyond it: nothing leads to it from `start`",
        ),
        (
            ("states", "turn"),
            "no run can enter `turn`, or `again` beyond it: nothing leads to it from `start`",
        ),
    ]


SHARED = """\
fsmflow: 1
workflow: shared
input: str
output: shop.orders:Order
states:
  one:
    run: shop.orders:ask
    with: {text: $input}
    as: order
    gives: FIRST
    effect: none
    success: send
    fallback: two
  two:
    run: shop.orders:ask
    with: {text: $input}
    as: order
    gives: SECOND
    effect: none
    success: send
    fallback: three
  three:
    run: shop.orders:ask
    with: {text: $input}
    as: order
    gives: shop.orders:Order
    effect: none
    success: send
    fallback: failed
  send: {run: shop.orders:send, with: {order: $order}, effect: none, success: done, fallback: failed}
  done: {end: success, output: $order}
  failed: {end: failed}
"""


@pytest.mark.parametrize(
    ("wrong", "check"),
    [
        ("lits[shop.orders:Order]", "bad-type"),
        ("shop.orders:Oder", "bad-type"),
        ("shop.oders:Order", "step-not-found"),
        ("list[shop.orders:Order]", "type-mismatch"),
        ("str", "type-mismatch"),
    ],
)
@pytest.mark.parametrize("place", ["FIRST", "SECOND"])
def test_a_wrong_type_of_a_shared_value_is_told_where_it_stands(compiled, tmp_path, wrong, check, place):
    """Neither the other states that give the value, nor those that read it, are told of it."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop" / "orders.py").write_text(STEPS)
    text = SHARED.replace(place, wrong).replace("FIRST", "shop.orders:Order")
    found = compiled(text.replace("SECOND", "shop.orders:Order"), tmp_path).errors

    at = ("states", "one" if place == "FIRST" else "two", "gives")
    assert {d.route for d in found} == {at}
    assert {d.check for d in found} - {"name-collision"} == {check}
    assert (check == "type-mismatch") is ("name-collision" in {d.check for d in found})


@pytest.mark.parametrize(
    ("old", "new", "place", "hint"),
    [
        ("yes: plan", "yse: plan", ("states", "check", "success", "yse"), "did you mean `yes`?"),
        (
            "{never",
            "{never: failed, between: [plan, check.yse]}, {never",
            ("policies", 0, "between", 1),
            "yes",
        ),
        ("search: str", "serch: str", ("states", "plan", "llm", "tools", "serch"), "did you mean `search`?"),
        ("search: done", "serch: done", ("states", "plan", "llm", "tools", "search"), "mean `serch`?"),
    ],
)
def test_a_misspelt_label_is_one_fault(compiled, old, new, place, hint):
    """The label that is left without an arm, the arm without a label and a policy are told once."""
    text = """\
fsmflow: 1
workflow: labelled
input: m:Question
states:
  check: {run: m:verdict, effect: none, success: {yes: plan, no: failed}, fallback: failed}
  plan:
    llm: {model: any, prompt: prompts/hello.md, max_tokens: 10, tools: {search: str, stop: str}}
    cost: {tokens: 100}
    success: {search: done, stop: failed}
    fallback: failed
  done: {end: success}
  failed: {end: failed}
policies: [{never: done, between: [check, check.yes]}, {before: plan.search, visit: done}]
"""
    assert compiled(text).errors == ()
    (found,) = compiled(text.replace(old, new, 1)).errors

    assert (found.route, hint in found.hint) == (place, True)


@pytest.mark.parametrize("word", ["with: {text", "{{ text }}"])
def test_an_argument_that_a_prompt_knows_by_another_name_is_one_fault(compiled, tmp_path, word):
    """The prompt is told; not the argument that is left over, nor what takes it under its right name."""
    steps = """
def answers(answer: str, text: str) -> None: ...
def offline(text: str) -> str: ...
"""
    spec = """\
fsmflow: 1
workflow: prompted
input: str
states:
  draft:
    llm: {model: any, prompt: draft.md, max_tokens: 10}
    with: {text: $input}
    accept: [words:answers]
    cost: {tokens: 100}
    success: done
    fallback: failed
  done: {end: success, output: $draft}
  failed: {end: failed}
profiles: {offline: {draft: words:offline}}
"""
    prompt = "Answer {{ text }}"
    (tmp_path / "words.py").write_text(steps)
    (tmp_path / "draft.md").write_text(prompt)
    assert compiled(spec, tmp_path).diagnostics == ()

    (tmp_path / "draft.md").write_text(prompt.replace(word, word.replace("text", "txet")))
    found = compiled(spec.replace(word, word.replace("text", "txet")), tmp_path).diagnostics

    assert [d.check for d in found] == ["prompt-mismatch"]
    assert found[0].hint in ("did you mean `text`?", "did you mean `txet`?")


def test_a_reserve_that_can_not_be_read_is_one_fault(compiled):
    """Where it is not known if a state is a reserve, `exceeded` is not told to lack one."""
    found = compiled("""\
fsmflow: 1
workflow: reserved
budget: {steps: 5, exceeded: quote}
states:
  draft: {run: m:f, effect: none, success: done, fallback: quote}
  quote: {run: m:f, timeout: 1s, effect: none, reserve: treu, success: done, fallback: done}
  done: {end: success}
""").errors

    assert [d.check for d in found] == ["wrong-type"]


NAMED = """\
fsmflow: 1
workflow: named
input: str
budget: {steps: 9, exceeded: excuse}
states:
  draft:
    run: m:f
    with: {text: $input, last: $answer.or_null}
    as: answer
    gives: str
    effect: none
    success: check
    fallback: excuse
  check: {run: m:verdict, with: {t: $answer}, effect: none, success: {yes: done, no: again}, fallback: excuse}
  again: {choose: [{when: check == "no", to: draft, times: 2, else: excuse}, {to: excuse}]}
  done: {end: success, output: $answer}
  excuse: {end: failed}
policies: [{before: draft, visit: done}, {never: done, between: [draft, check.yes]}]
profiles: {offline: {draft: m:f}}
"""


@pytest.mark.parametrize(
    ("line", "name", "wrong", "check", "places"),
    [
        ("  draft:", "draft", "dratf", "unknown-target", 4),
        ("  check:", "check", "chekc", "unknown-target", 3),
        ("  done:", "done", "don", "unknown-target", 3),
        ("  excuse:", "excuse", "excues", "unknown-target", 5),
        ("    as: answer", "answer", "answr", "bad-reference", 3),
    ],
)
def test_a_name_that_is_misspelt_where_it_is_given_is_told_there(compiled, line, name, wrong, check, places):
    """All that mentions it is right, and is told as one fault with the name that it wants."""
    assert compiled(NAMED).errors == ()
    (found,) = compiled(NAMED.replace(line, line.replace(name, wrong), 1)).errors

    assert (found.check, found.hint) == (check, f"did you mean `{name}`?")
    assert wrong in found.route or found.route[-1] == "as"
    assert f"`{name}`, which {places} places" in found.message


def test_a_name_that_is_misspelt_where_it_is_mentioned_is_told_there(compiled):
    """Where another place has the right name, each that has it wrong is a fault of its own."""
    found = compiled(NAMED.replace("fallback: excuse", "fallback: excues")).errors

    assert [(d.message, d.hint) for d in found] == [("unknown state `excues`", "did you mean `excuse`?")] * 2


def test_a_price_that_is_missing_is_one_fault(compiled):
    """However many states ask the model; one that names another is a fault of its own."""
    llm = "llm: {model: MODEL, prompt: prompts/hello.md, max_tokens: 10}, cost: {tokens: 100}, timeout: 1s"
    found = compiled(
        "fsmflow: 1\nworkflow: asks\nbudget: {usd: 1, exceeded: end}\nstates:\n"
        f"  one: {{{llm.replace('MODEL', 'small')}, success: two, fallback: two}}\n"
        f"  two: {{{llm.replace('MODEL', 'large')}, success: three, fallback: three}}\n"
        f"  three: {{{llm.replace('MODEL', 'small')}, success: end, fallback: end}}\n"
        "  end: {end: success}\n"
    ).errors

    assert [(d.check, d.route[1], [r.route[1] for r in d.related]) for d in found] == [
        ("model-unpriced", "one", ["three"]),
        ("model-unpriced", "two", []),
    ]


TURNS = """\
fsmflow: 1
workflow: turns
states:
  one: {run: m:f, with: {t: $note.or_null}, as: note, gives: str, effect: none, success: END, fallback: two}
  two: {run: m:f, with: {t: $note.or_null}, as: noet, gives: KIND, effect: none, success: END, fallback: lost}
  done: {end: success, output: $note}
  said: {end: success, output: {text: $note.or_null}}
  lost: {end: failed}
"""


@pytest.mark.parametrize(
    ("end", "kind", "name", "told"),
    [
        ("done", "str", "noet", ["error"]),
        ("said", "str", "noet", ["warning"]),
        ("said", "int", "noet", []),
        ("said", "str", "note_2", []),
    ],
)
def test_a_value_that_nothing_reads_may_be_one_that_is_misspelt(compiled, end, kind, name, told):
    """It is told once, gravely where the other is missed; not where they are of two types, or numbered."""
    text = TURNS.replace("END", end).replace("KIND", kind).replace("noet", name)
    found = [d for d in compiled(text).diagnostics if d.check != "unreachable-state"]

    assert [d.severity.value for d in found] == told
    assert {(d.check, d.route, d.hint) for d in found} <= {
        ("bad-reference", ("states", "two", "as"), "did you mean `note`?")
    }


@pytest.mark.parametrize("line", ["    run: m:f\n", "{end: success, output: $answer}", "run: m:verdict, "])
def test_a_state_without_a_kind_is_one_fault(compiled, line):
    """What reads its value, speaks of its labels or waits for an output is not told of it."""
    text = NAMED.replace("input: str\n", "input: str\noutput: str\n")
    found = compiled(text.replace(line, "{output: $answer}" if line.startswith("{") else "", 1)).errors

    assert [d.check for d in found] == ["unknown-kind"]


def test_arguments_that_are_missing_are_one_fault(told):
    """However many there are; the hint names them all."""
    for old, names in (
        ("    with: {text: $input}\n", "`text`"),
        ("    run: shop.orders:ask\n    with: {text: $input}\n", "`first` and `second`"),
    ):
        found = told(old, "    run: shop.orders:both\n" if "run" in old else "")

        assert [d.hint for d in found if d.check == "type-mismatch"] == [f"add {names} to `with`"]


def test_a_cap_that_is_too_low_for_some_states_is_one_fault(compiled):
    """The first of them is told, with the others beside it."""
    step = "run: m:f, effect: none, cost: {tokens: COST}, fallback: end"
    found = compiled(
        "fsmflow: 1\nworkflow: low\nbudget: {tokens: 5, exceeded: end}\nstates:\n"
        f"  one: {{{step.replace('COST', '6')}, success: two}}\n"
        f"  two: {{{step.replace('COST', '5')}, success: three}}\n"
        f"  three: {{{step.replace('COST', '7')}, success: end}}\n"
        "  end: {end: success}\n"
    ).errors
    above = [d for d in found if d.check == "attempt-above-cap"]

    assert [(d.route[1], [r.message for r in d.related]) for d in above] == [
        ("one", ["`three` may take 7 tokens at once"])
    ]


@pytest.mark.parametrize(
    ("returns", "told"),
    [
        ('Literal["a", "b"] | None', ["warning"]),
        ('Literal["a", "b", None]', ["warning"]),
        ("str | None", ["warning"]),
        ('Outcome[Literal["a", "b"] | None, str]', ["warning"]),
        ('Literal["a"] | Literal["b"]', []),
        ('Literal["a", "b", "c"] | None', ["error", "warning"]),
        ("None", ["error"]),
        ("int | str | None", ["error", "warning"]),
    ],
)
def test_null_is_no_label(compiled, tmp_path, returns, told):
    """A run rejects it where a label stands, and takes the labels beside it: a warning, and no error."""
    (tmp_path / "step.py").write_text(
        f"from typing import Literal\nfrom fsmflow.runtime import Outcome\ndef pick() -> {returns}: ...\n"
    )
    gives = "gives: str, " if "Outcome" in returns else ""
    found = compiled(
        "fsmflow: 1\nworkflow: picks\nstates:\n"
        f"  pick: {{run: step:pick, {gives}effect: none, success: {{a: done, b: done}}, fallback: done}}\n"
        "  done: {end: success}\n",
        tmp_path,
    ).diagnostics

    assert sorted(d.severity.value for d in found if d.check == "label-mismatch") == told


def test_a_value_that_is_one_of_some_words_or_null_is_no_label(compiled, tmp_path):
    """Where a step may return null, and its success has no labels, it gives a value."""
    (tmp_path / "step.py").write_text('from typing import Literal\ndef pick() -> Literal["a"] | None: ...\n')
    found = compiled(
        "fsmflow: 1\nworkflow: picks\nstates:\n"
        "  pick: {run: step:pick, effect: none, success: done, fallback: done}\n  done: {end: success}\n",
        tmp_path,
    ).diagnostics

    assert found == ()


def test_steps_of_a_spec_that_is_a_link_are_told_where_they_are_looked_for(tmp_path):
    """They stand beside the link; of a spec that is none nothing is said of links."""
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "linked.fsm.yaml").write_text(SPEC.replace("workflow: sample", "workflow: linked"))
    (tmp_path / "linked.fsm.yaml").symlink_to("kept/linked.fsm.yaml")

    hints = {
        place: {d.hint for d in compile_file(place / "linked.fsm.yaml").errors if d.check == "step-not-found"}
        for place in (tmp_path, kept)
    }

    assert hints == {
        tmp_path: {"the spec is a link to kept/linked.fsm.yaml: steps stand beside the link"},
        kept: {""},
    }


def test_the_input_of_a_child_that_is_another_thing_is_one_fault(told, tmp_path):
    """Where the items are what the child takes, the hint is to let them be; `over` is told its dollar."""
    (tmp_path / "child.fsm.yaml").write_text(
        "fsmflow: 1\nworkflow: child\ninput: shop.orders:Order\nstates:\n  done: {end: success}\n"
    )
    ask = "    run: shop.orders:ask\n    with: {text: $input}\n    as: order\n    gives: shop.orders:Order\n"
    many = "    run: shop.orders:many\n    as: orders\n    gives: list[shop.orders:Order]\n"
    old = ask + "    effect: none\n    success: judge\n    fallback: failed\n"
    end = "    success: done\n    fallback: failed\n"
    for each, hint in (
        ("over: $orders, with: {shop: $item}", "leave `with` out: each item is the input then"),
        ("over: $orders, with: {number: 5, total: 5}", ""),
        ("over: orders", "did you mean `$orders`?"),
    ):
        new = f"{many}    effect: none\n    success: each\n    fallback: failed\n"
        new += f"  each: {{map: child, {each}, at_most: 3, success: done, fallback: failed}}\n"
        found = told(old, f"{new}  again:\n{ask}    effect: none\n{end}")

        assert [d.hint for d in found if d.severity.value == "error" and d.route[1] == "each"] == [hint]


@pytest.mark.parametrize(
    ("read", "hint"),
    [
        ("$plan.query", "what its tool takes is the value: read `$plan`"),
        ("$plan.search", "what its tool takes is the value: read `$plan`"),
        ("$plan", ""),
    ],
)
def test_what_a_tool_takes_is_the_value(compiled, read, hint):
    """Who looks for it by the tool's name, or by a parameter's, is told what to read."""
    found = compiled(
        "fsmflow: 1\nworkflow: agent\nstates:\n"
        "  plan:\n"
        "    llm: {model: any, prompt: prompts/hello.md, max_tokens: 10, tools: {search: str}}\n"
        "    cost: {tokens: 100}\n    success: {search: search}\n    fallback: done\n"
        f"  search: {{run: m:count, with: {{text: {read}}}, effect: none, success: done, fallback: done}}\n"
        "  done: {end: success}\n"
    ).errors

    assert [d.hint for d in found] == ([hint] if hint else [])
