"""Prompts: files beside a spec, in which `{{ name }}` stands for an argument.

That is all there is to them. What a value contains is never looked at again, so that no text from
outside can reach for another argument.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fsmflow.runtime.trace import plain

MAX_PATH = 200
MAX_PROMPT = 1 << 20
"""The longest prompt, in bytes."""

PATH_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_. -]*(/[A-Za-z0-9_][A-Za-z0-9_. -]*)*$"

_PATH = re.compile(PATH_PATTERN, re.ASCII)
_PLACE = re.compile(r"\{\{[ \t]*([A-Za-z][A-Za-z0-9_]*)[ \t]*\}\}", re.ASCII)
_BRACES = re.compile(r"\{\{[^{}\n]*\}\}")


class PromptNotFound(Exception):
    """A prompt is not there, can't be read, or lies outside the spec's folder; the message says why."""


def path_flaw(path: str) -> str | None:
    """Say what keeps `path` from naming a file beside the spec, or give None."""
    if len(path) > MAX_PATH:
        return f"it has {len(path)} characters; {MAX_PATH} are allowed"
    if path.startswith("/") or re.match(r"[A-Za-z]:", path) or ".." in re.split(r"[/\\]", path):
        return "a prompt lies in the spec's folder, and is named from there"
    if "\\" in path:
        return "folders are parted by `/`"
    if not _PATH.fullmatch(path):
        return "a path is of letters, digits, `_`, `-`, `.` and spaces, parted by `/`"
    return None


def read_prompt(folder: Path, path: str) -> str:
    """Read the prompt at `path` in `folder`; its lines end in a line feed, however they are stored.

    Raises:
        PromptNotFound: It can't be had.
    """
    if flaw := path_flaw(path):
        raise PromptNotFound(flaw)
    try:
        whole = (folder / path).resolve(strict=True)
        if not whole.is_relative_to(folder.resolve()):
            raise PromptNotFound("it leads out of the spec's folder")
        if not whole.is_file():
            # A pipe would be waited for.
            raise PromptNotFound("it is no file")
        with whole.open("rb") as stream:
            data = stream.read(MAX_PROMPT + 1)
    except FileNotFoundError:
        raise PromptNotFound("there is no such file beside the spec") from None
    except (OSError, RuntimeError) as error:
        # A loop of links is a RuntimeError before Python 3.13.
        raise PromptNotFound(f"it can't be read: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > MAX_PROMPT:
        raise PromptNotFound(f"it is larger than {MAX_PROMPT >> 20} MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise PromptNotFound("it is not UTF-8") from None
    return text.replace("\r\n", "\n")


def places(text: str) -> tuple[tuple[str, int], ...]:
    """Give the names that stand in a prompt, each with the line of its first place, from 1."""
    found: dict[str, int] = {}
    for place in _PLACE.finditer(text):
        found.setdefault(place[1], text.count("\n", 0, place.start()) + 1)
    return tuple(found.items())


def odd_braces(text: str) -> tuple[tuple[str, int], ...]:
    """Give what stands in double braces in a prompt and is no name, each with its line."""
    return tuple(
        (odd[0], text.count("\n", 0, odd.start()) + 1)
        for odd in _BRACES.finditer(text)
        if not _PLACE.fullmatch(odd[0])
    )


def filled(text: str, arguments: Mapping[str, Any]) -> str:
    """Put arguments into a prompt, once: strings as they are, all else as JSON.

    Raises:
        KeyError: A name in it is no argument.
    """
    return _PLACE.sub(lambda place: _written(arguments[place[1]]), text)


def _written(value: Any) -> str:
    if isinstance(value, str):
        text = str.__str__(value)
    else:
        try:
            text = json.dumps(value, ensure_ascii=False, default=plain)
        except (TypeError, ValueError, RecursionError):
            # Keys that are no strings, or a value that holds itself.
            text = json.dumps(plain(value), ensure_ascii=False)
    # Half of a surrogate pair can't be sent.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
