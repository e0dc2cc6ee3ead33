"""A hundred secrets in a run that tells of them wherever it can: none is in anything that is written."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from click.testing import CliRunner
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from fsmflow.cli import app, specs
from fsmflow.cli.load import load
from fsmflow.compiler import compile_file
from fsmflow.engines.durable import Durable
from fsmflow.engines.stored_desk import Suspended
from fsmflow.engines.workflows import Workflow
from fsmflow.runtime import Inbox, JsonLines, Rejected, Result, Runner
from fsmflow.runtime.folder_desk import FolderDesk, answer_in, waiting_in
from fsmflow.runtime.hiding import Bodies
from fsmflow.runtime.otel import OtelSink, otel_sink
from tests.canaries import FORMS, canaries, found
from tests.faults import vault
from tests.runtime.model_server import fails, part, says, sends, serving, streams

HERE = Path(__file__).parent
SPEC = HERE / "vault.fsm.yaml"

CODES = canaries(100)
FEW = CODES[:18]  # two of each shape, for what does not depend on their number
NUMBER, PIN, ANSWERED, TOKEN = "4929 1234 5678 9012", "7391", *canaries(2, seed=7)
SECRETS = [*CODES, *vault.FRESH, ANSWERED, TOKEN]

ENDS = {
    "echo": "quiet",
    "errors": "failed",
    "rejected": "failed",
    "unfit": "failed",
    "fresh": "quiet",
    "each": "failed",
    "beside": "failed",
    "one": "failed",
}

SLOWEST = pytest.param("unfit", marks=pytest.mark.slow)


def given(mode: str, codes: list[str] = CODES) -> dict[str, Any]:
    """Make an input with secret codes, a hundred of them, and a card whose number and pin are secret."""
    card = {"number": NUMBER, "holder": {"name": "Ada", "pin": PIN}, "digits": 4929123456789012}
    return {"mode": mode, "codes": codes, "card": card, "note": f"do not lose {CODES[3]}"}


def told(text: str) -> list[str]:
    """Give the secrets in a text, the short ones as words."""
    numbers = [each for each in (NUMBER, PIN) if f" {each} " in f" {text} ".replace('"', " ")]
    return found(SECRETS, text) + numbers


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner[Any, Any]]:
    path = list(sys.path)
    yield load(SPEC)
    sys.path[:] = path


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    """Take spans, in memory."""
    return InMemorySpanExporter()


class Watch:
    """Takes all that a run writes: events, a trace file, spans, what goes to the terminal and to logs."""

    def __init__(self, folder: Path, otel: OtelSink, exporter: InMemorySpanExporter) -> None:
        self.events: list[dict[str, Any]] = []
        self.trace = folder / "trace.jsonl"
        self._lines = JsonLines(self.trace)
        self._otel = otel
        self._exporter = exporter
        self.terminal = io.StringIO()
        self.log = io.StringIO()

    def __call__(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        self._otel(event)
        if event["event"] not in ("start", "chunk"):
            self._lines(event)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        handler = logging.StreamHandler(self.log)
        root = logging.getLogger()
        root.addHandler(handler)
        with contextlib.redirect_stdout(self.terminal), contextlib.redirect_stderr(self.terminal):
            try:
                yield
            finally:
                root.removeHandler(handler)
        self._lines.__exit__(None, None, None)
        self._otel.close()

    def texts(self) -> Iterator[tuple[str, str]]:
        """Give all that was written, and where."""
        yield "events", json.dumps(self.events, ensure_ascii=False)
        yield "trace", self.trace.read_text(encoding="utf-8")
        yield "spans", "".join(span.to_json() for span in self._exporter.get_finished_spans())
        yield "terminal", self.terminal.getvalue()
        yield "log", self.log.getvalue()


@pytest.fixture
def watch(tmp_path: Path, exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch) -> Watch:
    monkeypatch.setenv("VAULT_API_TOKEN", TOKEN)
    return Watch(tmp_path, otel_sink(exporter, content=True), exporter)


compiled = cache(compile_file)
"""The one spec that all commands read, compiled once."""


def shown(trace: Path) -> Iterator[tuple[str, str]]:
    """Give what each command tells of a trace."""
    folder = trace.parent
    states = sorted({json.loads(line).get("state", "tell") for line in trace.read_text().splitlines()})
    commands = [
        ["trace", "show", str(trace)],
        ["trace", "show", str(trace), "--format", "json"],
        *(["trace", "show", str(trace), "--step", state] for state in states),
        ["trace", "why", str(trace), str(SPEC)],
        ["trace", "why", str(trace), str(SPEC), "--format", "json"],
        ["draw", str(SPEC), "--trace", str(trace), "-o", str(folder / "drawn.svg")],
        ["draw", str(SPEC), "--trace", str(trace), "-o", str(folder / "drawn.dot")],
        ["report", str(SPEC), "--trace", str(trace), "-o", str(folder / "page.html")],
    ]
    for command in commands:
        with patch.object(specs, "compile_file", compiled):
            result = CliRunner().invoke(app, command)
        assert result.exit_code in (0, 2), result.output
        yield " ".join(command[:2]), result.output
    for name in ("drawn.svg", "drawn.dot", "page.html"):
        yield name, (folder / name).read_text(encoding="utf-8")


def watched(
    runner: Runner[Any, Any],
    watch: Watch,
    mode: str,
    *,
    codes: list[str] = CODES,
    live: bool = True,
    **options: Any,
) -> Result[Any]:
    """Run, watched, and find no secret in anything."""
    with watch.watching():
        result = runner.run_sync(given(mode, codes), trace=watch, live=live, **{"desk": Inbox(), **options})
    for where, text in (*watch.texts(), ("result", repr(result)), ("told", json.dumps(result.told))):
        assert told(text) == [], where
    return result


def test_the_search_finds_what_is_there():
    """Each canary is found in each of its forms, and none where there is none."""
    for code in CODES[:18]:
        for form, write in FORMS.items():
            if form != "cut off":
                assert found(CODES, f"a {write(code)} b") == [code], form
    assert told(f"a {NUMBER} b") == [NUMBER]
    assert told("nothing here " * 100) == []


def test_the_steps_do_tell(runner: Runner[Any, Any]):
    """Recorded in full, the runs hold every secret: there is something to be hidden."""
    for mode in ("echo", "errors", "rejected", "unfit", "each"):
        events: list[dict[str, Any]] = []
        runner.run_sync(given(mode), record=events.append, desk=Inbox())
        spoken = json.dumps(
            [{key: e[key] for key in e if key != "input"} for e in events if e["event"] == "attempt"]
        )

        assert len(found(CODES, spoken)) >= 90, mode


@pytest.mark.parametrize("mode", ENDS)
def test_no_canary_is_in_anything_that_is_written(runner: Runner[Any, Any], watch: Watch, mode: str):
    """Of success, errors, retries, complaints, unfit outputs and children, nothing written holds a secret."""
    result = watched(runner, watch, mode)

    assert result.end == ENDS[mode]
    for where, text in shown(watch.trace):
        assert told(text) == [], where


def test_equal_secrets_are_told_to_be_equal(runner: Runner[Any, Any], watch: Watch):
    """What is hidden as a whole has a hash that is the same in all of one run, and another in the next."""
    watched(runner, watch, "echo", codes=FEW)
    opening, attempt = watch.events[0], next(e for e in watch.events if e["event"] == "attempt")
    again: list[dict[str, Any]] = []
    runner.run_sync(given("echo", FEW), trace=again.append, desk=Inbox())

    assert opening["input"]["codes"].keys() == {"$secret"}
    assert opening["input"]["codes"] == attempt["input"]["codes"]
    assert opening["input"]["codes"] != again[0]["input"]["codes"]
    assert opening["input"]["card"]["holder"]["name"] == "Ada"


@pytest.mark.parametrize("bodies", ["hash", "none"])
@pytest.mark.parametrize("mode", [SLOWEST, *(mode for mode in ENDS if mode != "unfit")])
def test_bodies_can_be_left_out_altogether(runner: Runner[Any, Any], watch: Watch, mode: str, bodies: Bodies):
    """With `bodies`, no input, output or message of any state is written, secret or not."""
    watched(runner, watch, mode, codes=FEW, bodies=bodies)
    written = watch.trace.read_text(encoding="utf-8")

    assert "Ada" not in written
    assert "padding" not in written
    assert "$secret" in written
    assert ('{"$secret": null}' in written) == (bodies == "none")


def test_no_canary_is_told_by_a_run_that_is_cancelled(runner: Runner[Any, Any], watch: Watch):
    """A step that makes another error of its cancellation tells nothing either."""

    async def main() -> None:
        task = asyncio.create_task(runner.run(given("waits", FEW), trace=watch, desk=Inbox()))
        while not any(event["event"] == "run" for event in watch.events):
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with watch.watching():
        asyncio.run(main())

    assert watch.events[-1]["kind"] == "cancelled"
    for where, text in (*watch.texts(), *shown(watch.trace)):
        assert told(text) == [], where


def test_no_canary_is_shown_to_people(runner: Runner[Any, Any], watch: Watch, tmp_path: Path):
    """A question in a folder holds no secret, nor does what becomes of the answers, right or wrong."""
    folder, seen = tmp_path / "desk", list[str]()

    def person() -> None:
        while not (waiting := waiting_in(folder)):
            time.sleep(0.01)
        seen.extend(path.read_text(encoding="utf-8") for path in folder.iterdir())
        modes = {path.stat().st_mode & 0o077 for path in folder.iterdir()}
        seen.append(f"modes {modes}")
        with pytest.raises(Rejected) as rejected:
            answer_in(folder, waiting[0].token, None, [ANSWERED])
        seen.append(str(rejected.value))
        answer_in(folder, waiting[0].token, None, {"said": ANSWERED, "fine": True})

    thread = threading.Thread(target=person)
    thread.start()
    result = watched(runner, watch, "ask", codes=FEW, live=False, desk=FolderDesk(folder))
    thread.join()
    left = "".join(path.read_text() for path in folder.iterdir())

    assert result.end == "failed"
    assert "modes {0}" in seen
    assert "[secret]" in "".join(seen)
    assert told(json.dumps(seen) + left) == []
    for where, text in shown(watch.trace):
        assert told(text) == [], where


def test_people_are_shown_no_secret_where_nobody_watches(runner: Runner[Any, Any]):
    """Without a trace a question holds no secret either, and the rest of it as it is."""

    async def main() -> Any:
        inbox = Inbox()
        task = asyncio.create_task(runner.run(given("ask"), desk=inbox))
        asked = await inbox.next()
        task.cancel()
        await asyncio.wait([task])
        return asked

    asked = asyncio.run(main())

    assert told(json.dumps(dict(asked.shown))) == []
    assert asked.shown["card"]["holder"]["name"] == "Ada"


DURABLE = """
fsmflow: 1
workflow: kept
input: dict[str, Any]
secret: [code]
states:
  mint: {run: minting:mint, effect: none, secret: [output], success: sure, fallback: failed}
  sure:
    ask: Sure?
    show: {code: $input.code}
    timeout: 1h
    success: {"yes": tell, "no": failed}
    fallback: failed
  tell: {run: minting:tell, effect: none, success: done, fallback: failed}
  done: {end: success}
  failed: {end: failed}
"""


def test_no_canary_is_told_by_a_run_that_is_taken_up(tmp_path: Path):
    """A run that another process began knows its secrets again, and its question shows none."""
    (tmp_path / "kept.fsm.yaml").write_text(DURABLE, encoding="utf-8")
    (tmp_path / "minting.py").write_text(
        "import os\nfrom tests.faults.vault import FRESH\n"
        "def mint():\n    return {'key': FRESH[1]}\n"
        "def tell():\n    raise ValueError(f'{FRESH[1]} and {os.environ[\"CODE\"]}')\n"
    )
    events: list[dict[str, Any]] = []
    workflow = Workflow.of_spec(tmp_path / "kept.fsm.yaml")
    first = Durable(tmp_path / "runs.db", suspends=True)
    with pytest.raises(Rejected) as rejected:
        first.submit(workflow, CODES[0])
    run_id = first.submit(workflow, {"code": CODES[1]})
    with pytest.raises(Suspended):
        asyncio.run(first.resume(run_id))
    (asking,) = first.questions(run_id)
    asked = first.described(asking)
    first.answer(run_id, "sure", "yes")
    first.close()
    second = Durable(tmp_path / "runs.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CODE", CODES[1])
        result = asyncio.run(second.resume(run_id, trace=events.append))
    second.close()

    assert result.end == "failed"
    assert "[secret] and [secret]" in events[-1]["error"]["message"]
    assert told(json.dumps(events)) == []
    assert told(f"{rejected.value} {asked}") == []


MODELS = {
    "whole": [
        says(f"I know {CODES[0]}", finish="length"),
        fails(503, x_key=CODES[1].encode().hex()),
        sends({"error": {"message": f"bad {CODES[2]}", "code": CODES[3]}}, 500),
        sends(f"no JSON {CODES[5]}".encode()),
        says("", refusal=f"not {CODES[6]}"),
    ],
    "streamed": [
        streams(*(part(letter) for letter in f"so {CODES[0]} and {CODES[9]}"), part(finish="length")),
        streams(part(CODES[1][:9]), part(CODES[1][9:]), {"error": {"message": f"broke {CODES[2]}"}}),
        streams(part(f"{CODES[4]!r} "), part(f"{CODES[5]}x"), part(finish="stop", usage=None)),
    ],
}


@pytest.mark.parametrize("how", MODELS)
def test_no_canary_is_told_by_a_model(
    runner: Runner[Any, Any], watch: Watch, monkeypatch: pytest.MonkeyPatch, how: str
):
    """A model that says what it was shown, in answers, errors or parts of an answer, tells nobody else."""
    with serving(*MODELS[how]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", TOKEN)
        watched(runner, watch, "model", live=how == "streamed")

        assert len(server.asked) == len(MODELS[how])
        assert found(CODES, json.dumps(server.asked[0])) == CODES
    if how == "streamed":
        chunks = "".join(event["text"] for event in watch.events if event["event"] == "chunk")

        assert "so [secret] and [secret]" in chunks
        assert told(chunks) == []
    for where, text in shown(watch.trace):
        assert told(text) == [], where


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": 5},
        {"codes": CODES[0]},
        {"codes": [[CODES[0]]]},
        {"card": CODES[0]},
        {CODES[0]: 1},
        {"codes": {CODES[1]: CODES[2]}},
    ],
    ids=str,
)
def test_no_canary_is_in_an_exception(runner: Runner[Any, Any], wrong: dict[str, Any]):
    """An input that does not fit is refused without what is secret in it, and nothing hangs on the error."""
    with pytest.raises(Rejected) as rejected:
        runner.run_sync(given("echo") | wrong, desk=Inbox())

    assert rejected.value.complaints
    assert told(f"{rejected.value!r} {rejected.value}") == []
    assert rejected.value.__cause__ is None
    assert rejected.value.__suppress_context__


def commands(mode: str, folder: Path) -> Iterator[list[str]]:
    source = folder / "given.json"
    source.write_text(json.dumps(given(mode, FEW)), encoding="utf-8")
    for more in ([], ["--format", "json"]):
        yield ["run", str(SPEC), "--input", str(source), *more]


@pytest.mark.parametrize("mode", ["errors", "rejected", SLOWEST, "fresh", "each"])
def test_no_canary_is_on_the_terminal(mode: str, tmp_path: Path, runner: Runner[Any, Any]):
    """What `fsmflow run` prints of a run but what it gives, and why it failed, holds no secret."""
    for command in commands(mode, tmp_path):
        result = CliRunner().invoke(app, command)
        printed = result.output
        if "--format" in command:
            document = json.loads(result.stdout)
            document.pop("output")
            printed = json.dumps(document, ensure_ascii=False) + result.stderr
        else:
            # What the run gives is for whoever ran it.
            printed = "\n".join(line for line in printed.splitlines() if not _is_output(line))

        assert result.exit_code in (0, 5), result.output
        assert told(printed) == [], command


def _is_output(line: str) -> bool:
    return line.split(" ")[2:3] in (["message"], ["complaints"], ["value"], ["state"], ["outcome"])


WRONG: dict[str, Callable[[], list[str]]] = {
    "unfit": lambda: ["mode=echo", f"codes={CODES[0]}", "card:={}"],
    "no JSON": lambda: ["mode=echo", f"codes:=[{CODES[0]}"],
    "unknown": lambda: ["mode=echo", "codes:=[]", "card:={}", f"{CODES[0]}=1"],
}


@pytest.mark.parametrize("how", WRONG)
def test_no_canary_is_told_of_wrong_input(how: str, runner: Runner[Any, Any]):
    """What is wrong with an input is said without saying it again."""
    result = CliRunner().invoke(app, ["run", str(SPEC), *WRONG[how]()])

    assert result.exit_code == 2
    assert told(result.output) == []
