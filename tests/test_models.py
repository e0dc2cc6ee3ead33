"""A workflow that asks models, from its spec to its end: checked, drawn, generated, compared and run."""

from __future__ import annotations

from pathlib import Path

import pytest

from fsmflow.analysis.comparing.changes import changes
from fsmflow.analysis.comparing.renames import renames
from fsmflow.backends import BACKENDS, Places
from fsmflow.backends.diagram import extract
from fsmflow.backends.transitions import build, feed
from fsmflow.compiler import compile_file, compile_spec
from fsmflow.loading.yaml import read_document
from fsmflow.review._states import states as told
from fsmflow.review._ways import Ways
from fsmflow.runtime import Ended, Model, load_runner
from fsmflow.testing import Subject, plan
from tests.runtime.model_server import fails, says, serving

SPEC = Path(__file__).parent / "models" / "summary.fsm.yaml"
TEXT = "Sums add. They do so from left to right, and start at nothing."
GOOD = {"text": "Sums add up.", "confidence": 0.9}


def compiled(*replaced):
    """Compile the spec, with pieces of its text replaced."""
    text = SPEC.read_text(encoding="utf-8")
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    return compile_spec(read_document(text, SPEC.name), folder=SPEC.parent)


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """All that a build makes of the spec."""
    folder = tmp_path_factory.mktemp("built")
    for artifact in compile_file(SPEC).emit(Places(SPEC, folder, folder), BACKENDS):
        artifact.path.write_bytes(artifact.content)
    return folder


@pytest.fixture
def runner(generated, monkeypatch):
    """The generated runner, with no endpoint."""
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_MODEL"):
        monkeypatch.delenv(name, raising=False)
    return load_runner(generated / "summary_fsm.py")


def test_nothing_is_wrong_with_it():
    """A spec with models is as clean as any, and its policy and its end are proved."""
    compilation = compile_file(SPEC)

    assert compilation.diagnostics == ()
    assert compilation.analysis.proof.holds


def test_the_runner_holds_what_the_spec_says(generated):
    """A generated runner's tables say the same of each model as the machine does."""
    subject = Subject.load(SPEC, generated / "summary_fsm.py")

    assert subject.promised == subject.provided
    assert subject.runner.stages["draft"].model == Model(
        "small",
        prompt="prompts/draft.md",
        system="prompts/system.md",
        max_tokens=300,
        temperature="0.2",
        format="schema",
        price=(150_000, 600_000),
    )
    options = {"seed": 7, "stop": ["\n\n"], "top_p": 0.9}
    assert subject.runner.stages["judge"].model.options == options


def test_it_runs_to_its_end(runner, monkeypatch):
    """A rejected draft is asked for again, a wrong one is judged and redone, and each wire call is booked."""
    script = [
        says({"text": TEXT + TEXT, "confidence": 1.0}),
        says(GOOD),
        fails(503),
        says({"label": "wrong", "value": "They are Greek."}),
        says(GOOD),
        says({"label": "faithful", "value": "It says just that."}),
    ]
    with serving(*script) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        result = runner.run_sync({"text": TEXT})

    assert (result.kind, result.output.text) == ("success", "Sums add up.")
    assert len(server.asked) == result.spent.steps == 6
    assert result.spent.tokens == 5 * 123 + 1_500
    # Three drafts at 33.3 micro-dollars, two verdicts at 555, and one lost call in full, each rounded up.
    assert result.spent.micro_usd == 3 * 34 + 2 * 555 + (1_440 * 2_500_000 + 60 * 10_000_000) // 1_000_000
    said = [asked["messages"][-1]["content"] for asked in server.asked]
    assert "it is no shorter than the text" in said[1]
    assert "A reviewer said of your last try: They are Greek." in said[4]
    assert [asked["model"] for asked in server.asked] == ["small"] * 2 + ["large"] * 2 + ["small", "large"]
    assert [asked.get("seed") for asked in server.asked] == [None, None, 7, 7, None, 7]


def test_a_profile_takes_the_place_of_models(runner):
    """With a profile's functions no model is asked, and everything else is the same."""
    result = runner.run_sync({"text": TEXT}, profile="offline")

    assert (result.kind, result.output.text) == ("success", TEXT[: len(TEXT) // 2])


def test_without_an_endpoint_it_falls_back(runner):
    """With nobody to ask, the run takes its fallback, and has used no tokens."""
    result = runner.run_sync({"text": TEXT})

    assert (result.end, result.output.text) == ("short", "Sums add")
    assert result.spent.tokens == 0


def test_a_plan_takes_the_place_of_models(runner):
    """What a model would do can be planned."""
    planned = plan(runner, {"draft": ["transient", "invalid", "ok"], "judge": ["faithful"]})

    assert runner.run_sync({"text": TEXT}, **planned).end == "done"


def test_it_is_drawn():
    """A drawing shows which model a state asks."""
    nodes = {node.name: node for node in extract(compile_file(SPEC).analysis.machine).nodes}

    assert [(nodes[name].role, nodes[name].facts[0]) for name in ("draft", "judge")] == [
        ("llm", "small"),
        ("llm", "large"),
    ]


def test_it_is_told_in_a_review():
    """A review says what each model is asked, and where that is to be read."""
    analysis = compile_file(SPEC).analysis
    ways = Ways.of(analysis.machine, extract(analysis.machine))
    states = {state["name"]: state for state in told(analysis, None, ways)}

    assert ["model", "small"] in states["draft"]["contract"]
    assert ["system", "prompts/system.md"] in states["draft"]["contract"]
    assert ["prompt", "prompts/draft.md:1"] in states["draft"]["places"]
    assert ["option", 'stop: ["\\n\\n"]'] in states["judge"]["contract"]


def test_a_change_is_told():
    """What a model is asked otherwise is told, a part at a time."""
    new = compiled(
        ("max_tokens: 300, temperature: 0.2", "max_tokens: 400"), ("large", "huge"), ("seed: 7", "seed: 8")
    )
    found = changes(compiled().analysis.machine, new.analysis.machine)

    said = {(c.key.state, c.key.name): (c.before, c.after) for c in found if c.key.topic == "contract"}
    assert said["draft", "max_tokens"] == (300, 400)
    assert said["draft", "temperature"] == ("0.2", None)
    assert said["judge", "model"] == ("large", "huge")
    assert said["judge", "options"] == ("7", "8")


def test_a_state_by_another_name_is_known_again():
    """A state that asks the same of the same model is the same state, renamed."""
    new = compiled(("draft", "sketch"), ("prompts/sketch", "prompts/draft"))

    assert renames(compiled().analysis.machine, new.analysis.machine) == {"draft": "sketch"}


def test_it_can_be_stepped_through():
    """A state with a model is a state of the library's machine, with its labels as triggers."""
    walk = build(compile_file(SPEC).analysis.machine, {"text": TEXT})

    assert walk.state == "draft"
    feed(walk, Ended("success", value=GOOD))
    assert {"success_faithful", "success_wrong", "transient", "failure"} <= set(walk.enabled())
