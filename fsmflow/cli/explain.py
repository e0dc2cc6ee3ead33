"""`fsmflow explain`."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import click

from fsmflow.diagnostics import nearest


@click.command("explain")
@click.argument("name", metavar="[CHECK | KEY | plan]", required=False)
def command(name: str | None) -> None:
    """Print the page of a check: what it finds, why that is bad, and what to do.

    Or that of a key of the language, such as `llm`, `retry` or `budget`: what may stand under it.

    `plan` is the page of the files that `fsmflow run --plan` takes. Without a name, list all pages.
    """
    from fsmflow import checks
    from fsmflow.loading import reference
    from fsmflow.loading.pages import PAGES
    from fsmflow.testing.plan_page import PAGE

    found = {check: (module.__doc__ or "").strip() for check, module in checks.all_checks().items()}
    if not all(found.values()):
        raise click.UsageError("the pages are docstrings, which -OO and PYTHONOPTIMIZE=2 leave out")
    language, of_checks = reference.pages(), dict(sorted({**PAGES, **found}.items()))
    beside = {"plan": PAGE.strip()}
    if name is None:
        click.echo("The language\n")
        _list(language)
        click.echo("\nBeside it\n")
        _list(beside)
        click.echo("\nThe checks\n")
        _list(of_checks)
        return
    pages = reference.keys() | language | beside | of_checks
    if name not in pages:
        name = name.lower()
    if name not in pages:
        near = nearest(name, pages)
        hint = "`fsmflow explain` lists them" if near is None else f"did you mean `{near}`?"
        click.echo(f"neither a check nor a key: {name!r}; {hint}", err=True)
        sys.exit(2)
    click.echo(f"{name}\n{'=' * len(name)}\n\n{pages[name]}")


def _list(pages: Mapping[str, str]) -> None:
    width = max(map(len, pages))
    for name, page in pages.items():
        click.echo(f"  {name:{width}}  {page.splitlines()[0]}")
