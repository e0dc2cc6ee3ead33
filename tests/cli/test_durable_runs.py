"""Durable runs from the command line: submitted, listed, answered, resumed, served and cancelled."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fsmflow.cli.runs import left
from fsmflow.engines.durable import Durable
from fsmflow.engines.handing import Handed
from fsmflow.engines.owners import this_process
from fsmflow.engines.store import Store, StoreError
from tests.cli.conftest import Run, document

STEPS = """
def find(text: str) -> str:
    return text.upper()
"""
SPEC = """
fsmflow: 1
workflow: asking
budget: {steps: 10, tokens: 100}
states:
  find:
    run: asking_steps:find
    with: {text: $input.text}
    gives: str
    effect: none
    success: ask
    fallback: failed
  ask:
    ask: Is it good?
    role: boss
    show: {found: $find}
    timeout: 7d
    success: {yes_: done, no_: failed}
    fallback: failed
  done: {end: success, output: $find}
  failed: {end: failed}
"""


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A spec that asks, in a folder of its own, and a database beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FSMFLOW_DB", str(tmp_path / "runs.db"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "asking_steps.py").write_text(STEPS)
    (tmp_path / "asking.fsm.yaml").write_text(SPEC)
    path = list(sys.path)
    yield "asking.fsm.yaml"
    sys.path[:] = path
    sys.modules.pop("asking_steps", None)


def test_a_run_that_asks_and_is_taken_up(run: Run, spec: str) -> None:
    """A durable run that asks exits with 7, says how to answer, and goes on once it is answered."""
    asked = run("run", spec, "text=a", "--durable", "runs.db", "--run-id", "r1")
    assert (asked.exit_code, asked.stdout) == (7, "")
    assert "`ask` asks boss: Is it good?" in asked.stderr
    assert "fsmflow answer r1 ask yes_ | no_" in asked.stderr

    shown = run("runs", "r1").stdout
    assert "found  A" in shown
    assert "used 1 step" in shown
    assert json.loads(run("runs", "--format", "json").stdout)["runs"][0]["status"] == "waiting"

    refused = run("answer", "r1", "ask", "maybe")
    assert (refused.exit_code, refused.stderr) == (1, "'maybe' is no answer: expected yes_, no_\n")
    assert run("answer", "r1", "ask", "yes_").stdout == "answered\n"
    assert run("answer", "r1", "ask", "no_").exit_code == 1

    done = run("resume", "r1")
    assert done.exit_code == 0
    assert "● done success\n  A\n" in done.stdout
    assert run("resume", "r1").stderr == "the run r1 is done\n"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (7 * 86_400 - 0.3, "7 d"),
        (6 * 86_400 + 13 * 3_600 - 5, "6 d 13 h"),
        (86_399.9, "1 d"),
        (86_399 - 3_600, "23 h"),
        (3_600 + 89, "1 h 1 min"),
        (3_599.9, "1 h"),
        (89.7, "1 min 30 s"),
        (0.2, "0 s"),
        (-5, "0 s"),
    ],
)
def test_time_that_is_left_is_rounded_as_a_person_would(seconds: float, said: str) -> None:
    """What was given a week a moment ago has a week left; nobody wants to know the seconds of it."""
    assert left(round(seconds * 1_000_000_000)) == said


def test_the_questions_of_durable_runs_wait_with_the_others(run: Run, spec: str) -> None:
    """`waiting` lists what durable runs ask, says how to answer it, and no more once that is done."""
    assert run("waiting").stdout == "nothing waits\n"
    assert "there is no database" in run("waiting", "--db", "none.db").stderr
    run("run", spec, "text=a", "--durable", "runs.db", "--run-id", "r1")

    shown = run("waiting").stdout
    assert "r1  asking · ask boss\n  Is it good?\n    found  A\n" in shown
    assert "to answer: fsmflow answer r1 ask yes_ | no_\n" in shown
    assert "asked 0 s ago, waits 7 d more" in shown
    (question,) = json.loads(run("waiting", "--format", "json").stdout)["questions"]
    assert (question["run_id"], question["labels"]) == ("r1", ["yes_", "no_"])
    assert question["db"].endswith("runs.db")
    run("answer", "r1", "ask", "yes_")
    run("resume", "r1")
    assert run("waiting").stdout == "nothing waits\n"


def events_in(path: str) -> list[tuple[str, str | None]]:
    """Give the kinds of the events in a trace, and the states that they are of."""
    lines = [json.loads(line) for line in Path(path).read_text().splitlines()]
    return [(line["event"], line.get("state")) for line in lines]


def test_a_durable_run_is_watched_in_each_of_its_parts(run: Run, spec: str) -> None:
    """What is kept is traced and recorded like any run; what is taken up tells what happens from then on."""
    watched = ("--trace", "t1", "--record", "r1", "--bodies", "none")
    assert run("run", spec, "text=a", "--durable", "runs.db", "--run-id", "r1", *watched).exit_code == 7
    run("answer", "r1", "ask", "yes_")
    assert run("resume", "r1", "--trace", "t2", "--record", "r2").exit_code == 0

    assert events_in("t1") == events_in("r1") == [("run", None), ("attempt", "find")]
    assert events_in("t2") == events_in("r2") == [("run", None), ("answer", "ask"), ("end", None)]
    whole = run("runs", "r1", "--trace", "t").exit_code, run("trace", "show", "t").stderr
    assert (whole, run("trace", "show", "t1").stderr) == ((0, ""), "")
    assert run("trace", "show", "t2").stderr == (
        "this trace does not hold the run from its beginning: `fsmflow runs r1 --trace FILE` writes all that "
        "a durable run did; what was used in all is of the whole run\n"
    )
    # Of a run that is not over, what is used in all doesn't tell it; its spec does.
    Path("t3").write_text("".join(Path("t2").read_text().splitlines(keepends=True)[:-1]))
    rest = "this trace does not hold the run from its beginning: `fsmflow runs r1 --trace FILE` writes"
    assert run("trace", "show", "t3", spec).stderr.startswith(rest)
    assert run("trace", "show", "t1", spec).stderr == ""
    assert '"a"' not in Path("t1").read_text()
    assert '"output": "A"' in Path("r1").read_text()
    assert Path("r1").stat().st_mode & 0o077 == 0


def test_a_durable_run_is_told_to_a_program_as_any_run(run: Run, project: Path) -> None:
    """`--format json` prints one document, whether or not the run is kept."""
    hello = ("run", "specs/hello.fsm.yaml", "text=hello", "--format", "json")
    kept, usual = (document(run(*hello, *durable)) for durable in (("--durable", "runs.db"), ()))

    assert kept.keys() == usual.keys()
    assert [kept[key] for key in ("end", "output", "path")] == [
        "done",
        {"text": "You said: hello"},
        usual["path"],
    ]


@pytest.mark.parametrize("instead", [("--durable", "runs.db"), ("--replay", "t.jsonl")], ids=" ".join)
def test_a_desk_that_nobody_would_ask_is_refused(run: Run, project: Path, instead: tuple[str, ...]) -> None:
    """A durable run keeps its questions itself, and a replay has its answers: neither asks at a desk."""
    run("run", "specs/hello.fsm.yaml", "text=hello", "--trace", "t.jsonl")
    text = [] if "--replay" in instead else ["text=hello"]
    result = run("run", "specs/hello.fsm.yaml", *text, *instead, "--desk", "desk")

    assert result.exit_code == 2
    assert "--desk" in result.stderr
    assert not (project / "runs.db").exists()


def test_many_runs_are_not_watched(run: Run, spec: str) -> None:
    """A file holds the trace of one run."""
    run("submit", spec, "text=a")

    assert "are for one run" in run("resume", "--all", "--trace", "t").stderr


def test_the_commands_that_are_told_name_another_database(run: Run, spec: str) -> None:
    """What is told to be typed works as it is: it names the database if it is not the one that is meant."""
    asked = run("run", spec, "text=a", "--durable", "other.db", "--run-id", "r1").stderr
    shown = run("runs", "r1", "--db", "other.db").stdout

    assert "fsmflow answer r1 ask yes_ | no_ --db other.db\n" in asked
    assert "fsmflow resume r1 --db other.db\n" in asked
    assert "fsmflow answer r1 ask yes_ | no_ --db other.db\n" in shown


def test_the_commands_that_are_told_survive_a_shell(run: Run, spec: str) -> None:
    """A database whose name a shell would take apart is told in quotes."""
    asked = run("run", spec, "text=a", "--durable", "the runs.db", "--run-id", "r1").stderr

    assert "fsmflow answer r1 ask yes_ | no_ --db 'the runs.db'\n" in asked
    assert "fsmflow resume r1 --db 'the runs.db'\n" in asked


@pytest.mark.parametrize("name", [":memory:", "file:runs.db", "file:runs.db?mode=memory", "runs?#%41.db"])
def test_a_database_is_the_file_of_its_name(run: Run, spec: str, name: str) -> None:
    """Names in which SQLite would read something else are those of files like any other."""
    run("submit", spec, "text=a", "--run-id", "r1", "--db", name)

    assert "submitted" in run("runs", "r1", "--db", name).stdout
    assert Path(name).stat().st_size > 0


def test_a_little_money_is_listed_exactly(run: Run, spec: str) -> None:
    """What a run used is listed as it is told elsewhere, however little it is."""
    path = Path(spec)
    path.write_text(path.read_text().replace("effect: none", "cost: {usd: 0.000081}"))
    run("run", spec, "text=a", "--durable", "runs.db", "--run-id", "r1")

    assert "$0.000081 " in run("runs").stdout


def test_what_is_submitted_is_served(run: Run, spec: str) -> None:
    """`serve` carries out what was submitted, lets go what waits, and takes it up when it is answered."""
    first, second = (run("submit", spec, f"text={text}").stdout.strip() for text in "ab")
    assert run("serve", "--until-idle").stdout.count("waiting") == 2
    for run_id in (first, second):
        run("answer", run_id, "ask", "yes_")

    assert run("serve", "--until-idle").stdout.count("success") == 2
    assert run("runs", "--status", "done").stdout.count("asking") == 2


def test_what_a_run_gave_is_shown(run: Run, spec: str) -> None:
    """What a run gave that was served is there to be read, by people and by programs."""
    run("submit", spec, "text=a", "--run-id", "r1")
    run("serve", "--until-idle")
    waiting = document(run("runs", "r1", "--format", "json"))
    run("answer", "r1", "ask", "yes_")
    run("serve", "--until-idle")

    done = document(run("runs", "r1", "--format", "json"))
    assert (waiting["output"], done["output"]) == (None, "A")
    assert done["schema"] == "fsmflow.kept/1", "it is another document than the one that `run` prints"
    assert "\n  gave\n    A\n" in run("runs", "r1").stdout


def test_what_a_run_that_was_taken_up_gives_is_told_to_programs(run: Run, spec: str) -> None:
    """`resume --format json` prints the document that `run` does."""
    run("run", spec, "text=a", "--durable", "runs.db", "--run-id", "r1")
    run("answer", "r1", "ask", "yes_")

    told = document(run("resume", "r1", "--format", "json"))
    assert (told["schema"], told["end"], told["output"]) == ("fsmflow.run/1", "done", "A")
    assert "is for one run" in run("resume", "--all", "--format", "json").stderr


def test_a_run_that_nobody_carries_out_is_told_by_that(run: Run, spec: str) -> None:
    """A run that its process left behind says so, and how to go on with it."""
    run("submit", spec, "text=a", "--run-id", "r1")
    assert "carried out by nobody\n  to go on: fsmflow resume r1\n" in run("runs", "r1").stdout
    owner = f"{this_process().rsplit(':', 2)[0]}:{2**30}:1"
    with closing(sqlite3.connect("runs.db")) as connection, connection:
        connection.execute("UPDATE runs SET status = 'running', owner = ?, lease_ns = ?", (owner, 2**62))

    shown = run("runs", "r1").stdout
    assert f"carried out by {owner}, which is gone\n  to go on: fsmflow resume r1\n" in shown


def test_a_run_of_another_machine_is_told_by_how_long_nothing_was_heard_of_it(
    run: Run, spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows if a process elsewhere lives: how long ago its lease ran out is told, and what to do."""
    # Half of a lease is how long a resume listens for its owner.
    monkeypatch.setitem(Durable.__init__.__kwdefaults__, "lease_s", 1.0)
    run("submit", spec, "text=a", "--run-id", "r1")
    with closing(sqlite3.connect("runs.db")) as connection, connection:
        connection.execute(
            "UPDATE runs SET status = 'running', owner = 'elsewhere:1:1', lease_ns = ?",
            (time.time_ns() - 7_260 * 10**9,),
        )

    shown = run("runs", "r1").stdout
    told = "carried out by elsewhere:1:1, of which nothing was heard for 2 h\n  to go on: fsmflow resume r1\n"
    assert told in shown
    assert run("resume", "r1").exit_code == 7


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ("", "`find` is not in module `asking_steps` ("),
        ("def find(word: str) -> str: ...\n", "it has no parameter `text`, and needs `word`"),
    ],
    ids=["gone", "other arguments"],
)
def test_a_run_that_its_code_does_not_fit_is_told_with_what_to_do(
    run: Run, spec: str, steps: str, why: str
) -> None:
    """A run whose step is not what it was is left alone, and how it goes on, or ends, is told."""
    run("submit", spec, "text=a", "--run-id", "r1")
    Path("asking_steps.py").write_text(steps)
    sys.modules.pop("asking_steps", None)

    refused = run("resume", "r1")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert why in refused.stderr
    assert refused.stderr.endswith(
        "\nput that back, and fsmflow resume r1 goes on; or fsmflow cancel r1 ends it\n"
    )
    Path("asking_steps.py").write_text(STEPS)
    sys.modules.pop("asking_steps", None)
    assert run("resume", "r1").exit_code == 7


def without_its_steps(run: Run, run_id: str) -> None:
    """Submit a run, and take its step module away."""
    folder = Path("moved")
    folder.mkdir()
    (folder / "moved_steps.py").write_text(STEPS)
    (folder / "asking.fsm.yaml").write_text(SPEC.replace("asking_steps", "moved_steps"))
    assert run("submit", "moved/asking.fsm.yaml", "text=a", "--run-id", run_id).exit_code == 0
    (folder / "moved_steps.py").unlink()
    sys.modules.pop("moved_steps", None)


def asking_for_what_is_gone(run: Run, run_id: str) -> None:
    """Have a run wait for an answer of a type whose module is there no more."""
    folder = Path("gone")
    folder.mkdir()
    (folder / "gone_steps.py").write_text(
        f"{STEPS}\nfrom attrs import frozen\n@frozen\nclass Note:\n    text: str\n"
    )
    text = SPEC.replace("asking_steps", "gone_steps").replace(
        "timeout: 7d", "timeout: 7d\n    gives: gone_steps:Note"
    )
    (folder / "asking.fsm.yaml").write_text(text)
    assert run("submit", "gone/asking.fsm.yaml", "text=a", "--run-id", run_id).exit_code == 0
    assert run("resume", run_id).exit_code == 7
    (folder / "gone_steps.py").unlink()
    sys.modules.pop("gone_steps", None)


def test_a_question_whose_module_is_gone_is_listed(run: Run, spec: str) -> None:
    """A question is listed whatever has become of its step module; who answers it is told what is missing."""
    asking_for_what_is_gone(run, "bad")
    run("run", spec, "text=a", "--durable", "runs.db", "--run-id", "r1")

    listed = run("waiting", "--format", "json")
    assert [each["run_id"] for each in document(listed)["questions"]] == ["bad", "r1"]
    assert (listed.exit_code, run("runs", "bad").exit_code) == (0, 0)
    told = run("answer", "bad", "ask", "yes_", "--value", "{}")
    assert told.exit_code == 1
    assert told.stderr.startswith("module `gone_steps` is neither in ")


def test_a_run_that_can_not_go_on_holds_up_no_other(
    run: Run, spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`resume --all` goes on with all that can go on, however many, and names the runs that can't."""
    monkeypatch.setattr("fsmflow.cli.resume.MOST", 1)
    without_its_steps(run, "bad")
    for run_id in ("r1", "r2", "r3"):
        run("submit", spec, "text=a", "--run-id", run_id)

    result = run("resume", "--all")
    assert (result.exit_code, result.stdout) == (1, "resumed 3\n")
    assert "module `moved_steps` is neither in " in result.stderr
    assert "bad was not resumed\n" in result.stderr
    assert len(document(run("runs", "--status", "waiting", "--format", "json"))["runs"]) == 3


def test_all_are_let_go_when_one_is_interrupted(run: Run, spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt ends `resume --all`, and not one run after the other."""
    for run_id in ("r1", "r2"):
        run("submit", spec, "text=a", "--run-id", run_id)
    begun: list[str] = []

    def interrupted(_: object, run_id: str, **__: object) -> int:
        begun.append(run_id)
        return 130 if len(begun) < 3 else 1

    monkeypatch.setattr("fsmflow.cli.resume.carried_out", interrupted)
    assert run("resume", "--all").exit_code == 130
    assert begun == ["r1"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is full")
def test_a_log_that_is_full_ends_nothing(run: Run, spec: str) -> None:
    """What `serve` can't tell any more changes nothing about the runs, and is no bug of fsmflow's."""
    run("submit", spec, "text=a", "--run-id", "r1")
    command = [sys.executable, "-m", "fsmflow", "serve", "--until-idle"]
    with Path("/dev/full").open("w") as full:
        served = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert (served.returncode, served.stderr) == (0, "")
    assert "r1  asking  waiting" in run("runs", "r1").stdout


def test_cancelled_and_forgotten(run: Run, spec: str) -> None:
    """A cancelled run can't be resumed, and is forgotten when it is old enough."""
    run_id = run("submit", spec, "text=a").stdout.strip()

    assert run("cancel", run_id[:8]).stdout == f"cancelled {run_id}\n"
    assert run("resume", run_id).exit_code == 1
    assert run("gc").stdout == "forgot 0 runs\n"
    assert run("gc", "--older-than", "99999999d").stdout == "forgot 0 runs\n"
    assert run("gc", "--older-than", "0s").stdout == "forgot 1 run\n"
    assert run("runs").stdout == "no runs\n"


def test_a_trace_from_a_server_takes_the_place_of_nothing_else(run: Run, spec: str) -> None:
    """What is no trace is not overwritten with one, and no server is asked for it."""
    before = Path(spec).read_bytes()
    refused = run("runs", "r1", "--engine", "temporal", "--trace", spec)

    assert refused.exit_code == 2
    assert "which is no trace: name another file" in " ".join(refused.stderr.split())
    assert Path(spec).read_bytes() == before


def test_large_values_are_forgotten(run: Run, tmp_path: Path) -> None:
    """Values of runs on Temporal are forgotten once they are older than is said, which has to be said."""
    value = tmp_path / "ab" / f"ab{'0' * 62}"
    value.parent.mkdir()
    value.write_bytes(b"x")

    refused = run("gc", "--payloads", str(tmp_path))

    assert (refused.exit_code, "--payloads needs --older-than" in refused.stderr) == (2, True)
    assert run("gc", "--payloads", str(tmp_path), "--older-than", "1d").stdout == "forgot 0 values\n"
    assert run("gc", "--payloads", str(tmp_path), "--older-than", "0s").stdout == "forgot 1 value\n"
    assert not value.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("runs", "nothing"), "there is no run nothing"),
        (("resume", "nothing"), "there is no run nothing"),
        (("cancel", "nothing"), "there is no run nothing"),
        (("answer", "nothing", "ask", "yes_"), "there is no run nothing"),
        (("resume",), "name a run, or say --all"),
        (("gc", "--older-than", "soon"), "expected a duration"),
    ],
)
def test_a_mistake_is_told_in_words(run: Run, spec: str, arguments: tuple[str, ...], said: str) -> None:
    """What is not there, or makes no sense, is told without a traceback."""
    run("submit", spec, "text=a")
    result = run(*arguments)

    assert result.exit_code in (1, 2)
    assert said in result.stderr


def test_without_a_database(run: Run, spec: str) -> None:
    """Where there is no database yet, commands say so and make none."""
    result = run("runs")

    assert result.exit_code == 2
    assert "there is no database" in result.stderr
    assert not Path("runs.db").exists()


@pytest.mark.parametrize("option", ["--trace", "--record"])
def test_the_database_is_not_overwritten_with_what_is_told_of_a_run(run: Run, spec: str, option: str) -> None:
    """A trace that was to take the place of its run's database is refused, and the run still waits."""
    run("submit", spec, "text=hello", "--run-id", "r1")

    refused = run("resume", "r1", option, "runs.db")

    assert refused.exit_code == 2
    assert f"{option} would overwrite runs.db, which the run reads" in refused.stderr
    assert "submitted" in run("runs", "r1").output


LOOKING = ("runs", "runs r1", "waiting", "gc", "resume --all", "cancel r1", "answer r1 ask yes_")


@pytest.mark.parametrize("command", LOOKING)
def test_an_empty_file_is_no_database_yet(run: Run, spec: str, command: str) -> None:
    """Who looks for runs in a file that holds nothing is told what is told where there is none."""
    Path("empty.db").touch()
    result = run(*command.split(), "--db", "empty.db")

    assert result.exit_code == 2
    assert "there is no database at empty.db; `fsmflow submit` makes one" in result.stderr
    assert Path("empty.db").stat().st_size == 0
    assert run("submit", spec, "text=a", "--db", "empty.db").exit_code == 0


@pytest.mark.parametrize("command", [*LOOKING, "submit asking.fsm.yaml text=a", "serve --until-idle"])
def test_a_folder_is_no_database(run: Run, spec: str, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is named as the database, by an option or in the environment, is told by what it is."""
    Path("there").mkdir()
    named = run(*command.split(), "--db", "there")
    monkeypatch.setenv("FSMFLOW_DB", "there")
    for result in (named, run(*command.split())):
        assert result.exit_code == 2
        assert "there is a folder: name the file of a database in it" in result.stderr


def test_a_database_that_can_not_be_put_there_is_told(run: Run, spec: str) -> None:
    """Where no folder can be made for the database, that is told in a line."""
    result = run("submit", spec, "text=a", "--db", f"{spec}/runs.db")

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: asking.fsm.yaml/runs.db: ")


def test_what_another_program_keeps_is_no_database_of_runs(run: Run, spec: str) -> None:
    """A database of another program is told by that, and stays what it is."""
    with closing(sqlite3.connect("inn.db")) as connection:
        connection.execute("CREATE TABLE runs (speed)")
    held = Path("inn.db").read_bytes()
    result = run("runs", "--db", "inn.db")

    assert (result.exit_code, result.stderr) == (1, "Error: inn.db is no database of durable runs\n")
    assert Path("inn.db").read_bytes() == held


@pytest.mark.parametrize("run_id", ["", "\x1b[31mred", "x\ny", "x" * 201])
@pytest.mark.parametrize(
    "command",
    [
        "run asking.fsm.yaml text=a",
        "run asking.fsm.yaml text=a --durable runs.db",
        "submit asking.fsm.yaml text=a",
        "submit asking.fsm.yaml text=a --engine temporal",
    ],
)
def test_an_id_that_would_not_stay_in_its_place_is_wrong_usage(
    run: Run, spec: str, command: str, run_id: str
) -> None:
    """What no line or table could hold is refused as the id of a run, and nothing is run or kept."""
    result = run(*command.split(), "--run-id", run_id)

    assert (result.exit_code, result.stdout) == (2, "")
    assert "Invalid value for '--run-id': " in result.stderr
    assert "can't be a run's id" in result.stderr
    assert "\x1b" not in result.stderr
    assert not Path("runs.db").exists()


def test_a_worker_that_is_told_to_terminate_ends_what_it_has(run: Run, spec: str) -> None:
    """On SIGTERM a worker takes no more runs, and brings those under way to an end."""
    command = [sys.executable, "-m", "fsmflow", "serve"]
    submitted = run("submit", spec, "text=a")
    assert submitted.exit_code == 0, submitted.output
    run_id = submitted.stdout.strip()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{run_id[:12]}  waiting\n"
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert time.monotonic() - began < 20


def test_a_worker_says_what_it_waits_for(run: Run, spec: str) -> None:
    """Whoever interrupts a worker is told that it takes no more runs, and how long it may still be there."""
    Path("long.fsm.yaml").write_text(
        "fsmflow: 1\nworkflow: long\nstates: {rest: {wait: 1h, success: done}, done: {end: success}}\n"
    )
    run("submit", "long.fsm.yaml")
    command = [sys.executable, "-m", "fsmflow", "serve", "--grace", "0.5"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while "running" not in run("runs").stdout:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert process.stderr.read() == "taking no more runs; those under way have 0.5 s to end\n"
        assert process.wait(30) == 0


def test_a_worker_says_why_a_run_gave_no_more(run: Run, spec: str) -> None:
    """Of a run that did not succeed a worker tells the end, and what led there."""
    run("submit", spec, "text:=5")
    told = run("serve", "--until-idle").stdout

    assert "  failed in `failed`: find: failure, AttributeError: 'int' object has no attribute" in told
    assert re.search(r", at \w+\.py:\d+\n", told)


def test_a_worker_says_that_code_has_changed(run: Run, spec: str) -> None:
    """Of a run that was submitted with other code than there is now, a worker says so, and carries it out."""
    for number in range(2):
        run("submit", spec, "text=a", "--run-id", f"r{number}")
    Path("asking_steps.py").write_text(STEPS + "# another one\n")
    run("submit", spec, "text=a", "--run-id", "r2")
    found = run("serve", "--until-idle")

    said = [
        f"the code or a prompt of `asking` has changed since r{number} was submitted" for number in range(3)
    ]
    assert [each in found.stderr for each in said] == [True, True, False]
    assert found.stdout.count("waiting") == 3


def test_a_worker_that_could_not_carry_all_out_says_so(run: Run, spec: str) -> None:
    """A worker that ends by itself exits with 1 if a run was left as it was, and with 0 if none was."""
    run("submit", spec, "text=a")
    assert run("serve", "--until-idle").exit_code == 0

    run("submit", spec, "text=a", "--run-id", "r1")
    Path("asking_steps.py").unlink()
    sys.modules.pop("asking_steps", None)
    found = run("serve", "--until-idle")

    assert (found.exit_code, found.stdout.startswith("r1  module `asking_steps` is neither in ")) == (1, True)
    assert run("runs", "r1").stdout.splitlines()[0] == "r1  asking  submitted"


SECRET_STEPS = """
def find(card: str) -> str:
    return f"card {card}"
"""


@pytest.mark.parametrize("command", ["waiting", "waiting --format json", "runs r1", "runs r1 --trace -"])
@pytest.mark.parametrize("marked", [True, False], ids=["marked", "environment"])
def test_a_question_of_a_durable_run_tells_no_secret(
    run: Run, spec: str, command: str, marked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is secret is not told where a run waits, though a later step repeats it."""
    Path("asking_steps.py").write_text(SECRET_STEPS)
    text = SPEC.replace("text: $input.text", "card: $input.text")
    Path(spec).write_text(text.replace("budget:", "secret: [text]\nbudget:") if marked else text)
    monkeypatch.setenv("SHOP_API_TOKEN" if not marked else "NOTHING", "4111222233334444")
    run("submit", spec, "text=4111222233334444", "--run-id", "r1")
    run("serve", "--until-idle")

    told = run(*command.split()).stdout
    assert "card [secret]" in told
    assert "4111222233334444" not in told


def test_a_run_whose_database_can_not_be_written_says_how_to_go_on(
    run: Run, spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that stops since the disk is full says so in a line, and which command goes on with it."""
    Path("asking_steps.py").write_text(
        "from pathlib import Path\ndef find(text):\n    Path('full').touch()\n    return text\n"
    )
    commit = Store._commit

    def full(store: Store, batch: list[Handed]) -> None:
        if not Path("full").exists():
            commit(store, batch)
            return
        for each in batch:
            each.error = StoreError("runs.db: database or disk is full")

    monkeypatch.setattr(Store, "_commit", full)
    found = run("run", spec, "text=a", "--durable", "runs.db", "--run-id", "r1")
    Path("full").unlink()

    said = "runs.db: database or disk is full\nstopped; fsmflow resume r1 --db runs.db goes on with it\n"
    assert (found.exit_code, found.stderr) == (1, said)
    assert "r1  asking  running" in run("runs", "r1").stdout


def test_a_clock_that_was_set_back_makes_no_run_of_the_future(run: Run, spec: str) -> None:
    """What was submitted, or asked, later than it is now was so no time ago."""
    run("run", spec, "text=a", "--durable", "runs.db", "--run-id", "r1")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(time, "time_ns", lambda: 1_000_000_000)
        told = [run(*command.split()).stdout for command in ("runs", "runs r1", "waiting")]

    assert not re.search(r"-\d", "".join(told))
    assert "submitted 0 s ago" in told[1]
