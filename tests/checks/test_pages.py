"""Every name that a diagnostic can have has a page."""

from __future__ import annotations

import pytest

from fsmflow.checks import all_checks
from fsmflow.compiler import compile_file
from fsmflow.loading.pages import PAGES
from fsmflow.loading.suppression import STRUCTURAL
from tests.checks.marks import marked, said_of
from tests.checks.test_examples import example_of


def test_every_fault_of_loading_has_a_page():
    """What loading can find has a page, and the pages stand in order."""
    assert set(PAGES) >= STRUCTURAL
    assert list(PAGES) == sorted(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_a_page(name, tmp_path):
    """A page has its sections, and its example, if it has one, shows the fault and nothing else."""
    page = PAGES[name]

    assert "\nWhy is this bad?\n    " in page
    assert "\nWhat to do\n    " in page
    if "Example::" in page:
        text = example_of(page)
        (tmp_path / "spec.yaml").write_text(text, encoding="utf-8")
        said = said_of(compile_file(tmp_path / "spec.yaml"))
        assert name in [check for _, _, check in said]
        assert marked(text) == said


@pytest.mark.parametrize("page", [*PAGES.values(), *(m.__doc__ for m in all_checks().values())])
def test_a_page_fits_a_terminal(page):
    """A page begins with a sentence and is at most 110 characters wide."""
    assert page.splitlines()[0].endswith(".")
    assert max(map(len, page.splitlines())) <= 110
