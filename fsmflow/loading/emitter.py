"""Plain data as YAML text: the way that specs written in Python are shown."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from fsmflow.loading.scalars import is_text
from fsmflow.source import Real

WIDTH = 100

# What YAML and this package read back as the same string, without quotes, in `{}` and outside.
_BARE = re.compile(r"[A-Za-z_$][A-Za-z0-9_.$/()-]*(?:[ :][A-Za-z0-9_.$/()-]+)*|[0-9]+[a-z]+", re.ASCII)
_REAL = re.compile(r"[-+]?[0-9]*\.?[0-9]*(?:[eE][-+]?[0-9]+)?", re.ASCII)
_UNFIT = re.compile("[\\x7f-\\x9f\\u2028\\u2029\\ufeff\\ud800-\\udfff\\ufffe\\uffff]")
_MAX_IMPLICIT_KEY = 1000
_ALWAYS_SPREAD = 1


def emit(tree: Mapping[str, Any]) -> str:
    """Write `tree`: its first two levels spread over lines, below that whatever fits on one."""
    return "".join(f"{line}\n" for line in _block(tree, 0))


def _block(node: Any, depth: int) -> Iterator[str]:
    indent = "  " * depth
    if isinstance(node, Mapping):
        for key, value in node.items():
            name = _scalar(key)
            if len(name) > _MAX_IMPLICIT_KEY:
                yield f"{indent}? {name}"
                yield from _entry(f"{indent}:", value, depth)
            else:
                yield from _entry(f"{indent}{name}:", value, depth)
    else:
        for value in node:
            yield from _entry(f"{indent}-", value, depth)


def _entry(head: str, value: Any, depth: int) -> Iterator[str]:
    """Put `value` after a key or a dash, or on the lines below it."""
    if not isinstance(value, Mapping | list) or not value:
        yield f"{head} {flow(value)}"
        return
    if depth >= _ALWAYS_SPREAD or not any(isinstance(item, Mapping) for item in _items(value)):
        line = f"{head} {flow(value)}"
        if len(line) <= WIDTH:
            yield line
            return
    yield head
    yield from _block(value, depth + 1)


def _items(node: Any) -> Any:
    return node.values() if isinstance(node, Mapping) else node


def flow(node: Any) -> str:
    """Write plain data on one line."""
    if isinstance(node, Mapping):
        return "{" + ", ".join(f"{_scalar(key)}: {flow(value)}" for key, value in node.items()) + "}"
    if isinstance(node, list):
        return "[" + ", ".join(map(flow, node)) + "]"
    return _scalar(node)


def _scalar(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int():
            # In hexadecimal, because Python refuses to write endless decimals; so does the reader.
            return str(value) if abs(value) < 10**64 else hex(value)
        case float():
            return _real(value)
    text = str(value)
    if _BARE.fullmatch(text) and is_text(text):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNFIT.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)


def _real(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    return value.text if isinstance(value, Real) and _REAL.fullmatch(value.text) else repr(float(value))
