"""The commands about API tokens: token create, token list, token revoke."""

from __future__ import annotations

from typing import Annotated

import typer

from photosearch.access.tokens import Tokens
from photosearch.cli.app import Format, FormatOption, app
from photosearch.cli.output import print_json, printable, say
from photosearch.settings import Settings

token = typer.Typer(help="Make, list and revoke tokens, by which programs use the HTTP API.", no_args_is_help=True)
app.add_typer(token, name="token")
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="What the token is called, such as its program.")]


@token.command()
def create(
    context: typer.Context,
    name: NameArgument,
    write: Annotated[bool, typer.Option("--write", help="Let it change things, too, not only read.")] = False,
) -> None:
    """Make a token and print it; only its hash is kept."""
    settings: Settings = context.obj
    typer.echo(Tokens(settings.library_dir).create(name, may_write=write))
    say("Keep it now: it is not shown again. Send it as a header: Authorization: Bearer TOKEN")


@token.command("list")
def list_tokens(context: typer.Context, format: FormatOption = Format.TEXT) -> None:
    """List the tokens: name, what it may do, when it was made."""
    settings: Settings = context.obj
    tokens = Tokens(settings.library_dir).all()
    if format is Format.JSON:
        print_json([{"name": t.name, "write": t.may_write, "created": t.created} for t in tokens])
        return
    for made in tokens:
        typer.echo(f"{printable(made.name)}\t{'read and write' if made.may_write else 'read'}\t{made.created}")


@token.command()
def revoke(context: typer.Context, name: NameArgument) -> None:
    """Revoke a token: it is refused from now on."""
    settings: Settings = context.obj
    Tokens(settings.library_dir).revoke(name)
    say(f'The token "{printable(name)}" is refused from now on.')
