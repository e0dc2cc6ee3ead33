"""Guards, names and step modules that mean harm: each is told, none is obeyed, and none takes long."""

from __future__ import annotations

import random
import sys

import pytest

from fsmflow.compiler import compile_spec
from fsmflow.diagnostics import Severity
from tests.effort import calls
from tests.strategies import workflow

IMPORTS = 1_000_000
"""More calls than what a first compilation imports makes."""

SPEC = """\
workflow: hostile
states:
  draft: {{run: "{run}", effect: none, success: pick, fallback: failed}}
  pick:
    choose:
      - {{when: '{when}', to: done}}
      - {{to: failed}}
  done: {{end: success}}
  failed: {{end: failed}}
"""


def spec(run: str = "m:f", when: str = "input.ok") -> str:
    return SPEC.format(run=run, when=when.replace("'", "''"))


@pytest.fixture
def told(compiled):
    """Compile with no more work than a text of its length may make, and give the names of what was said."""

    def compile_text(text, *folder):
        compilation, effort = calls(lambda: compiled(text, *folder))
        assert effort < 60 * len(text) + IMPORTS
        return [d.check for d in compilation.diagnostics]

    return compile_text


@pytest.mark.parametrize(
    "guard",
    [
        "input.__class__.__mro__[1].__subclasses__()",
        "().__class__",
        "__import__('os').system('true')",
        "open('/etc/passwd')",
        "(lambda: 1)()",
        "[x for x in input]",
        "{**input}",
        "f'{input}'",
        "'%1000000000d' % 1 == 1",
        "2 ** 10 ** 10 > 1",
        "input[0]",
        "input.x if input.y else input.z",
        "(x := 1) == 1",
        "await input",
        "len(len(input))",
        "len(input, input)",
        "max(input) > 1",
        "input == input == [1]",
        "'a' * 10000000000 == 'b'",
        "9" * 500 + " == 1",
        " + ".join(["1"] * 120) + " == 1",
        "all(" * 60 + "1" + ")" * 60,
        "not " * 120 + "input.ok",
        "-" * 500 + "1 == 1",
        "(" * 250 + "1" + ")" * 250 + " == 1",
        "input.ok or " * 60 + "input.ok",
        "input.ok; import os",
        "\N{CYRILLIC SMALL LETTER A}nswer.ok",
        "\N{LATIN SMALL LIGATURE FI}le.ok",
        "input.ok\\",
        "",
        " ",
        "True if 1 else 0",
        "input in input",
        "...",
        "b'x' == input",
        "1j == input",
    ],
)
def test_a_guard_outside_the_language(told, guard):
    """What is no guard is refused by name, quickly, and nothing of it is evaluated."""
    assert told(spec(when=guard)) == ["bad-guard"]


def test_a_long_guard(told):
    """A guard of ten thousand terms is refused before it is read."""
    assert told(spec(when=" + ".join(["1"] * 10_000))) == ["bad-guard"]


def test_a_guard_points_at_its_fault(compiled):
    """A guard is blamed at the characters that are at fault."""
    (found,) = compiled(spec(when="input.ok and open(1)")).diagnostics

    assert found.span is not None
    column = found.span.column
    assert spec(when="input.ok and open(1)").splitlines()[found.span.line - 1][
        column - 1 : found.span.end_column - 1
    ] == ("open(1)")


@pytest.mark.parametrize(
    "step",
    ["os:system", "subprocess:run", "builtins:eval", "importlib.util:find_spec", "sys:exit", "shutil:rmtree"],
)
def test_a_step_that_reviewers_can_not_see(told, step):
    """A function that starts programs or touches the process is no step."""
    assert told(spec(run=step)) == ["forbidden-reference"]


@pytest.mark.parametrize(
    "step",
    ["m:f.__globals__", "m:__builtins__", "../m:f", "m", "m:", ":f", "m:f()", "m;os:f", "m:f:g", "/m:f"],
)
def test_a_step_that_is_no_name(told, step):
    """What is no `module:name` is refused before anything is looked up."""
    assert told(spec(run=step)) == ["bad-reference"]


TRAP = """\
import pathlib
pathlib.Path({path!r}).write_text("ran")
raise SystemExit(3)

def step(): ...
"""


@pytest.mark.parametrize("name", ["trap:step", "pack.inner.trap:step", "pack.trap:step"])
def test_nothing_runs(told, tmp_path, name):
    """A module that acts when imported is read, with its parents, and does not act."""
    flag = tmp_path / "ran"
    source = TRAP.format(path=str(flag))
    (tmp_path / "pack" / "inner").mkdir(parents=True)
    for path in (
        "trap.py",
        "pack/__init__.py",
        "pack/trap.py",
        "pack/inner/__init__.py",
        "pack/inner/trap.py",
    ):
        (tmp_path / path).write_text(source)
    before = set(sys.modules)

    assert told(spec(run=name), tmp_path) == []
    assert not flag.exists()
    assert not {
        module for module in set(sys.modules) - before if module.partition(".")[0] in ("trap", "pack")
    }
    assert not list(tmp_path.rglob("__pycache__"))


SOURCES = {
    "missing": ("def g(): ...\n", ["step-not-found"]),
    "no function": ("f = 5\n", ["step-not-found"]),
    "a list": ("f = [len]\n", ["step-not-found"]),
    "a module": ("import json as f\n", ["step-not-found"]),
    "a local name": ("def g():\n    def f(): ...\n", ["step-not-found"]),
    "a method": ("class C:\n    def f(self): ...\n", ["step-not-found"]),
    "a parameter too many": ("def f(a): ...\n", ["type-mismatch"]),
    "by position": ("def f(a, /): ...\n", ["type-mismatch"]),
    "by keyword": ("def f(*, a): ...\n", ["type-mismatch"]),
    "a label": ("def f() -> __import__('typing').Literal['a']: ...\n", []),
    "a lambda": ("f = lambda: 1\n", []),
    "partial": ("import functools\nf = functools.partial(print)\n", []),
    "a class": ("class f: ...\n", []),
    "in a condition": ("if 1:\n    def f(): ...\n", []),
    "in a try": ("try:\n    from quick import f\nexcept ImportError:\n    def f(): ...\n", []),
    "made by a decorator": ("def d(g): return lambda: 1\n@d\ndef f(a, b): ...\n", []),
    "given by __getattr__": ("def __getattr__(name): ...\n", []),
    "star": ("from quick import *\n", []),
    "deleted": ("def f(): ...\nfor f in (): pass\n", []),
    "syntax": ("def f(:\n", ["step-not-found"]),
    "deep": ("x = " + "(" * 900 + "\n", ["step-not-found"]),
    "deep lists": ("x = " + "[" * 150 + "]" * 150 + "\ndef f(): ...\n", []),
    "many terms": ("x = " + "+".join(["1"] * 900) + "\ndef f(): ...\n", []),
    "a deep annotation": ("def f() -> " + "list[" * 80 + "int" + "]" * 80 + ": ...\n", []),
    "an annotation of many": ("def f() -> " + " | ".join(["int"] * 500) + ": ...\n", []),
    "a base that is itself": ("class f(f): ...\n", []),
    "an alias that is itself": ("T = T\nS = 'S'\ndef f(a: T = 1, b: S = 2): ...\n", []),
    "aliases in a circle": ("A = list['B']\nB = list['A']\ndef f() -> A: ...\n", []),
}


@pytest.mark.parametrize("case", SOURCES)
def test_a_source(told, tmp_path, case):
    """A step that is not there, can't be called or asks for too much is told; what may be right is not."""
    source, expected = SOURCES[case]
    (tmp_path / "m.py").write_text(source)

    assert told(spec(), tmp_path) == expected


def test_a_source_that_is_no_file(told, tmp_path):
    """A folder named like a module, and a link to nowhere, are no modules."""
    (tmp_path / "m.py").mkdir()
    assert told(spec(), tmp_path) == ["step-not-found"]
    (tmp_path / "m.py").rmdir()
    (tmp_path / "m.py").symlink_to(tmp_path / "gone")
    assert told(spec(), tmp_path) == ["step-not-found"]


def test_a_spec_without_a_place(compiled):
    """Without a folder a module may be anywhere: that is noted, and stops nothing."""
    (found,) = compiled(spec(run="somewhere:f"), None).diagnostics

    assert (found.check, found.severity) == ("step-unchecked", Severity.NOTE)


RUNNING = """\
workflow: hostile
states:
  run: {{{keys}, success: done, fallback: done}}
  done: {{end: success}}
"""


@pytest.mark.parametrize(
    "keys", ["call: {}", "map: {}, over: $input, at_most: 3", "parallel: {{a: {{call: {}}}}}"]
)
@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("../child", "bad-name"),
        ("/etc/passwd", "bad-name"),
        ("child.fsm.yaml", "bad-name"),
        ('"child\\0"', "bad-name"),
        ('"child\\n"', "bad-name"),
        ("http://x/child", "bad-name"),
        ("CHILD", "bad-name"),
        ("con", "reserved-name"),
        ("x" * 64, "bad-name"),
        ("x" * 63, "child-not-found"),
    ],
)
def test_a_child_is_looked_for_by_a_plain_name(told, tmp_path, keys, name, check):
    """What is no name is not looked for, even where a spec stands; nor is anything above the folder."""
    (tmp_path / "below").mkdir()
    for place in ("child", "below/CHILD", "below/con", "below/child.fsm.yaml"):
        (tmp_path / f"{place}.fsm.yaml").write_text("no spec")

    assert told(RUNNING.format(keys=keys.format(name)), tmp_path / "below") == [check]


def test_thousands_of_children(told):
    """Children without number are told, however wrong each one is."""
    branches = ", ".join(f"b{n}: {{call: x{n}, with: {{a: $run.b{n}}}}}" for n in range(3_000))
    said = told(RUNNING.format(keys=f"parallel: {{{branches}}}"))

    assert {"too-large", "child-not-found", "read-before-write"} == set(said)


@pytest.mark.parametrize(
    "text",
    [
        "map: hostile, over: $run.x.or_null, at_most: 9, width: 9, tolerate: 9, with: {a: $item.b.c}",
        "parallel: {a: {call: a}, b: {call: b}}, as: done",
        "parallel: {}",
        "call: hostile, with: {a: $run.a.b.c, b: [$item, {c: $run}]}",
        "ask: Is it?, show: {a: $run, b: $item}, gives: 'list[hostile:X]', role: x",
        "ask: Is it?, success: {}",
        "map: a, over: '', at_most: 1",
        "map: a, over: $, at_most: 1",
        "map: a, over: $$, at_most: 1",
        "map: a, over: $error.complaints, at_most: 1, as: run",
    ],
)
def test_odd_children_and_questions(compiled, text):
    """Whatever children run on and people are shown, it is told, and twice is said nothing."""
    keys = text if "success" in text else f"{text}, success: done"
    body = f"workflow: hostile\nstates:\n  run: {{{keys}}}\n  done: {{end: success, output: $run.a}}\n"
    compilation = compiled(body)
    said = [(d.check, d.route, d.key, d.message) for d in compilation.diagnostics]

    assert compilation.analysis is not None
    assert compilation.errors
    assert len(said) == len(set(said))


@pytest.mark.parametrize("seed", range(60))
def test_random_workflows(seed):
    """Whatever workflow there is, every check looks at it and none breaks; nor is one said twice."""
    compilation = compile_spec(workflow(random.Random(seed)))
    said = [(d.check, d.route, d.key, d.message) for d in compilation.diagnostics]

    assert compilation.analysis is not None
    assert len(said) == len(set(said))


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("shape", ["row", "circle", "wrong values", "wrong names"])
def test_thousands_of_states(compiled, shape, count):
    """A spec of thousands of states is checked with work in proportion, however they are joined."""
    steps = count - 2
    last, source = {
        "row": ("success: done", ""),
        "circle": ("success: s0", ""),
        "wrong values": ("success: done", ", with: {a: $q%d}"),
        "wrong names": ("success: done", f", with: {{a: $s{steps - 8}}}"),
    }[shape]
    lines = ["workflow: big", "budget: {steps: 100000}", "states:"]
    for i in range(steps - 1):
        extra = source % i if "%" in source else source
        lines.append(f"  s{i}: {{run: m:f, effect: none{extra}, success: s{i + 1}, fallback: failed}}")
    lines.append(f"  s{steps - 1}: {{run: m:f, effect: none, {last}, fallback: failed}}")
    lines += ["  done: {end: success}", "  failed: {end: failed}", ""]
    text = "\n".join(lines)
    compilation, effort = calls(lambda: compiled(text))
    found = compilation.diagnostics

    assert effort < 40 * len(text) + IMPORTS
    assert len(found) == {"row": 0, "circle": 3, "wrong values": steps - 1, "wrong names": steps - 6}[shape]
