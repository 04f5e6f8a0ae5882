"""The command that checks the library: check."""

from __future__ import annotations

from typing import Annotated

import typer

from photosearch.cli.app import app, opened
from photosearch.cli.output import printable, say
from photosearch.errors import PhotosearchError


@app.command()
def check(
    context: typer.Context,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended.")] = False,
) -> None:
    """Check that the library's files, rows and indexes belong together; ends with status 1 if something is wrong."""
    n_mended = n_left = 0
    with opened(context) as workspace:
        for problem in workspace.find_problems():
            about = f"{printable(problem.subject)}: {printable(problem.fact)}"
            if problem.repair is None or not repair:
                n_left += 1
                remedy = problem.remedy if problem.repair is None else f"with --repair {problem.remedy}"
                typer.echo(f"{about}; {remedy}.")
                continue
            try:
                problem.repair()
            except (PhotosearchError, OSError) as error:
                n_left += 1
                typer.echo(f"{about}; it cannot be mended: {printable(str(error))}")
            else:
                n_mended += 1
                typer.echo(f"{about}; mended: {problem.remedy}.")
    say(f"{n_mended} problems mended, {n_left} left." if n_mended or n_left else "Nothing is wrong with the library.")
    if n_left:
        raise typer.Exit(1)
