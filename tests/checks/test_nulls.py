"""Parts of values that may be null: told where a run could fail of it, and nowhere else."""

from __future__ import annotations

import pytest

SPEC = """\
fsmflow: 1
workflow: edits
states:
  edit: {run: m:f, gives: m:Answer | None, effect: none, success: next, fallback: failed}
  next: {choose: [{to: save}]}
  save: {run: m:f, with: {text: $edit.text}, effect: none, success: done, fallback: failed}
  done: {end: success}
  failed: {end: failed}
"""


def told(compilation):
    """Give the routes of what is said of parts of null, where nothing is in error."""
    assert compilation.errors == ()
    return [d.route for d in compilation.diagnostics if d.check == "part-of-null"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("m:Answer | None", "m:Answer"),
        ("$edit.text", "$edit.text.or_null"),
        ("$edit.text", "$edit"),
        ("[{to: save}]", "[{when: edit is not None, to: save}, {to: failed}]"),
        ("[{to: save}]", "[{when: edit == None, to: failed}, {to: save}]"),
        ("[{to: save}]", "[{when: edit.score > 3, to: save}, {to: failed}]"),
        ("success: next, fallback", "success: {a: save, b: failed}, fallback"),
        ("gives: m:Answer | None", "gives: m:Answer | None, accept: [m:revise]"),
        ("run: m:f, gives", "run: m:merge, with: {answers: []}, gives"),
    ],
)
def test_what_is_not_null_has_parts(compiled, old, new):
    """By its type, by a guard, by a label, by what looks at it, or by what its step says."""
    assert told(compiled(SPEC)) == [("states", "save", "with", "text")]
    assert told(compiled(SPEC.replace(old, new, 1))) == []


def test_a_guard_on_another_way_says_nothing(compiled):
    """Every way there has to ask."""
    text = SPEC.replace(
        "[{to: save}]", "[{when: edit is not None, to: save}, {when: len(edit) > 0, to: done}, {to: save}]"
    )

    assert told(compiled(text)) == [("states", "save", "with", "text")]


def test_who_has_read_a_part_has_shown_that_there_are_some(compiled):
    """One value that may be null is told where it is read first, not where it can only be there."""
    text = SPEC.replace("{end: success}", "{end: success, output: $edit.text}")
    on_fallback = text.replace(
        "success: done, fallback: failed}\n  done", "success: done, fallback: done}\n  done"
    )

    assert told(compiled(text)) == [("states", "save", "with", "text")]
    assert told(compiled(on_fallback)) == [("states", "save", "with", "text"), ("states", "done", "output")]
