"""`fsmflow explain`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import resources

import click

from fsmflow.diagnostics import nearest


@click.command("explain")
@click.argument("name", metavar="[CHECK | KEY | TOPIC]", required=False)
def command(name: str | None) -> None:
    """Print the page of a check: what it finds, why that is bad, and what to do.

    Or that of a key of the language, such as `llm`, `retry` or `budget`: what may stand under it.

    Or that of a topic, such as `durable`, `models` or `python`. Without a name, list all pages.
    """
    from fsmflow.loading import reference
    from fsmflow.testing.plan_page import PAGE

    language, of_checks = reference.pages(), pages_of_checks()
    if not all(of_checks.values()):
        raise click.UsageError("the pages are docstrings, which -OO and PYTHONOPTIMIZE=2 leave out")
    topics = dict(sorted({**_topics(), "plan": PAGE.strip()}.items()))
    if name is None:
        click.echo("The language\n")
        _list(language)
        click.echo("\nTopics\n")
        _list(topics)
        click.echo("\nThe checks\n")
        _list(of_checks)
        return
    pages = reference.keys() | language | topics | of_checks
    if name not in pages:
        name = name.lower()
    if name not in pages:
        near = nearest(name, pages)
        hint = "`fsmflow explain` lists them" if near is None else f"did you mean `{near}`?"
        click.echo(f"there is no page on {name!r}; {hint}", err=True)
        sys.exit(2)
    click.echo(f"{name}\n{'=' * len(name)}\n\n{pages[name]}")


def pages_of_checks() -> dict[str, str]:
    """Give what there is to tell of each thing that `check` finds; under -OO, of some, nothing."""
    from fsmflow import checks
    from fsmflow.loading.pages import PAGES

    found = {check: (module.__doc__ or "").strip() for check, module in checks.all_checks().items()}
    return dict(sorted({**PAGES, **found}.items()))


def _topics() -> Mapping[str, str]:
    """Read the pages that the README leads to, by their names."""
    folder = resources.files("fsmflow.cli") / "pages"
    files = (file for file in folder.iterdir() if file.name.endswith(".md"))
    return {file.name.removesuffix(".md"): file.read_text(encoding="utf-8").strip() for file in files}


def _list(pages: Mapping[str, str]) -> None:
    width = max(map(len, pages))
    for name, page in pages.items():
        click.echo(f"  {name:{width}}  {page.splitlines()[0]}")
