"""A real browser to open pages in, with a record of all that they try to do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


@define
class Record:
    """What the pages of a browser asked for and said.

    Attributes:
        requests: The URLs that were asked for.
        dialogs: The words of the dialogs that were opened.
        errors: Exceptions that no script caught, and errors on the console.
    """

    requests: list[str] = field(factory=list)
    dialogs: list[str] = field(factory=list)
    errors: list[str] = field(factory=list)

    @property
    def beyond_the_file(self) -> list[str]:
        """The requests for anything but a file, and beyond the first of these."""
        files = [url for url in self.requests if url.startswith("file:")]
        return [url for url in self.requests if not url.startswith("file:")] + files[1:]


@define
class Browser:
    """A headless Chromium."""

    _chromium: Any

    @contextmanager
    def open(
        self, path: Path, *, dark: bool = False, scripts: bool = True, width: int = 1280, height: int = 900
    ) -> Iterator[tuple[Any, Record]]:
        """Open a file in a window of its own: give the page of Playwright, and what it does."""
        record = Record()
        context = self._chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("request", lambda request: record.requests.append(request.url))
        page.on("dialog", lambda dialog: (record.dialogs.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error: record.errors.append(str(error)))
        page.on(
            "console",
            lambda message: record.errors.append(message.text) if message.type == "error" else None,
        )
        try:
            page.goto(path.resolve().as_uri())
            yield page, record
        finally:
            context.close()


@contextmanager
def browser() -> Iterator[Browser]:
    """Start Chromium. Where it or Playwright is missing the test is skipped, with the reason."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield Browser(chromium)
        finally:
            chromium.close()
