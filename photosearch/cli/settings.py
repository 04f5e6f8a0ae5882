"""The command that shows settings: settings."""

from __future__ import annotations

from dataclasses import replace

import typer

from photosearch.cli.app import Format, FormatOption, app
from photosearch.cli.output import print_json, printable, say
from photosearch.settings import InForce, Settings, settings_in_force, settings_path


@app.command()
def settings(context: typer.Context, format: FormatOption = Format.TEXT) -> None:
    """Print each setting that holds, and where it comes from: a variable, photosearch.toml, or built in."""
    chosen: Settings = context.obj
    held = settings_in_force()
    for i, one in enumerate(held):
        if one.setting.name == "library" and one.value != chosen.library_dir:
            held[i] = replace(one, value=chosen.library_dir, origin="--library")
    if format is Format.JSON:
        print_json([{"name": one.setting.name, "value": _shown(one), "from": one.origin} for one in held])
        return
    path = settings_path()
    say(f"Settings file: {path}{'' if path.exists() else ' (there is none)'}")
    for one in held:
        value = _shown(one)
        shown = (
            ", ".join(value) if isinstance(value, list) else str(value).lower() if isinstance(value, bool) else value
        )
        typer.echo(f"{one.setting.name:15} {printable(shown) or '-'}  ({printable(one.origin)})")


def _shown(held: InForce) -> str | bool | list[str]:
    """Return a value as JSON has it; a secret only says that it is set."""
    if held.setting.is_secret:
        return "set, not shown" if held.value else ""
    if isinstance(held.value, bool):
        return held.value
    return list(held.value) if isinstance(held.value, tuple) else str(held.value)
