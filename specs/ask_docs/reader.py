"""Read the documentation of the running Python's standard library; a program of its own.

Importing a module runs it, so the importing happens here, in a child process, and nothing that
a module does as it is imported can reach a run:

    python -I -S ask_docs/reader.py                    every public function, class and method
    python -I -S ask_docs/reader.py math.gcd str.split  these alone

Each line of its output is one JSON object: `name`, `module`, `signature`, `doc`, and, for objects
named as arguments, `context`: the documentation of the module and class around it.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import pkgutil
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

# Importing these opens windows or browsers, prints, or finds test material and no documentation.
_SKIPPED = frozenset(
    {
        "antigravity", "ctypes.macholib", "distutils", "encodings", "ensurepip", "genericpath",
        "idlelib", "lib2to3", "msilib", "nt", "ntpath", "pip", "posix", "posixpath", "pydoc_data",
        "sre_compile", "sre_constants", "sre_parse", "test", "this", "tkinter", "turtle",
        "turtledemo",
    }
)  # fmt: skip
_PART_SKIPPED = re.compile(r"(?:^|\.)(?:_.*|tests?|idle_test|__main__)(?:\.|$)")
# What a module's author writes for another kind of reader, or what Python writes by itself.
_NO_DOCUMENTATION = re.compile(r"Alias for field number|Partial|Initialize self\.|Deprecated")
_FUNCTIONS = (
    type(os.path.join),
    type(len),
    type(str.join),
    type(object().__str__),
    classmethod,
    staticmethod,
    type(dict.__dict__["fromkeys"]),
)


def module_names() -> Iterator[str]:
    """Give the public modules of the standard library, packages before what they hold."""
    yield "builtins"
    yield "os.path"
    for name in sorted(sys.stdlib_module_names - {"builtins"}):
        if _is_skipped(name):
            continue
        yield name
        module = _import(name)
        for inner in pkgutil.iter_modules(getattr(module, "__path__", None) or (), name + "."):
            if not _is_skipped(inner.name):
                yield inner.name


def _is_skipped(name: str) -> bool:
    parts = name.split(".")
    if parts[0] not in sys.stdlib_module_names or _PART_SKIPPED.search(name):
        return True
    return any(".".join(parts[: depth + 1]) in _SKIPPED for depth in range(len(parts)))


def _import(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit):  # noqa: BLE001  a module that can't be imported here has no documentation here
        return None


def public_objects(home: str, module: ModuleType) -> Iterator[tuple[str, Any, Any]]:
    """Give what the module known as `home` offers: dotted name, object, and what makes it the same object.

    Offered are functions, classes, and the methods of these classes.
    """
    for name in getattr(module, "__all__", None) or sorted(vars(module)):
        thing = getattr(module, name, None)
        if name.startswith("_") or not (inspect.isroutine(thing) or inspect.isclass(thing)):
            continue
        if home != "builtins" and not hasattr(module, "__all__") and _is_borrowed(thing, module):
            continue
        # A bound method, as `random.choice` is, is the function that its class holds.
        yield f"{home}.{name}", thing, getattr(thing, "__func__", thing)
        if inspect.isclass(thing):
            yield from _methods(f"{home}.{name}", thing)


def _is_borrowed(thing: Any, module: ModuleType) -> bool:
    home = getattr(thing, "__module__", None)
    return home is not None and home.lstrip("_") != module.__name__ and not home.startswith("_")


def _methods(prefix: str, owner: type) -> Iterator[tuple[str, Any, Any]]:
    for name, thing in sorted(vars(owner).items()):
        if not name.startswith("_") and isinstance(thing, _FUNCTIONS):
            yield f"{prefix}.{name}", getattr(owner, name), thing


def documentation(thing: Any) -> str:
    """Give what the author of `thing` wrote about it: its own docstring, never an inherited one."""
    own = getattr(thing, "__doc__", None)
    if not isinstance(own, str) or _NO_DOCUMENTATION.match(own):
        return ""
    return inspect.cleandoc(own)


def signature(thing: Any) -> str:
    """Give the parameters of `thing` as Python writes them, or nothing where Python can't say."""
    try:
        shown = str(inspect.signature(thing))
    except (ValueError, TypeError, AttributeError, NameError):
        return ""
    return re.sub(r" at 0x[0-9a-f]+", "", shown)


def entries() -> Iterator[dict[str, str]]:
    """Give each documented object once, under the name by which its users know it."""
    found: dict[int, tuple[str, str, Any, Any]] = {}
    for home in module_names():
        module = _import(home)
        if module is None:
            continue
        for dotted, thing, identity in public_objects(home, module):
            # A builtin goes by its bare name, as everybody writes it.
            name = dotted.removeprefix("builtins.")
            known = found.get(id(identity))
            if known is None or _rank(name, thing) < _rank(known[0], thing):
                found[id(identity)] = (name, home, thing, identity)
    for name, home, thing, _ in found.values():
        doc = documentation(thing)
        if " " in doc:
            yield {"name": name, "module": home, "signature": signature(thing), "doc": doc}


def _rank(name: str, thing: Any) -> tuple[int, bool, str]:
    home = getattr(thing, "__module__", None)
    return (name.count("."), not (home and name.startswith(home + ".")), name)


def look_up(name: str) -> dict[str, str] | None:
    """Find the object that `name` stands for, with the documentation around it; None if there is none."""
    parts = name.split(".")
    if not all(part.isidentifier() and not part.startswith("_") for part in parts):
        return None
    for depth in range(len(parts) - 1, -1, -1):
        home = ".".join(parts[:depth]) or "builtins"
        module = None if _is_skipped(home) else _import(home)
        if module is not None:
            return _inside(home, module, parts[depth:])
    return None


def _inside(home: str, module: ModuleType, path: list[str]) -> dict[str, str] | None:
    thing: Any = module
    context = [inspect.cleandoc(module.__doc__ or "")] if home != "builtins" else []
    for part in path:
        if inspect.isclass(thing):
            context.append(documentation(thing))
        if not hasattr(thing, part):
            return None
        thing = getattr(thing, part)
    return {
        "name": ".".join((home, *path)).removeprefix("builtins."),
        "module": home,
        "signature": signature(thing),
        "doc": documentation(thing),
        "context": "\n\n".join(context),
    }


def main(names: list[str], write: Callable[[str], object]) -> None:
    """Write the entries of `names`, or of everything where there are none, a line each."""
    found = (look_up(name) for name in names) if names else entries()
    for item in found:
        write(json.dumps(item) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    # Whatever a module prints as it is imported must not mix with the answer.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answer, open(os.devnull, "w") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        main(sys.argv[1:], answer.write)
        answer.flush()
        os._exit(0)  # threads and exit handlers of imported modules have no say
