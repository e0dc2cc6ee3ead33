"""A text that looks as though the value that it names would be put in its place.

Why is this bad?
    Only what begins with `$` is read, and it is read whole. Any other text is passed on letter by letter:
    a step that takes a text takes `input.text` for one, and a person is asked about `{{ order }}`.

What to do
    Write `$input.text`, with nothing before or after it. Put texts together in a step or in a prompt;
    what a person should see of a value goes under `show`. Where the text is meant as it stands, say so
    with `# fsmflow: ignore[reference-as-text] why`.

Example::

    fsmflow: 1
    workflow: sample
    states:
      draft:
        run: m:f
        with:
          question: input.text  # warning: reference-as-text
          greeting: Dear $input.name,  # warning: reference-as-text
          price: about $5
        effect: none
        success: approve
        fallback: failed
      approve:
        ask: Send {{ draft }}?  # warning: reference-as-text
        gives: str
        timeout: 7d
        success: done
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.analysis.kinds.fits import fits
from fsmflow.analysis.reads import givers, templates, texts
from fsmflow.diagnostics import Diagnostic, Severity
from fsmflow.loading.names import shown
from fsmflow.source import Route
from fsmflow.typeexpr import TypeName

_PATH = r"([a-z][a-z0-9_]*)((?:\.[A-Za-z][A-Za-z0-9_]*)*)"
_WHOLE = re.compile(r"([a-z][a-z0-9_]*)((?:\.[A-Za-z][A-Za-z0-9_]*)+)")
_WITHIN = re.compile(rf"\{{\{{ *{_PATH} *\}}\}}|\$\{{?{_PATH}")


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find texts, in what is passed on and asked, that name a value and are no references."""
    known = frozenset({*givers(analysis.workflow), "input"})
    for name, state in analysis.workflow.states.items():
        refused = set(_refused(analysis, state, ("states", name, "with")))
        for use, data, route in templates(state, ("states", name)):
            here = known | {"item"} if isinstance(state, spec.Map) else known
            for text, place in texts(data, route) if use != "over" else ():
                if not text.startswith("$") and place not in refused:
                    yield from _told(text, place, here)
        if isinstance(state, spec.Ask):
            yield from _asked(state.ask, ("states", name, "ask"), known)


def _refused(analysis: Analysis, state: spec.State, route: Route) -> Iterator[Route]:
    """Give the places of arguments that may be no text at all, which `type-mismatch` tells."""
    signature = analysis.values.signature(state.run) if isinstance(state, spec.Run) else None
    for parameter in () if signature is None else signature.parameters:
        if not fits(analysis.modules, TypeName("", "str"), parameter.type):
            yield (*route, parameter.name)


def _told(text: str, route: Route, known: frozenset[str]) -> Iterator[Diagnostic]:
    whole = _WHOLE.fullmatch(text)
    if whole is not None and whole[1] in known:
        yield _diagnostic(text, route, f"did you mean `${text}`?")
    elif named := _named(text, known):
        hint = f"pass `${named}` alone, and put the text together in the step"
        if text.strip("{} ") == named:
            hint = f"did you mean `${named}`?"
        yield _diagnostic(text, route, hint)


def _asked(text: str, route: Route, known: frozenset[str]) -> Iterator[Diagnostic]:
    if named := _named(text, known):
        key = named.rpartition(".")[2]
        yield _diagnostic(text, route, f"show it beside the question: `show: {{{key}: ${named}}}`")


def _named(text: str, known: frozenset[str]) -> str:
    """Give the first value that a text names as a template would, with the path into it; else nothing."""
    for braced, below, dollar, path in _WITHIN.findall(text):
        if (braced or dollar) in known:
            return f"{braced or dollar}{below or path}"
    return ""


def _diagnostic(text: str, route: Route, hint: str) -> Diagnostic:
    message = f"`{shown(text)}` is passed on as it stands: no value is put into a text"
    return Diagnostic("reference-as-text", message, route, Severity.WARNING, hint=hint)
