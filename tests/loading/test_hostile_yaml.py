"""Texts made to break a YAML reader: each gets a named, located diagnostic within a second."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fsmflow.diagnostics import InvalidSpec
from fsmflow.loading.files import MAX_BYTES
from fsmflow.loading.yaml import load_file, read_document


def bomb(sign: str) -> str:
    layers = ["l0: &l0 {k: v}"]
    layers += [f"l{n}: &l{n} {sign.replace('X', f'*l{n - 1}')}" for n in range(1, 9)]
    return "\n".join(layers)


def test_alias_bomb(told):
    """Every anchor and every alias of a bomb is refused, and nothing expands."""
    said = told(bomb("[X, X, X, X, X, X, X, X, X]"))

    assert {"yaml-anchor"} == {s.check for s in said}
    assert (said[0].at, said[0].line, said[0].column) == ("&l0", 1, 5)


def test_merge_bomb(told):
    """Merge keys are refused by name."""
    said = told(bomb("{<<: [X, X, X, X]}"))

    assert {"yaml-anchor", "yaml-merge"} == {s.check for s in said}


def test_an_alias_to_itself(told):
    """A list that holds itself is refused at its anchor and at its alias."""
    assert [(s.check, s.at) for s in told("x: &a [*a]")] == [("yaml-anchor", "&a"), ("yaml-anchor", "*a")]


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "a: " + "[" * 100_000, "{a: " * 50_000, "? " * 50_000, "- " * 50_000]
)
def test_a_hundred_thousand_brackets(told, text):
    """Nesting is bounded while it is read, in every notation."""
    assert [s.check for s in told(text) if s.check != "non-string-key"] == ["too-deep"]


def test_a_deep_block_mapping(told):
    """Three thousand levels of indentation are refused at the thirty-third."""
    (said,) = told("\n".join(" " * n + "a:" for n in range(1000)))

    assert (said.check, said.line) == ("too-deep", 33)


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system", "!!set", "!!binary", "!", "!x", "!<tag:yaml.org,2002:str>"]
)
def test_a_tag(told, tag):
    """No tag is part of the language, whatever it names."""
    (said,) = told(f"a: {tag} {{}}")

    assert ("yaml-tag", tag) == (said.check, said.at)


def test_a_tag_directive(told):
    """A directive that defines tags is refused like a tag."""
    assert "yaml-tag" in [s.check for s in told("%TAG ! tag:x\n---\na: 1\n")]


def test_duplicate_keys(told):
    """All duplicate keys of a file are told at once, each at its second place."""
    said = told("a: 1\nb: {c: 1, c: 2}\na: {d: 1,\n  d: 2}\n")

    assert [(s.check, s.line, s.at) for s in said] == [("duplicate-key", 2, "c"), ("duplicate-key", 3, "a")]


def test_words_that_only_old_yaml_types():
    """Country codes, times and dates are strings."""
    tree = read_document("a: no\nb: 1:20\nc: 2024-99-99\nd: 1_000\ne: 0b1\nf: yes\n", "").tree

    assert list(tree.values()) == ["no", "1:20", "2024-99-99", "1_000", "0b1", "yes"]


def test_a_number_that_two_yamls_read_differently(told):
    """A leading zero is refused, because it means decimal here and octal there."""
    (said,) = told("a: 017")

    assert (said.check, said.at) == ("bad-number", "017")


def test_words_of_the_core_schema():
    """Whole numbers are read in three bases, and null and booleans in their spellings."""
    tree = read_document(
        "[a, b]: 1".replace("[a, b]", "a") + "\nb: 0x1F\nc: 0o17\nd: ~\ne: True\nf: -3\n", ""
    ).tree

    assert list(tree.values()) == [1, 31, 15, None, True, -3]


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("a: " + "9" * 5000, "bad-number"),
        ("a: " + "9" * 20, "bad-number"),
        ("a: 0x" + "f" * 1_000_000, "too-large"),
        ("a: 1." + "0" * 5000, "bad-number"),
    ],
)
def test_an_endless_number(told, text, check):
    """A number is bounded before it is computed."""
    assert [check] == [s.check for s in told(text)]


def test_a_hundred_thousand_sexagesimal_parts(told):
    """A number in base sixty is a string, and a long one is too large."""
    assert [s.check for s in told("a: " + "1:" * 100_000 + "1")] == ["too-large"]


@pytest.mark.parametrize(
    "text",
    [
        b"a: \x00", b"a: \xff", b"a: \xc3", "a: 1".encode("utf-16"), "a: 1".encode("utf-16-le"), b"a: \x07",
        b"a: \x7f", "a: \x85 b".encode(), "a: \u2028 b".encode(), b"a: 1\rb: 2", "a: \ud800", "a: \ufeffb",
    ],
)  # fmt: skip
def test_what_is_no_text(told, text):
    """Other encodings, control characters and odd line breaks are named."""
    assert {"not-text"} == {s.check for s in told(text)}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_another_encoding_is_called_by_its_name(told, encoding):
    """A text in UTF-16 or UTF-32 is told so, once, with a byte order mark or without."""
    (said,) = told("workflow: one".encode(encoding))

    assert said.message == f"the file is {encoding[:6].upper()}, not UTF-8"


def test_the_place_of_a_byte_that_is_no_text(told):
    """A byte that is not UTF-8 is located by line and column, counted in characters."""
    (said,) = told("a: 1\né: ".encode() + b"\xff")

    assert (said.line, said.column) == (2, 4)


def test_a_tab_for_indentation(told):
    """A tab that indents is named as such."""
    (said,) = told("a:\n\tb: 1\n")

    assert (said.check, said.line, said.column) == ("yaml-syntax", 2, 1)
    assert "tab" in said.message


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> main\n",
        "a: 1\n>>>>>>> main\n",
        "a:\n  b: 1\n=======\n  c: 2\n",
    ],
)
def test_a_merge_that_is_not_finished(told, text):
    """What git leaves where two versions clash is named as such, not taken for a key without its colon."""
    said = told(text)[0]

    assert (said.check, said.column) == ("yaml-syntax", 1)
    assert "a merge that is not finished" in said.message


def test_half_a_surrogate_pair(told):
    """An escaped surrogate never gets into a string."""
    assert {"yaml-syntax", "not-text"} & {s.check for s in told('a: "\\ud800"')}


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("a: 1\n---\nb: 2\n", "several-documents"),
        ("", "empty-document"),
        ("# only a comment\n", "empty-document"),
        ("---\n", "empty-document"),
        ("- a\n", "not-a-mapping"),
        ("a\n", "not-a-mapping"),
        ("7\n", "not-a-mapping"),
    ],
)
def test_documents_of_another_form(told, text, check):
    """A file is exactly one document, and that a mapping."""
    assert [check] == [s.check for s in told(text)]


@pytest.mark.parametrize("key", ["1", "1.5", "true", "null", "~", "", "[a]", "{a: b}", "017", ".inf"])
def test_a_key_that_is_no_string(told, key):
    """Only strings are keys."""
    assert [s.check for s in told(f"? {key}\n: 1\n")] == ["non-string-key"]


def test_a_quoted_number_is_a_key():
    """Quotes make a string of anything, a key too."""
    assert read_document('"1": 1', "").tree == {"1": 1}


def test_a_list_of_a_million(told):
    """A list is bounded while it is read."""
    assert [s.check for s in told("a: [" + "1," * 400_000 + "]")] == ["too-large"]


def test_a_large_file(tmp_path: Path):
    """A hundred megabytes are refused after the first."""
    path = tmp_path / "big.yaml"
    with path.open("wb") as file:
        file.truncate(100 << 20)

    with pytest.raises(InvalidSpec) as caught:
        load_file(path)
    assert caught.value.diagnostics[0].check == "too-large"


def test_the_largest_file(told):
    """A file of exactly the limit is read; one more byte is not."""
    text = "a: 1\n#"
    text += "x" * (MAX_BYTES - len(text))

    assert "too-large" not in {s.check for s in told(text)}
    assert [s.check for s in told(text + "x")] == ["too-large"]


def refusal(path: Path | str) -> str:
    with pytest.raises(InvalidSpec) as caught:
        load_file(path)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.check == "unreadable-file"
    return diagnostic.message


def test_a_pipe(tmp_path: Path):
    """A pipe without a writer is refused, not waited for."""
    os.mkfifo(tmp_path / "pipe")

    assert "pipe" in refusal(tmp_path / "pipe")


def test_an_endless_device():
    """A device is refused unread."""
    assert "device" in refusal("/dev/zero")


def test_what_is_not_there(tmp_path: Path):
    """A directory, a missing file, a broken link and an impossible name are refused."""
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")

    assert "directory" in refusal(tmp_path)
    assert "no such file" in refusal(tmp_path / "missing.yaml")
    assert "no such file" in refusal(tmp_path / "link")
    assert refusal(tmp_path / "loop") != ""
    assert refusal("a\0b") != ""
    assert refusal("x" * 5000) != ""


@pytest.mark.parametrize("number", [".inf", "-.INF", ".nan", "1e400", "-1e400"])
def test_a_number_that_is_none(told, number):
    """Infinite numbers and those that are not numbers are refused."""
    (said,) = told(f"a: {number}")

    assert ("bad-number", number) == (said.check, said.at)
