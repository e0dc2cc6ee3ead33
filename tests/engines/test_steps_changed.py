"""Steps that were changed while runs waited: a run whose steps don't take its arguments is left as it is."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fsmflow.engines.durable import Durable, Suspended, Unfit
from fsmflow.engines.workflows import Workflow
from tests.modules import write_module

CHILD = """
fsmflow: 1
workflow: writing
budget: {steps: 2}
states:
  write:
    run: changed_steps:write
    with: {text: $input.text}
    gives: str
    effect: none
    success: done
    fallback: failed
  done: {end: success, output: $write}
  failed: {end: failed}
"""
PARENT = """
fsmflow: 1
workflow: asking
budget: {steps: 9}
states:
  each: {call: writing, with: {text: $input.text}, success: done, fallback: failed}
  done: {end: success, output: $each}
  failed: {end: failed}
"""
MODEL = """
fsmflow: 1
workflow: drafting
budget: {steps: 2, tokens: 500}
states:
  draft:
    llm: {model: small, prompt: prompts/draft.md, system: prompts/system.md, max_tokens: 100}
    with: {text: $input.text}
    gives: str
    cost: {tokens: 400}
    timeout: 5s
    success: done
    retry: {times: 1, backoff: 1ms}
    fallback: failed
  done: {end: success, output: $draft}
  failed: {end: failed}
"""
QUESTION = """
fsmflow: 1
workflow: noting
budget: {steps: 2}
states:
  ask: {ask: What of it?, gives: noting_steps:Note, timeout: 1h, success: done, fallback: failed}
  done: {end: success, output: $ask}
  failed: {end: failed}
"""
SECRETS = """
fsmflow: 1
workflow: paying
input: paying_steps:Order
secret: [code]
budget: {steps: 3}
states:
  find:
    run: paying_steps:find
    with: {code: $input.code}
    gives: paying_steps:Card
    secret: true
    effect: none
    success: ask
    fallback: failed
  ask: {ask: Pay?, timeout: 1h, success: {yes_: done}, fallback: failed}
  done: {end: success}
  failed: {end: failed}
"""
SECRET_STEPS = """
from attrs import field, frozen

def long_enough(instance, attribute, value):
    if len(value) < (9 if type(instance).__name__ == WANTS_MORE else 4):
        raise ValueError(f"{value} is too short")

@frozen
class Order:
    code: str = field(validator=long_enough)

@frozen
class Card:
    number: str = field(validator=long_enough)

def find(code: str) -> Card:
    return Card("4111")
"""
NOTE = "from typing import TypedDict\n\nclass Note(TypedDict):\n    size: {}\n"

Change = Callable[[str], None]


@pytest.fixture
def change(tmp_path: Path) -> Iterator[Change]:
    """Give the step these parameters, as if in a process that was started anew."""
    path = list(sys.path)

    def changed(parameters: str) -> None:
        sys.modules.pop("changed_steps", None)
        code = f"def write({parameters}) -> str:\n    return 'written'\n"
        write_module(tmp_path / "changed_steps.py", code)

    changed("text")
    (tmp_path / "writing.fsm.yaml").write_text(CHILD)
    (tmp_path / "asking.fsm.yaml").write_text(PARENT)
    yield changed
    sys.path[:] = path
    sys.modules.pop("changed_steps", None)


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[Durable]:
    """A database of its own."""
    with Durable(tmp_path / "runs.db") as opened:
        yield opened


@pytest.mark.parametrize("spec", ["writing", "asking"])
@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ("word", "it has no parameter `text`, and needs `word`"),
        ("", "it has no parameter `text`"),
        ("text, *, tone, ctx", "it needs `tone`"),
    ],
)
def test_a_step_that_takes_other_arguments_ends_no_run(
    durable: Durable, tmp_path: Path, change: Change, spec: str, parameters: str, why: str
) -> None:
    """A run whose step can't be called any more is refused, and goes on once the step is as it was."""
    durable.submit(Workflow.of_spec(tmp_path / f"{spec}.fsm.yaml"), {"text": "a"}, run_id="r1")
    change(parameters)

    with pytest.raises(Unfit) as refused:
        asyncio.run(durable.resume("r1"))
    assert str(refused.value) == f"`changed_steps:write` can't take what `write` gives it now: {why}"
    assert (durable.find("r1").status, durable.find("r1").spent) == ("submitted", {})

    change("text")
    assert asyncio.run(durable.resume("r1")).output == "written"


@pytest.mark.parametrize("parameters", ["text, tone=1", "**given", "ctx, text", "*, text"])
def test_a_step_that_takes_more_than_it_did_is_called(
    durable: Durable, tmp_path: Path, change: Change, parameters: str
) -> None:
    """What a step may be given beside its arguments keeps no run from going on."""
    durable.submit(Workflow.of_spec(tmp_path / "asking.fsm.yaml"), {"text": "a"}, run_id="r1")
    change(parameters)

    assert asyncio.run(durable.resume("r1")).output == "written"


@pytest.mark.parametrize(
    ("kind", "said"), [("Order", "the input of the run r1"), ("Card", "what `find` gave then")]
)
def test_what_is_secret_and_does_not_fit_is_not_repeated(tmp_path: Path, kind: str, said: str) -> None:
    """Why a secret value is refused by now may repeat it, and so is not told."""
    path, steps = list(sys.path), tmp_path / "paying_steps.py"
    (tmp_path / "paying.fsm.yaml").write_text(SECRETS)
    write_module(steps, f"WANTS_MORE = ''\n{SECRET_STEPS}")
    with Durable(tmp_path / "runs.db", suspends=True) as durable:
        durable.submit(Workflow.of_spec(tmp_path / "paying.fsm.yaml"), {"code": "abcd"}, run_id="r1")
        with pytest.raises(Suspended):
            asyncio.run(durable.resume("r1"))
        sys.modules.pop("paying_steps")
        write_module(steps, f"WANTS_MORE = '{kind}'\n{SECRET_STEPS}")
        with pytest.raises(Unfit) as refused:
            asyncio.run(durable.resume("r1"))
    sys.path[:] = path
    sys.modules.pop("paying_steps")

    assert str(refused.value) == f"{said} does not fit now"


def test_a_step_by_which_nothing_can_be_looked_up_is_looked_at_too(
    durable: Durable, tmp_path: Path, change: Change
) -> None:
    """A step may be an object that has no hash: whether it takes its arguments is told all the same."""
    durable.submit(Workflow.of_spec(tmp_path / "writing.fsm.yaml"), {"text": "a"}, run_id="r1")
    change("text")
    writer = "class Writer:\n    __hash__ = None\n    def __call__(self, {}):\n        return 'written'\n"
    steps = tmp_path / "changed_steps.py"

    write_module(steps, writer.format("word") + "write = Writer()\n")
    with pytest.raises(Unfit, match="it has no parameter `text`, and needs `word`"):
        asyncio.run(durable.resume("r1"))
    sys.modules.pop("changed_steps")
    write_module(steps, writer.format("text") + "write = Writer()\n")
    assert asyncio.run(durable.resume("r1")).output == "written"


@pytest.mark.parametrize("name", ["draft", "system"])
def test_a_prompt_that_was_changed_is_told(tmp_path: Path, name: str) -> None:
    """Whoever takes a run up is warned that its prompts are others now, as of its code."""
    (tmp_path / "drafting.fsm.yaml").write_text(MODEL)
    (tmp_path / "prompts").mkdir()
    for each in ("draft", "system"):
        (tmp_path / "prompts" / f"{each}.md").write_text("Sum it up: {{ text }}")
    workflow = Workflow.of_spec(tmp_path / "drafting.fsm.yaml")
    said: list[str] = []

    with Durable(tmp_path / "runs.db", warn=said.append) as durable:
        durable.submit(workflow, {"text": "a"}, run_id="r1")
        durable.compare("r1", workflow.fingerprint(None))
        assert said == []
        (tmp_path / "prompts" / f"{name}.md").write_text("Make it short: {{ text }}")
        durable.compare("r1", workflow.fingerprint(None))

    assert said == ["the code or a prompt of `drafting` has changed since r1 was submitted"]


def test_an_answer_whose_type_was_changed_ends_no_run(
    durable: Durable, tmp_path: Path, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that fits its type no more is like any other value: the run is left as it is."""
    (tmp_path / "noting.fsm.yaml").write_text(QUESTION)

    def typed(kind: str) -> None:
        monkeypatch.delitem(sys.modules, "noting_steps", raising=False)
        write_module(tmp_path / "noting_steps.py", NOTE.format(kind))

    typed("int")
    durable.submit(Workflow.of_spec(tmp_path / "noting.fsm.yaml"), {}, run_id="r1")
    with Durable(tmp_path / "runs.db", suspends=True) as waiting, pytest.raises(Suspended):
        asyncio.run(waiting.resume("r1"))
    durable.answer("r1", "ask", value={"size": 3})
    typed("str")

    with pytest.raises(Unfit) as refused:
        asyncio.run(durable.resume("r1"))
    said = "the answer to `ask` does not fit now: .size: expected a string, found a whole number"
    assert str(refused.value) == said

    typed("int")
    assert asyncio.run(durable.resume("r1")).output == {"size": 3}
