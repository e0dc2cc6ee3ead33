"""A step, or a module of steps or types, that is not there.

Why is this bad?
    The runner could not be started: it looks up every step before a run begins.

What to do
    Write `module:name`, where the module stands beside the spec or is installed, and the name is a
    function, or something else that can be called, at its top level; a generator gives no value. Modules
    are read, never imported, so a name that is only made when the module runs is not found.

Example::

    fsmflow: 1
    workflow: sample
    states:
      draft:
        run: m:drfat  # error: step-not-found
        effect: none
        success: check
        fallback: failed
      check:
        run: m_not_there:f  # error: step-not-found
        effect: none
        success: done
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from fsmflow.analysis import Analysis
from fsmflow.analysis.kinds.signatures import is_generator
from fsmflow.analysis.kinds.symbols import NotThere, Symbol, WholeModule, resolve
from fsmflow.analysis.mentions import CodeName, classes, functions
from fsmflow.analysis.modules import Absent, Broken, Module
from fsmflow.diagnostics import MAX_RELATED, Diagnostic, Related, nearest
from fsmflow.loading.names import shown

MAX_BESIDE = 1_000

_NO_CODE = (ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.JoinedStr, ast.Compare)


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find modules that are not there or can't be parsed, and names that are no functions."""
    faulty: dict[str, list[CodeName]] = {}
    for mention in (*functions(analysis.workflow), *classes(analysis.workflow)):
        if isinstance(analysis.modules.read(mention.module), Absent | Broken):
            faulty.setdefault(mention.module, []).append(mention)
    for module, mentions in faulty.items():
        found, hint = analysis.modules.read(module), ""
        related = tuple(Related("and here", m.route) for m in mentions[1 : 1 + MAX_RELATED])
        if isinstance(found, Broken):
            message = f"module `{module}` can't be read: {found.why}"
        elif analysis.folder is None:
            continue
        else:
            message = f"module `{module}` is neither beside the spec nor in the environment"
            near = nearest(module, _beside(analysis.folder, module)) or _meant(analysis, module)
            hint = _of_link(analysis) if near is None else f"did you mean `{near}`?"
        yield Diagnostic("step-not-found", message, mentions[0].route, hint=hint, related=related)
    for mention in functions(analysis.workflow):
        if mention.module not in faulty:
            yield from _name(analysis, mention)


def _of_link(analysis: Analysis) -> str:
    """Say where modules are looked for, where the spec is a link to one that stands elsewhere."""
    try:
        target = Path(analysis.document.path).readlink()
    except (OSError, ValueError):
        return ""
    return f"the spec is a link to {shown(target.as_posix())}: steps stand beside the link"


def _meant(analysis: Analysis, module: str) -> str | None:
    """Give the module that is named by its file, or from a folder above the spec."""
    parts = module.removesuffix(".py").split(".")
    names = (".".join(parts[first:]) for first in range(len(parts)))
    return next((name for name in names if isinstance(analysis.modules.read(name), Module)), None)


def _beside(folder: Path, module: str) -> Iterator[str]:
    """Give the modules beside the spec, or in the package there that `module` is said to be in."""
    *package, _ = module.split(".")
    inside = folder.joinpath(*package)
    for path in islice(inside.iterdir(), MAX_BESIDE) if inside.is_dir() else ():
        if path.suffix == ".py" or (path / "__init__.py").is_file():
            yield ".".join((*package, path.stem))


def _name(analysis: Analysis, mention: CodeName) -> Iterator[Diagnostic]:
    match resolve(analysis.modules, mention.module, mention.name):
        case NotThere(known=known):
            message = f"`{mention.name}` is not in module `{mention.module}`"
            hint = analysis.hints.near(mention.name, known)
            yield Diagnostic("step-not-found", message, mention.route, hint=hint)
        case WholeModule():
            message = f"`{mention}` is a module, which can't be called"
            yield Diagnostic("step-not-found", message, mention.route, hint="name a function in it")
        case Symbol(node=node) if isinstance(node, _NO_CODE):
            yield Diagnostic("step-not-found", f"`{mention}` can't be called", mention.route)
        case Symbol() as symbol if is_generator(symbol) and mention.route[-2] != "accept":
            message = f"`{mention}` is a generator, which gives no value"
            yield Diagnostic("step-not-found", message, mention.route, hint="let it return its value")
