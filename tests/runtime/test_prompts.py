"""Prompts: files beside a spec, in which names stand for arguments."""

from __future__ import annotations

import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmflow.runtime.prompts import (
    MAX_PROMPT,
    PromptNotFound,
    filled,
    odd_braces,
    path_flaw,
    places,
    read_prompt,
)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../a.md",
        "a/../../b.md",
        "a\\b.md",
        "..\\b.md",
        "C:/a.md",
        "c:a.md",
        "a//b.md",
        "./a.md",
        "a/",
        ".env",
        "~/a.md",
        "a\nb.md",
        "a.md\n",
        "a\0b.md",
        "ü.md",
        "x" * 201,
    ],
)
def test_a_path_that_names_nothing_beside_the_spec(tmp_path, path):
    """A path that leads elsewhere, or means another thing elsewhere, is refused before it is looked at."""
    assert path_flaw(path)
    with pytest.raises(PromptNotFound):
        read_prompt(tmp_path, path)


def test_a_link_out_of_the_folder(tmp_path):
    """A link that leads out of the spec's folder is not followed; one inside it is."""
    inside = tmp_path / "specs"
    inside.mkdir()
    (tmp_path / "secret.md").write_text("secret")
    (inside / "own.md").write_text("own")
    try:
        (inside / "out.md").symlink_to(tmp_path / "secret.md")
        (inside / "in.md").symlink_to(inside / "own.md")
        (inside / "loop.md").symlink_to(inside / "loop.md")
    except OSError:
        pytest.skip("this file system has no links")

    assert read_prompt(inside, "in.md") == "own"
    with pytest.raises(PromptNotFound, match="leads out"):
        read_prompt(inside, "out.md")
    with pytest.raises(PromptNotFound, match="can't be read"):
        read_prompt(inside, "loop.md")


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"\xff\xfe", "UTF-8"), (b"x" * (MAX_PROMPT + 1), "larger than 1 MiB"), (None, "no file")],
)
def test_a_file_that_is_no_prompt(tmp_path, data, why):
    """What is no text, too long, or a folder, is told as that."""
    if data is None:
        (tmp_path / "a.md").mkdir()
    else:
        (tmp_path / "a.md").write_bytes(data)

    with pytest.raises(PromptNotFound, match=why):
        read_prompt(tmp_path, "a.md")


def test_a_prompt_is_never_waited_for(tmp_path):
    """A pipe in the place of a prompt is refused, and is not opened."""
    os.mkfifo(tmp_path / "a.md")
    told = []

    def read():
        try:
            read_prompt(tmp_path, "a.md")
        except PromptNotFound as error:
            told.append(str(error))

    # Whoever opened it would wait for a writer for ever.
    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    reading.join(5)

    assert told == ["it is no file"]


def test_how_a_file_is_stored_does_not_matter(tmp_path):
    """A byte order mark and the line ends of another system are no part of a prompt."""
    (tmp_path / "a.md").write_bytes(b"\xef\xbb\xbfone\r\n{{ a }}\r\n")

    assert read_prompt(tmp_path, "a.md") == "one\n{{ a }}\n"


def test_the_names_in_a_prompt():
    """Only plain names in double braces are places; each is told with its first line."""
    text = '{{ a }} {b} {{b}}\n{{a}} {{ a.b }} {{}} {{ 1 }} {"x": {"y": 1}} {{\tc }} {{ a b }}'

    assert places(text) == (("a", 1), ("b", 1), ("c", 2))
    assert [odd for odd, _ in odd_braces(text)] == ["{{ a.b }}", "{{}}", "{{ 1 }}", "{{ a b }}"]


@given(st.text(), st.text())
def test_an_argument_is_never_looked_at_again(first, second):
    """Whatever arguments contain, places in them too, stands in the prompt as it is."""
    sent = [text.encode("utf-8", "backslashreplace").decode() for text in (first, second)]

    assert filled("{{ a }}|{{ b }}", {"a": first, "b": second}) == "|".join(sent)


def test_arguments_that_are_no_text():
    """What is no string is written as JSON, and what JSON lacks as a trace has it."""
    itself: list[object] = []
    itself.append(itself)

    assert filled("{{ a }}", {"a": {"b": [1, True, None, "é"]}}) == '{"b": [1, true, null, "é"]}'
    assert filled("{{ a }}", {"a": (1, b"x")}) == '[1, {"$bytes": "eA=="}]'
    assert filled("{{ a }}", {"a": {(1, 2): 3}}) == '{"$map": [[[1, 2], 3]]}'
    assert filled("{{ a }}", {"a": itself}).startswith("[[[")
