"""The Python backend: free text stays data, and the module is as a careful author would leave it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsmflow.backends._python import WIDTH, literal
from fsmflow.backends._python_families import LARGE
from fsmflow.backends.python import runner
from fsmflow.loading.structure import structure
from fsmflow.loading.yaml import load_file
from fsmflow.lowering import lower
from fsmflow.spec import Budget, Choose, ChooseArm, Duration, End, Retry, Run, Target, Wait, Workflow

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "specs").glob("*.fsm.yaml"))

HOSTILE = [
    '"];import os',
    "'];import os;['",
    "'''",
    '"""',
    "a\"\"\"b'''c",
    "ends in a backslash\\",
    "\\",
    "\\'",
    '\\"',
    "\\\\'\"",
    "line\nbreak",
    "carriage\rreturn",
    "\r\nimport os",
    "\u2028\u2029\x0b\x0c\x1c\x85",
    "# -*- coding: utf-7 -*-",
    "coding: utf-16",
    "{x} %s ${x} {{x}}",
    "\ud800",
    "\udfff\ud800",
    "😀é\u202e\u200b",
    "ﬁle",
    "\x00",
    "\x1b[31m",
    "N{BULLET} \\N{BULLET} \\x41 \\u0041",
    "Pause Backoff Onward Spent TYPE_CHECKING Mapping maybe same",
    "values[ read( run.values",
    "$x",
    "",
    "x" * 300,
    "word " * 60,
    "it's \"quoted\" isn't it",
]

KINDS = """
    Add And AnnAssign Assign AsyncFunctionDef Attribute AugAssign Await BinOp BitOr BoolOp Call
    Compare Constant Dict Div Eq ExceptHandler Expr FunctionDef Gt If Import ImportFrom Is IsNot
    Lambda List Load Lt Module Name Not Or Return Store Sub Subscript Try Tuple UnaryOp USub alias
    arg arguments keyword
"""
"""The kinds of syntax nodes that a module is made of."""


def step(**options):
    """Make a state that calls a step."""
    return Run(**{"run": "m:step", "effect": "none", "success": "done", "fallback": "failed", **options})


def workflow(states, **options):
    """Make a workflow that ends in `done` or `failed`."""
    ends = {"done": End(end="success"), "failed": End(end="failed")}
    return Workflow(**{"workflow": "little", "states": {**states, **ends}, **options})


def written(made, *, spec="../specs/little.fsm.yaml", folder="../specs", large=LARGE):
    """Compile a workflow to its module's text."""
    return runner(lower(made), spec=spec, folder=folder, large=large)


def ruff(*arguments, code):
    """Run ruff on `code` as it would be in the folder of generated code, and give what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *arguments, "--stdin-filename", "generated/little_fsm.py", "-"],
        input=code,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def hostile(text):
    """Make a workflow with `text` wherever an author may write freely."""
    return workflow(
        {
            "work": step(
                title=text,
                with_={"x": text, "y": [text, {text: [text, "$input"]}], "z": "$input.a.or_null"},
                retry=Retry(times=1),
            ),
            "pick": Choose(
                title=text, choose=[ChooseArm(when="input == 'values'", to="tell"), ChooseArm(to="tell")]
            ),
            "tell": End(
                title=text, end="degraded", output={"said": text, text: [text] * 3, "v": "$work.or_null"}
            ),
        },
        title=text,
    )


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_free_text_stays_data(text):
    """Whatever an author writes, the module is ASCII, of few kinds of nodes, and holds it unchanged."""
    made = hostile(text)
    code = written(made, spec=f"../specs/{text}.fsm.yaml", folder=f"../{text}")
    tree = ast.parse(code.encode("ascii"))

    assert {type(node).__name__ for node in ast.walk(tree)} <= set(KINDS.split())
    assert text in {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    plain = ast.parse(written(hostile("plain")))
    assert names == {node.id for node in ast.walk(plain) if isinstance(node, ast.Name)}
    assert [type(node) for node in tree.body] == [type(node) for node in plain.body]


def test_hostile_text_passes_ruff():
    """A module with any text in it is formatted, and without a fault, as it is written."""
    for text in HOSTILE:
        code = written(hostile(text), spec=f"../specs/{text}.fsm.yaml")

        assert ruff("format", "--check", code=code) == "", text
        assert ruff("check", code=code) == "", text


def test_no_cookie_can_reach_the_first_lines():
    """The lines in which Python looks for an encoding hold nothing that an author wrote freely."""
    for text in HOSTILE:
        lines = written(hostile(text), spec=text, folder=text).splitlines()

        assert lines[:2] == ['"""Runner of the workflow `little`.', ""]


DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8), inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
    ),
    max_leaves=12,
)


@given(DATA)
@settings(max_examples=300, deadline=None)
def test_a_literal_is_the_value_itself(value):
    """A literal evaluates to just the data that it was written from."""
    text = literal(value)

    assert text.isascii()
    assert "\n" not in text
    found = eval(text, {"__builtins__": {"float": float}})
    assert found == value
    assert repr(found) == repr(value)


@given(st.text(st.sampled_from("'\"\\\n\r\x00a\ud800é")))
def test_quotes_and_backslashes_survive(text):
    """Any mixture of quotes and backslashes is quoted rightly."""
    assert ast.literal_eval(literal(text)) == text


@given(st.dictionaries(st.sampled_from("abcdef"), DATA, max_size=5), st.text(max_size=200))
@settings(max_examples=60, deadline=None)
def test_arguments_and_outputs_are_just_what_the_spec_says(data, text):
    """What a module passes to steps and gives at ends equals the spec's own data."""
    kept = {
        key: value for key, value in data.items() if not any(odd in repr(value) for odd in ("$", "(", "inf"))
    }
    made = workflow({"work": step(with_={"x": kept})}, title=text)
    made.states["done"] = End(end="success", output=kept)
    namespace = {"__file__": __file__, "__name__": "little_fsm"}
    exec(written(made), namespace)
    run = namespace["RUNNER"].new_run(None)
    namespace["enter_work"](run)

    assert repr(run.arguments) == repr({"x": kept})
    namespace["enter_done"](run)
    assert repr(run.output) == repr(kept)
    assert namespace["RUNNER"].title == text


@pytest.mark.parametrize("large", [LARGE, 0], ids=["by state", "by family"])
@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.name)
def test_the_specs_runners_pass_ruff(spec, large):
    """The runners of this project's own specs are formatted and without a fault, however they are written."""
    code = written(structure(load_file(spec)).workflow, large=large)

    assert ruff("format", "--check", code=code) == ""
    assert ruff("check", code=code) == ""
    # A type is one string, which no formatter breaks.
    too_long = (line for line in code.splitlines() if len(line) > WIDTH)
    assert large == 0 or all(line.lstrip().startswith("gives=") for line in too_long)


EMBEDDING = f"""
from contextlib import aclosing

from ask_docs import Answer, Question
from ask_docs_{LARGE}_fsm import run, run_sync, stream


async def main() -> Answer | None:
    async with aclosing(stream(Question(text="sum"), profile="offline")) as events:
        async for event in events:
            print(event["event"])
    run_sync({{"text": "sum"}}).events()
    result = await run({{"text": "sum"}}, steps={{"draft": lambda question: None}}, trace=print)
    return result.output if result.kind == "success" and result.error is None else None
"""


@pytest.mark.slow
def test_the_specs_runners_pass_mypy(tmp_path):
    """The runners of this project's own specs, and what calls them, are typed as strictly as it is."""
    for spec in SPECS:
        made = structure(load_file(spec)).workflow
        for large in (LARGE, 0):
            module = tmp_path / f"{made.workflow}_{large}_fsm.py"
            module.write_text(written(made, large=large), encoding="ascii")
    (tmp_path / "embedding.py").write_text(EMBEDDING, encoding="ascii")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", *sorted(tmp_path.glob("*.py"))],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": f"{ROOT}:{ROOT / 'specs'}"},
        check=False,
    )

    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_what_a_spec_in_python_leaves_out_is_told_by_mypy(tmp_path):
    """A type checker tells the keys without which a class of the language can't be made, and no others."""
    (tmp_path / "spec_in_python.py").write_text(
        "from fsmflow import spec\nspec.End(end='success')\nspec.Run(run='m:f')\nspec.Retry()\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", tmp_path / "spec_in_python.py"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )

    said = [line.partition(".py:")[2] for line in done.stdout.splitlines()[:-1]]
    assert said == [
        '3: error: Missing named argument "success" for "Run"  [call-arg]',
        '4: error: Missing named argument "times" for "Retry"  [call-arg]',
    ]


@pytest.mark.slow
def test_labels_of_an_outcome_are_known_to_mypy(tmp_path):
    """An `Outcome` that says its labels and its value is held to them; one that does not may be any."""
    (tmp_path / "labelled.py").write_text(
        "from typing import Literal\n"
        "from fsmflow.runtime import Outcome\n"
        "Judged = Outcome[Literal['good', 'poor'], int]\n"
        "def right(x: int) -> Judged:\n    return Outcome('good' if x else 'poor', x)\n"
        "def plain(x: int) -> Outcome:\n    return Outcome('godo', 'x')\n"
        "def wrong(x: int) -> Judged:\n    return Outcome('godo', 'x')\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", tmp_path / "labelled.py"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )

    said = [line.partition(".py:")[2] for line in done.stdout.splitlines()[:-1]]
    assert [each.partition(";")[0] for each in said] == [
        '9: error: Argument 1 to "Outcome" has incompatible type "Literal[\'godo\']"',
        '9: error: Argument 2 to "Outcome" has incompatible type "str"',
    ]


def test_a_module_does_not_depend_on_the_hash_seed():
    """The same spec gives the same bytes, whatever the hash seed and locale."""
    script = (
        "import sys; from pathlib import Path; from tests.backends.test_python import *\n"
        "for path in SPECS: sys.stdout.write(written(structure(load_file(path)).workflow))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed, "LC_ALL": locale},
            check=True,
        ).stdout
        for seed, locale in (("1", "C"), ("4242", "tr_TR.UTF-8"))
    }

    assert len(found) == 1


NAMES = [
    "limits",
    "reserve",
    "runner",
    "digest",
    "type_checking",
    "run",
    "run_sync",
    "values",
    "event",
    "feedback",
    "pause",
    "admitted",
    "missing",
    "given",
    "options",
    "stage",
    "end",
    "spent",
    "backoff",
    "maybe",
    "read",
    "same",
    "any",
    "path",
    "mapping",
    "unpack",
    "annotations",
    "print",
    "self",
    "match",
    "type",
    "con",
    "nul",
    "exceeded",
    "a",
    "a_",
    "enter_a",
    "a_backoff",
    "x" * 63,
]


@pytest.mark.parametrize("pick", [0, 1], ids=["steps", "waits"])
def test_any_name_works_for_a_state(pick):
    """States named like anything in the module run one after another."""
    following = [*NAMES[1:], "done"]
    states = {
        name: (
            step(
                success={"go": after, "again": Target(to=name, times=1, else_="failed")}, retry=Retry(times=1)
            )
            if number % 2 == pick
            else Wait(wait=Duration(1), success=after)
        )
        for number, (name, after) in enumerate(zip(NAMES, following, strict=True))
    }
    code = written(workflow(states, budget=Budget(steps=99, time=Duration(10**9))))
    namespace = {"__file__": __file__, "__name__": "little_fsm"}
    exec(code, namespace)

    async def go():
        return "go"

    made = namespace["RUNNER"]
    result = made.run_sync(None, steps=dict.fromkeys(made.stages, go))

    assert list(result.path) == NAMES
    assert result.end == "done"
    assert ruff("format", "--check", code=code) == ""
    assert ruff("check", code=code) == ""


@pytest.mark.parametrize("module", ["maybe", "read", "run", "enter_work", "pkg.read", "run.types", "values"])
def test_any_module_may_hold_the_types(module):
    """A module of types that is named like something in the runner is imported by another name."""
    made = workflow(
        {"work": step(with_={"x": "$input.a"})}, input=f"{module}:In", output=f"{module}:Out | None"
    )
    code = written(made)

    assert ruff("check", code=code) == ""
    assert ruff("format", "--check", code=code) == ""
    namespace = {"__file__": __file__, "__name__": "little_fsm"}
    exec(code, namespace)
    assert namespace["read"].__module__ == "fsmflow.runtime.values"


def test_nothing_unused_is_imported():
    """A module without types imports nothing for them, and one without references no reading of them."""
    code = written(workflow({"work": step()}))
    imported = {
        alias.name
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert imported.isdisjoint(
        {"TYPE_CHECKING", "Mapping", "maybe", "read", "Unbound", "Backoff", "Pause", "Onward"}
    )


@pytest.mark.parametrize("path", sorted((ROOT / "generated").glob("*.py")), ids=lambda path: path.name)
def test_formatters_of_any_width_leave_what_is_generated_alone(path):
    """Whatever a project's formatter and import sorter want, they change nothing of generated code."""
    code = path.read_text(encoding="ascii")

    assert ruff("format", "--isolated", "--line-length=60", "--check", code=code) == ""
    alone = "--config=lint.isort.force-single-line=true"
    assert ruff("check", "--isolated", "--select=I", alone, code=code) == ""


def test_the_longest_names_are_written_well():
    """Names of 63 characters in every place give a module that formatters and linters pass."""
    a, b = "a" * 63, "b" * 63
    states = {
        a: step(
            as_=b,
            with_={b: f"$input.{a}.{b}.{a}"},
            success={b: Target(to=a, times=3, else_="failed", per=a), a: "done"},
            retry=Retry(times=2, per="run"),
            key=f"$input.{a}.{b}",
            effect="idempotent",
        )
    }
    code = written(workflow(states, budget=Budget(steps=10**12, tokens=10**12, time=Duration(10**12))))

    assert ruff("format", "--check", code=code) == ""
    assert ruff("check", code=code) == ""


@pytest.mark.parametrize(
    "guard",
    [
        "input.a",
        "not input.a",
        "not (input.a and input.b)",
        "not (not input.a)",
        "input.a and (input.b or not input.c)",
        "input.a == 1 and input.b != 'x' and len(input.c) >= 3",
        "input.a in ['number one', 'number two', 'three', 'four', 'six', 'seven', 'eight', 'nine']",
        " or ".join(f"input.part_{i} == 'value number {i}'" for i in range(12)),
        "1 == 2",
    ],
)
def test_any_guard_is_written_well(guard):
    """Short or long, a guard is formatted and without a fault."""
    pick = Choose(choose=[ChooseArm(when=guard, to="done"), ChooseArm(to="failed")])
    code = written(workflow({"pick": pick}))

    assert ruff("format", "--check", code=code) == ""
    assert [
        line for line in ruff("check", "--output-format=concise", code=code).splitlines() if "SIM" not in line
    ] == []
