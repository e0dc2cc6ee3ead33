"""Finding step functions and types by name, and making them ready to be called."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from fsmflow.runtime.calling import Call, caller
from fsmflow.runtime.commands import Stage
from fsmflow.runtime.unfinished import is_async, is_generator
from fsmflow.runtime.validation import LoadedElsewhere, StepNotFound, Validate, exact, validator


class Acceptor(NamedTuple):
    """A function that may reject an output, and which arguments of the step it also takes."""

    function: Callable[..., Any]
    takes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bound:
    """The implementation of one stage, ready to be called.

    `mode` is `async`, `thread`, `inline` or, where workflows are run, `children`; `wants_context` whether
    it has a parameter `ctx`. A `plain` step is async, takes no context, and gives no label that would
    have to be looked at. What is of the class `exact` needs no validation. `tools` holds what validates
    the arguments of each tool, by label, where a model calls one. `call` takes the arguments as a mapping.
    """

    function: Callable[..., Any]
    mode: str
    wants_context: bool
    validate: Validate | None
    accept: tuple[Acceptor, ...]
    plain: bool
    exact: type | None = None
    tools: Mapping[str, Validate | None] = field(default_factory=dict)
    call: Call = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "call", caller(self.function))

    def validate_with(self, label: str | None) -> Validate | None:
        """Give what validates an output that comes with a label; None if anything will do."""
        return self.tools.get(label, self.validate) if label is not None else self.validate

    def _replace(self, **changes: Any) -> Bound:
        """Give the same implementation but for `changes`, as a named tuple would."""
        return replace(self, **changes)


def bind(stage: Stage, folder: Path, implementation: str | Callable[..., Any] | Bound | None = None) -> Bound:
    """Find what `stage` calls and prepare it.

    Args:
        stage: The stage.
        folder: Where modules are looked for first: the spec's folder.
        implementation: What to call instead of the stage's own step; one that is ready is taken as it is.

    Raises:
        StepNotFound: A module, a name, a type or a prompt is not there, or can't be called.
    """
    if isinstance(implementation, Bound):
        return implementation
    if implementation is None and stage.model is not None:
        from fsmflow.runtime.models import llm

        implementation = llm.step(stage, folder)
    step = implementation if implementation is not None else stage.call
    function = resolve(step, folder) if isinstance(step, str) else step
    if not callable(function):
        raise StepNotFound(f"`{step}` of state `{stage.name}` can't be called")
    if is_generator(function):
        raise StepNotFound(f"`{step}` of state `{stage.name}` is a generator: let it return its value")
    wants_context = "ctx" in _parameters(function)
    mode = "async" if is_async(function) else "inline" if stage.inline else "thread"
    gives = resolve_type(stage.gives, folder) if stage.gives else Any
    tools = () if stage.model is None else stage.model.tools
    return Bound(
        function,
        mode,
        wants_context,
        validator(gives),
        tuple(_acceptor(resolve(name, folder), name) for name in stage.accept),
        plain=mode == "async" and not wants_context and not stage.accept and stage.labels is None,
        exact=exact(gives),
        tools={label: validator(resolve_type(kind, folder)) for label, kind in tools},
    )


def _acceptor(function: Any, name: str) -> Acceptor:
    if not callable(function):
        raise StepNotFound(f"`{name}` can't be called")
    if is_async(function) or is_generator(function):
        what = "async" if is_async(function) else "a generator"
        raise StepNotFound(f"`{name}` can't be used to accept: it is {what}, and has to be a plain function")
    return Acceptor(function, _parameters(function)[1:])


def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return ()


def resolve(reference: str, folder: Path) -> Any:
    """Import what `module:name` names, from `folder` first, then from the environment.

    Raises:
        StepNotFound: It is not there, or its module can't be imported.
    """
    module_name, _, name = reference.partition(":")
    module = load_module(module_name, folder)
    found = getattr(module, name, None)
    if found is None:
        where = getattr(module, "__file__", None) or "built in"
        raise StepNotFound(f"`{name}` is not in module `{module_name}` ({where})")
    return found


def load_module(name: str, folder: Path) -> types.ModuleType:
    """Import the module `name`, preferring the one that stands in `folder`.

    `folder` goes onto the import path, as Python does with a script's, so that step modules can import
    their neighbours.

    Raises:
        StepNotFound: There is no such module, it raises when imported, or another module of that
            name is loaded already.
    """
    top = name.partition(".")[0]
    own = _own(folder, top)
    if (own is not None or (folder / top).is_dir()) and str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    if own is not None:
        loaded = sys.modules.get(top)
        if loaded is not None and not _is_file(loaded, own):
            raise LoadedElsewhere(
                f"module `{top}` of {folder} can't be loaded:"
                f" another `{top}` is loaded from {getattr(loaded, '__file__', None) or 'elsewhere'}"
            )
    try:
        return importlib.import_module(name)
    except ImportError as error:
        if error.name in (name, top):
            raise StepNotFound(f"module `{name}` is neither in {folder} nor in the environment") from error
        raise StepNotFound(f"module `{name}` can't be imported: {error}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise StepNotFound(f"module `{name}` raised when imported: {error!r}") from error


def _own(folder: Path, top: str) -> Path | None:
    for path in (folder / f"{top}.py", folder / top / "__init__.py"):
        if path.is_file():
            return path
    return None


def _is_file(module: types.ModuleType, path: Path) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and Path(file).resolve() == path.resolve()


_BUILTINS: dict[str, Any] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "None": types.NoneType,
    "Any": Any,
    "list": list,
    "dict": dict,
}


# A colon outside of quotes: an attribute can stand in a Python expression where a colon can't.
_COLON = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|:""")


def resolve_type(text: str, folder: Path) -> Any:
    """Turn a type as a spec writes it, such as `list[ask_docs:Passage] | None`, into the type itself.

    Raises:
        StepNotFound: A class in it is not there.
        ValueError: It is no type expression.
    """
    marked = _COLON.sub(lambda m: m[1] or ".__of__.", text)
    return _type(ast.parse(marked, mode="eval").body, folder)


def _type(node: ast.expr, folder: Path) -> Any:
    match node:
        case ast.Constant(value=None):
            return types.NoneType
        case ast.Name(id=name) if name in _BUILTINS:
            return _BUILTINS[name]
        case ast.Attribute(attr=name, value=ast.Attribute(attr="__of__", value=module)):
            return resolve(f"{ast.unparse(module)}:{name}", folder)
        case ast.BinOp(left=left, right=right):
            return typing.Union[_type(left, folder), _type(right, folder)]  # noqa: UP007 - made at run time
        case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
            items = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            return typing.Literal.__getitem__(tuple(ast.literal_eval(item) for item in items))
        case ast.Subscript(value=ast.Name(id="list"), slice=item):
            return list.__class_getitem__(_type(item, folder))
        case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[key, item])):
            return dict.__class_getitem__((_type(key, folder), _type(item, folder)))
    raise ValueError(f"{ast.unparse(node)} is no type")
