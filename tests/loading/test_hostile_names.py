"""Names and prose made to become code, files or pictures: refused, and shown harmlessly."""

from __future__ import annotations

import json

import pytest

from fsmflow.loading.names import SAID_ELSEWHERE

HOSTILE = [
    '"];import os', "'''", '"""', "trailing\\", "a\nb", "a\rb", "coding: utf-7", "class", "None", "lambda",
    "__debug__", "a__b", "\ufb01le", "dr\u0430ft", "a\u202eb", "a\u200bb", "caf\u00e9", "\u0663", "Draft",
    "9a", "", " ", "a b", "a-b", "a.b", "../../x", "/etc/passwd", "x" * 64, "x" * 10_000, "{x}", "%s", "${x}",
    "<b>", "a:b", "javascript:alert(1)", "_private", "\U0001f600", "a\x00b", "a\x1b[31mb",
]  # fmt: skip


def quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=max(name, default="") < "\U00010000")


def spec(**names: str) -> str:
    given = {
        "workflow": "w",
        "state": "a",
        "label": "ok",
        "value": "v",
        "profile": "p",
        "parameter": "q",
    } | names
    key = {kind: f"? {quoted(name)}\n" for kind, name in given.items()}
    return (
        f"workflow: {quoted(given['workflow'])}\nstates:\n  {key['state']}  :\n    run: m:f\n"
        f"    as: {quoted(given['value'])}\n    with:\n      {key['parameter']}      : 1\n"
        f"    success:\n      {key['label']}      : done\n    fallback: done\n  done: {{end: success}}\n"
        f"profiles:\n  {key['profile']}  : {{}}\n"
    )


def test_plain_names_are_names(told):
    """The spec that these tests spoil is in order."""
    assert told(spec()) == []


@pytest.mark.parametrize("kind", ["workflow", "state", "label", "value", "profile"])
@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_hostile_name(told, kind, name):
    """No such name gets through, and the message shows it escaped and shortened."""
    said = told(spec(**{kind: name}))

    assert [s.check for s in said] == ["bad-name"]
    assert said[0].message.replace("…", "").isascii()
    assert said[0].message.replace("…", "").isprintable()
    assert len(said[0].message) < 200


@pytest.mark.parametrize("name", ["__class__", "a__b", "class", "1; import os", "", "\ufb01le", "x" * 64])
def test_a_hostile_parameter(told, name):
    """What a step is called with is a plain parameter name."""
    assert [s.check for s in told(spec(parameter=name))] == ["bad-name"]


@pytest.mark.parametrize("name", ["match", "case", "type", "self", "print", "end", "no"])
def test_words_that_are_no_keywords(told, name):
    """Soft keywords and builtins are names: generated code never binds them."""
    assert told(spec(state=name, label=name, value=name, workflow=name)) == []


@pytest.mark.parametrize("label", ["to", "times", "else", "per", "success", "retry", "invalid", "fallback"])
def test_a_reserved_label(told, label):
    """A word with a meaning of its own is no label."""
    said = told(spec(label=label))

    # A mapping that holds `to` is a target, in which there is nothing else amiss.
    assert [s.check for s in said] == ([] if label == "to" else ["reserved-name"])


@pytest.mark.parametrize("name", ["input", "error", "item", "len", "exceeded", "cancelled"])
def test_a_reserved_state(told, name):
    """What references and guards call by name is neither a state nor a value."""
    assert [s.check for s in told(spec(state=name))] == ["reserved-name"]
    assert [s.check for s in told(spec(value=name))] == ["reserved-name"]


@pytest.mark.parametrize("name", ["con", "nul", "aux", "prn", "com1", "lpt9"])
def test_a_device(told, name):
    """A workflow, which files are named after, is not named like a device of Windows."""
    assert [s.check for s in told(spec(workflow=name))] == ["reserved-name"]
    assert told(spec(state=name)) == []


def test_names_that_differ_by_case(told):
    """Two names can't differ by case alone, since none has a capital."""
    assert [s.check for s in told(spec(state="Done"))] == ["bad-name"]


TITLES = [
    "a\nb",
    "a\rb",
    "a\x1b[31mb",
    "a\u202eb",
    "a\u200bb",
    "a\u2028b",
    "a\x85b",
    "a\x00b",
    "x" * 201,
    "a\tb",
    "a\u200db",
    "a\u200cb",
    "\u200cمی",
    "می\u200c",
    "می\u200c\u200cخواهم",
    "دا\u200cد",
    "می\u200c a",
    "क\u200dष",
    "क्\u200c",
    "क्\u200dि",
    "्\u200dष",
    "می\u202dخواهم",
    "\u200d\N{GIRL}",
    "\N{GIRL}\u200d",
    "\N{GIRL}\u200da",
    "\N{GIRL}\u200d\u200d\N{GIRL}",
    "\N{GIRL}\u200b\N{GIRL}",
]


@pytest.mark.parametrize("title", TITLES, ids=ascii)
def test_a_hostile_title(told, title):
    """A title is one short line with nothing hidden in it."""
    text = f"workflow: w\ntitle: {quoted(title)}\nstates:\n  a: {{end: success, title: {quoted(title)}}}\n"
    said = told(text)

    assert [(s.check, s.line) for s in said] == [("bad-title", 2), ("bad-title", 4)]
    assert all(s.message.isprintable() for s in said)


@pytest.mark.parametrize(
    "title",
    [
        "日本語",
        "café",
        "{x} %s ${x}",
        "'''",
        '"""',
        "</script>",
        "# coding: utf-7",
        "\\",
        "می\u200cخواهم",
        "خانه\u200cها",
        "مى\u064e\u200cدهد",
        "क्\u200cष",
        "क्\u200dष",
        "ශ්\u200dරී",
        "👨\u200d👩\u200d👧",
        "👩🏽\u200d⚕️",
        "❤️\u200d🔥",
        "🙂\u200d↔️",
    ],
)
def test_prose_is_free(told, title):
    """What is harmless as data may stand in a title."""
    assert told(f"workflow: w\ntitle: {quoted(title)}\nstates:\n  a: {{end: success}}\n") == []


REFERENCES = [
    "m:f.__globals__", "m:__import__", "__main__:f", "m.__class__:f", "m:_private", "_m:f", "m", "m:", ":f",
    "m:f()", "m:f;import os", "m/x:f", "../m:f", "m:f\n", "m :f", "m..n:f", "m:class", "\u043c:f",
    "x" * 300 + ":f", "http://x:f", "",
]  # fmt: skip


@pytest.mark.parametrize("reference", REFERENCES, ids=ascii)
def test_a_reference_that_names_no_function(told, reference):
    """A step is `module:name` with plain parts; nothing is reached through it."""
    text = (
        f"workflow: w\nstates:\n  a:\n    run: {quoted(reference)}\n    accept: [{quoted(reference)}]\n"
        f"    success: d\n    fallback: d\n  d: {{end: success}}\n"
        f"profiles: {{p: {{a: {quoted(reference)}}}}}\n"
    )

    assert [s.check for s in told(text)] == ["bad-reference"] * 3


@pytest.mark.parametrize(
    "reference",
    [
        "os:system",
        "builtins:eval",
        "subprocess:run",
        "sys:exit",
        "importlib:import_module",
        "os.path:join",
        "shutil:rmtree",
    ],
)
def test_a_forbidden_reference(told, reference):
    """A spec alone can't run a program, whatever it names."""
    step = f"{{run: {quoted(reference)}, success: d, fallback: d}}"
    text = f"workflow: w\nstates:\n  a: {step}\n  d: {{end: success}}\n"
    (said,) = told(text)

    assert ("forbidden-reference", quoted(reference)) == (said.check, said.at)


def state(keys: str) -> str:
    return f"workflow: w\nstates:\n  a: {{{keys}, success: d, fallback: d}}\n  d: {{end: success}}\n"


RUNNING = {
    "call": "call: {}",
    "map": "map: {}, over: $input.items, at_most: 3",
    "parallel": "parallel: {{x: {{call: {}}}}}",
}


@pytest.mark.parametrize("kind", RUNNING)
@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_child_is_no_path(told, kind, name):
    """The workflow that a state runs is named, not found by a path."""
    (said,) = told(state(RUNNING[kind].format(quoted(name))))

    assert said.check == "bad-name"
    assert said.message.replace("…", "").isascii()
    assert len(said.message) < 200


@pytest.mark.parametrize("kind", RUNNING)
@pytest.mark.parametrize("name", ["con", "nul", "com1"])
def test_a_child_is_no_device(told, kind, name):
    """No child is looked for in what is a device on Windows."""
    assert [(s.check, s.at) for s in told(state(RUNNING[kind].format(name)))] == [("reserved-name", name)]


@pytest.mark.parametrize("name", [*HOSTILE, "__class__", "__init__"], ids=ascii)
def test_a_hostile_branch(told, name):
    """What a child goes by beside others is a plain name, since a dotted path leads to what it gives."""
    (said,) = told(state(f"parallel: {{? {quoted(name)} : {{call: x}}}}"))

    assert said.check == "bad-name"
    assert said.message.replace("…", "").isascii()


def test_a_branch_by_the_name_of_a_suffix(told):
    """`$both.or_null` is no child's value, so no child is named so."""
    assert [(s.check, s.at) for s in told(state("parallel: {or_null: {call: x}}"))] == [
        ("reserved-name", "or_null")
    ]


ASKED = "llm: {{model: m, prompt: p.md, max_tokens: 9, options: {{? {} : {}}}}}"


@pytest.mark.parametrize("name", ["__class__", "a__b", "class", "1; import os", "", "\ufb01le", "x" * 64])
def test_a_hostile_option(told, name):
    """What an endpoint is told besides has a plain name."""
    assert [s.check for s in told(state(ASKED.format(quoted(name), 1)))] == ["bad-name"]


@pytest.mark.parametrize("name", sorted(SAID_ELSEWHERE))
def test_an_option_that_is_said_elsewhere(told, name):
    """What a request holds anyhow is no option, since one of the two would be passed over."""
    (said,) = told(state(ASKED.format(name, 1)))

    assert (said.check, said.at) == ("reserved-name", name)
    assert said.hint == SAID_ELSEWHERE[name]


@pytest.mark.parametrize("value", ["$input.id", "{deep: [a, $input]}"])
def test_an_option_is_no_reference(told, value):
    """An option is the same in every run, so that what looks like a reference in it is a mistake."""
    (said,) = told(state(ASKED.format("user", value)))

    assert said.check == "bad-value"
    assert "is no reference here" in said.message


GIVING = {
    "call": "call: x, with: {{? {} : 1}}",
    "map": "map: x, over: $input.items, at_most: 3, with: {{? {} : $item}}",
    "parallel": "parallel: {{x: {{call: x, with: {{? {} : 1}}}}}}",
    "ask": "ask: Good?, gives: str, show: {{? {} : 1}}",
}


@pytest.mark.parametrize("kind", GIVING)
@pytest.mark.parametrize(
    "name", ["__class__", "a__b", "class", "1; import os", "", "\ufb01le", "x" * 64, "a\nb"]
)
def test_a_hostile_field(told, kind, name):
    """What children are run on, and what people see, has plain names."""
    assert [s.check for s in told(state(GIVING[kind].format(quoted(name))))] == ["bad-name"]


@pytest.mark.parametrize("question", [*TITLES, "", "  "], ids=ascii)
def test_a_hostile_question(told, question):
    """A question is one short line with something to read in it, and nothing hidden."""
    (said,) = told(state(f"ask: {quoted(question)}, gives: str"))

    assert said.check == "bad-title"
    assert said.message.isprintable()


@pytest.mark.parametrize("role", ["Finance Team", "a\nb", "../x", "", "<b>", "x" * 64], ids=ascii)
def test_a_hostile_role(told, role):
    """Who may answer is a plain name."""
    assert [s.check for s in told(state(f"ask: Good?, gives: str, role: {quoted(role)}"))] == ["bad-name"]


@pytest.mark.parametrize("label", [*HOSTILE, "__class__"], ids=ascii)
def test_a_hostile_answer(told, label):
    """What a person picks from is held to the rules for labels."""
    ask = f"{{ask: Good?, success: {{? {quoted(label)} : d}}}}"
    text = f"workflow: w\nstates:\n  a: {ask}\n  d: {{end: failed}}\n"

    assert [s.check for s in told(text)] == ["bad-name"]
