"""A large machine's module: states that are alike share their code, and only they."""

from __future__ import annotations

import ast
from random import Random

import pytest
from attrs import evolve

from fsmflow.backends import _python_families
from fsmflow.backends._python_families import LARGE, families
from fsmflow.backends.python import _commands, runner
from fsmflow.lowering import lower
from fsmflow.runtime import Transient
from tests.benchmarks import floors, workflows
from tests.sample import machine
from tests.strategies import wide_machine

TWO = """
one: {{run: m:f, with: {{a: {one}}}, gives: str, success: two, fallback: lost, {first}}}
two: {{run: m:g, with: {{a: {two}}}, gives: str, success: done, fallback: lost, {second}}}
done: {{end: success, output: $two}}
lost: {{end: failed}}
"""


def family_of(flow, name):
    """Give which family a state is in."""
    return dict(zip(flow.states, (family for family, _ in families(flow, _commands).members), strict=True))[
        name
    ]


def test_states_that_differ_in_names_alone_share_their_code():
    """Other steps, values, targets and counters make no other family."""
    flow = machine(
        TWO.format(one="$input", two="$one", first="retry: {times: 2}", second="retry: {times: 2}"),
        input="str",
    )

    assert family_of(flow, "one") == family_of(flow, "two")


@pytest.mark.parametrize(
    "changes",
    [
        {"one": "1", "two": "true"},
        {"one": "1", "two": "1.0"},
        {"one": "$input", "two": "$input.or_null"},
        {"one": "$input.a", "two": "$input.b"},
        {"one": "x", "two": "y"},
        {"first": "retry: {times: 2}", "second": "retry: {times: 3}"},
        {"first": "retry: {times: 2}"},
        {"first": "retry: {times: 2, backoff: 1s}", "second": "retry: {times: 2, backoff: 2s}"},
        {"first": "cost: {tokens: 5}"},
        {"first": "timeout: 2s", "second": "timeout: 3s"},
        {"first": "effect: none", "second": "effect: once, unknown: lost"},
        {"first": "accept: [m:a]"},
    ],
)
def test_states_that_differ_in_more_do_not(changes):
    """Another constant, even an equal one, path, cap, cost or effect is another family."""
    flow = machine(
        TWO.format(**({"one": "$input", "two": "$input", "first": "", "second": ""} | changes)), input="dict"
    )

    assert family_of(flow, "one") != family_of(flow, "two")


@pytest.mark.parametrize("seed", range(60))
def test_members_have_the_code_that_they_would_have_alone(seed, monkeypatch):
    """The code of a family is, but for the example in its first line, what each member's own would be."""
    drawn = wide_machine(Random(seed))
    shared = families(drawn, _commands)
    # Where no two shapes are equal, each state is a family of its own.
    shape = _python_families._shape
    monkeypatch.setattr(
        _python_families, "_shape", lambda flow, state, names: [*shape(flow, state, names), state.name]
    )
    alone = {family.example: family.code for family in families(drawn, _commands).families}
    code = {family.name: family.code for family in shared.families}

    for state, (family, names) in zip(drawn.states, shared.members, strict=True):
        assert names[0] == state
        assert _body(code[family]) == _body(alone[state])


def _body(code: tuple[str, ...]) -> str:
    (function,) = ast.parse("\n".join(code)).body
    assert isinstance(function, ast.FunctionDef)
    return ast.unparse(ast.Module([ast.Expr(function.args), *function.body[1:]], []))  # type: ignore[arg-type]


def test_a_large_machine_runs():
    """One state beyond the limit, and the module shares code, runs to its end, and tries again."""
    flow = workflows.chain(LARGE - 1)
    code = runner(lower(flow), spec="x", folder=".")
    ran = []

    async def step(box):
        ran.append(None)
        if len(ran) == 7:
            raise Transient
        return 1

    assert code.count("def enter") == 3 < code.count("\n    (family_")
    result = workflows.compiled(flow, step).run_sync(floors.Box())
    assert (result.end, result.spent.steps, result.path[:2]) == ("failed", 7, ("s0", "s1"))


def test_a_choice_that_leads_to_a_choice_is_no_choice_that_leads_to_a_step():
    """A choice hands on to another one, so that a long chain needs no stack, and enters anything else."""
    flow = machine(
        "one: {choose: [{when: input == 1, to: two}, {to: lost}]}\n"
        "two: {choose: [{when: input == 1, to: work}, {to: lost}]}\n"
        "work: {run: m:f, success: done, fallback: lost}\n"
        "done: {end: success}\nlost: {end: failed}\n",
        input="int",
    )

    assert family_of(flow, "one") != family_of(flow, "two")


@pytest.mark.parametrize(
    ("one", "two"), [("True", '"True"'), ("None", '"None"'), ("1", "True"), ("1", "1.0"), ("1", '"1"')]
)
def test_choices_that_look_for_other_constants_do_not_share_their_code(one, two):
    """A text is not the constant that is written like it, and equal constants are not the same."""
    flow = machine(
        f"one: {{choose: [{{when: 'input in [{one}, 7]', to: two}}, {{to: lost}}]}}\n"
        f"two: {{choose: [{{when: 'input in [{two}, 7]', to: done}}, {{to: lost}}]}}\n"
        "done: {end: success}\nlost: {end: failed}\n",
        input="Any",
    )

    # The targets differ in kind, as they must not.
    flow = evolve(flow, transitions=tuple(evolve(way, target="lost") for way in flow.transitions))

    assert family_of(flow, "one") != family_of(flow, "two")
