"""The parts of the Temporal engine that need no server."""

from __future__ import annotations

import asyncio
import hashlib
import os
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("temporalio")

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.converter import DataConverter

from fsmflow.compiler import compile_file
from fsmflow.engines.keeping import Unkeepable
from fsmflow.engines.temporal import indexing
from fsmflow.engines.temporal.bounds import SLACK, longest
from fsmflow.engines.temporal.carrying import again
from fsmflow.engines.temporal.claims import LARGE, Claims
from fsmflow.engines.temporal.client import Temporal
from fsmflow.engines.temporal.ledger import Lanes, lost
from fsmflow.engines.temporal.orders import Standing, put_down, taken_up
from fsmflow.engines.temporal.payloads import Folder, Lost
from fsmflow.engines.temporal.silence import why_silent
from fsmflow.engines.temporal.wire import TaggedJson, converter
from fsmflow.engines.workflows import Workflow
from fsmflow.runtime import Ended, Spent
from fsmflow.runtime import Lost as LostAttempt
from fsmflow.runtime.run import Configuration, Error
from fsmflow.semantics import Attempt

SPECS = Path(__file__).parents[2] / "specs"


class TestWire:
    @pytest.mark.parametrize(
        "value",
        [
            {"b": 1, "a": [None, True, 2.5, "ü\ud800"]},
            {"$map": 1},
            {1: "one"},
            b"\x00\xff",
            float("inf"),
            frozenset({1, 2}),
        ],
    )
    def test_data_comes_back_as_it_was(self, value):
        """What JSON has no word for is tagged, and what looks like a tag stays what it is."""
        wire = TaggedJson()

        assert wire.from_payload(wire.to_payload(value)) == value

    def test_the_order_of_keys_is_kept(self):
        """A step that goes through a mapping meets its keys as they were written."""
        wire = TaggedJson()

        assert list(wire.from_payload(wire.to_payload({"b": 1, "a": 2}))) == ["b", "a"]

    def test_what_is_no_data_is_refused(self):
        """Nothing is pickled, and no class is named."""
        with pytest.raises(Unkeepable, match="can't be kept: it is no data"):
            TaggedJson().to_payload({"of": object()})


def _client(*, converts=None, attributes=None):
    """Make what stands in for a connection."""

    async def listed(_):
        return SimpleNamespace(custom_attributes=attributes)

    return SimpleNamespace(
        namespace="default",
        data_converter=converts or converter(),
        operator_service=SimpleNamespace(list_search_attributes=listed),
    )


def test_a_connection_that_writes_values_otherwise_is_refused():
    """No worker could read what it submits."""
    with pytest.raises(ValueError, match=r"make it with data_converter=converter\(\)"):
        Temporal(_client(converts=DataConverter.default))


@pytest.mark.parametrize(
    ("change", "is_indexed"),
    [({}, True), ({"FsmflowStatus": IndexedValueType.INDEXED_VALUE_TYPE_TEXT}, False)],
)
def test_attributes_of_other_types_are_not_ours(change, is_indexed):
    """A run that tells of itself in one of the wrong type would stand still for ever."""
    attributes = {key.name: key.indexed_value_type for key in indexing.ALL}

    found = asyncio.run(Temporal(_client(attributes={**attributes, **change})).is_indexed())

    assert found is is_indexed


def test_an_id_that_would_not_stay_in_its_place_is_refused():
    """No server is asked to keep a run under an id that no line could hold."""
    workflow = Workflow.of_spec(SPECS / "ask_docs.fsm.yaml")
    for run_id in ("", "x\ny"):
        with pytest.raises(ValueError, match="can't be a run's id"):
            asyncio.run(Temporal(_client()).submit(workflow, {"text": "a"}, run_id=run_id))


class TestPayloads:
    def test_small_values_stay_where_they_are(self, tmp_path):
        """A value below the size is not kept apart, and one of the size is."""
        claims = Claims(Folder(tmp_path))
        small, large = (Payload(data=b"x" * size) for size in (LARGE - 1, LARGE))

        encoded = asyncio.run(claims.encode([small, large]))

        assert encoded[0] == small
        assert len(encoded[1].data) == 64
        assert asyncio.run(claims.decode(encoded)) == [small, large]

    def test_a_value_is_kept_once(self, tmp_path):
        """The same value, kept again, is the same file."""
        claims, payload = Claims(Folder(tmp_path)), Payload(data=b"x" * LARGE)

        first, second = (asyncio.run(claims.encode([payload])) for _ in range(2))

        assert first == second
        assert len([each for each in tmp_path.rglob("*") if each.is_file()]) == 1

    def test_a_value_that_was_changed_is_noticed(self, tmp_path):
        """What is not what its hash says is told, and so is what is not there."""
        claims = Claims(Folder(tmp_path))
        encoded = asyncio.run(claims.encode([Payload(data=b"x" * LARGE)]))
        (file,) = (each for each in tmp_path.rglob("*") if each.is_file())
        file.write_bytes(file.read_bytes() + b"!")

        with pytest.raises(Lost, match="is not what was kept"):
            asyncio.run(claims.decode(encoded))
        file.unlink()
        with pytest.raises(Lost, match="is not in"):
            asyncio.run(claims.decode(encoded))

    def test_what_was_kept_long_ago_is_forgotten(self, tmp_path):
        """A value is forgotten by when it was last kept, and so are the remains of one that never was."""
        folder, content = Folder(tmp_path), {name: name.encode() for name in "abc"}
        names = {name: hashlib.sha256(each).hexdigest() for name, each in content.items()}
        for name, each in content.items():
            folder.put(names[name], each)
        remains = tmp_path / names["a"][:2] / f".{names['a']}.x1y2"
        remains.write_bytes(b"half")
        for file in [*tmp_path.rglob("*")]:
            if file.is_file():
                os.utime(file, (1_000, 1_000))
        folder.put(names["b"], content["b"])
        os.utime(tmp_path / names["c"][:2] / names["c"], (3_000, 3_000))

        assert folder.forget(2_000) == 1

        kept = {each.name for each in tmp_path.rglob("*") if each.is_file()}
        assert kept == {names["b"], names["c"]}

    def test_nothing_but_values_is_forgotten(self, tmp_path):
        """A folder that holds other things, though they be named alike, keeps them."""
        name = hashlib.sha256(b"").hexdigest()
        others = [tmp_path / "old", tmp_path / "ab" / "old", tmp_path / "ab" / name, tmp_path / "x" / name]
        for other in others:
            other.parent.mkdir(exist_ok=True)
            other.write_bytes(b"")
            os.utime(other, (1_000, 1_000))

        assert Folder(tmp_path).forget(2_000) == 0
        assert all(other.exists() for other in others)

    def test_a_value_that_is_kept_anew_meanwhile_is_not_forgotten(self, tmp_path, monkeypatch):
        """A value that a run passes on at the very moment at which it would be forgotten stays."""
        folder, name = Folder(tmp_path), hashlib.sha256(b"x").hexdigest()
        folder.put(name, b"x")
        os.utime(tmp_path / name[:2] / name, (1_000, 1_000))
        move = Path.replace

        def meanwhile(path, target):
            folder.put(name, b"x")
            monkeypatch.setattr(Path, "replace", move)
            return path.replace(target)

        monkeypatch.setattr(Path, "replace", meanwhile)

        assert folder.forget(2_000) == 0
        assert folder.get(name) == b"x"


class TestLedger:
    def test_children_take_the_time_of_the_longest_lane(self):
        """Each takes the lane that was free, and waiting for workers is no time at all."""
        lanes = Lanes(2)
        lanes.add(0, 5)
        lanes.add(1, 2)
        lanes.add(1, 2)

        assert (lanes.before(1), lanes.elapsed_us) == (4, 5)

    @pytest.mark.parametrize(("deadline_us", "elapsed_us"), [(None, 10_000_000), (3, 3)])
    def test_a_lost_attempt_passes_no_cap_on_time(self, deadline_us, elapsed_us):
        """It counts with all the time that it was given, and with no more."""
        refund = compile_file(SPECS / "refund.fsm.yaml").analysis.machine
        command = Attempt("pay", 1, {}, (1, 0, 250_000), deadline_us)

        event = lost(refund, command)

        assert (event.outcome, event.use, event.elapsed_us) == ("unknown", (1, 0, 250_000), elapsed_us)

    def test_an_attempt_that_may_be_repeated_is_lost(self):
        """It is made again."""
        refund = compile_file(SPECS / "refund.fsm.yaml").analysis.machine

        assert lost(refund, Attempt("look_up", 1, {}, (1, 0, 0), None)) == LostAttempt(5_000_000)


class TestStanding:
    def test_a_run_is_taken_up_as_it_was_put_down(self):
        """Where it stands, its values and what has just happened come back, large and small."""
        error = Error("draft", "invalid", "no", ("too long",), "x")
        now = Configuration(
            "draft", 2, 3, {"a": 1}, {"draft": 2}, Spent(4, 1, 2, 3, 5),
            {"input": {"text": "t"}, "error": error}, {"text": "t"}, ("shorter",), True,
        )  # fmt: skip
        event = Ended("success", "good", {"answer": 7}, use=(1, 2, 3), elapsed_us=9)

        standing, values = put_down(now, event, 1)
        wire = TaggedJson()
        said, *again = (wire.from_payload(wire.to_payload(each)) for each in (standing, *values))

        assert taken_up(Standing(**said), again) == (now, event)


class TestBounds:
    @pytest.mark.parametrize(
        ("name", "bound"),
        [("research", timedelta(minutes=10)), ("ask_docs", timedelta(minutes=5))],
    )
    def test_the_server_ends_what_no_machine_foresaw(self, name, bound):
        """After the time that a run may take, and time for queues."""
        assert longest(compile_file(SPECS / f"{name}.fsm.yaml").analysis) == bound + SLACK

    def test_the_time_of_people_is_allowed_for(self):
        """A question may be asked as often as a run may move, and each time be waited for."""
        found = longest(compile_file(SPECS / "refund.fsm.yaml").analysis)

        assert found is not None
        assert found > timedelta(days=7) + SLACK


def test_tries_in_vain_fill_no_history():
    """For as long as a run may stand still, an attempt that no worker can make is tried, but seldom."""
    lasted, tries = timedelta(), 0
    while lasted < SLACK:
        lasted, tries = lasted + again(tries), tries + 1

    # Of each the history holds eleven events; it ends the run, by force, when it has 51,200.
    assert tries * 11 < 51_200
    assert again(0) == timedelta(seconds=10)


def test_a_value_that_is_kept_apart_is_missed_where_no_folder_is_named(tmp_path):
    """Whoever meets a reference, and has no folder, is told what to name."""

    async def main():
        (kept,) = await converter(Folder(tmp_path)).encode(["x" * LARGE])
        with pytest.raises(Lost, match="name the folder with --payloads"):
            await converter().decode([kept])

    asyncio.run(main())


class _Handle:
    """A run whose task is tried again, after what its history tells of."""

    id = "r1"

    def __init__(self, *kinds):
        self._kinds = kinds

    async def describe(self):
        return SimpleNamespace(
            raw_description=SimpleNamespace(pending_workflow_task=SimpleNamespace(attempt=2))
        )

    async def fetch_history_events(self):
        for kind in self._kinds:
            event = HistoryEvent()
            getattr(event, f"workflow_task_{kind}_event_attributes").SetInParent()
            if kind == "failed":
                event.workflow_task_failed_event_attributes.failure.message = "no such thing"
            yield event


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        (("failed",), "workers can't go on with r1: no such thing"),
        (("timed_out",), "nobody answers: start one with fsmflow worker"),
        (("failed", "completed", "timed_out"), "nobody answers: start one with fsmflow worker"),
        (("completed", "failed", "timed_out"), "workers can't go on with r1: no such thing"),
    ],
)
def test_a_worker_that_was_killed_has_not_failed_at_a_run(kinds, said):
    """What is told of it is that nobody answers, whatever was wrong before and is not now."""
    assert str(asyncio.run(why_silent(_Handle(*kinds), "nobody answers"))) == said
