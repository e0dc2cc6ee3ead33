"""`fsmflow diff`: two files, folders or revisions, and limits that a change must keep."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Run, document, edit

Git = Callable[..., None]
SPEC = "specs/hello.fsm.yaml"
ASKING = """\
fsmflow: 1
workflow: asking
states:
  ask:
    llm: {model: small, prompt: the prompts/ask.md, format: text, max_tokens: 50}
    with: {text: $input.text}
    gives: str
    cost: {tokens: 900}
    timeout: 9s
    success: done
    fallback: lost
  done: {end: success}
  lost: {end: failed}
"""


@pytest.fixture
def before(project: Path) -> Path:
    """The project, with a copy of its spec as it was: `before.fsm.yaml`."""
    shutil.copy(project / SPEC, project / "before.fsm.yaml")
    shutil.copy(project / "specs/hello.py", project / "hello.py")
    return project


@pytest.fixture
def git(project: Path) -> Git:
    """Run git in the project, which is a repository with one commit."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")

    def run(*arguments: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=project, check=True, capture_output=True)

    run("init", "-q")
    run("add", ".")
    run("commit", "-q", "-m", "first")
    return run


def test_the_same_workflow_has_no_change(run: Run, before: Path) -> None:
    """Of two equal specs nothing is said, and every limit on the rise is kept."""
    result = run("diff", "before.fsm.yaml", SPEC, "--fail-on-increase", "0")

    assert (result.exit_code, result.output) == (0, "")


def test_a_comment_is_no_change(run: Run, before: Path) -> None:
    """An edit of comments alone is said to be one."""
    edit(before / SPEC, "states:", "# The heart of it.\nstates:")

    said = run("diff", "before.fsm.yaml", SPEC).stdout

    assert said == "hello: no change in meaning; only comments and layout differ\n"


def test_a_revision_is_read_from_git(run: Run, project: Path, git: Git) -> None:
    """What a spec was in a revision is compared, with the step modules that stood beside it."""
    edit(project / SPEC, "times: 2", "times: 3")

    result = document(run("diff", f"HEAD:{SPEC}", SPEC, "--format", "json"))
    folder = document(run("diff", "HEAD:specs", "specs", "--format", "json"))

    (workflow,) = result["workflows"]
    assert [change["after"] for change in workflow["changes"]] == [3]
    assert workflow["checks"] == {"newly_failing": [], "newly_passing": []}
    assert folder["workflows"] == result["workflows"]


@pytest.mark.parametrize("side", ["specs", "specs/asking.fsm.yaml"])
def test_prompts_of_a_revision_are_read_too(run: Run, project: Path, git: Git, side: str) -> None:
    """A model's prompt is there in a revision as it was: no change is seen where there is none."""
    (project / "specs/the prompts").mkdir()
    (project / "specs/the prompts/ask.md").write_text("Is this so? {{ text }}", encoding="utf-8")
    (project / "specs/asking.fsm.yaml").write_text(ASKING, encoding="utf-8")
    git("add", ".")
    git("commit", "-q", "-m", "second")
    result = run("diff", f"HEAD:{side}", side)

    assert (result.exit_code, result.output) == (0, "")
    edit(project / "specs/asking.fsm.yaml", "tokens: 900", "tokens: 990")
    workflow = document(run("diff", f"HEAD:{side}", side, "--format", "json"))["workflows"][0]
    assert workflow["worst_case"]["tokens"]["before"]["upper"] == 900


def test_the_words_of_a_prompt_are_a_change(run: Run, project: Path, git: Git) -> None:
    """What a model is told differently is told, though the spec says the same."""
    (project / "specs/the prompts").mkdir()
    prompt = project / "specs/the prompts/ask.md"
    prompt.write_text("Be kind.\nIs this so? {{ text }}", encoding="utf-8")
    (project / "specs/asking.fsm.yaml").write_text(ASKING, encoding="utf-8")
    git("add", ".")
    git("commit", "-q", "-m", "second")
    edit(prompt, "kind", "brief")
    result = run("diff", "HEAD:specs", "specs")

    assert result.stdout.startswith("asking: 1 change; the worst case is the same\n")
    assert "Δ prompt words  Be kind. → Be brief." in result.stdout


def test_a_revision_is_read_from_any_folder(
    run: Run, project: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path in a revision begins at the repository's root, or here if it begins with a dot."""
    monkeypatch.chdir(project / "specs")

    assert run("diff", f"HEAD:{SPEC}", "HEAD:./hello.fsm.yaml").exit_code == 0
    assert run("diff", "HEAD:hello.fsm.yaml", "hello.fsm.yaml").exit_code == 2


@pytest.mark.parametrize(
    ("side", "said"),
    [
        ("HEAD~9:specs", "git knows no revision 'HEAD~9' here"),
        ("HEAD~1..HEAD:specs", "a range is two sides: HEAD~1:specs and HEAD:specs"),
        ("main...:specs", "a range is two sides: main:specs and HEAD:specs"),
        ("HEAD:nothing", "there is no nothing in HEAD"),
        ("--exec=x:specs", "No such option"),
        ("HEAD:generated.txt", "there is no generated.txt"),
        ("nothing.yaml", "there is no file nothing.yaml"),
    ],
)
def test_a_side_that_is_not_there_is_wrong_usage(run: Run, git: Git, side: str, said: str) -> None:
    """An unknown revision, path or file exits with 2, and is told."""
    result = run("diff", side, SPEC)

    assert result.exit_code == 2
    assert said in result.stderr


def test_a_path_into_a_submodule_is_not_followed(run: Run, project: Path, git: Git) -> None:
    """Of a submodule, a revision of the outer repository knows but a commit: that is said."""
    git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},inner")
    git("commit", "-q", "-m", "second")
    result = run("diff", "HEAD:inner/specs", "specs")

    assert result.exit_code == 2
    assert "there is no inner/specs in HEAD; it is looked for from the repository's root" in result.stderr
    assert "and in no submodule" in result.stderr


def test_a_shallow_clone_is_told_how_to_get_more(
    run: Run, project: Path, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where CI fetched the last commit alone, a revision that is not there comes with what brings it."""
    git("commit", "-q", "--allow-empty", "-m", "second")
    git("clone", "-q", "--depth", "1", project.as_uri(), str(tmp_path / "shallow"))
    monkeypatch.chdir(tmp_path / "shallow")

    result = run("diff", "HEAD~1:specs", SPEC)

    assert result.exit_code == 2
    assert "'HEAD~1' here; not all of its history is: `git fetch --unshallow` brings it" in result.stderr


def test_git_must_be_there(run: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without git, or outside of a repository, a revision is wrong usage."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.parent))
    outside = run("diff", "HEAD:specs", "specs")
    monkeypatch.setenv("PATH", str(project))
    without = run("diff", "HEAD:specs", "specs")

    assert (outside.exit_code, without.exit_code) == (2, 2)
    assert "in no git repository" in outside.stderr
    assert "git is needed" in without.stderr


def test_a_repository_of_another_user_is_told_how_to_be_read(
    run: Run, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where git reads no repository of another user, as in a container of CI, what lets it is told."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    # Whoever tests this may have let git read all of them.
    for settings in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(settings, os.devnull)
    result = run("diff", "HEAD:specs", "specs")

    assert result.exit_code == 2
    assert "git reads no repository of another user: `git config --global --add safe" in result.stderr


def test_workflows_are_paired_by_name(run: Run, before: Path) -> None:
    """In folders, a workflow is compared with the one of its name; others are new, or gone."""
    shutil.copytree(before / "specs", before / "old")
    (before / SPEC).rename(before / "specs/moved.fsm.yaml")
    shutil.copy(before / "old/hello.fsm.yaml", before / "old/other.fsm.yaml")
    edit(before / "old/other.fsm.yaml", "workflow: hello", "workflow: other")

    found = document(run("diff", "old", "specs", "--format", "json"))["workflows"]

    assert [(w["workflow"], w["status"]) for w in found] == [("hello", "unchanged"), ("other", "removed")]


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        (("--max-steps", "1000"), 0),
        (("--max-steps", "1"), 1),
        (("--max-tokens", "0"), 1),
        (("--max-usd", "0"), 0),
        (("--fail-on-increase", "1000"), 0),
        (("--fail-on-increase", "1"), 1),
        (("--max-usd", "much"), 2),
        (("--max-usd", "nan"), 2),
        (("--fail-on-increase", "-1"), 2),
        (("--fail-on-increase", "nan"), 2),
    ],
)
def test_limits_decide_the_exit_code(run: Run, before: Path, limit: tuple[str, str], code: int) -> None:
    """A limit that is not kept exits with 1 and is named, in every format; nonsense exits with 2."""
    edit(before / SPEC, "times: 2", "times: 3")

    for form in ("text", "json", "markdown"):
        result = run("diff", "before.fsm.yaml", SPEC, *limit, "--format", form)

        assert result.exit_code == code
        assert (code == 1) == (" ".join(limit) in result.stdout)


def test_worst_cases_are_those_that_prove_tells(run: Run, before: Path) -> None:
    """Before and after are what `fsmflow prove` says of each side."""
    edit(before / SPEC, "times: 2", "times: 3")

    (workflow,) = document(run("diff", "before.fsm.yaml", SPEC, "--format", "json"))["workflows"]

    for side, spec in (("before", "before.fsm.yaml"), ("after", SPEC)):
        proved = document(run("prove", spec, "--format", "json"))
        for metric, case in workflow["worst_case"].items():
            assert case[side]["upper"] == proved["bounds"][metric]["upper"]
        assert workflow["terminates"][side] == proved["terminates"]


def test_a_spec_that_cannot_be_read_is_told(run: Run, before: Path) -> None:
    """A side that is no workflow is said to be none, with what the checks say; a limit on it is not kept."""
    (before / SPEC).write_text("states: [", encoding="utf-8")

    result = run("diff", "before.fsm.yaml", SPEC, "--max-steps", "1000")

    assert result.exit_code == 1
    assert "the new version can't be read as a workflow" in result.stdout
    assert "Checks newly failing" in result.stdout
    assert "not known" in result.stdout


def test_a_limit_on_the_rise_is_not_kept_from_errors_on(run: Run, before: Path) -> None:
    """Where the old version has errors nothing tells how much more the new one uses, and no gate opens."""
    edit(before / "before.fsm.yaml", "success: review", "success: reviw")

    result = run("diff", "before.fsm.yaml", SPEC, "--fail-on-increase", "10")

    assert result.exit_code == 1
    assert "no worst case to compare with: the old version of hello has errors" in result.stdout


def test_a_misspelt_target_is_no_matter_of_layout(run: Run, before: Path) -> None:
    """An error that leaves the new version unclear is told first, and nothing is said to be proved of it."""
    edit(before / SPEC, "success: review", "success: reviw")

    text = run("diff", "before.fsm.yaml", SPEC).stdout
    markdown = run("diff", "before.fsm.yaml", SPEC, "--format", "markdown").stdout
    (workflow,) = document(run("diff", "before.fsm.yaml", SPEC, "--format", "json"))["workflows"]

    assert text.startswith("hello: errors leave unclear what the new version means\n  Before, every run ends")
    assert "no change" not in text + markdown
    assert "worst case" in markdown[: markdown.index("**After**")]
    assert "worst case" not in markdown[markdown.index("**After**") :]
    assert workflow["status"] == "changed"
    assert run("diff", "before.fsm.yaml", SPEC, "-o", "diff.svg").exit_code == 0
    assert "not known: errors leave unclear" in (before / "diff.svg").read_text(encoding="utf-8")


def test_a_target_that_is_no_state_is_told_as_none(run: Run, before: Path) -> None:
    """Where a way leads to no state, nothing says that it leads to the end of the budget."""
    edit(before / SPEC, "success: review", "success: elsewhere")

    text = run("diff", "before.fsm.yaml", SPEC).stdout

    assert "Δ success  review → no state\n" in text


def test_markdown_has_both_drawings(run: Run, before: Path) -> None:
    """The comment has a flowchart of each side, folded away."""
    edit(before / SPEC, "times: 2", "times: 3")

    said = run("diff", "before.fsm.yaml", SPEC, "--format", "markdown").stdout

    assert said.count("```mermaid\n---\ntitle:") == 2
    assert (
        said.index("<details>")
        < said.index("**Before**")
        < said.index("**After**")
        < said.index("</details>")
    )


def test_markdown_leaves_out_what_is_too_large(run: Run, tmp_path: Path) -> None:
    """A flowchart of more than 500 edges is left out, and that is said."""
    steps = "".join(
        f"  s{n}: {{run: m:f, effect: none, timeout: 1s, success: s{n + 1}, fallback: done}}\n"
        for n in range(300)
    )
    text = f"fsmflow: 1\nworkflow: large\nstates:\n{steps}  s300: {{end: success}}\n  done: {{end: failed}}\n"
    (tmp_path / "a.fsm.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "b.fsm.yaml").write_text(text.replace("timeout: 1s", "timeout: 2s", 1), encoding="utf-8")

    said = run("diff", "a.fsm.yaml", "b.fsm.yaml", "--format", "markdown").stdout

    assert "```mermaid" not in said
    assert "left out" in said


@pytest.mark.parametrize(("name", "begins"), [("change.svg", b"<svg"), ("change.png", b"\x89PNG")])
def test_a_change_is_drawn(run: Run, before: Path, name: str, begins: bytes) -> None:
    """The ending of the file tells what to draw, and nothing else is printed where it could be piped."""
    edit(before / SPEC, "timeout: ", "timeout: 1")

    result = run("diff", "before.fsm.yaml", SPEC, "-o", name)

    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"wrote {name}\n")
    assert (before / name).read_bytes().startswith(begins)
    assert (
        run("diff", "before.fsm.yaml", SPEC, "--format", name[-3:], "-o", "-").stdout_bytes
        == (before / name).read_bytes()
    )


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_words_go_into_a_file(run: Run, before: Path, form: str) -> None:
    """What is printed without `-o` is what the file holds with it."""
    edit(before / SPEC, "timeout: ", "timeout: 1")

    printed = run("diff", "before.fsm.yaml", SPEC, "--format", form)
    result = run("diff", "before.fsm.yaml", SPEC, "--format", form, "-o", "out/change")

    assert (result.exit_code, result.stdout) == (0, "")
    assert (before / "out/change").read_text(encoding="utf-8") == printed.stdout


def test_nothing_is_drawn_of_no_change(run: Run, before: Path) -> None:
    """Where no workflow differs no file is written, and a reader is told."""
    result = run("diff", "before.fsm.yaml", SPEC, "-o", "change.svg")

    assert (result.exit_code, result.stderr) == (0, "nothing to draw: no workflow differs in meaning\n")
    assert not (before / "change.svg").exists()


def test_limits_count_beside_a_drawing(run: Run, before: Path) -> None:
    """A limit that is not kept is said, and decides the exit code, whatever is drawn."""
    edit(before / SPEC, "timeout: ", "timeout: 1")

    result = run("diff", "before.fsm.yaml", SPEC, "-o", "change.svg", "--max-steps", "1")

    assert result.exit_code == 1
    assert "--max-steps 1: a run of hello can use" in result.stderr
    assert (before / "change.svg").exists()


def test_several_drawings_go_into_a_folder(run: Run, before: Path) -> None:
    """Of several workflows that differ each has a picture of its own, in a folder."""
    shutil.copytree(before / "specs", before / "old")
    shutil.copy(before / "old/hello.fsm.yaml", before / "old/other.fsm.yaml")
    edit(before / "old/other.fsm.yaml", "workflow: hello", "workflow: other")
    edit(before / SPEC, "timeout: ", "timeout: 1")

    refused = run("diff", "old", "specs", "-o", "change.svg")
    result = run("diff", "old", "specs", "--format", "svg", "-o", "changes")

    assert refused.exit_code == 2
    assert "several workflows differ: hello, other" in refused.stderr
    assert result.exit_code == 0
    assert sorted(path.name for path in (before / "changes").iterdir()) == ["hello.svg", "other.svg"]


def test_what_cannot_be_drawn_is_told(run: Run, before: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing that draws, or a side that is no workflow, there is a message and no picture."""
    edit(before / SPEC, "timeout: ", "timeout: 1")
    (before / "broken.fsm.yaml").write_text("fsmflow: 1\nworkflow: hello\nstates: 3\n", encoding="utf-8")

    unread = run("diff", "broken.fsm.yaml", SPEC, "-o", "change.svg")
    unknown = run("diff", "before.fsm.yaml", SPEC, "-o", "change.gif")
    monkeypatch.setattr("fsmflow.backends.engines.find", lambda: None)
    alone = run("diff", "before.fsm.yaml", SPEC, "-o", "change.svg")

    assert (unread.exit_code, unknown.exit_code, alone.exit_code) == (2, 2, 2)
    assert "can't be read as a workflow" in unread.stderr
    assert "can't write 'gif'" in unknown.stderr
    assert "pip install graphviz-pure" in alone.stderr
    assert not list(before.glob("change.*"))
