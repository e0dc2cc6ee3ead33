"""Every check's page holds an example, and what its comments announce is all that is said of it."""

from __future__ import annotations

import textwrap

import pytest

from fsmflow.checks import all_checks
from tests.checks.marks import marked, said_of

CHECKS = all_checks()


def example_of(page: str) -> str:
    """Take the example out of a page."""
    return textwrap.dedent(page.partition("Example::\n")[2]).strip("\n") + "\n"


@pytest.mark.parametrize("check", CHECKS)
def test_the_example_shows_the_flaw(check, compiled):
    """A check's example has the diagnostics that it is marked with, and no others."""
    text = example_of(CHECKS[check].__doc__)

    assert marked(text) == said_of(compiled(text))


@pytest.mark.parametrize("check", CHECKS)
def test_the_page_is_whole(check):
    """A page says why the flaw is bad and what to do, and marks a line of its example with its own name."""
    page = CHECKS[check].__doc__

    assert "\nWhy is this bad?\n" in page
    assert "\nWhat to do\n" in page
    assert check in [name for _, _, name in marked(example_of(page))]
