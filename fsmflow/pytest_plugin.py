"""The pytest plugin: tells, after generated tests, which transitions no run took, and writes it down.

Every pytest of an environment with fsmflow in it loads this, so it imports nothing of fsmflow: it
looks at what generated tests have loaded.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

_OPTION = "--fsmflow-coverage"
_WORKER = "fsmflow_coverage"
_MERGED = pytest.StashKey[list[dict[str, Any]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer to write down which transitions were taken."""
    parser.getgroup("fsmflow").addoption(
        _OPTION,
        metavar="FOLDER",
        help="Write to FOLDER, for each workflow, how often tests took each transition.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a file in the place of a folder before any test runs."""
    folder = config.getoption(_OPTION)
    if folder is not None and Path(folder).exists() and not Path(folder).is_dir():
        raise pytest.UsageError(f"{_OPTION} takes a folder, and {folder} is none")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write coverage down, if that was asked for; a worker of xdist hands it on."""
    folder = session.config.getoption(_OPTION)
    if folder is None:
        return
    own = _documents()
    workeroutput = getattr(session.config, "workeroutput", None)
    if workeroutput is not None:
        workeroutput[_WORKER] = own
        return
    found = [*own, *session.config.stash.get(_MERGED, [])]
    if not found:
        return
    try:
        _write(Path(folder), found)
    except OSError as error:
        said = f"could not write {error.filename}: {error.strerror}"
        pytest.exit(said, returncode=pytest.ExitCode.USAGE_ERROR)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker of xdist hands on."""
    found = getattr(node, "workeroutput", {}).get(_WORKER, [])
    node.config.stash.setdefault(_MERGED, []).extend(found)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report, for each workflow that was played, the transitions that were never taken."""
    played = _played()
    if not played:
        return
    terminalreporter.section("transitions taken")
    for subject in played:
        taken = subject.possible - len(subject.missed)
        terminalreporter.write_line(
            f"{subject.machine.name}: {taken} of {subject.possible} transitions taken"
        )
        for way in sorted(subject.missed, key=lambda way: (way.source, way.target, way.name, way.on)):
            what = way.name if way.on in (way.name, "success") else f"{way.name} on {way.on}"
            terminalreporter.write_line(f"  never: {way.source} → {way.target} ({what})")


def _played() -> list[Any]:
    loaded = sys.modules.get("fsmflow.testing.subject")
    if loaded is None:
        return []
    return [subject for _, subject in sorted(loaded.SUBJECTS.items()) if subject.runs]


def _documents() -> list[dict[str, Any]]:
    """Give what was taken of each workflow that was played, as plain data."""
    played = _played()
    if not played:
        return []
    from fsmflow.analysis.coverage import document

    return [document(subject.coverage) for subject in played]


def _write(folder: Path, documents: list[dict[str, Any]]) -> None:
    """Add up what each process counted, and write a file for each workflow."""
    from fsmflow.analysis.coverage import SUFFIX, document, joined, read

    folder.mkdir(parents=True, exist_ok=True)
    for coverage in joined(read(json.dumps(each)) for each in documents):
        text = json.dumps(document(coverage), indent=2) + "\n"
        (folder / f"{coverage.workflow}{SUFFIX}").write_text(text, encoding="utf-8", newline="\n")
