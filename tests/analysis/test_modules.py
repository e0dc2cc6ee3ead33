"""Modules read as text: where they are found, and that nothing of them ever runs."""

from __future__ import annotations

import sys

import pytest

from fsmflow.analysis.kinds.annotations import ANY, normal
from fsmflow.analysis.kinds.classes import class_of
from fsmflow.analysis.kinds.fits import fits
from fsmflow.analysis.kinds.signatures import signature_of
from fsmflow.analysis.kinds.symbols import NotThere, Symbol, Unknown, WholeModule, resolve
from fsmflow.analysis.modules import Absent, Broken, Module, Modules, Opaque
from fsmflow.typeexpr import parse_type

TRAP = "import pathlib\npathlib.Path(__file__).with_name('ran').write_text('x')\n"


@pytest.fixture
def modules(tmp_path):
    return Modules(tmp_path)


def write(folder, **sources):
    """Write modules, in which `p__q` stands for `p/q`."""
    for name, source in sources.items():
        path = folder.joinpath(*name.split("__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")


def test_parents_are_not_run(tmp_path, modules):
    """A module inside packages is found although nothing of the packages is run."""
    for name in ("p", "p__q"):
        (tmp_path / name.replace("__", "/")).mkdir()
        (tmp_path / name.replace("__", "/") / "__init__.py").write_text(TRAP)
    write(tmp_path, p__q__r=TRAP + "def f(): ...\n")

    assert isinstance(resolve(modules, "p.q.r", "f"), Symbol)
    assert list(tmp_path.rglob("ran")) == []
    assert "p" not in sys.modules


def test_where_modules_are(tmp_path, modules):
    """The spec's folder goes first; what is built in, a bare folder, and nothing at all are told apart."""
    write(tmp_path, json="def mine(): ...\n")
    (tmp_path / "bare").mkdir()
    (tmp_path / "plain.py").write_text("")

    assert isinstance(resolve(modules, "json", "mine"), Symbol)
    assert isinstance(resolve(Modules(None), "json", "mine"), NotThere)
    assert isinstance(modules.read("bare"), Opaque)
    assert isinstance(modules.read("sys"), Opaque)
    assert isinstance(modules.read("plain.inner"), Absent)
    assert isinstance(modules.read("bare.inner"), Absent)
    assert isinstance(modules.read("no_such_module"), Absent)


@pytest.mark.parametrize(
    "source",
    [
        b"def f(:\n",
        b"x = '\x00'\n",
        b"# coding: no-such-codec\n",
        b"x = " + b"(" * 5_000,
        b"x = " + b"-" * 200_000 + b"1\n",
        b"\xff\xfe\n",
        b"x = " + b"9" * 10_000 + b"\n",
        b"#" * ((2 << 20) + 1),
    ],
    ids=["syntax", "nul", "codec", "deep", "unary", "bytes", "digits", "large"],
)
def test_a_source_that_is_no_python(tmp_path, modules, source):
    """A source that can't be parsed, or is too large, says so and raises nothing."""
    (tmp_path / "m.py").write_bytes(source)

    assert isinstance(modules.read("m"), Broken)


def test_a_warning_of_the_parser_is_nobodys_business(tmp_path, modules):
    """A source that Python itself would warn about is read in silence."""
    (tmp_path / "m.py").write_text("x = '\\d' is 1\n")

    assert isinstance(modules.read("m"), Module)


def test_names_are_followed(tmp_path, modules):
    """Aliases, imports, relative ones too, and star imports lead to where a name is defined, or to doubt."""
    write(
        tmp_path,
        p__steps="def f(): ...\nif f:\n    def k(): ...\nelse:\n    def k(a): ...\n",
        star="from p import *\n",
        circle="from circle2 import x\n",
        circle2="from circle import x\n",
    )
    (tmp_path / "p" / "__init__.py").write_text(
        "from .steps import f as g\nfrom . import steps\nh = g\nimport json\nfrom json import dumps\n"
    )

    for name in ("g", "h"):
        found = resolve(modules, "p", name)
        assert isinstance(found, Symbol)
        assert (found.module.name, found.name) == ("p.steps", "f")
    assert isinstance(resolve(modules, "p", "steps"), WholeModule)
    assert isinstance(resolve(modules, "p", "json"), WholeModule)
    assert isinstance(resolve(modules, "p", "dumps"), Unknown)
    assert isinstance(resolve(modules, "p.steps", "k"), Unknown)
    assert isinstance(resolve(modules, "star", "anything"), Unknown)
    assert isinstance(resolve(modules, "circle", "x"), Unknown)
    assert resolve(modules, "p.steps", "z") == NotThere("p.steps", ("f", "k"))


SOURCE = """
from __future__ import annotations
import dataclasses, typing as t, other
from typing import Annotated, List, NamedTuple, Optional, Protocol, TypedDict, Union
from enum import StrEnum
import attrs
from pydantic import BaseModel, Field

@attrs.frozen
class A:
    x: int
    y: Optional[str] = None
    z: list[int] = attrs.field(factory=list)
    w: int = attrs.field()

@dataclasses.dataclass(frozen=True)
class B(A2 := object): ...

class N(NamedTuple):
    a: int

class M(BaseModel):
    a: int = Field(alias="b")

class D(TypedDict):
    a: int

class Sub(N): ...
class Plain:
    def __init__(self): self.a = 1
class Like(Protocol):
    a: int
class Colour(StrEnum):
    RED = "red"
class Odd(other.Base): ...

Alias = Union[int, None]

def typed(
    a: "A", b: List[int], c: t.Dict[str, int], d: Annotated[int, 5], e: Alias, f: other.Thing, g: Like,
    h: t.Sequence[int], /, i: int = 1, *rest: int, j: str, k: str = "", **more: int,
) -> A | None: ...
"""


def test_annotations_in_their_many_spellings(tmp_path, modules):
    """Annotations are read whichever way they are spelt; what can't be told is `Any`."""
    write(tmp_path, m=SOURCE, other="class Thing: ...\n")
    found = resolve(modules, "m", "typed")
    assert isinstance(found, Symbol)
    signature = signature_of(modules, found)
    assert signature is not None

    assert {p.name: str(p.type) for p in signature.parameters} == {
        "a": "m:A", "b": "list[int]", "c": "dict[str, int]", "d": "int", "e": "int | None",
        "f": "other:Thing", "g": "m:Like", "h": "Any", "i": "int", "j": "str", "k": "str",
    }  # fmt: skip
    assert [p.name for p in signature.parameters if p.required] == [*"abcdefgh", "j"]
    assert signature.open
    assert str(signature.gives) == "m:A | None"


def test_what_classes_hold(tmp_path, modules):
    """Fields are known of data classes of every make, and of nothing else."""
    write(tmp_path, m=SOURCE, other="")

    def required(name):
        fields = class_of(modules, "m", name).fields
        return None if fields is None else {key: field.required for key, field in fields.items()}

    assert required("A") == {"x": True, "y": False, "z": False, "w": True}
    assert required("N") == required("Sub") == required("D") == {"a": True}
    assert required("Plain") is None
    assert required("Odd") is None
    assert class_of(modules, "m", "Alias") is None
    assert class_of(modules, "m", "Nothing") is None
    assert class_of(modules, "m", "M").dynamic


@pytest.mark.parametrize(
    ("given", "wanted", "expected"),
    [
        ("int", "float", True),
        ("float", "int", False),
        ("bool", "int", True),
        ("str", "int", False),
        ("None", "int", False),
        ("int | None", "int", False),
        ("int", "int | None", True),
        ('Literal["a"]', "str", True),
        ('Literal["a"]', 'Literal["a", "b"]', True),
        ('Literal["c"]', 'Literal["a", "b"]', False),
        ("str", 'Literal["a"]', True),
        ("int", 'Literal["a"]', False),
        ("list[int]", "list[float]", True),
        ("list[str]", "list[int]", False),
        ("list[int]", "list", True),
        ("list", "list[int]", True),
        ("list[int]", "dict[str, int]", False),
        ("dict[str, int]", "dict", True),
        ("m:Sub", "m:N", True),
        ("m:N", "m:Sub", False),
        ("m:A", "m:N", False),
        ("m:A", "m:Like", True),
        ("m:Odd", "m:A", True),
        ("m:A", "str", False),
        ("m:Colour", "str", True),
        ("m:D", "dict[str, Any]", True),
        ("dict[str, int]", "m:D", True),
        ("dict[str, int]", "m:A", False),
        ("str", "m:A", False),
        ("Any", "m:A", True),
        ("m:A", "Any", True),
        ("m:Gone", "m:A", True),
    ],
)
def test_what_fits(tmp_path, modules, given, wanted, expected):
    """A value fits where its type says that it may stand, and in doubt it does."""
    write(tmp_path, m=SOURCE, other="")

    assert expected == fits(modules, normal(modules, parse_type(given)), normal(modules, parse_type(wanted)))


def test_doubt_is_any(modules):
    """A class of a module that is not there may be anything."""
    assert normal(modules, parse_type("gone:Class")) == ANY
