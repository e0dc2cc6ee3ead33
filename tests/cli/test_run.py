"""`fsmflow run`."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.conftest import Run, document, edit, tree

SPEC = "specs/hello.fsm.yaml"


def test_a_person_sees_how_it_ended_and_what_it_used(run: Run, project: Path) -> None:
    """The end, the output, the steps taken, what they used and the trace id are on the screen."""
    result = run("run", SPEC, "text=hello")

    assert result.exit_code == 0
    assert "● done success" in result.stdout
    assert "You said: hello" in result.stdout
    assert "2 steps" in result.stdout
    assert re.search(r"trace [0-9a-f]{32}", result.stdout)


def test_json_holds_the_whole_result(run: Run, project: Path) -> None:
    """`--format json` prints one document with the output, the ledger and the path."""
    found = document(run("run", SPEC, "text=hello", "--format", "json"))

    assert found["schema"] == "fsmflow.run/1"
    assert found["kind"] == "success"
    assert found["output"] == {"text": "You said: hello"}
    assert found["path"] == ["draft", "review"]
    assert found["spent"]["steps"] == 2
    assert found["spent"]["tokens"] == 1


def test_input_may_be_json(run: Run, project: Path) -> None:
    """`KEY:=VALUE` is JSON, and `--input -` reads a whole document."""
    assert run("run", SPEC, 'text:="hello"').exit_code == 0
    assert run("run", SPEC, "--input", "-", input='{"text": "hello"}').exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["text"],
        ["text:=5"],
        ["text:={"],
        ["txet=hello"],
        [],
        ["text=a", "--profile", "nope"],
        ["--input", "gone.json"],
    ],
)
def test_wrong_input_is_wrong_usage(run: Run, project: Path, arguments: list[str]) -> None:
    """Input that is missing, malformed or of the wrong type exits with 2 and says why."""
    result = run("run", SPEC, *arguments)

    assert result.exit_code == 2
    assert result.stderr.strip()


@pytest.mark.parametrize(
    "command", [("run",), ("run", "--durable", "runs.db"), ("submit", "--db", "runs.db")]
)
@pytest.mark.parametrize(
    ("type_", "given", "is_hinted"),
    [
        ("dict[str, str]", 'text={"name": "x"}', True),
        ("dict[str, str]", "text=name", True),
        ("int", "text=3", True),
        ("Literal[1, 2]", "text=1", True),
        ("dict[str, str]", 'text:="name"', False),
        ("Literal['a', 'b']", "text=c", False),
        ("str", "txet=3", False),
    ],
)
def test_text_in_the_place_of_json_is_told_how_that_is_written(
    run: Run, project: Path, command: tuple[str, ...], type_: str, given: str, is_hinted: bool
) -> None:
    """Where KEY=VALUE is text and something else is wanted, KEY:=JSON is named."""
    edit(project / "specs/hello.py", "    text: str", f"    text: {type_}")
    (project / "specs/given.fsm.yaml").write_text(
        "workflow: given\ninput: hello:Request\nstates: {done: {end: success}}\n"
    )
    result = run(*command, "specs/given.fsm.yaml", given)

    assert result.exit_code == 2
    assert "the input does not fit its type" in result.stderr
    assert ("text=… is text; for JSON write text:=…" in result.stderr) == is_hinted


def test_a_spec_with_errors_is_not_run(run: Run, project: Path) -> None:
    """A spec with an error exits with 1 and shows the error."""
    edit(project / SPEC, "success: review", "success: reviw")
    result = run("run", SPEC, "text=hello")

    assert result.exit_code == 1
    assert "unknown-target" in result.stdout


@pytest.mark.parametrize(("end", "code"), [("success", 0), ("degraded", 3), ("handoff", 4), ("failed", 5)])
def test_each_kind_of_end_has_its_exit_code(run: Run, project: Path, end: str, code: int) -> None:
    """The exit code tells success, degraded, handoff and failed apart."""
    edit(project / SPEC, "done: {end: success,", f"done: {{end: {end},")
    edit(project / SPEC, "{to: draft, times: 1, else: give_up}", "better")
    edit(project / SPEC, "  give_up: {end", "  better: {end: success, output: $reply}\n  give_up: {end")

    assert run("run", SPEC, "text=hello").exit_code == code


def test_a_budget_that_leaves_no_way_has_its_own_exit_code(run: Run, project: Path) -> None:
    """A run that ends in the built-in end `exceeded` exits with 6."""
    edit(project / SPEC, "  exceeded: give_up\n", "")
    edit(project / SPEC, "  tokens: 6000", "  tokens: 1000")
    edit(project / SPEC, "{tokens: 1000}", "{tokens: 1000}\n    key: $input.text")
    steps = project / "specs/hello.py"
    edit(steps, 'return "good" if text in reply.text else "poor"', 'return "poor"')
    edit(steps, "ctx.charge(tokens=len(text.split()))", "pass")
    result = run("run", SPEC, "text=hello")

    assert result.exit_code == 6, result.stdout


def test_the_trace_file_tells_the_whole_run(run: Run, project: Path) -> None:
    """The trace has a line for the run, for each attempt and for the end, under one trace id."""
    run("run", SPEC, "text=hello", "--trace", "trace.jsonl")
    lines = [json.loads(line) for line in (project / "trace.jsonl").read_text().splitlines()]

    assert [line["event"] for line in lines] == ["run", "attempt", "attempt", "end"]
    assert len({line["trace_id"] for line in lines}) == 1
    assert lines[1]["input"] == {"text": "hello"}
    assert lines[1]["output"] == {"text": "You said: hello"}
    assert lines[2]["label"] == "good"
    assert lines[3]["spent"]["steps"] == 2


def test_a_missing_step_is_no_traceback(run: Run, project: Path) -> None:
    """A step that can't be imported is told by name."""
    edit(
        project / "specs/hello.py",
        "from attrs import frozen",
        "import no_such_module\nfrom attrs import frozen",
    )
    result = run("run", SPEC, "text=hello")

    assert result.exit_code == 2
    assert "no_such_module" in result.stderr


def test_interrupting_a_run_leaves_its_trace_whole(project: Path) -> None:
    """Ctrl-C exits with 130, and the trace ends with `cancelled`, the attempt on its ledger."""
    edit(
        project / "specs/hello.py",
        "    ctx.charge",
        "    import asyncio\n    await asyncio.sleep(30)\n    ctx.charge",
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "fsmflow", "run", SPEC, "text=hello", "--trace", "trace.jsonl"],
        cwd=project, stderr=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    trace = project / "trace.jsonl"
    until = time.monotonic() + 20
    while not (trace.exists() and trace.read_text()) and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=20)
    last = json.loads(trace.read_text().splitlines()[-1])

    assert process.returncode == 130
    assert b"Traceback" not in stderr
    assert last["kind"] == "cancelled"
    assert last["spent"]["steps"] == 1
    assert last["spent"]["tokens"] == 1000


def test_what_can_not_be_shown_is_shown_by_its_code(project: Path) -> None:
    """Where standard output is ASCII alone, a result is still printed, and its exit code is its own."""
    done = subprocess.run(
        [sys.executable, "-m", "fsmflow", "run", SPEC, "text=hello"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )

    assert done.returncode == 0
    assert "You said: hello" in done.stdout


def test_a_run_that_cancels_itself_is_cancelled(run: Run, project: Path) -> None:
    """A step that cancels the task it runs in has cancelled the run: that is no traceback."""
    edit(project / "specs/hello.py", "    ctx.charge", "    await cancelled()\n    ctx.charge")
    with (project / "specs/hello.py").open("a") as file:
        file.write(
            "\n\nasync def cancelled():\n    import asyncio\n    asyncio.current_task().cancel()\n"
            "    await asyncio.sleep(1)\n"
        )
    result = run("run", SPEC, "text=hello")

    assert result.exit_code == 130
    assert result.stderr.endswith("the run was cancelled\ncancelled\n")


@pytest.mark.usefixtures("project")
def test_where_there_is_no_terminal_each_attempt_is_a_line(run: Run) -> None:
    """Without a terminal, standard error has a line for each attempt; with --quiet it has none."""
    lines = run("run", SPEC, "text=hello").stderr.splitlines()

    assert [line.split("  ")[:3] for line in lines] == [
        ["hello", "draft", "success"],
        ["hello", "review", "good"],
    ]
    assert run("run", SPEC, "text=hello", "--quiet").stderr == ""


def test_a_request_to_terminate_cancels_the_run(project: Path) -> None:
    """SIGTERM ends a run as cancelled, with its trace whole."""
    edit(project / "specs/hello.py", "    ctx.charge", "    await slowly()\n    ctx.charge")
    with (project / "specs/hello.py").open("a") as file:
        file.write("\n\nasync def slowly():\n    import asyncio\n    await asyncio.sleep(60)\n")
    trace = project / "t.jsonl"
    command = [sys.executable, "-m", "fsmflow", "run", SPEC, "text=hello", "--trace", str(trace)]
    with subprocess.Popen(
        command, cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while not (trace.is_file() and trace.read_text()):
            time.sleep(0.02)
        time.sleep(0.2)
        process.terminate()
        assert process.wait(30) == 130
    events = [json.loads(line) for line in trace.read_text().splitlines()]

    assert [(event["event"], event.get("outcome")) for event in events][1:-1] == [("attempt", "cancelled")]
    assert events[-1]["kind"] == "cancelled"


def test_steps_that_exit_when_imported_are_named(run: Run, project: Path) -> None:
    """A module of steps that calls `sys.exit` when imported does not end the program in silence."""
    with (project / "specs/hello.py").open("a") as file:
        file.write("\nraise SystemExit(0)\n")
    result = run("run", SPEC, "text=hello")

    assert result.exit_code == 2
    assert "raised when imported: SystemExit(0)" in result.stderr


PLAN = """\
draft:
  - {outcome: transient, retry_after: 30s, takes: 19s}
  - {outcome: invalid, complaints: [too short]}
  - {value: {text: hello}, use: {tokens: 7}}
review: good
"""


def test_a_plan_takes_the_place_of_steps(run: Run, project: Path) -> None:
    """Outcomes, values and waits are as planned; that time is virtual is said."""
    (project / "plan.yaml").write_text(PLAN)
    result = run("run", SPEC, "text=hello", "--plan", "plan.yaml")
    found = document(run("run", SPEC, "text=hello", "--plan", "plan.yaml", "--format", "json"))

    assert result.exit_code == 0
    assert "planned: draft, review · time is virtual" in result.stdout
    assert found["output"] == {"text": "hello"}
    assert found["spent"] == {
        "steps": 4, "tool_calls": 0, "tokens": 2007, "micro_usd": 0, "time_us": 49_000_000
    }  # fmt: skip


@pytest.mark.parametrize(
    ("planned", "said"),
    [
        ("approve: no", "planned: approve"),
        ("approve: no\nnote: ok", "planned: note, approve"),
        ("others: ok", "planned: note, approve"),
        ("{others: ok, approve: timeout}", "planned: note, approve"),
    ],
)
def test_a_planned_answer_is_told_as_a_planned_step_is(
    run: Run, project: Path, planned: str, said: str
) -> None:
    """Whatever was not done by a step, or a person, is told: questions that a plan answers too."""
    (project / "specs/asking.fsm.yaml").write_text(
        "workflow: asking\nbudget: {steps: 3}\nstates:\n"
        "  note: {run: hello:draft, with: {text: hi}, cost: {tokens: 9}, success: approve, fallback: lost}\n"
        "  approve: {ask: Pay?, timeout: 7d, success: {yes: done, no: done}, fallback: lost}\n"
        "  done: {end: success}\n  lost: {end: failed}\n"
    )
    (project / "plan.yaml").write_text(f"{planned}\n")
    command = ("run", "specs/asking.fsm.yaml", "--plan", "plan.yaml")
    found = document(run(*command, "--format", "json"))

    assert f"{said} · time is virtual" in run(*command).stdout
    assert found["planned"] == said.removeprefix("planned: ").split(", ")


def test_that_nothing_is_planned_is_told(run: Run, project: Path) -> None:
    """Under an empty plan each step is called, and time is virtual all the same."""
    (project / "plan.yaml").write_text("{}\n")

    assert (
        "planned: nothing · time is virtual" in run("run", SPEC, "text=hello", "--plan", "plan.yaml").stdout
    )


def test_steps_that_are_planned_are_never_called(run: Run, project: Path) -> None:
    """With `others: ok` no step of the workflow runs; values are made to fit."""
    edit(project / "specs/hello.py", "    ctx.charge", "    raise SystemExit(9)\n    ctx.charge")
    (project / "plan.yaml").write_text("others: ok\n")
    result = run("run", SPEC, "text=hello", "--plan", "plan.yaml", "--format", "json")

    assert result.exit_code == 0
    assert isinstance(document(result)["output"]["text"], str)


def test_real_steps_take_part_in_a_plan(run: Run, project: Path) -> None:
    """A list that ends in `real` goes on with the step itself, its accept functions and its labels."""
    (project / "plan.yaml").write_text("draft: [transient, real]\nreview: [poor, real]\n")
    found = document(run("run", SPEC, "text=hello", "--plan", "plan.yaml", "--format", "json"))

    assert found["output"] == {"text": "You said: hello"}
    assert found["path"] == ["draft", "draft", "draft", "review", "draft", "review"]


def test_what_is_wrong_with_a_plan_is_pointed_at(run: Run, project: Path) -> None:
    """Each fault of a plan is told with its line and a caret, and the exit code is 1."""
    (project / "plan.yaml").write_text("darft: [ok]\nreview: [god]\nothers: none\n")
    result = run("run", SPEC, "text=hello", "--plan", "plan.yaml")

    assert result.exit_code == 1
    assert "plan.yaml:1:1" in result.stdout
    assert "did you mean `draft`?" in result.stdout
    assert "plan.yaml:2:10" in result.stdout
    assert "^^^" in result.stdout


@pytest.mark.parametrize("text", ["", "[a", "- a\n", "draft: &a [*a]\n", "\x00"])
def test_a_plan_that_is_no_yaml_is_no_traceback(run: Run, project: Path, text: str) -> None:
    """Broken YAML is told as a spec's is."""
    (project / "plan.yaml").write_text(text)
    result = run("run", SPEC, "text=hello", "--plan", "plan.yaml")

    assert result.exit_code == 1
    assert "plan.yaml" in result.stdout
    assert not isinstance(result.exception, TypeError | AttributeError | AssertionError)


BEGIN = "begin with a step and what its attempts do, such as `draft: [transient, ok]`"


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("[draft]\n", "a plan is a mapping, not a list", BEGIN),
        ("", "there is nothing in this plan", BEGIN),
        ("draft: ok\n---\ndraft: ok\n", "a file holds one plan", ""),
        ("draft: \x07\n", "the character U+0007 may not stand in a plan", ""),
        ("#" * (1 << 20) + "#", "a plan is at most", ""),
        ("draft:" + " [],[]" * 2 + "\n", "not YAML", ""),
    ],
)
def test_what_is_no_plan_is_told_what_a_plan_is(
    run: Run, project: Path, text: str, said: str, hint: str
) -> None:
    """Whoever writes a plan hears of plans, and nothing of specs."""
    (project / "plan.yaml").write_text(text)
    result = run("run", SPEC, "text=hello", "--plan", "plan.yaml")

    assert result.exit_code == 1
    assert said in result.stdout
    assert hint in result.stdout
    assert not re.search("spec|workflow|fsmflow: 1", result.stdout)


def test_a_folder_is_no_plan(run: Run, project: Path) -> None:
    """What is there is not said to be missing."""
    result = run("run", SPEC, "text=hello", "--plan", "specs")

    assert result.exit_code == 2
    assert "specs is a folder; name a plan in it" in result.stderr


def test_one_token_is_one(run: Run, project: Path) -> None:
    """Of a single token the plural is not used."""
    assert run("run", SPEC, "text=hello").stderr.splitlines()[0].endswith("  1 token")


@pytest.mark.parametrize("columns", [10, 20, 34, 44, 80])
def test_a_narrow_terminal_keeps_the_steps_and_their_outcomes(project: Path, columns: int) -> None:
    """Of the table of a run, columns that don't fit are left out from the right; none is cut short."""
    lines = _on_a_terminal(project, columns, "run", SPEC, "text=hello")
    table = lines[next(n for n, line in enumerate(lines) if line.startswith("  step")) :]

    assert [line.split()[:2] for line in table[:3]] == [
        ["step", "outcome"],
        ["draft", "success"],
        ["review", "good"],
    ]
    assert table[3].split()[:4] == ["in", "all", "2", "steps"]
    assert ("time" in table[0], "money" in table[0]) == (columns > 30, columns > 60)
    assert not any("…" in line for line in table)


def _on_a_terminal(folder: Path, columns: int, *arguments: str) -> list[str]:
    """Give the lines that the command line prints on a terminal of so many columns."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "fsmflow", *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TERM": "xterm", "NO_COLOR": "1", "COLUMNS": str(columns)},
    )
    os.close(theirs)
    told = b""
    with suppress(OSError):  # what a terminal that is gone gives
        while part := os.read(ours, 4096):
            told += part
    os.close(ours)
    assert process.wait() == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", told.decode()).splitlines()


@pytest.mark.parametrize("option", ["--trace", "--record"])
@pytest.mark.parametrize("written", [SPEC, "../" + "{name}/" + SPEC, "plan.yaml", "input.json", "link.yaml"])
def test_what_a_run_reads_is_not_overwritten(run: Run, project: Path, option: str, written: str) -> None:
    """A trace or a record never goes to the spec, the plan or the input, whatever they are called."""
    (project / "plan.yaml").write_text("others: ok\n")
    (project / "input.json").write_text('{"text": "hello"}')
    (project / "link.yaml").symlink_to(project / SPEC)
    before = tree(project)
    written = written.format(name=project.name)
    result = run("run", SPEC, "--input", "input.json", "--plan", "plan.yaml", option, written)

    assert result.exit_code == 2
    assert f"{option} would overwrite {written}, which the run reads" in result.stderr
    assert tree(project) == before


def test_a_recording_is_not_overwritten_with_its_replay(run: Run, project: Path) -> None:
    """What is replayed is still there when the replay is over."""
    run("run", SPEC, "text=hello", "--trace", "t.jsonl")
    before = tree(project)
    result = run("run", SPEC, "--replay", "t.jsonl", "--trace", "t.jsonl")

    assert result.exit_code == 2
    assert "--trace would overwrite t.jsonl, which the run reads" in result.stderr
    assert tree(project) == before


@pytest.mark.parametrize("option", ["--trace", "--record"])
@pytest.mark.parametrize("written", ["specs/hello.py", "specs/prompt.md", "generated/hello_fsm.py"])
def test_what_is_no_trace_is_not_overwritten(run: Run, project: Path, option: str, written: str) -> None:
    """A slip of the hand never costs the code of a step, a prompt, or anything else that is no trace."""
    run("build")
    (project / "specs/prompt.md").write_text("Sum it up: {{ text }}\n")
    before = tree(project)
    result = run("run", SPEC, "text=hello", option, written)

    assert result.exit_code == 2
    assert f"{option} would overwrite {written}, which is no trace" in result.stderr
    assert tree(project) == before


@pytest.mark.parametrize("option", ["--trace", "--record"])
def test_a_trace_is_overwritten(run: Run, project: Path, option: str) -> None:
    """A run may be told into the file of one before it, and into one that is empty."""
    (project / "t.jsonl").touch()
    for text in ("first", "second"):
        assert run("run", SPEC, f"text={text}", option, "t.jsonl").exit_code == 0

    assert "second" in (project / "t.jsonl").read_text()
    assert "first" not in (project / "t.jsonl").read_text()


@pytest.mark.parametrize("durable", [(), ("--durable", "runs.db")], ids=["", "durable"])
def test_trace_and_record_are_two_files(run: Run, project: Path, durable: tuple[str, ...]) -> None:
    """One file for both would keep neither; it is refused before anything is written."""
    before = tree(project)
    result = run("run", SPEC, "text=hello", "--trace", "t.jsonl", "--record", "./t.jsonl", *durable)

    assert result.exit_code == 2
    assert "--trace and --record can't be one file, t.jsonl" in result.stderr
    assert tree(project) == before


@pytest.mark.parametrize("option", ["--trace", "--record"])
def test_standard_output_is_for_the_result(run: Run, project: Path, option: str) -> None:
    """No file named `-` is written, and a trace is not mixed with the result."""
    before = tree(project)
    result = run("run", SPEC, "text=hello", option, "-")

    assert result.exit_code == 2
    assert f"{option} takes a file: standard output is for the result" in result.stderr
    assert tree(project) == before


def test_a_trace_can_be_replayed(run: Run, project: Path) -> None:
    """A replay calls no step, needs no input, and says that all is as recorded."""
    run("run", SPEC, "text=hello", "--trace", "t.jsonl")
    edit(project / "specs/hello.py", "    ctx.charge", "    raise SystemExit(9)\n    ctx.charge")
    result = run("run", SPEC, "--replay", "t.jsonl")
    found = document(run("run", SPEC, "--replay", "t.jsonl", "--format", "json"))

    assert result.exit_code == 0
    assert "replayed 2 attempts · time is virtual" in result.stdout
    assert "● as recorded" in result.stdout
    assert found["output"] == {"text": "You said: hello"}
    assert found["spent"]["tokens"] == 1


def test_a_step_can_be_swapped_in_a_replay(run: Run, project: Path) -> None:
    """What the swap changes is told before and after; what follows of it is called too."""
    with (project / "specs/hello.py").open("a") as file:
        file.write("\n\ndef mute(text: str) -> Reply:\n    return Reply(text='Hm.')\n")
    run("run", SPEC, "text=hello", "--trace", "t.jsonl")
    result = run("run", SPEC, "--replay", "t.jsonl", "--with", "draft=hello:mute")
    lines = [line.split() for line in result.stdout.splitlines()]

    assert result.exit_code == 4
    assert ["end", "done", "give_up", "»"] in lines
    assert ["tokens", "1", "2,000", "+1,999"] in lines
    assert "called draft ×2, review ×2" in result.stdout


def test_a_recording_that_no_longer_applies_is_told(run: Run, project: Path) -> None:
    """Another version is said to be one, and where the recording ends the replay stops, with exit code 1."""
    run("run", SPEC, "text=hello", "--trace", "t.jsonl")
    edit(project / SPEC, "with: {text: $input.text}", "with: {text: $input.text}  # the same")
    assert run("run", SPEC, "--replay", "t.jsonl").exit_code == 0
    edit(project / SPEC, "with: {text: $input.text}", "with: {text: hi}")
    result = run("run", SPEC, "--replay", "t.jsonl")

    assert result.exit_code == 1
    assert "another version" in result.stderr
    assert "the replay stops after 0 attempts: `draft` is asked what" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["text=a", "--replay", "t.jsonl"],
        ["--with", "draft=hello:draft"],
        ["--replay", "t.jsonl", "--with", "draft"],
        ["--replay", "t.jsonl", "--with", "darft=hello:draft"],
        ["--replay", "t.jsonl", "--with", "draft=hello:gone"],
        ["--replay", "t.jsonl", "--with", "draft=:draft"],
        ["--replay", "t.jsonl", "--with", "draft=hello:"],
        ["--replay", "t.jsonl", "--with", "draft=../hello:draft"],
        ["--replay", "t.jsonl", "--with", "draft=hello:draft", "--with", "draft=hello:review"],
        ["--replay", "gone.jsonl"],
        ["--replay", "t.jsonl", "--plan", "plan.yaml"],
        ["--plan", "gone.yaml", "text=a"],
    ],
)
def test_a_replay_that_cannot_be_is_wrong_usage(run: Run, project: Path, arguments: list[str]) -> None:
    """What does not go together, or is not there, exits with 2 and says why."""
    run("run", SPEC, "text=hello", "--trace", "t.jsonl")
    result = run("run", SPEC, *arguments)

    assert result.exit_code == 2
    assert result.stderr.strip()
    assert "raised when imported" not in result.stderr


def test_an_input_has_an_end(run: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read as an input is read no further than one may go; and no key of it may be there twice."""
    monkeypatch.setattr("fsmflow.cli.inputs.MOST_TEXT", 100)
    (project / "long.json").write_text('{"text": "' + "a" * 100 + '"}')
    (project / "twice.json").write_text('{"text": "a", "text": "b"}')

    for arguments, said in (
        (("--input", "/dev/zero"), "holds more than 100 characters"),
        (("--input", "long.json"), "holds more than 100 characters"),
        (("--input", "twice.json"), "the key 'text' is there twice"),
        (('text:={"a": 1, "a": 2}',), "the key 'a' is there twice"),
    ):
        result = run("run", SPEC, *arguments)

        assert (result.exit_code, said in result.stderr) == (2, True), result.stderr
    assert "more than 100" in run("run", SPEC, "--input", "-", input="[" * 200).stderr


@pytest.mark.parametrize("second", ["text=b", 'text:="b"'])
def test_an_input_that_is_named_twice_is_refused(run: Run, project: Path, second: str) -> None:
    """Which of two values of one key is meant nobody can tell; over that of a file, one is meant."""
    (project / "input.json").write_text('{"text": "c"}')
    twice = run("run", SPEC, "text=a", second)
    over = run("run", SPEC, "--input", "input.json", second, "--format", "json")

    assert (twice.exit_code, "text is given twice: which of the two is meant?" in twice.stderr) == (2, True)
    assert over.exit_code == 0, over.stderr
