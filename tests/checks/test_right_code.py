"""Code that is right, however it is written: `check` says nothing of it, and it runs.

What stands close to each, and is wrong, is told all the same.
"""

from __future__ import annotations

import sys
from itertools import count
from textwrap import dedent, indent
from types import ModuleType

import pytest

from fsmflow.backends import python
from fsmflow.compiler import compile_file
from fsmflow.runtime import Runner
from tests.effort import calls

SPEC = """\
fsmflow: 1
workflow: right
{head}
states:
{states}
  done: {{end: success{output}}}
  failed: {{end: failed}}
"""

LABELLED = """\
work: {run: steps:step, gives: str, effect: none, timeout: 5s, success: {a: done}, fallback: failed}
"""

GUARDED = """\
work: {{run: steps:step, gives: 'steps:T', effect: none, timeout: 5s, success: pick, fallback: failed}}
pick: {{choose: [{{when: "{}", to: done}}, {{to: failed}}]}}
"""

GIVING = """\
work: {{run: steps:step, gives: '{}', effect: none, timeout: 5s, success: done, fallback: failed}}
"""


_NUMBERS = count()


@pytest.fixture
def compiled_with(tmp_path):
    """Compile states beside the module of their steps."""

    def compile_states(code, states, output="", head=""):
        # Modules of one name would be taken for one another where they are run.
        name = f"steps_{next(_NUMBERS)}"
        (tmp_path / f"{name}.py").write_text(dedent(code))
        text = SPEC.format(
            head=head, states=indent(dedent(states), "  "), output=output and f", output: {output}"
        )
        path = tmp_path / "right.fsm.yaml"
        path.write_text(text.replace("steps:", f"{name}:"))
        return compile_file(path)

    return compile_states


@pytest.fixture
def holds(compiled_with, tmp_path):
    """Tell that nothing is said of states, and that their run ends well."""

    def holds_right(*given, **options):
        compilation = compiled_with(*given, **options)
        assert [d.message for d in compilation.diagnostics] == []

        module = ModuleType("right_fsm")
        module.__file__ = str(tmp_path / "right_fsm.py")
        source = python.runner(compilation.analysis.machine, spec="right.fsm.yaml", folder=".")
        exec(compile(source, module.__file__, "exec"), module.__dict__)
        runner: Runner = module.RUNNER
        assert runner.run_sync({}).end == "done"

    return holds_right


@pytest.fixture
def told(compiled_with):
    """Give what is said of states, by severity and check."""

    def tell(*given, **options):
        return [(d.severity.value, d.check) for d in compiled_with(*given, **options).diagnostics]

    return tell


OUTCOMES = {
    "quoted": "def step() -> 'Outcome': return Outcome('a', 'v')",
    "alias": "Verdict = Outcome\ndef step() -> Verdict: return Verdict('a', 'v')",
    "subclass": "class Verdict(Outcome): ...\ndef step() -> Verdict: return Verdict('a', 'v')",
    "annotated": "def step() -> t.Annotated[Outcome, 'a']: return Outcome('a', 'v')",
    "or_none": "def step() -> Outcome | None: return Outcome('a', 'v')",
    "or_text": "def step() -> t.Union[Outcome, str]: return Outcome('a', 'v')",
    "protocol": "class Has(t.Protocol):\n    label: str\ndef step() -> Has: return Outcome('a', 'v')",
    "behind_return": "def step() -> Outcome:\n    return Outcome('a', 'v')\n    return Outcome('b', 'v')",
    "if_false": "def step() -> Outcome:\n    if False: return Outcome('b', 1)\n    return Outcome('a', 'v')",
    "constant": "A: t.Final = 'a'\ndef step() -> Outcome: return Outcome(A, 'v')",
    "inner": "def step() -> Outcome:\n    def b(): return Outcome('b', 1)\n    return Outcome('a', 'v')",
    "typed": "def step() -> Outcome[t.Literal['a'], str]: return Outcome('a', 'v')",
    "typed_any": "def step() -> rt.Outcome[str, t.Any]: return rt.Outcome('a', 'v')",
    "renamed": "def step() -> rt.Outcome: return rt.Outcome('a', 'v')",
}


@pytest.mark.parametrize("code", OUTCOMES.values(), ids=OUTCOMES)
def test_outcomes_however_they_are_written(holds, code):
    """A step that returns `Outcome` is known by what its annotation means, and by what it can return."""
    imports = "import typing as t\nfrom fsmflow import runtime as rt\nfrom fsmflow.runtime import Outcome\n"

    holds(f"{imports}{code}\n", LABELLED)


@pytest.mark.parametrize(
    "code",
    [
        "def step() -> 'Outcome':\n    try: ...\n    except OSError: return Outcome('b', '')",
        "def step() -> Outcome:\n    match 1:\n        case 1: return Outcome('b', '')",
        "def step() -> Outcome:\n    if False: ...\n    else: return Outcome('b', '')",
        "def step() -> Outcome[Literal['a', 'b'], str]: return MADE",
        "def step() -> Outcome[Literal['b'], str]: return Outcome('a', 'v')",
        "def step() -> list[str]: return ['a']",
        "class Outcome:\n    label: str\ndef step() -> Outcome: ...",
    ],
)
def test_outcomes_that_have_no_arm(told, code):
    """A label without an arm, and a step that gives none, are told however they are written."""
    imports = "from typing import Literal\nfrom fsmflow.runtime import Outcome\n"

    assert ("error", "label-mismatch") in told(f"{imports}{code}\n", LABELLED)


def test_the_value_of_an_outcome_that_says_its_type(told):
    """It is held to `gives`, as what a step without labels returns is."""
    code = "from fsmflow.runtime import Outcome\ndef step() -> Outcome[str, int]: return Outcome('a', 1)\n"

    assert told(code, LABELLED) == [("error", "type-mismatch")]


@pytest.mark.parametrize("name", ["Outcome", "PaymentOutcome"])
def test_classes_of_such_a_name(holds, told, name):
    """A class of the author's that is called an outcome is a value as any other."""
    code = f"from attrs import frozen\n@frozen\nclass {name}:\n    text: str\n"
    code += f"def step() -> {name}: return {name}('')\n"

    holds(code, GIVING.format(f"steps:{name}"), output="$work.text")
    assert ("error", "type-mismatch") in told(code, GIVING.format("int"))


def test_outcomes_without_arms(told):
    """A step that returns outcomes, and whose state has no labels, is told, also where it is quoted."""
    for said in ("'Outcome'", "Outcome[str, str]"):
        code = f"from fsmflow.runtime import Outcome\ndef step() -> {said}: return Outcome('a', 'v')\n"

        assert told(code, GIVING.format("str")) == [("error", "label-mismatch")]


def test_states_that_share_a_step(told):
    """What a step is given may rule out a label that another state has an arm for: that is a warning."""
    code = """
    from fsmflow.runtime import Outcome
    def step(mode: str) -> Outcome:
        return Outcome("a", "v") if mode == "x" else Outcome("b", "v")
    """
    state = "{run: steps:step, with: {mode: x}, gives: str, effect: none, success: {%s}, fallback: failed}\n"
    one, two = f"one: {state % 'a: two'}", f"two: {state % 'b: done'}"

    assert told(code, one + two) == [("warning", "label-mismatch")] * 2
    assert told(code, one + f"two: {state % 'c: done'}")[0] == ("error", "label-mismatch")


PLAIN_ENUM = "from enum import Enum, StrEnum, unique\nfrom attrs import frozen\n"
GUARDS = {
    "equal_to_its_value": """
        class T(Enum):
            A = "a"
            def __eq__(self, other): return self.value == other
        def step() -> T: return T.A
    """,
    "equal_by_a_base": """
        class B(Enum):
            def __eq__(self, other): return self.value == other
        class T(B):
            A = "a"
        def step() -> T: return T.A
    """,
    "equal_by_a_decorator": """
        def by_value(kind):
            kind.__eq__ = lambda self, other: self.value == other
            return kind
        @by_value
        class T(Enum):
            A = "a"
        def step() -> T: return T.A
    """,
    "mixed_with_text": """
        @unique
        class T(str, Enum):
            A = "a"
        def step() -> T: return T.A
    """,
}


@pytest.mark.parametrize("code", GUARDS.values(), ids=GUARDS)
def test_members_that_equal_their_values(holds, code):
    """A member that equals its value, by code of its own, may be compared with it."""
    holds(PLAIN_ENUM + dedent(code), GUARDED.format("work == 'a'"))


FIELDS = {
    "class_inside": """
        class Kind(Enum):
            Z = 3
        @frozen
        class T:
            class Kind(StrEnum):
                A = "a"
            kind: Kind
        def step() -> T: return T(T.Kind.A)
    """,
    "annotated_config": """
        class T(BaseModel):
            model_config: ConfigDict = ConfigDict(use_enum_values=True)
            kind: Plain
        def step() -> T: return T(kind="a")
    """,
    "validated": """
        class T(BaseModel):
            kind: Annotated[Plain, AfterValidator(lambda each: each.value)]
        def step() -> T: return T(kind="a")
    """,
    "validated_by_a_method": """
        class T(BaseModel):
            kind: Plain
            @field_validator("kind")
            @classmethod
            def value(cls, kind): return kind.value
        def step() -> T: return T(kind="a")
    """,
}
PYDANTIC = """
from typing import Annotated
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, RootModel
from pydantic import computed_field, field_validator, model_validator
class Plain(Enum):
    A = "a"
"""


@pytest.mark.parametrize("code", FIELDS.values(), ids=FIELDS)
def test_fields_that_may_hold_the_value(holds, code):
    """A field that may hold the value of a member may be compared with it."""
    holds(PLAIN_ENUM + PYDANTIC + dedent(code), GUARDED.format("work.kind == 'a'"))


@pytest.mark.parametrize(
    "code",
    [
        """
        @unique
        class T(Enum):
            A = "a"
            def told(self): return 1
        def step() -> T: return T.A
        """,
        """
        class T(BaseModel):
            kind: Plain
            n: int
            @field_validator("n")
            @classmethod
            def seen(cls, n): return n
            @model_validator(mode="after")
            def whole(self): return self
        def step() -> T: ...
        """,
    ],
)
def test_members_that_do_not(told, code):
    """A member that does not equal its value is told, whatever else its class does."""
    guard = "work.kind == 'a'" if "kind" in code else "work == 'a'"

    assert told(PLAIN_ENUM + PYDANTIC + dedent(code), GUARDED.format(guard)) == [("error", "bad-guard")]


ATTRIBUTES = {
    "computed": """
        class T(BaseModel):
            @computed_field
            @property
            def total(self) -> int: return 2
        def step() -> T: return T()
    """,
    "abstract": """
        @dataclass
        class T(ABC):
            @property
            @abstractmethod
            def total(self) -> int: ...
        class U(T):
            total = 2
        def step() -> T: return U()
    """,
    "by_a_descriptor": """
        class given:
            def __init__(self, function): self.function = function
            def __get__(self, instance, owner=None): return self.function(instance)
        @dataclass
        class T:
            @given
            def total(self): return 2
        def step() -> T: return T()
    """,
    "assigned_together": """
        @dataclass
        class T:
            a, total = 1, 2
        def step() -> T: return T()
    """,
    "set_after_making": """
        @dataclass
        class T:
            a: int = 1
            def __post_init__(self): self.total = self.a + 1
        def step() -> T: return T()
    """,
    "set_on_the_class": """
        class Base:
            def __init_subclass__(cls): cls.total = 2
        @dataclass
        class T(Base): ...
        def step() -> T: return T()
    """,
    "set_where_frozen": """
        @dataclass(frozen=True)
        class T:
            a: int = 1
            def __post_init__(self): object.__setattr__(self, "total", self.a + 1)
        def step() -> T: return T()
    """,
    "mixed_into_an_enum": """
        @dataclass(frozen=True)
        class Info:
            total: int
        class T(Info, Enum):
            A = 2
        def step() -> T: return T.A
    """,
}
MORE = """
from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, NotRequired, TypedDict
from attrs import define, field
"""


@pytest.mark.parametrize("code", ATTRIBUTES.values(), ids=ATTRIBUTES)
def test_attributes_that_are_no_fields(holds, code):
    """What a class has besides its fields may be read, however it comes by it."""
    guard = "work.total == 2" + (" and work.name == 'A'" if "Enum" in code else "")

    holds(PLAIN_ENUM + PYDANTIC + MORE + dedent(code), GUARDED.format(guard))


@pytest.mark.parametrize("method", ["def total(self): ...", "@staticmethod\n    def total(): ..."])
def test_methods_are_no_values(told, method):
    """A method can't be read."""
    code = f"{MORE}@dataclass\nclass T:\n    {method}\ndef step() -> T: ...\n"

    assert told(code, GUARDED.format("work.total == 2")) == [("error", "type-mismatch")]


MADE = {
    "keyword_only": ("@dataclass\nclass T:\n    a: str\n    _: KW_ONLY\n    b: int = 2", "{a: $work}"),
    "private": ("class T(BaseModel):\n    a: str\n    _b: int", "{a: $work}"),
    "default_by_method": (
        "@define\nclass T:\n    a: str\n    b: int = field()\n    @b.default\n    def _two(self): return 2",
        "{a: $work}",
    ),
    "default_made_by_a_call": (
        "class T(BaseModel):\n    a: str\n    b: frozenset[str] = frozenset()",
        "{a: $work}",
    ),
    "default_in_a_note": (
        "class T(BaseModel):\n    a: str\n    b: Annotated[list[str], Field(default_factory=list)]",
        "{a: $work}",
    ),
    "alias_in_a_note": ("class T(BaseModel):\n    a: Annotated[str, Field(alias='b')]", "{b: $work}"),
    "branches": ("@dataclass\nclass T:\n    a: str\n    if True:\n        b: int = 1", "{a: $work, b: 2}"),
    "not_required": ("class T(TypedDict):\n    a: str\n    b: NotRequired[int]", "{a: $work}"),
    "class_variable": ("@dataclass\nclass T:\n    a: str\n    b: 'ClassVar[int]'", "{a: $work}"),
    "of_anything": (
        """
        class T(BaseModel):
            a: str
            @model_validator(mode="before")
            @classmethod
            def whole(cls, given): return {"a": given}
        """,
        "$work",
    ),
    "field_of_anything": (
        """
        class T(BaseModel):
            a: int
            @field_validator("a", mode="before")
            @classmethod
            def whole(cls, given): return len(given)
        """,
        "{a: $work}",
    ),
    "validator_from_elsewhere": (
        "class T(BaseModel):\n    a: int\n    _len = field_validator('a', mode='before')(len)",
        "{a: $work}",
    ),
    "annotated": ("class T(BaseModel):\n    a: Annotated[int, BeforeValidator(len)]", "{a: $work}"),
    "root": ("class T(RootModel[list[str]]): ...", "[$work]"),
}


@pytest.mark.parametrize(("code", "output"), MADE.values(), ids=MADE)
def test_what_a_class_is_made_of(holds, code, output):
    """A class is made of what its own code takes, and needs no more than that."""
    begin = PLAIN_ENUM + PYDANTIC + MORE

    holds(
        f"{begin}{dedent(code)}\ndef step() -> str: return 'x'\n",
        GIVING.format("str"),
        output,
        "output: steps:T",
    )


@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("@dataclass\nclass T:\n    a: str\n    _: KW_ONLY\n    b: int", "{a: $work}"),
        ("class T(TypedDict):\n    a: str\n    b: NotRequired[int]", "{b: 1}"),
        ("class T(BaseModel):\n    a: str\n    b: int = Field(gt=1)", "{a: $work}"),
        ("class T(BaseModel):\n    a: str\n    b: Annotated[int, Field(gt=1)]", "{a: $work}"),
        (
            """
            @define
            class T:
                a: str
                b: int = field()
                @b.validator
                def _check(self, *_): ...
            """,
            "{a: $work}",
        ),
        (
            """
            class T(BaseModel):
                a: str
                @model_validator(mode="after")
                def seen(self): return self
            """,
            "$work",
        ),
    ],
)
def test_what_a_class_is_not_made_of(told, code, output):
    """What a class needs, and is not given, is told beside all that."""
    begin = PLAIN_ENUM + PYDANTIC + MORE
    code = f"{begin}{dedent(code)}\ndef step() -> str: return 'x'\n"

    assert told(code, GIVING.format("str"), output, "output: steps:T") == [("error", "type-mismatch")]


def test_classes_that_are_derived(holds, told):
    """What is said to be of a class may be of one that is derived from it, and not of any other."""
    code = f"{MORE}@dataclass\nclass A: ...\n@dataclass\nclass B(A): ...\n@dataclass\nclass C: ...\n"
    code += "def step() -> A: return B()\n"

    holds(code, GIVING.format("steps:B"))
    assert told(code, GIVING.format("steps:C")) == [("error", "type-mismatch")]


def test_mappings_of_what_is_structured(holds, told):
    """The values of a mapping are structured as they would be by themselves."""
    enum = PLAIN_ENUM + "class T(Enum):\n    A = 'a'\ndef step() -> dict[str, str]: return {'x': 'a'}\n"
    made = (
        PLAIN_ENUM + "@frozen\nclass T:\n    a: int\ndef step() -> dict[str, dict]: return {'x': {'a': 1}}\n"
    )

    holds(enum, GIVING.format("dict[str, steps:T]"))
    holds(made, GIVING.format("dict[str, steps:T]"))
    assert told(made.replace("dict]:", "int]:"), GIVING.format("dict[str, steps:T]")) == [
        ("error", "type-mismatch")
    ]


WITH = GIVING.replace("gives: '{}'", "with: {{x: {}}}, gives: str")


def test_defaults_that_are_null(holds, told):
    """A parameter whose default is None takes null, though its annotation leaves that out."""
    code = "def step(x: str = {}) -> str: return x or 'v'\n"

    holds(code.format(None), WITH.format("null"))
    assert told(code.format("''"), WITH.format("null")) == [("error", "type-mismatch")]


def test_typed_dictionaries_of_other_names(holds):
    """A typed dictionary may be given where another one is taken."""
    code = """
    from typing import TypedDict
    class A(TypedDict):
        x: str
    class B(TypedDict):
        x: str
    def step() -> A: return {"x": "a"}
    def other(x: B) -> str: return x["x"]
    """
    first = GIVING.format("steps:A").replace("success: done", "success: other")
    other = WITH.format("$work").replace("work:", "other:").replace("steps:step", "steps:other")

    holds(code, first + other)


def test_steps_made_by_operators(holds):
    """What an operator makes may be a function."""
    code = """
    class Part:
        def __or__(self, other): return self
        def __call__(self): return "v"
    step = Part() | Part()
    """

    holds(code, GIVING.format("str"))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="older Pythons have no such statement")
def test_types_named_by_a_statement(holds):
    """A type may be named by `type`, too."""
    holds("type T = str | None\ndef step() -> T: return 'v'", GIVING.format("steps:T"))


def test_long_methods_are_looked_through_once(compiled_with):
    """A class with long methods is no more work where many values are of it."""
    body = "\n".join(f"        self.a = (self.a, [{n}, {{'n': {n}}}])" for n in range(1000))
    code = f"{MORE}@dataclass\nclass T:\n    a: int\n    def long(self):\n{body}\n"
    code += "def step(x: T = None) -> T: ...\n"
    state = "{{run: steps:step, with: {{x: {}}}, gives: 'steps:T', effect: none, {}, fallback: failed}}\n"
    one = f"s0: {state.format('null', 'success: done')}"
    many = f"s0: {state.format('null', 'success: s1')}"
    for n in range(1, 20):
        many += f"s{n}: {state.format(f'$s{n - 1}', f'success: s{n + 1}' if n < 19 else 'success: done')}"
    compiled_with(code, one)

    assert calls(lambda: compiled_with(code, many))[1] < 2 * calls(lambda: compiled_with(code, one))[1]


REGISTERED = {
    "by a call": ("", "Shape.register(Circle)"),
    "by a decorator": ("@Shape.register\n", ""),
}


@pytest.mark.parametrize(("mark", "call"), REGISTERED.values(), ids=REGISTERED)
def test_classes_that_are_registered_with_an_abstract_one(holds, told, mark, call):
    """They are of it, though they do not derive from it; one that is not registered is not."""
    code = """
from abc import ABC
from dataclasses import dataclass

class Shape(ABC):
    ...

{}@dataclass
class Circle:
    width: int = 1

{}

def step() -> Circle:
    return Circle()

def draw(shape: Shape) -> str:
    return type(shape).__name__
"""
    states = """
work: {run: steps:step, gives: 'steps:Circle', effect: none, timeout: 5s, success: next, fallback: failed}
next:
  run: steps:draw
  with: {shape: $work}
  gives: str
  effect: none
  timeout: 5s
  success: done
  fallback: failed
"""
    holds(code.format(mark, call), states)
    assert told(code.format("", ""), states) == [("error", "type-mismatch")]
