"""The runner: binding steps, options, input and output, and what goes wrong with them."""

import asyncio
import functools
import random
import re
import sys
from types import ModuleType
from typing import get_args, get_type_hints

import pytest

from fsmflow.runtime import Inbox, Rejected, Result, StepNotFound, load_runner, runner_of
from fsmflow.runtime.steps import load_module
from fsmflow.spec import Ask, Budget, End
from tests.runtime.shapes import Passage
from tests.runtime.workbench import compiled, module, outcomes, run, step, workflow


def one():
    """A step."""
    return 1


@pytest.fixture
def steps(monkeypatch):
    """Put a module of steps, `little_steps`, where a spec finds it."""
    made = ModuleType("little_steps")
    made.one = one
    made.two = lambda: 2
    made.number = 5
    monkeypatch.setitem(sys.modules, "little_steps", made)
    return made


STATES = {
    "work": step(run="little_steps:one", success="given"),
    "given": End(end="success", output="$work"),
}


def test_steps_are_found_by_name(steps):
    """A spec's `module:name` is what is called."""
    assert compiled(STATES).run_sync(None).output == 1


def test_steps_can_be_swapped(steps):
    """A run can be given other steps, as functions or by name."""
    runner = compiled(STATES)

    assert runner.run_sync(None, steps={"work": lambda: 3}).output == 3
    assert runner.run_sync(None, steps={"work": "little_steps:two"}).output == 2
    assert runner.run_sync(None).output == 1


def test_a_profile_swaps_steps(steps):
    """A profile of the spec swaps implementations; steps given to the run go before it."""
    runner = compiled(STATES, profiles={"offline": {"work": "little_steps:two"}})

    assert runner.run_sync(None, profile="offline").output == 2
    assert runner.run_sync(None, profile="offline", steps={"work": lambda: 3}).output == 3
    assert runner.run_sync(None, profile=None).output == 1


def test_an_unknown_profile_is_named(steps):
    """A profile that does not exist is refused, with those that do."""
    with pytest.raises(LookupError, match=r"little has no profile 'online'; it has: offline"):
        compiled(STATES, profiles={"offline": {}}).run_sync(None, profile="online")
    with pytest.raises(LookupError, match="it has: none"):
        compiled(STATES).run_sync(None, profile="online")


def test_an_unknown_state_among_the_steps_is_named(steps):
    """A step for a state that does not exist is refused."""
    with pytest.raises(LookupError, match="little has no step 'wrok'"):
        compiled(STATES).run_sync(None, steps={"wrok": one})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("nowhere_at_all:one", r"module `nowhere_at_all` is neither in .* nor in the environment"),
        ("json.nowhere:one", r"module `json.nowhere` is neither in"),
        ("little_steps:three", r"`three` is not in module `little_steps`"),
        ("little_steps:number", r"`little_steps:number` of state `work` can't be called"),
    ],
)
def test_a_step_that_is_not_there_is_named(steps, call, message):
    """A step that can't be found is said before anything runs."""
    with pytest.raises(StepNotFound, match=message):
        compiled({"work": step(run=call)}).run_sync(None)


@pytest.mark.parametrize(
    "parts",
    [
        {"input": "little_steps:Nothing"},
        {"output": "little_steps:Nothing", "start": "given"},
        {"states": {"work": Ask(ask="Well?", gives="little_steps:Nothing", success="done", fallback="done")}},
    ],
    ids=["input", "output", "answer"],
)
def test_a_type_that_is_not_there_is_named_before_any_run(steps, parts):
    """To bind a runner, as a service does when it starts, finds all that a run would look for."""
    runner = compiled(**{"states": STATES, **parts})
    with pytest.raises(StepNotFound, match="Nothing"):
        runner.bind()


def test_an_accept_function_that_is_not_there_is_named(steps):
    """So is an accept function that can't be found or called."""
    for name, message in (
        ("little_steps:nope", "is not in module"),
        ("little_steps:number", "can't be called"),
    ):
        with pytest.raises(StepNotFound, match=message):
            compiled({"work": step(run="little_steps:one", accept=[name])}).run_sync(None)


def test_a_module_that_raises_is_named_with_its_error(tmp_path, monkeypatch):
    """A step module that can't be imported says why."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "broken_on_import.py").write_text("1 / 0")
    (tmp_path / "needs_what_is_missing.py").write_text("import not_a_module_at_all")
    (tmp_path / "cannot_be_read.py").write_text("def")

    for name, message in (
        ("broken_on_import", "raised when imported: ZeroDivisionError"),
        ("needs_what_is_missing", "can't be imported: No module named 'not_a_module_at_all'"),
        ("cannot_be_read", "raised when imported: SyntaxError"),
    ):
        with pytest.raises(StepNotFound, match=message):
            load_module(name, tmp_path)


def test_steps_may_stand_in_a_folder_of_their_own(tmp_path, monkeypatch):
    """Steps in a folder beside the spec are found there, be it a package or just a folder."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "folder_of_steps").mkdir()
    (tmp_path / "folder_of_steps" / "draft.py").write_text("def one(): return 7")

    assert load_module("folder_of_steps.draft", tmp_path).one() == 7


def test_another_module_of_the_same_name_is_a_conflict(tmp_path, monkeypatch, steps):
    """A step module is never mistaken for another of its name that is loaded already."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "little_steps.py").write_text("def one(): return 7")

    with pytest.raises(StepNotFound, match="another `little_steps` is loaded from elsewhere"):
        load_module("little_steps", tmp_path)


def test_steps_can_be_any_callable():
    """Partials, bound methods and callable objects are steps, sync or async."""

    class Service:
        async def call(self, x):
            return x

        async def __call__(self, x):
            return x

        def sync(self, x):
            return x

    service = Service()
    for function in (
        service,
        service.call,
        service.sync,
        functools.partial(service.call),
        functools.partial(service.sync),
        lambda x: service.call(x),
    ):
        result = run({"work": step(with_={"x": 1})}, {"work": function})

        assert result.configuration.values["work"] == 1, function


async def settled():
    found = asyncio.get_running_loop().create_future()
    found.set_result(1)
    return found


class Later:
    """Gives 1 once it is awaited."""

    def __await__(self):
        yield from asyncio.sleep(0).__await__()
        return 1


async def later():
    return Later()


@pytest.mark.parametrize("function", [settled, later, Later, lambda: settled(), lambda ctx: Later()])
@pytest.mark.parametrize("is_watched", [False, True])
def test_what_a_step_gives_is_awaited(function, is_watched):
    """A step may give a future, or whatever else is to be awaited, in the place of its value."""
    options = {"trace": lambda event: None} if is_watched else {}
    result = run({"work": step()}, {"work": function}, options=options)

    assert outcomes(result) == [("work", "success")]
    assert result.configuration.values["work"] == 1


def counting():
    yield 1


async def counting_later():
    yield 1


class Counting:
    def __call__(self):
        yield 1


@pytest.mark.parametrize(
    "function", [counting, counting_later, Counting(), functools.partial(counting), Counting().__call__]
)
def test_a_generator_is_no_step(function):
    """A step that is a generator is refused before a run begins: it would give no value."""
    with pytest.raises(StepNotFound, match="of state `work` is a generator: let it return its value"):
        run({"work": step()}, {"work": function})


@pytest.mark.parametrize("made", [counting, counting_later])
@pytest.mark.parametrize("is_watched", [False, True])
def test_a_generator_is_no_value(made, is_watched):
    """A step that gives a generator fails: nothing in it has run yet."""

    async def work():
        return made()

    options = {"trace": lambda event: None} if is_watched else {}
    for function in (work, lambda: made()):
        result = run({"work": step(gives="Any")}, {"work": function}, options=options)

        assert outcomes(result) == [("work", "failure")]
        assert (
            result.error.message
            == "the step gave a generator, in which nothing has run yet: let it give a list"
        )


@pytest.mark.parametrize("function", [settled, counting, counting_later])
def test_an_accept_function_says_it_at_once(steps, function):
    """An accept function that is async, or a generator, is refused before a run begins."""
    steps.fits = function

    with pytest.raises(StepNotFound, match="`little_steps:fits` can't be used to accept: it is a"):
        run({"work": step(run="little_steps:one", accept=["little_steps:fits"])}, {})


def test_a_sync_run_inside_a_loop_says_what_to_do():
    """`run_sync` from async code is refused, with what to call instead, and leaves nothing behind."""

    async def main():
        compiled({"work": step()}).run_sync(None, steps={"work": one})

    with pytest.raises(RuntimeError, match=r"await .*run"):
        asyncio.run(main())


def test_what_a_sync_run_gives_is_not_written_out():
    """To run a workflow makes no text of what it gives, which may be long, or hard to hide secrets in."""
    written = []

    class Loud:
        def __repr__(self):
            written.append(self)
            return "loud"

    runner = compiled({"work": step(success="given"), "given": End(end="success", output="$work")})
    result = runner.run_sync(None, steps={"work": Loud})

    assert isinstance(result.output, Loud)
    assert written == []


def test_the_input_is_held_to_its_type():
    """Plain data becomes the input's type; what does not fit is refused before anything runs."""
    states = {"work": step(with_={"text": "$input.text"}, success="given"), "given": STATES["given"]}
    runner = compiled(states, input="tests.runtime.shapes:Passage")
    steps = {"work": lambda text: text}

    assert runner.run_sync({"text": "hi"}, steps=steps).output == "hi"
    assert runner.run_sync(Passage("hi"), steps=steps).output == "hi"
    with pytest.raises(Rejected, match=r"\.text: expected a string, found a whole number"):
        runner.run_sync({"text": 5}, steps=steps)


def test_an_output_that_does_not_fit_fails_the_run():
    """A run whose output is not of its type has failed, and says how."""
    runner = compiled(STATES, output="tests.runtime.shapes:Passage")
    good = runner.run_sync(None, steps={"work": lambda: {"text": "t"}})
    bad = runner.run_sync(None, steps={"work": lambda: {"text": 5}})

    assert (good.kind, good.output) == ("success", Passage("t"))
    assert (bad.kind, bad.output, bad.end) == ("failed", None, "given")
    assert bad.error.complaints == (".text: expected a string, found a whole number",)


def test_an_output_that_leads_nowhere_fails_the_run():
    """An end whose reference is not there has failed, whether its output is typed or not."""
    for options in ({}, {"output": "str"}):
        states = {"work": step(success="given"), "given": End(end="success", output="$work.text")}
        result = compiled(states, **options).run_sync(None, steps={"work": one})

        assert (result.kind, result.output) == ("failed", None)
        assert "$work.text is not there" in result.error.message


def test_null_where_a_type_is_declared_fails_the_run():
    """What an end declares is held to the type, be it null; an end that declares nothing gives null."""
    for gives, output, kind in [
        ("str", "$work.or_null", "failed"),
        ("str | None", "$work.or_null", "success"),
        ("Any", "$work.or_null", "success"),
        (None, "$work.or_null", "success"),
        ("str", None, "success"),
    ]:
        states = {"work": step(success="given"), "given": End(end="success", output=output)}
        result = compiled(states, output=gives).run_sync(None, steps={"work": lambda: None})

        assert (result.kind, result.output) == (kind, None)
        assert (result.error is not None) == (kind == "failed")


def test_arguments_that_lead_nowhere_fail_the_attempt():
    """A step whose arguments can't be had is not called: the attempt is a failure that cost nothing."""
    for reference in ("$input.x", "$other", "$input.a.b.c"):
        result = run({"work": step(with_={"x": reference})}, {"work": one}, given={"a": {"b": 1}})

        assert outcomes(result) == [("work", "failure")]
        assert result.error.message.startswith("$")
        assert result.spent[1:4] == (0, 0, 0)


def test_a_reference_or_null_is_null():
    """`$x.or_null` is null where it leads nowhere."""
    states = {"work": step(with_={"x": "$other.y.or_null", "z": "$input.or_null"}, success="given")}
    result = run({**states, "given": STATES["given"]}, {"work": lambda x, z: [x, z]}, given=3)

    assert result.output == [None, 3]


def test_a_value_whose_properties_raise_leads_nowhere():
    """A reference through a property that raises leads nowhere, and is no crash of the run."""

    class Odd:
        @property
        def text(self):
            raise KeyError("deep inside")

    result = run({"work": step(with_={"x": "$input.text"})}, {"work": one}, given=Odd())

    assert result.error.message == "$input.text is not there"


def test_a_run_has_the_id_it_is_given():
    """Runs are told apart by ids that are random unless given."""
    runner = compiled({"work": step()})
    found = [runner.run_sync(None, steps={"work": one}, **o).run_id for o in ({"run_id": "mine"}, {}, {})]

    assert found[0] == "mine"
    assert len(set(found)) == 3


def test_runs_of_one_runner_are_apart():
    """Runs side by side share no counter, value or ledger."""

    async def main():
        runner = compiled(
            {"work": step(with_={"n": "$input"}, success="given"), "given": STATES["given"]},
            budget=Budget(steps=1),
        )
        rng = random.Random(1)

        async def work(n):
            await asyncio.sleep(rng.random() / 100)
            return n

        return await asyncio.gather(*(runner.run(n, steps={"work": work}) for n in range(50)))

    results = asyncio.run(main())

    assert [r.output for r in results] == list(range(50))
    assert {r.spent.steps for r in results} == {1}


def test_a_generated_module_is_loaded_or_refused(tmp_path):
    """Only a module that fsmflow generated has a runner."""
    path = tmp_path / "other_fsm.py"
    path.write_text("x = 1")

    assert runner_of(module(workflow(STATES))).name == "little"
    with pytest.raises(ImportError, match="no runner that fsmflow generated"):
        load_runner(path)
    with pytest.raises(FileNotFoundError, match="fsmflow build writes it"):
        load_runner(tmp_path / "nowhere_fsm.py")


@pytest.mark.parametrize(
    "text",
    ["from fsmflow.runtime import Drawer\n", "from fsmflow.runtime import End\nEnd('done', shade='red')\n"],
    ids=["imports", "calls"],
)
def test_a_runner_of_another_version_says_so(tmp_path, text):
    """A generated module that the runtime does not go with is told by that, and how it is made anew."""
    path = tmp_path / "old_fsm.py"
    path.write_text(text)

    with pytest.raises(ImportError, match=r"old_fsm\.py does not go with this version of fsmflow") as refused:
        load_runner(path)
    assert str(refused.value).endswith("; `fsmflow build` writes it anew")


def test_a_configuration_can_be_taken_up_again(steps):
    """A run restored from its configuration stands where it stood."""
    runner = compiled(STATES)
    first = runner.new_run({"a": 1}, "r")
    runner.begin(first)
    second = runner.restore(first.configuration(), "r")

    assert second.configuration() == first.configuration()


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"profle": "offline"}, TypeError, "a run has no option 'profle': did you mean 'profile'?"),
        ({"zebra": 1}, TypeError, "a run has no option 'zebra'"),
        ({"bodies": "Hash"}, ValueError, "bodies can't be 'Hash': expected one of full, hash, none"),
        ({"bodies": None}, ValueError, "bodies can't be None: expected one of full, hash, none"),
        ({"run_id": 5}, ValueError, "5 can't be a run's id"),
        ({"run_id": ""}, ValueError, "'' can't be a run's id"),
        (
            {"trace": "run.jsonl"},
            ValueError,
            "trace can't be 'run.jsonl': expected a function, not an async one",
        ),
        ({"trace": settled}, ValueError, "trace can't be <function settled"),
        ({"record": settled}, ValueError, "record can't be <function settled"),
        (
            {"desk": Inbox},
            ValueError,
            "desk can't be <class 'fsmflow.runtime.desk.Inbox'>: expected one that",
        ),
        ({"desk": 5}, ValueError, "desk can't be 5: expected one that can be asked, such as an `Inbox()`"),
        ({"steps": [one]}, ValueError, "steps can't be [<function one"),
    ],
)
def test_an_option_that_nobody_would_heed_is_refused(options, error, said):
    """A misspelt option would else let a run ask another model, or keep another trace, than was meant."""
    runner = compiled({"work": step()})
    with pytest.raises(error, match=re.escape(said)):
        runner.run_sync(None, **{"steps": {"work": lambda: 1}, **options})


def test_a_type_checker_knows_how_a_run_can_end():
    """The kinds of an end are declared on a result, for those that do not make them out by themselves."""
    assert get_args(get_type_hints(Result)["kind"]) == ("success", "degraded", "handoff", "failed")
