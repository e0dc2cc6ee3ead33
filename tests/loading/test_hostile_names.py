"""Names and prose made to become code, files or pictures: refused, and shown harmlessly."""

from __future__ import annotations

import json

import pytest

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
]


@pytest.mark.parametrize("title", TITLES, ids=ascii)
def test_a_hostile_title(told, title):
    """A title is one short line with nothing hidden in it."""
    text = f"workflow: w\ntitle: {quoted(title)}\nstates:\n  a: {{end: success, title: {quoted(title)}}}\n"
    said = told(text)

    assert [(s.check, s.line) for s in said] == [("bad-title", 2), ("bad-title", 4)]
    assert all(s.message.isprintable() for s in said)


@pytest.mark.parametrize(
    "title", ["日本語", "café", "{x} %s ${x}", "'''", '"""', "</script>", "# coding: utf-7", "\\"]
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


def test_a_child_is_no_path(told):
    """The workflow that a state calls is named, not found by a path."""
    text = "workflow: w\nstates:\n  a: {call: ../../x, success: d, fallback: d}\n  d: {end: success}\n"

    assert [(s.check, s.at) for s in told(text)] == [("bad-name", "../../x")]
