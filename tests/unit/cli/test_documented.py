"""Every command, option and setting is in the README."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from photosearch.cli import app
from photosearch.settings import SETTINGS

README = (Path(__file__).resolve().parents[3] / "README.md").read_text(encoding="utf-8")
PROGRAM = typer.main.get_command(app)
OPTIONS = sorted(
    {option for command in (PROGRAM, *PROGRAM.commands.values()) for p in command.params for option in p.opts}
)


@pytest.mark.parametrize("command", sorted(PROGRAM.commands))
def test_every_command_is_in_the_readme(command: str) -> None:
    assert re.search(rf"`{command}\b", README)


@pytest.mark.parametrize("option", [option for option in OPTIONS if option.startswith("-")])
def test_every_option_is_in_the_readme(option: str) -> None:
    assert re.search(rf"(?<![\w-]){option}(?![\w-])", README)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_is_in_the_readme_with_its_variable(setting) -> None:
    assert re.search(rf"\| `{setting.name}` \|.*`{setting.variable}`", README)
