"""The commands for Instagram sessions: login, logout."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from photosearch.cli.app import WrongUsage, app, opened
from photosearch.cli.output import program, say
from photosearch.errors import PhotosearchError, SourceError
from photosearch.sources.instagram.profile import LOGIN_WARNING


@app.command()
def login(
    context: typer.Context,
    user: Annotated[str | None, typer.Argument(help="The Instagram user; the password is asked for.")] = None,
    browser: Annotated[str | None, typer.Option(help="Copy the session from this browser: firefox, chrome ...")] = None,
    session: Annotated[Path | None, typer.Option(help="Copy the session from this file of instaloader's.")] = None,
) -> None:
    """Save an Instagram session, for profiles that are not public. The password is not saved."""
    from photosearch.sources.instagram import access

    if sum(option is not None for option in (user, browser, session)) != 1:
        raise WrongUsage("Give one of these: a user, --browser NAME, --session FILE.")
    with opened(context) as workspace:
        folder = workspace.instagram_folder()
        say(LOGIN_WARNING)
        note = ""
        if browser is not None:
            saved = access.from_browser(folder, browser)
            name, note = saved.user, saved.note
        elif session is not None:
            saved = access.import_session(folder, session)
            name, note = saved.user, saved.note
        else:
            name = access.log_in(folder, user or "", _ask("Password", hidden=True), lambda: _ask("Two-factor code"))
    if note:
        say(note)
    say(f"Logged in as {name}. Use it with: {program()} add instagram:PROFILE --login {name}")


def _ask(what: str, *, hidden: bool = False) -> str:
    try:
        return str(typer.prompt(what, hide_input=hidden, err=True))
    except typer.Abort as error:
        raise SourceError(f"{what}: nothing was entered.") from error


@app.command()
def logout(context: typer.Context, user: Annotated[str, typer.Argument(help="The Instagram user.")]) -> None:
    """Delete a saved Instagram session."""
    from photosearch.sources.instagram import access

    with opened(context) as workspace:
        if not access.forget(workspace.instagram_folder(), user):
            saved = ", ".join(access.users(workspace.instagram_folder())) or "none"
            raise PhotosearchError(f'There is no saved session of "{user}". Saved sessions: {saved}.')
    say(f"The session of {user} was deleted.")
