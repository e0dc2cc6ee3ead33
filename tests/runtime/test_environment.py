"""What stands in the environment that is secret is found once, until something changes."""

from __future__ import annotations

import os

import pytest

from fsmflow.runtime import environment

KEY = "sk-0123456789"


def test_a_key_is_found_as_soon_as_it_is_set_and_until_it_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set, changed or removed after a look at the environment counts at the next one."""
    monkeypatch.setenv("EXAMPLE_API_KEY", KEY)
    assert KEY in environment.secrets()
    monkeypatch.setenv("EXAMPLE_API_KEY", "another-0123")
    assert KEY not in environment.secrets()
    assert "another-0123" in environment.secrets()
    monkeypatch.delenv("EXAMPLE_API_KEY")
    assert "another-0123" not in environment.secrets()


def test_an_environment_that_is_another_object_is_looked_at_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stands in the place of `os.environ` is read."""
    monkeypatch.setattr(os, "environ", {"EXAMPLE_TOKEN": KEY, "EXAMPLE": "not-a-secret", "A_KEY": "short"})
    assert environment.secrets() == (KEY,)


def test_variables_are_not_looked_through_again_where_none_has_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A second look at the same environment asks no variable for its name."""
    monkeypatch.setenv("EXAMPLE_API_KEY", KEY)
    found = environment.secrets()

    def fail() -> None:
        raise AssertionError("looked through again")

    monkeypatch.setattr(environment, "_found", fail)
    assert environment.secrets() == found
