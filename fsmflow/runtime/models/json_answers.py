"""JSON as models write it: alone, after their thoughts, or in the one fence of an answer.

Nothing is repaired, and nothing is chosen between: what can be read in two ways is not read.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from fsmflow.runtime.models.thoughts import after_thoughts
from fsmflow.runtime.outcomes import Invalid

_FENCE = re.compile(r"```[a-zA-Z]*")


def json_object(answer: str, what: str = "the answer is") -> dict[str, Any]:
    """Read a JSON object.

    Args:
        answer: What was written.
        what: What it is said to be, if it is none.

    Raises:
        Invalid: It is none.
    """
    answer = answer.removeprefix("\ufeff")
    try:
        try:
            found = _read(answer)
        except json.JSONDecodeError:
            found = _read(_fenced(after_thoughts(answer)))
    except json.JSONDecodeError as error:
        raise Invalid(f"{what} not JSON: {error}") from None
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, _Unfit) else "it can't be read"
        raise Invalid(f"{what} not JSON: {why}") from None
    if not isinstance(found, dict):
        raise Invalid(f"{what} no JSON object")
    return found


def _fenced(text: str) -> str:
    """Give what stands in the one fence of a text; all of the text if it has none, or two."""
    # Not by all that ends a line: some of that may stand in JSON as it is.
    lines = [line.strip(" \t\r") for line in text.split("\n")]
    marks = [number for number, line in enumerate(lines) if line.startswith("```")]
    if len(marks) != 2 or not _FENCE.fullmatch(lines[marks[0]]) or lines[marks[1]] != "```":
        return text
    return "\n".join(lines[marks[0] + 1 : marks[1]])


def _read(text: str) -> Any:
    return json.loads(text, parse_constant=_refused, parse_float=_finite, object_pairs_hook=_each_once)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object; which of two values of one key is meant, nobody can tell."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Unfit("a key is there twice")
    return found


def _refused(constant: str) -> Any:
    raise _Unfit(f"{constant} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _Unfit(f"{text:.40} is too large a number")
    return number


class _Unfit(ValueError):
    """JSON holds what it may not; the message says what."""
