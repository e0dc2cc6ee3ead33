"""Specs to compare: files and folders, as they are here or as they were in a revision of git."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import click

from fsmflow.cli.specs import SUFFIXES, compile_all, find
from fsmflow.compiler import Compilation

_LONGEST = 30
"""How long git may take, in seconds."""


def compile_side(side: str) -> list[Compilation]:
    """Compile what one side of a comparison names: a file, a folder of specs, or `REV:PATH`.

    A path that is there wins over a revision. Of a revision, the step modules and the prompts beside the
    specs are read too, so that both sides are checked alike.

    Raises:
        click.UsageError: It names nothing, or git can't tell.
    """
    path = Path(side)
    if path.exists():
        return compile_all(find([path]))
    revision, colon, inside = side.partition(":")
    if not colon or not revision:
        raise click.UsageError(
            f"there is no file {side}; a revision is written REV:PATH, such as HEAD~1:specs"
        )
    with _checked_out(revision, inside) as found:
        return compile_all(find([found]))


@contextmanager
def _checked_out(revision: str, inside: str) -> Iterator[Path]:
    """Give a temporary copy of a spec, or of a folder of specs, with the modules and prompts beside it."""
    if shutil.which("git") is None:
        raise click.UsageError(f"git is needed to read {revision}:{inside}, and is not installed")
    if revision.startswith("-"):
        raise click.UsageError(f"{revision!r} is no revision")
    first, dots, last = revision.partition("..")
    if dots:
        ends = (f"{end or 'HEAD'}:{inside}" for end in (first, last.removeprefix(".")))
        raise click.UsageError(f"a range is two sides: {' and '.join(ends)}")
    prefix = _git("this folder is in no git repository", "rev-parse", "--show-prefix").decode().rstrip("\n")
    unknown = f"git knows no revision {revision!r} here"
    if _git(unknown, "rev-parse", "--is-shallow-repository").strip() == b"true":
        unknown += "; not all of its history is: `git fetch --unshallow` brings it"
    commit = _git(unknown, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    at = commit.decode().strip()
    # As git reads it: from the root of the repository, or from here if it begins with a dot.
    start = PurePosixPath(prefix if inside.startswith(".") else ".")
    path = PurePosixPath(os.path.normpath(start / inside.replace(os.sep, "/")))
    missing = (
        f"there is no {inside} in {revision}; it is looked for from the repository's root, ./PATH from here, "
        "and in no submodule"
    )
    kind = _git(missing, "cat-file", "-t", _object(at, path)).decode().strip()
    folder = path if kind == "tree" else path.parent
    with tempfile.TemporaryDirectory(prefix="fsmflow-") as temporary:
        root = Path(temporary, "specs")
        root.mkdir()
        files = {name: blob for name, blob in _files(at, folder, missing) if _is_inside(name)}
        specs = {name: blob for name, blob in files.items() if _is_spec(name, path.name)}
        text = b"\n".join(_copied(root, specs, missing))
        # A prompt may have any name; its spec writes it as it is.
        others = (
            (name, blob) for name, blob in files.items() if name.endswith(".py") or name.encode() in text
        )
        _copied(root, {name: blob for name, blob in others if name not in specs}, missing)
        if kind == "tree" and not any(p.name.endswith(SUFFIXES) for p in root.iterdir()):
            raise click.UsageError(f"no spec (*.fsm.yaml) in {revision}:{inside}")
        yield root if kind == "tree" else root / path.name


def _is_inside(name: str) -> bool:
    """Tell whether a file is in the folder that it is listed for: nothing is written outside of the copy."""
    parts = PurePosixPath(name)
    return not parts.is_absolute() and ".." not in parts.parts


def _is_spec(name: str, spec: str) -> bool:
    return name == spec or ("/" not in name and name.endswith(SUFFIXES))


def _copied(root: Path, wanted: Mapping[str, str], missing: str) -> list[bytes]:
    """Write files, given by name and blob, and give what they hold."""
    contents = list(_contents(wanted.values(), missing))
    for name, content in zip(wanted, contents, strict=True):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return contents


def _files(commit: str, folder: PurePosixPath, missing: str) -> Iterator[tuple[str, str]]:
    """Give the files below a folder, links left out: the name of each, and its blob."""
    listed = _git(missing, "ls-tree", "-r", "-z", "--full-tree", _object(commit, folder)).decode(
        "utf-8", "replace"
    )
    for entry in listed.split("\0"):
        kind, _, name = entry.partition("\t")
        if kind.startswith("100"):
            yield name, kind.split(" ")[2]


def _contents(blobs: Iterable[str], missing: str) -> Iterator[bytes]:
    """Give what blobs hold, all read by one process."""
    answer = _git(missing, "cat-file", "--batch", input="".join(f"{blob}\n" for blob in blobs).encode())
    at = 0
    while at < len(answer):
        end = answer.index(b"\n", at)
        size = int(answer[at:end].split(b" ")[2])
        yield answer[end + 1 : end + 1 + size]
        at = end + 1 + size + 1


def _object(commit: str, path: PurePosixPath) -> str:
    return f"{commit}:{'' if str(path) == '.' else path}"


def _git(complaint: str, *arguments: str, input: bytes = b"") -> bytes:
    """Ask git; `complaint` says what it means if git refuses."""
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and no argument that git takes for an option
            ["git", *arguments],  # noqa: S607 - git is where the user has it
            input=input,
            capture_output=True,
            check=False,
            timeout=_LONGEST,
        )
    except subprocess.TimeoutExpired as error:
        raise click.UsageError(f"git did not answer in {_LONGEST} seconds") from error
    if done.returncode:
        command = done.stderr.decode("utf-8", "replace").rpartition("\n\n")[2].strip()
        if command.startswith("git config --global --add safe.directory"):
            # What git knows of it, it says in the language of the user; but for this.
            complaint = f"git reads no repository of another user: `{command}` lets it"
        raise click.UsageError(complaint)
    return done.stdout
