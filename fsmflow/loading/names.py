"""What may be a name, a reference to code, and prose; and how a doubtful one is shown."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Mapping

from fsmflow.loading.joiners import belongs

MAX_SHOWN = 40
MAX_PROSE = 200
MAX_REFERENCE = 200

NAME_PATTERN = r"[a-z][a-z0-9_]{0,62}"
PARAMETER_PATTERN = r"[A-Za-z][A-Za-z0-9_]{0,62}"
SECRET_PATTERN = rf"^{PARAMETER_PATTERN}(\.{PARAMETER_PATTERN})*$"
REFERENCE_PATTERN = r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*:[A-Za-z][A-Za-z0-9_]*"

RULE = "a name is a-z, 0-9 and _, and begins with a letter"

_NAME = re.compile(NAME_PATTERN, re.ASCII)
_PARAMETER = re.compile(PARAMETER_PATTERN, re.ASCII)
_REFERENCE = re.compile(REFERENCE_PATTERN, re.ASCII)

RESERVED_LABELS = frozenset(
    {"to", "times", "else", "per", "success", "retry", "invalid", "fallback", "failure", "unknown"}
    | {"exceeded", "cancelled"}
)
"""Words that mean something else where a label stands."""

RESERVED_STATES = frozenset({"input", "error", "item", "len", "exceeded", "cancelled"})
"""Words that mean something else where a state or a value is named."""

RESERVED_CHILDREN = frozenset({"or_null"})
"""Words that mean something else where a reference names what a child gave."""

DEVICES = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))]
)
"""Names that are no file on Windows; a workflow's files are named after it."""

SAID_ELSEWHERE: Mapping[str, str] = {
    **dict.fromkeys(("model", "temperature", "max_tokens"), "it is a key of `llm` itself"),
    "max_completion_tokens": "`max_tokens` in `llm` is told by this name where the endpoint knows it",
    "messages": "`prompt` and `system` say what is asked",
    "n": "an attempt asks for one answer",
    "response_format": "`format` and `gives` say how the model answers",
    **dict.fromkeys(("stream", "stream_options"), "an answer is streamed where somebody follows the run"),
    **dict.fromkeys(
        ("tools", "tool_choice", "functions", "function_call"), "`tools` in `llm` says what may be called"
    ),
}
"""What is told to an endpoint in any case, and so is no option; with what says it."""

FORBIDDEN_MODULES = frozenset(
    {
        "asyncio.subprocess", "builtins", "code", "codeop", "ctypes", "imp", "importlib", "marshal",
        "multiprocessing", "nt", "os", "pdb", "pickle", "pip", "pkgutil", "posix", "pty", "runpy",
        "shelve", "shutil", "subprocess", "sys", "webbrowser", "zipimport",
    }
)  # fmt: skip
"""Modules whose functions are no steps: they start programs, import, unpickle or touch the process.

A spec is reviewed as data, so naming one of these must not be enough to run it. A step that
needs one is a function of the author's own that calls it.
"""

_INVISIBLE = {"Cc": "a control character", "Cf": "an invisible character", "Cs": "half a surrogate pair"}


def shown(text: str, limit: int = MAX_SHOWN) -> str:
    """Write `text` for a message: in ASCII, escaped, and cut to about `limit` characters."""
    cut = text if len(text) <= limit else text[: limit - 1]
    escaped = cut.encode("unicode_escape").decode("ascii")
    return escaped if cut is text else f"{escaped}…"


def name_flaw(name: str) -> str | None:
    """Say what keeps `name` from being a name, or give None."""
    return _identifier_flaw(name, _NAME, RULE)


def likely_name(name: str) -> str:
    """Word a hint for a name that is none: the nearest that is one, or the rule."""
    if not name.isascii():
        return RULE
    stem = re.sub(r"(\.fsm)?\.ya?ml$", "", name.lower())
    meant = re.sub("[^a-z0-9]+", "_", stem).strip("_")
    return f"did you mean `{meant}`?" if meant != name and name_flaw(meant) is None else ""


def workflow_flaw(name: str) -> str | None:
    """Say what keeps `name` from being the name of a workflow, and of its files, or give None."""
    return "it is a device on Windows" if name in DEVICES else name_flaw(name)


def parameter_flaw(name: str) -> str | None:
    """Say what keeps `name` from being the name of a parameter or field, or give None."""
    return _identifier_flaw(name, _PARAMETER, "a parameter is A-Z, a-z, 0-9 and _, and begins with a letter")


def _identifier_flaw(name: str, pattern: re.Pattern[str], rule: str) -> str | None:
    if not name:
        return "it is empty"
    if len(name) > 63:
        return f"it has {len(name)} characters; 63 are allowed"
    if not name.isascii():
        strange = next(c for c in name if not c.isascii())
        return f"it holds U+{ord(strange):04X} {unicodedata.name(strange, 'without a name')}"
    if not pattern.fullmatch(name):
        return rule
    if "__" in name:
        return "two underscores in a row are kept for generated names"
    if keyword.iskeyword(name):
        return "it is a keyword of Python"
    return None


def reference_flaw(reference: str) -> str | None:
    """Say what keeps `reference` from being `module:name`, or give None."""
    if len(reference) > MAX_REFERENCE:
        return f"it has {len(reference)} characters; {MAX_REFERENCE} are allowed"
    if not _REFERENCE.fullmatch(reference):
        return "expected `module:name`, each of letters, digits and _, beginning with a letter"
    parts = re.split("[.:]", reference)
    if any("__" in part for part in parts):
        return "names with two underscores in a row are Python's own"
    if any(keyword.iskeyword(part) for part in parts):
        return "a keyword of Python names nothing"
    return None


def forbidden_module(reference: str) -> str | None:
    """Give the module that `reference` may not name, or None."""
    module = reference.partition(":")[0]
    root = module.partition(".")[0]
    return next((name for name in (module, root) if name in FORBIDDEN_MODULES), None)


def prose_flaw(text: str) -> str | None:
    """Say what keeps `text` from being a title, or give None."""
    if len(text) > MAX_PROSE:
        return f"it has {len(text)} characters; {MAX_PROSE} are allowed"
    for place, character in enumerate(text):
        category = unicodedata.category(character)
        if (category in _INVISIBLE or category in ("Zl", "Zp")) and not belongs(text, place):
            kind = _INVISIBLE.get(category, "a line break")
            return f"it holds {kind}, U+{ord(character):04X}"
    return None
