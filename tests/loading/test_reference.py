"""The language, to be read: a page for each kind of state, and for each mapping that stands in one."""

from __future__ import annotations

import re

import attrs
import pytest

from fsmflow import spec
from fsmflow.loading.converter import keys_of
from fsmflow.loading.reference import TOPICS, pages

MAPPINGS = [cls for cls in vars(spec).values() if attrs.has(cls) and cls not in (spec.Duration, spec.Money)]


def test_every_kind_of_state_has_a_page() -> None:
    """Whatever a state can be is a topic."""
    assert spec.KINDS.keys() <= TOPICS.keys()


@pytest.mark.parametrize("cls", MAPPINGS, ids=lambda cls: cls.__name__)
def test_every_key_of_the_language_is_told(cls: type) -> None:
    """Each key of each mapping stands on a page, with an example and in a sentence."""
    assert any(_tells(page, cls) for page in pages().values())


def _tells(page: str, cls: type) -> bool:
    told = " ".join(page.split())
    return all(
        re.search(rf"^  {key}: \S.*\n      \S", page, re.MULTILINE) and attribute.metadata["help"] in told
        for key, attribute in keys_of(cls).items()
    )


def test_a_page_says_what_is_needed_and_what_else_is_meant() -> None:
    """A key that must be there is told from one that need not, which tells what it means if it is not."""
    page = pages()["retry"]

    assert "  times: 3   (needed)\n" in page
    assert "  backoff: 200ms   (unless said: 1s)\n" in page
    assert "  else: quote\n" in page


def test_a_page_leads_to_others() -> None:
    """What stands under a key is told where it has a page of its own, or else on the same one."""
    assert "See `retry`." in pages()["run"]
    assert "In `choose`: One arm of a choice.\n\n  when: " in pages()["choose"]


def test_a_page_tells_what_there_is_to_pick_from() -> None:
    """A key that takes one of a few words lists them."""
    assert "One of `success`, `degraded`, `handoff`, `failed`." in " ".join(pages()["end"].split())
