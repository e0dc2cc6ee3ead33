"""What turns DOT into a picture, wherever this runs.

Tried in order: the program that `FSMFLOW_DOT` names, the `graphviz-pure` wheel, `dot` on the path, and
Node with `@viz-js/viz`. A PDF is drawn by a `dot` alone.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Literal, get_args

from attrs import frozen

from fsmflow.diagnostics import FsmflowError

Format = Literal["svg", "png", "pdf"]
_Output = Format | Literal["dot"]

_WHEEL = "graphviz-pure"
_NODE_SCRIPT = """\
const { instance } = require("@viz-js/viz");
const source = require("fs").readFileSync(0, "utf8");
instance().then((viz) => {
  const drawn = viz.render(source, { format: process.argv[1] });
  for (const error of drawn.errors) console.error(`${error.level || "error"}: ${error.message}`);
  if (drawn.status !== "success") process.exit(1);
  process.stdout.write(drawn.output);
});
"""
_HARMLESS = (
    "no value for width of non-ASCII character",
    # One edge is led less well through a narrow place; it is drawn all the same.
    "Unable to reclaim box space in spline routing",
)
_UNLED = ("triangulation failed", "cannot find triangle path")
"""What an engine says that finds no way for an edge between states which stand close."""

_WIDER = ((), ("-Gnodesep=0.33",), ("-Gnodesep=0.5",), ("-Gsplines=line",))
"""With what a drawing is tried, one after another, as long as its edges find no way."""

_IN_PLACE = ("-Kneato", "-n2")
"""How an engine is told to leave everything where it is."""

_BOXED = re.compile(
    # No part of Latin, Greek, Cyrillic or Hebrew, nor a sign that goes with them.
    "[\u0530-\u058f\u0600-\u1cff\u2700-\ud7ff\uf900-\ufaff\ufb50-\ufdff\U00010000-\U0010ffff]"
)
_PNG_DPI = 192  # two pixels for each pixel of the SVG


class NoEngine(FsmflowError):
    """Nothing that draws is installed; the message names the command that installs it."""


class DrawingFailed(FsmflowError):
    """The engine refused, complained or took too long."""


class _Unled(DrawingFailed):
    """An edge found no way."""


@frozen
class Engine:
    """A program that reads DOT on its standard input and writes a picture on its standard output."""

    name: str
    command: tuple[str, ...]
    formats: tuple[Format, ...] = get_args(Format)

    def invocation(self, format: _Output) -> list[str]:
        """Give the command line for `format`."""
        if self.command[-1] == _NODE_SCRIPT:
            return [*self.command, format]
        return [*self.command, f"-T{format}"] + ([f"-Gdpi={_PNG_DPI}"] if format == "png" else [])


def find() -> Engine | None:
    """Find the first engine that is installed.

    Raises:
        NoEngine: If `FSMFLOW_DOT` is set and names no program.
    """
    named = os.environ.get("FSMFLOW_DOT")
    if named:
        program = shutil.which(named)
        if program is None:
            raise NoEngine(f"FSMFLOW_DOT names {named!r}, which is no program; unset it or set it to a `dot`")
        return Engine("FSMFLOW_DOT", (program,))
    return _wheel() or _system() or _node()


def render(dot_text: str, format: Format = "svg", timeout: float = 120.0) -> bytes:
    """Draw `dot_text`, in at most `timeout` seconds.

    Raises:
        NoEngine: If nothing that can draw `format` is installed.
        DrawingFailed: If the engine refused, complained or took too long.
    """
    return _led(_engine(format), dot_text, format, timeout)


def lay_out(dot_text: str, format: Format, timeout: float = 120.0) -> str:
    """Give `dot_text` with the place of everything in it, by the engine that draws `format`.

    It fails as `render` does, and with DrawingFailed where an engine tells no places.
    """
    return _led(_engine(format), dot_text, "dot", timeout).decode()


def render_in_place(laid_out: str, format: Format, timeout: float = 120.0) -> bytes:
    """Draw what `lay_out` gave, everything in its place. It fails as `render` does."""
    return _drawn(_engine(format), _IN_PLACE, laid_out, format, timeout)


def _engine(format: Format) -> Engine:
    found = find()
    engine = found if found is None or format in found.formats else _system()
    if engine is None:
        raise NoEngine(_missing(format, found))
    return engine


def _led(engine: Engine, dot_text: str, format: _Output, timeout: float) -> bytes:
    """Draw with the states as far apart as the edges need."""
    *most, last = _WIDER if engine.command[-1] != _NODE_SCRIPT else ((),)
    for wider in most:
        with suppress(_Unled):
            return _drawn(engine, wider, dot_text, format, timeout)
    return _drawn(engine, last, dot_text, format, timeout)


def _drawn(engine: Engine, flags: Sequence[str], dot_text: str, format: _Output, timeout: float) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603 - a found engine, no shell
            [*engine.invocation(format), *flags],
            input=dot_text.encode(),
            capture_output=True,
            timeout=timeout,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired:
        raise DrawingFailed(f"{engine.name} did not finish within {timeout:g} s") from None
    except OSError as error:
        raise DrawingFailed(f"{engine.name} could not be started: {error}") from error
    said = done.stderr.decode(errors="replace").splitlines()
    complaints = [line.strip() for line in said if line.strip() and not any(h in line for h in _HARMLESS)]
    if done.returncode or complaints or not done.stdout:
        what = _Unled if any(words in line for line in complaints for words in _UNLED) else DrawingFailed
        raise what(f"{engine.name}: {' '.join(complaints[:3]) or f'exit code {done.returncode}'}")
    return done.stdout


def boxed(dot_text: str) -> str:
    """Give the first letter that a PNG shows as a box, for the one font that is in the wheel; or nothing."""
    found = find()
    letter = _BOXED.search(dot_text) if found is not None and found.name == _WHEEL else None
    return letter[0] if letter else ""


def _missing(format: Format, found: Engine | None) -> str:
    """Say what cannot be drawn here, and by which command it can be."""
    but = f"; {found.name} draws {' and '.join(found.formats)} alone" if found else ""
    if format == "pdf":
        return (
            f"nothing here can draw pdf{but}: only the `dot` of a system's Graphviz can, "
            "as `apt-get install graphviz` or `brew install graphviz` brings it"
        )
    return (
        f"nothing here can draw {format}{but}: run `{Path(sys.executable).name} -m pip install graphviz-pure`"
    )


def _wheel() -> Engine | None:
    """Find the program in the `graphviz-pure` wheel, which need not be on the path."""
    try:
        files = metadata.files(_WHEEL) or []
    except metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.stem == _WHEEL and file.suffix in ("", ".exe"):
            program = Path(str(file.locate()))
            if program.is_file():
                return Engine(_WHEEL, (str(program.resolve()),), ("svg", "png"))
    return None


def _system() -> Engine | None:
    program = shutil.which("dot")
    return Engine("dot", (program,)) if program else None


def _node() -> Engine | None:
    """Find Node, if it can load viz-js from the working directory or its global folders."""
    node = shutil.which("node")
    if node is None:
        return None
    asked = subprocess.run(  # noqa: S603 - our own words, no shell
        [node, "-e", 'require.resolve("@viz-js/viz")'], capture_output=True, timeout=30, check=False
    )
    return Engine("viz-js", (node, "-e", _NODE_SCRIPT), ("svg",)) if asked.returncode == 0 else None
