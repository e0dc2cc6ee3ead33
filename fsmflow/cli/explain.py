"""`fsmflow explain`."""

from __future__ import annotations

import sys

import click

from fsmflow.diagnostics import did_you_mean


@click.command("explain")
@click.argument("name", metavar="CHECK", required=False)
def command(name: str | None) -> None:
    """Print the page of CHECK: what it finds, why that is bad, and what to do.

    Without CHECK, list every check.
    """
    from fsmflow import checks
    from fsmflow.loading.pages import PAGES

    found = {check: (module.__doc__ or "").strip() for check, module in checks.all_checks().items()}
    if not all(found.values()):
        raise click.UsageError("the pages are docstrings, which -OO and PYTHONOPTIMIZE=2 leave out")
    pages = dict(sorted({**PAGES, **found}.items()))
    if name is None:
        width = max(map(len, pages))
        for check, page in pages.items():
            click.echo(f"{check:{width}}  {page.splitlines()[0]}")
        return
    if name not in pages:
        click.echo(f"no check {name!r}; {did_you_mean(name, pages)}", err=True)
        sys.exit(2)
    click.echo(f"{name}\n{'=' * len(name)}\n\n{pages[name]}")
