"""The index of faults: each has its tests, and each of these is there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.faults.index import FAULTS, HERE

ROOT = Path(__file__).resolve().parents[2]


def truths_in(file: str) -> dict[str, str]:
    """Give the tests of a file, with what their docstrings say."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    return {each.name: ast.get_docstring(each) or "" for each in functions if each.name.startswith("test_")}


def test_every_fault_of_the_group_is_in_the_index():
    """The index has the secrets, 59, and each fault of models and tools, 60 to 76, once and in order."""
    assert [fault.number for fault in FAULTS] == list(range(59, 77))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault.number))
def test_every_test_that_the_index_names_is_there(fault):
    """Each fault names at least two tests, all of which are there and say their truth in a sentence."""
    nodes = list(fault.nodes)

    assert len(nodes) == len(set(nodes)) >= 2
    for file, name in nodes:
        assert truths_in(file).get(name, "").splitlines()[:1], f"{file}::{name}"


def test_every_test_of_a_fault_is_in_the_index():
    """No test among these shows what the index does not name."""
    named = {node for fault in FAULTS for node in fault.nodes}
    files = sorted(path.name for path in (ROOT / HERE).glob("test_*.py") if path.name != "test_index.py")

    for file in files:
        for name in truths_in(f"{HERE}/{file}"):
            assert (f"{HERE}/{file}", name) in named
