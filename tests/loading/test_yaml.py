"""The YAML reader: what it reads, where it says that things stand, and that nothing else escapes it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from fsmflow.diagnostics import InvalidSpec
from fsmflow.loading import yaml as loading
from fsmflow.loading.yaml import load_file, read_document
from fsmflow.source import Real, Span

TEXT = """\
# a comment
plain: bare words   # and another
quoted: "a # b"
flow: {list: [1, 2.50, ~], "k y": 'x'}
block: |
  one
  two

folded: >-
  one
items:
- first
- deep: {}
  more: []
nothing:
"""

SPANS = {
    ("plain",): "bare words",
    ("quoted",): '"a # b"',
    ("flow",): "{list: [1, 2.50, ~], \"k y\": 'x'}",
    ("flow", "list"): "[1, 2.50, ~]",
    ("flow", "list", 1): "2.50",
    ("flow", "list", 2): "~",
    ("flow", "k y"): "'x'",
    ("block",): "|\n  one\n  two",
    ("folded",): ">-\n  one",
    ("items",): "- first\n- deep: {}\n  more: []",
    ("items", 0): "first",
    ("items", 1): "deep: {}\n  more: []",
    ("items", 1, "deep"): "{}",
    ("items", 1, "more"): "[]",
    ("nothing",): "",
}


@pytest.fixture(params=["libyaml", "python"])
def parser(request, monkeypatch):
    """Read with each of PyYAML's two parsers."""
    if request.param == "libyaml" and not yaml.__with_libyaml__:
        pytest.skip("PyYAML is built without libyaml here")
    loader = yaml.CSafeLoader if request.param == "libyaml" else yaml.SafeLoader
    monkeypatch.setattr(loading, "_LOADER", loader)


def cut(text: str, span: Span) -> str:
    lines = text.split("\n")
    if span.line == span.end_line:
        return lines[span.line - 1][span.column - 1 : span.end_column - 1]
    inner = lines[span.line : span.end_line - 1]
    return "\n".join(
        [lines[span.line - 1][span.column - 1 :], *inner, lines[span.end_line - 1][: span.end_column - 1]]
    )


@pytest.mark.parametrize("route", SPANS, ids=str)
@pytest.mark.usefixtures("parser")
def test_where_values_stand(route):
    """Each value's span is exactly its text, whichever parser gave the events."""
    document = read_document(TEXT, "spec.yaml")

    assert cut(TEXT, document.values[route]) == SPANS[route]


@pytest.mark.usefixtures("parser")
def test_where_keys_stand():
    """Each key's span is the key as written."""
    keys = read_document(TEXT, "spec.yaml").keys

    assert cut(TEXT, keys["flow", "k y"]) == '"k y"'
    assert cut(TEXT, keys["items", 1, "more"]) == "more"


@pytest.mark.usefixtures("parser")
def test_what_is_read():
    """Plain scalars are typed, quoted ones and blocks are strings, and reals keep their text."""
    tree = read_document(TEXT, "spec.yaml").tree

    assert tree == {
        "plain": "bare words",
        "quoted": "a # b",
        "flow": {"list": [1, 2.5, None], "k y": "x"},
        "block": "one\ntwo\n",
        "folded": "one",
        "items": ["first", {"deep": {}, "more": []}],
        "nothing": None,
    }
    assert isinstance(tree["flow"]["list"][1], Real)
    assert tree["flow"]["list"][1].text == "2.50"


def test_a_byte_order_mark_is_no_text():
    """A UTF-8 byte order mark is skipped, and columns don't count it."""
    document = read_document(b"\xef\xbb\xbfa: 1", "spec.yaml")

    assert document.keys["a",] == Span(1, 1, 1, 2)


def test_windows_line_ends():
    """Lines that end in CR LF count once."""
    document = read_document("a: 1\r\nb: 2\r\n", "spec.yaml")

    assert document.values["b",] == Span(2, 4, 2, 5)
    assert document.line(1) == "a: 1"


def test_a_file(tmp_path):
    """A file is read like its text, and called by its path."""
    path = tmp_path / "a.fsm.yaml"
    path.write_text(TEXT)
    document = load_file(path)

    assert document.path == str(path)
    assert document.tree == read_document(TEXT, "").tree


def test_related_places_of_an_unreadable_text():
    """What stands in the way can still be shown: the exception carries the text and its places."""
    with pytest.raises(InvalidSpec) as caught:
        read_document("a: 1\na: 2\n", "spec.yaml")
    (diagnostic,) = caught.value.diagnostics

    assert diagnostic.span == Span(2, 1, 2, 2)
    assert caught.value.document.locate(diagnostic.related[0].route) == Span(1, 4, 1, 5)


words = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufeff\u2028\u2029"),
    max_size=50,
)
# On what looks like a number, YAML 1.1 and 1.2 disagree.
wordy = words.filter(lambda word: word[:1] not in tuple("0123456789.+-"))


def data_of(strings):
    """Draw mappings of plain data with such strings."""
    leaves = strings | st.integers(-(2**63) + 1, 2**63 - 1) | st.booleans() | st.none()
    plain = st.recursive(leaves, lambda t: st.lists(t) | st.dictionaries(strings, t), max_leaves=10)
    return st.dictionaries(strings, plain, min_size=1, max_size=5)


@given(data_of(wordy), st.booleans())
def test_it_agrees_with_yaml(data: dict[str, Any], flow: bool):
    """What PyYAML writes of plain data is read as PyYAML reads it, in block and in flow style."""
    text = yaml.safe_dump(data, allow_unicode=True, default_flow_style=flow, width=1000)

    assert read_document(text, "").tree == yaml.load(text, Loader=loading._LOADER) == data


@given(data_of(words))
def test_it_reads_json(data: dict[str, Any]):
    """JSON is read as JSON reads it."""
    text = json.dumps(data, ensure_ascii=False)

    assert read_document(text, "").tree == data


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "surrogatepass")))
@example(b"\xff\xfe")
@example(b"%YAML 9.9\n---\na: 1")
@example(b"a: !\n? ")
@example(b"%TAG ! !\n---\n!x a: b")
def test_bytes_give_a_document_or_diagnostics(data: bytes):
    """No bytes raise anything but `InvalidSpec`, and its diagnostics are never none."""
    refused = None
    try:
        read_document(data, "spec.yaml")
    except InvalidSpec as invalid:
        refused = invalid

    assert refused is None or refused.diagnostics != ()


@given(st.text(st.sampled_from("ab:-?[]{},&*!|>'\"%@# \n\t0.1~<"), max_size=60))
def test_yaml_like_texts_give_a_document_or_diagnostics(text: str):
    """Texts made of YAML's own signs raise nothing else either, and every span lies in the text."""
    try:
        document = read_document(text, "spec.yaml")
    except InvalidSpec as invalid:
        spans = [d.span for d in invalid.diagnostics if d.span is not None]
    else:
        spans = [*document.keys.values(), *document.values.values()]
    lines = text.split("\n")
    for span in spans:
        assert 1 <= span.line <= span.end_line <= len(lines)
        assert (span.line, span.column) <= (span.end_line, span.end_column)
        assert 1 <= span.column <= len(lines[span.line - 1]) + 1
        assert 1 <= span.end_column <= len(lines[span.end_line - 1]) + 1


@given(st.lists(st.text(st.sampled_from("abc '\"\\#é日\U0001f600"), min_size=1), min_size=1), st.booleans())
def test_spans_are_the_text(values: list[str], quoted: bool):
    """The span of each scalar of a list holds exactly what was written for it."""
    written = [
        json.dumps(v, ensure_ascii=False) if quoted else "'" + v.replace("'", "''") + "'" for v in values
    ]
    text = "key:\n" + "".join(f"  -   {w}  # note\n" for w in written)
    document = read_document(text, "")

    assert document.tree["key"] == values
    assert [cut(text, document.values["key", n]) for n in range(len(values))] == written


@pytest.mark.parametrize("text", ["? a", "a:", "a: [b,\n  c]\n? d"])
def test_a_value_left_out_at_the_end_stands_in_the_text(text: str):
    """A value that is not written stands where the text ends, not behind it."""
    document = read_document(text, "spec.yaml")
    assert max(span.end_line for span in document.values.values()) <= len(text.split("\n"))
