"""The pytest plugin: tells, after generated tests, which transitions no run took, and writes it down.

Every pytest of an environment with fsmflow in it loads this, so it imports nothing of fsmflow: it
looks at what generated tests have loaded.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_OPTION = "--fsmflow-coverage"
_WORKER = "fsmflow_coverage"
_WORKER_WAYS = "fsmflow_ways"
_MERGED = pytest.StashKey[list[dict[str, Any]]]()
_WAYS = pytest.StashKey[list["_Ways"]]()
_MOST_TOLD = 20

_Ways = dict[str, list[tuple[str, int]]]
"""For each workflow the transitions that a run can take, in words, and how often each was taken."""


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
    workeroutput = getattr(session.config, "workeroutput", None)
    if workeroutput is not None:
        workeroutput[_WORKER_WAYS] = _ways()
    if folder is None:
        return
    own = _documents()
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
    output = getattr(node, "workeroutput", {})
    node.config.stash.setdefault(_MERGED, []).extend(output.get(_WORKER, []))
    node.config.stash.setdefault(_WAYS, []).append(output.get(_WORKER_WAYS, {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report, for each workflow that was played, the transitions that were never taken."""
    found = _joined([*terminalreporter.config.stash.get(_WAYS, []), _ways()])
    if not found:
        return
    terminalreporter.section("transitions taken")
    for name, ways in sorted(found.items()):
        missed = [way for way, times in ways if not times]
        terminalreporter.write_line(f"{name}: {len(ways) - len(missed)} of {len(ways)} transitions taken")
        for way in missed[:_MOST_TOLD]:
            terminalreporter.write_line(f"  never: {way}")
        if len(missed) > _MOST_TOLD:
            terminalreporter.write_line(f"  … and {len(missed) - _MOST_TOLD:,} more")


def _played() -> list[Any]:
    loaded = sys.modules.get("fsmflow.testing.subject")
    if loaded is None:
        return []
    return [subject for _, subject in sorted(loaded.SUBJECTS.items()) if subject.runs]


def _ways() -> _Ways:
    """Give what was taken in this process."""
    return {subject.machine.name: list(_taken(subject)) for subject in _played()}


def _taken(subject: Any) -> Iterator[tuple[str, int]]:
    from fsmflow.analysis.traces.coverage import can_be_taken

    counted = zip(subject.machine.transitions, subject.coverage.counts, strict=True)
    for way, times in sorted(counted, key=lambda one: (one[0].source, one[0].target, one[0].name, one[0].on)):
        if can_be_taken(subject.machine, way):
            what = way.name if way.on in (way.name, "success") else f"{way.name} on {way.on}"
            yield f"{way.source} → {way.target} ({what})", times


def _joined(parts: list[_Ways]) -> _Ways:
    """Add up what several processes took; all of them have the same ways, in the same order."""
    found: _Ways = {}
    for part in parts:
        for name, ways in part.items():
            before = found.get(name, [(way, 0) for way, _ in ways])
            found[name] = [(way, old + new) for (way, old), (_, new) in zip(before, ways, strict=True)]
    return found


def _documents() -> list[dict[str, Any]]:
    """Give what was taken of each workflow that was played, as plain data."""
    played = _played()
    if not played:
        return []
    from fsmflow.analysis.traces.coverage import document

    return [document(subject.coverage) for subject in played]


def _write(folder: Path, documents: list[dict[str, Any]]) -> None:
    """Add up what each process counted, and write a file for each workflow."""
    from fsmflow.analysis.traces.coverage import SUFFIX, document, joined, read

    folder.mkdir(parents=True, exist_ok=True)
    for coverage in joined(read(json.dumps(each)) for each in documents):
        text = json.dumps(document(coverage), indent=2) + "\n"
        (folder / f"{coverage.workflow}{SUFFIX}").write_text(text, encoding="utf-8", newline="\n")
