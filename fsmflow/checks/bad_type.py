"""A type that can't be read, or a class that is not there.

Why is this bad?
    Outputs are held to their type before anything flows on; without it nothing can be.

What to do
    Write `str`, `int`, `float`, `bool`, `None`, `Any`, `list[…]`, `dict[…, …]`, `Literal["a", "b"]`, a
    union with `|`, or a class as `module:Name`. A generic class is given its types in its module, as in
    `RowPage = Page[Row]`.

Example::

    fsmflow: 1
    workflow: sample
    input: string  # error: bad-type
    states:
      draft:
        run: m:f
        gives: list[m:Anwser]  # error: bad-type
        effect: none
        success: done
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.analysis.kinds.symbols import NotThere, Symbol, WholeModule, resolve
from fsmflow.analysis.mentions import classes, functions, types
from fsmflow.diagnostics import Diagnostic
from fsmflow.typeexpr import parse_type

_ELSEWHERE = {
    "string": "str", "text": "str", "integer": "int", "number": "float", "double": "float", "boolean": "bool",
    "array": "list", "List": "list", "object": "dict", "Dict": "dict", "null": "None", "any": "Any",
}  # fmt: skip
"""What other languages call a type."""


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find types that are none, and classes that their modules do not hold."""
    for text, route in types(analysis.workflow):
        try:
            parse_type(text)
        except ValueError as error:
            yield Diagnostic("bad-type", str(error), route, hint=_hint(text) or _qualified(analysis, text))
    for mention in classes(analysis.workflow):
        match resolve(analysis.modules, mention.module, mention.name):
            case NotThere(known=known):
                message = f"`{mention.name}` is not in module `{mention.module}`"
                hint = analysis.hints.near(mention.name, known)
                yield Diagnostic("bad-type", message, mention.route, hint=hint)
            case WholeModule():
                yield Diagnostic("bad-type", f"`{mention}` is a module, no class", mention.route)
            case Symbol(node=ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Constant() | ast.Lambda()):
                yield Diagnostic("bad-type", f"`{mention}` is no class", mention.route)


def _hint(text: str) -> str:
    """Say how a type is written here that is written otherwise elsewhere."""
    if text.endswith("[]"):
        return "write `list[TYPE]`"
    if text.endswith("?") or text.startswith(("Optional[", "typing.Optional[")):
        return "write `TYPE | None`"
    if generic := re.search(r":(\w+)\[", text):
        return f"say `NAME = {generic[1]}[…]` in its module, and write `module:NAME`"
    words = re.findall(r"(?<![\w.:])\w+(?![\w.:])", text)
    return next((f"did you mean `{_ELSEWHERE[word]}`?" for word in words if word in _ELSEWHERE), "")


def _qualified(analysis: Analysis, text: str) -> str:
    """Say in which of the modules that the spec names a class stands that is named without one."""
    mentions = (*functions(analysis.workflow), *classes(analysis.workflow))
    modules = dict.fromkeys(mention.module for mention in mentions)
    for word in re.findall(r"(?<![\w.:])[A-Z]\w*(?![\w.:])", text):
        for module in modules:
            match resolve(analysis.modules, module, word):
                case Symbol(node=ast.ClassDef()):
                    return f"did you mean `{module}:{word}`?"
    return ""
