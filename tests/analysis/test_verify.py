"""The checker of certificates: accepts nothing that is not true, and each of its rules is needed."""

from __future__ import annotations

import ast
import copy
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from errno import ENOSPC, EPIPE
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from attrs import evolve

from fsmflow.analysis import verify as checker
from fsmflow.analysis.proving.certificate import written
from fsmflow.analysis.verify import Rejected, read, verify
from tests.analysis.certified import certified, is_true
from tests.analysis.corruption import corrupted
from tests.analysis.counter_machines import eight, random_machine

SOURCE = Path(checker.__file__)

Document = dict[str, Any]


# What is accepted is true.


@cache
def honest() -> tuple[Document, ...]:
    """Certificates to corrupt: with and without budgets, unrolled, of attempts that may take any time."""
    found = [certified(eight(loop=1, outer=1, retry=1, valid=0), {"tokens": 20_000, "steps": 30})]
    for seed in range(36):
        machine = random_machine(seed, most_states=6, most_cap=2)
        if seed % 3 == 1:
            machine = evolve(machine, endless=frozenset({1}))
        split = (0,) if seed % 4 == 2 and machine.caps else ()
        document = certified(machine, {"tokens": 9, "micro_usd": 3_000} if seed % 2 else None, split)
        if document is not None and seed % 5 == 4:
            document |= {"structural": None, "terminates": "by-budget-only"}
        found.append(document)
    return tuple(document for document in found if document is not None)


def campaign(count: int, seed: int) -> Counter[str]:
    """Corrupt certificates, and count what becomes of them."""
    rng = random.Random(seed)
    tally: Counter[str] = Counter()
    for _ in range(count):
        document = corrupted(rng.choice(honest()), rng)
        try:
            verify(document)
        except Rejected as fault:
            tally["malformed" if str(fault).startswith("malformed") else "rejected"] += 1
            continue
        verdict = is_true(document)
        tally["accepted" if verdict is not None else "accepted, too large to tell"] += 1

        assert verdict is not False, json.dumps(document)

    return tally


def test_honest_certificates_are_accepted() -> None:
    """What the prover makes is accepted, and of every kind there is some."""
    for document in honest():
        verify(document)

    assert {"always", "by-budget-only"} <= {document["terminates"] for document in honest()}
    assert any(document["budgeted"]["machine"]["endless"] for document in honest())
    assert any(p["split"] for document in honest() for p in document["budgeted"]["potentials"].values())


def test_no_corruption_is_believed() -> None:
    """Of hundreds of corrupted certificates, none is accepted with a claim that is false."""
    tally = campaign(500, seed=1)

    assert tally["rejected"] > 150


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 12))
def test_no_corruption_of_very_many_is_believed(seed: int) -> None:
    """Of thousands of corrupted certificates, none is accepted with a claim that is false."""
    tally = campaign(700, seed)

    assert tally["rejected"] > 200
    assert tally["accepted, too large to tell"] < 70


# Every rule is needed.


def base() -> Document:
    """A certificate by hand, of a loop that is taken twice, and of an edge that is never taken."""
    part = {
        "machine": {
            "start": "a",
            "states": ["a", "b", "z"],
            "counters": {"c": 2, "d": 1},
            "metrics": [*checker.METRICS],
            "endless": [],
            "edges": [
                ["a", "b", {"c": [0, 1]}, ["c"], [], [1, 1, 0, 10, 0, 7], "again"],
                ["b", "a", {}, [], [], [1, 1, 1, 0, 0, 0], "back"],
                ["a", "z", {"c": [2, 2]}, [], [], [1, 0, 0, 0, 0, 0], "used up"],
                ["b", "z", {"d": [1, 1]}, [], [], [1, 0, 0, 0, 9, 0], "never"],
            ],
        },
        "caps": {},
        "invariant": {"a": {"d": [0, 0]}, "b": {"d": [0, 0]}, "z": {}},
        "ranking": {
            "split": [],
            "any_caps": True,
            "rank": {"a": [1, 0, 1], "b": [1, 0, 2], "z": [0]},
            "regions": [["c"]],
        },
        "regions": [["a", "b"]],
        "potentials": {
            metric: {"split": [], "phi": {"a": last, "b": b}, "terms": [term(price)] if price else []}
            for metric, last, b, price in (
                ("transitions", "1", "2", "2"),
                ("steps", "0", "1", "2"),
                ("tool_calls", "0", "1", "1"),
                ("tokens", "0", "0", "10"),
                ("micro_usd", "0", "0", ""),
                ("microseconds", "0", "0", "7"),
            )
        },
        "bounds": {
            metric: {"upper": most, "lower": most, "witness": 0}
            for metric, most in zip(checker.METRICS, (5, 4, 2, 20, 0, 14), strict=True)
        },
        "witnesses": [[[0, 1], [1, 1], [0, 1], [1, 1], [2, 1]]],
    }
    return {
        "schema": "fsmflow.certificate/1",
        "workflow": "loop",
        "digest": "00ff",
        "terminates": "always",
        "structural": part,
        "budgeted": copy.deepcopy(part),
    }


def term(price: str) -> dict[str, Any]:
    """Give the price of each turn of the loop that is left, within it."""
    return {"kind": "ahead", "counter": "c", "lo": 0, "hi": 1, "region": 0, "price": price}


def edit(*route: Any, to: Any) -> Callable[[Document], None]:
    """Give a change of one entry of what is said of the structure."""

    def change(document: Document) -> None:
        inner = document["structural"]
        for key in route[:-1]:
            inner = inner[key]
        inner[route[-1]] = to

    return change


def every(*changes: Callable[[Document], None]) -> Callable[[Document], None]:
    """Give several changes as one."""

    def change(document: Document) -> None:
        for each in changes:
            each(document)

    return change


def top(**entries: Any) -> Callable[[Document], None]:
    """Give a change of the outermost entries."""
    return lambda document: document.update(entries)


def under_budget(**caps: int) -> Callable[[Document], None]:
    """Give what might be claimed under a budget: that a run comes up to it, or uses as much as without."""

    def change(document: Document) -> None:
        part = document["budgeted"]
        part["caps"] = caps
        for metric, cap in caps.items():
            claim = part["bounds"][metric]
            claim.update(upper=min(claim["upper"], cap), lower=min(claim["lower"], cap))

    return change


def no_run_under_budget(document: Document) -> None:
    """Show no run of the budget's machine."""
    part = document["budgeted"]
    part["witnesses"] = []
    for claim in part["bounds"].values():
        claim.update(lower=None, witness=None)


def with_a_wait(document: Document) -> None:
    """Make a wait of what is an attempt in the budget's machine."""
    part = document["budgeted"]
    part["machine"]["edges"][0][5] = [1, 0, 0, 10, 0, 7]
    part["bounds"]["steps"]["lower"] = 2


EDGES = ("machine", "edges")
NO_LOWER = every(
    *(edit("bounds", metric, of, to=None) for metric in checker.METRICS for of in ("lower", "witness"))
)
NOTHING_CLAIMED = every(
    NO_LOWER,
    *(edit("bounds", metric, "upper", to=None) for metric in checker.METRICS),
    edit("potentials", to={}),
    edit("witnesses", to=[]),
)

NO_WITNESS = every(NO_LOWER, edit("witnesses", to=[]))

FAULTS: dict[str, list[Callable[[Document], None]]] = {
    "another format": [top(schema="fsmflow.certificate/2")],
    "odd name or digest": [top(workflow="a loop"), top(digest="00 ff")],
    "not proved that it terminates": [
        edit("ranking", "any_caps", to=False),
        # Nothing is known of a loop whose cap is 0: none of its edges need be there.
        edit("machine", "counters", "d", to=0),
    ],
    "odd bounds": [
        edit("caps", to={"steps": 9}),
        lambda document: document["budgeted"].update(caps={"transitions": 9}),
        every(under_budget(micro_usd=-1), no_run_under_budget),
        edit("bounds", "pages", to={"upper": 3, "lower": None, "witness": None}),
    ],
    "odd metrics or states": [
        edit("machine", "endless", to=["nowhere"]),
        edit("machine", "metrics", to=checker.METRICS[::-1]),
    ],
    "odd caps or a twin": [
        edit("machine", "counters", "d", to=-1),
        edit("machine", "states", to=["a", "b", "z", "z"]),
    ],
    "the start is not entered": [
        every(
            edit("invariant", "a", to={"c": [1, 2], "d": [0, 0]}),
            edit("invariant", "b", to={"c": [1, 2], "d": [0, 0]}),
            NO_WITNESS,
        )
    ],
    "unknown names": [
        edit(*EDGES, 3, 4, to=["e"]),
        edit(*EDGES, 3, 2, "e", to=[0, 0]),
        every(edit(*EDGES, 3, 1, to="y"), edit("ranking", "rank", "y", to=[0])),
    ],
    "odd amounts": [
        edit(*EDGES, 0, 3, to=["c", "c"]),
        edit(*EDGES, 3, 5, to=[1, 0, 0, 0, -9, 0]),
        edit(*EDGES, 3, 5, to=[1, 0, 0, 0, 9, 0, 0]),
    ],
    "counts past a cap": [
        every(edit(*EDGES, 0, 2, "c", to=[0, 2]), edit(*EDGES, 0, 5, to=[0] * 6), NOTHING_CLAIMED),
        every(edit(*EDGES, 0, 2, to={}), edit(*EDGES, 0, 5, to=[0] * 6), NOTHING_CLAIMED),
    ],
    "breaks the invariant": [every(edit("invariant", "b", "c", to=[0, 0]), NO_WITNESS)],
    "may take any time": [edit("machine", "endless", to=["b"])],
    "no budget": [
        # The last attempt of four; one that may use more than there is; the second wait; any attempt.
        under_budget(steps=3),
        under_budget(tokens=9),
        every(with_a_wait, under_budget(microseconds=13)),
        under_budget(microseconds=0),
    ],
    "may pass": [
        every(edit("bounds", "steps", "upper", to=3), NO_LOWER),
        edit("bounds", "micro_usd", "upper", to=False),
        edit("bounds", "micro_usd", "lower", to=False),
    ],
    "not {lower}": [
        every(edit("bounds", "steps", "upper", to=5), edit("bounds", "steps", "lower", to=5)),
        every(edit("bounds", "steps", "lower", to=1), edit("witnesses", to=[[]])),
        edit("bounds", "steps", "lower", to=5),
    ],
    "too large when unrolled": [lambda document: None],
    "the rank does not fall": [
        edit("ranking", "rank", "z", to=[2, 0, 0]),
        edit("ranking", "rank", "z", to=[1]),
        edit("ranking", "rank", "b", to=[1, 0, 1]),
        every(edit(*EDGES, 1, 4, to=["c"]), NOTHING_CLAIMED),
    ],
    "a price below 0": [edit("potentials", "steps", "phi", "z", to="-1")],
    "falls by less than the weight": [
        every(
            edit("potentials", "steps", to={"split": [], "phi": {}, "terms": []}),
            edit("bounds", "steps", "upper", to=0),
            edit("bounds", "steps", "lower", to=None),
        )
    ],
    "disabled": [edit("witnesses", to=[base()["structural"]["witnesses"][0], [[2, 1]]])],
}
"""Changes that each rule, and no other, finds fault with."""


def checking(rule: str | None = None, *, most: str = "1_000_000") -> ModuleType:
    """Give the checker without the one rule that speaks these words, and with room for so many states."""
    text = SOURCE.read_text("utf-8")
    assert text.count("1_000_000") == 1
    tree = ast.parse(text.replace("1_000_000", most))
    removed = 0
    for node in ast.walk(tree):
        statements = getattr(node, "body", None)
        for number, statement in enumerate(statements if isinstance(statements, list) else ()):
            if rule is not None and _is_rule(statement) and rule in ast.unparse(statement):
                statements[number] = ast.Pass()
                removed += 1
    assert removed == (rule is not None), rule
    module = ModuleType("blind")
    exec(compile(ast.fix_missing_locations(tree), "blind", "exec"), vars(module))
    return module


def _is_rule(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Name(id="_need"))):
            return True
    return False


def test_the_certificate_by_hand_is_accepted() -> None:
    """Without a fault, the certificate that the faults are put into holds, and is exact."""
    verify(base())

    assert is_true(base())


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        pytest.param(rule, fault, id=f"{rule} {n}")
        for rule, faults in FAULTS.items()
        for n, fault in enumerate(faults)
    ],
)
def test_each_rule_is_needed(rule: str, fault: Callable[[Document], None]) -> None:
    """A fault that one rule finds is believed by a checker without that rule."""
    most = "2" if rule == "too large when unrolled" else "1_000_000"
    whole = checking(most=most)
    document = base()
    fault(document)

    with pytest.raises(whole.Rejected, match=rule.partition("{")[0]):
        whole.verify(document)
    checking(rule, most=most).verify(document)


def test_every_rule_has_a_fault() -> None:
    """Each rule of the checker is among those that are tried."""
    rules = [
        ast.unparse(node)
        for node in ast.walk(ast.parse(SOURCE.read_text("utf-8")))
        if isinstance(node, ast.stmt) and _is_rule(node)
    ]
    tried = [*FAULTS, "stands twice"]

    assert [rule for rule in rules if not any(words in rule for words in tried)] == []
    assert len(tried) == len(rules)


@pytest.mark.parametrize(
    "fault",
    [
        edit("invariant", to={"a": {"d": [0, 0]}, "b": {"d": [0, 0]}}),
        edit("invariant", to={"b": {}, "z": {}}),
        edit("invariant", "z", "e", to=[0, 0]),
        edit("ranking", "rank", to={"b": [1, 0, 2], "z": [0]}),
        edit("ranking", "rank", to={"a": [1, 0, 1], "b": [1, 0, 2]}),
        edit("potentials", "steps", "terms", 0, "kind", to="aside"),
        edit("potentials", "steps", "terms", 0, "counter", to="e"),
        edit("potentials", "steps", "terms", 0, "region", to=1),
        edit("potentials", "steps", "phi", "z", to="0e0"),
        edit("potentials", "steps", "phi", "z", to="1/0"),
        lambda document: document["structural"]["bounds"].pop("steps"),
        edit("bounds", "steps", "upper", to="4"),
        edit("bounds", "steps", "lower", to=[]),
        edit("bounds", "steps", "witness", to=1),
        edit("bounds", "steps", "witness", to=None),
        edit("witnesses", 0, 0, 0, to=4),
    ],
)
def test_what_is_missing_or_unknown_is_refused(fault: Callable[[Document], None]) -> None:
    """A state that evidence should speak of and does not, and a name that nothing has, are refused."""
    document = base()
    fault(document)

    with pytest.raises(Rejected):
        verify(document)


def test_names_cannot_hide_a_state() -> None:
    """A state named like an unrolled one is explored beside it, however often a counter is to be unrolled."""
    document = base()
    NOTHING_CLAIMED(document)
    part = document["structural"]
    step = [{}, [], [], [1, 0, 0, 0, 0, 0]]
    part["machine"] |= {
        "states": ["a", "a|c=0"],
        "edges": [["a", "a|c=0", *step, "on"], ["a|c=0", "a|c=0", *step, "for ever"]],
    }
    part["invariant"] = {"a": {}, "a|c=0": {}}
    rank = {"a|c=0": [1], "a|c=0|c=0": [0]}
    part["ranking"] = {"split": ["c", "c"], "any_caps": False, "rank": rank, "regions": []}

    with pytest.raises(Rejected, match=r"for ever.*: the rank does not fall"):
        verify(document)


# Files.


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "Expecting value"),
        ("[" * 100_000, "recursion|Stack overflow"),  # as Python 3.14 has it
        ('{"a": 1, "a": 1}', "stands twice"),
        ('{"a": 1.5}', "1.5"),
        ('{"a": NaN}', "NaN"),
        ('{"a": -Infinity}', "-Infinity"),
        ('{"a": 1e3}', "1e3"),
        ('{"a": ' + "9" * 10_000 + "}", "Exceeds the limit"),
        ("\ud800", "Expecting value"),
        ("[]", "malformed"),
    ],
)
def test_what_is_no_certificate_is_refused(text: str, fault: str, tmp_path: Path) -> None:
    """A file that says something twice, counts in fractions or is no JSON is refused, and the fault named."""
    path = tmp_path / "odd.json"
    path.write_text(text, "utf-8", "surrogatepass")

    with pytest.raises((Rejected, ValueError, RecursionError), match=fault):
        verify(read(str(path)))

    done = script(path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{path} is not confirmed: ")
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "document", [None, [], {}, 3, "x", {"terminates": []}, base()["structural"]], ids=repr
)
def test_what_has_another_shape_is_refused(document: Any) -> None:
    """What is JSON and no certificate is refused without a traceback."""
    with pytest.raises(Rejected, match="malformed"):
        verify(document)


def script(*paths: Path) -> subprocess.CompletedProcess[str]:
    """Run the checker as the README does: what stands beside it is on its path, and no package is."""
    command = [sys.executable, "-S", SOURCE, *paths]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_runs_by_itself(tmp_path: Path) -> None:
    """As a script it says what it accepts of each part, in a line."""
    path = tmp_path / "loop.certificate.json"
    path.write_bytes(written(base()))

    done = script(path)

    assert (done.returncode, done.stderr) == (0, "")
    assert [line.removeprefix(str(path)) for line in done.stdout.splitlines()] == [
        f", {part}: loop (00ff) terminates always; transitions 5 to 5, steps 4 to 4, tool_calls 2 to 2, "
        "tokens 20 to 20, micro_usd 0 to 0, microseconds 14 to 14"
        for part in ("structural", "budgeted")
    ]


def test_it_names_what_fails(tmp_path: Path) -> None:
    """As a script it names the edge that breaks a claim on its standard error, and fails."""
    document = base()
    FAULTS["falls by less than the weight"][0](document)
    path = tmp_path / "loop.certificate.json"
    path.write_bytes(written(document))

    done = script(path)

    assert (done.returncode, done.stdout) == (1, "")
    assert "edge 0 (a to b, again): the potential of steps" in done.stderr
    assert "Traceback" not in done.stderr


def unread(path: Path, stdout: int) -> subprocess.CompletedProcess[str]:
    """Run the checker where what it prints gets nowhere, and nothing is written before its buffer is full."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-S", SOURCE, path]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, env=env, check=False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_what_can_not_be_said_is_no_success(tmp_path: Path) -> None:
    """On a full disk, or where nobody reads, it says so in a line on its standard error, and fails."""
    path = tmp_path / "loop.certificate.json"
    path.write_bytes(written(base()))
    reading, writing = os.pipe()
    os.close(reading)
    full = os.open("/dev/full", os.O_WRONLY)

    told = [unread(path, stdout) for stdout in (full, writing)]
    os.close(full)
    os.close(writing)

    assert [done.returncode for done in told] == [1, 1]
    assert [done.stderr.splitlines() for done in told] == [
        [f"{path} is not confirmed: [Errno {fault}] {os.strerror(fault)}"] for fault in (ENOSPC, EPIPE)
    ]


def test_a_file_of_any_name_is_accepted(tmp_path: Path) -> None:
    """A certificate whose file's name is no text is accepted, and named by the same bytes."""
    path = tmp_path / os.fsdecode(b"\xfflo\xc3\xb6p")
    path.write_bytes(written(base()))

    command = [sys.executable, "-S", SOURCE, path]
    env = os.environ | {"PYTHONIOENCODING": "utf-8:strict"}
    done = subprocess.run(command, capture_output=True, env=env, check=False)

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(os.fsencode(path) + b", structural: loop ")


@pytest.mark.parametrize(
    "fault",
    [
        every(edit(*EDGES, 0, 6, to="\nloop accepted\x1b[2J"), edit(*EDGES, 0, 3, to=["c", "c"])),
        top(terminates="\nloop accepted\x1b[2J"),
    ],
)
def test_no_certificate_puts_words_into_its_mouth(fault: Callable[[Document], None], tmp_path: Path) -> None:
    """What a refused certificate names is told in one line, and steers no terminal."""
    document = base()
    fault(document)
    path = tmp_path / "odd.json"
    path.write_bytes(written(document))

    done = script(path)

    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert "loop accepted" in done.stderr
    assert "\x1b" not in done.stderr


def test_nothing_to_check_is_no_success() -> None:
    """Without a file, as where a pattern matches none, it says how it is used, and fails."""
    done = script()

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("python verify.py FILE...\n")


def test_it_stands_alone() -> None:
    """It imports the standard library alone, and can be read at a sitting."""
    text = SOURCE.read_text("utf-8")
    tree = ast.parse(text)
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert imported <= sys.stdlib_module_names
    assert len(text.splitlines()) < 150
