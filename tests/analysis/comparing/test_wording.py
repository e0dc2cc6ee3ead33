"""What the prompts of two versions say differently."""

from __future__ import annotations

from fsmflow.analysis.comparing.wording import reworded
from fsmflow.analysis.prompting import Prompt


def told(before: str, after: str) -> list[tuple[str | None, str | None]]:
    """Give what differs between two versions of one prompt."""
    old, new = (
        Prompt("draft", "p.md", ("states", "draft", "llm", "prompt"), text) for text in (before, after)
    )
    return [(change.before, change.after) for change in reworded([old], [new], {})]


def test_words_that_are_the_same_are_no_change():
    """Nor are blank lines, or the space at the end of one."""
    assert told("Answer.\nBe brief.\n", "Answer. \n\nBe brief.") == []


def test_lines_that_are_gone_or_have_come_are_told():
    """A line that is only in one of the versions is told alone."""
    assert told("Answer.\nBe brief.", "Answer.") == [("Be brief.", None)]
    assert told("Answer.", "Be kind.\nAnswer.\nBe brief.") == [(None, "Be kind. / Be brief.")]


def test_of_a_long_line_what_differs_is_told():
    """Of a line that was changed, the words that differ are told with a few beside them."""
    before = "Say in one short sentence what it does, and cite the passage that says so."
    after = "Say in one or two sentences what it does, and cite the passage that says so."

    assert told(before, after) == [
        ("Say in one short sentence what it does, …", "Say in one or two sentences what it does, …")
    ]
    assert told(f"{before} Be kind.", f"{before} Be brief.") == [
        ("… says so. Be kind.", "… says so. Be brief.")
    ]
    assert told("Be very very kind.", "Be very kind.") == [("Be very very kind.", "Be very kind.")]


def test_a_prompt_belongs_to_its_state_under_any_name():
    """A state that was renamed has the prompt that it had; one that is new or gone tells nothing."""
    old = Prompt("draft", "p.md", ("states", "draft", "llm", "prompt"), "one")
    new = Prompt("write", "p.md", ("states", "write", "llm", "prompt"), "two")

    assert [c.key.state for c in reworded([old], [new], {"draft": "write"})] == ["write"]
    assert list(reworded([old], [new], {})) == []


def test_a_prompt_that_cannot_be_read_tells_nothing():
    """What is not known is no change: that it can't be read is told elsewhere."""
    system = ("states", "draft", "llm", "system")
    unknown, known = (Prompt("draft", "p.md", system, text) for text in (None, "a"))

    assert list(reworded([unknown], [known], {})) == list(reworded([known], [unknown], {})) == []
