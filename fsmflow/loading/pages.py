"""The pages of what loading finds, in the form of the checks' own: `fsmflow explain` prints them.

These faults say that a text isn't in the language at all, so no comment excuses them.
"""

from __future__ import annotations

from collections.abc import Mapping

PAGES: Mapping[str, str] = {
    "absurd-cap": """\
A number that no workflow can mean.

Why is this bad?
    A cap of 0 allows nothing, a duration of nothing never passes, and a cap beyond all bounds is most
    often a slip of the finger.

What to do
    Give a sensible amount. A cap is at least 1, a duration more than nothing and at most 366 days. A `map`
    runs up to 1,000 children, and no more of them at a time, or to be tolerated, than there are.

Example::

    workflow: sample
    budget: {steps: 0}  # error: absurd-cap
    states:
      done: {end: success}
""",
    "bad-name": """\
A name that is no name.

Why is this bad?
    Names become those of functions, files and places in diagrams. Lookalike letters, keywords and
    dashes would make them something else there.

What to do
    Write a-z, 0-9 and _, begin with a letter, stay within 63 characters, and avoid Python's keywords
    and `__`. What people read stands in `title`.

Example::

    workflow: sample
    states:
      get-it: {wait: 1s, success: done}  # error: bad-name
      done: {end: success}
""",
    "bad-number": """\
A number that can't be held, or that is another number to another reader of YAML.

Why is this bad?
    `017` is 17 to one version of YAML and 15 to the other; `.inf` and numbers of many digits are no caps.

What to do
    Write a plain decimal number, or put it in quotes if it is text.

Example::

    workflow: sample
    budget: {steps: 017}  # error: bad-number
    states:
      done: {end: success}
""",
    "bad-reference": """\
A function that is not written `module:name`.

Why is this bad?
    Step functions are looked up by module and name; anything else could be made to lead elsewhere.

What to do
    Write letters, digits and `_`, each part beginning with a letter, with one colon: `ask_docs:draft`.

Example::

    workflow: sample
    states:
      draft:
        run: ask_docs.draft  # error: bad-reference
        success: done
        fallback: done
      done: {end: success}
""",
    "bad-title": """\
Prose that can't be shown.

Why is this bad?
    A title is drawn in diagrams and printed in reports, and a question is read by a person. A line break,
    or a character that can't be seen, would make it look like something else there.

What to do
    Write one line of at most 200 plain characters. Joiners may stand where a script needs them, as in
    Persian, Hindi and emoji.

Example::

    workflow: sample
    title: "one\\ntwo"  # error: bad-title
    states:
      done: {end: success}
""",
    "bad-value": """\
A value that is not one of those its key takes.

Why is this bad?
    Nothing is guessed: what is not in the language has no meaning.

What to do
    Write one of the values that the message lists. A duration has a unit: `200ms`, `5s`, `2min`, `1h`.

Example::

    workflow: sample
    states:
      done: {end: succes}  # error: bad-value
""",
    "duplicate-key": """\
One key twice in one mapping.

Why is this bad?
    Most readers of YAML keep the last one in silence, so the first is believed and not obeyed.

What to do
    Remove one of them, or rename it.

Example::

    workflow: sample
    states:
      done: {end: success}
      done: {end: failed}  # error: duplicate-key
""",
    "duplicate-workflow": """\
Two workflows of one name, or of names whose files would be the same.

Why is this bad?
    Runners, tests and diagrams are named after the workflow; one would overwrite the other's. The tests
    of `x_fsm` and the runner of `test_x` are both `test_x_fsm.py`.

What to do
    Give one of them another name in `workflow`.
""",
    "empty-document": """\
A spec in which nothing stands.

Why is this bad?
    There is no workflow to check.

What to do
    Begin with `fsmflow: 1` and `workflow: NAME`.
""",
    "forbidden-reference": """\
A step from a module that starts programs, imports, unpickles or touches the process.

Why is this bad?
    A spec is reviewed as data. If naming `os:system` were enough to run it, it would have to be
    reviewed as code.

What to do
    Write a function of your own that does what is needed, and name that.

Example::

    workflow: sample
    states:
      draft:
        run: os:system  # error: forbidden-reference
        success: done
        fallback: done
      done: {end: success}
""",
    "missing-key": """\
A key that its mapping needs.

Why is this bad?
    Without it the piece has no meaning, such as a step that does not say where its success leads.

What to do
    Add the key; the hint shows what one looks like.

Example::

    workflow: sample
    states:
      rest: {wait: 1s}  # error: missing-key
      done: {end: success}
""",
    "non-string-key": """\
A key that is no string.

Why is this bad?
    `2`, `true` and `null` are a number, a truth value and nothing in YAML, and no names.

What to do
    Put it in quotes if it is meant as text.

Example::

    workflow: sample
    states:
      done: {end: success}
      true: {end: failed}  # error: non-string-key
""",
    "not-a-mapping": """\
A spec that is no mapping.

Why is this bad?
    A spec is made of keys such as `workflow` and `states`; a list or a single value has none.

What to do
    Begin with `fsmflow: 1` and `workflow: NAME`.
""",
    "not-text": """\
Something that is no text in UTF-8, or a character that may not stand in a spec.

Why is this bad?
    Control characters, unusual line breaks and halves of characters look like nothing, or like other
    things, to whoever reviews the spec.

What to do
    Save the file as UTF-8. Inside double quotes a character can be written `"\\u2028"`.
""",
    "reserved-name": """\
A name that means something else where it stands.

Why is this bad?
    `input` and `error` are values of every run, `to` and `times` keys of an edge, `con` and `nul` devices
    on Windows. What an endpoint is told in any case, such as `messages`, is no option.

What to do
    Choose another name.

Example::

    workflow: sample
    states:
      error: {wait: 1s, success: done}  # error: reserved-name
      done: {end: success}
""",
    "several-documents": """\
Two documents in one file.

Why is this bad?
    The second one would be read by some programs and not by others.

What to do
    Put each workflow in a file of its own.
""",
    "suppression-without-reason": """\
A comment that excuses a diagnostic and does not say why.

Why is this bad?
    Whoever comes next can't tell whether the excuse still holds.

What to do
    Write the reason after the bracket: `# fsmflow: ignore[unbounded-loop] the queue is finite`.
""",
    "too-deep": """\
Values nested deeper than any spec needs.

Why is this bad?
    No workflow is written so; texts made to bring down a reader are.

What to do
    Let a step make such a value.
""",
    "too-large": """\
A spec, a list or a value that is larger than any spec needs.

Why is this bad?
    Nobody can review it, and reading it could take a program's memory.

What to do
    Split the workflow, and move long texts into the steps. Of children that run side by side there are at
    most 32; a `map` runs one workflow for each item of a list.
""",
    "too-many-errors": """\
More errors than are worth listing.

Why is this bad?
    The file is most likely something other than a spec.

What to do
    Mend the first ones and check again.
""",
    "too-many-states": """\
More states than can be checked in a reasonable time.

Why is this bad?
    Nobody can review such a machine either.

What to do
    Split it into several workflows.
""",
    "unknown-key": """\
A key that its mapping does not have.

Why is this bad?
    Most often it is misspelt, so that what it says is not done.

What to do
    Write the key that the hint names, or remove it. Each kind of state has keys of its own.

Example::

    workflow: sample
    states:
      rest: {wait: 1s, succes: done}  # error: unknown-key
      done: {end: success}
""",
    "unknown-kind": """\
A state of no kind, or of two.

Why is this bad?
    What a state does is told by its one defining key; without it, or with two, nothing can be told.

What to do
    Give it exactly one of `run`, `llm`, `choose`, `wait`, `ask`, `map`, `parallel`, `call` and `end`.

Example::

    workflow: sample
    states:
      rest:
        success: done  # error: unknown-kind
      done: {end: success}
""",
    "unreadable-file": """\
A file that is not there, that may not be read, that is no file, or that is a trace or a database.

Why is this bad?
    There is nothing to check.

What to do
    Look at the path and its permissions.
""",
    "unused-suppression": """\
A comment that excuses nothing.

Why is this bad?
    It makes readers believe in a fault that is not there, and will hide the next one.

What to do
    Remove it. It must stand on the line of the diagnostic, or alone on the line above.

Example::

    workflow: sample
    states:
      done: {end: success}  # fsmflow: ignore[unbounded-loop] it ends # warning: unused-suppression
""",
    "wrong-type": """\
A value of another type than its key takes.

Why is this bad?
    Nothing is converted: `"5"` is a string and no number, so that what is written is what is meant.

What to do
    Write what the message expects; the hint shows an example.

Example::

    workflow: sample
    budget: {steps: "20"}  # error: wrong-type
    states:
      done: {end: success}
""",
    "yaml-anchor": """\
An anchor or an alias.

Why is this bad?
    A few hundred bytes of aliases unfold into more than a memory holds, and a reader has to follow them.

What to do
    Write the value out where it is used.

Example::

    workflow: sample
    states:
      rest: {wait: &pause 1s, success: done}  # error: yaml-anchor
      done: {end: success}
""",
    "yaml-merge": """\
A merge key, `<<`.

Why is this bad?
    It belongs to an older YAML, its order of precedence surprises, and it can unfold without bounds.

What to do
    Write the keys out where they are used.

Example::

    workflow: sample
    states:
      done: {end: success, <<: {title: Done.}}  # error: yaml-merge
""",
    "yaml-syntax": """\
A text that is not YAML.

Why is this bad?
    Nothing can be read of it with certainty.

What to do
    Look at the place that is named and just before it: a bracket that is not closed, a tab, a colon or a
    quote too many. Text with `: ` or ` #` inside goes in quotes.
""",
    "yaml-tag": """\
A tag, such as `!!str` or `!include`.

Why is this bad?
    Tags make other readers of YAML build objects or read files; here they mean nothing.

What to do
    Leave it out: every value has the type that it is written as.

Example::

    workflow: sample
    title: !!str Sample.  # error: yaml-tag
    states:
      done: {end: success}
""",
}
"""The pages by name, in alphabetical order."""
